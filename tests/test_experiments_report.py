"""The report on recorded runs, and the one that is in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mathgloss.answers.run_report import write_report
from mathgloss.cli import root
from mathgloss.experiments import checked_params, load_catalogue, run_experiment
from mathgloss.paths import Home

DOCUMENT = Path(__file__).parent.parent / "docs" / "experiments.md"
CATALOGUE = load_catalogue().experiments
VERDICTS = {"held", "held in part", "did not hold"}
# the one whose run is the shortest
SCORES = "kernel-scores-on-groups"


def rows(text: str) -> list[list[str]]:
    """The cells of the table of all experiments."""
    lines = [line for line in text.splitlines() if line.startswith("| [")]
    return [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in lines]


def test_experiments_without_a_run_are_listed_as_such(tmp_path: Path) -> None:
    text = write_report(Home(tmp_path))
    assert [row[3] for row in rows(text)] == ["not run yet"] * len(CATALOGUE)
    assert text.count("It has not been run as designed yet.") == len(CATALOGUE)


def test_the_command_writes_the_numbers_of_the_last_run_as_designed(tmp_path: Path) -> None:
    home, output = Home(tmp_path / "home"), tmp_path / "report.md"
    experiment = CATALOGUE[SCORES]
    for quick in (False, True):
        params = checked_params(experiment, {}, quick=quick)
        record = run_experiment(experiment, params, seed=1, home=home, snapshot=None)
        if not quick:
            designed = record
    arguments = ["--home", str(home.root), "experiment", "report"]
    result = CliRunner().invoke(root, [*arguments, "--output", str(output)])
    assert result.exit_code == 0, result.output
    text = output.read_text(encoding="utf-8")
    assert text == CliRunner().invoke(root, arguments).stdout == write_report(home)
    (row,) = (row for row in rows(text) if f"(#{SCORES})" in row[0])
    assert row[3] == designed["verdict"]
    for check in designed["checks"]:
        assert check["criterion"] in text
        assert f"{check['value']:.4g}" in text
    assert f"Run `{designed['run']}`, seed 1" in text


def test_the_documentation_is_about_the_experiments_that_there_are() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    table = rows(text)
    assert [row[0] for row in table] == [
        f"[{experiment.title}](#{experiment.id})" for experiment in CATALOGUE.values()
    ]
    assert [row[2] for row in table] == [
        experiment.claim.replace("|", "\\|") for experiment in CATALOGUE.values()
    ]


@pytest.mark.parametrize("identifier", list(CATALOGUE))
def test_the_documentation_has_a_recorded_run(identifier: str) -> None:
    (row,) = (
        row for row in rows(DOCUMENT.read_text(encoding="utf-8")) if f"(#{identifier})" in row[0]
    )
    assert row[3] in VERDICTS
    assert row[4]
    assert float(row[5]) > 0


def test_what_did_not_hold_is_explained() -> None:
    for part in DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1:]:
        assert "**did not hold**" not in part or "\nWhere it falls short: " in part, part[:100]
