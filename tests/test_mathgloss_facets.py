"""Filters and counts of the list of concepts, the numbers of a snapshot, and what changed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mathgloss.answers.facets import Filters
from mathgloss.answers.service import Answers
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.facts import Facts
from mathgloss.graph.snapshot import Snapshot

GROUP = "wd:Q83478"
ABELIAN = "wd:Q181296"


def everything(answers: Answers, filters: Filters, limit: int = 100) -> list[str]:
    """The identifiers on all pages of a list."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = answers.concepts(filters, cursor=cursor, limit=limit)
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
    return found


# ----------------------------------------------------------------------------------------- filters


def test_pages_hold_each_concept_once_in_the_order_of_identifiers(answers: Answers) -> None:
    found = everything(answers, Filters())
    assert len(found) == answers.snapshot.manifest.counts["concepts"]
    assert all(one < other for one, other in pairwise(found))
    assert everything(answers, Filters(source=["nlab"]), limit=2) == everything(
        answers, Filters(source=["nlab"])
    )


@pytest.mark.parametrize(
    "filters",
    [
        Filters(source=["chicago"]),
        Filters(source=["nlab", "mulima"]),
        Filters(source=["nlab"], without_source=["wikidata"]),
        Filters(lang=["fr"], has_item=False),
        Filters(without_lang=["de"], formalised=True),
        Filters(in_syllabus=True, formalised=False),
        Filters(q="group", has_papers=False),
    ],
)
def test_the_total_is_the_length_of_the_list_and_facets_count_it(
    answers: Answers, filters: Filters
) -> None:
    page = answers.concepts(filters, limit=100)
    found = everything(answers, filters)
    assert page["total"] == len(found) > 0
    facts = answers.facts
    for source, count in page["facets"]["source"].items():
        held = set(facts.listed(facts.of("source", source)))
        assert count == len(held & set(found)), source
    assert page["facets"]["formalised"] == sum(
        bool(answers.concept(concept)["lean"]) for concept in found
    )


def test_filters_say_what_the_card_says(answers: Answers) -> None:
    card = answers.concept(GROUP)
    assert card["lean"]
    assert GROUP in everything(answers, Filters(formalised=True, source=["nlab"], lang=["fr"]))
    assert GROUP not in everything(answers, Filters(formalised=False))
    assert GROUP not in everything(answers, Filters(without_source=["nlab"]))
    assert GROUP not in everything(answers, Filters(has_item=False))
    in_papers = everything(answers, Filters(has_papers=True))
    assert all(answers.concept(concept)["papers"] for concept in in_papers)


def test_words_of_a_name_in_any_language_narrow_the_list(answers: Answers) -> None:
    assert ABELIAN in everything(answers, Filters(q="abelian gr"))
    assert ABELIAN in everything(answers, Filters(q="groupe abélien"))
    assert everything(answers, Filters(q="no such words at all")) == []


def test_an_unknown_source_or_language_is_refused_with_those_that_there_are(
    answers: Answers,
) -> None:
    with pytest.raises(InputError, match=r"source: expected one of chicago, core.*; got 'nlap'"):
        answers.concepts(Filters(source=["nlap"]))
    with pytest.raises(InputError, match=r"lang: expected one of .*fr"):
        answers.concepts(Filters(without_lang=["xx"]))


def test_bits_are_listed_in_order_from_any_place() -> None:
    names = tuple(f"c{number:03}" for number in range(100))
    facts = Facts(names, {name: at for at, name in enumerate(names)}, {}, ())
    chosen = ["c000", "c007", "c008", "c063", "c064", "c099"]
    bits = facts.bits_of(chosen)
    assert list(facts.listed(bits)) == chosen
    assert list(facts.listed(bits, start=8)) == chosen[2:]
    assert list(facts.listed(bits, start=100)) == []
    assert facts.all.bit_count() == 100


# -------------------------------------------------------------------------------------- statistics


def test_numbers_add_up_and_lead_to_lists_of_that_length(answers: Answers) -> None:
    numbers = answers.statistics()
    assert numbers["concepts"] == len(everything(answers, Filters()))
    assert sum(row["concepts"] for row in numbers["overlaps"]) == numbers["concepts"]
    for row in numbers["overlaps"]:
        filters = Filters(source=row["sources"], without_source=row["without"])
        assert len(everything(answers, filters)) == row["concepts"]
    for source in numbers["sources"]:
        name = source["name"]
        lacking = everything(answers, Filters(source=[name], has_item=False))
        assert len(lacking) == source["without_item"]
        for other, shared in source["shared"].items():
            assert len(everything(answers, Filters(source=[name, other]))) == shared
    for row in numbers["languages"]:
        assert row["concepts"] + row["missing"] == numbers["concepts"]


