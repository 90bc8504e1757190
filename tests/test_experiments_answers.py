"""Experiments through the library, REST and the command line: the same answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from api import create_app
from api.schemas.experiments import ExperimentAnswer, ExperimentList
from mathgloss.answers.service import Answers
from mathgloss.cli import root
from mathgloss.config import Settings
from mathgloss.errors import InputError, NotFoundError
from mathgloss.experiments import load_catalogue
from mathgloss.graph.snapshot import open_current

# the one whose quick run is the shortest
SCORES = "kernel-scores-on-groups"
RFM = "rfm-symmetry-breaking"


@pytest.fixture(scope="module")
def own_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the home, so that runs are not recorded in the one that all tests share."""
    copy = tmp_path_factory.mktemp("experiments") / "home"
    name = (home / "current").read_text(encoding="utf-8").strip()
    shutil.copytree(home / "snapshots" / name, copy / "snapshots" / name)
    shutil.copy(home / "current", copy / "current")
    return copy


@pytest.fixture(scope="module")
def own_answers(own_home: Path) -> Answers:
    return Answers(open_current(Settings(home=own_home).layout))


@pytest.fixture(scope="module")
def record(own_answers: Answers) -> dict[str, Any]:
    return own_answers.run_experiment(SCORES, {"tests": 20}, seed=5, quick=True)


def recorded(answers: Answers, record: dict[str, Any]) -> dict[str, Any]:
    """What is known of a run, as far as its record tells."""
    held = answers.run(record["run"])
    return {name: held[name] for name in record}


@pytest.fixture
def client(own_home: Path) -> FlaskClient:
    return create_app(Settings(home=own_home)).test_client()


def command(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(root, ["--home", str(home), "experiment", *arguments])


# ---------------------------------------------------------------------------------------- library


def test_all_experiments_are_listed_with_the_labels_of_their_concepts(own_answers: Answers) -> None:
    found = own_answers.experiments()
    assert [item["id"] for item in found["items"]] == list(load_catalogue().experiments)
    assert found["broken"] == []
    assert found["snapshot"] == own_answers.snapshot.id
    (rfm,) = (item for item in found["items"] if item["id"] == RFM)
    assert {"id": "wd:Q181296", "role": "about", "label": "abelian group"} in rfm["concepts"]


@pytest.mark.parametrize("concept", ["abelian group", "Q181296", "nlab:abelian+group"])
def test_experiments_on_a_concept(own_answers: Answers, concept: str) -> None:
    found = [item["id"] for item in own_answers.experiments(concept=concept)["items"]]
    assert {SCORES, RFM} <= set(found)
    assert found == [
        experiment.id
        for experiment in load_catalogue().experiments.values()
        if "wd:Q181296" in (link.id for link in experiment.concepts)
    ]


def test_experiments_of_a_paper(own_answers: Answers) -> None:
    paper = load_catalogue().get(RFM).paper
    assert [item["id"] for item in own_answers.experiments(paper=paper)["items"]] == [RFM]
    assert own_answers.experiments(paper="arxiv:2210.06545")["items"] == []


def test_an_experiment_says_all_that_is_needed_to_run_it(own_answers: Answers) -> None:
    found = own_answers.experiment(f"experiment:{RFM}")
    assert found["parameters"]["properties"]["n"]["maximum"] == 36
    assert found["quick"]["orders"] == [1, 2, 3]
    assert found["missing_packages"] == []
    assert "Deviation:" in found["description"]
    with pytest.raises(NotFoundError, match=r"known: .*rfm-symmetry-breaking"):
        own_answers.experiment("rfm")


def test_a_run_is_found_again(own_answers: Answers, record: dict[str, Any]) -> None:
    assert recorded(own_answers, record) == record
    assert record["snapshot"] == own_answers.snapshot.id
    assert (record["params"]["tests"], record["preset"]) == (20, "custom")
    assert record["run"] in [run["run"] for run in own_answers.experiment(SCORES)["runs"]]


def test_only_a_run_as_designed_gives_the_verdict(
    own_answers: Answers, own_home: Path, record: dict[str, Any]
) -> None:
    assert own_answers.experiment(SCORES)["verdict"] is None
    designed = {**record, "run": f"20260101T000000-abcdef-{SCORES}", "preset": "default"}
    folder = own_home / "runs" / designed["run"]
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(designed), encoding="utf-8")
    assert own_answers.experiment(SCORES)["verdict"] == record["verdict"]


def test_bad_parameters_are_refused_before_anything_runs(
    own_answers: Answers, own_home: Path
) -> None:
    before = sorted((own_home / "runs").glob("*"))
    with pytest.raises(InputError, match=r"parameter 'n': expected .* 12, got 5"):
        own_answers.run_experiment(RFM, {"n": 5})
    with pytest.raises(InputError, match=r"expected orders that divide n = 30.*got \[1, 4\]"):
        own_answers.run_experiment(RFM, {"orders": [1, 4]})
    assert sorted((own_home / "runs").glob("*")) == before


