"""REST under ``/api/v1``, ``/health``, and the last touches to the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response

import mathgloss
from api import vendor
from api.problems import MEDIA_TYPE
from api.published import answers, published
from api.responses import compressed, from_snapshot, to_json
from api.schemas import (
    Concept,
    ConceptPage,
    Health,
    Page,
    Paper,
    PaperPage,
    Search,
    SearchResults,
    Sources,
    SparqlForm,
)
from api.sparql import ANSWER_TYPES, QUERY_TYPE
from mathgloss.errors import DataNotFoundError
from mathgloss.graph.card import Answer

blueprint: Final = APIBlueprint("concepts", __name__, url_prefix="/api/v1", tag="REST")
health_blueprint: Final = APIBlueprint("service", __name__, tag="Service")

_BAD_INPUT: Final = "A parameter is missing or out of its range"
_NO_SNAPSHOT: Final = "No snapshot has been published yet"
_IDENTIFIERS: Final = {
    "/api/v1/concepts/{identifier}": (
        "A CURIE, an IRI (percent-encoded), a bare Wikidata item, a source's term, "
        "a Lean declaration or a name",
        "wd:Q181296",
    ),
    "/api/v1/papers/{identifier}": ("A CURIE or an IRI (percent-encoded)", "tac:5-04"),
}


@blueprint.get("/concepts")
@blueprint.input(Page, location="query", arg_name="page")
@blueprint.output(ConceptPage, description="A page of the list")
@blueprint.doc(responses={400: _BAD_INPUT, 503: _NO_SNAPSHOT})
@from_snapshot
def list_concepts(page: Page) -> Answer:
    """All concepts in the order of their identifiers, a page at a time."""
    return answers().concepts(after=page.after, limit=page.limit)


@blueprint.get("/concepts/<path:identifier>")
@blueprint.output(Concept, description="The concept")
@blueprint.doc(responses={400: "Not an identifier", 404: "No such concept", 503: _NO_SNAPSHOT})
@from_snapshot
def get_concept(identifier: str) -> Answer:
    """All that is known of a concept."""
    return answers().concept(identifier)


@blueprint.get("/search")
@blueprint.input(Search, location="query", arg_name="search")
@blueprint.output(SearchResults, description="What was found; perhaps nothing")
@blueprint.doc(responses={400: _BAD_INPUT, 503: _NO_SNAPSHOT})
@from_snapshot
def search_concepts(search: Search) -> Answer:
    """Concepts by name in any language, the best first."""
    return answers().search(search.q, limit=search.limit)


@blueprint.get("/papers")
@blueprint.input(Page, location="query", arg_name="page")
@blueprint.output(PaperPage, description="A page of the list")
@blueprint.doc(responses={400: _BAD_INPUT, 503: _NO_SNAPSHOT})
@from_snapshot
def list_papers(page: Page) -> Answer:
    """All papers in the order of their identifiers, a page at a time."""
    return answers().papers(after=page.after, limit=page.limit)


@blueprint.get("/papers/<path:identifier>")
@blueprint.output(Paper, description="The paper")
@blueprint.doc(responses={400: "Not an identifier", 404: "No such paper", 503: _NO_SNAPSHOT})
@from_snapshot
def get_paper(identifier: str) -> Answer:
    """A paper's record and the concepts mentioned in it, with their places."""
    return answers().paper(identifier)


@blueprint.get("/sources")
@blueprint.output(Sources, description="The sources")
@blueprint.doc(responses={503: _NO_SNAPSHOT})
@from_snapshot
def list_sources() -> Answer:
    """What each source is, under which licence, and what was read, kept and rejected."""
    return answers().sources()


@health_blueprint.get("/health")
@health_blueprint.output(Health, description="Always, even without a snapshot")
def get_health() -> Response:
    """Whether the service can answer, and from which snapshot."""
    problems = []
    try:
        manifest = published().get().answers.snapshot.manifest
    except DataNotFoundError as error:
        manifest = None
        problems.append(str(error))
    if manifest is not None and (failure := published().failure):
        problems.append(failure)
    if missing := vendor.missing_files():
        problems.append(vendor.describe_missing(missing))
    health = {
        "status": "no snapshot" if manifest is None else "degraded" if problems else "ok",
        "version": mathgloss.__version__,
        "snapshot": manifest.id if manifest else None,
        "created": manifest.created if manifest else None,
        "counts": manifest.counts if manifest else None,
        "problems": problems,
    }
    response = Response(to_json(health), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return compressed(response)


def complete_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """What APIFlask cannot know: media types of errors and of SPARQL, examples of identifiers."""
    paths = spec["paths"]
    for path, (description, example) in _IDENTIFIERS.items():
        for parameter in paths[path]["get"]["parameters"]:
            parameter |= {"description": description, "example": example}
    _describe_sparql(paths["/sparql"])
    schemas = spec["components"]["schemas"]
    schemas["Problem"] = schemas.pop("HTTPError")  # APIFlask's name for it
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in paths.values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    response["content"] = problem
    return spec


def _describe_sparql(operations: dict[str, Any]) -> None:
    schema = SparqlForm.model_json_schema()
    required = schema["required"]
    operations["get"]["parameters"] = [
        {"name": name, "in": "query", "required": name in required, "schema": member}
        for name, member in schema["properties"].items()
    ]
    operations["post"]["requestBody"] = {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {"schema": schema},
            QUERY_TYPE: {"schema": {"type": "string"}},
        },
    }
    for operation in operations.values():
        operation["responses"]["200"]["content"] = {name: {} for name in ANSWER_TYPES}
