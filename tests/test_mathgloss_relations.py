"""Neighbourhoods, hierarchies, paths, prerequisites: on small networks and on the small world."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyoxigraph as ox
import pytest

from mathgloss import ids, vocab
from mathgloss.answers.network import Network
from mathgloss.answers.prerequisites import BuildsOn, prerequisites
from mathgloss.answers.relations import hierarchy, neighbours, path
from mathgloss.answers.service import Answers
from mathgloss.answers.syllabus import Syllabus
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.facts import Topic

ABELIAN = "wd:Q181296"
GROUP = "wd:Q83478"
ENGLISH = ("en",)


def q(number: int) -> str:
    return f"wd:Q{number}"


def network_of(*said: str) -> Network:
    """A network of items, each statement as ``1 skos:broader 2`` or ``1 mg:definedWith 2 core``."""

    def row(statement: str) -> dict[str, ox.NamedNode | None]:
        subject, relation, target, *source = statement.split()
        return {
            "subject": ox.NamedNode(ids.iri(q(int(subject)))),
            "relation": ox.NamedNode(vocab.expand(relation)),
            "object": ox.NamedNode(ids.iri(q(int(target)))),
            "graph": ox.NamedNode(f"{vocab.GRAPH}definitions/{source[0]}") if source else None,
        }

    reader: Any = SimpleNamespace(run=lambda name, variables: list(map(row, said)))
    return Network(reader)


def answers_of(*said: str, topics: tuple[Topic, ...] = ()) -> Any:
    """Answers over such a network; concepts have no names there."""
    network = network_of(*said)
    return SimpleNamespace(
        network=network,
        builds_on=BuildsOn(network),
        syllabus=Syllabus(topics),
        index=SimpleNamespace(preferred=lambda concepts: {}),
        snapshot=SimpleNamespace(id="test"),
    )


# ----------------------------------------------------------------------------------- neighbourhood


def test_neighbours_are_cut_with_counts_and_each_relation_gets_its_turn() -> None:
    said = [f"{number} mg:instanceOf 1" for number in range(10, 40)]
    answer = neighbours(
        answers_of(*said, "1 skos:broader 2"), q(1), depth=1, limit=3, chain=ENGLISH
    )
    assert [node["id"] for node in answer["nodes"]] == [q(1), q(2), q(10), q(11)]
    assert answer["nodes"][0]["cut"] == {"instances": 28}
    assert answer["nodes"][0]["degree"] == 31
    assert {"source": q(1), "target": q(2), "relation": "broader"} in answer["edges"]
    assert len(answer["edges"]) == 3


def test_neighbours_of_neighbours_come_with_their_distance_and_the_edges_between_them() -> None:
    given = answers_of("1 skos:broader 2", "2 skos:broader 3", "3 skos:broader 4", "3 mg:partOf 1")
    near = neighbours(given, q(2), depth=1, limit=10, chain=ENGLISH)
    assert {node["id"]: node["distance"] for node in near["nodes"]} == {q(2): 0, q(1): 1, q(3): 1}
    assert {"source": q(3), "target": q(1), "relation": "part_of"} in near["edges"]
    far = neighbours(given, q(2), depth=2, limit=10, chain=ENGLISH)
    assert {node["id"]: node["distance"] for node in far["nodes"]}[q(4)] == 2


def test_a_concept_without_relations_is_alone_in_its_neighbourhood() -> None:
    answer = neighbours(answers_of("1 skos:broader 2"), q(9), depth=2, limit=5, chain=ENGLISH)
    assert [(node["id"], node["degree"]) for node in answer["nodes"]] == [(q(9), 0)]
    assert answer["edges"] == []


@pytest.mark.parametrize(("depth", "limit"), [(0, 10), (3, 10), (1, 0), (1, 201)])
def test_a_neighbourhood_out_of_range_is_refused(depth: int, limit: int) -> None:
    with pytest.raises(InputError, match="expected 1 to"):
        neighbours(answers_of("1 skos:broader 2"), q(1), depth=depth, limit=limit, chain=ENGLISH)


# --------------------------------------------------------------------------------------- hierarchy


def distances(answer: dict[str, Any]) -> dict[str, int]:
    return {item["id"]: item["distance"] for item in answer["items"]}


CIRCLE = ("1 skos:broader 2", "2 skos:broader 3", "3 skos:broader 1", "1 skos:broader 4")


def test_hierarchy_ends_in_a_circle_and_never_holds_the_concept_itself() -> None:
    given = answers_of(*CIRCLE)
    up = hierarchy(given, q(1), "broader", transitive=True, cursor="", limit=9, chain=ENGLISH)
    assert distances(up) == {q(2): 1, q(4): 1, q(3): 2}
    down = hierarchy(given, q(4), "narrower", transitive=True, cursor="", limit=9, chain=ENGLISH)
    assert distances(down) == {q(1): 1, q(3): 2, q(2): 3}


def test_hierarchy_is_one_step_unless_asked_and_pages() -> None:
    given = answers_of(*CIRCLE)
    first = hierarchy(given, q(1), "broader", transitive=False, cursor="", limit=1, chain=ENGLISH)
    assert (first["total"], distances(first)) == (2, {q(2): 1})
    rest = hierarchy(
        given, q(1), "broader", transitive=False, cursor=first["next"], limit=1, chain=ENGLISH
    )
    assert (distances(rest), rest["next"]) == ({q(4): 1}, None)


# -------------------------------------------------------------------------------------------- path


def relations(answer: dict[str, Any]) -> list[str]:
    return [step["relation"] for step in answer["steps"]]


def test_a_path_names_each_relation_as_it_is_walked() -> None:
    answer = path(
        answers_of("1 skos:broader 2", "3 skos:broader 2"), q(1), q(3), most=4, chain=ENGLISH
    )
    assert relations(answer) == ["broader", "narrower"]
    assert [step["to"]["id"] for step in answer["steps"]] == [q(2), q(3)]
    assert (answer["found"], answer["length"]) == (True, 2)


def test_a_path_goes_round_a_concept_that_has_to_do_with_everything() -> None:
    crowd = [f"{number} mg:instanceOf 99" for number in range(100, 1000)]
    chain = ["1 skos:broader 2", "2 skos:broader 3", "3 skos:broader 4"]
    ends = ["1 mg:instanceOf 99", "4 mg:instanceOf 99"]
    answer = path(answers_of(*crowd, *chain, *ends), q(1), q(4), most=8, chain=ENGLISH)
    assert relations(answer) == ["broader", "broader", "broader"]


def test_no_path_is_an_answer() -> None:
    given = answers_of("1 skos:broader 2", "3 skos:broader 4")
    for end in (q(4), q(77)):
        answer = path(given, q(1), end, most=8, chain=ENGLISH)
        assert (answer["found"], answer["length"], answer["steps"]) == (False, None, [])


def test_a_path_longer_than_allowed_is_none_and_one_to_itself_has_no_steps() -> None:
    given = answers_of("1 skos:broader 2", "2 skos:broader 3")
    assert path(given, q(1), q(3), most=1, chain=ENGLISH)["found"] is False
    itself = path(given, q(1), q(1), most=1, chain=ENGLISH)
    assert (itself["found"], itself["length"]) == (True, 0)
    with pytest.raises(InputError, match="max_steps"):
        path(given, q(1), q(3), most=13, chain=ENGLISH)


# ----------------------------------------------------------------------------------- prerequisites


def learned(given: Any, concept: str, limit: int = 15) -> list[str]:
    answer = prerequisites(given, concept, limit=limit, chain=ENGLISH)
    return [step["id"] for step in answer["steps"]]


def test_prerequisites_come_in_an_order_in_which_each_builds_on_those_before() -> None:
    given = answers_of(
        "1 mg:definedWith 2 core", "2 mg:definedWith 3 core", "1 mg:definedWith 3 core"
    )
    answer = prerequisites(given, q(1), limit=9, chain=ENGLISH)
    assert [(step["id"], step["level"]) for step in answer["steps"]] == [(q(3), 1), (q(2), 2)]
    assert answer["steps"][0]["for"] == [
        {"id": q(2), "relation": "defined_with", "sources": ["core"]},
        {"id": q(1), "relation": "defined_with", "sources": ["core"]},
    ]


def test_a_circle_of_definitions_opens_at_its_weakest_statement() -> None:
    given = answers_of(
        "1 mg:definedWith 2 core", "1 mg:definedWith 2 chicago", "2 mg:definedWith 1 wikidata"
    )
    assert learned(given, q(1)) == [q(2)]
    assert learned(given, q(2)) == []


def test_what_is_broader_comes_before_only_if_it_is_about_as_basic() -> None:
    users = [f"{number} mg:definedWith 1 core" for number in range(10, 20)]
    basic = [f"{number} mg:definedWith 2 core" for number in range(20, 25)]
    given = answers_of(*users, *basic, "1 skos:broader 2", "1 skos:broader 3")
    assert learned(given, q(1)) == [q(2)], "no definition uses the other one"


def test_fields_of_study_and_large_classes_are_no_prerequisites() -> None:
    crowd = [f"{number} mg:instanceOf 3" for number in range(100, 201)]
    given = answers_of(
        "1 mg:definedWith 2 core", "1 mg:definedWith 3 core", "5 mg:studiedBy 2", *crowd
    )
    assert learned(given, q(1)) == []


def test_a_reading_list_is_bounded() -> None:
    given = answers_of(*(f"1 mg:definedWith {number} core" for number in range(2, 30)))
    assert len(learned(given, q(1), limit=5)) == 5
    with pytest.raises(InputError, match="expected 1 to 25"):
        learned(given, q(1), limit=26)


def test_the_syllabus_says_what_its_chapter_teaches_before() -> None:
    topics = (
        Topic("syllabus:a", None, ("Algebra", "a"), formalised=True),
        Topic("syllabus:b", q(2), ("Analysis", "b"), formalised=True),
        Topic("syllabus:c", q(1), ("Analysis", "c"), formalised=False),
    )
    answer = prerequisites(
        answers_of("1 mg:definedWith 2 core", topics=topics), q(1), limit=5, chain=ENGLISH
    )
    assert answer["syllabus"] == [["Analysis", "c"]]
    assert [topic["id"] for topic in answer["taught_before"]] == ["syllabus:b"]
    assert answer["steps"][0]["syllabus"] == [["Analysis", "b"]]


# ----------------------------------------------------------------------------------- small world


def test_the_small_world_teaches_groups_before_abelian_groups(answers: Answers) -> None:
    answer = answers.prerequisites("abelian group")
    labels = [step["label"] for step in answer["steps"]]
    assert labels.index("set") < labels.index("operation") < labels.index("group")
    last = answer["steps"][-1]
    assert {
        "id": ABELIAN,
        "relation": "defined_with",
        "sources": ["chicago", "core", "wikidata"],
    } in last["for"]
    assert last["syllabus"] == [["Group Theory", "Basic definitions", "group"]]
    assert answer["taught_before"][0]["concept"] == GROUP


def test_neighbours_agree_with_the_card(answers: Answers) -> None:
    card = answers.concept(ABELIAN)
    answer = answers.neighbours(ABELIAN, limit=200)
    out = {(e["relation"], e["target"]) for e in answer["edges"] if e["source"] == ABELIAN}
    assert {("broader", item["id"]) for item in card["broader"]} <= out
    assert {item["id"] for item in answers.hierarchy(ABELIAN, "broader")["items"]} == {
        item["id"] for item in card["broader"]
    }


def test_relations_of_something_unknown_are_not_found(answers: Answers) -> None:
    for ask in (answers.neighbours, answers.prerequisites):
        with pytest.raises(NotFoundError, match="no concept 'nothing such'"):
            ask("nothing such")
    with pytest.raises(NotFoundError):
        answers.path(ABELIAN, "nothing such")


def test_names_are_in_the_language_asked_for(answers: Answers) -> None:
    answer = answers.path("abelian group", "group", chain=("de", "en"))
    assert answer["from"]["label"] == "abelsche Gruppe"
    assert answer["steps"][0]["to"]["label_lang"] == "de"
