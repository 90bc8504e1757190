"""Decisions of curators: kept line by line, never lost, and obeyed by the alignment."""

from __future__ import annotations

import logging
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from mathgloss import vocab
from mathgloss.errors import DecisionsError
from mathgloss.io.decisions import Decision, DecisionFiles, Decisions, Verdict
from mathgloss.linking.align import Alignment
from mathgloss.linking.align import align as align_with
from mathgloss.model import Mapping, MappingSet, ParsedSource, Term
from mathgloss.paths import Home
from tests.test_mathgloss_align import GROUP, MODEL, mappings, refers, source, term, well_known

RING = term("wd:Q161172", "ring", definition=GROUP.definition, types=GROUP.types)
NEGATIVE, CURATED = "negative.sssom.tsv", "curated.sssom.tsv"


def decision(subject: str, target: str, verdict: Verdict, **more: str) -> Decision:
    held = Decision(subject=subject, predicate=vocab.EXACT_MATCH, object=target, verdict=verdict)
    return replace(held, **more)  # type: ignore[arg-type]


def accept(subject: str, target: str, **more: str) -> Decision:
    return decision(subject, target, Verdict.ACCEPT, **more)


def reject(subject: str, target: str, **more: str) -> Decision:
    return decision(subject, target, Verdict.REJECT, **more)


@pytest.fixture
def files(tmp_path: Path) -> DecisionFiles:
    return DecisionFiles(Home(tmp_path))


# ------------------------------------------------------------------------------------- the files


def test_nothing_is_decided_where_there_are_no_files(files: DecisionFiles) -> None:
    assert list(files.read()) == []
    assert files.read().key == Decisions().key


def test_a_decision_is_read_as_it_was_written(files: DecisionFiles, tmp_path: Path) -> None:
    said = accept(
        "nlab:abelian+group",
        "wd:Q181296",
        subject_label='the "abelian" group',
        object_label="groupe abélien",
        curator="orcid:0000-0002-1825-0097",
        comment="# not a comment; \"quoted\", 'and' so on",
    )
    kept = files.add(said)
    assert list(files.read()) == [kept] == list(DecisionFiles(Home(tmp_path)).read())
    assert replace(kept, decided_at="") == said


# the reference tool uses what pandas now deprecates
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_files_are_sssom(files: DecisionFiles, tmp_path: Path) -> None:
    from sssom.parsers import parse_sssom_table

    files.add(accept("nlab:group", "wd:Q83478", curator="Ada"))
    files.add(reject("nlab:ring", "wd:Q83478", comment="no ring"))
    positive = parse_sssom_table(str(tmp_path / "decisions" / CURATED)).df
    negative = parse_sssom_table(str(tmp_path / "decisions" / NEGATIVE)).df
    assert list(positive["subject_id"]) == ["nlab:group"]
    assert list(positive["mapping_justification"]) == [vocab.MANUAL]
    assert list(negative["predicate_modifier"]) == ["Not"]
    assert list(negative["comment"]) == ["no ring"]


def test_the_last_decision_on_a_pair_holds(files: DecisionFiles) -> None:
    files.add(accept("nlab:group", "wd:Q83478"))
    last = files.add(reject("nlab:group", "wd:Q83478"))
    assert list(files.read()) == [last]


def test_undo_takes_back_the_last_decision_alone(files: DecisionFiles) -> None:
    first = files.add(accept("nlab:group", "wd:Q83478"))
    second = files.add(reject("nlab:group", "wd:Q83478"))
    other = files.add(accept("nlab:ring", "wd:Q161172"))
    assert files.undo("nlab:group", "wd:Q83478") == second
    assert list(files.read()) == [first, other]
    assert files.undo("nlab:group", "wd:Q83478") == first
    assert files.undo("nlab:group", "wd:Q83478") is None
    assert list(files.read()) == [other]


def test_a_term_names_one_concept(files: DecisionFiles) -> None:
    first = files.add(accept("nlab:group", "wd:Q83478"))
    second = files.add(accept("nlab:group", "wd:Q161172"))
    assert list(files.read()) == [second]
    files.undo("nlab:group", "wd:Q161172")
    assert list(files.read()) == [first]


def test_the_key_changes_with_decisions_and_comes_back_with_them(files: DecisionFiles) -> None:
    empty = files.read().key
    files.add(accept("nlab:group", "wd:Q83478"))
    assert files.read().key != empty
    files.undo("nlab:group", "wd:Q83478")
    assert files.read().key == empty


