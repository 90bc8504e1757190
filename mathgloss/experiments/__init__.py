"""Runnable experiments: each file without a leading underscore is one, and the folder is the list.

An experiment tests the headline claim of a paper at a size that a laptop can run, against the
paper's own baseline, and says whether the claim held. What one must have is in ``_contract``; how
one is run, recorded and described as RDF is in the other private modules.
"""

from mathgloss.experiments._book import Entry, RunState
from mathgloss.experiments._catalogue import Catalogue, load_catalogue
from mathgloss.experiments._contract import (
    Check,
    Concept,
    Experiment,
    Metric,
    Outcome,
    Params,
    Role,
    Table,
)
from mathgloss.experiments._graph import experiments_graph
from mathgloss.experiments._limits import Limits
from mathgloss.experiments._queue import RunQueue, state_of, work
from mathgloss.experiments._ranges import allowed_values, bounds_of
from mathgloss.experiments._rdf import experiment_triples, run_triples
from mathgloss.experiments._records import RunRecord, RunRecords
from mathgloss.experiments._runner import MAX_SEED, checked_params, run_experiment
from mathgloss.experiments._surroundings import missing_packages
from mathgloss.experiments._sweep import PLOT_FORMATS, draw_sweep, swept_checks

__all__ = [
    "MAX_SEED",
    "PLOT_FORMATS",
    "Catalogue",
    "Check",
    "Concept",
    "Entry",
    "Experiment",
    "Limits",
    "Metric",
    "Outcome",
    "Params",
    "Role",
    "RunQueue",
    "RunRecord",
    "RunRecords",
    "RunState",
    "Table",
    "allowed_values",
    "bounds_of",
    "checked_params",
    "draw_sweep",
    "experiment_triples",
    "experiments_graph",
    "load_catalogue",
    "missing_packages",
    "run_experiment",
    "run_triples",
    "state_of",
    "swept_checks",
    "work",
]
