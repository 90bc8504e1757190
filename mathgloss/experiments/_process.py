"""The process of one run, watched: its events are passed on, its limits and a stop are obeyed."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeAlias

from mathgloss.experiments._contract import Progress
from mathgloss.experiments._limits import environment
from mathgloss.experiments._task import FailureKind, Task

Stopped: TypeAlias = Callable[[], bool]

_LOOK_S: Final = 0.1
_READ_BYTES: Final = 65_536


class RunFailedError(Exception):
    """A run that ended without an outcome.

    Attributes:
        kind: one of a few words, for programs.
    """

    def __init__(self, kind: FailureKind, message: str) -> None:
        self.kind: FailureKind = kind
        super().__init__(message)


def run_task(task: Task, log: Path, progress: Progress, stopped: Stopped) -> dict[str, Any]:
    """Do a task in a process of its own.

    Args:
        task: what to do.
        log: file for what the process prints.
        progress: told how far it is.
        stopped: asked ten times a second whether to stop.

    Returns:
        The event with the outcome.

    Raises:
        RunFailedError: it crashed, was killed, went over a limit or was stopped.
    """
    deadline = time.monotonic() + task.limits.time_s
    with _started(task, log) as (process, events):
        for line in _lines(events, deadline, stopped, limit_s=task.limits.time_s):
            event: dict[str, Any] = json.loads(line)
            match event.pop("event"):
                case "progress":
                    progress(event["fraction"], event["message"])
                case "failure":
                    raise RunFailedError(event["kind"], event["message"])
                case "outcome":
                    return event
        raise RunFailedError(*_cause_of_death(process.wait(), log))


@contextmanager
def _started(task: Task, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The running process and the end of the pipe where its events arrive; killed afterwards."""
    reading, writing = os.pipe()
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "mathgloss.experiments._child", str(writing)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(writing,),
                env=environment(task.limits),
                start_new_session=True,
            )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it died at once; why is seen when its events are read
            process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            process.stdin.flush()
        yield process, reading
    finally:
        _kill(process)
        os.close(reading)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(BrokenPipeError):
        process.communicate()  # closes its standard input


def _lines(events: int, deadline: float, stopped: Stopped, *, limit_s: float) -> Iterator[bytes]:
    """Lines as they arrive, until the other end is closed.

    Raises:
        RunFailedError: the deadline has passed, or the run is to stop.
    """
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(events, selectors.EVENT_READ)
        while True:
            if stopped():
                raise RunFailedError("stopped", "stopped on request")
            if time.monotonic() >= deadline:
                raise RunFailedError("time", f"took more than {limit_s:g} s, the limit of a run")
            if not selector.select(_LOOK_S):
                continue
            if not (read := os.read(events, _READ_BYTES)):
                return
            *lines, rest = (rest + read).split(b"\n")
            yield from lines


def _cause_of_death(status: int, log: Path) -> tuple[FailureKind, str]:
    """Why a process ended without saying so."""
    if status in {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGXCPU}:
        name = signal.Signals(-status).name
        return "killed", f"killed from outside by {name}; perhaps for its memory"
    how = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "crash", f"the process {how}: {said[-1] if said else 'it printed nothing'}"
