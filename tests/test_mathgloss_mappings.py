"""Mappings as answers tell them, and what the next build makes of decisions about them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox
import pytest
from click.testing import CliRunner

from mathgloss import ids, vocab
from mathgloss.answers.mappings import MappingFilter
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers
from mathgloss.cli import root
from mathgloss.config import Settings
from mathgloss.errors import DataNotFoundError, DecisionsError, InputError, NotFoundError
from mathgloss.experiments import experiments_graph
from mathgloss.graph.build import BuildResult, build_snapshot
from mathgloss.graph.linkers import open_finder
from mathgloss.graph.mapping_table import MAPPINGS, MAX_DEFINITION_CHARS, shortened
from mathgloss.graph.plan import source_inputs
from mathgloss.graph.snapshot import open_current
from mathgloss.io.state import read_state, writing
from mathgloss.linking.setup import linking_setup

UNSURE = ("thm100:44", "wd:Q26708")
PREDICTED = ("chicago:abelian_group", "wd:Q181296")
LONELY = "mulima:3c4d5e6f"


def only(answers: Answers, term: str, concept: str) -> Answer:
    (item,) = answers.mappings(MappingFilter(term=term, concept=concept))["items"]
    assert isinstance(item, dict)
    return item


def every(answers: Answers, wanted: MappingFilter, limit: int, sort: str) -> list[Answer]:
    found: list[Answer] = []
    cursor = ""
    while True:
        page = answers.mappings(wanted, sort=sort, cursor=cursor, limit=limit)
        assert page["before"] == len(found)
        found += page["items"]
        if page["next"] is None:
            assert page["total"] == len(found)
            return found
        cursor = page["next"]


@pytest.fixture
def scratch(home: Path, tmp_path: Path) -> Settings:
    """A copy of the small world whose decisions a test may make."""
    shutil.copytree(home, tmp_path / "home")
    return Settings(home=tmp_path / "home")


def opened(settings: Settings) -> Answers:
    return Answers(open_current(settings.layout))


def build(settings: Settings) -> BuildResult:
    with writing(settings.layout):
        inputs = source_inputs(settings.layout, read_state(settings.layout))
        given = [experiments_graph(settings.layout)]
        return build_snapshot(settings.layout, inputs, linking_setup(settings), given=given)


# ---------------------------------------------------------------------------------------- lists


@pytest.mark.parametrize("sort", ["term", "doubt"])
@pytest.mark.parametrize("limit", [7, 100])
def test_pages_are_the_whole_list_in_a_stable_order(
    answers: Answers, sort: str, limit: int
) -> None:
    found = every(answers, MappingFilter(), limit, sort)
    counts = answers.snapshot.manifest.counts["mappings"]
    assert len({item["id"] for item in found}) == sum(counts.values())
    if sort == "doubt":
        doubts = [abs(item["confidence"] - 0.5) for item in found]
        assert doubts == sorted(doubts)
    else:
        keys = [f"{item['term']['id']} {item['concept']['id']}" for item in found]
        assert keys == sorted(keys)


def test_facets_count_what_another_choice_would_give(answers: Answers) -> None:
    page = answers.mappings(MappingFilter(set="unsure"))
    assert page["facets"]["set"] == {
        name: count for name, count in answers.snapshot.manifest.counts["mappings"].items() if count
    }
    assert page["total"] == page["facets"]["set"]["unsure"] == len(page["items"])
    for source, number in page["facets"]["source"].items():
        narrower = answers.mappings(MappingFilter(set="unsure", source=source))
        assert narrower["total"] == number == len(narrower["items"])
        assert narrower["facets"]["source"] == page["facets"]["source"]


def test_filters(answers: Answers) -> None:
    by_name = answers.mappings(MappingFilter(concept="abelian group"))["items"]
    assert {item["concept"]["id"] for item in by_name} == {"wd:Q181296"}
    sure = answers.mappings(MappingFilter(least=0.9, most=0.98), limit=100)["items"]
    assert sure
    assert all(0.9 <= item["confidence"] <= 0.98 for item in sure)
    broader = answers.mappings(MappingFilter(predicate="skos:broadMatch"))["items"]
    assert [item["term"]["id"] for item in broader] == ["thm1000:Q1000X"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (MappingFilter(set="sure"), "set: expected one of curated, predicted"),
        (MappingFilter(predicate="same"), "predicate: expected one of skos:exactMatch"),
        (MappingFilter(least=0.9, most=0.1), "confidence: expected a range"),
        (MappingFilter(least=float("nan")), "confidence: expected a range"),
        (MappingFilter(term="group"), "expected an identifier"),
    ],
)
def test_a_filter_out_of_its_range_is_named(
    answers: Answers, wanted: MappingFilter, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        answers.mappings(wanted)


def test_a_filter_cannot_reach_into_the_query(answers: Answers) -> None:
    assert answers.mappings(MappingFilter(source="' OR 1=1 --"))["items"] == []


def test_an_item_has_what_is_needed_to_judge_it(answers: Answers) -> None:
    item = only(answers, "nlab:orbit+%28group+theory%29", "wd:Q17859776")
    assert item["set"] == "unsure"
    assert item["iri"] == f"{ids.BASE}mapping/{item['id']}"
    assert item["term"]["url"].startswith("https://ncatlab.org/")
    assert item["concept"]["url"] == "https://www.wikidata.org/wiki/Q17859776"
    assert item["evidence"][0]["source"] == "mathgloss"
    assert item["decision"] is None


def nodes(answers: Answers) -> set[str]:
    """The identifiers of all mappings in the graph."""
    pattern = (
        None,
        ox.NamedNode(vocab.expand("rdf:type")),
        ox.NamedNode(vocab.expand("owl:Axiom")),
    )
    found = answers.snapshot.store.quads_for_pattern(*pattern)
    return {quad.subject.value.removeprefix(f"{ids.BASE}mapping/") for quad in found}  # type: ignore[union-attr]


def test_the_table_has_the_mappings_of_the_graph(answers: Answers) -> None:
    found = every(answers, MappingFilter(), 100, "term")
    assert {item["id"] for item in found} == nodes(answers)


def test_why_is_this_linked(answers: Answers) -> None:
    item = only(answers, *PREDICTED)
    why = answers.mapping(item["id"])
    assert {key: why[key] for key in item} == item
    assert "wikidata" in {said["source"] for said in why["said_of_concept"]}
    assert all(said["term"] == PREDICTED[0] for said in why["said_of_term"])
    assert all(said["licence"] for said in why["said_of_concept"])
    with pytest.raises(NotFoundError, match="no mapping 'nothing'"):
        answers.mapping("nothing")


def test_a_text_that_may_not_be_served_is_not(answers: Answers) -> None:
    sources = answers.snapshot.manifest.sources
    closed = {name for name, row in sources.items() if not row["licence"]["redistributable"]}
    assert closed
    for item in every(answers, MappingFilter(), 100, "term"):
        sides = [item["term"], item["concept"], *item["runners_up"]]
        assert not closed & {side["definition"]["source"] for side in sides if side["definition"]}


@pytest.mark.parametrize("text", ["short", "a " * 300, "word " * 200, "x" * 2_000])
def test_a_long_definition_is_cut_between_words(text: str) -> None:
    cut = shortened(text)
    assert cut == text if len(text) <= MAX_DEFINITION_CHARS else cut.endswith(" …")
    assert text.startswith(cut.removesuffix(" …"))
    assert len(cut) <= MAX_DEFINITION_CHARS + 2


@pytest.mark.parametrize("sign", ["$", "$$"])
def test_a_long_definition_is_not_cut_inside_a_formula(sign: str) -> None:
    before = "word " * 110
    text = f"{before}{sign}{'a + b = ' * 30}c{sign} and more"
    assert shortened(text) == before.rstrip() + " …"


def test_a_snapshot_of_an_earlier_version_says_so(scratch: Settings) -> None:
    held = opened(scratch)
    (held.snapshot.path / MAPPINGS).unlink()
    with pytest.raises(DataNotFoundError, match="run 'mathgloss build'"):
        held.mappings()
    assert held.concept("wd:Q181296")["label"] == "abelian group"


# ------------------------------------------------------------------------------------ decisions


@dataclass(frozen=True)
class Rebuilt:
    """A home before and after a build that obeyed three decisions."""

    settings: Settings
    before: Answers
    accepted: Answer
    rejected: Answer
    added: Answer

    @property
    def after(self) -> Answers:
        return opened(self.settings)


@pytest.fixture(scope="module")
def rebuilt(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Rebuilt:
    """The small world, built again with a mapping accepted, one rejected and one added."""
    folder = tmp_path_factory.mktemp("rebuilt") / "home"
    shutil.copytree(home, folder)
    settings = Settings(home=folder)
    before = opened(settings)
    held = Rebuilt(
        settings=settings,
        before=before,
        accepted=before.decide(
            only(before, *UNSURE)["id"], "accept", curator="0000-0002-1825-0097", comment=" it\nis "
        ),
        rejected=before.decide(only(before, *PREDICTED)["id"], "reject", comment="another thing"),
        added=before.add_mapping(LONELY, "abelian group", "skos:exactMatch"),
    )
    assert all(told["decision"]["pending"] for told in (held.accepted, held.rejected, held.added))
    assert build(settings).changed
    return held


def test_a_decision_is_pending_until_a_build_obeys(rebuilt: Rebuilt) -> None:
    told = rebuilt.accepted
    assert only(rebuilt.before, *UNSURE)["set"] == "unsure"
    assert rebuilt.after.mapping(told["mapping"])["decision"] == {
        **told["decision"],
        "pending": False,
    }
    assert {row["decision"]["pending"] for row in rebuilt.after.decisions()["items"]} == {False}


def test_an_unsure_mapping_that_was_accepted_is_curated(rebuilt: Rebuilt) -> None:
    built = rebuilt.after.mapping(rebuilt.accepted["mapping"])
    assert (built["set"], built["confidence"]) == ("curated", 1.0)
    assert built["evidence"][0]["source"] == "curators"
    assert built["evidence"][0]["detail"].endswith("by orcid:0000-0002-1825-0097: it is")
    links = {link["id"]: link for link in rebuilt.after.concept(UNSURE[1])["links"]}
    assert (links[UNSURE[0]]["set"], links[UNSURE[0]]["predicate"]) == (
        "curated",
        "skos:exactMatch",
    )


def test_a_prediction_that_was_rejected_is_gone(rebuilt: Rebuilt) -> None:
    after = rebuilt.after
    assert after.mapping(rebuilt.rejected["mapping"])["set"] == "rejected"
    assert PREDICTED[0] not in {link["id"] for link in after.concept(PREDICTED[1])["links"]}
    assert after.resolve(PREDICTED[0]) == PREDICTED[0]
    rows = after.mappings(MappingFilter(term=PREDICTED[0]))["items"]
    assert [(row["concept"]["id"], row["predicate"], row["set"]) for row in rows] == [
        (PREDICTED[1], "skos:exactMatch", "rejected"),
        ("wd:Q83478", "skos:broadMatch", "predicted"),
    ]


def test_a_mapping_that_was_added_is_curated(rebuilt: Rebuilt) -> None:
    assert rebuilt.added["term"]["label"] == "quasigroup with a view"
    assert rebuilt.added["concept"] == {"id": "wd:Q181296", "label": "abelian group"}
    assert rebuilt.after.mapping(rebuilt.added["mapping"])["set"] == "curated"
    assert rebuilt.after.resolve(LONELY) == "wd:Q181296"


def test_what_is_decided_is_in_the_sets_and_in_the_graph(rebuilt: Rebuilt) -> None:
    after = rebuilt.after
    curated = (after.snapshot.path / "sssom" / "curated.sssom.tsv").read_text(encoding="utf-8")
    assert "mg:source/curators" in curated
    assert {item["id"] for item in every(after, MappingFilter(), 100, "term")} == nodes(after)


def test_undo_brings_the_old_snapshot_back(rebuilt: Rebuilt, tmp_path: Path) -> None:
    shutil.copytree(rebuilt.settings.home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home")
    held = opened(settings)
    for told in (rebuilt.accepted, rebuilt.rejected, rebuilt.added):
        undone = held.decide(told["mapping"], "undo")
        assert (undone["decision"]["decision"], undone["decision"]["pending"]) == ("undo", True)
    assert held.decisions()["items"] == []
    assert build(settings).manifest.id == rebuilt.before.snapshot.id
    assert opened(settings).mapping(rebuilt.rejected["mapping"])["decision"] is None
    assert not build(settings).changed


def test_what_was_not_decided_cannot_be_taken_back(scratch: Settings) -> None:
    held = opened(scratch)
    with pytest.raises(NotFoundError, match="nothing has been decided"):
        held.decide(only(held, *UNSURE)["id"], "undo")
    told = held.add_mapping(LONELY, "wd:Q181296", "skos:closeMatch")
    assert held.decide(told["mapping"], "undo")["decision"] is None
    with pytest.raises(NotFoundError, match="and none that was decided since"):
        held.decide(told["mapping"], "undo")


@pytest.mark.parametrize(
    ("term", "concept", "predicate", "error", "said"),
    [
        ("nlab:no+such+page", "wd:Q181296", "skos:exactMatch", NotFoundError, "no source has"),
        (LONELY, "no such thing", "skos:exactMatch", NotFoundError, "no concept"),
        (LONELY, "wd:Q181296", "owl:sameAs", InputError, "predicate: expected"),
        ("wd:Q181296", "wd:Q83478", "skos:exactMatch", InputError, "entry of a source"),
        ("group", "wd:Q83478", "skos:exactMatch", InputError, "expected an identifier"),
        ("nlab:a b", "wd:Q83478", "skos:exactMatch", NotFoundError, "no source has"),
    ],
)
def test_a_mapping_that_cannot_be_added(
    answers: Answers,
    term: str,
    concept: str,
    predicate: str,
    error: type[Exception],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        answers.add_mapping(term, concept, predicate)
    assert answers.decisions()["items"] == []


@pytest.mark.parametrize(
    ("curator", "comment", "said"),
    [
        ("0000-0002-1825-0098", "", "0000-0002-1825-0098 is no ORCID"),
        ("https://orcid.org/0000-0002-1825-0090", "", "is no ORCID"),
        ("x" * 201, "", "curator: expected at most 200 characters, got 201"),
        ("", "x" * 2_001, "comment: expected at most 2000 characters, got 2001"),
    ],
)
def test_who_decides_and_why_have_their_limits(
    answers: Answers, curator: str, comment: str, said: str
) -> None:
    item = only(answers, *UNSURE)
    with pytest.raises(InputError, match=said):
        answers.decide(item["id"], "accept", curator=curator, comment=comment)
    with pytest.raises(InputError, match="decision: expected one of accept, reject, undo"):
        answers.decide(item["id"], "perhaps")
    assert answers.decisions()["total"] == 0


def test_control_characters_do_not_reach_the_file(scratch: Settings) -> None:
    held = opened(scratch)
    item = only(held, *UNSURE)
    told = held.decide(item["id"], "reject", curator="A\tB\n\x00C", comment="a\u202eb\ud800c")
    assert (told["decision"]["curator"], told["decision"]["comment"]) == ("A B C", "a b c")
    (row,) = held.decisions()["items"]
    assert row["decision"] == told["decision"]


def test_decisions_come_a_page_at_a_time(scratch: Settings) -> None:
    held = opened(scratch)
    wanted = [item["id"] for item in held.mappings(MappingFilter(set="unsure"))["items"]]
    for identifier in wanted:
        held.decide(identifier, "reject")
    found: list[str] = []
    page: Answer = {"next": ""}
    while page["next"] is not None:
        page = held.decisions(cursor=page["next"], limit=2)
        assert page["total"] == len(wanted)
        found += [row["mapping"] for row in page["items"]]
    assert found == wanted


def test_a_broken_line_stops_builds_but_not_the_service(scratch: Settings) -> None:
    held = opened(scratch)
    item = only(held, *UNSURE)
    held.decide(item["id"], "accept")
    path = scratch.layout.decisions / "curated.sssom.tsv"
    number = path.read_text(encoding="utf-8").count("\n") + 1
    with path.open("a", encoding="utf-8") as stream:
        stream.write("half a li")
    where = rf"decisions/curated.sssom.tsv:{number}: expected a decision, got 'half a li'"
    snapshot = open_current(scratch.layout).id
    with pytest.raises(DecisionsError, match=where):
        build(scratch)
    assert open_current(scratch.layout).id == snapshot
    with pytest.raises(DecisionsError, match=where):
        held.decide(item["id"], "undo")
    with pytest.raises(DecisionsError, match=where):
        held.decisions()
    told = CliRunner().invoke(root, ["--home", str(scratch.home), "doctor"])
    assert (told.exit_code, f"curated.sssom.tsv:{number}" in told.output) == (1, True)
    assert held.mapping(item["id"])["decision"] is None
    assert f"curated.sssom.tsv:{number}" in held.mapping(item["id"])["problem"]
    assert held.concept("wd:Q181296")["label"] == "abelian group"
    assert path.read_text(encoding="utf-8").endswith("half a li")


def test_what_is_measured_does_not_know_what_was_decided(rebuilt: Rebuilt) -> None:
    manifest = rebuilt.after.snapshot.manifest
    name = "quasigroup with a view"  # of the term that a curator mapped to abelian groups
    for decided in (True, False):
        finder = open_finder(rebuilt.settings, manifest, decided=decided)
        found = finder.find({"text": f"Every {name} is abelian."}, ())
        named = [mention for mention in found if mention.surface == name]
        concepts = {mention.concept for mention in named}
        concepts |= {other.concept for mention in named for other in mention.candidates}
        assert ("wd:Q181296" in concepts) is decided