def test_a_clock_set_back_does_not_change_the_order(files: DecisionFiles, tmp_path: Path) -> None:
    files.add(accept("nlab:group", "wd:Q83478"))
    path = tmp_path / "decisions" / CURATED
    year = files.read().find("nlab:group", "wd:Q83478").decided_at[:4]  # type: ignore[union-attr]
    path.write_text(path.read_text().replace(f"\t{year}-", "\t2999-"), encoding="utf-8")
    last = files.add(reject("nlab:group", "wd:Q83478"))
    assert last.decided_at.startswith("2999-")
    assert list(files.read()) == [last]


def test_other_lines_stay_as_they_were(files: DecisionFiles, tmp_path: Path) -> None:
    folder = tmp_path / "decisions"
    folder.mkdir()
    text = (
        "# mapping_set_id: https://example.org/mine\n"
        "object_id\tsubject_id\tpredicate_id\tmapping_justification\tmapping_date\tother\tdecided_at\n"
        "wd:Q83478\tnlab:group\tskos:exactMatch\tsemapv:ManualMappingCuration\t2020-02-03\tx\t\r\n"
    )
    (folder / CURATED).write_bytes(text.encode())
    (mine,) = files.read()
    assert (mine.pair, mine.decided_at[:10]) == (("nlab:group", "wd:Q83478"), "2020-02-03")
    files.add(accept("nlab:ring", "wd:Q161172"))
    assert (folder / CURATED).read_bytes().decode().startswith(text)
    files.undo("nlab:ring", "wd:Q161172")
    assert (folder / CURATED).read_bytes().decode() == text


def test_a_column_that_is_missing_is_named_before_anything_is_lost(
    files: DecisionFiles, tmp_path: Path
) -> None:
    path = tmp_path / "decisions" / CURATED
    path.parent.mkdir()
    path.write_text("subject_id\tpredicate_id\tobject_id\n", encoding="utf-8")
    with pytest.raises(DecisionsError, match=f"{CURATED}: expected a column mapping_justification"):
        files.add(accept("nlab:ring", "wd:Q161172"))
    assert path.read_text(encoding="utf-8") == "subject_id\tpredicate_id\tobject_id\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "expected 12 cells, got 0"),
        ("nlab:group\tgroup", "expected 12 cells, got 2"),
        ("group" + "\t" * 11, "predicate_id"),
        ("nlab:x\tx\tskos:exactMatch\tNot\twd:Q1\t\t\t\t\t\t\t", "predicate_modifier"),
        ("xx:y\tx\tskos:exactMatch\t\twd:Q1\t\t\t\t\t\t\t", "prefix:local"),
        ("nlab:x\tx\tskos:exactMatch\t\twd:Qx\t\t\t\t\t\t\t", "Wikidata item"),
        ("nlab:x\tx\tskos:exactMatch\t\twd:Q1\t\t\t\t\t\t\tyesterday", "yesterday"),
        ('nlab:x\t"x\tskos:exactMatch\t\twd:Q1\t\t\t\t\t\t\t', "unexpected end of data"),
    ],
)
def test_a_broken_line_is_named_and_stops_every_writer(
    files: DecisionFiles, tmp_path: Path, line: str, said: str
) -> None:
    files.add(accept("nlab:group", "wd:Q83478"))
    path = tmp_path / "decisions" / CURATED
    whole = path.read_text(encoding="utf-8")
    number = whole.count("\n") + 1
    broken = f"{whole}{line}\n{whole.splitlines()[-1]}\n"
    path.write_text(broken, encoding="utf-8")
    message = f"decisions/{CURATED}:{number}: expected a decision.*{said}"
    with pytest.raises(DecisionsError, match=message):
        files.read()
    with pytest.raises(DecisionsError, match=message):
        files.add(reject("nlab:a", "wd:Q1"))
    with pytest.raises(DecisionsError, match=message):
        files.undo("nlab:a", "wd:Q1")
    assert path.read_text(encoding="utf-8") == broken
    path.write_text(whole, encoding="utf-8")
    assert len(files.read()) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"# only\n# metadata\n", b"a\tb\n"])
