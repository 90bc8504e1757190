"""Which classes and properties a snapshot uses, and how often: what editors complete from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from mathgloss import vocab
from mathgloss.graph.snapshot import Snapshot

_CLASSES: Final = """SELECT ?term (COUNT(DISTINCT ?s) AS ?count) { GRAPH ?g { ?s a ?term } }
GROUP BY ?term ORDER BY DESC(?count) ?term"""
_PROPERTIES: Final = """SELECT ?term (COUNT(*) AS ?count) { GRAPH ?g { ?s ?term ?o } }
GROUP BY ?term ORDER BY DESC(?count) ?term"""
_SUBJECTS: Final = "SELECT (COUNT(DISTINCT ?s) AS ?count) { GRAPH ?g { ?s ?p ?o } }"
_LABELS: Final = f"""SELECT ?term ?label {{
GRAPH <{vocab.GRAPH}meta> {{ ?term <{vocab.expand("rdfs:label")}> ?label }} }}"""


@dataclass(frozen=True, slots=True)
class UsedTerm:
    """A class or property: its IRI, what the ontology calls it, and how often it is used.

    Attributes:
        count: number of instances of a class, of triples with a property.
    """

    iri: str
    label: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The vocabulary of a snapshot, the most used terms first."""

    classes: tuple[UsedTerm, ...]
    properties: tuple[UsedTerm, ...]
    subjects: int

    @property
    def vocabularies(self) -> list[str]:
        """The namespaces of the terms, sorted."""
        terms = [term.iri for term in (*self.classes, *self.properties)]
        return sorted(
            address
            for address in vocab.NAMESPACES.values()
            if any(term.startswith(address) for term in terms)
        )


def count_usage(snapshot: Snapshot) -> Usage:
    """Count over all named graphs; takes about a second for a million triples."""
    labels = {row["term"].value: row["label"].value for row in _rows(snapshot, _LABELS)}
    return Usage(
        classes=_used(snapshot, _CLASSES, labels),
        properties=_used(snapshot, _PROPERTIES, labels),
        subjects=int(next(iter(_rows(snapshot, _SUBJECTS)))["count"].value),
    )


def _used(snapshot: Snapshot, query: str, labels: dict[str, str]) -> tuple[UsedTerm, ...]:
    return tuple(
        UsedTerm(row["term"].value, labels.get(row["term"].value), int(row["count"].value))
        for row in _rows(snapshot, query)
    )


def _rows(snapshot: Snapshot, query: str) -> ox.QuerySolutions:
    solutions = snapshot.store.query(query)
    assert isinstance(solutions, ox.QuerySolutions)
    return solutions
