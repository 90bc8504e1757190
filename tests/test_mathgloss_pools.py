"""The catalogues as a file of a snapshot: what is read links as what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.refresh import Outcome
from mathgloss.answers.matching import ANY_LANGUAGE, TermMatcher
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.errors import DataNotFoundError
from mathgloss.graph.snapshot import open_manifest
from mathgloss.graph.sources import term_sources
from mathgloss.io.arrays import write_arrays
from mathgloss.linking.align import align
from mathgloss.linking.candidates import Query
from mathgloss.linking.catalogue import UNKNOWN_STANDING, Catalogue, Names, items
from mathgloss.linking.linker import Linker
from mathgloss.linking.packed import Postings
from mathgloss.linking.pools import POOLS, Pool, make_pools, read_pool, write_pools
from mathgloss.linking.setup import linking_setup
from mathgloss.linking.trigrams import TrigramIndex
from mathgloss.model import Concept

World = tuple[Settings, Outcome]
Pools = Mapping[Pool, Catalogue]

ODD = (
    "", " ", "$", "a", "s", "the", "!", "(())", "x" * 500, "group group group", "matrix rank",
    "rank of a matrix", r"$\sigma$-algebra", "Group (mathematics)", "group (theory)",
    "field (physics)", "ring (ring)", "comeager", "left module", "abelain gruop", "anneau",
    "l'anneau", "Gruppe", "环", "群", "\u0627\u0644", "Normal subgroup (group theory)",
)  # fmt: skip
LANGUAGES = (ANY_LANGUAGE, "en", "fr", "zh", "mul", "xx", "pt-BR")


@pytest.fixture(scope="module")
def made(world: World) -> Pools:
    """The catalogues of the small world, made anew from its records."""
    settings = world[0]
    sources = term_sources(settings.layout, open_manifest(settings.layout))
    alignment = align(sources, linking_setup(settings).model)
    return make_pools(sources, alignment.concepts, alignment.items)


@pytest.fixture(scope="module")
def read(answers: Answers) -> Pools:
    """The catalogues that the build stored with the small world's snapshot."""
    return {pool: read_pool(answers.snapshot.path / POOLS, pool) for pool in Pool}


def matcher(pools: Pools) -> TermMatcher:
    return TermMatcher(pools[Pool.ITEMS], pools[Pool.MINTED])


def pairs(made: Pools, read: Pools) -> list[tuple[Catalogue, Catalogue]]:
    """Each catalogue as it was made and as it is read."""
    return [(made[pool], read[pool]) for pool in Pool]


@pytest.fixture(scope="module")
def queries(made: Pools) -> list[Query]:
    """Every name of every concept, some with a slip of the pen or no language, and odd ones."""
    names = sorted({(name.text, name.lang) for pool in Pool for name in made[pool].names})
    slips = [(text[:2] + text[3:], lang) for text, lang in names[::20]]
    foreign = [(text, ANY_LANGUAGE) for text, _ in names[10::20]]
    odd = [(text, lang) for text in ODD for lang in LANGUAGES]
    return [Query(text, lang) for text, lang in [*names, *slips, *foreign, *odd]]


def test_all_concepts_are_in_one_of_them(read: Pools, answers: Answers) -> None:
    held = [*read[Pool.ITEMS].ids, *read[Pool.MINTED].ids]
    assert len(held) == len(set(held))
    assert set(answers.facts.concepts) <= set(held)
    assert all(name.startswith("wd:") for name in read[Pool.ITEMS].ids)
    assert read[Pool.MINTED].ids
    assert (read[Pool.MINTED].standing == UNKNOWN_STANDING).all()


def test_stored_catalogues_hold_what_was_made(made: Pools, read: Pools) -> None:
    for one, other in pairs(made, read):
        assert other.ids == one.ids
        assert list(other.names) == list(one.names)
        assert list(other.titles) == list(one.titles)
        assert list(other.descriptions) == list(one.descriptions)
        assert list(other.topics) == list(one.topics)
        assert (other.standing == one.standing).all()
        assert len(other) == len(one)


