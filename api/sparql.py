"""The SPARQL 1.1 Protocol at ``/sparql``, query operation only.

https://www.w3.org/TR/sparql11-protocol/#query-operation
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from apiflask import APIBlueprint
from flask import Response, render_template, request

from api.problems import ProblemError
from api.published import answers
from api.responses import compressed
from mathgloss.errors import QueryError
from mathgloss.graph.sparql import GRAPH_FORMATS, RESULT_FORMATS, Result, run_query

blueprint: Final = APIBlueprint("sparql", __name__, tag="SPARQL")

FORM_TYPE: Final = "application/x-www-form-urlencoded"
QUERY_TYPE: Final = "application/sparql-query"
ANSWER_TYPES: Final = (*RESULT_FORMATS, *GRAPH_FORMATS)
MAX_GRAPHS: Final = 100
SHOWN_ROWS: Final = 500

# names that clients use for a format they would take under another name
_RESULT_ALIASES: Final = {
    "application/json": "application/sparql-results+json",
    "application/xml": "application/sparql-results+xml",
}
_GRAPH_ALIASES: Final = {"application/json": "application/ld+json"}
_ERRORS: Final = {
    400: "No query, several, or one that is not well-formed or not allowed",
    406: "No format of the result is acceptable",
    503: "No snapshot has been published yet",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the dataset it names; ``None`` where it names none."""

    text: str
    default_graphs: list[str] | None
    named_graphs: list[str] | None


@blueprint.get("/sparql")
@blueprint.doc(responses={200: "The result", **_ERRORS})
def query_get() -> Response:
    """Run the query in the parameter ``query``; without one a browser gets a form."""
    parameters = _parse(request.query_string)
    if _wants_page():
        return _page(parameters)
    return _answer(_query(parameters))


@blueprint.post("/sparql")
@blueprint.doc(responses={200: "The result", **_ERRORS, 415: "The body is of another media type"})
def query_post() -> Response:
    """Run the query that is the body, or the form's field ``query``."""
    body = request.get_data()
    if request.mimetype == FORM_TYPE:
        return _answer(_query(_parse(body)))
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != QUERY_TYPE or charset not in {"utf-8", "utf8"}:
        given = request.content_type or "none"
        raise ProblemError(415, f"Content-Type: expected {QUERY_TYPE} or {FORM_TYPE}, got {given}")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"query: expected UTF-8, got {error}") from error
    graphs = [pair for pair in _parse(request.query_string) if pair[0] != "query"]
    return _answer(_query([("query", text), *graphs]))


def _parse(encoded: bytes) -> list[tuple[str, str]]:
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


def _query(parameters: list[tuple[str, str]]) -> Query:
    texts = [value for name, value in parameters if name == "query"]
    if any(name == "update" for name, _ in parameters):
        raise ProblemError(400, "update: this endpoint answers queries only; updates are refused")
    if len(texts) != 1:
        raise ProblemError(400, f"query: expected exactly one, got {len(texts)}")
    default = [value for name, value in parameters if name == "default-graph-uri"]
    named = [value for name, value in parameters if name == "named-graph-uri"]
    if not default and not named:
        return Query(texts[0], None, None)
    return Query(texts[0], default, named)


def _answer(query: Query) -> Response:
    asked_result = _choose([*RESULT_FORMATS, *_RESULT_ALIASES])
    asked_graph = _choose([*GRAPH_FORMATS, *_GRAPH_ALIASES])
    if asked_result is None and asked_graph is None:
        raise _not_acceptable(ANSWER_TYPES)
    results = _RESULT_ALIASES.get(asked_result or "", asked_result)
    graph = _GRAPH_ALIASES.get(asked_graph or "", asked_graph)
    result = _run(
        query,
        results=results or next(iter(RESULT_FORMATS)),
        graph=graph or next(iter(GRAPH_FORMATS)),
    )
    is_rows = result.media_type in RESULT_FORMATS
    asked = asked_result if is_rows else asked_graph
    if asked is None:
        raise _not_acceptable(RESULT_FORMATS if is_rows else GRAPH_FORMATS)
    response = Response(result.body, mimetype=asked)
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    return compressed(response)


def _run(query: Query, *, results: str, graph: str) -> Result:
    return run_query(
        answers().snapshot,
        query.text,
        results=results,
        graph=graph,
        default_graphs=query.default_graphs,
        named_graphs=query.named_graphs,
    )


def _choose(offered: list[str]) -> str | None:
    """The offered media type that the client likes best; of equals the first."""
    accepted = request.accept_mimetypes
    if not accepted:
        return offered[0]
    best = max(offered, key=accepted.quality)
    return best if accepted.quality(best) > 0 else None


def _not_acceptable(offered: Any) -> ProblemError:
    return ProblemError(406, f"Accept: expected one of {', '.join(offered)}")


# --------------------------------------------------------------------------------- for a browser


def _wants_page() -> bool:
    accepted = request.accept_mimetypes
    named = {name for name, quality in accepted if quality > 0}
    return "text/html" in named and not named & set(ANSWER_TYPES)


def _page(parameters: list[tuple[str, str]]) -> Response:
    """The form, and below it the result of its query."""
    context: dict[str, Any] = {"snapshot": answers().snapshot.id, "query": "", "examples": EXAMPLES}
    status = 200
    if any(name == "query" for name, _ in parameters):
        query = _query(parameters)
        context["query"] = query.text
        try:
            context |= _shown(_run(query, results=next(iter(RESULT_FORMATS)), graph="text/turtle"))
        except QueryError as error:
            context["error"] = str(error)
            status = 400
    response = Response(render_template("sparql.html", **context), status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    return compressed(response)


def _shown(result: Result) -> dict[str, Any]:
    if result.media_type in GRAPH_FORMATS:
        return {"triples": result.body.decode()}
    answer = json.loads(result.body)
    if "boolean" in answer:
        return {"boolean": answer["boolean"]}
    rows = answer["results"]["bindings"]
    return {
        "columns": answer["head"]["vars"],
        "rows": rows[:SHOWN_ROWS],
        "row_count": len(rows),
    }


EXAMPLES: Final = (
    (
        "Names of the abelian group",
        """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?name (LANG(?name) AS ?language) WHERE {
  <http://www.wikidata.org/entity/Q181296> skos:prefLabel|skos:altLabel ?name
} ORDER BY ?language ?name""",
    ),
    (
        "Concepts with the most narrower ones",
        """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?concept ?name (COUNT(DISTINCT ?other) AS ?narrower) WHERE {
  ?other skos:broader ?concept .
  ?concept skos:prefLabel ?name . FILTER(LANG(?name) = "en")
} GROUP BY ?concept ?name ORDER BY DESC(?narrower) LIMIT 20""",
    ),
    (
        "Triples in each named graph",
        """SELECT ?graph (COUNT(*) AS ?triples) WHERE {
  GRAPH ?graph { ?s ?p ?o }
} GROUP BY ?graph ORDER BY DESC(?triples)""",
    ),
)
