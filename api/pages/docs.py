"""The documentation of the API, read from the OpenAPI document that the application generates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from apiflask import APIFlask
from flask import current_app
from markupsafe import Markup, escape

from api.markup import render_markdown
from api.pages.rendering import blueprint, render
from api.responses import Rendered, from_snapshot
from mathgloss.answers.paging import Answer

STABILITY: Final = Path(__file__).parent.parent / "stability.md"
_REFERENCE: Final = "#/components/schemas/"
_MAX_DEPTH: Final = 6


@blueprint.app_template_filter("words")
def words(text: str) -> Markup:
    """A docstring's text, what stands between double backquotes as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("``"))
    )


@blueprint.get("/api")
@from_snapshot
def api_documentation() -> Rendered:
    """Every operation with its parameters and an example that can be run."""
    app = current_app
    assert isinstance(app, APIFlask)
    spec: Answer = app.spec  # type: ignore[assignment]
    groups: dict[str, list[Answer]] = {}
    for operation in _operations(spec):
        groups.setdefault(operation["tag"], []).append(operation)
    return render(
        "api.html",
        info=spec["info"],
        groups=groups,
        stability=render_markdown(STABILITY.read_text(encoding="utf-8")),
    )


def _operations(spec: Answer) -> Iterator[Answer]:
    schemas = spec["components"]["schemas"]
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            parameters = [_parameter(item, schemas) for item in operation.get("parameters", ())]
            yield {
                "tag": next(iter(operation.get("tags", ())), "Other"),
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": operation.get("summary", ""),
                "description": operation.get("description", ""),
                "parameters": parameters,
                "bodies": _bodies(operation, schemas),
                "responses": {
                    status: response["description"]
                    for status, response in sorted(operation["responses"].items())
                },
                "example": _address(path, parameters) if method == "get" else None,
            }


def _parameter(item: Answer, schemas: Answer) -> Answer:
    schema = _resolved(item["schema"], schemas)
    return {
        "name": item["name"],
        "place": item["in"],
        "required": item.get("required", False),
        "type": _type(schema),
        "default": schema.get("default"),
        "description": item.get("description") or schema.get("description", ""),
        "example": item.get("example", _example(schema, schemas)),
    }


def _type(schema: Answer) -> str:
    """A schema in a few words: its type, its choices, its range."""
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    least, most = schema.get("minimum"), schema.get("maximum")
    span = f" {least} to {most}" if least is not None and most is not None else ""
    return f"{schema.get('type', 'any')}{span}"


def _address(path: str, parameters: list[Answer]) -> str | None:
    """An address that can be followed; ``None`` if a required parameter has no example."""
    required = [parameter for parameter in parameters if parameter["required"]]
    if any(parameter["example"] is None for parameter in required):
        return None
    query = {}
    for parameter in required:
        value = str(parameter["example"])
        if parameter["place"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(value, safe="/:"))
        else:
            query[parameter["name"]] = value
    return f"{path}?{urlencode(query)}" if query else path


def _bodies(operation: Answer, schemas: Answer) -> list[Answer]:
    """The media types of a body, each with an example where its schema gives one."""
    content = operation.get("requestBody", {}).get("content", {})
    return [
        {
            "media_type": media_type,
            "example": _body_example(media_type, entry.get("schema", {}), schemas),
        }
        for media_type, entry in content.items()
    ]


def _body_example(media_type: str, schema: Answer, schemas: Answer) -> str | None:
    value = _example(schema, schemas)
    if value is None:
        return None
    if media_type == "application/x-www-form-urlencoded":
        return urlencode(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _example(schema: Answer, schemas: Answer, depth: int = 0) -> Any:
    """An example of what a schema describes, made of those that its parts give."""
    schema = _resolved(schema, schemas)
    if depth > _MAX_DEPTH:
        return None
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        needed = schema.get("required", ())
        members = {
            name: _example(member, schemas, depth + 1)
            for name, member in schema["properties"].items()
            if name in needed or _resolved(member, schemas).get("examples")
        }
        return None if any(members.get(name) is None for name in needed) else members
    if schema.get("type") == "array" and "items" in schema:
        item = _example(schema["items"], schemas, depth + 1)
        return None if item is None else [item]
    return schema["enum"][0] if schema.get("enum") else schema.get("const")


def _resolved(schema: Answer, schemas: Answer) -> Answer:
    reference = schema.get("$ref", "")
    return schemas[reference.removeprefix(_REFERENCE)] if reference else schema
