"""Requests a second against a constant body, search as one types, 64 clients beside runaways."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.benchmarks.measure import Figure, server, wait_for

CONSTANT_PORT = 8766
RATE_S = 4.0
CLIENTS = 64
LOAD_S = 60.0
SKOS = "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> "
NUMBERS = range(181296, 181336)
RUNAWAY = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
WORDS = ("group", "abelian group", "tensor product", "kernel", "manifold", "Lebesgue integral")


@dataclass
class Tally:
    """What a load did: milliseconds by kind of request, and statuses that were not expected."""

    taken_ms: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, status: int, taken_ms: float) -> None:
        """Take down one answer."""
        self.taken_ms.setdefault(kind, []).append(taken_ms)
        if status >= 400:
            self.errors[f"{kind} {status}"] += 1


class Client:
    """One keep-alive connection; plain enough to cost little beside what is measured."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and read the whole answer; its status."""
        for attempt in (1, 2):
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection(*self._address)
            try:
                self._writer.write(request)
                return await self._answer()
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()  # a server may end an idle connection; once that is no error
                if attempt == 2:
                    raise
        raise AssertionError

    async def _answer(self) -> int:
        assert self._reader is not None
        head = await self._reader.readuntil(b"\r\n\r\n")
        fields = head.lower()
        if b"content-length:" in fields:
            size = int(fields.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            await self._reader.readexactly(size)
        else:
            while (line := await self._reader.readline()) != b"0\r\n":
                await self._reader.readexactly(int(line, 16) + 2)
            await self._reader.readline()
        if b"connection: close" in fields:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Forget the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def get(path: str, accept: str = "*/*") -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n".encode()


def post(path: str, body: bytes, media_type: str) -> bytes:
    """A POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# ------------------------------------------------------------------------------ against a constant


def bench_constant(home: Path, _: Path) -> Iterator[Figure]:
    """``GET concept`` against a bare WSGI function of the same server, side by side."""
    concept = "/api/v1/concepts/wd:Q181296"
    with server(home) as (address, _process):
        body = urllib.request.urlopen(address + concept).read()
        with constant_server(body) as constant:
            rates: dict[str, list[float]] = {"constant": [], "concept": []}
            for _turn in range(3):
                rates["constant"].append(asyncio.run(rate(constant, "/")))
                rates["concept"].append(asyncio.run(rate(address, concept)))
    best = {name: statistics.median(values) for name, values in rates.items()}
    yield Figure("requests/s, constant body", best["constant"], "req/s")
    yield Figure("requests/s, GET concept", best["concept"], "req/s", 500)
    yield Figure("GET concept against constant", best["concept"] / best["constant"], "", 0.4, 0.7)


@contextmanager
def constant_server(body: bytes) -> Iterator[str]:
    """gunicorn as ``mathgloss serve`` runs it, around a function that knows one body."""
    from api.command import THREADS

    code = (
        "from gunicorn.app.base import BaseApplication\n"
        "import sys\n"
        f"BODY = {body!r}\n"
        "HEAD = [('Content-Type', 'application/json'), ('Content-Length', str(len(BODY)))]\n"
        "def app(environ, start):\n"
        "    start('200 OK', HEAD)\n"
        "    return [BODY]\n"
        "class Server(BaseApplication):\n"
        "    def load_config(self):\n"
        f"        for name, value in {{'bind': '127.0.0.1:{CONSTANT_PORT}', 'workers': 1,\n"
        f"            'worker_class': 'gthread', 'threads': {THREADS}, 'keepalive': 5,\n"
        "            'control_socket_disable': True}.items():\n"
        "            self.cfg.set(name, value)\n"
        "    def load(self):\n"
        "        return app\n"
        "sys.argv = sys.argv[:1]\n"
        "Server().run()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{CONSTANT_PORT}"
    try:
        wait_for(address)
        yield address
    finally:
        process.terminate()
        process.wait(10)


async def rate(address: str, path: str, *, connections: int = 8) -> float:
    """Answers a second with a few connections that ask again at once."""
    host, port = address.removeprefix("http://").split(":")
    request = get(path)
    end = time.perf_counter() + RATE_S
    count = 0

    async def ask_on() -> None:
        nonlocal count
        client = Client(host, int(port))
        while time.perf_counter() < end:
            assert await client.ask(request) == 200
            count += 1
        client.close()

    started = time.perf_counter()
    await asyncio.gather(*(ask_on() for _ in range(connections)))
    return count / (time.perf_counter() - started)


# ------------------------------------------------------------------------------ search as one types


def bench_search(home: Path, _: Path) -> Iterator[Figure]:
    """Every prefix of some names, as the search field asks for them, over loopback."""
    typed = [name[:end] for name in WORDS for end in range(1, len(name) + 1)]
    with server(home) as (address, _process):
        host, port = address.removeprefix("http://").split(":")

        async def measure() -> list[float]:
            client = Client(host, int(port))
            await client.ask(get("/api/v1/search?q=warm"))
            taken = []
            for text in typed:
                started = time.perf_counter()
                assert await client.ask(get(f"/api/v1/search?limit=8&q={quote(text)}")) == 200
                taken.append((time.perf_counter() - started) * 1000)
            client.close()
            return taken

        taken = asyncio.run(measure())
    yield Figure(f"search as one types, p95 of {len(taken)}", percentile(taken, 95), "ms", 20, 5)


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


# -------------------------------------------------------------------------------------- mixed load


def bench_load(home: Path, _: Path) -> Iterator[Figure]:
    """64 clients for a minute, and every second one query that never ends."""
    with server(home, workers=2) as (address, _process):
        tally = asyncio.run(mixed_load(address, requests_of(address)))
    asked = {kind: values for kind, values in tally.taken_ms.items() if kind != "runaway"}
    every = [value for values in asked.values() for value in values]
    wrong = sum(count for what, count in tally.errors.items() if not what.startswith("runaway"))
    yield Figure("mixed load, 64 clients: answers/s", len(every) / LOAD_S, "req/s")
    yield Figure("mixed load: errors but the runaways'", wrong, "", 0, 0)
    yield Figure("mixed load: p99", percentile(every, 99), "ms", 250, 100)
    for kind, values in sorted(tally.taken_ms.items()):
        yield Figure(f"mixed load: p99 of {kind} ({len(values)})", percentile(values, 99), "ms")
    for what, count in sorted(tally.errors.items()):
        yield Figure(f"mixed load: answers {what}", count, "")


def requests_of(address: str) -> list[tuple[str, bytes]]:
    """What the clients ask, by kind; concepts and papers of the snapshot itself."""

    def listed(path: str) -> list[str]:
        with urllib.request.urlopen(address + path) as answer:
            return [item["id"] for item in json.load(answer)["items"]]

    concepts, papers = listed("/api/v1/concepts?limit=100"), listed("/api/v1/papers?limit=50")
    names = "SELECT ?name WHERE {{ <http://www.wikidata.org/entity/Q{}> skos:prefLabel ?name }}"
    text = json.dumps({"text": "Every finite abelian group is a direct sum of cyclic groups."})
    return [
        *(("concept", get(f"/api/v1/concepts/{quote(name)}")) for name in concepts),
        *(("page", get(f"/concept/{quote(name)}", "text/html")) for name in concepts[:40]),
        *(("paper", get(f"/paper/{quote(name)}", "text/html")) for name in papers),
        *(("search", get(f"/api/v1/search?limit=8&q={quote(word)}")) for word in WORDS * 10),
        *(("sparql", get(f"/sparql?query={quote(SKOS + names.format(n))}")) for n in NUMBERS),
        *(("link", post("/api/v1/link", text.encode(), "application/json")) for _ in range(20)),
    ]


async def mixed_load(address: str, requests: list[tuple[str, bytes]]) -> Tally:
    """Ask for a minute as 64 people and one who knows no mercy."""
    host, port = address.removeprefix("http://").split(":")
    tally = Tally()
    await Client(host, int(port)).ask(requests[-1][1])  # what is loaded when first needed
    end = time.perf_counter() + LOAD_S

    async def timed(client: Client, kind: str, request: bytes) -> None:
        started = time.perf_counter()
        status = await client.ask(request)
        tally.note(kind, status, (time.perf_counter() - started) * 1000)

    async def person(number: int) -> None:
        choose, client = random.Random(number), Client(host, int(port))
        while time.perf_counter() < end:
            await timed(client, *choose.choice(requests))
            await asyncio.sleep(choose.expovariate(1 / 0.3))
        client.close()

    async def runaways() -> None:
        asked = []
        while time.perf_counter() < end:
            request = get(f"/sparql?query={quote(RUNAWAY)}")
            asked.append(asyncio.create_task(timed(Client(host, int(port)), "runaway", request)))
            await asyncio.sleep(1)
        await asyncio.gather(*asked)

    await asyncio.gather(runaways(), *(person(number) for number in range(CLIENTS)))
    return tally
