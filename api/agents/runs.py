"""The tool that runs an experiment for an agent from somewhere: by the queue, within its limits."""

from __future__ import annotations

from contextlib import closing
from contextvars import ContextVar
from typing import Any

from mcp.server.mcpserver import Context

from api.agents.experiments import ExperimentName, Quick, RunParameters, Seed, run_result
from api.command import AGENT_WAIT_S
from api.problems import ProblemError
from api.runs import follow
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers

_caller: ContextVar[str] = ContextVar("caller", default="")


def note_caller(context: Context[None, Any] | None) -> None:
    """Remember the address of whoever calls, for the tool that counts by it."""
    request = context.request_context.request if context is not None else None
    client = getattr(request, "client", None)
    _caller.set(client.host if client is not None else "")


def run_experiment(
    answers: Answers,
    experiment: ExperimentName,
    parameters: RunParameters = {},  # noqa: B006 (pydantic copies it)
    seed: Seed = 0,
    *,
    quick: Quick = True,
) -> Answer:
    """Run an experiment, and say whether the paper's claim held.

    A run waits for its turn. If its state is queued or running after some seconds, ask again with
    the same arguments. A quick run is a smoke test: its verdict is no evidence about the claim.
    """
    held = answers.request_run(experiment, parameters, seed=seed, quick=quick, client=_caller.get())
    _wait(answers, held["run"])
    return run_result(answers, answers.run(held["run"]))


def _wait(answers: Answers, run: str) -> None:
    """Wait for the run's end, for some seconds; not at all if too many wait already."""
    try:
        following = follow(lambda: answers.run_progress(run), for_s=AGENT_WAIT_S)
    except ProblemError:
        return
    with closing(following):
        for _ in following:
            pass
