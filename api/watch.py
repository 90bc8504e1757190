"""Ends a worker whose request runs longer than allowed, so that it cannot hold the service.

gunicorn's own timeout sees only a worker whose main loop is stuck; work in a thread that lets the
others go on would never end. (SPARQL queries end by themselves, see
:mod:`mathgloss.graph.query_pool`.)
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, request

logger = logging.getLogger(__name__)

CHECK_S: Final = 0.25
EXIT_STATUS: Final = 75  # EX_TEMPFAIL: the master starts another worker


@dataclass(frozen=True, slots=True)
class Running:
    """A request that is being handled."""

    address: str
    started: float


class Watch:
    """Knows the requests that an application is handling, and since when."""

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.timeout_s = timeout_s
        self._clock = clock
        self._running: dict[int, Running] = {}

    def attach(self, app: Flask) -> None:
        """Take note of every request of the application."""
        app.before_request(self._begin)
        app.teardown_request(self._end)

    def overdue(self) -> list[Running]:
        """Requests that have run longer than allowed."""
        now = self._clock()
        return [held for held in [*self._running.values()] if now - held.started > self.timeout_s]

    def start(self, end_worker: Callable[[int], None] = os._exit) -> None:
        """Look from a thread of its own, and end the process at the first overdue request."""
        threading.Thread(
            target=self._look, args=(end_worker,), name="mathgloss-watch", daemon=True
        ).start()

    def _begin(self) -> None:
        self._running[threading.get_ident()] = Running(
            f"{request.method} {request.path}", self._clock()
        )

    def _end(self, _: BaseException | None) -> None:
        self._running.pop(threading.get_ident(), None)

    def _look(self, end_worker: Callable[[int], None]) -> None:
        while not (overdue := self.overdue()):
            time.sleep(CHECK_S)
        logger.error(
            "%s ran longer than %g s; this worker ends and another starts",
            overdue[0].address,
            self.timeout_s,
        )
        end_worker(EXIT_STATUS)
