"""Runs of experiments beside the server: the process that works on them, and following one.

A stream of events holds a thread of the server as long as it lasts, so only a few may be open in
each process, and none for longer than a minute; who follows a run asks again, or asks for the run
itself once a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from api.problems import ProblemError
from api.responses import to_json
from mathgloss.answers.paging import Answer
from mathgloss.config import Settings

STREAMS: Final = 3
STREAM_S: Final = 60.0
HEARTBEAT_S: Final = 10.0
LOOK_S: Final = 0.25
RETRY_MS: Final = 1_000

_RESTART_AFTER_S: Final = 5.0
_END_S: Final = 5.0

_places = threading.BoundedSemaphore(STREAMS)


class Following:
    """The progress of one run as it changes, from one of the few places of this process.

    ``None`` stands for a moment in which nothing changed.
    """

    def __init__(
        self, look: Callable[[], Answer], for_s: float, clock: Callable[[], float]
    ) -> None:
        self._look = look
        self._for_s = for_s
        self._clock = clock
        self._holds_place = True

    def __iter__(self) -> Iterator[Answer | None]:
        ends = self._clock() + self._for_s
        told: Answer | None = None
        told_at = self._clock()
        while self._clock() < ends:
            held = self._look()
            if held != told:
                told, told_at = held, self._clock()
                yield held
                if held["state"] not in {"queued", "running"}:
                    return
            elif self._clock() - told_at >= HEARTBEAT_S:
                told_at = self._clock()
                yield None
            time.sleep(LOOK_S)

    def close(self) -> None:
        """Give the place back."""
        if self._holds_place:
            self._holds_place = False
            _places.release()


def follow(
    look: Callable[[], Answer],
    *,
    for_s: float = STREAM_S,
    clock: Callable[[], float] = time.monotonic,
) -> Following:
    """Follow a run; the caller closes what it gets.

    Args:
        look: gives the run's progress; a run that is not there is told before anything else.
        for_s: for how long at most.
        clock: in seconds.

    Raises:
        ProblemError: all places are taken.
    """
    look()
    if not _places.acquire(blocking=False):
        raise ProblemError(
            503,
            f"{STREAMS} runs are followed through this process already; "
            "ask for the run itself once a second",
        )
    return Following(look, for_s, clock)


def text_of_events(events: Iterable[Answer | None]) -> Iterator[str]:
    """The events as ``text/event-stream``."""
    yield f"retry: {RETRY_MS}\n\n"
    for held in events:
        if held is None:
            yield ": still there\n\n"
        else:
            name = "progress" if held["state"] in {"queued", "running"} else "end"
            yield f"event: {name}\ndata: {to_json(held)}\n\n"


class WorkerProcess:
    """The one process beside the server that works on the queue; started again when it dies.

    It ends when its standard input is closed, so also when the server is killed.
    """

    def __init__(self, settings: Settings, at_once: int) -> None:
        self._command = [
            *(sys.executable, "-m", "mathgloss", "--home", str(settings.home)),
            *("experiment", "worker", "--at-once", str(at_once), "--until-stdin-closes"),
        ]
        self._at_once = at_once
        self._process: subprocess.Popen[bytes] | None = None
        self._started = -_RESTART_AFTER_S

    def keep_alive(self) -> None:
        """Start it, if it should be there and is not; called about once a second."""
        if not self._at_once or (self._process is not None and self._process.poll() is None):
            return
        if time.monotonic() - self._started < _RESTART_AFTER_S:
            return  # what dies at once must not be started all the time
        self.end()
        self._started = time.monotonic()
        modules = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": modules},
            start_new_session=True,  # Ctrl-C is for the server
        )

    def end(self) -> None:
        """End it and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()  # others may hold the other end of its standard input
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
