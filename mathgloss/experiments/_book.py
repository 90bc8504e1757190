"""The book of runs that were asked for: who waits, what goes on, how far it is, how it ended.

It is a table in SQLite beside the queue, which itself holds nothing but identifiers in their order.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from mathgloss.errors import NoRunsError, RunLimitError
from mathgloss.experiments._task import FailureKind

RunState: TypeAlias = Literal["queued", "running", "finished", "failed", "cancelled"]

RUNS_OF_A_CLIENT: Final = 3
RUNS_IN_ALL: Final = 100

_WAIT_FOR_LOCK_S: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS run (
  run TEXT PRIMARY KEY, experiment TEXT NOT NULL, paper TEXT NOT NULL,
  params TEXT NOT NULL, preset TEXT NOT NULL,
  seed INTEGER NOT NULL, snapshot TEXT, likeness TEXT NOT NULL, client TEXT, state TEXT NOT NULL,
  fraction REAL NOT NULL, message TEXT NOT NULL, stopping INTEGER NOT NULL,
  requested TEXT NOT NULL, started TEXT, failure TEXT);
CREATE INDEX IF NOT EXISTS run_by_state ON run (state);
CREATE INDEX IF NOT EXISTS run_by_likeness ON run (likeness);
"""
_FIND: Final = "SELECT * FROM run WHERE run = ?"
_LIKE: Final = """SELECT run FROM run
WHERE likeness = ? AND state IN ('queued', 'running', 'finished')
ORDER BY requested DESC, rowid DESC"""
_COUNT: Final = """SELECT COUNT(*), COALESCE(SUM(client = ?), 0) FROM run
WHERE state IN ('queued', 'running')"""
_WAITING: Final = "SELECT run FROM run WHERE state = 'queued' ORDER BY requested, rowid"
_NOT_FINISHED: Final = """SELECT run FROM run
WHERE state != 'finished' AND experiment = COALESCE(?, experiment)"""
_END: Final = """UPDATE run
SET state = :state, message = :state, failure = :failure, client = NULL,
  fraction = IIF(:state = 'finished', 1, fraction)
WHERE run = :run"""
_OLD: Final = """SELECT run FROM run
WHERE preset != 'default' AND state NOT IN ('queued', 'running')
ORDER BY requested DESC, rowid DESC LIMIT -1 OFFSET ?"""
_KILLED: Final[FailureKind] = "killed"
_LOST: Final = {
    "kind": _KILLED,
    "message": "whoever ran it was ended before the run was over; run it again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A run that somebody asks for.

    Attributes:
        run: its identifier.
        experiment: identifier of the experiment.
        paper: whose claim it tests.
        params: as JSON has them, checked.
        preset: whether these are the designed parameters.
        snapshot: what is published now.
        likeness: equal for runs that would give the same.
        client: who asks; forgotten when the run has ended.
    """

    run: str
    experiment: str
    paper: str
    params: dict[str, Any]
    preset: str
    seed: int
    snapshot: str | None
    likeness: str
    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the book says of a run.

    Attributes:
        fraction: how far it is, from 0 to 1.
        message: what it does now.
        requested: when it was asked for (ISO 8601), as ``started``.
        failure: kind and message, if the run failed.
    """

    run: str
    experiment: str
    paper: str
    params: dict[str, Any]
    preset: str
    seed: int
    snapshot: str | None
    state: RunState
    fraction: float
    message: str
    requested: str
    started: str | None
    failure: dict[str, str] | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.state not in {"queued", "running"}


class RunBook:
    """The book of one home; safe to use from threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection with a transaction of its own that may write."""
        try:
            with closing(
                sqlite3.connect(self._path, timeout=_WAIT_FOR_LOCK_S, isolation_level=None)
            ) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise NoRunsError(f"{self._path}: the book of runs cannot be used: {error}") from error

    def create(self) -> None:
        """Make the book, if it is not there yet.

        Raises:
            NoRunsError: it cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_WAIT_FOR_LOCK_S)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise NoRunsError(f"{self._path}: the book of runs cannot be made: {error}") from error

    # --------------------------------------------------------------------------------- by who asks

    def enter(self, wish: Wish, *, fresh: bool) -> tuple[str, bool]:
        """Enter a run that waits, unless one like it is there.

        Args:
            wish: what is asked for.
            fresh: enter it although there is one like it.

        Returns:
            The identifier of the run that answers the wish, and whether it is a new one.

        Raises:
            RunLimitError: the client has too many runs that have not ended.
            NoRunsError: there are too many in all, or the book cannot be written.
        """
        with self._open() as connection:
            found = connection.execute(_LIKE, (wish.likeness,)).fetchone()
            if found is not None and not fresh:
                return str(found["run"]), False
            in_all, own = connection.execute(_COUNT, (wish.client,)).fetchone()
            if own >= RUNS_OF_A_CLIENT:
                raise RunLimitError(
                    f"{own} runs of yours wait or go on, expected at most {RUNS_OF_A_CLIENT}; "
                    "wait for one of them, or cancel it"
                )
            if in_all >= RUNS_IN_ALL:
                raise NoRunsError(f"{in_all} runs wait already; come back later")
            connection.execute(
                "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, 'waiting', 0, ?, "
                "NULL, NULL)",
                (
                    wish.run,
                    wish.experiment,
                    wish.paper,
                    json.dumps(wish.params),
                    wish.preset,
                    wish.seed,
                    wish.snapshot,
                    wish.likeness,
                    wish.client,
                    _now(),
                ),
            )
        return wish.run, True

    def forget(self, run: str) -> None:
        """Take out a run, as if it had never been entered."""
        with self._open() as connection:
            connection.execute("DELETE FROM run WHERE run = ?", (run,))

    def stop(self, run: str) -> None:
        """Cancel a run that waits; one that goes on is told to stop, and ends soon after."""
        with self._open() as connection:
            connection.execute(
                "UPDATE run SET state = 'cancelled', client = NULL, message = 'cancelled' "
                "WHERE run = ? AND state = 'queued'",
                (run,),
            )
            connection.execute(
                "UPDATE run SET stopping = 1, message = 'stopping' "
                "WHERE run = ? AND state = 'running'",
                (run,),
            )

    # ------------------------------------------------------------------------------------- reading

    def _read(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Rows of a query; none if there is no book yet."""
        if not self._path.exists():
            return []
        try:
            with closing(sqlite3.connect(self._path, timeout=_WAIT_FOR_LOCK_S)) as connection:
                connection.row_factory = sqlite3.Row
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise NoRunsError(f"{self._path}: the book of runs cannot be read: {error}") from error

    def find(self, run: str) -> Entry | None:
        """What it says of a run."""
        rows = self._read(_FIND, run)
        return _entry(rows[0]) if rows else None

    def waiting(self) -> list[str]:
        """The runs that wait, the next one first."""
        return [row["run"] for row in self._read(_WAITING)]

    def without_record(self, experiment: str | None) -> list[str]:
        """The runs, of one experiment or all, that have not ended well and so may be only here."""
        return [row["run"] for row in self._read(_NOT_FINISHED, experiment)]

    def old(self, keep: int) -> list[str]:
        """The runs with other parameters than the designed ones, but for the newest ``keep``."""
        return [row["run"] for row in self._read(_OLD, keep)]

    def is_stopping(self, run: str) -> bool:
        """Whether a run was told to stop."""
        rows = self._read("SELECT stopping FROM run WHERE run = ?", run)
        return bool(rows and rows[0]["stopping"])

    # -------------------------------------------------------------------------------- by who works

    def begin(self, run: str) -> Entry | None:
        """Take a run that waits; ``None`` if it does not wait any more."""
        with self._open() as connection:
            changed = connection.execute(
                "UPDATE run SET state = 'running', started = ?, message = 'starting' "
                "WHERE run = ? AND state = 'queued'",
                (_now(), run),
            )
            if changed.rowcount == 0:
                return None
            return _entry(connection.execute(_FIND, (run,)).fetchone())

    def tell(self, run: str, fraction: float, message: str) -> None:
        """Note how far a run is, from 0 to 1, and what it does."""
        with self._open() as connection:
            connection.execute(
                "UPDATE run SET fraction = ?, message = ? WHERE run = ? AND stopping = 0",
                (fraction, message, run),
            )

    def end(self, run: str, state: RunState, failure: dict[str, str] | None) -> None:
        """Note how a run ended."""
        with self._open() as connection:
            said = json.dumps(failure) if failure else None
            connection.execute(_END, {"run": run, "state": state, "failure": said})

    def give_up(self, but: Collection[str] = ()) -> list[str]:
        """Note that runs are lost whose worker is gone: all that go on but for these."""
        going = [row["run"] for row in self._read("SELECT run FROM run WHERE state = 'running'")]
        lost = [run for run in going if run not in but]
        for run in lost:
            self.end(run, "failed", _LOST)
        return lost


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def _entry(row: sqlite3.Row) -> Entry:
    held = {field.name: row[field.name] for field in fields(Entry)}
    failure = json.loads(row["failure"]) if row["failure"] else None
    return Entry(**{**held, "params": json.loads(row["params"]), "failure": failure})
