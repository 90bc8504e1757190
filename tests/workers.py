"""Processes that work on the queue of a home, and waiting for what they do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from mathgloss.answers.runs import read_run
from mathgloss.experiments import RunQueue
from mathgloss.paths import Home

TRIALS: Final = Path(__file__).parent / "fixtures"
CATALOGUE: Final = "mathgloss.experiments"
PATIENCE_S: Final = 60.0

T = TypeVar("T")


def copy_home(home: Path, target: Path) -> Path:
    """A copy of a home's published snapshot, below which a test may record runs."""
    name = (home / "current").read_text(encoding="utf-8").strip()
    shutil.copytree(home / "snapshots" / name, target / "snapshots" / name)
    shutil.copy(home / "current", target / "current")
    return target


def start_worker(home: Path, package: str = CATALOGUE) -> subprocess.Popen[bytes]:
    """A process that works on the queue until its standard input is closed."""
    code = (
        "import os, sys, threading\nfrom pathlib import Path\n"
        "from mathgloss.experiments import load_catalogue, work\nfrom mathgloss.paths import Home\n"
        "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()\n"
        f"work(Home(Path({str(home)!r})), load_catalogue({package!r}))\n"
    )
    paths = os.pathsep.join([str(TRIALS), *(path for path in sys.path if path)])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )


@contextmanager
def working(home: Path, package: str = CATALOGUE) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works on the queue, as long as the block lasts."""
    with start_worker(home, package) as process:
        queue = RunQueue(Home(home))
        wait_for(queue.is_served)
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE_S)


def wait_for(look: Callable[[], T | None]) -> T:
    """What ``look`` gives as soon as it is true."""
    ends = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.02)
    return found


def ended(home: Home, run: str) -> dict[str, Any]:
    """What is known of a run when it has ended."""

    def look() -> dict[str, Any] | None:
        held = read_run(home, run)
        return None if held["state"] in {"queued", "running"} else held

    return wait_for(look)