# ------------------------------------------------------------------------------------------- REST


def test_rest_gives_the_same_answers_in_the_documented_form(
    client: FlaskClient, own_answers: Answers, record: dict[str, Any]
) -> None:
    for path, expected, model in (
        ("experiments", own_answers.experiments(), ExperimentList),
        ("experiments?concept=Q181296", own_answers.experiments(concept="Q181296"), ExperimentList),
        (f"experiments/{SCORES}", own_answers.experiment(SCORES), ExperimentAnswer),
    ):
        response = client.get(f"/api/v1/{path}")
        assert response.status_code == 200, response.text
        assert response.json == json.loads(json.dumps(expected))
        assert model.model_validate(response.json).model_dump(mode="json") == response.json
        tag = response.headers["ETag"]
        assert client.get(f"/api/v1/{path}", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "experiments/rfm",
        "experiments?concept=no+such+concept",
        "runs/none",
        "runs/..%2F..%2Fcurrent",
        "runs/20260101T000000-abcdef-x",
    ],
)
def test_rest_does_not_find_what_is_not_there(client: FlaskClient, path: str) -> None:
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


# ----------------------------------------------------------------------------------- command line


def test_list_json_has_the_documented_members(own_home: Path) -> None:
    found = json.loads(command(own_home, "list", "--json").stdout)
    assert [item["id"] for item in found] == list(load_catalogue().experiments)
    for item in found:
        assert list(item) == ["id", "title", "paper", "concepts", "claim"]


def test_experiments_need_no_snapshot(tmp_path: Path) -> None:
    result = command(tmp_path, "list", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)[0]["concepts"][0]["label"] is None
    assert command(tmp_path, "show", RFM).exit_code == 0


def test_show_names_claim_parameters_and_concepts(own_home: Path) -> None:
    text = command(own_home, "show", RFM).stdout
    for words in ("Claim:", "Gives up:", "About: abelian group", "train_share", "Last runs"):
        assert words in text
    shown = json.loads(command(own_home, "show", RFM, "--json").stdout)
    assert shown["parameters"]["properties"].keys() >= {"n", "orders"}


def test_run_prints_checks_and_verdict(own_home: Path) -> None:
    result = command(own_home, "run", SCORES, "--quick", "--param", "frequencies=[1,5]")
    assert result.exit_code == 0, result.stderr
    assert "The claim held here (custom parameters, seed 0" in result.stdout
    assert "power of the kernel test at the lowest frequency" in result.stdout


def test_run_json_is_the_record(own_home: Path, own_answers: Answers) -> None:
    result = command(own_home, "run", SCORES, "--quick", "--seed", "7", "--json")
    record = json.loads(result.stdout)
    assert record.keys() >= {"id", "params", "seed", "metrics", "checks", "duration_s", "run"}
    assert (record["id"], record["seed"]) == (SCORES, 7)
    assert recorded(own_answers, record) == record


def test_sweep_runs_at_every_value_and_draws(own_home: Path, tmp_path: Path) -> None:
    plot = tmp_path / "sweep.svg"
    options = ("--quick", "--over", "n=12,24")
    result = command(own_home, "sweep", SCORES, *options, "--plot", str(plot), "--json")
    assert [record["params"]["n"] for record in json.loads(result.stdout)] == [12, 24]
    assert "<svg" in plot.read_text(encoding="utf-8")
    result = command(own_home, "sweep", SCORES, *options)
    drawn = Path(result.stderr.strip().splitlines()[-1].removeprefix("plot: "))
    assert drawn.is_relative_to(own_home)
    assert "<svg" in drawn.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (("run", "rfm"), "known: ", 1),
        (("run", RFM, "--param", "n=5"), "parameter 'n': expected", 1),
        (("run", RFM, "--param", "n"), "--param: expected NAME=VALUE, got 'n'", 2),
        (("run", RFM, "--seed", "-1"), "--seed", 2),
        (("sweep", SCORES, "--over", "n=12,99"), "parameter 'n': expected", 1),
        (("sweep", SCORES, "--over", "n"), "--over: expected NAME=V1,V2,...", 2),
        (("sweep", SCORES, "--over", "n=12,24", "--plot", "x.txt"), "--plot: expected a file", 2),
        (("sweep", SCORES, "--over", "n=12", "--param", "n=24"), "both set 'n'", 2),
        (("run", SCORES, "--param", "frequencies=1,2"), "expected a list as in JSON", 1),
    ],
)
def test_wrong_use_is_explained(
    own_home: Path, arguments: tuple[str, ...], message: str, status: int
) -> None:
    result = command(own_home, *arguments)
    said = result.stderr or str(result.exception)
    assert message in said
    assert result.exit_code == status
