"""What the OpenAPI document says of the bodies, which are read here and not by APIFlask."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from api.reconcile.routes import DRAFT_ROOT, ROOT
from api.schemas.reconcile import BatchV02, BatchV1, Extension, QueryV02

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
HTML: Final = "text/html"

# field of the form of version 0.2 -> what it holds, as JSON
_FIELDS: Final[dict[str, type[BaseModel]]] = {
    "queries": BatchV02,
    "query": QueryV02,
    "extend": Extension,
}
_BODIES: Final[dict[str, type[BaseModel]]] = {"/match": BatchV1, "/extend": Extension}


def describe_bodies(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add the bodies of the POSTs and the media type of the preview to an OpenAPI document."""
    fields = {
        name: {
            "type": "string",
            "contentMediaType": JSON,
            "contentSchema": _referred(model, schemas),
        }
        for name, model in _FIELDS.items()
    }
    fields["query"]["description"] = "Also nothing but the name that is looked for"
    form = {"type": "object", "properties": fields, "minProperties": 1, "maxProperties": 1}
    _set_body(paths[ROOT], FORM, form)
    for path, model in _BODIES.items():
        _set_body(paths[DRAFT_ROOT + path], JSON, _referred(model, schemas))
    for root in (ROOT, DRAFT_ROOT):
        paths[f"{root}/preview"]["get"]["responses"]["200"]["content"] = {
            HTML: {"schema": {"type": "string"}}
        }


def _set_body(operations: dict[str, Any], media_type: str, schema: dict[str, Any]) -> None:
    operations["post"]["requestBody"] = {
        "required": True,
        "content": {media_type: {"schema": schema}},
    }


def _referred(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """A reference to the schema of a model, which is added to those of the document."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
    return {"$ref": f"#/components/schemas/{model.__name__}"}