@pytest.mark.slow
def test_stored_catalogues_match_every_name_alike(
    made: Pools, read: Pools, queries: list[Query]
) -> None:
    expected, got = matcher(made).match(queries), matcher(read).match(queries)
    assert sum(map(bool, expected)) > len(made[Pool.ITEMS])
    assert got == expected


def test_stored_catalogues_link_alike(
    made: Pools, read: Pools, queries: list[Query], world: World
) -> None:
    model = linking_setup(world[0]).model
    said = [replace(query, definition="in a ring") for query in queries[::10]]
    for one, other in pairs(made, read):
        assert Linker(other, model).link(said) == Linker(one, model).link(said)


def test_items_have_the_names_of_the_terms_mapped_to_them(read: Pools, answers: Answers) -> None:
    place = read[Pool.ITEMS].ids.index("wd:Q181296")
    held = {name.text for name in read[Pool.ITEMS].names if name.concept == place}
    concept = answers.concept("wd:Q181296")
    shown = {name for names in concept["labels"].values() for name in names}
    assert {"abelian group", "commutative group"} <= shown
    assert {name.casefold() for name in shown if name.isascii()} <= held


def test_bare_items_have_no_names_of_terms_mapped_to_them(world: World, read: Pools) -> None:
    settings = world[0]
    sources = term_sources(settings.layout, open_manifest(settings.layout))
    assert list(read[Pool.BARE_ITEMS].names) == list(items(sources).names)
    assert read[Pool.BARE_ITEMS].ids == read[Pool.ITEMS].ids
    assert len(read[Pool.BARE_ITEMS].names) < len(read[Pool.ITEMS].names)


def test_equal_catalogues_give_equal_bytes(made: Pools, answers: Answers, tmp_path: Path) -> None:
    write_pools(tmp_path / POOLS, made)
    assert (tmp_path / POOLS).read_bytes() == (answers.snapshot.path / POOLS).read_bytes()


def test_no_concepts_are_catalogues_too(tmp_path: Path) -> None:
    write_pools(tmp_path / POOLS, make_pools([], [], Catalogue.of([])))
    pools = {pool: read_pool(tmp_path / POOLS, pool) for pool in Pool}
    assert not any(map(len, pools.values()))
    assert matcher(pools).match([Query("group"), Query("x", "fr")]) == [[], []]


def test_a_concept_without_an_item_is_minted_and_keeps_its_preferred_name() -> None:
    concept = Concept(id="nlab:2-group", labels={"en": ("2-group", "gr-category")}, terms=())
    minted = make_pools([], [concept], Catalogue.of([]))[Pool.MINTED]
    assert minted.ids == ["nlab:2-group"]
    assert [(name.text, name.preferred) for name in minted.names] == [
        ("2 group", True),
        ("gr category", False),
    ]
    assert list(minted.titles) == ["2-group"]


def test_a_file_cut_short_is_refused(made: Pools, tmp_path: Path) -> None:
    path = tmp_path / POOLS
    write_pools(path, made)
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(DataNotFoundError, match=r"catalogues\.bin.*mathgloss refresh --full"):
        read_pool(path, Pool.ITEMS)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / POOLS
    write_arrays(path, {"minted/standing": np.zeros((0, 7))})
    with pytest.raises(DataNotFoundError, match=r"catalogues\.bin.*minted.*refresh --full"):
        read_pool(path, Pool.MINTED)


def test_what_was_stored_is_not_made_again(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("an index is made anew")

    for made in (TrigramIndex, Postings, Names):
        monkeypatch.setattr(made, "of", fail)
    items = read_pool(answers.snapshot.path / POOLS, Pool.ITEMS)
    assert all(items.spelling(lang).scores("group").any() for lang in ("en", "de"))