def test_a_file_that_is_no_set_of_mappings(
    files: DecisionFiles, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "decisions" / NEGATIVE
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DecisionsError, match=f"decisions/{NEGATIVE}"):
        files.read()


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_what_was_there(
    files: DecisionFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    first = files.add(accept("nlab:group", "wd:Q83478"))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(failing, fail)
        with pytest.raises(DecisionsError, match=r"cannot be written.*No space left"):
            files.add(accept("nlab:ring", "wd:Q161172"))
    assert list(DecisionFiles(Home(tmp_path)).read()) == [first]
    second = files.add(accept("nlab:ring", "wd:Q161172"))
    assert list(files.read()) == [first, second]


def _write_many(home: Path, first: int) -> None:
    files = DecisionFiles(Home(home))
    for number in range(first, first + 15):
        files.add(accept(f"nlab:t{number}", "wd:Q83478"))


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write_many, args=(tmp_path, n)) for n in (0, 15)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
        worker.close()
    held = list(DecisionFiles(Home(tmp_path)).read())
    assert {row.subject for row in held} == {f"nlab:t{number}" for number in range(30)}
    assert len({row.decided_at for row in held}) == 30


# ------------------------------------------------------------------------------------- alignment


def align(sources: list[ParsedSource], *decisions: Decision) -> Alignment:
    timed = [
        replace(row, decided_at=f"2026-01-01T00:00:{place:02}")
        for place, row in enumerate(decisions)
    ]
    return align_with(sources, MODEL, None, Decisions(timed))


def mapped(found: Alignment, subject: str) -> Mapping:
    (row,) = [row for row in found.mappings if row.subject == subject]
    return row


PAGE = term("nlab:groups", "groups")
OTHER_PAGE = term("nlab:zzz", "wibble wobble")


def test_an_accepted_mapping_is_curated_and_its_names_are_the_concepts() -> None:
    sources = [*well_known(GROUP), source("nlab", OTHER_PAGE)]
    found = align(sources, accept("nlab:zzz", "wd:Q83478", curator="Ada", comment="it is"))
    row = mapped(found, "nlab:zzz")
    assert (row.object, row.set) == ("wd:Q83478", MappingSet.CURATED)
    assert row.evidence[0].detail == "accepted on 2026-01-01 by Ada: it is"
    assert [hit.concept for hit in found.lexicon.candidates("wibble wobble")] == ["wd:Q83478"]
    assert [concept.id for concept in found.concepts] == ["wd:Q83478"]


def test_a_rejected_prediction_is_not_made_again_and_listed_as_rejected() -> None:
    sources = [*well_known(GROUP, RING), source("nlab", PAGE)]
    assert mappings(align(sources), "nlab:groups") == [("wd:Q83478", MappingSet.PREDICTED)]
    found = align(sources, reject("nlab:groups", "wd:Q83478"))
    assert mappings(found, "nlab:groups") == [("wd:Q83478", MappingSet.REJECTED)]
    assert "nlab:groups" in {concept.id for concept in found.concepts}


def test_a_rejected_reference_is_no_link_and_its_evidence_stays() -> None:
    page = term("nlab:grp", "grp", **refers("wd:Q83478"))
    found = align([source("wikidata", GROUP), source("nlab", page)], reject(page.id, "wd:Q83478"))
    row = mapped(found, page.id)
    assert row.set is MappingSet.REJECTED
    assert [item.source for item in row.evidence] == ["curators", "nlab"]


def test_a_decision_goes_before_a_reference_which_becomes_unsure() -> None:
    page = term("nlab:grp", "group", **refers("wd:Q83478"))
    found = align([*well_known(GROUP, RING), source("nlab", page)], accept(page.id, RING.id))
    assert mappings(found, page.id) == [
        (RING.id, MappingSet.CURATED),
        (GROUP.id, MappingSet.UNSURE),
    ]
    assert next(row for row in found.concepts if row.id == RING.id).terms[-1] == page.id


def test_a_rejected_broader_concept_is_not_proposed_again() -> None:
    page = term("nlab:magic", "magic group")
    sources = [*well_known(GROUP), source("nlab", page)]
    (before,) = [row for row in align(sources).mappings if row.subject == page.id]
    assert before.predicate == vocab.BROAD_MATCH
    found = align(sources, reject(page.id, GROUP.id, predicate=vocab.BROAD_MATCH))
    assert mappings(found, page.id) == [(GROUP.id, MappingSet.REJECTED)]


