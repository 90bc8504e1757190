"""Runs of experiments that were asked for through the service: asking, watching, cancelling.

A run is known by one identifier from the moment when it is asked for. What is told of it has the
same members all along; those that are not known yet are null or empty.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from mathgloss.answers.paging import Answer, checked_limit, cursor_after, key_of
from mathgloss.errors import NotFoundError
from mathgloss.experiments import (
    Entry,
    RunQueue,
    RunRecord,
    RunRecords,
    checked_params,
    load_catalogue,
    state_of,
)
from mathgloss.graph.snapshot import Snapshot
from mathgloss.paths import Home

FigureFormat = Literal["svg", "png"]

LOG_CHARS: Final = 4_000
_MEMBERS_OF_SUMMARY: Final = (
    "run", "id", "state", "verdict", "preset", "seed", "requested", "started", "duration_s",
)  # fmt: skip


def request_run(
    snapshot: Snapshot,
    identifier: str,
    given: Mapping[str, object],
    *,
    seed: int = 0,
    quick: bool = False,
    fresh: bool = False,
    client: str,
) -> Answer:
    """Ask for a run; what is known of it, which may be that somebody ran just this before.

    Args:
        snapshot: its identifier is recorded, and the run is recorded in its home.
        identifier: of the experiment.
        given: parameters that differ from the defaults, or from the quick preset.
        seed: all randomness comes from it.
        quick: start from the quick preset.
        fresh: run it although there is a run of the same code, parameters and seed.
        client: who asks; each may have but a few runs that have not ended.

    Raises:
        NotFoundError: there is no such experiment.
        InputError: a parameter or the seed is out of its range.
        RunLimitError: the client has too many runs that have not ended.
        NoRunsError: nothing runs experiments here now, or too many wait.
    """
    experiment = load_catalogue().get(identifier)
    run = RunQueue(snapshot.home).submit(
        experiment,
        checked_params(experiment, given, quick=quick),
        seed=seed,
        snapshot=snapshot.id,
        client=client,
        fresh=fresh,
    )
    return read_run(snapshot.home, run)


def read_run(home: Home, run: str) -> Answer:
    """All that is known of a run, whether it waits, goes on or has ended.

    Raises:
        NotFoundError: there is none of that identifier.
    """
    records = RunRecords(home)
    queue = RunQueue(home)
    entry = queue.book.find(run)
    if records.has(run):
        return _of_record(records.read(run), entry)
    if entry is None:
        raise NotFoundError(f"no run {run[:200]!r}")
    waiting = queue.book.waiting()
    return {
        **_of_entry(entry),
        "waiting": waiting.index(run) if run in waiting else 0,
        "log": records.log_so_far(run, chars=LOG_CHARS),
    }


def read_progress(home: Home, run: str) -> Answer:
    """How far a run is, and nothing else; small enough to be told several times a second.

    Raises:
        NotFoundError: there is none of that identifier.
    """
    held = read_run(home, run)
    return {name: held[name] for name in ("run", "state", "verdict", "progress", "waiting")}


def cancel_run(home: Home, run: str) -> Answer:
    """Cancel a run that waits, or stop one that goes on; what is then known of it.

    Raises:
        NotFoundError: there is none of that identifier.
    """
    if RunQueue(home).book.find(run) is not None:
        RunQueue(home).cancel(run)
    return read_run(home, run)


def list_runs(
    snapshot: Snapshot, *, experiment: str | None = None, cursor: str = "", limit: int = 20
) -> Answer:
    """A page of the runs of an experiment, or of all, the newest first.

    Raises:
        NotFoundError: there is no such experiment.
        InputError: the limit is out of range, or the cursor none of ours.
    """
    home = snapshot.home
    wanted = load_catalogue().get(experiment).id if experiment is not None else None
    names = sorted({
        *RunRecords(home).newest_names(wanted),
        *RunQueue(home).book.without_record(wanted),
    })
    end = bisect_left(names, key_of(cursor)) if cursor else len(names)
    first = max(0, end - checked_limit(limit))
    shown = [_summary(read_run(home, name)) for name in reversed(names[first:end])]
    return {
        "items": shown,
        "total": len(names),
        "next": cursor_after(names[first]) if first else None,
        "snapshot": snapshot.id,
    }


def figure_of_run(home: Home, run: str, form: FigureFormat) -> Path:
    """The file that shows the figure of a run.

    Raises:
        NotFoundError: there is no such run, or it has no figure.
    """
    return RunRecords(home).figure(run, f"figure.{form}")


def _summary(held: Answer) -> Answer:
    return {name: held[name] for name in _MEMBERS_OF_SUMMARY}


def _of_record(record: RunRecord, entry: Entry | None) -> Answer:
    """A run that has ended."""
    finished = record["state"] == "finished"
    return {
        **record,
        "state": state_of(record),
        "requested": entry.requested if entry else record["started"],
        "progress": {"fraction": 1.0 if finished else 0.0, "message": state_of(record)},
        "waiting": 0,
    }


def _of_entry(entry: Entry) -> Answer:
    """A run that is only in the book: it waits, goes on, or ended before there was a record."""
    nothing: dict[str, Any] = {
        name: [] for name in ("metrics", "checks", "tables", "figures")
    } | dict.fromkeys(("verdict", "limits", "machine", "git"))
    return {
        **nothing,
        "run": entry.run,
        "id": entry.experiment,
        "paper": entry.paper,
        "params": entry.params,
        "preset": entry.preset,
        "seed": entry.seed,
        "state": entry.state,
        "failure": entry.failure,
        "requested": entry.requested,
        "started": entry.started,
        "duration_s": _since(entry.started) if entry.state == "running" else 0.0,
        "snapshot": entry.snapshot,
        "versions": {},
        "progress": {"fraction": entry.fraction, "message": entry.message},
    }


def _since(started: str | None) -> float:
    if started is None:
        return 0.0
    return round((dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(started)).total_seconds(), 1)
