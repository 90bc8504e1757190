"""The 100 and the 1000+ theorems: the format's quirks, broken files, and the real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest import theorems
from ingest.fetch import Fetcher
from mathgloss import ids
from mathgloss.config import Settings
from mathgloss.errors import ParseError
from mathgloss.model import FormalLink, ParsedSource, Reference, Term
from tests.conftest import raw_file

FIXTURES = Path(__file__).parent / "fixtures" / "mathlib"
HUNDRED = "1:\n  title: First\n"
THOUSAND = "Q7:\n  title: Seventh\n"


def parse(tmp_path: Path, hundred: str = HUNDRED, thousand: str = THOUSAND) -> ParsedSource:
    files = []
    for name, content in (("100.yaml", hundred), ("1000.yaml", thousand)):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        files.append(raw_file(path))
    return theorems.parse(files)


@pytest.fixture(scope="module")
def parsed() -> ParsedSource:
    return theorems.parse([raw_file(FIXTURES / name) for name in ("100.yaml", "1000.yaml")])


def term(parsed: ParsedSource, curie: str) -> Term:
    return next(term for term in parsed.terms if term.id == curie)


def test_both_files_give_terms_with_prefixes_of_their_own(parsed: ParsedSource) -> None:
    assert [term.id for term in parsed.terms] == [
        "thm100:1",
        "thm100:2",
        "thm100:3",
        "thm1000:Q1000001",
        "thm1000:Q1000002X",
        "thm1000:Q1000003",
    ]
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)


def test_entities_in_titles_are_decoded(parsed: ParsedSource) -> None:
    assert term(parsed, "thm1000:Q1000001").labels[0].text == "Lax–Widget theorem"


def test_the_key_is_the_reference_unless_it_has_a_letter_behind(parsed: ParsedSource) -> None:
    assert term(parsed, "thm1000:Q1000003").references == (
        Reference(target="wd:Q1000003", via="key"),
    )
    assert term(parsed, "thm1000:Q1000002X").references == ()
    assert term(parsed, "thm100:1").references == ()


def test_declarations_statement_url_and_links_are_formal_links(parsed: ParsedSource) -> None:
    assert [link.declaration for link in term(parsed, "thm100:2").formal] == [
        "Theorems100.«82».no_gadget",
        "Gadget.not_exists",
    ]
    assert term(parsed, "thm100:3").formal == (
        FormalLink(declaration=None, url="https://example.org/proof.lean"),
        FormalLink(declaration=None, url="https://example.org/"),
    )
    assert [(link.declaration, link.url) for link in term(parsed, "thm1000:Q1000003").formal] == [
        (
            "GadgetLast",
            "https://leanprover-community.github.io/mathlib4_docs/find/?pattern=GadgetLast#doc",
        ),
        (None, "https://example.org/gadget.lean"),
    ]


def test_of_a_repeated_field_the_first_counts(parsed: ParsedSource) -> None:
    assert [link.declaration for link in term(parsed, "thm1000:Q1000001").formal] == ["Widget.lax"]
    (rejection,) = parsed.rejections
    assert rejection.reason == "duplicate key"
    assert rejection.where == "1000.yaml: line 4"
    assert "Widget.lax_strong" in rejection.got


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("P31:\n  title: Property\n", "not a Wikidata item"),
        ("Q8XY:\n  title: Two letters\n", "not a Wikidata item"),
        ("Q8:\n  decl: Eighth\n", "no label"),
        ("Q8:\n  title: ''\n", "no label"),
        ("Q8:\n  title: [a, b]\n", "no label"),
        ("Q8: Eighth\n", "no label"),
        ('Q8:\n  title: "bell \\x07"\n', "name: control characters"),
        ("Q7:\n  title: Again\n", "duplicate key"),
        ("Q8:\n  title: Eighth\n  decl: two words\n", "neither a declaration nor a URL"),
        ("Q8:\n  title: Eighth\n  decls: [[A]]\n", "not a plain value"),
        ("Q8:\n  title: Eighth\n  url: ftp://example.org/\n", "neither a declaration nor a URL"),
        ("Q8:\n  title: Eighth\n  proof: yes\n", "unknown field"),
    ],
)
def test_each_kind_of_bad_row_or_part_is_counted(tmp_path: Path, extra: str, reason: str) -> None:
    parsed = parse(tmp_path, thousand=THOUSAND + extra)
    assert parsed.rejected_by_reason() == {reason: 1}
    assert parsed.rejections[0].where.startswith("1000.yaml: line ")


def test_a_key_of_the_hundred_is_a_number(tmp_path: Path) -> None:
    parsed = parse(tmp_path, hundred=HUNDRED + "one:\n  title: Second\n")
    assert parsed.rejected_by_reason() == {"not a number": 1}


@pytest.mark.parametrize(
    ("thousand", "got"),
    [
        ("<html></html>", "a scalar"),
        ("- title: Seventh\n", "a listing"),
        ("Q7:\n  name: Seventh\n", "1 row(s), none with a title"),
        ("Q7:\n  title: 'Sev", "ScannerError"),
        ("", "a scalar"),
    ],
)
def test_an_unusable_file_is_refused_with_what_was_found(
    tmp_path: Path, thousand: str, got: str
) -> None:
    with pytest.raises(ParseError) as caught:
        parse(tmp_path, thousand=thousand)
    assert got in caught.value.got
    assert "1000.yaml" in caught.value.where


@pytest.mark.mirror
def test_the_real_files() -> None:
    fetcher = Fetcher(Settings(mirror=Path(os.environ["MATHGLOSS_MIRROR"])))
    parsed = theorems.SOURCE.parse(theorems.SOURCE.fetch(fetcher))
    assert (parsed.read, len(parsed.terms)) == (1300, 1299)
    assert parsed.rejected_by_reason() == {"duplicate key": 1}
    assert "IsSemisimpleRing.exists_algEquiv_pi_matrix_divisionRing" in parsed.rejections[0].got
    prefixes = [term.id.partition(":")[0] for term in parsed.terms]
    assert (prefixes.count("thm100"), prefixes.count("thm1000")) == (100, 1199)
    assert sum(len(term.references) for term in parsed.terms) == 1179
    links = [link for term in parsed.terms for link in term.formal]
    assert sum(link.declaration is None for link in links) == 14 + 18
    assert sum(link.declaration is not None for link in links) == 102 + 1 + 229 + 1
    assert not any("&" in term.labels[0].text for term in parsed.terms)
    assert term(parsed, "thm1000:Q1119094").labels[0].text == "Paley–Wiener theorem"
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)
