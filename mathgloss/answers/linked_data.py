"""Concepts and papers as linked data: the triples of one, and the addresses of all."""

from __future__ import annotations

import pyoxigraph as ox

from mathgloss import ids
from mathgloss.errors import InputError, NotFoundError
from mathgloss.experiments import load_catalogue
from mathgloss.graph.reader import Reader, short_name


def concept_triples(reader: Reader, concept: str) -> list[ox.Triple]:
    """What the snapshot holds about a concept, its mappings and the terms that mean it.

    Args:
        reader: reads the snapshot.
        concept: its identifier as :meth:`.Answers.resolve` gives it.
    """
    return reader.triples("concept_graph", concept=concept)


def paper_triples(reader: Reader, identifier: str) -> list[ox.Triple]:
    """A paper's record and the mentions in it.

    Raises:
        NotFoundError: no paper of that identifier.
    """
    try:
        paper = ids.canonical(identifier)
    except InputError as error:
        raise NotFoundError(f"no paper {identifier[:200]!r}: {error}") from error
    triples = reader.triples("paper_graph", paper=paper)
    if not triples:
        raise NotFoundError(f"no paper {paper!r} in snapshot {reader.snapshot.id}")
    return triples


def all_identifiers(reader: Reader) -> dict[str, list[str]]:
    """The identifiers of all ``concept``, ``paper`` and ``experiment`` pages, for crawlers."""
    found: dict[str, list[str]] = {
        "concept": [],
        "paper": [],
        "experiment": list(load_catalogue().experiments),
    }
    for row in reader.run("page_identifiers", {}):
        kind = "concept" if short_name(row["class"].value) == "skos:Concept" else "paper"
        found[kind].append(row["id"].value)
    return {kind: sorted(listed) for kind, listed in found.items()}
