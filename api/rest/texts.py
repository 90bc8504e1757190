"""Texts in, mentions of concepts out."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ValidationError

from api.problems import ProblemError
from api.published import answers
from api.responses import compressed, to_json
from api.rest.refusals import NO_SNAPSHOT
from api.schemas.texts import LinkedBatch, LinkedText, TextBatch, TextDocument, TextOptions
from mathgloss.answers.paging import Answer
from mathgloss.answers.texts import Document, LinkOptions

blueprint: Final = APIBlueprint("texts", __name__, url_prefix="/api/v1", tag="Texts")

M = TypeVar("M", bound=BaseModel)

JSON: Final = "application/json"
PLAIN: Final = "text/plain"
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_SHOWN_ERRORS: Final = 3
_ERRORS: Final = {
    400: "The body is not as described, or a text is too long or holds control characters",
    413: "The body is too large",
    415: "The body is of another media type or charset",
    503: NO_SNAPSHOT,
}


@blueprint.post("/link")
@blueprint.input(TextOptions, location="query", arg_name="options")
@blueprint.output(LinkedText, description="The mentions; perhaps none")
@blueprint.doc(responses=_ERRORS)
def link_text(options: TextOptions) -> Response:
    """The concepts that a text mentions, each with its place, probability and alternatives.

    The body is JSON, or the text itself. Nothing of it is kept.
    """
    text = _body(JSON, PLAIN)
    if request.mimetype == PLAIN:
        document = Document(text=text)
    else:
        document = Document(**_parsed(TextDocument, text).model_dump())
    return _respond(answers().link_text(document, _options(options)))


@blueprint.post("/link/batch")
@blueprint.input(TextOptions, location="query", arg_name="options")
@blueprint.output(LinkedBatch, description="The mentions in each text, in the order given")
@blueprint.doc(responses=_ERRORS)
def link_texts(options: TextOptions) -> Response:
    """The concepts that each of several texts mentions; if one cannot be read, none is."""
    batch = _parsed(TextBatch, _body(JSON))
    documents = [Document(**held.model_dump()) for held in batch.documents]
    return _respond(answers().link_texts(documents, _options(options)))


def describe_bodies(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say in the OpenAPI document what the bodies are, which are read here and not by APIFlask."""
    for path, model in (("/api/v1/link", TextDocument), ("/api/v1/link/batch", TextBatch)):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
        content: dict[str, Any] = {
            JSON: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
        }
        if model is TextDocument:
            content[PLAIN] = {"schema": {"type": "string"}}
        paths[path]["post"]["requestBody"] = {"required": True, "content": content}


def _options(given: TextOptions) -> LinkOptions:
    return LinkOptions(**given.model_dump())


def _body(*media_types: str) -> str:
    """The body as text, if it is of one of these types."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in media_types or charset not in _CHARSETS:
        given = request.content_type or "none"
        wanted = " or ".join(media_types)
        raise ProblemError(415, f"Content-Type: expected {wanted} in UTF-8, got {given[:100]!r}")
    try:
        return request.get_data().decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"body: expected UTF-8, got {error}") from error


def _parsed(model: type[M], text: str) -> M:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        rows = error.errors(include_url=False, include_context=False, include_input=False)
        said = [f"{_place(row['loc'])}: {row['msg']}" for row in rows[:_SHOWN_ERRORS]]
        more = f", and {len(rows) - len(said)} more" if len(rows) > len(said) else ""
        raise ProblemError(400, "; ".join(said) + more) from error


def _place(location: tuple[str | int, ...]) -> str:
    """The member that is wrong, as ``documents[3].text``."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:100]}" for part in location)
    return shown.lstrip(".") or "body"


def _respond(answer: Answer) -> Response:
    response = Response(to_json(answer), mimetype=JSON)
    response.headers["Cache-Control"] = "no-store"
    return compressed(response)
