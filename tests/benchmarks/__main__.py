"""Measure what the README promises: ``python -m tests.benchmarks [NAME]...``."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.conftest import make_mirror

if TYPE_CHECKING:
    from mathgloss.config import Settings
    from mathgloss.model import ParsedSource

ROOT = Path(__file__).resolve().parents[2]
CONCEPT = "/api/v1/concepts/wd:Q181296"
PORT = 8765


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


def files_below(folder: Path) -> dict[str, int]:
    """Modification time of each file."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def bench_help(_: Path, __: Path) -> Iterator[Figure]:
    """Start-up of the command line."""
    times = [run(Path("unused"), "--help")[0] for _ in range(7)]
    yield Figure("mathgloss --help, median of 7", statistics.median(times), "s", 0.5, 0.25)


def bench_refresh(home: Path, mirror: Path) -> Iterator[Figure]:
    """A full refresh from the mirror, and the same again."""
    papers = os.environ.get("MATHGLOSS_TEST_PAPERS")
    options = ["--papers", papers] if papers else []
    elapsed_s, peak = run(home, "refresh", *options, mirror=mirror)
    yield Figure("full refresh from the mirror", elapsed_s, "s", 120, 45)
    yield Figure("peak memory of that refresh", peak, "MB", 1500, 600)
    before = files_below(home)
    elapsed_s, _ = run(home, "refresh", mirror=mirror)
    after = files_below(home)
    yield Figure("the same again, nothing changed", elapsed_s, "s", 5, 1)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    yield Figure("files written by that", len(changed), "files", 0, 0)


def bench_answers(home: Path, _: Path) -> Iterator[Figure]:
    """One concept, in process and over loopback, and the memory of a serving process."""
    from api import create_app  # the benchmark of --help must not pay for it
    from mathgloss.config import Settings

    client = create_app(Settings(home=home)).test_client()
    client.get(CONCEPT)
    yield Figure(
        "GET concept in process, median", median_ms(lambda: client.get(CONCEPT)), "ms", 5, 2
    )
    page = client.get("/api/v1/concepts?limit=100&after=wd:Q18").get_json()
    fresh = iter([f"/api/v1/concepts/{row['id']}" for row in page["items"]])
    yield Figure(
        "the same of concepts not asked for before, median",
        median_ms(lambda: client.get(next(fresh)), times=len(page["items"])),
        "ms",
        5,
        2,
    )
    with server(home) as (address, pid):

        def fetch() -> None:
            urllib.request.urlopen(address + CONCEPT).read()

        fetch()
        yield Figure("GET concept over loopback, median", median_ms(fetch), "ms", 5, 2)
        yield Figure(
            "memory of one serving process", max(map(rss_mb, children(pid))), "MB", 300, 150
        )


def bench_linking(home: Path, _: Path) -> Iterator[Figure]:
    """Terms and abstracts a second, everything on; run after ``refresh``."""
    from mathgloss.config import Settings
    from mathgloss.graph.linkers import open_finder, open_linker
    from mathgloss.graph.snapshot import open_manifest
    from mathgloss.graph.sources import term_sources
    from mathgloss.linking.candidates import Query

    settings = Settings(home=home)
    manifest = open_manifest(settings.layout)
    linker = open_linker(settings, manifest)
    labels = [
        label
        for source in term_sources(settings.layout, manifest)
        if source.info.name in {"nlab", "mulima", "chicago", "syllabus"}
        for term in source.terms
        for label in term.labels
    ]
    queries = [Query(label.text, label.lang) for label in labels[:: max(1, len(labels) // 5_000)]]
    linker.link(queries)  # vectors are computed once ever, indexes when first needed
    started = time.perf_counter()
    linker.link(queries)
    rate = len(queries) / (time.perf_counter() - started)
    yield Figure(f"terms linked by {linker.method}", rate, "terms/s", 1_000, 3_000)
    finder = open_finder(settings, manifest)
    texts = [
        {"title": paper.title, "text": paper.abstract}
        for source in papers_of(settings)
        for paper in source.papers
        if paper.abstract
    ]
    started = time.perf_counter()
    for fields in texts:
        finder.find(fields)
    rate = len(texts) / (time.perf_counter() - started)
    yield Figure(f"abstracts read ({len(texts)})", rate, "abstracts/s", 300, 1_000)


def papers_of(settings: Settings) -> list[ParsedSource]:
    """The sources of papers of the published snapshot."""
    from mathgloss.graph.plan import PARSED
    from mathgloss.io.records import read_records
    from mathgloss.io.state import parsed_path, read_state

    return [
        read_records(parsed_path(settings.layout, entry), PARSED)
        for entry in read_state(settings.layout).values()
        if entry.papers
    ]


def median_ms(call: Callable[[], object], *, times: int = 300) -> float:
    """Median duration of a call in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


@contextmanager
def server(home: Path) -> Iterator[tuple[str, int]]:
    """A running ``mathgloss serve``: its address and process."""
    environment = {**os.environ, "MATHGLOSS_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "mathgloss", "serve", "--port", str(PORT), "--workers", "1"],
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


def bench_first_page(_: Path, __: Path) -> Iterator[Figure]:
    """``make serve`` in an empty clone, until the first page is answered."""
    folder = Path(tempfile.mkdtemp(prefix="mathgloss-clone-"))
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "clone")], check=True)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("MATHGLOSS_")
    } | {"MATHGLOSS_HOME": str(folder / "home")}
    started = time.perf_counter()
    process = subprocess.Popen(
        ["make", "serve", f"PORT={PORT}"],
        cwd=folder / "clone",
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{PORT}/concept/wd:Q181296", limit_s=600)
        elapsed_s = time.perf_counter() - started
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        shutil.rmtree(folder)
    yield Figure("make serve in an empty clone to the first page", elapsed_s, "s", 180, 90)


BENCHMARKS: dict[str, Callable[[Path, Path], Iterator[Figure]]] = {
    "help": bench_help,
    "refresh": bench_refresh,
    "answers": bench_answers,
    "linking": bench_linking,
    "first-page": bench_first_page,
}
ON_REQUEST = {"first-page"}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all quick ones, and print a table and a line of JSON."""
    wanted = names or [name for name in BENCHMARKS if name not in ON_REQUEST]
    folder = Path(tempfile.mkdtemp(prefix="mathgloss-bench-"))
    given = os.environ.get("MATHGLOSS_MIRROR")
    mirror = Path(given).resolve() if given else make_mirror(folder / "mirror")
    home = folder / "home"
    figures: list[Figure] = []
    try:
        if {"answers", "linking"} & set(wanted) and "refresh" not in wanted:
            run(home, "refresh", mirror=mirror)
        for name in wanted:
            for figure in BENCHMARKS[name](home, mirror):
                figures.append(figure)
                bounds = f"must {figure.must:g}, aim {figure.aim:g}" if figure.must else "must 0"
                print(f"{figure.what:48} {figure.value:9.3f} {figure.unit:6} ({bounds})")  # noqa: T201
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "peak_of_children_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    }
    print(json.dumps({"machine": machine, "figures": [figure._asdict() for figure in figures]}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
