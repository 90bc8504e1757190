"""Papers, and the concepts found in them."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint

from api.published import answers
from api.responses import from_snapshot
from api.rest.refusals import BAD_INPUT, NO_CONCEPT, NO_PAPER, NO_SNAPSHOT
from api.schemas.base import Languages, Page
from api.schemas.concepts import ConceptPapers
from api.schemas.papers import Paper, PaperPage
from mathgloss.answers.languages import language_chain
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("papers", __name__, url_prefix="/api/v1", tag="Papers")


@blueprint.get("/papers")
@blueprint.input(Page, location="query", arg_name="page")
@blueprint.output(PaperPage, description="A page of the list")
@blueprint.doc(responses={400: BAD_INPUT, 503: NO_SNAPSHOT})
@from_snapshot
def list_papers(page: Page) -> Answer:
    """All papers in the order of their identifiers, a page at a time."""
    return answers().papers(cursor=page.cursor, limit=page.limit)


@blueprint.get("/papers/<path:identifier>")
@blueprint.input(Languages, location="query", arg_name="languages")
@blueprint.output(Paper, description="The paper")
@blueprint.doc(responses={400: "Not an identifier", 404: NO_PAPER, 503: NO_SNAPSHOT})
@from_snapshot
def get_paper(identifier: str, languages: Languages) -> Answer:
    """A paper's record and the concepts mentioned in it, with their places and sentences."""
    return answers().paper(identifier, language_chain(languages.lang))


@blueprint.get("/concepts/<path:identifier>/papers")
@blueprint.input(Page, location="query", arg_name="page")
@blueprint.output(ConceptPapers, description="A page of the papers")
@blueprint.doc(responses={400: BAD_INPUT, 404: NO_CONCEPT, 503: NO_SNAPSHOT})
@from_snapshot
def list_concept_papers(identifier: str, page: Page) -> Answer:
    """The papers that mention a concept, each place with its sentence and offsets."""
    return answers().concept_papers(identifier, cursor=page.cursor, limit=page.limit)
