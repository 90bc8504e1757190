"""Runs that go well and runs that do not: each is a record, and nothing else is harmed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from mathgloss import vocab
from mathgloss.errors import ConfigError, InputError, NotFoundError
from mathgloss.experiments import (
    Experiment,
    Limits,
    RunRecords,
    checked_params,
    draw_sweep,
    experiment_triples,
    load_catalogue,
    missing_packages,
    run_experiment,
    run_triples,
    swept_checks,
)
from mathgloss.experiments._catalogue import load_experiment
from mathgloss.ids import iri
from mathgloss.paths import Home

TRIALS = Path(__file__).parent / "fixtures"
ABELIAN = "wd:Q181296"


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Experiment[Any]:
    monkeypatch.syspath_prepend(str(TRIALS))
    return load_experiment("trials.misbehaving")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def run(trial: Experiment[Any], home: Home, how: str = "well", **options: Any) -> dict[str, Any]:
    params = checked_params(trial, {"how": how})
    chosen = {"seed": 1, "snapshot": None, **options}
    return run_experiment(trial, params, home=home, **chosen)


def recorded(home: Home) -> list[str]:
    return sorted(path.name for path in home.runs.iterdir())


# ------------------------------------------------------------------------------------- a good run


@dataclass(frozen=True)
class Good:
    """A run that went well: its record, where it is, and what it told on the way."""

    record: dict[str, Any]
    home: Home
    told: list[tuple[float, str]]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    told: list[tuple[float, str]] = []
    home = Home(tmp_path_factory.mktemp("good"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TRIALS))
        record = run(
            load_experiment("trials.misbehaving"),
            home,
            snapshot="20260101-abc",
            progress=lambda fraction, message: told.append((fraction, message)),
        )
    return Good(record, home, told)


def test_a_run_is_recorded_with_all_that_explains_it(good: Good) -> None:
    record = good.record
    folder = good.home.runs / record["run"]
    assert recorded(good.home) == [record["run"]]
    names = {path.name for path in folder.iterdir()}
    assert names == {"run.json", "run.nt", "figure.svg", "figure.png"}
    assert json.loads((folder / "run.json").read_text(encoding="utf-8")) == record
    assert RunRecords(good.home).read(record["run"]) == record
    assert record["id"] == "misbehaving"
    assert record["params"] == {"how": "well", "size": 3}
    assert (record["seed"], record["snapshot"]) == (1, "20260101-abc")
    assert (record["state"], record["verdict"]) == ("finished", "held")
    assert (record["preset"], record["failure"]) == ("default", None)
    assert record["log"] == "all is well\n"
    assert record["versions"].keys() == {"mathgloss", "python", "numpy", "matplotlib"}
    assert record["machine"]["system"]
    assert record["duration_s"] > 0


def test_a_number_that_is_none_is_recorded_as_null(good: Good) -> None:
    last = good.record["metrics"][-1]
    assert last == {"name": "no number", "value": None, "unit": "", "seed": None}


def test_progress_is_told_as_it_is_made(good: Good) -> None:
    assert [fraction for fraction, _ in good.told] == [0.25, 0.75, 1.0]
    assert good.told[1][1] == "drawing soon"


def test_runs_of_an_experiment_are_listed_newest_first(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    names = [
        "20260101T000000-abcdef-misbehaving",
        "20260102T000000-abcdef-misbehaving",
        "20260103T000000-abcdef-not-misbehaving",
        "20260104T000000-abcdef-misbehaving",
    ]
    for name in names:
        (home.runs / name).mkdir(parents=True)
        (home.runs / name / "run.json").write_text(json.dumps({"run": name}), encoding="utf-8")
    (home.runs / names[3] / "run.json").write_text("{", encoding="utf-8")
    found = [record["run"] for record in RunRecords(home).iter_newest("misbehaving")]
    assert found == [names[1], names[0]]
    assert f"{names[3]}/run.json: expected the record of a run" in caplog.text


@pytest.mark.parametrize("name", ["none", "../home", "..", "", "20260101T000000-abcdef-x/../y"])
def test_an_unknown_run_is_not_found(home: Home, name: str) -> None:
    with pytest.raises(NotFoundError, match="no run"):
        RunRecords(home).read(name)


# ------------------------------------------------------------------------------------ what fails


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("raise", "crash", "ZeroDivisionError: as told"),
        ("exit", "crash", "the process ended with 7"),
        ("segfault", "crash", "the process died of SIGSEGV"),
        ("kill", "killed", "killed from outside by SIGKILL"),
        ("memory", "memory", "needs more memory than the run may use"),
        ("import", "missing package", "No module named 'no_such_package_anywhere'"),
        ("connect", "crash", "an experiment has no network"),
        ("resolve", "crash", "an experiment has no network"),
    ],
)
def test_a_failure_is_a_result(
    trial: Experiment[Any], home: Home, how: str, kind: str, message: str
) -> None:
    record = run(trial, home, how)
    assert record["state"] == "failed"
    assert record["failure"]["kind"] == kind
    assert message in record["failure"]["message"]
    assert (record["verdict"], record["metrics"], record["figures"]) == (None, [], [])
    assert recorded(home) == [record["run"]]
    assert RunRecords(home).read(record["run"]) == record


def test_the_log_of_a_crash_has_its_traceback(trial: Experiment[Any], home: Home) -> None:
    log = run(trial, home, "raise")["log"]
    assert "about to fail" in log
    assert "Traceback" in log


def test_a_run_that_takes_too_long_is_ended(trial: Experiment[Any], home: Home) -> None:
    record = run(trial, home, "sleep", limits=Limits(time_s=2))
    assert record["failure"] == {
        "kind": "time",
        "message": "took more than 2 s, the limit of a run",
    }


def test_a_run_can_be_stopped(trial: Experiment[Any], home: Home) -> None:
    told: list[str] = []
    record = run(
        trial,
        home,
        "sleep",
        progress=lambda _, message: told.append(message),
        stopped=lambda: bool(told),
    )
    assert record["failure"] == {"kind": "stopped", "message": "stopped on request"}
    assert not is_running(int(told[0].split()[1]))


def test_an_interrupted_run_leaves_nothing(trial: Experiment[Any], home: Home) -> None:
    told: list[str] = []

    def interrupt(_: float, message: str) -> None:
        told.append(message)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(trial, home, "sleep", progress=interrupt)
    assert recorded(home) == []
    assert not is_running(int(told[0].split()[1]))


def test_a_run_ends_with_its_parent(home: Home) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from mathgloss.experiments import checked_params, run_experiment\n"
        "from mathgloss.experiments._catalogue import load_experiment\n"
        "from mathgloss.paths import Home\n"
        "trial = load_experiment('trials.misbehaving')\n"
        "run_experiment(trial, checked_params(trial, {'how': 'sleep'}), seed=0,\n"
        f"    home=Home(Path({str(home.root)!r})), snapshot=None,\n"
        "    progress=lambda fraction, message: print(message, flush=True))\n"
    )
    paths = os.pathsep.join([str(TRIALS), *(path for path in sys.path if path)])
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline().split()[1])
        assert is_running(child)
        parent.kill()
    ends_at = time.monotonic() + 30
    while is_running(child) and time.monotonic() < ends_at:
        time.sleep(0.02)
    assert not is_running(child)


def is_running(process: int) -> bool:
    """Whether it is there and no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2]
    except FileNotFoundError:
        return False
    return state.split()[0] != "Z"


