"""The last touches to the OpenAPI document, of what APIFlask cannot know."""

from __future__ import annotations

from typing import Any, Final

from api.curators import SECURITY_SCHEME
from api.problems import MEDIA_TYPE
from api.reconcile.bodies import describe_bodies as describe_reconciliation
from api.rest.texts import describe_bodies
from api.schemas.sparql import SparqlForm
from api.sparql import ANSWER_TYPES, QUERY_TYPE

# where an address begins so, what its identifier may be, and one
_IDENTIFIERS: Final = {
    "/api/v1/concepts/{identifier}": (
        "A CURIE, an IRI (percent-encoded), a bare Wikidata item, a source's term, "
        "a Lean declaration or a name",
        "wd:Q181296",
    ),
    "/api/v1/papers/{identifier}": ("A CURIE or an IRI (percent-encoded)", "tac:5-04"),
}


def complete_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """What APIFlask cannot know: media types of errors and of SPARQL, examples of identifiers."""
    paths = spec["paths"]
    for begin, (description, example) in _IDENTIFIERS.items():
        for path in (path for path in paths if path.startswith(begin)):
            for parameter in paths[path]["get"]["parameters"]:
                if parameter["in"] == "path":
                    parameter |= {"description": description, "example": example}
    spec["tags"] = list({tag["name"]: tag for tag in spec.get("tags", ())}.values())
    _describe_sparql(paths["/sparql"])
    spec["components"]["securitySchemes"] = {SECURITY_SCHEME: {"type": "http", "scheme": "bearer"}}
    schemas = spec["components"]["schemas"]
    describe_bodies(paths, schemas)
    describe_reconciliation(paths, schemas)
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
    # without a query GET describes the service
    operations["get"]["parameters"] = [
        {"name": name, "in": "query", "required": False, "schema": member}
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
