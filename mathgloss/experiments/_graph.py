"""What the graph holds of experiments: their descriptions, and the runs that are evidence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import pyoxigraph as ox

from mathgloss.experiments._catalogue import load_catalogue
from mathgloss.experiments._rdf import experiment_triples, run_triples
from mathgloss.experiments._records import RunRecords
from mathgloss.graph.plan import GivenGraph
from mathgloss.paths import Home

RUNS_OF_AN_EXPERIMENT: Final = 10


def experiments_graph(home: Home) -> GivenGraph:
    """The named graph of the experiments, as a build takes it.

    Of each experiment's recorded runs it has the newest finished ones with the designed parameters:
    those with others are no evidence about the claim.

    Args:
        home: where runs are recorded.
    """
    return GivenGraph("experiments", list(dict.fromkeys(_triples(RunRecords(home)))))


def _triples(records: RunRecords) -> Iterator[ox.Triple]:
    for experiment in load_catalogue().experiments.values():
        yield from experiment_triples(experiment)
        for record in islice(records.iter_designed(experiment.id), RUNS_OF_AN_EXPERIMENT):
            yield from run_triples(record)
