"""The graph as a whole: what it is written in, and where it can be fetched."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint

from api.published import answers
from api.responses import from_snapshot
from api.rest.refusals import NO_SNAPSHOT
from api.schemas.graph import Dumps, Vocabulary
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("graph", __name__, url_prefix="/api/v1", tag="Service")


@blueprint.get("/vocabulary")
@blueprint.output(Vocabulary, description="Prefixes, classes and properties")
@blueprint.doc(responses={503: NO_SNAPSHOT})
@from_snapshot
def get_vocabulary() -> Answer:
    """The prefixes, classes and properties that the graph uses, with their counts."""
    return answers().vocabulary()


@blueprint.get("/dumps")
@blueprint.output(Dumps, description="The dumps")
@blueprint.doc(responses={404: "The snapshot was made without dumps", 503: NO_SNAPSHOT})
@from_snapshot
def list_dumps() -> Answer:
    """The files that hold the whole snapshot, with size, SHA-256 and licence."""
    return answers().dumps()
