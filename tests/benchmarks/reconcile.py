"""Reconciling 1,000 terms on one process, in batches as clients send them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measure import Figure

TERMS = 1_000
BATCHES = (10, 50, 1_000)


def bench_reconcile(home: Path, _: Path) -> Iterator[Figure]:
    """The first load, then 1,000 terms through the endpoint of version 0.2."""
    from api import create_app  # the benchmark of --help must not pay for it
    from mathgloss.config import Settings
    from mathgloss.graph.reader import Reader
    from mathgloss.graph.snapshot import open_current

    settings = Settings(home=home)
    rows = Reader(open_current(settings.layout)).run("concept_names", {})
    names = sorted({row["name"].value for row in rows if row["name"].language == "en"})
    terms = names[:: max(1, len(names) // TERMS)][:TERMS]
    client = create_app(settings).test_client()
    started = time.perf_counter()
    client.post("/reconcile", data={"queries": json.dumps({"q0": {"query": terms[0]}})})
    yield Figure("first reconciliation, which loads", time.perf_counter() - started, "s")
    for size in BATCHES:
        bodies = [
            json.dumps({f"q{n}": {"query": term} for n, term in enumerate(terms[at : at + size])})
            for at in range(0, len(terms), size)
        ]
        started = time.perf_counter()
        for body in bodies:
            response = client.post("/reconcile", data={"queries": body})
            assert response.status_code == 200, response.get_data(as_text=True)
        elapsed_s = time.perf_counter() - started
        yield Figure(f"{len(terms)} terms reconciled, {size} a batch", elapsed_s, "s", 1.0)
