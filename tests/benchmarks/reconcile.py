"""Reconciling 1,000 terms on one server process, in batches as clients send them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.benchmarks.measure import Figure, children, rss_mb, server

TERMS = 1_000
BATCHES = (50, 10, 1_000)
# what waits for that which a server readies at its start, and which must not be counted here
READIED = ("/api/v1/concepts?limit=1", "/api/v1/concepts/wd:Q181296/prerequisites")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def bench_reconcile(home: Path, _: Path) -> Iterator[Figure]:
    """The load that a manifest starts, its memory, and 1,000 terms that were not asked before."""
    names = english_names(home)
    with server(home) as (address, process):
        client = HTTPConnection(urlsplit(address).netloc)
        for path in READIED:
            ask(client, "GET", path)
        before_mb = largest_mb(process)
        started = time.perf_counter()
        ask(client, "GET", "/reconcile")
        while json.loads(ask(client, "GET", "/health"))["reconciliation"] != "ready":
            time.sleep(0.01)
        yield Figure("from the manifest until terms can be matched", seconds(started), "s", 2.0)
        for number, size in enumerate(BATCHES):
            taken_s = reconcile(client, names[number :: len(BATCHES) + 1][:TERMS], size)
            yield Figure(f"{TERMS} names reconciled, {size} a batch", taken_s, "s", 1.0)
        slips = [name[:3] + name[4:] for name in names[len(BATCHES) :: len(BATCHES) + 1][:TERMS]]
        taken_s = reconcile(client, slips, BATCHES[0])
        yield Figure(f"{TERMS} names with a letter missing, {BATCHES[0]} a batch", taken_s, "s")
        grown_mb = largest_mb(process) - before_mb
        yield Figure("memory that reconciling adds to a process", grown_mb, "MB", 120)


def english_names(home: Path) -> list[str]:
    """Enough English names for all lists of terms, evenly from the alphabet."""
    from mathgloss.graph.reader import Reader  # the benchmark of --help must not pay for it
    from mathgloss.graph.snapshot import open_current
    from mathgloss.paths import Home

    rows = Reader(open_current(Home(home))).run("concept_names", {})
    names = sorted({row["name"].value for row in rows if row["name"].language == "en"})
    lists = len(BATCHES) + 1
    return names[:: max(1, len(names) // (lists * TERMS))]


def reconcile(client: HTTPConnection, terms: Sequence[str], size: int) -> float:
    """Seconds for all terms, a batch after the other."""
    bodies = [
        json.dumps({f"q{n}": {"query": term} for n, term in enumerate(terms[at : at + size])})
        for at in range(0, len(terms), size)
    ]
    started = time.perf_counter()
    for body in bodies:
        ask(client, "POST", "/reconcile", urlencode({"queries": body}))
    return seconds(started)


def ask(client: HTTPConnection, method: str, path: str, body: str | None = None) -> bytes:
    """The body of an answer, which must be one."""
    client.request(method, path, body, FORM if body is not None else {})
    response = client.getresponse()
    content = response.read()
    assert response.status == 200, content
    return content


def seconds(started: float) -> float:
    """Since a moment of :func:`time.perf_counter`."""
    return time.perf_counter() - started


def largest_mb(process: int) -> float:
    """Resident memory of the worker, the largest process of a server with one."""
    return max(map(rss_mb, children(process)))
