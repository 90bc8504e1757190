"""Running an experiment: checked parameters, a process of its own, a record of what came out."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mathgloss.errors import ConfigError, InputError
from mathgloss.experiments._contract import Experiment, Params, Progress
from mathgloss.experiments._limits import Limits
from mathgloss.experiments._process import RunFailedError, Stopped, run_task
from mathgloss.experiments._records import LOG, RunRecord, RunRecords, new_run_id
from mathgloss.experiments._surroundings import git_state, machine, missing_packages, versions
from mathgloss.experiments._task import DISK_FULL, Task
from mathgloss.paths import Home

EXTRA: Final = "experiments"
MAX_SEED: Final = 2**32 - 1
_LOG_CHARS: Final = 20_000


def run_experiment(
    experiment: Experiment[Any],
    params: Params,
    *,
    seed: int,
    home: Home,
    snapshot: str | None,
    run: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Progress = lambda fraction, message: None,
    stopped: Stopped = lambda: False,
) -> RunRecord:
    """Run an experiment and record what came out; a crash is a result too.

    Args:
        experiment: what to run.
        params: of the experiment's own model; see :func:`checked_params`.
        seed: all randomness comes from it; the same one gives the same numbers.
        home: the run is recorded below it.
        snapshot: identifier of the published snapshot, if there is one.
        run: identifier of the run; by default a new one.
        limits: what the run may use.
        progress: told how far the run is, from 0 to 1, and what it does.
        stopped: asked ten times a second whether to stop.

    Returns:
        The record, as ``<home>/runs/<run>/run.json`` holds it. Its state is ``finished``, or
        ``failed`` with a reason; if even that cannot be written, it is not kept.

    Raises:
        ConfigError: a package that the experiment needs is not installed.
        InputError: the seed is out of its range.
    """
    if missing := missing_packages(experiment):
        raise ConfigError(
            f"experiment {experiment.id!r} needs {', '.join(missing)}, not installed; "
            f"install the extra {EXTRA!r}: pip install 'mathgloss[{EXTRA}]'"
        )
    checked_seed(seed)
    records = RunRecords(home)
    record = _new_record(experiment, params, seed, snapshot, limits)
    if run is not None:
        record["run"] = run
    try:
        working = records.working_folder(record["run"])
    except OSError as error:
        return record | _not_kept(error)
    try:
        task = Task(
            module=experiment.module,
            params=record["params"],
            seed=seed,
            folder=str(working),
            limits=limits,
        )
        record |= _ending(task, working, progress, stopped)
        records.keep(record, working)
    except OSError as error:
        return record | _not_kept(error)
    finally:
        shutil.rmtree(working, ignore_errors=True)  # gone already if the run was kept
    return record


def checked_seed(seed: int) -> int:
    """The seed, if it is in its range.

    Raises:
        InputError: it is not.
    """
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed: expected 0 to {MAX_SEED}, got {seed}")
    return seed


def _new_record(
    experiment: Experiment[Any], params: Params, seed: int, snapshot: str | None, limits: Limits
) -> RunRecord:
    """The record of a run that is about to start, and has failed if nothing else is added."""
    started = dt.datetime.now(dt.UTC)
    return {
        "run": new_run_id(experiment.id, started),
        "id": experiment.id,
        "paper": experiment.paper,
        "params": params.model_dump(mode="json"),
        "preset": preset_of(experiment, params),
        "seed": seed,
        "state": "failed",
        "failure": None,
        "verdict": None,
        "metrics": [],
        "checks": [],
        "tables": [],
        "figures": [],
        "started": started.isoformat(timespec="seconds"),
        "duration_s": 0.0,
        "snapshot": snapshot,
        "limits": asdict(limits),
        "versions": versions(experiment),
        "machine": machine(),
        "git": git_state(),
        "log": "",
    }


def _ending(task: Task, working: Path, progress: Progress, stopped: Stopped) -> dict[str, Any]:
    """What the record says of how the run ended, and of what it printed."""
    start = time.monotonic()
    log = working / LOG
    try:
        ending = {"state": "finished", **run_task(task, log, progress, stopped)}
    except RunFailedError as failure:
        ending = {"failure": {"kind": failure.kind, "message": str(failure)}}
        for path in working.glob("figure.*"):
            path.unlink()
    said = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    duration_s = round(time.monotonic() - start, 3)
    return {**ending, "duration_s": duration_s, "log": said[-_LOG_CHARS:]}


def _not_kept(error: OSError) -> dict[str, Any]:
    advice = "free some space" if error.errno in DISK_FULL else "make the home folder writable"
    message = f"the run cannot be recorded: {error}; {advice} and run it again"
    return {"state": "failed", "failure": {"kind": "disk", "message": message}, "figures": []}


def checked_params(
    experiment: Experiment[Any], given: Mapping[str, object], *, quick: bool = False
) -> Params:
    """The experiment's parameters: what is given, on top of the quick preset or the defaults.

    Raises:
        InputError: a parameter is unknown or out of its range; says what is expected.
    """
    model: type[Params] = experiment.params
    chosen = {**(experiment.quick if quick else {}), **given}
    try:
        return model.model_validate(chosen)
    except ValidationError as error:
        said = "; ".join(_explain(dict(item), model) for item in _first_of_each(error))
        raise InputError(f"experiment {experiment.id!r}: {said}") from error


def _first_of_each(error: ValidationError) -> Iterator[ErrorDetails]:
    """What is wrong, but not that a list is short because one of its values is wrong."""
    wrong = [item["loc"] for item in error.errors()]
    for item in error.errors():
        depth = len(item["loc"])
        inside = any(len(other) > depth and other[:depth] == item["loc"] for other in wrong)
        if not inside or not depth:
            yield item


def _explain(error: dict[str, Any], model: type[Params]) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields)
        return f"parameter {name!r} is unknown; expected one of {known}"
    if error["type"] == "tuple_type":
        error["msg"] = "a list as in JSON, such as [1, 2, 3]"
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not name:  # a rule on several parameters, in its own words
        return f"parameters: {said}"
    return f"parameter {name!r}: expected {said}, got {error['input']!r}"


def preset_of(experiment: Experiment[Any], params: Params) -> str:
    """Whether these are the designed parameters, the quick ones or somebody's own."""
    if params == experiment.params():
        return "default"
    return "quick" if params == checked_params(experiment, {}, quick=True) else "custom"
