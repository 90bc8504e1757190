"""The tool that asks the graph in SPARQL."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from pydantic import Field

from api.agents.shorten import Shortener, beginning
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers
from mathgloss.graph.sparql import GRAPH_FORMATS, Query

_VALUE_CHARS: Final = 200
_TABLE_CHARS: Final = 6_000
_TRIPLES_CHARS: Final = 5_000


def sparql_query(
    answers: Answers,
    query: Annotated[str, Field(min_length=1, max_length=20_000, description="SPARQL 1.1 query")],
    limit: Annotated[int, Field(ge=1, le=200, description="Number of rows")] = 20,
) -> Answer:
    """Ask the graph itself: SELECT, ASK, CONSTRUCT or DESCRIBE; updates and SERVICE are refused.

    Concepts are skos:Concept with skos:prefLabel, skos:altLabel, skos:broader and, from a source's
    term to the concept, skos:exactMatch; wd:Q181296 is <http://www.wikidata.org/entity/Q181296>.
    Prefixes must be declared. The default graph is the union of all named graphs.
    """
    result = answers.query(Query(text=query))
    short = Shortener()
    shown: Answer = {"columns": [], "rows": [], "boolean": None, "triples": None}
    if result.media_type in GRAPH_FORMATS:
        more = "ask for less, or POST the query to /sparql"
        shown["triples"] = _triples(result.body.decode(), short, more)
    else:
        held = json.loads(result.body)
        shown["boolean"] = held.get("boolean")
        if "results" in held:
            shown["columns"] = held["head"]["vars"]
            shown["rows"] = _rows(held, limit, short)
    return {**shown, "cut": short.cuts, "snapshot": answers.snapshot.id}


def _triples(turtle: str, short: Shortener, more: str) -> str:
    """Whole lines of the result, so that what is cut can still be read."""
    lines = turtle.splitlines()
    return "\n".join(short.items("lines", lines, _fitting(lines, _TRIPLES_CHARS), more=more))


def _rows(held: Answer, limit: int, short: Shortener) -> list[list[str | None]]:
    """As many rows as asked for, if they are not too long together."""
    columns = held["head"]["vars"]
    rows = [
        [_term(row[column]) if column in row else None for column in columns]
        for row in held["results"]["bindings"][:limit]
    ]
    keep = _fitting(["".join(value or "" for value in row) for row in rows], _TABLE_CHARS)
    return short.items(
        "rows",
        rows,
        keep,
        total=len(held["results"]["bindings"]),
        more="raise limit, select fewer columns, use LIMIT and OFFSET, or POST to /sparql",
    )


def _fitting(texts: list[str], most: int) -> int:
    """How many of the texts, the first at least, have no more characters than that together."""
    size = 0
    for place, text in enumerate(texts):
        size += len(text) + 1
        if size > most and place:
            return place
    return len(texts)


def _term(term: dict[str, Any]) -> str:
    """An IRI in angle brackets, a literal as it reads with its language."""
    if term["type"] == "uri":
        return f"<{term['value']}>"
    value = beginning(term["value"], _VALUE_CHARS)
    return f"{value}@{term['xml:lang']}" if "xml:lang" in term else str(value)
