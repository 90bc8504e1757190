"""SPARQL queries over a snapshot: read-only, with the result in the format asked for.

The default graph of a query is the union of all named graphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from mathgloss.errors import QueryError
from mathgloss.graph.snapshot import Snapshot

MAX_QUERY_CHARS: Final = 100_000

# media type -> format, the preferred one of each kind first
RESULT_FORMATS: Final = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/csv": ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
GRAPH_FORMATS: Final = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/ld+json": ox.RdfFormat.JSON_LD,
}

# Just enough of SPARQL's grammar to tell a keyword from what only looks like one.
_LEXER: Final = re.compile(
    r"""(?P<iri><[^<>"{}|^`\x00-\x20]*>)
    | (?P<comment>\#[^\r\n]*)
    | (?P<string>\"{3}(?:[^"\\]|\\.|\"(?!\"\"))*\"{3} | '{3}(?:[^'\\]|\\.|'(?!''))*'{3}
        | "(?:[^"\\\r\n]|\\.)*" | '(?:[^'\\\r\n]|\\.)*')
    | (?P<variable>[?$]\w+)
    | (?P<prefixed>[\w.\-]*:[\w.\-:%\\]*)
    | (?P<tag>@[\w\-]+)
    | (?P<number>[0-9]+)
    | (?P<word>[^\W\d]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_UPDATES: Final = frozenset([
    "INSERT",
    "DELETE",
    "LOAD",
    "CLEAR",
    "DROP",
    "CREATE",
    "ADD",
    "MOVE",
    "COPY",
    "WITH",
])
_PROLOGUE: Final = frozenset(["BASE", "PREFIX"])


@dataclass(frozen=True, slots=True)
class Result:
    """A serialised query result and its media type."""

    body: bytes
    media_type: str


def refuse_unsafe(query: str) -> None:
    """Refuse what is no query: updates, and ``SERVICE``, which would reach into the network.

    Raises:
        QueryError: saying what is refused.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise QueryError(f"query: expected at most {MAX_QUERY_CHARS} characters, got {len(query)}")
    words = [match["word"].upper() for match in _LEXER.finditer(query) if match["word"]]
    first = next((word for word in words if word not in _PROLOGUE), "")
    if first in _UPDATES:
        raise QueryError(f"{first}: this endpoint answers queries only; updates are refused")
    if "SERVICE" in words or _mentions_service(query):
        raise QueryError("SERVICE is refused: this endpoint does not query other endpoints")


def _mentions_service(query: str) -> bool:
    """Whether the query holds a SERVICE clause, by a second, whole parser.

    The engine has no switch for SERVICE, so what the lexer may have misread is parsed by rdflib:
    slower, so only if the letters occur at all. What cannot be told for sure counts as a clause.
    """
    readings = (query, re.sub(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})", _unescape, query))
    if not any("service" in reading.casefold() for reading in readings):
        return False
    if readings[0] != readings[1]:
        return True  # escapes may stand for quotes, so two parsers may read two queries
    from pyparsing import ParseException  # slow to import, seldom needed
    from rdflib.plugins.sparql.parser import parseQuery

    try:
        return _holds_clause(parseQuery(query), "ServiceGraphPattern")
    except (ParseException, RecursionError, ValueError, TypeError):
        return True


def _holds_clause(node: object, name: str) -> bool:
    """Whether a clause of that name is anywhere in rdflib's parse of a query."""
    if getattr(node, "name", None) == name:
        return True
    values = node.values() if isinstance(node, dict) else node
    if isinstance(values, str) or not isinstance(values, Iterable):
        return False
    return any(_holds_clause(value, name) for value in values)


def _unescape(match: re.Match[str]) -> str:
    code = int(match[1] or match[2], 16)
    return chr(code) if code < 0x110000 else match[0]


def run_query(
    snapshot: Snapshot,
    query: str,
    *,
    results: str = "application/sparql-results+json",
    graph: str = "text/turtle",
    default_graphs: list[str] | None = None,
    named_graphs: list[str] | None = None,
) -> Result:
    """Run a SELECT, ASK, CONSTRUCT or DESCRIBE query.

    Args:
        snapshot: what is asked.
        query: SPARQL 1.1.
        results: media type for rows and booleans, a key of ``RESULT_FORMATS``.
        graph: media type for triples, a key of ``GRAPH_FORMATS``.
        default_graphs: IRIs of graphs to use as the default graph; default: all.
        named_graphs: IRIs of graphs that ``GRAPH`` may name; default: all.

    Returns:
        The serialised result.

    Raises:
        QueryError: refused, not well-formed, or failing while it is evaluated.
    """
    refuse_unsafe(query)
    try:
        answer = snapshot.store.query(
            query,
            use_default_graph_as_union=default_graphs is None,
            default_graph=[ox.NamedNode(iri) for iri in default_graphs or ()] or None,
            named_graphs=[ox.NamedNode(iri) for iri in named_graphs or ()] or None,
        )
        if isinstance(answer, ox.QueryTriples):
            body = answer.serialize(format=GRAPH_FORMATS[graph])
            return Result(body or b"", graph)
        body = answer.serialize(format=RESULT_FORMATS[results])
        return Result(body or b"", results)
    except SyntaxError as error:
        line = str(error).splitlines()[0]
        raise QueryError(f"the query is not well-formed: {line}") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise QueryError(f"the query failed: {error}") from error
