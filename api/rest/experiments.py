"""Experiments and their recorded runs; runs are no part of a snapshot, so answers are fresh."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response, request

from api.published import answers
from api.responses import REVALIDATE, compressed, to_json
from api.rest.refusals import NO_SNAPSHOT
from api.schemas.experiments import (
    ExperimentAnswer,
    ExperimentFilter,
    ExperimentList,
    RunAnswer,
)
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("experiments", __name__, url_prefix="/api/v1", tag="Experiments")


@blueprint.get("/experiments")
@blueprint.input(ExperimentFilter, location="query", arg_name="wanted")
@blueprint.output(ExperimentList, description="The experiments; perhaps none")
@blueprint.doc(responses={400: "No such identifier", 404: "No such concept", 503: NO_SNAPSHOT})
def list_experiments(wanted: ExperimentFilter) -> Response:
    """All experiments, those on a concept, or those that test a paper's claim."""
    return _fresh(answers().experiments(concept=wanted.concept, paper=wanted.paper))


@blueprint.get("/experiments/<identifier>")
@blueprint.output(ExperimentAnswer, description="The experiment")
@blueprint.doc(responses={404: "No such experiment", 503: NO_SNAPSHOT})
def get_experiment(identifier: str) -> Response:
    """An experiment: claim, set-up, parameters, concepts and its last runs."""
    return _fresh(answers().experiment(identifier))


@blueprint.get("/runs/<run>")
@blueprint.output(RunAnswer, description="The run")
@blueprint.doc(responses={404: "No such run", 503: NO_SNAPSHOT})
def get_run(run: str) -> Response:
    """The record of a run that has ended: parameters, metrics, checks, log."""
    return _fresh(answers().recorded_run(run))


def _fresh(answer: Answer) -> Response:
    """The answer with a validator made from the bytes that are sent."""
    response = compressed(Response(to_json(answer), mimetype="application/json"))
    response.headers["Cache-Control"] = REVALIDATE
    response.add_etag()
    response.make_conditional(request)
    return response