def test_what_killed_runs_left_is_removed_after_a_day(trial: Experiment[Any], home: Home) -> None:
    old, young = (home.runs / f".running-{name}" for name in ("old", "young"))
    for path in (old, young):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    record = run(trial, home)
    assert recorded(home) == [".running-young", record["run"]]


# --------------------------------------------------------------------------------- disk, packages


def test_a_file_that_cannot_be_written_is_a_failure(trial: Experiment[Any], home: Home) -> None:
    record = run(trial, home, limits=Limits(file_bytes=1_000))
    assert record["failure"]["kind"] == "disk"
    assert "a file cannot be written" in record["failure"]["message"]
    assert {path.name for path in (home.runs / record["run"]).iterdir()} == {"run.json", "run.nt"}


def test_a_run_that_cannot_be_recorded_says_so_and_leaves_nothing(
    trial: Experiment[Any], home: Home
) -> None:
    home.root.mkdir()
    home.runs.write_text("not a folder", encoding="utf-8")
    record = run(trial, home)
    assert record["failure"]["kind"] == "disk"
    assert "the run cannot be recorded" in record["failure"]["message"]
    assert "make the home folder writable" in record["failure"]["message"]
    assert home.runs.read_text(encoding="utf-8") == "not a folder"


def test_a_full_disk_is_told_and_loses_no_earlier_run(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=256k,nr_inodes=64 none {disk} || exit 77\n"
        f"mkdir -p {disk}/runs/earlier && echo kept > {disk}/runs/earlier/run.json\n"
        f"head -c 240000 /dev/zero > {disk}/filler\n"
        f"{sys.executable} -m mathgloss --home {disk} experiment run kernel-scores-on-groups"
        f" --quick; echo status $?; ls -A {disk}/runs; cat {disk}/runs/earlier/run.json\n"
    )
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare, to mount a small disk")
    result = subprocess.run(
        [unshare, "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {result.stderr.strip()}")
    assert "a file cannot be written" in result.stderr
    assert "No space left on device" in result.stderr
    assert result.stdout.splitlines()[0] == "status 1"
    assert "earlier" in result.stdout
    assert ".running-" not in result.stdout
    assert "kept" in result.stdout


def test_a_missing_package_is_named_with_what_to_install(
    trial: Experiment[Any], home: Home
) -> None:
    fields = {name: getattr(trial, name) for name in trial.__slots__}
    needy = Experiment(**{**fields, "packages": ("no-such-distribution",)})
    assert missing_packages(needy) == ["no-such-distribution"]
    with pytest.raises(ConfigError, match=r"no-such-distribution.*mathgloss\[experiments\]"):
        run(needy, home)
    assert not home.runs.exists()


# ------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 0}, "parameter 'size': expected greater than or equal to 1, got 0"),
        ({"size": "many"}, "parameter 'size': expected a valid integer.*got 'many'"),
        ({"sise": 3}, "parameter 'sise' is unknown; expected one of how, size"),
        ({"size": 0, "sise": 3}, "parameter 'size'.*; parameter 'sise'"),
    ],
)
def test_bad_parameters_are_named(
    trial: Experiment[Any], given: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        checked_params(trial, given)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(trial: Experiment[Any], home: Home, seed: int) -> None:
    with pytest.raises(InputError, match="seed: expected 0 to 4294967295"):
        run(trial, home, seed=seed)


# -------------------------------------------------------------------------------------- catalogue


def test_broken_files_are_listed_with_their_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "half_broken"
    package.mkdir()
    good = (TRIALS / "trials" / "misbehaving.py").read_text(encoding="utf-8")
    files = {
        "__init__": "",
        "_private": "raise AssertionError('must not be imported')",
        "misbehaving": good,
        "other_name": good,
        "empty": "",
        "no_syntax": "def",
        "no_import": "import no_such_package_anywhere",
    }
    for name, text in files.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    catalogue = load_catalogue("half_broken")
    assert list(catalogue.experiments) == ["misbehaving"]
    assert catalogue.broken.keys() == {"other-name", "empty", "no-syntax", "no-import"}
    assert "expected one experiment 'other-name', got misbehaving" in catalogue.broken["other-name"]
    assert "got none" in catalogue.broken["empty"]
    assert "SyntaxError" in catalogue.broken["no-syntax"]
    assert "no_such_package_anywhere" in catalogue.broken["no-import"]
    with pytest.raises(NotFoundError, match="'no-syntax' cannot be loaded: SyntaxError"):
        catalogue.get("no-syntax")


def test_an_unknown_experiment_lists_the_known_ones() -> None:
    catalogue = load_catalogue()
    assert catalogue.get("experiment:rfm-symmetry-breaking").id == "rfm-symmetry-breaking"
    with pytest.raises(NotFoundError, match=r"'rfm'; known: .*rfm-symmetry-breaking"):
        catalogue.get("rfm")


# ------------------------------------------------------------------------------------ RDF, sweeps


def test_runs_are_asked_for_together_with_the_graph(
    trial: Experiment[Any], home: Home, good: Good
) -> None:
    failed = run(trial, home, "raise")
    store = ox.Store()
    label = ox.NamedNode(vocab.expand("skos:prefLabel"))
    concept = ox.NamedNode(iri(ABELIAN))
    store.add(ox.Quad(concept, label, ox.Literal("abelian group", language="en")))
    for runs, record in ((home.runs, failed), (good.home.runs, good.record)):
        store.load(path=str(runs / record["run"] / "run.nt"), format=ox.RdfFormat.N_TRIPLES)
    for triple in experiment_triples(trial):
        store.add(ox.Quad(*triple))
    prefixes = "".join(f"PREFIX {name}: <{ns}>\n" for name, ns in vocab.NAMESPACES.items())
    query = """SELECT ?experiment ?run ?value {
      ?concept skos:prefLabel "abelian group"@en .
      ?experiment mg:about ?concept .
      ?run mg:experiment ?experiment ; mg:verdict "held" ; a prov:Activity .
      ?check prov:wasGeneratedBy ?run ; mg:held true ; rdf:value ?value }"""
    solutions = store.query(prefixes + query)
    assert isinstance(solutions, ox.QuerySolutions)
    ((found, its_run, value),) = ([str(term) for term in row] for row in solutions)
    assert found == f"<{iri('experiment:misbehaving')}>"
    assert good.record["run"] in its_run
    assert str(good.record["checks"][0]["value"]) in value


def test_the_triples_of_a_run_use_the_documented_words_alone(
    trial: Experiment[Any], good: Good
) -> None:
    ontology = Path(vocab.__file__).parent / "graph" / "ontology.ttl"
    ours = vocab.NAMESPACES["mg"]
    documented = {
        triple.subject.value
        for triple in ox.parse(path=str(ontology), format=ox.RdfFormat.TURTLE)
        if isinstance(triple.subject, ox.NamedNode)
    }
    triples = [*experiment_triples(trial), *run_triples(good.record)]
    words = {triple.predicate.value for triple in triples}
    assert {name for name in words if name.startswith(ours)} <= documented


def test_a_sweep_is_drawn_over_its_parameter(good: Good, tmp_path: Path) -> None:
    records = [{**good.record, "params": {"size": size}} for size in (1, 5)]
    draw_sweep("size", records, tmp_path / "sweep.svg")
    assert "<svg" in (tmp_path / "sweep.svg").read_text(encoding="utf-8")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        draw_sweep("size", records, tmp_path / "file" / "sweep.svg")
    with pytest.raises(InputError, match="no run finished"):
        draw_sweep("size", [], tmp_path / "none.svg")


def test_checks_of_a_sweep_belong_together_by_their_words() -> None:
    def record(*criteria: str) -> dict[str, Any]:
        return {"checks": [{"criterion": text, "value": len(text)} for text in criteria]}

    found = swept_checks([
        record("error, n = 1,024", "worst of h = 3"),
        record(),
        record("error, n = 64", "worst of h = 3, 5", "worst of h = 2", "growth"),
    ])
    values = {title: [check and check["value"] for check in row] for title, row in found.items()}
    assert values == {
        "error, n = …": [16, None, 13],
        "worst of h = …": [14, None, 17],
        "worst of h = 2": [None, None, 14],
        "growth": [None, None, 6],
    }
    assert swept_checks([record()]) == {}


def test_a_sweep_over_what_brings_and_takes_checks_is_drawn(good: Good, tmp_path: Path) -> None:
    first, *others = good.record["checks"]
    records = [
        {**good.record, "params": {"size": 1}, "checks": [first]},
        {
            **good.record,
            "params": {"size": 5},
            "checks": [first, *others, {**first, "value": None}],
        },
    ]
    draw_sweep("size", records, tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").stat().st_size > 1_000