def test_mappings_by_source_and_set_add_up_to_the_manifest(answers: Answers) -> None:
    numbers = answers.statistics()
    totals: dict[str, int] = dict.fromkeys(numbers["mappings"], 0)
    for held in numbers["mappings_by_source"].values():
        for mapping_set, count in held.items():
            totals[mapping_set] += count
    assert totals == numbers["mappings"]


def test_the_syllabus_is_counted_by_chapter(answers: Answers) -> None:
    syllabus = answers.statistics()["syllabus"]
    assert (syllabus["topics"], syllabus["formalised"], syllabus["with_item"]) == (4, 3, 3)
    (chapter,) = syllabus["chapters"]
    assert [topic["position"][-1] for topic in chapter["not_formalised"]] == ["quotient of views"]


def test_the_most_mentioned_concepts_come_with_the_papers_of_their_cards(answers: Answers) -> None:
    ranked = answers.statistics()["most_mentioned"]
    assert [row["papers"] for row in ranked] == sorted((r["papers"] for r in ranked), reverse=True)
    first = ranked[0]
    assert answers.concept(first["id"])["counts"]["papers"] == first["papers"]
    assert not any(
        answers.concept(row["id"])["lean"] for row in answers.statistics()["not_formalised"]
    )


# ----------------------------------------------------------------------------------------- changes


@pytest.fixture
def older(answers: Answers, tmp_path: Path) -> Answers:
    """Answers from a copy of the snapshot beside an older one that differs in known ways."""
    new = tmp_path / "snapshots" / answers.snapshot.id
    old = tmp_path / "snapshots" / "20250101-older"
    shutil.copytree(answers.snapshot.path, new)
    shutil.copytree(answers.snapshot.path, old)
    with closing(sqlite3.connect(old / "labels.sqlite")) as index, index:
        index.execute("DELETE FROM concept WHERE id = ?", (GROUP,))
        index.execute("INSERT INTO concept VALUES ('wd:Q1', 0, NULL)")
        index.execute("UPDATE name SET text = 'commutative group' WHERE concept = ?", (ABELIAN,))
    sets = old / "sssom"
    curated, predicted = sets / "curated.sssom.tsv", sets / "predicted.sssom.tsv"
    lines = curated.read_text(encoding="utf-8").splitlines(keepends=True)
    curated.write_text("".join(lines[:-2]), encoding="utf-8")
    with predicted.open("a", encoding="utf-8") as stream:
        stream.write(lines[-1])
    return Answers(Snapshot(new))


def changed(answers: Answers, kind: str) -> list[tuple[str, str, Any, Any]]:
    page = answers.changes("20250101-older", kind=kind, limit=100)
    return [(row["change"], row["id"], row["before"], row["after"]) for row in page["items"]]


def test_changes_name_what_was_added_removed_and_renamed(older: Answers) -> None:
    assert changed(older, "concept") == [
        ("removed", "wd:Q1", {"label": ""}, None),
        ("changed", ABELIAN, {"label": "commutative group"}, {"label": "abelian group"}),
        ("added", GROUP, None, {"label": "group"}),
    ]


def test_a_mapping_that_moved_to_another_set_has_changed(older: Answers) -> None:
    states = {(row[0], *(row[2] or {}).values()): row[3] for row in changed(older, "mapping")}
    moved, added = sorted(states, key=len, reverse=True)
    assert moved[:2] == ("changed", "predicted")
    assert states[moved]["set"] == "curated"
    assert (added, states[added]["set"]) == (("added",), "curated")


def test_changes_are_counted_over_all_pages(older: Answers) -> None:
    page = older.changes("20250101-older", limit=1)
    assert page["counts"] == {
        "concept": {"added": 1, "changed": 1, "removed": 1},
        "mapping": {"added": 1, "changed": 1, "removed": 0},
    }
    assert page["total"] == 5
    rest = older.changes("20250101-older", cursor=page["next"], limit=100)
    assert len(rest["items"]) == 4
    assert page["items"][0] not in rest["items"]


def test_nothing_changed_since_the_snapshot_itself(older: Answers) -> None:
    assert older.changes(older.snapshot.id)["total"] == 0


@pytest.mark.parametrize("name", ["20200101-gone", "", "..", "../..", ".building-x"])
def test_a_snapshot_that_is_not_kept_is_not_found_and_those_that_are_are_named(
    older: Answers, name: str
) -> None:
    with pytest.raises(NotFoundError, match=f"20250101-older, {older.snapshot.id}"):
        older.changes(name)


def test_only_concepts_and_mappings_change(older: Answers) -> None:
    with pytest.raises(InputError, match="kind: expected concept or mapping, got 'paper'"):
        older.changes("20250101-older", kind="paper")
