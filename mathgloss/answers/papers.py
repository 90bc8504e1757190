"""Papers: their records, and the concepts that are mentioned in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

import pyoxigraph as ox

from mathgloss import ids
from mathgloss.answers.languages import Chain, shown_names
from mathgloss.answers.paging import Answer, checked_limit, key_of, page
from mathgloss.answers.sentences import sentence_at
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.index import LabelIndex
from mathgloss.graph.reader import Reader, Row, short_name

_FIELD_ORDER: Final = {"title": 0, "text": 1}


def list_papers(reader: Reader, *, cursor: str, limit: int) -> Answer:
    """A page of all papers in the order of their identifiers.

    Raises:
        InputError: the limit is out of range, or the cursor none of ours.
    """
    checked_limit(limit)
    rows = reader.run("paper_list", {ox.Variable("after"): ox.Literal(key_of(cursor))})
    items = [
        {"id": row["id"].value, "title": row["title"].value} for row in islice(rows, limit + 1)
    ]
    total = reader.snapshot.manifest.counts["papers"]
    return page(items, limit, key="id", total=total, snapshot=reader.snapshot.id)


def read_paper(reader: Reader, index: LabelIndex, identifier: str, chain: Chain) -> Answer:
    """A paper's record and the concepts mentioned in it, with their places and sentences.

    The abstract is given only if its licence allows it.

    Raises:
        NotFoundError: no paper of that identifier.
    """
    try:
        paper = ids.canonical(identifier)
    except InputError as error:
        raise NotFoundError(f"no paper {identifier[:200]!r}: {error}") from error
    said: dict[str, list[str]] = defaultdict(list)
    for row in reader.rows("paper", paper=paper):
        value = row["value"].value
        if value not in said[short_name(row["property"].value)]:
            said[short_name(row["property"].value)].append(value)
    if not said:
        raise NotFoundError(f"no paper {paper!r} in snapshot {reader.snapshot.id}")
    abstract = _one(said["dcterms:abstract"])
    texts = {"title": said["dcterms:title"][0], "text": abstract}
    return {
        "id": paper,
        "title": texts["title"],
        "authors": said["dcterms:creator"],
        "venue": _one(said["schema:isPartOf"]),
        "published": _one(said["dcterms:issued"]),
        "url": _one(said["schema:url"]),
        "keywords": sorted(said["schema:keywords"]),
        "categories": sorted(said["mg:arxivCategory"]),
        "summary": _one(said["dcterms:description"]),
        "abstract": abstract,
        "licence": _one(said["dcterms:license"]),
        "mentions": _mentions(reader, index, paper, texts, chain),
        "snapshot": reader.snapshot.id,
    }


def papers_of(reader: Reader, concept: str) -> list[Answer]:
    """The papers that mention a concept, with every place and the sentence around it.

    The sentence's text is given only if the licence of the abstract allows it; titles always are.
    """
    found: dict[str, Answer] = {}
    for row in reader.rows("concept_mentions", concept=concept):
        paper = ids.curie(row["paper"].value)
        entry = found.setdefault(
            paper,
            {
                "id": paper,
                "title": row["title"].value,
                "url": row["url"].value if row["url"] else None,
                "mentions": 0,
                "confidence": 0.0,
                "places": [],
            },
        )
        texts = {"title": entry["title"], "text": row["abstract"] and row["abstract"].value}
        entry["places"].append(_place(row, texts[row["field"].value]))
    for entry in found.values():
        entry["places"].sort(key=lambda place: (_FIELD_ORDER[place["field"]], place["start"]))
        entry["mentions"] = len(entry["places"])
        entry["confidence"] = max(place["confidence"] for place in entry["places"])
    return sorted(found.values(), key=paper_order)


def paper_order(paper: Answer) -> list[Any]:
    """Papers that mention a concept most come first."""
    return [-paper["mentions"], paper["title"], paper["id"]]


class Mentioned(NamedTuple):
    """How many papers mention a concept, and in how many places in all."""

    papers: int
    mentions: int


def mentioned_concepts(reader: Reader) -> dict[str, Mentioned]:
    """How often papers mention each concept that any mentions."""
    return {
        ids.curie(row["concept"].value): Mentioned(
            int(row["papers"].value), int(row["mentions"].value)
        )
        for row in reader.run("mentioned_concepts", {})
    }


def _place(row: Row, text: str | None) -> Answer:
    start, end = int(row["start"].value), int(row["end"].value)
    return {
        "field": row["field"].value,
        "start": start,
        "end": end,
        "surface": row["surface"].value,
        "confidence": float(row["confidence"].value),
        "sentence": _sentence(text, start, end),
    }


def _sentence(text: str | None, start: int, end: int) -> Answer | None:
    """The sentence around a mention, with its own offsets; ``None`` for a text not served."""
    if text is None:
        return None
    first, last = sentence_at(text, start, end)
    return {"start": first, "end": last, "text": text[first:last]}


def _mentions(
    reader: Reader,
    index: LabelIndex,
    paper: str,
    texts: Mapping[str, str | None],
    chain: Chain,
) -> list[Answer]:
    # the same mention may come from two graphs
    found = {
        (row["field"].value, int(row["start"].value), ids.curie(row["concept"].value)): row
        for row in reader.rows("paper_mentions", paper=paper)
    }
    names = shown_names(index, (concept for _, _, concept in found), chain)
    return [
        {
            **_place(row, texts[field]),
            "concept": concept,
            "label": names[concept].label,
            "label_lang": names[concept].lang,
        }
        for (field, _, concept), row in sorted(
            found.items(), key=lambda item: (_FIELD_ORDER[item[0][0]], *item[0][1:])
        )
    ]


def _one(values: list[str]) -> str | None:
    return values[0] if values else None
