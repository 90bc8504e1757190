"""Papers: their records, and the concepts that are mentioned in them."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import pyoxigraph as ox

from mathgloss import ids
from mathgloss.answers.paging import Answer, checked_limit, key_of, page
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.reader import Reader, short_name

_FIELD_ORDER: Final = {"title": 0, "text": 1}


def list_papers(reader: Reader, *, cursor: str, limit: int) -> Answer:
    """A page of all papers in the order of their identifiers.

    Raises:
        InputError: the limit is out of range, or the cursor none of ours.
    """
    checked_limit(limit)
    rows = reader.run("paper_list", {ox.Variable("after"): ox.Literal(key_of(cursor))})
    items = [{"id": row["id"].value, "title": row["title"].value} for row in rows[: limit + 1]]
    total = reader.snapshot.manifest.counts["papers"]
    return page(items, limit, key="id", total=total, snapshot=reader.snapshot.id)


def read_paper(reader: Reader, identifier: str) -> Answer:
    """A paper's record and the concepts mentioned in it, with their places.

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
    return {
        "id": paper,
        "title": said["dcterms:title"][0],
        "authors": said["dcterms:creator"],
        "venue": _one(said["schema:isPartOf"]),
        "published": _one(said["dcterms:issued"]),
        "url": _one(said["schema:url"]),
        "keywords": sorted(said["schema:keywords"]),
        "categories": sorted(said["mg:arxivCategory"]),
        "abstract": _one(said["dcterms:abstract"]),
        "licence": _one(said["dcterms:license"]),
        "mentions": _mentions(reader, paper),
        "snapshot": reader.snapshot.id,
    }


def _mentions(reader: Reader, paper: str) -> list[Answer]:
    mentions = {}
    for row in reader.rows("paper_mentions", paper=paper):
        concept = ids.curie(row["concept"].value)
        place = (row["field"].value, int(row["start"].value), int(row["end"].value), concept)
        mentions[place] = {
            "field": place[0],
            "start": place[1],
            "end": place[2],
            "surface": row["surface"].value,
            "concept": concept,
            "label": row["label"].value if row["label"] else concept,
            "confidence": float(row["confidence"].value),
        }
    return [mentions[key] for key in sorted(mentions, key=lambda k: (_FIELD_ORDER[k[0]], *k[1:]))]


def _one(values: list[str]) -> str | None:
    return values[0] if values else None
