"""Concepts: lists, search, all that is known of one."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint

from api.published import answers
from api.responses import from_snapshot
from api.rest.refusals import BAD_INPUT, NO_CONCEPT, NO_SNAPSHOT
from api.schemas.base import Page
from api.schemas.concepts import Concept, ConceptPage, Search, SearchResults
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("concepts", __name__, url_prefix="/api/v1", tag="Concepts")


@blueprint.get("/concepts")
@blueprint.input(Page, location="query", arg_name="page")
@blueprint.output(ConceptPage, description="A page of the list")
@blueprint.doc(responses={400: BAD_INPUT, 503: NO_SNAPSHOT})
@from_snapshot
def list_concepts(page: Page) -> Answer:
    """All concepts in the order of their identifiers, a page at a time."""
    return answers().concepts(cursor=page.cursor, limit=page.limit)


@blueprint.get("/concepts/<path:identifier>")
@blueprint.output(Concept, description="The concept")
@blueprint.doc(responses={400: "Not an identifier", 404: NO_CONCEPT, 503: NO_SNAPSHOT})
@from_snapshot
def get_concept(identifier: str) -> Answer:
    """All that is known of a concept."""
    return answers().concept(identifier)


@blueprint.get("/search")
@blueprint.input(Search, location="query", arg_name="search")
@blueprint.output(SearchResults, description="What was found; perhaps nothing")
@blueprint.doc(responses={400: BAD_INPUT, 503: NO_SNAPSHOT})
@from_snapshot
def search_concepts(search: Search) -> Answer:
    """Concepts by name in any language, the best first."""
    return answers().search(search.q, limit=search.limit)
