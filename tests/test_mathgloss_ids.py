"""Identifiers: CURIEs, IRIs and pages."""

from __future__ import annotations

import pytest

from mathgloss import ids
from mathgloss.errors import InputError


@pytest.mark.parametrize(
    ("curie", "iri"),
    [
        ("wd:Q181296", "http://www.wikidata.org/entity/Q181296"),
        ("nlab:abelian+group", "https://ncatlab.org/nlab/show/abelian+group"),
        ("chicago:abelian_group", "https://mathgloss.github.io/MathGloss/chicago/abelian_group"),
        ("syllabus:group-theory/abelian-group", ids.BASE + "syllabus/group-theory/abelian-group"),
        ("arxiv:2210.06545", "https://arxiv.org/abs/2210.06545"),
        ("mathworld:AbelianGroup", "https://mathworld.wolfram.com/AbelianGroup"),
    ],
)
def test_curie_and_iri_are_inverse(curie: str, iri: str) -> None:
    assert ids.iri(curie) == iri
    assert ids.curie(iri) == curie


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Q181296", "wd:Q181296"),
        (" wd:Q181296 ", "wd:Q181296"),
        ("https://www.wikidata.org/wiki/Q181296", "wd:Q181296"),
        ("https://www.wikidata.org/entity/Q181296", "wd:Q181296"),
        ("http://www.wikidata.org/entity/Q181296", "wd:Q181296"),
        ("nlab:abelian group", "nlab:abelian+group"),
        ("nlab:étale+space", "nlab:%C3%A9tale+space"),
        ("https://ncatlab.org/nlab/show/%C3%A9tale+space", "nlab:%C3%A9tale+space"),
        ("lean:LinearMap.ker", "lean:LinearMap.ker"),
    ],
)
def test_every_spelling_of_an_identifier_is_understood(typed: str, canonical: str) -> None:
    assert ids.canonical(typed) == canonical


@pytest.mark.parametrize("typed", ["wd:181296", "wd:Q0", "wd:Q12x", "nothing:x", "abelian", ""])
def test_what_is_no_identifier_is_refused_with_what_is_expected(typed: str) -> None:
    with pytest.raises(InputError, match="expected"):
        ids.canonical(typed)


def test_an_unknown_prefix_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"prefixes: arxiv, .*wd"):
        ids.split_curie("foo:bar")


@pytest.mark.parametrize(
    ("curie", "url"),
    [
        ("wd:Q5", "https://www.wikidata.org/wiki/Q5"),
        ("mathworld:AbelianGroup", "https://mathworld.wolfram.com/AbelianGroup.html"),
        ("metamath:df-abl", "https://us.metamath.org/mpeuni/df-abl.html"),
        ("enwiki:Group_(mathematics)", "https://en.wikipedia.org/wiki/Group_(mathematics)"),
    ],
)
def test_page_of_an_identifier(curie: str, url: str) -> None:
    assert ids.page_url(curie) == url


def test_slug_folds_and_cuts_at_words() -> None:
    assert ids.slug("Schrödinger's $L^2$ Bridge") == "schrodinger-s-l-2-bridge"
    assert ids.slug("word " * 40, limit=12) == "word-word"
    assert ids.slug("中文") == "中文"


def test_qids() -> None:
    assert ids.is_qid("Q1")
    assert not ids.is_qid("Q01")
    assert ids.find_qids("see Q12 and Q3, not Q12 again") == ["Q12", "Q3"]


@pytest.mark.parametrize(
    "curie",
    [
        "wd:Q181296",
        "nlab:Poincar%C3%A9+line+bundle",
        "chicago:generate_a_σ-algebra",
        "enwiki:Cauchy–Hadamard_theorem",
        "syllabus:group-theory/abelian-group",
        "mulima:0677022e",
    ],
)
def test_an_iri_leads_back_to_its_curie(curie: str) -> None:
    assert ids.curie(ids.iri(curie)) == curie
    assert ids.iri(curie).isascii()
