"""Runs SPARQL queries in processes that can be killed, within limits.

Nothing of a query runs in the process that serves: neither its parse (deep nesting overflows the
engine's stack, which ends the process) nor its evaluation (which Python cannot interrupt).

So that heavy queries do not take the machine from light ones, a query that turns out not to be
light gets the lowest priority, and only a few may go on for long.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from mathgloss.config import QueryLimits
from mathgloss.errors import (
    MathGlossError,
    QueryBusyError,
    QueryError,
    QueryLimitError,
    QueryTimeoutError,
)
from mathgloss.graph.query_process import QueryProcess, WorkerGoneError
from mathgloss.graph.query_wire import REFUSED, TOO_LARGE, TRIPLES
from mathgloss.graph.sparql import Query, Result

LIGHT_S: Final = 0.5  # from then on all other work goes first
LONG_S: Final = 1.0  # from then on only a few may go on
IDLE_PROCESSES: Final = 4
ALARM_AFTER_S: Final = 1.0


class QueryPool:
    """Query processes of one store, started when needed; safe to use from threads.

    They end when the pool is closed or forgotten.
    """

    def __init__(self, store: Path, limits: QueryLimits) -> None:
        self.limits = limits
        self._store = store
        self._idle: list[QueryProcess] = []
        self._lock = threading.Lock()
        self._places = threading.Semaphore(limits.processes)
        self._long_places = threading.Semaphore(limits.long)
        self.close = weakref.finalize(self, _end_all, self._idle)

    def run(self, query: Query) -> Result:
        """The result of a query.

        Raises:
            QueryTimeoutError: the query was ended at its time limit.
            QueryLimitError: it needs more memory, or its result has more bytes, than allowed.
            QueryBusyError: it was ended because too many others are running for long.
            QueryError: it is refused, not well-formed, or fails.
            MathGlossError: no process can be started.
        """
        deadline = time.monotonic() + self.limits.seconds
        if not self._places.acquire(timeout=self.limits.seconds):
            raise self._busy("all query processes have been busy")
        try:
            with self._process() as process:
                kind, body = self._ask(process, query, deadline)
        finally:
            self._places.release()
        if kind == REFUSED:
            raise QueryError(body.decode())
        if kind == TOO_LARGE:
            raise QueryLimitError(
                f"result: expected at most {self.limits.result_mb} MB, got more; ask for fewer "
                "rows (LIMIT) or columns, or take a dump"
            )
        return Result(body, query.graph if kind == TRIPLES else query.results)

    @contextmanager
    def _process(self) -> Iterator[QueryProcess]:
        """A process, kept for the next query if this one is answered and was light."""
        process = self._take()
        try:
            yield process
        except WorkerGoneError:
            raise self._explained(process, process.end()) from None
        except BaseException:
            process.end()
            raise
        if not (process.is_light and self._keep(process)):
            process.end()

    def _take(self) -> QueryProcess:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return QueryProcess(self._store, self.limits)

    def _keep(self, process: QueryProcess) -> bool:
        with self._lock:
            is_kept = bool(self.close.alive) and len(self._idle) < IDLE_PROCESSES
            if is_kept:
                self._idle.append(process)
        return is_kept

    def _start_spare(self) -> None:
        """Have a process ready for the next query: it starts while the current one runs."""
        if not self._idle:
            spare = QueryProcess(self._store, self.limits)
            if not self._keep(spare):
                spare.end()

    def _ask(self, process: QueryProcess, query: Query, deadline: float) -> tuple[bytes, bytes]:
        """The kind of the reply and its body."""
        request: dict[str, Any] = asdict(query)
        # should this process die without a word, the other's own alarm ends the query
        request["seconds"] = self.limits.seconds + ALARM_AFTER_S
        try:
            process.await_ready(deadline)
            process.send(request)
            self._start_spare()
            self._await_reply(process, deadline)
            return process.read_reply(deadline)
        except TimeoutError:
            raise QueryTimeoutError(
                f"the query was ended after {self.limits.seconds:g} s, its time limit; ask for "
                "less (LIMIT, fewer patterns, a bound subject), or take a dump and query that"
            ) from None

    def _await_reply(self, process: QueryProcess, deadline: float) -> None:
        started = time.monotonic()
        if process.wait(min(deadline, started + LIGHT_S)):
            return
        process.lower_priority()
        if process.wait(min(deadline, started + LONG_S)):
            return
        if not self._long_places.acquire(blocking=False):
            raise self._busy(f"it was not done after {LONG_S:g} s, and others are running longer")
        try:
            process.wait(deadline)
        finally:
            self._long_places.release()

    def _busy(self, reason: str) -> QueryBusyError:
        return QueryBusyError(f"too many long queries: {reason}; ask for less, or try again later")

    def _explained(self, process: QueryProcess, ending: str) -> MathGlossError:
        """What a process that ended by itself means for whoever asked."""
        if not process.is_ready:
            return MathGlossError(f"no query process can be started: {ending}")
        if any(sign in ending for sign in _OUT_OF_MEMORY):
            return QueryLimitError(
                f"memory: the query needs more than the {self.limits.memory_mb} MB that it may "
                "take; sort, group or join less"
            )
        return QueryError(f"the engine gave up on the query; it may be nested too deep ({ending})")


# what the engine, its store and Python say when they get no more memory
_OUT_OF_MEMORY: Final = ("memory allocation", "MemoryError", "bad_alloc", "unavailable")


def _end_all(processes: list[QueryProcess]) -> None:
    while processes:
        processes.pop().end()