def test_what_is_only_close_is_not_the_same() -> None:
    sources = [*well_known(GROUP), source("nlab", PAGE)]
    found = align(sources, accept(PAGE.id, GROUP.id, predicate=vocab.CLOSE_MATCH))
    row = mapped(found, PAGE.id)
    assert (row.predicate, row.set) == (vocab.CLOSE_MATCH, MappingSet.CURATED)
    assert PAGE.id in {concept.id for concept in found.concepts}


def terms_of_two_sources() -> list[ParsedSource]:
    return [
        *well_known(GROUP),
        source("nlab", term("nlab:a", "alpha thing")),
        source("chicago", term("chicago:b", "beta thing")),
    ]


def test_a_term_joins_another_that_is_no_item() -> None:
    found = align(terms_of_two_sources(), accept("chicago:b", "nlab:a"))
    assert mappings(found, "chicago:b") == [("nlab:a", MappingSet.CURATED)]
    assert {row.id: row.terms for row in found.concepts}["nlab:a"] == ("nlab:a", "chicago:b")
    assert found.lexicon.candidates("beta thing")[0].concept == "nlab:a"


def test_a_join_leads_to_what_the_other_term_is() -> None:
    decided = [accept("chicago:b", "nlab:a"), accept("nlab:a", GROUP.id)]
    found = align(terms_of_two_sources(), *decided)
    assert mappings(found, "chicago:b") == [(GROUP.id, MappingSet.CURATED)]
    assert [row.id for row in found.concepts] == [GROUP.id]


def test_a_join_in_a_circle_is_one_concept() -> None:
    decided = [accept("chicago:b", "nlab:a"), accept("nlab:a", "chicago:b")]
    found = align(terms_of_two_sources(), *decided)
    assert [row.id for row in found.concepts] == ["nlab:a", GROUP.id]


def test_a_rejected_join_is_not_made() -> None:
    same = [
        source("nlab", term("nlab:q", "quasi wibble")),
        source("mulima", term("mulima:1", "quasi wibble")),
    ]
    assert mappings(align([*well_known(GROUP), *same]), "mulima:1")[0][0] == "nlab:q"
    found = align([*well_known(GROUP), *same], reject("mulima:1", "nlab:q"))
    assert mappings(found, "mulima:1") == [("nlab:q", MappingSet.REJECTED)]
    assert {"mulima:1", "nlab:q"} <= {row.id for row in found.concepts}


def test_what_is_rejected_for_a_term_is_so_for_what_it_joins() -> None:
    sources: list[ParsedSource] = [
        *well_known(GROUP),
        source("nlab", PAGE),
        source("chicago", term("chicago:b", "beta thing")),
    ]
    found = align(sources, reject("chicago:b", GROUP.id), accept("chicago:b", PAGE.id))
    assert mappings(found, "chicago:b") == [
        (PAGE.id, MappingSet.CURATED),
        (GROUP.id, MappingSet.REJECTED),
    ]
    assert mappings(found, PAGE.id) == []


def test_decisions_that_contradict_a_source_wait(caplog: pytest.LogCaptureFixture) -> None:
    page = term("nlab:grp", "group", **refers(GROUP.id))
    sources = [*well_known(GROUP), source("nlab", page), source("chicago", term("chicago:b", "b"))]
    decided = [reject("chicago:b", GROUP.id), accept("chicago:b", page.id)]
    with caplog.at_level(logging.WARNING):
        found = align(sources, *decided)
    assert mappings(found, "chicago:b") == [(GROUP.id, MappingSet.REJECTED)]
    assert "nlab:grp is wd:Q83478, which was rejected" in caplog.text


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (accept(PAGE.id, "wd:Q42"), "no source has wd:Q42"),
        (accept(GROUP.id, RING.id), "wd:Q83478 is a concept of its own"),
    ],
)
def test_a_decision_that_cannot_be_followed_waits_and_is_named(
    held: Decision, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    sources = [*well_known(GROUP, RING), source("nlab", PAGE)]
    with caplog.at_level(logging.WARNING):
        found = align(sources, held)
    assert found.mappings == align(sources).mappings
    assert said in caplog.text


def test_two_statements_of_one_thing_are_one_mapping() -> None:
    pages: list[Term] = [
        term("chicago:g", "group", **refers(GROUP.id)),
        term("chicago:h", "group", **refers(GROUP.id)),
    ]
    found = align([*well_known(GROUP), source("chicago", *pages)])
    identifiers = [row.id for row in found.mappings]
    assert len(identifiers) == len(set(identifiers))
