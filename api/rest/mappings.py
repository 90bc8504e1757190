"""Mappings of terms to concepts: why each is there, and what curators decide about it."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response

from api.changing import answer_validated
from api.curators import SECURITY_SCHEME, curators_only
from api.published import answers
from api.responses import compressed, to_json
from api.rest.refusals import BAD_INPUT, NO_CONCEPT, NO_SNAPSHOT
from api.schemas.base import Page
from api.schemas.mappings import (
    DecisionAnswer,
    DecisionPage,
    ExplainedMapping,
    MappingPage,
    MappingQuery,
    NewDecision,
    NewMapping,
)
from mathgloss.answers.mappings import MappingFilter
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("mappings", __name__, url_prefix="/api/v1", tag="Mappings")

_NO_MAPPING: Final = "No such mapping"
_UNREADABLE: Final = "No snapshot has been published yet, or the decisions cannot be read"
_REFUSALS: Final = {
    400: "The body is not as described",
    401: "The token is missing or wrong",
    403: "Curation is turned off",
    503: _UNREADABLE,
}


@blueprint.get("/mappings")
@blueprint.input(MappingQuery, location="query", arg_name="query")
@blueprint.output(MappingPage, description="A page of the list")
@blueprint.doc(responses={400: BAD_INPUT, 404: NO_CONCEPT, 503: NO_SNAPSHOT})
def list_mappings(query: MappingQuery) -> Response:
    """Mappings with their evidence, filtered and counted, a page at a time."""
    wanted = MappingFilter(
        set=query.set,
        source=query.source,
        predicate=query.predicate,
        concept=query.concept,
        term=query.term,
        least=query.min_confidence,
        most=query.max_confidence,
    )
    return answer_validated(
        answers().mappings(wanted, sort=query.sort, cursor=query.cursor, limit=query.limit)
    )


@blueprint.get("/mappings/<mapping_id>")
@blueprint.output(ExplainedMapping, description="The mapping")
@blueprint.doc(responses={404: _NO_MAPPING, 503: NO_SNAPSHOT})
def get_mapping(mapping_id: str) -> Response:
    """Why a term is mapped to a concept: evidence, what sources say of both, decisions."""
    return answer_validated(answers().mapping(mapping_id))


@blueprint.post("/mappings")
@curators_only
@blueprint.input(NewMapping, location="json", arg_name="new")
@blueprint.output(DecisionAnswer, status_code=201, description="Accepted; the next build obeys")
@blueprint.doc(
    security=SECURITY_SCHEME, responses={**_REFUSALS, 404: "No such term, or no such concept"}
)
def add_mapping(new: NewMapping) -> Response:
    """Add a mapping that nobody has proposed."""
    answer = answers().add_mapping(
        new.term, new.concept, new.predicate, curator=new.curator, comment=new.comment
    )
    return _decided(answer, 201)


@blueprint.post("/mappings/<mapping_id>/decision")
@curators_only
@blueprint.input(NewDecision, location="json", arg_name="new")
@blueprint.output(DecisionAnswer, description="What holds now; the next build obeys")
@blueprint.doc(security=SECURITY_SCHEME, responses={**_REFUSALS, 404: _NO_MAPPING})
def decide(mapping_id: str, new: NewDecision) -> Response:
    """Accept or reject a mapping, or take the latest decision on it back."""
    answer = answers().decide(mapping_id, new.decision, curator=new.curator, comment=new.comment)
    return _decided(answer, 200)


@blueprint.get("/decisions")
@blueprint.input(Page, location="query", arg_name="page")
@blueprint.output(DecisionPage, description="A page of the list")
@blueprint.doc(responses={400: BAD_INPUT, 503: _UNREADABLE})
def list_decisions(page: Page) -> Response:
    """What curators decided, the earliest first, a page at a time."""
    return answer_validated(answers().decisions(cursor=page.cursor, limit=page.limit))


def _decided(answer: Answer, status: int) -> Response:
    response = Response(to_json(answer), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return compressed(response)
