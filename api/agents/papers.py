"""Tools about papers: those that mention a concept, and one paper with its concepts."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from api.agents.concepts import ConceptName
from api.agents.lookup import find_concept
from api.agents.shorten import Shortener, beginning, picked
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers

_ABSTRACT_CHARS: Final = 1_200
_SENTENCE_CHARS: Final = 300


def papers_for_concept(
    answers: Answers,
    concept: ConceptName,
    limit: Annotated[int, Field(ge=1, le=20, description="Number of papers")] = 5,
    cursor: Annotated[
        str, Field(max_length=1_000, description="``next`` of the answer before")
    ] = "",
) -> Answer:
    """Papers that mention a concept, those that do most often first, each with a sentence."""
    found = find_concept(answers, concept)
    if found["concept"] is None:
        nothing: Answer = {"papers": [], "total": 0, "next": None, "cut": []}
        return {**found, **nothing, "snapshot": answers.snapshot.id}
    page = answers.concept_papers(found["concept"]["id"], cursor=cursor, limit=limit)
    short = Shortener()
    papers = short.items(
        "papers", page["items"], limit, total=page["total"], more="pass next as cursor"
    )
    return {
        **found,
        "papers": [_mentioning(paper) for paper in papers],
        "total": page["total"],
        "next": page["next"],
        "cut": short.cuts,
        "snapshot": page["snapshot"],
    }


def _mentioning(paper: Answer) -> Answer:
    sentences = (place["sentence"] for place in paper["places"])
    first = next((sentence["text"] for sentence in sentences if sentence), None)
    return {
        **picked(paper, "id", "title", "url", "mentions", "confidence"),
        "sentence": first and beginning(first, _SENTENCE_CHARS),
    }


def get_paper(
    answers: Answers,
    paper: Annotated[
        str,
        Field(min_length=1, max_length=500, description="Identifier: arxiv:2210.06545, tac:5-04"),
    ],
    limit: Annotated[int, Field(ge=1, le=100, description="Number of concepts")] = 15,
) -> Answer:
    """A paper's record and the concepts that it mentions, those mentioned most often first."""
    record = answers.paper(paper)
    short = Shortener()
    concepts = _concepts(record["mentions"])
    abstract = record["abstract"]
    return {
        **picked(record, "id", "title", "venue", "published", "url"),
        "authors": short.items("authors", record["authors"], 10, more="the paper's url"),
        "keywords": short.items("keywords", record["keywords"], 12, more="the paper's url"),
        "abstract": abstract
        and short.text("abstract", abstract, _ABSTRACT_CHARS, more="the paper's url"),
        "concepts": short.items("concepts", concepts, limit, more="raise limit"),
        "cut": short.cuts,
        "snapshot": record["snapshot"],
    }


def _concepts(mentions: list[Answer]) -> list[Answer]:
    """Each concept once, with the number of its mentions and how the paper writes it."""
    held: dict[str, Answer] = {}
    for mention in mentions:
        concept = held.setdefault(
            mention["concept"],
            {
                "id": mention["concept"],
                "label": mention["label"],
                "mentions": 0,
                "confidence": 0.0,
                "surfaces": [],
            },
        )
        concept["mentions"] += 1
        concept["confidence"] = max(concept["confidence"], mention["confidence"])
        if mention["surface"] not in concept["surfaces"] and len(concept["surfaces"]) < 3:
            concept["surfaces"].append(mention["surface"])
    return sorted(held.values(), key=lambda concept: (-concept["mentions"], concept["label"]))
