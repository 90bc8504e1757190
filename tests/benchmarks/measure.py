"""What benchmarks share: figures, running commands and servers, waiting, memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PORT = 8765
SERVE = (sys.executable, "-m", "mathgloss", "serve")


class Figure(NamedTuple):
    """One measured number beside what it must be and what is aimed at."""

    what: str
    value: float
    unit: str
    must: float | None = None
    aim: float | None = None


def run(home: Path, *arguments: str, mirror: Path | None = None) -> tuple[float, float]:
    """Run a command of mathgloss; its wall-clock seconds and peak memory in MB."""
    environment = {**os.environ, "MATHGLOSS_HOME": str(home)}
    if mirror is not None:
        environment["MATHGLOSS_MIRROR"] = str(mirror)
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "mathgloss", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    elapsed_s = time.perf_counter() - started
    if status:
        raise SystemExit(f"mathgloss {' '.join(arguments)} failed with status {status}")
    return elapsed_s, usage.ru_maxrss / 1024


def median_ms(call: Callable[[], object], *, times: int = 300) -> float:
    """Median duration of a call in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


@contextmanager
def server(home: Path, *, workers: int = 1) -> Iterator[tuple[str, int]]:
    """A running ``mathgloss serve``: its address and process."""
    environment = {**os.environ, "MATHGLOSS_HOME": str(home)}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mathgloss",
            "serve",
            "--port",
            str(PORT),
            "--workers",
            str(workers),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{PORT}"
    try:
        wait_for(address + "/health")
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(10)


def wait_for(address: str, *, limit_s: float = 60) -> float:
    """Seconds until the address answers."""
    started = time.perf_counter()
    while time.perf_counter() - started < limit_s:
        try:
            urllib.request.urlopen(address, timeout=2).read()
            return time.perf_counter() - started
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise SystemExit(f"{address} did not answer within {limit_s} s")


def children(pid: int) -> list[int]:
    """A process and its children."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, listed)]


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0
