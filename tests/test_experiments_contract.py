"""What every experiment must have and do; the same tests for all that the folder holds."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.image
import pytest

from mathgloss.experiments import (
    Check,
    Experiment,
    Limits,
    checked_params,
    load_catalogue,
    run_experiment,
)
from mathgloss.experiments._contract import verdict_of
from mathgloss.paths import Home, bundled_dir

# what is there; an experiment that gets lost must fail here, not vanish
GOLDEN = (
    "al-rnn-symbolic-codes "
    "conv-ntk-locality "
    "crossquant-quantization-kernel "
    "exact-permutation-learning "
    "fpxint-abelian-series "
    "grokalign-jacobian-alignment "
    "grokking-lazy-to-rich "
    "group-representation-environments "
    "ka-grokking-acceleration "
    "kernel-scores-on-groups "
    "lie-group-polar-convolution "
    "light-schrodinger-bridge "
    "linear-gcnn-implicit-bias "
    "log-bessel-logscale "
    "log-communicability-clustering "
    "mathgloss-term-linking "
    "mup-feature-learning "
    "ntk-width-limit "
    "permutation-weight-matching "
    "quantum-group-convolution "
    "quantum-kernel-svm "
    "rfm-symmetry-breaking "
    "rotation-6d-continuity "
    "score-as-kernel-regression "
    "self-distillation-kernel-ridge "
    "three-limits-of-deep-networks "
    "toeplitz-fft-kernel-attention "
)
QUICK_CPU_S = 10
CATALOGUE = load_catalogue()
# a limit for a broken experiment, far above what any needs
LIMITS = Limits(time_s=300)


class Ran(NamedTuple):
    """A quick run, where it is recorded, and the processor time that it took."""

    record: dict[str, Any]
    folder: Path
    cpu_s: float


def run_quick(experiment: Experiment[Any], folder: Path, *, seed: int) -> Ran:
    home = Home(folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    params = checked_params(experiment, {}, quick=True)
    record = run_experiment(experiment, params, seed=seed, home=home, snapshot=None, limits=LIMITS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(record, home.runs / record["run"], cpu_s)


@pytest.fixture(scope="module", params=list(CATALOGUE.experiments))
def experiment(request: pytest.FixtureRequest) -> Experiment[Any]:
    return CATALOGUE.experiments[request.param]


@pytest.fixture(scope="module")
def ran(experiment: Experiment[Any], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run_quick(experiment, tmp_path_factory.mktemp("quick"), seed=1)


def test_all_are_there_and_none_is_broken() -> None:
    assert list(CATALOGUE.experiments) == GOLDEN.split()
    assert CATALOGUE.broken == {}


def test_looking_at_all_of_them_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom mathgloss.experiments import load_catalogue\n"
        "assert load_catalogue().experiments\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib', 'spacy', 'rdflib', 'networkx'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_it_says_what_it_tests_and_what_it_does_not(experiment: Experiment[Any]) -> None:
    for text in (experiment.title, experiment.claim, experiment.reference, experiment.gives_up):
        assert text.strip()
    assert experiment.claim.endswith(".")
    assert experiment.not_tested
    assert 0 < experiment.cost_s <= 60
    positions = [
        experiment.description.index(f"\n{heading}: ")
        for heading in ("Claim", "Formula", "Set-up", "Measured", "Reference", "Deviation")
    ]
    assert positions == sorted(positions)


def test_its_concepts_and_paper_are_bundled(experiment: Experiment[Any]) -> None:
    assert experiment.about
    senses = {name for name in bundled_ids("senses.tsv") if not name.startswith("none:")}
    known = bundled_ids("concepts.tsv") | bundled_ids("names-en.tsv") | senses
    assert {concept.id for concept in experiment.concepts} <= known
    assert len({concept.id for concept in experiment.concepts}) == len(experiment.concepts)
    assert experiment.paper in bundled_ids("papers.tsv")


def bundled_ids(name: str) -> set[str]:
    lines = (bundled_dir() / name).read_text(encoding="utf-8").splitlines()
    return {line.partition("\t")[0] for line in lines}


def test_its_parameters_have_defaults_ranges_and_meanings(experiment: Experiment[Any]) -> None:
    fields = experiment.params.model_json_schema()["properties"]
    bounds = ("minimum", "exclusiveMinimum", "maxItems", "enum", "const")
    for name, field in fields.items():
        assert "default" in field, name
        assert field["description"], name
        assert field["type"] == "boolean" or any(bound in field for bound in bounds), name
    # where there is randomness it is repeated
    assert fields["repeats"]["default"] >= 3
    assert experiment.quick.keys() <= fields.keys()


def test_the_quick_run_finishes_and_evaluates_its_checks(ran: Ran) -> None:
    record = ran.record
    assert record["failure"] is None, record["log"]
    assert record["preset"] == "quick"
    assert record["verdict"] in {"held", "held in part", "did not hold"}
    assert any(check["claimed"] for check in record["checks"])
    for check in record["checks"]:
        assert check["value"] is not None, check
    assert record["metrics"]
    for table in record["tables"]:
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    assert ran.cpu_s < QUICK_CPU_S


def test_the_figure_is_drawn(ran: Ran) -> None:
    assert "<svg" in (ran.folder / "figure.svg").read_text(encoding="utf-8")
    image = matplotlib.image.imread(ran.folder / "figure.png")
    assert image.shape[:2] == (540, 1080)
    assert image[..., :3].std() > 0.05


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_and_another_one_others(
    experiment: Experiment[Any], ran: Ran, tmp_path: Path
) -> None:
    again = run_quick(experiment, tmp_path, seed=1)
    for member in ("metrics", "checks", "tables", "verdict"):
        assert again.record[member] == ran.record[member]
    other = run_quick(experiment, tmp_path, seed=2)
    assert other.record["metrics"] != ran.record["metrics"]


@pytest.mark.parametrize(
    ("value", "relation", "held"),
    [(1.0, "<", False), (1.0, "<=", True), (1.0, ">=", True), (1.0, ">", False), (2.0, ">", True)],
)
def test_a_check_compares(value: float, relation: Any, *, held: bool) -> None:
    assert Check("criterion", value, relation, 1.0).held is held


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">="])
def test_what_is_no_number_never_holds(relation: Any) -> None:
    assert not Check("criterion", float("nan"), relation, 1.0).held


@pytest.mark.parametrize(
    ("values", "verdict"),
    [((1, 1), "held"), ((1, 0), "held in part"), ((0, 0), "did not hold"), ((), "did not hold")],
)
def test_the_verdict_rests_on_what_the_paper_claims(values: tuple[int, ...], verdict: str) -> None:
    checks = [Check("claimed", value, ">", 0.5) for value in values]
    for ours in (0, 1):
        assert verdict_of([*checks, Check("ours", ours, ">", 0.5, claimed=False)]) == verdict
