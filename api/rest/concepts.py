"""Concepts: lists, search, all that is known of one."""

from __future__ import annotations

from typing import Any, Final

from apiflask import APIBlueprint

from api.published import answers
from api.responses import from_snapshot
from api.rest.refusals import BAD_INPUT, NO_CONCEPT, NO_SNAPSHOT
from api.schemas.base import Languages
from api.schemas.concepts import Concept, ConceptFilters, ConceptPage, Search, SearchResults
from mathgloss.answers.facets import FLAGS, LISTS, Filters, split_names
from mathgloss.answers.languages import language_chain
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("concepts", __name__, url_prefix="/api/v1", tag="Concepts")


@blueprint.get("/concepts")
@blueprint.input(ConceptFilters, location="query", arg_name="query")
@blueprint.output(ConceptPage, description="A page of the list")
@blueprint.doc(responses={400: BAD_INPUT, 503: NO_SNAPSHOT})
@from_snapshot
def list_concepts(query: ConceptFilters) -> Answer:
    """The concepts that pass the filters, in the order of their identifiers, a page at a time."""
    asked: dict[str, Any] = {name: split_names(getattr(query, name)) for name in LISTS}
    asked |= {name: getattr(query, name) for name in FLAGS}
    filters = Filters(q=query.q, **asked)
    return answers().concepts(filters, cursor=query.cursor, limit=query.limit)


@blueprint.get("/concepts/<path:identifier>")
@blueprint.input(Languages, location="query", arg_name="languages")
@blueprint.output(Concept, description="The concept")
@blueprint.doc(responses={400: "Not an identifier", 404: NO_CONCEPT, 503: NO_SNAPSHOT})
@from_snapshot
def get_concept(identifier: str, languages: Languages) -> Answer:
    """All that is known of a concept."""
    return answers().concept(identifier, language_chain(languages.lang))


@blueprint.get("/search")
@blueprint.input(Search, location="query", arg_name="search")
@blueprint.output(SearchResults, description="What was found; perhaps nothing")
@blueprint.doc(responses={400: BAD_INPUT, 503: NO_SNAPSHOT})
@from_snapshot
def search_concepts(search: Search) -> Answer:
    """Concepts by name in any language, the best first."""
    chain = language_chain(search.lang)
    return answers().search(search.q, limit=search.limit, chain=chain)
