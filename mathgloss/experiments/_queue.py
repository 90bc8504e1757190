"""Runs one after another: a queue on SQLite that outlives a restart, and the process that works.

Whoever asks for a run enters it in the book and hands its identifier to the queue. One process for
each home takes them out, see :func:`work`; each run is again a process of its own.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import inspect
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import mathgloss
from mathgloss.errors import MathGlossError, NoRunsError, NotFoundError
from mathgloss.experiments._book import Entry, RunBook, RunState, Wish
from mathgloss.experiments._catalogue import Catalogue
from mathgloss.experiments._contract import Experiment, Params
from mathgloss.experiments._records import RunRecord, RunRecords, new_run_id
from mathgloss.experiments._runner import checked_seed, preset_of, run_experiment
from mathgloss.experiments._surroundings import missing_packages
from mathgloss.paths import Home

if TYPE_CHECKING:
    from huey.api import TaskWrapper

logger = logging.getLogger(__name__)

# of those asked for through the service with other parameters than the designed ones
KEPT_RUNS: Final = 1_000

_BOOK: Final = "runs.sqlite"
_LOCK: Final = "worker.lock"
_TELL_EVERY_S: Final = 0.2
_LOOK_EVERY_S: Final = 0.5


class RunQueue:
    """The queue of one home, for whoever asks for runs."""

    def __init__(self, home: Home) -> None:
        self.folder = home.queue
        self.book = RunBook(self.folder / _BOOK)
        self._records = RunRecords(home)

    def submit(
        self,
        experiment: Experiment[Any],
        params: Params,
        *,
        seed: int,
        snapshot: str | None,
        client: str,
        fresh: bool = False,
    ) -> str:
        """Ask for a run.

        Args:
            experiment: what to run.
            params: of the experiment's own model; see :func:`checked_params`.
            seed: all randomness comes from it.
            snapshot: identifier of the published snapshot, if there is one.
            client: who asks; each may have but a few runs that have not ended.
            fresh: run it although there is a run of the same code, parameters and seed.

        Returns:
            The identifier of the run, which may be one that somebody else asked for.

        Raises:
            InputError: the seed is out of its range.
            RunLimitError: the client has too many runs that have not ended.
            NoRunsError: nothing runs experiments here now, or too many wait.
        """
        values = params.model_dump(mode="json")
        wish = Wish(
            run=new_run_id(experiment.id, dt.datetime.now(dt.UTC)),
            experiment=experiment.id,
            paper=experiment.paper,
            params=values,
            preset=preset_of(experiment, params),
            seed=checked_seed(seed),
            snapshot=snapshot,
            likeness=_likeness(experiment, values, seed),
            client=client,
        )
        if missing := missing_packages(experiment):
            raise NoRunsError(f"the service lacks what it needs: {', '.join(missing)}")
        if not self.is_served():
            raise NoRunsError(
                "nothing runs experiments here now; 'mathgloss serve' does unless it is told not "
                "to, and so does 'mathgloss experiment worker'"
            )
        self.book.create()
        run, is_new = self.book.enter(wish, fresh=fresh)
        if not is_new and self._is_lost(run):
            run, is_new = self.book.enter(wish, fresh=True)
        if is_new:
            self._hand_over(run)
        return run

    def _is_lost(self, run: str) -> bool:
        """Whether the run has finished but somebody has removed its record."""
        entry = self.book.find(run)
        return entry is not None and entry.has_ended and not self._records.has(run)

    def _hand_over(self, run: str) -> None:
        try:
            with _opened(self.folder, self._refuse) as task:
                task(run)
        except Exception as error:
            # whatever the queue's database says, the run must not wait for ever
            self.book.forget(run)
            raise NoRunsError(f"{self.folder}: the queue cannot be written: {error}") from error

    @staticmethod
    def _refuse(run: str) -> None:
        raise AssertionError(f"run {run} was executed by who asked for it")

    def cancel(self, run: str) -> None:
        """Cancel a run that waits, or stop it; one that has ended stays as it is.

        Raises:
            NotFoundError: it was never asked for through the queue.
        """
        if self.book.find(run) is None:
            raise NotFoundError(f"no run {run[:200]!r} in the queue")
        self.book.stop(run)

    def is_served(self) -> bool:
        """Whether a process works on the queue."""
        try:
            with (self.folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False


def _likeness(experiment: Experiment[Any], params: Mapping[str, Any], seed: int) -> str:
    """Equal for runs of the same code with the same parameters and seed."""
    code = inspect.getsource(inspect.getmodule(experiment.run) or experiment.run)
    parts = json.dumps([mathgloss.__version__, experiment.id, code, params, seed], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()


# ------------------------------------------------------------------------------------ the worker


def work(home: Home, catalogue: Catalogue, *, at_once: int = 1) -> None:
    """Run what the queue holds, until the process is ended; in the main thread.

    If another process does so for this home, wait until that one is gone. Runs that a worker before
    did not end are noted as failed; those that wait still wait.

    Args:
        home: whose queue.
        catalogue: the experiments that may be run.
        at_once: how many runs may go on at the same time.

    Raises:
        NoRunsError: the book or the lock cannot be written.
    """
    from huey.consumer import Consumer  # only who works needs it

    worker = Worker(home, catalogue)
    with _alone(home.queue), _opened(home.queue, worker.execute) as task:
        worker.take_over(task)
        Consumer(
            task.huey,
            workers=at_once,
            periodic=False,
            initial_delay=_TELL_EVERY_S,
            max_delay=_LOOK_EVERY_S,
        ).run()


class Worker:
    """Executes runs of the book, each at most once."""

    def __init__(self, home: Home, catalogue: Catalogue) -> None:
        self._home = home
        self._catalogue = catalogue
        self._book = RunBook(home.queue / _BOOK)
        self._active: set[str] = set()

    def take_over(self, task: TaskWrapper) -> None:
        """Begin where the worker before was ended."""
        self._book.create()
        self._give_up()
        # a run may be in the book and not in the queue, if who asked was ended in between
        task.huey.storage.flush_queue()
        for run in self._book.waiting():
            task(run)

    def _give_up(self) -> None:
        for run in self._book.give_up(but=self._active):
            logger.warning("run %s is lost: whoever ran it is gone", run)
            RunRecords(self._home).clear(run)

    def execute(self, run: str) -> None:
        """Execute a run if it still waits."""
        self._give_up()
        self._active.add(run)
        try:
            if (entry := self._book.begin(run)) is not None:
                self._book.end(run, *self._outcome(entry))
                self._forget_old()
        finally:
            self._active.discard(run)

    def _forget_old(self) -> None:
        """Remove what visitors tried long ago, so that they cannot fill the disk."""
        for run in self._book.old(KEPT_RUNS):
            RunRecords(self._home).remove(run)
            self._book.forget(run)

    def _outcome(self, entry: Entry) -> tuple[RunState, dict[str, str] | None]:
        """How the run ended, and why if it failed."""
        try:
            experiment = self._catalogue.get(entry.experiment)
            record = run_experiment(
                experiment,
                experiment.params.model_validate(entry.params),
                seed=entry.seed,
                home=self._home,
                snapshot=entry.snapshot,
                run=entry.run,
                progress=self._teller(entry.run),
                stopped=lambda: self._book.is_stopping(entry.run),
            )
        # the experiment is no longer there, or not as it was when the run was asked for
        except (MathGlossError, ValueError) as error:
            return "failed", {"kind": "crash", "message": str(error)}
        return state_of(record), record["failure"]

    def _teller(self, run: str) -> Callable[[float, str], None]:
        """Notes progress in the book, a few times a second at most."""
        told = 0.0

        def tell(fraction: float, message: str) -> None:
            nonlocal told
            if time.monotonic() - told >= _TELL_EVERY_S:
                self._book.tell(run, fraction, message)
                told = time.monotonic()

        return tell


def state_of(record: RunRecord) -> RunState:
    """The state of a recorded run: one that was stopped on request is cancelled, not failed."""
    if record["state"] == "finished":
        return "finished"
    return "cancelled" if record["failure"]["kind"] == "stopped" else "failed"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the one process that works on the queue; waits for another to end."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("wb")
    except OSError as error:
        raise NoRunsError(f"{error}; make the home folder writable, or choose another") from error
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("%s: another process runs experiments; waiting for its end", folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _opened(folder: Path, execute: Callable[[str], None]) -> Iterator[TaskWrapper]:
    """The queue with its one task, which is given the identifier of a run."""
    from huey import SqliteHuey  # only who asks for runs or works needs it

    huey = SqliteHuey("runs", filename=str(folder / "queue.sqlite"), results=False)
    try:
        # by its name the worker finds the task that somebody else put into the queue
        yield huey.task(name="run", retries=0)(execute)
    finally:
        huey.storage.close()
