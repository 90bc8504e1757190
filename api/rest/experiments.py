"""Experiments and their runs; they are no part of a snapshot, so answers are fresh."""

from __future__ import annotations

from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, request

from api.changing import answer_validated
from api.published import answers
from api.responses import REVALIDATE, compressed, to_json
from api.rest.refusals import NO_SNAPSHOT
from api.runs import follow, text_of_events
from api.schemas.experiments import (
    ExperimentAnswer,
    ExperimentFilter,
    ExperimentList,
    FigureForm,
    RunAnswer,
    RunFilter,
    RunList,
    RunRequest,
)
from mathgloss.answers.paging import Answer

blueprint: Final = APIBlueprint("experiments", __name__, url_prefix="/api/v1", tag="Experiments")

EVENTS_TYPE: Final = "text/event-stream"
# matplotlib writes styles into its SVG; nothing in it may run or load anything
FIGURE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_NO_RUN: Final = "No such run"
_EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Its progress until its end", "content": {EVENTS_TYPE: {}}},
    404: {"description": _NO_RUN},
    503: {"description": "Too many are followed now; ask for the run once a second instead"},
}
_FIGURE_TYPES: Final = {"svg": "image/svg+xml", "png": "image/png"}
_FIGURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The figure", "content": {key: {} for key in _FIGURE_TYPES.values()}},
    404: {"description": "No such run, or it has no figure"},
}


@blueprint.get("/experiments")
@blueprint.input(ExperimentFilter, location="query", arg_name="wanted")
@blueprint.output(ExperimentList, description="The experiments; perhaps none")
@blueprint.doc(responses={400: "No such identifier", 404: "No such concept", 503: NO_SNAPSHOT})
def list_experiments(wanted: ExperimentFilter) -> Response:
    """All experiments, those on a concept, or those that test a paper's claim."""
    return answer_validated(answers().experiments(concept=wanted.concept, paper=wanted.paper))


@blueprint.get("/experiments/<identifier>")
@blueprint.output(ExperimentAnswer, description="The experiment")
@blueprint.doc(responses={404: "No such experiment", 503: NO_SNAPSHOT})
def get_experiment(identifier: str) -> Response:
    """An experiment: claim, set-up, parameters, concepts and its last runs."""
    return answer_validated(answers().experiment(identifier))


@blueprint.post("/experiments/<identifier>/runs")
@blueprint.input(RunRequest, location="json", arg_name="wanted")
@blueprint.output(RunAnswer, status_code=202, description="The run; ``Location`` is its address")
@blueprint.doc(
    responses={
        400: "A parameter is unknown or out of its range",
        404: "No such experiment",
        415: "The body is not JSON",
        429: "Too many runs of yours have not ended",
        503: "Nothing runs experiments here now, or too many runs wait",
    }
)
def request_run(identifier: str, wanted: RunRequest) -> Response:
    """Ask for a run; it waits for its turn.

    The same code with the same parameters and seed gives the same numbers, so a run that is there
    is given again; ``fresh`` asks for a new one.
    """
    held = answers().request_run(
        identifier,
        wanted.params,
        seed=wanted.seed,
        quick=wanted.preset == "quick",
        fresh=wanted.fresh,
        client=request.remote_addr or "",
    )
    response = _unstored(held)
    response.status_code = 202
    response.headers["Location"] = f"/api/v1/runs/{held['run']}"
    return response


@blueprint.get("/runs")
@blueprint.input(RunFilter, location="query", arg_name="wanted")
@blueprint.output(RunList, description="The runs; perhaps none")
@blueprint.doc(responses={400: "No cursor of this list", 404: "No such experiment"})
def list_runs(wanted: RunFilter) -> Response:
    """Runs of an experiment, or of all, the newest first."""
    return _unstored(answers().runs(**wanted.model_dump()))


@blueprint.get("/runs/<run>")
@blueprint.output(RunAnswer, description="The run")
@blueprint.doc(responses={404: _NO_RUN, 503: NO_SNAPSHOT})
def get_run(run: str) -> Response:
    """A run: its state and progress, and when it has ended metrics, checks, tables and log."""
    return _unstored(answers().run(run))


@blueprint.get("/runs/<run>/events")
@blueprint.doc(responses=_EVENTS)
def follow_run(run: str) -> Response:
    """The progress of a run as server-sent events: ``progress``, and ``end`` as the last.

    Each event's data is JSON with the members ``run``, ``state``, ``verdict``, ``progress`` and
    ``waiting`` of the run. After a minute the stream ends and a browser opens the next.
    """
    given = answers()
    events = follow(lambda: given.run_progress(run))
    response = Response(text_of_events(events), mimetype=EVENTS_TYPE)
    response.call_on_close(events.close)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy must pass events on as they come
    return response


@blueprint.get("/runs/<run>/figure")
@blueprint.input(FigureForm, location="query", arg_name="wanted")
@blueprint.doc(responses=_FIGURE)
def get_figure(run: str, wanted: FigureForm) -> Response:
    """The figure of a run that has finished."""
    path = answers().run_figure(run, wanted.format)
    response = Response(path.read_bytes(), mimetype=_FIGURE_TYPES[wanted.format])
    compressed(response).add_etag()
    response.make_conditional(request)
    response.headers["Content-Security-Policy"] = FIGURE_POLICY
    response.headers["Cache-Control"] = REVALIDATE
    return response


@blueprint.post("/runs/<run>/cancel")
@blueprint.output(RunAnswer, description="The run; one that goes on ends soon after")
@blueprint.doc(responses={404: _NO_RUN, 503: NO_SNAPSHOT})
def cancel_run(run: str) -> Response:
    """Cancel a run that waits, or stop one that goes on; one that has ended stays as it is."""
    return _unstored(answers().cancel_run(run))


def _unstored(answer: Answer | dict[str, Any]) -> Response:
    response = compressed(Response(to_json(answer), mimetype="application/json"))
    response.headers["Cache-Control"] = "no-store"
    return response
