"""How long each experiment takes as designed, on one core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mathgloss.experiments import checked_params, load_catalogue, run_experiment
from mathgloss.paths import Home
from tests.benchmarks.measure import Figure


def bench_experiments(home: Path, mirror: Path) -> Iterator[Figure]:
    """Run all with their defaults, one after the other; they are recorded in the home folder."""
    for experiment in load_catalogue().experiments.values():
        params = checked_params(experiment, {})
        record = run_experiment(experiment, params, seed=0, home=Home(home), snapshot=None)
        result = record["verdict"] or record["failure"]["message"]
        yield Figure(f"{experiment.id}: {result}", record["duration_s"], "s", 60)
