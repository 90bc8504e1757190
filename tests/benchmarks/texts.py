"""Linking texts over HTTP: until the first answer, an abstract when warm, memory."""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import string
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.benchmarks.core import papers_of
from tests.benchmarks.measure import Figure, children, rss_mb, server

WARM: Final = 50
NEW_WORDS: Final = 100_000
WORDS_A_TEXT: Final = 5_000


def bench_texts(home: Path, _: Path) -> Iterator[Figure]:
    """``POST /link`` with the papers of the snapshot, the server on one core."""
    from mathgloss.config import Settings

    texts = {
        paper.id: {"title": paper.title, "text": paper.abstract, "categories": paper.categories}
        for source in papers_of(Settings(home=home))
        for paper in source.papers
        if paper.abstract
    }
    with server(home) as (address, pid):
        for process in children(pid):
            os.sched_setaffinity(process, {max(os.sched_getaffinity(0))})
        before = max(map(rss_mb, children(pid)))
        link = Link(address)
        yield Figure("first POST /link of a server", link.ms({"text": "A ring."}), "ms", 3_000)
        taken = [link.ms(text) for text in texts.values()][WARM:] or [link.ms({"text": ""})]
        cuts = statistics.quantiles(taken, n=20)
        yield Figure(f"POST /link, {len(taken)} abstracts, median", cuts[9], "ms", 30, 15)
        yield Figure("the same, 95th percentile", cuts[18], "ms", 30, 15)
        yield Figure("memory of a server that links no text", before, "MB", 300, 150)
        linked = max(map(rss_mb, children(pid)))
        yield Figure("memory after these texts", linked, "MB", 400)
        for text in new_words():
            link.ms({"text": text})
        after = max(map(rss_mb, children(pid)))
        yield Figure(f"growth by {NEW_WORDS:,} words never seen", after - linked, "MB", 64)


class Link:
    """One connection that is kept, over which texts are sent."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc)

    def ms(self, document: Mapping[str, object]) -> float:
        """Milliseconds until a text is answered."""
        body = json.dumps(document)
        started = time.perf_counter()
        self._connection.request("POST", "/api/v1/link", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"POST /link answered with status {answer.status}")
        return (time.perf_counter() - started) * 1000


def new_words() -> Iterator[str]:
    """Texts of words that are all different and mean nothing."""
    chance = random.Random(4)
    for _ in range(NEW_WORDS // WORDS_A_TEXT):
        yield " ".join(
            "".join(chance.choices(string.ascii_lowercase, k=9)) for _ in range(WORDS_A_TEXT)
        )
