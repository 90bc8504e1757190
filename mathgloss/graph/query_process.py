"""One process that runs queries, seen from the side that asks."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from mathgloss.config import QueryLimits
from mathgloss.graph.query_wire import READY, REPLY, SIZE

PROGRAM: Final = Path(__file__).with_name("query_worker.py")
_ROOT: Final = Path(__file__).parents[2]
_LOWEST_PRIORITY: Final = 19
_CHUNK_BYTES: Final = 1 << 20
_SHOWN_CHARS: Final = 300


class WorkerGoneError(Exception):
    """The process ended instead of replying."""


class QueryProcess:
    """A process with the store open, running at most one query.

    Attributes:
        is_ready: whether it is known to have opened the store.
        is_light: whether it still has its first priority; a process cannot get it back.
    """

    def __init__(self, store: Path, limits: QueryLimits) -> None:
        options = [str(store), str(limits.memory_mb), str(limits.result_mb)]
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-P", str(PROGRAM), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": path},
            process_group=0,  # Ctrl-C on the terminal of the service is not for it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin
        self._replies = self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._replies, select.POLLIN)
        self.is_ready = False
        self.is_light = True

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def await_ready(self, deadline: float) -> None:
        """Wait until the store is open.

        Raises:
            TimeoutError: it is not by the deadline.
            WorkerGoneError: it cannot be opened.
        """
        if not self.is_ready:
            self._read(len(READY), deadline)
            self.is_ready = True

    def send(self, request: dict[str, Any]) -> None:
        """Have a query run.

        Raises:
            WorkerGoneError: the process is no more.
        """
        message = json.dumps(request).encode()
        try:
            self._requests.write(SIZE.pack(len(message)) + message)
        except BrokenPipeError:
            raise WorkerGoneError from None

    def wait(self, until: float) -> bool:
        """Whether there is something to read; waits for it until this monotonic time."""
        return bool(self._poll.poll(max(0.0, until - time.monotonic()) * 1000))

    def read_reply(self, deadline: float) -> tuple[bytes, bytes]:
        """The kind of the reply and its body.

        Raises:
            WorkerGoneError: the process ended before.
            TimeoutError: the reply has not come by the deadline.
        """
        kind, size = REPLY.unpack(self._read(REPLY.size, deadline))
        return kind, self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        chunks = []
        while size:
            if not self.wait(deadline):
                raise TimeoutError
            chunk = self._replies.read(min(size, _CHUNK_BYTES))
            if not chunk:
                raise WorkerGoneError
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def lower_priority(self) -> None:
        """Let everything else go first."""
        self.is_light = False
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self.pid, _LOWEST_PRIORITY)

    def end(self) -> str:
        """Kill the process, whatever it does, and wait until it is gone.

        Returns:
            How it ended and its last words, to find out why if it had ended by itself.
        """
        self._process.kill()
        status = self._process.wait()
        assert self._process.stderr is not None
        with self._requests, self._replies, self._process.stderr as errors:
            said = errors.read().decode(errors="replace").strip()
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return f"{how}: {said[-_SHOWN_CHARS:]}" if said else how
