"""Experiments and their recorded runs, with the labels that a snapshot has for their concepts.

A snapshot is not needed: without one, concepts and papers go without their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from mathgloss.answers.paging import Answer
from mathgloss.experiments import (
    Experiment,
    Limits,
    RunRecords,
    checked_params,
    load_catalogue,
    missing_packages,
    run_experiment,
    state_of,
)
from mathgloss.graph.rdf import word
from mathgloss.graph.reader import node
from mathgloss.graph.snapshot import Snapshot
from mathgloss.paths import Home

SHOWN_RUNS: Final = 10

Progress = Callable[[float, str], None]


def list_experiments(
    snapshot: Snapshot | None, home: Home, *, concept: str | None = None, paper: str | None = None
) -> Answer:
    """All experiments, or those on a concept or of a paper, each with its last verdict.

    Files that give no experiment are listed with their reason.

    Args:
        snapshot: names the concepts.
        home: where runs are recorded.
        concept: CURIE that an experiment must hang on.
        paper: CURIE of the paper whose claim it must test.
    """
    catalogue = load_catalogue()
    items = [
        _entry(snapshot, experiment) | {"verdict": _last_verdict(home, experiment.id)}
        for experiment in catalogue.experiments.values()
        if concept is None or concept in (link.id for link in experiment.concepts)
        if paper is None or paper == experiment.paper
    ]
    broken = [{"id": name, "reason": reason} for name, reason in catalogue.broken.items()]
    return {"items": items, "broken": broken, "snapshot": snapshot.id if snapshot else None}


def concepts_of_experiments() -> set[str]:
    """The concepts that experiments are about or use."""
    experiments = load_catalogue().experiments.values()
    return {concept.id for experiment in experiments for concept in experiment.concepts}


def read_experiment(snapshot: Snapshot | None, home: Home, identifier: str) -> Answer:
    """All that is known of an experiment, and its last runs, the newest first.

    Raises:
        NotFoundError: there is none of that identifier; the known ones are listed.
    """
    experiment = load_catalogue().get(identifier)
    newest = RunRecords(home).iter_newest(experiment.id)
    return {
        **_entry(snapshot, experiment),
        "description": experiment.description,
        "parameters": experiment.params.model_json_schema(),
        "quick": experiment.params.model_validate(experiment.quick).model_dump(mode="json"),
        "packages": list(experiment.packages),
        "missing_packages": missing_packages(experiment),
        "reference": experiment.reference,
        "gives_up": experiment.gives_up,
        "not_tested": list(experiment.not_tested),
        "falls_short": experiment.falls_short,
        "verdict": _last_verdict(home, experiment.id),
        "runs": [_summary(record) for _, record in zip(range(SHOWN_RUNS), newest, strict=False)],
        "snapshot": snapshot.id if snapshot else None,
    }


def start_run(
    snapshot: Snapshot | None,
    home: Home,
    identifier: str,
    given: Mapping[str, object],
    *,
    seed: int = 0,
    quick: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Progress = lambda fraction, message: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Answer:
    """Run an experiment to its end and give the record of the run.

    Args:
        snapshot: its identifier is recorded.
        home: where the run is recorded.
        identifier: of the experiment.
        given: parameters that differ from the defaults, or from the quick preset.
        seed: all randomness comes from it.
        quick: start from the quick preset.
        limits: what the run may use.
        progress: told how far the run is, from 0 to 1, and what it does.
        stopped: asked ten times a second whether to stop.

    Raises:
        NotFoundError: there is no such experiment.
        InputError: a parameter or the seed is out of its range.
        ConfigError: a package that it needs is not installed.
    """
    experiment = load_catalogue().get(identifier)
    return run_experiment(
        experiment,
        checked_params(experiment, given, quick=quick),
        seed=seed,
        home=home,
        snapshot=snapshot.id if snapshot else None,
        limits=limits,
        progress=progress,
        stopped=stopped,
    )


def run_sweep(
    snapshot: Snapshot | None,
    home: Home,
    identifier: str,
    given: Mapping[str, object],
    *,
    over: str,
    values: Sequence[object],
    seed: int = 0,
    quick: bool = False,
    progress: Progress = lambda fraction, message: None,
) -> list[Answer]:
    """Run an experiment once for each value of a parameter and give the records in that order.

    Args:
        snapshot: see :func:`start_run`, as for all that is not named here.
        home: where the runs are recorded.
        identifier: of the experiment.
        given: the other parameters.
        over: name of the parameter.
        values: its values; all of them are checked before the first run begins.
        seed: the same for all runs.
        quick: start from the quick preset.
        progress: told how far the sweep as a whole is.

    Raises:
        NotFoundError: there is no such experiment.
        InputError: a value is out of its range.
        ConfigError: a package that it needs is not installed.
    """
    experiment = load_catalogue().get(identifier)
    chosen = [{**given, over: value} for value in values]
    for params in chosen:
        checked_params(experiment, params, quick=quick)

    def run_at(place: int) -> Answer:
        def tell(fraction: float, message: str) -> None:
            where = f"{over} = {values[place]}: {message}"
            progress((place + fraction) / len(values), where)

        return start_run(
            snapshot, home, identifier, chosen[place], seed=seed, quick=quick, progress=tell
        )

    return [run_at(place) for place in range(len(values))]


def read_source(snapshot: Snapshot | None, identifier: str) -> Answer:
    """The code of an experiment: the file's name and its text.

    Raises:
        NotFoundError: there is no such experiment.
    """
    experiment = load_catalogue().get(identifier)
    path = Path(import_module(experiment.module).__file__ or "")
    return {
        "id": experiment.id,
        "title": experiment.title,
        "file": path.name,
        "module": experiment.module,
        "code": path.read_text(encoding="utf-8"),
        "snapshot": snapshot.id if snapshot else None,
    }


def _entry(snapshot: Snapshot | None, experiment: Experiment[Any]) -> Answer:
    return {
        "id": experiment.id,
        "title": experiment.title,
        "paper": experiment.paper,
        "paper_title": _text(snapshot, experiment.paper, "dcterms:title"),
        "concepts": [
            {
                "id": link.id,
                "role": str(link.role),
                "label": _text(snapshot, link.id, "skos:prefLabel"),
            }
            for link in experiment.concepts
        ],
        "claim": experiment.claim,
        "cost_s": experiment.cost_s,
    }


def _last_verdict(home: Home, experiment: str) -> str | None:
    """What the newest finished run with the designed parameters said of the claim."""
    designed = next(RunRecords(home).iter_designed(experiment), None)
    return designed["verdict"] if designed else None


def _summary(record: Answer) -> Answer:
    members = ("run", "verdict", "preset", "seed", "started", "duration_s")
    return {name: record[name] for name in members} | {"state": state_of(record)}


def _text(snapshot: Snapshot | None, curie: str, predicate: str) -> str | None:
    """An English text, else one without a language; ``None`` if the snapshot has none."""
    if snapshot is None:
        return None
    found = {
        quad.object.language: quad.object.value
        for quad in snapshot.store.quads_for_pattern(node(curie), word(predicate), None, None)
        if isinstance(quad.object, ox.Literal)
    }
    return next((found[lang] for lang in ("en", "mul", None) if lang in found), None)
