"""Numbers about the snapshot, and what changed since an earlier one."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint

from api.published import answers
from api.responses import from_snapshot
from api.rest.refusals import BAD_INPUT, NO_SNAPSHOT
from api.schemas.statistics import ChangePage, ChangesQuery, Statistics
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("statistics", __name__, url_prefix="/api/v1", tag="Service")


@blueprint.get("/stats")
@blueprint.output(Statistics, description="The numbers")
@blueprint.doc(responses={503: NO_SNAPSHOT})
@from_snapshot
def get_statistics() -> Answer:
    """What the snapshot holds, by source and language; what is formalised; what is missing."""
    return answers().statistics()


@blueprint.get("/changes")
@blueprint.input(ChangesQuery, location="query", arg_name="query")
@blueprint.output(ChangePage, description="A page of the list")
@blueprint.doc(responses={400: BAD_INPUT, 404: "That snapshot is not kept", 503: NO_SNAPSHOT})
@from_snapshot
def list_changes(query: ChangesQuery) -> Answer:
    """Concepts and mappings added, removed and changed since an earlier snapshot."""
    return answers().changes(query.since, kind=query.kind, cursor=query.cursor, limit=query.limit)
