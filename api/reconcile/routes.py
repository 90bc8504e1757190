"""The blueprint of the Reconciliation API, its addresses, and how its answers go out."""

from __future__ import annotations

from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response

from api.responses import SNAPSHOT_HEADER, compressed, to_json
from mathgloss.answers.paging import Answer

ROOT: Final = "/reconcile"
DRAFT_ROOT: Final = f"{ROOT}/1.0-draft"

BAD_BATCH: Final = "Not JSON, or not what the specification says; the place is named"
TOO_MANY: Final = "More queries than the manifest's batchSize, or a body that is too large"

blueprint: Final = APIBlueprint("reconcile", __name__, tag="Reconciliation")


def respond(body: Any, answer: Answer) -> Response:
    """What a client gets of an answer: the protocol has no place for the snapshot but a header."""
    response = Response(to_json(body), mimetype="application/json")
    response.headers["Cache-Control"] = "no-cache"
    response.headers[SNAPSHOT_HEADER] = answer["snapshot"]
    return compressed(response)
