"""Start-up, refresh, single answers, linking, and the way to the first page."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import (
    PORT,
    Figure,
    children,
    median_ms,
    rss_mb,
    run,
    server,
    wait_for,
)

if TYPE_CHECKING:
    from mathgloss.config import Settings
    from mathgloss.model import ParsedSource

ROOT = Path(__file__).resolve().parents[2]
CONCEPT = "/api/v1/concepts/wd:Q181296"


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
    page = client.get("/api/v1/concepts?limit=100").get_json()
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
