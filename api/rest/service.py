"""The service itself: its sources, its health."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response

import mathgloss
from api import vendor
from api.published import answers, published
from api.responses import compressed, from_snapshot, to_json
from api.rest.refusals import NO_SNAPSHOT
from api.schemas.service import Health, Sources
from mathgloss.answers.paging import Answer
from mathgloss.errors import DataNotFoundError

blueprint: Final = APIBlueprint("service", __name__, url_prefix="/api/v1", tag="Service")
health_blueprint: Final = APIBlueprint("health", __name__, tag="Service")


@blueprint.get("/sources")
@blueprint.output(Sources, description="The sources")
@blueprint.doc(responses={503: NO_SNAPSHOT})
@from_snapshot
def list_sources() -> Answer:
    """What each source is, under which licence, and what was read, kept and rejected."""
    return answers().sources()


@health_blueprint.get("/health")
@health_blueprint.output(Health, description="Always, even without a snapshot")
def get_health() -> Response:
    """Whether the service can answer, and from which snapshot."""
    problems = []
    texts = names = "no snapshot"
    try:
        given = published().get().answers
        manifest = given.snapshot.manifest
        texts = _state(is_ready=given.texts.is_ready)
        names = _state(is_ready=given.reconciler.is_ready)
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
        "text_linking": texts,
        "reconciliation": names,
        "problems": problems,
    }
    response = Response(to_json(health), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return compressed(response)


def _state(*, is_ready: bool) -> str:
    return "ready" if is_ready else "not loaded"
