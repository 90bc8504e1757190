"""Reads a query before the engine does, to refuse updates and what reaches into the network.

It runs in the query's own process: neither reading can be trusted to end soon on every text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mathgloss.errors import QueryError

MAX_QUERY_CHARS: Final = 100_000

# Just enough of SPARQL's grammar to tell a keyword from what only looks like one.
_LEXER: Final = re.compile(
    r"""(?P<iri><[^<>"{}|^`\x00-\x20]*>)
    | (?P<comment>\#[^\r\n]*)
    | (?P<string>\"{3}(?:[^"\\]|\\.|\"(?!\"\"))*\"{3} | '{3}(?:[^'\\]|\\.|'(?!''))*'{3}
        | "(?:[^"\\\r\n]|\\.)*" | '(?:[^'\\\r\n]|\\.)*')
    | (?P<unclosed>["'].*)
    | (?P<variable>[?$]\w+)
    | (?P<prefixed>[\w.\-]*:(?:[\w.\-:%]|\\.)*)
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


def refuse_unsafe(query: str) -> None:
    """Refuse what is no query: updates, and ``SERVICE``, which would reach into the network.

    Raises:
        QueryError: saying what is refused.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise QueryError(f"query: expected at most {MAX_QUERY_CHARS} characters, got {len(query)}")
    words = _keywords(query)
    first = next((word for word in words if word not in _PROLOGUE), "")
    if first in _UPDATES:
        raise QueryError(f"{first}: this endpoint answers queries only; updates are refused")
    if "SERVICE" in words or _mentions_service(query):
        raise QueryError("SERVICE is refused: this endpoint does not query other endpoints")


def names_dataset(query: str) -> bool:
    """Whether the query says by FROM what its dataset is."""
    return "from" in query.casefold() and "FROM" in _keywords(query)


def _keywords(query: str) -> list[str]:
    return [match["word"].upper() for match in _LEXER.finditer(query) if match["word"]]


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
