"""Version 1.0-draft: JSON bodies, one address for each service."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from api.languages import language
from api.problems import ProblemError
from api.published import answers
from api.reconcile import parsing
from api.reconcile.manifest import manifest_response, manifest_v1
from api.reconcile.routes import BAD_BATCH, DRAFT_ROOT, TOO_MANY, blueprint, respond
from api.rest.refusals import NO_SNAPSHOT
from api.schemas.reconcile import Extended, Manifest, ResultsV1
from mathgloss.answers.paging import Answer

_ERRORS: Final = {
    400: BAD_BATCH,
    413: TOO_MANY,
    415: "The body is not application/json",
    503: NO_SNAPSHOT,
}


@blueprint.get(DRAFT_ROOT)
@blueprint.output(Manifest, description="The manifest")
@blueprint.doc(responses={503: NO_SNAPSHOT})
def get_draft_manifest() -> Response:
    """The manifest of version 1.0-draft."""
    return manifest_response(manifest_v1())


@blueprint.post(f"{DRAFT_ROOT}/match")
@blueprint.output(ResultsV1, description="Candidates in the order of the queries")
@blueprint.doc(responses=_ERRORS)
def post_match() -> Response:
    """The candidates of each query, the likeliest first."""
    answer = answers().reconciler.reconcile(parsing.batch_v1(_json_body()))
    results = [
        {"candidates": [_directed(candidate) for candidate in result["candidates"]]}
        for result in answer["results"]
    ]
    return respond({"results": results}, answer)


@blueprint.post(f"{DRAFT_ROOT}/extend")
@blueprint.output(Extended, description="Values in the order of identifiers and properties")
@blueprint.doc(responses=_ERRORS)
def post_extend() -> Response:
    """The values of properties of entities; none for what is not known."""
    answer = answers().reconciler.extend(*parsing.extension(_json_body()))
    rows = [
        {
            "id": row["id"],
            "properties": [
                {"id": each["id"], "values": [_directed(value) for value in each["values"]]}
                for each in row["properties"]
            ],
        }
        for row in answer["rows"]
    ]
    return respond({"meta": answer["meta"], "rows": rows}, answer)


def _json_body() -> bytes:
    if request.mimetype != "application/json":
        given = request.content_type or "none"
        raise ProblemError(415, f"Content-Type: expected application/json, got {given[:100]}")
    return request.get_data()


def _directed(value: Answer) -> Answer:
    """The value, with its direction where it is not that of the manifest."""
    lang = value.get("lang")
    if lang is None or language(lang).direction == "ltr":
        return value
    return {**value, "dir": language(lang).direction}
