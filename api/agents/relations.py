"""Tools that walk the graph: what is around a concept, a path, what to learn before."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any, Final

from pydantic import Field

from api.agents.concepts import ConceptName
from api.agents.lookup import find_concept
from api.agents.shorten import Shortener, named
from mathgloss.answers.card import RELATION_NAMES
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers

# what a relation is called from its other end
_INVERSE: Final = {
    name: RELATION_NAMES[predicate, "in"]
    for (predicate, direction), name in RELATION_NAMES.items()
    if direction == "out"
}


def concept_neighbours(
    answers: Answers,
    concept: ConceptName,
    limit: Annotated[int, Field(ge=1, le=100, description="Number of concepts")] = 30,
) -> Answer:
    """The concepts that a concept is related to, by relation: broader, narrower, studied_by, ...

    Each kind of relation gets its turn, the best connected concepts first.
    """
    found = find_concept(answers, concept)
    short = Shortener()
    relations: dict[str, list[Answer]] = {}
    if found["concept"] is not None:
        around = answers.neighbours(found["concept"]["id"], depth=1, limit=limit)
        relations = _by_relation(around)
        for name, missing in around["nodes"][0]["cut"].items():
            held = len(relations.get(name, ()))
            short.note(name, held, held + missing, more="raise limit")
    return {**found, "relations": relations, "cut": short.cuts, "snapshot": answers.snapshot.id}


def _by_relation(around: Answer) -> dict[str, list[Answer]]:
    """The neighbours of the concept in the middle by what they are to it."""
    here = around["id"]
    names = {node["id"]: named(node) for node in around["nodes"]}
    relations: dict[str, dict[str, Answer]] = defaultdict(dict)
    for edge in around["edges"]:
        source, target, relation = edge["source"], edge["target"], edge["relation"]
        if source == here:
            relations[relation][target] = names[target]
        elif target == here:
            relations[_INVERSE[relation]][source] = names[source]
    return {name: list(held.values()) for name, held in sorted(relations.items())}


def path_between(
    answers: Answers,
    start: ConceptName,
    end: ConceptName,
    max_steps: Annotated[int, Field(ge=1, le=12, description="Number of steps at most")] = 8,
) -> Answer:
    """How two concepts are connected: a way from one to the other along named relations.

    In each step ``to`` is this to ``from``: abelian group, broader, group. ``found`` is false where
    the graph has no way of so many steps.
    """
    ends = [find_concept(answers, name) for name in (start, end)]
    answer: dict[str, Any] = {
        "start": ends[0]["concept"],
        "end": ends[1]["concept"],
        "nearest": ends[0]["nearest"] or ends[1]["nearest"],
        "found": False,
        "reason": None,
        "steps": [],
        "cut": [],
        "snapshot": answers.snapshot.id,
    }
    for name, held in zip((start, end), ends, strict=True):
        if held["concept"] is None:
            return {**answer, "reason": f"there is no concept {name!r}"}
    path = answers.path(answer["start"]["id"], answer["end"]["id"], max_steps=max_steps)
    steps = [
        {"from": named(step["from"]), "relation": step["relation"], "to": named(step["to"])}
        for step in path["steps"]
    ]
    reason = None if path["found"] else f"no way of at most {max_steps} steps"
    return {**answer, "found": path["found"], "reason": reason, "steps": steps}


def learn_before(
    answers: Answers,
    concept: ConceptName,
    limit: Annotated[int, Field(ge=1, le=25, description="Number of concepts")] = 10,
) -> Answer:
    """What to learn before a concept: a reading list in which each step builds on earlier ones.

    Computed from what definitions name and from the relations; ``taught_before`` is what the French
    undergraduate syllabus teaches just before it.
    """
    found = find_concept(answers, concept)
    if found["concept"] is None:
        nothing: Answer = {"steps": [], "syllabus": [], "taught_before": [], "cut": []}
        return {**found, **nothing, "snapshot": answers.snapshot.id}
    listed = answers.prerequisites(found["concept"]["id"], limit=limit)
    short = Shortener()
    topics = short.items("taught_before", listed["taught_before"], 5, more="the syllabus")
    return {
        **found,
        "steps": [
            {
                **named(step),
                "level": step["level"],
                "needed_for": list(dict.fromkeys(use["id"] for use in step["for"]))[:3],
            }
            for step in listed["steps"]
        ],
        "syllabus": listed["syllabus"],
        "taught_before": [topic["position"][-1] for topic in topics],
        "cut": short.cuts,
        "snapshot": listed["snapshot"],
    }
