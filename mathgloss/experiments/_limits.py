"""What a run may use, and how its process is held to it."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_REFUSED: Final = frozenset({
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.sendmsg",
    "socket.sendto",
})
_THREAD_VARIABLES: Final = (
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use.

    Attributes:
        time_s: seconds from its start to its end.
        memory_bytes: address space, which is more than what is resident.
        threads: of the numerical libraries; one makes results repeatable to the last bit.
        file_bytes: size of any file that it writes.
    """

    time_s: float = 600.0
    memory_bytes: int = 4 * 2**30
    threads: int = 1
    file_bytes: int = 100 * 2**20


def environment(limits: Limits) -> dict[str, str]:
    """The environment of a run's process: the same modules as here, as many threads as allowed."""
    threads = dict.fromkeys(_THREAD_VARIABLES, str(limits.threads))
    modules = os.pathsep.join(path for path in sys.path if path)
    return {
        **os.environ,
        **threads,
        "PYTHONPATH": modules,
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",  # what was printed is in the log however the run ends
    }


def restrict_this_process(limits: Limits) -> None:
    """Hold the current process to its limits, for good; called before anything else runs in it."""
    cut_network()
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # the parent watches the clock; this ends a run whose parent is gone
    seconds = math.ceil(limits.time_s * limits.threads) + 5
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def cut_network() -> None:
    """No network for this process: sockets are refused, and it leaves the network if it may."""
    sys.addaudithook(_refuse_sockets)
    with suppress(OSError, AttributeError):  # not Linux, or not allowed: the refusal remains
        _leave_network()


def _refuse_sockets(event: str, _arguments: tuple[object, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError("an experiment has no network")


def _leave_network() -> None:
    """Enter an empty network namespace, and a user namespace where that needs one."""
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(_CLONE_NEWNET) == 0:
        return
    user, group = os.getuid(), os.getgid()
    if unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        # without these lines this process would be nobody
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
