"""Experiments and their runs in the graph: taken by the build, asked for by SPARQL."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.experiments import RunRecords, checked_params, load_catalogue, run_experiment
from mathgloss.experiments._graph import RUNS_OF_AN_EXPERIMENT, experiments_graph
from mathgloss.graph.build import BuildResult, build_snapshot
from mathgloss.graph.plan import source_inputs
from mathgloss.graph.snapshot import open_current
from mathgloss.graph.sparql import Query
from mathgloss.graph.stored_examples import example_queries
from mathgloss.io.state import read_state, writing
from mathgloss.linking.setup import linking_setup
from mathgloss.paths import Home

# the one whose quick run is the shortest
SCORES = "kernel-scores-on-groups"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A recorded run, and the folder that it is in."""
    experiment = load_catalogue().get(SCORES)
    home = Home(tmp_path_factory.mktemp("run"))
    params = checked_params(experiment, {}, quick=True)
    record = run_experiment(experiment, params, seed=0, home=home, snapshot=None)
    return {**record, "folder": home.runs / record["run"]}


def keep(home: Home, record: dict[str, Any], number: int, **changes: Any) -> str:
    """Record the run once more, with another name and other members."""
    run = f"202601{number:02d}T000000-abcdef-{SCORES}"
    shutil.copytree(record["folder"], home.runs / run)
    members = {name: value for name, value in record.items() if name != "folder"}
    text = json.dumps({**members, "run": run, **changes})
    (home.runs / run / "run.json").write_text(text, encoding="utf-8")
    return run


def test_only_runs_as_designed_are_evidence(tmp_path: Path, record: dict[str, Any]) -> None:
    home = Home(tmp_path)
    before = experiments_graph(home)
    keep(home, record, 1)
    keep(home, record, 2, preset="default", state="failed")
    assert experiments_graph(home).key == before.key
    designed = keep(home, record, 3, preset="default")
    after = experiments_graph(home)
    assert after.key != before.key
    assert designed in " ".join(str(triple.subject) for triple in after.triples)
    assert len(set(after.triples)) == len(after.triples)


def test_the_newest_runs_are_enough(tmp_path: Path, record: dict[str, Any]) -> None:
    home = Home(tmp_path)
    runs = [keep(home, record, number, preset="default") for number in range(1, 13)]
    held = " ".join(str(triple.subject) for triple in experiments_graph(home).triples)
    found = [run for run in runs if run in held]
    assert found == runs[-RUNS_OF_AN_EXPERIMENT:]


def build(settings: Settings) -> BuildResult:
    with writing(settings.layout):
        inputs = source_inputs(settings.layout, read_state(settings.layout))
        given = [experiments_graph(settings.layout)]
        return build_snapshot(settings.layout, inputs, linking_setup(settings), given=given)


def rows(answers: Answers, name: str) -> list[dict[str, Any]]:
    """What an example query finds."""
    text = next(example.query for example in example_queries() if example.name == name)
    result = answers.query(Query(text=text))
    found: list[dict[str, Any]] = json.loads(result.body)["results"]["bindings"]
    return found


def test_claims_that_held_are_asked_for_after_the_next_build(
    home: Path, tmp_path: Path, record: dict[str, Any]
) -> None:
    shutil.copytree(home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home")
    assert not build(settings).changed
    answers = Answers(open_current(settings.layout))
    listed = {row["title"]["value"] for row in rows(answers, "experiments-on-a-concept")}
    assert listed == {
        item["title"]
        for item in answers.experiments(concept="wd:Q181296")["items"]
        if ("wd:Q181296", "about") in ((link["id"], link["role"]) for link in item["concepts"])
    }
    assert rows(answers, "claims-that-held") == []

    run = keep(settings.layout, record, 4, preset="default", verdict="held")
    assert build(settings).changed
    answers = Answers(open_current(settings.layout))
    found = {
        row["criterion"]["value"]: float(row["value"]["value"])
        for row in rows(answers, "claims-that-held")
    }
    recorded = RunRecords(settings.layout).read(run)
    assert found == {
        check["criterion"]: pytest.approx(check["value"])
        for check in recorded["checks"]
        if check["claimed"]
    }
    assert answers.snapshot.manifest.counts["triples"]["experiments"] > 50
    assert not build(settings).changed
