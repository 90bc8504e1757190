"""SPARQL queries over a snapshot: what is asked, in which format, and what comes back.

The default graph of a query that names none is the union of all graphs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mathgloss import ids

# media types, the preferred one of each kind first
RESULT_FORMATS: Final = (
    "application/sparql-results+json",
    "application/sparql-results+xml",
    "text/csv",
    "text/tab-separated-values",
)
GRAPH_FORMATS: Final = (
    "text/turtle",
    "application/n-triples",
    "application/rdf+xml",
    "application/ld+json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A SELECT, ASK, CONSTRUCT or DESCRIBE query.

    Attributes:
        text: SPARQL 1.1.
        default_graphs: IRIs of graphs to use as the default graph; default: what FROM says, or all.
        named_graphs: IRIs of graphs that ``GRAPH`` may name; default: what FROM NAMED says, or all.
        results: media type for rows and booleans, one of ``RESULT_FORMATS``.
        graph: media type for triples, one of ``GRAPH_FORMATS``.
        base: what relative IRIs are resolved against where the text has no BASE.
    """

    text: str
    default_graphs: list[str] | None = None
    named_graphs: list[str] | None = None
    results: str = RESULT_FORMATS[0]
    graph: str = GRAPH_FORMATS[0]
    base: str = ids.BASE


@dataclass(frozen=True, slots=True)
class Result:
    """A serialised query result and its media type."""

    body: bytes
    media_type: str
