"""Relations between concepts: neighbourhoods, hierarchies, paths, prerequisites."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint

from api.published import answers
from api.responses import from_snapshot
from api.rest.refusals import BAD_INPUT, NO_CONCEPT, NO_SNAPSHOT
from api.schemas.relations import (
    ConceptPath,
    Hierarchy,
    HierarchyQuery,
    Neighbourhood,
    NeighbourhoodQuery,
    PathQuery,
    Prerequisites,
    PrerequisitesQuery,
)
from mathgloss.answers.languages import language_chain
from mathgloss.answers.paging import Answer
from mathgloss.answers.relations import Direction

blueprint: Final = APIBlueprint("relations", __name__, url_prefix="/api/v1", tag="Relations")
_REFUSALS: Final = {400: BAD_INPUT, 404: NO_CONCEPT, 503: NO_SNAPSHOT}


@blueprint.get("/concepts/<path:identifier>/neighbours")
@blueprint.input(NeighbourhoodQuery, location="query", arg_name="query")
@blueprint.output(Neighbourhood, description="Nodes and edges")
@blueprint.doc(responses=_REFUSALS)
@from_snapshot
def get_neighbours(identifier: str, query: NeighbourhoodQuery) -> Answer:
    """The concepts around one, and the relations between them."""
    return answers().neighbours(
        identifier, depth=query.depth, limit=query.limit, chain=language_chain(query.lang)
    )


@blueprint.get("/concepts/<path:identifier>/broader")
@blueprint.input(HierarchyQuery, location="query", arg_name="query")
@blueprint.output(Hierarchy, description="A page of the list")
@blueprint.doc(responses=_REFUSALS)
@from_snapshot
def list_broader(identifier: str, query: HierarchyQuery) -> Answer:
    """What a concept is a kind of, the nearest first."""
    return _hierarchy(identifier, "broader", query)


@blueprint.get("/concepts/<path:identifier>/narrower")
@blueprint.input(HierarchyQuery, location="query", arg_name="query")
@blueprint.output(Hierarchy, description="A page of the list")
@blueprint.doc(responses=_REFUSALS)
@from_snapshot
def list_narrower(identifier: str, query: HierarchyQuery) -> Answer:
    """What is a kind of a concept, the nearest first."""
    return _hierarchy(identifier, "narrower", query)


def _hierarchy(identifier: str, direction: Direction, query: HierarchyQuery) -> Answer:
    return answers().hierarchy(
        identifier,
        direction,
        transitive=query.transitive,
        cursor=query.cursor,
        limit=query.limit,
        chain=language_chain(query.lang),
    )


@blueprint.get("/concepts/<path:identifier>/prerequisites")
@blueprint.input(PrerequisitesQuery, location="query", arg_name="query")
@blueprint.output(Prerequisites, description="A reading list; perhaps empty")
@blueprint.doc(responses=_REFUSALS)
@from_snapshot
def list_prerequisites(identifier: str, query: PrerequisitesQuery) -> Answer:
    """What to learn before a concept, in an order, and why."""
    return answers().prerequisites(identifier, limit=query.limit, chain=language_chain(query.lang))


@blueprint.get("/path")
@blueprint.input(PathQuery, location="query", arg_name="query")
@blueprint.output(ConceptPath, description="The path, or that there is none")
@blueprint.doc(responses=_REFUSALS)
@from_snapshot
def get_path(query: PathQuery) -> Answer:
    """A way from one concept to another along named relations."""
    return answers().path(
        query.start, query.end, max_steps=query.max_steps, chain=language_chain(query.lang)
    )
