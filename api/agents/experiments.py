"""Tools about experiments: which there are, one of them, a run."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from api.agents.concepts import ConceptName
from api.agents.lookup import find_concept
from api.agents.shorten import Shortener, beginning, picked
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers

ExperimentName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="Name of the experiment, as experiments_for_concept gives it",
    ),
]

RunParameters = Annotated[
    dict[str, Any], Field(description="Those that differ; get_experiment lists them")
]
Seed = Annotated[int, Field(ge=0, description="All randomness comes from it")]
Quick = Annotated[bool, Field(description="Start from the parameters of a run of a few seconds")]

_LISTED: Final = 12
_CLAIM_CHARS: Final = 300
_DESCRIPTION_CHARS: Final = 2_500
_SHOWN_RUNS: Final = 3
_SHOWN_METRICS: Final = 20
_SHOWN_CHECKS: Final = 12


def experiments_for_concept(answers: Answers, concept: ConceptName) -> Answer:
    """Experiments that test a paper's claim about a concept, or that use the concept.

    Each has the verdict of its last run here: held, held in part, did not hold, or null if it has
    not been run.
    """
    found = find_concept(answers, concept)
    if found["concept"] is None:
        return {**found, "experiments": [], "cut": [], "snapshot": answers.snapshot.id}
    listed = answers.experiments(concept=found["concept"]["id"])
    short = Shortener()
    kept = short.items(
        "experiments", listed["items"], _LISTED, more="GET /api/v1/experiments?concept="
    )
    return {
        **found,
        "experiments": [
            {
                **picked(experiment, "id", "title", "paper", "verdict"),
                "claim": beginning(experiment["claim"], _CLAIM_CHARS),
                "role": _role(experiment, found["concept"]["id"]),
            }
            for experiment in kept
        ],
        "cut": short.cuts,
        "snapshot": listed["snapshot"],
    }


def _role(experiment: Answer, concept: str) -> str:
    return next(str(link["role"]) for link in experiment["concepts"] if link["id"] == concept)


def get_experiment(answers: Answers, experiment: ExperimentName) -> Answer:
    """One experiment: claim, set-up, parameters with their ranges, what was given up, last runs."""
    held = answers.experiment(experiment)
    short = Shortener()
    address = f"GET /api/v1/experiments/{held['id']}"
    runs = short.items("runs", held["runs"], _SHOWN_RUNS, more=address)
    return {
        **picked(
            held,
            "id",
            "title",
            "paper",
            "claim",
            "verdict",
            "cost_s",
            "missing_packages",
            "reference",
            "gives_up",
            "falls_short",
        ),
        "description": short.text(
            "description", held["description"], _DESCRIPTION_CHARS, more=address
        ),
        "concepts": [picked(link, "id", "role", "label") for link in held["concepts"]],
        "parameters": [
            _parameter(name, schema) for name, schema in held["parameters"]["properties"].items()
        ],
        "runs": [picked(run, "run", "state", "verdict", "preset", "started") for run in runs],
        "cut": short.cuts,
        "snapshot": held["snapshot"],
    }


def _parameter(name: str, schema: dict[str, Any]) -> Answer:
    return {"name": name, "default": schema.get("default"), "about": schema.get("description")}


def run_experiment(
    answers: Answers,
    experiment: ExperimentName,
    parameters: RunParameters = {},  # noqa: B006 (pydantic copies it)
    seed: Seed = 0,
    *,
    quick: Quick = True,
) -> Answer:
    """Run an experiment here to its end, and say whether the paper's claim held.

    Each check holds a measured number against a bound that was set before. A quick run is a smoke
    test: its verdict is no evidence about the claim.
    """
    record = answers.run_experiment(experiment, parameters, seed=seed, quick=quick)
    return run_result(answers, record)


def run_result(answers: Answers, record: Answer) -> Answer:
    """What is told of a run: its state, verdict, checks and first metrics."""
    short = Shortener()
    more = f"GET /api/v1/runs/{record['run']}"
    metrics = short.items("metrics", record["metrics"], _SHOWN_METRICS, more=more)
    checks = short.items("checks", record["checks"], _SHOWN_CHECKS, more=more)
    return {
        **picked(record, "run", "id", "state", "verdict", "preset", "seed", "duration_s"),
        "failure": record["failure"] and picked(record["failure"], "kind", "message"),
        "checks": [
            picked(check, "criterion", "value", "relation", "bound", "claimed", "held")
            for check in checks
        ],
        "metrics": [picked(metric, "name", "value", "unit", "seed") for metric in metrics],
        "cut": short.cuts,
        "snapshot": answers.snapshot.id,
    }
