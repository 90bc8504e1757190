"""What the experiments gave when they were run as designed, as a Markdown document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from mathgloss.experiments import Experiment, RunRecord, RunRecords, load_catalogue
from mathgloss.paths import Home

_HEAD: Final = """\
# Experiments

Each experiment tests the headline claim of a paper at a size that a laptop can run, against the
paper's own baseline. Bounds were set before the run; a check that did not hold stays here with its
number. `mathgloss experiment run ID` runs one, `mathgloss serve` shows them at `/experiments`.

This file is written by `mathgloss experiment report --output docs/experiments.md` from the last
recorded run of each experiment with the designed parameters; it is not edited by hand.

{counts}

| experiment | paper | claim | verdict | numbers | seconds |
| --- | --- | --- | --- | --- | --- |
"""


def write_report(home: Home) -> str:
    """The document: a table of all experiments, then for each what stands behind its row.

    Args:
        home: where runs are recorded.
    """
    records = RunRecords(home)
    found = [
        (experiment, next(records.iter_designed(experiment.id), None))
        for experiment in load_catalogue().experiments.values()
    ]
    rows = "".join(_row(experiment, record) for experiment, record in found)
    parts = "".join(_part(experiment, record) for experiment, record in found)
    return f"{_HEAD.format(counts=_counts(found))}{rows}{parts}"


def _counts(found: Sequence[tuple[Experiment[Any], RunRecord | None]]) -> str:
    """How many there are of each verdict, and how many checks of claims held."""
    records = [record for _, record in found if record]
    checks = [check for record in records for check in record["checks"] if check["claimed"]]
    verdicts = Counter(record["verdict"] for record in records)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    held = sum(check["held"] for check in checks)
    return (
        f"{len(found)} experiments: {said or 'none run yet'}. "
        f"Of {len(checks)} checks of what the papers claim, {held} held."
    )


def _row(experiment: Experiment[Any], record: RunRecord | None) -> str:
    cells = [
        f"[{experiment.title}](#{experiment.id})",
        f"{experiment.reference} (`{experiment.paper}`)",
        experiment.claim,
        record["verdict"] if record else "not run yet",
        "; ".join(_numbers(record)) if record else "",
        f"{record['duration_s']:.1f}" if record else "",
    ]
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _numbers(record: RunRecord) -> Iterator[str]:
    """Each check of the claim as value and bound."""
    for check in record["checks"]:
        if check["claimed"]:
            yield f"{_figure(check['value'])} {check['relation']} {check['bound']:g}"


def _part(experiment: Experiment[Any], record: RunRecord | None) -> str:
    concepts = ", ".join(f"`{concept}`" for concept in experiment.about)
    lines = [
        "",
        f'## <a id="{experiment.id}"></a>{experiment.title}',
        "",
        f"`{experiment.id}`, about {concepts}. What the small scale gives up: "
        f"{experiment.gives_up} Not tested: {'; '.join(experiment.not_tested)}.",
        "",
        *(_checks(record) if record else ["It has not been run as designed yet."]),
    ]
    if experiment.falls_short:
        lines += ["", f"Where it falls short: {experiment.falls_short}"]
    return "\n".join(lines) + "\n"


def _checks(record: RunRecord) -> Iterator[str]:
    yield "| here | check | measured | bound |"
    yield "| --- | --- | --- | --- |"
    for check in record["checks"]:
        cells = (
            "held" if check["held"] else "**did not hold**",
            check["criterion"] + ("" if check["claimed"] else " (not in the verdict)"),
            _figure(check["value"]),
            f"{check['relation']} {check['bound']:g}",
        )
        yield f"| {' | '.join(map(_cell, cells))} |"
    versions = record["versions"]
    yield ""
    yield (
        f"Run `{record['run']}`, seed {record['seed']}, {record['duration_s']:.1f} s with one "
        f"thread; {', '.join(f'{name} {version}' for name, version in versions.items())}."
    )


def _figure(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
