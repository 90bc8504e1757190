"""The last touches to the OpenAPI document, of what APIFlask cannot know."""

from __future__ import annotations

from typing import Any, Final

from api.problems import MEDIA_TYPE
from api.schemas.sparql import SparqlForm
from api.sparql import ANSWER_TYPES, QUERY_TYPE

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
