"""Experiments: the catalogue, one of them with its form, its code, and its runs.

The form works as it is: it leads to the page of the run, which looks again by itself until the run
has ended. ``static/run.js`` runs it in place and shows the progress as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Response, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from api.changing import answer_validated
from api.markup import render_markdown
from api.notebooks import MEDIA_TYPE, notebook_of
from api.pages.rendering import blueprint, render
from api.problems import problem_of
from api.published import answers
from api.responses import compressed
from api.run_forms import form_fields, given_parameters
from mathgloss.answers.paging import Answer
from mathgloss.errors import InputError, NoRunsError, RunLimitError

RUNS_PER_PAGE: Final = 50
_ROLE: Final = re.compile(r":math:`([^`]*)`")
_HEADING: Final = re.compile(r"([A-Z][a-z-]+(?: [a-z]+)?): ")
# said on the page in places of their own
_ELSEWHERE: Final = frozenset({"Claim", "Reference"})


@blueprint.get("/experiments")
def experiments() -> Response:
    """All experiments, each with its claim and last verdict."""
    listed = answers().experiments()
    page = render("experiments.html", experiments=listed["items"], broken=listed["broken"])
    return answer_validated(page)


@blueprint.get("/experiment/<identifier>")
def experiment(identifier: str) -> BaseResponse:
    """An experiment with its form and its last run as designed."""
    held = answers().experiment(identifier)
    if held["id"] != identifier:
        return redirect(f"/experiment/{held['id']}", 303)
    return answer_validated(_experiment_page(held))


@blueprint.post("/experiment/<identifier>")
def run_experiment(identifier: str) -> BaseResponse:
    """Ask for a run with the parameters of the form, and go to the page of the run."""
    given, form = answers(), request.form
    held = given.experiment(identifier)
    try:
        run = given.request_run(
            held["id"],
            given_parameters(held["parameters"], form),
            seed=_seed(form.get("seed", "0")),
            quick=form.get("preset") == "quick",
            fresh="fresh" in form,
            client=request.remote_addr or "",
        )
    except (InputError, RunLimitError, NoRunsError) as error:
        page = _experiment_page(held, sent=form, error=str(error))
        return _unstored(page, problem_of(error).status)
    return redirect(f"/run/{run['run']}", 303)


@blueprint.get("/experiment/<identifier>/code")
def experiment_code(identifier: str) -> Response:
    """The file of an experiment."""
    source = answers().experiment_source(identifier)
    return answer_validated(render("experiment_code.html", source=source))


@blueprint.get("/experiment/<identifier>.ipynb")
def experiment_notebook(identifier: str) -> Response:
    """The experiment as a notebook."""
    held = answers().experiment(identifier)
    address = f"{request.url_root}experiment/{held['id']}"
    response = Response(notebook_of(held, address), mimetype=MEDIA_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{held["id"]}.ipynb"'
    return compressed(response)


@blueprint.get("/experiment/<identifier>/runs")
def experiment_runs(identifier: str) -> Response:
    """All runs of an experiment, a page at a time."""
    given = answers()
    held = given.experiment(identifier)
    cursor = request.args.get("cursor", "")[:1000]
    page = given.runs(experiment=held["id"], cursor=cursor, limit=RUNS_PER_PAGE)
    return _unstored(render("experiment_runs.html", experiment=held, page=page))


@blueprint.get("/run/<identifier>")
def run(identifier: str) -> Response:
    """A run, wherever it is: waiting, going on, or over."""
    given = answers()
    held = given.run(identifier)
    return _unstored(
        render("run.html", experiment=given.experiment(held["id"]), run=_shown_run(held))
    )


@blueprint.post("/run/<identifier>/cancel")
def cancel_run(identifier: str) -> BaseResponse:
    """Cancel a run, and go back to its page."""
    return redirect(f"/run/{answers().cancel_run(identifier)['run']}", 303)


@blueprint.app_template_filter("figures")
def figures(value: object) -> str:
    """A measured number with four significant figures; other values as they are."""
    if value is None:
        return "no number"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@blueprint.app_template_filter("moment")
def moment(value: str) -> str:
    """A time as people read it."""
    return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"


@blueprint.app_template_filter("duration")
def duration(seconds: float) -> str:
    """A duration as people read it."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"


def _experiment_page(
    held: Answer, *, sent: Mapping[str, str] | None = None, error: str | None = None
) -> str:
    return render(
        "experiment.html",
        experiment=held,
        sections=_sections(held["description"]),
        fields=form_fields(held["parameters"], sent),
        sent=sent or {},
        error=error,
        run=_designed_run(held),
    )


def _designed_run(held: Answer) -> dict[str, Any] | None:
    """The newest finished run with the designed parameters, if it is among the last."""
    for run in held["runs"]:
        if run["preset"] == "default" and run["state"] == "finished":
            return _shown_run(answers().run(run["run"]))
    return None


def _shown_run(held: Answer) -> dict[str, Any]:
    """A run with its checks so that those of the claim come first."""
    return {**held, "checks": sorted(held["checks"], key=lambda check: not check["claimed"])}


def _sections(description: str) -> list[tuple[str, Markup]]:
    """Heading and text of each part of the description that the page has no other place for."""
    parts: list[tuple[str, str]] = []
    for paragraph in description.split("\n\n")[1:]:
        found = _HEADING.match(paragraph)
        if found:
            rest = paragraph[found.end() :]
            parts.append((found[1], rest[:1].upper() + rest[1:]))
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]}\n\n{paragraph}")
    return [
        (heading, render_markdown(_ROLE.sub(_dollars, text)))
        for heading, text in parts
        if heading not in _ELSEWHERE
    ]


def _dollars(found: re.Match[str]) -> str:
    return f"${' '.join(found[1].split())}$"


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"seed: expected a whole number, got {text[:40]!r}") from error


def _unstored(page: str, status: int = 200) -> Response:
    response = compressed(Response(page, status, mimetype="text/html"))
    response.headers["Cache-Control"] = "no-store"
    return response
