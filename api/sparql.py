"""The SPARQL 1.1 Protocol at ``/sparql``, query operation only.

https://www.w3.org/TR/sparql11-protocol/#query-operation
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

import pyoxigraph as ox
from apiflask import APIBlueprint
from flask import Response, request

from api.pages.sparql import sparql_page
from api.problems import ProblemError
from api.published import answers
from api.responses import REVALIDATE, SNAPSHOT_HEADER, accepts_gzip, compressed, tag_of
from mathgloss import vocab
from mathgloss.graph.sparql import GRAPH_FORMATS, RESULT_FORMATS, Query

blueprint: Final = APIBlueprint("sparql", __name__, tag="SPARQL")

FORM_TYPE: Final = "application/x-www-form-urlencoded"
QUERY_TYPE: Final = "application/sparql-query"
ANSWER_TYPES: Final = (*RESULT_FORMATS, *GRAPH_FORMATS)
MAX_GRAPHS: Final = 100

# names that clients use for a format they would take under another name
_RESULT_ALIASES: Final = {
    "application/json": "application/sparql-results+json",
    "application/xml": "application/sparql-results+xml",
}
_GRAPH_ALIASES: Final = {"application/json": "application/ld+json"}
# a query with one of these words may have another result the next time
_CHANGING: Final = re.compile(r"\b(?:RAND|NOW|UUID|STRUUID)\b", re.IGNORECASE)
_ERRORS: Final = {
    400: "Several queries, or one that is not well-formed, refused, or fails",
    406: "No format of the result is acceptable",
    422: "The query needs more memory, or has a larger result, than it may have",
    503: "Too many long queries are running, or no snapshot has been published yet",
    504: "The query was ended at its time limit",
}

Parameters = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Formats:
    """What the client likes best, by the name it uses; ``None``: it takes none of that kind."""

    results: str | None
    graph: str | None

    def of(self, query: Query) -> Query:
        """The query with its result wanted in these formats."""
        results = _RESULT_ALIASES.get(self.results or "", self.results)
        graph = _GRAPH_ALIASES.get(self.graph or "", self.graph)
        return replace(query, results=results or RESULT_FORMATS[0], graph=graph or GRAPH_FORMATS[0])


@blueprint.after_request
def name_snapshot(response: Response) -> Response:
    """Say which snapshot answered: results in standard formats have no place for it."""
    if response.status_code < 400 and request.method != "OPTIONS":
        response.headers[SNAPSHOT_HEADER] = answers().snapshot.id
    return response


@blueprint.get("/sparql")
@blueprint.doc(responses={200: "The result", 304: "The client has it", **_ERRORS})
def query_get() -> Response:
    """Run the query in the parameter ``query``; without one, describe the service.

    A browser gets a page.
    """
    parameters = _parse(request.query_string)
    if _wants_page():
        return sparql_page(_query(parameters) if _asks(parameters) else None)
    if not _asks(parameters):
        return _description()
    query = _query(parameters)
    formats = _formats()
    tag = _tag(query, formats)
    if tag and tag in request.if_none_match.as_set(include_weak=True):
        return _finished(Response(status=304), tag)
    return _finished(_answer(query, formats), tag)


@blueprint.post("/sparql")
@blueprint.doc(responses={200: "The result", **_ERRORS, 415: "The body is of another media type"})
def query_post() -> Response:
    """Run the query that is the body, or the form's field ``query``."""
    body = request.get_data()
    if request.mimetype == FORM_TYPE:
        parameters = [*_graphs(_parse(request.query_string)), *_parse(body)]
        return _finished(_answer(_query(parameters), _formats()), "")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != QUERY_TYPE or charset not in {"utf-8", "utf8"}:
        given = request.content_type or "none"
        raise ProblemError(415, f"Content-Type: expected {QUERY_TYPE} or {FORM_TYPE}, got {given}")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"query: expected UTF-8, got {error}") from error
    parameters = [("query", text), *_graphs(_parse(request.query_string))]
    return _finished(_answer(_query(parameters), _formats()), "")


def _parse(encoded: bytes) -> Parameters:
    try:
        return parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=2 * MAX_GRAPHS + 10,
        )
    except ValueError as error:
        detail = f"parameters: expected percent-encoded UTF-8, got {error}"
        raise ProblemError(400, detail) from error


def _asks(parameters: Parameters) -> bool:
    """Whether there is a query, or an update to refuse."""
    return any(name in {"query", "update"} for name, _ in parameters)


def _graphs(parameters: Parameters) -> Parameters:
    """Those parameters that may stand in the address beside a query in the body."""
    return [pair for pair in parameters if pair[0] != "query"]


def _query(parameters: Parameters) -> Query:
    texts = [value for name, value in parameters if name == "query"]
    if any(name == "update" for name, _ in parameters):
        raise ProblemError(400, "update: this endpoint answers queries only; updates are refused")
    if len(texts) != 1:
        raise ProblemError(400, f"query: expected exactly one, got {len(texts)}")
    default = [value for name, value in parameters if name == "default-graph-uri"]
    named = [value for name, value in parameters if name == "named-graph-uri"]
    if not default and not named:
        return Query(text=texts[0])
    return Query(text=texts[0], default_graphs=default, named_graphs=named)


def _formats() -> Formats:
    results = _choose([*RESULT_FORMATS, *_RESULT_ALIASES])
    graph = _choose([*GRAPH_FORMATS, *_GRAPH_ALIASES])
    if results is None and graph is None:
        raise _not_acceptable(ANSWER_TYPES)
    return Formats(results, graph)


def _answer(query: Query, formats: Formats) -> Response:
    result = answers().query(formats.of(query))
    is_rows = result.media_type in RESULT_FORMATS
    asked = formats.results if is_rows else formats.graph
    if asked is None:
        raise _not_acceptable(RESULT_FORMATS if is_rows else GRAPH_FORMATS)
    return compressed(Response(result.body, mimetype=asked))


def _description() -> Response:
    """The service description."""
    asked = _choose([*GRAPH_FORMATS, *_GRAPH_ALIASES])
    if asked is None:
        raise _not_acceptable(GRAPH_FORMATS)
    media_type = _GRAPH_ALIASES.get(asked, asked)
    triples = answers().description(request.url_root)
    body = ox.serialize(
        triples, format=ox.RdfFormat.from_media_type(media_type), prefixes=vocab.NAMESPACES
    )
    return _finished(compressed(Response(body, mimetype=asked)), "")


def _tag(query: Query, formats: Formats) -> str:
    """The validator of the result, or nothing where the same query may have another result."""
    if _CHANGING.search(query.text):
        return ""
    asked = f"{request.full_path} {formats}{' gz' if accepts_gzip() else ''}"
    return tag_of(answers().snapshot.id, asked)


def _finished(response: Response, tag: str) -> Response:
    if tag:  # weak: rows without an order may come in another
        response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = REVALIDATE
    response.vary.add("Accept")
    return response


def _choose(offered: list[str]) -> str | None:
    """The offered media type that the client likes best; of equals the first."""
    accepted = request.accept_mimetypes
    if not accepted:
        return offered[0]
    best = max(offered, key=accepted.quality)
    return best if accepted.quality(best) > 0 else None


def _not_acceptable(offered: tuple[str, ...]) -> ProblemError:
    return ProblemError(406, f"Accept: expected one of {', '.join(offered)}")


def _wants_page() -> bool:
    accepted = request.accept_mimetypes
    named = {name for name, quality in accepted if quality > 0}
    return "text/html" in named and not named & set(ANSWER_TYPES)
