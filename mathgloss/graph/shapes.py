"""Triples held against the SHACL shapes (``shapes.ttl``), large graphs by several processes.

pySHACL needs rdflib graphs, which are large and slow, and it takes about half the time of a build.
A shape looks at one subject only, so a graph is validated some thousand subjects at a time.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from mathgloss.errors import CheckError
from mathgloss.graph.shape_worker import SIZE

if TYPE_CHECKING:
    from rdflib import Graph

SHAPES: Final = Path(__file__).with_name("shapes.ttl")
_CHUNK_TRIPLES: Final = 40_000
_SHOWN: Final = 20
_MOST_WORKERS: Final = 4
_END_S: Final = 10.0


@lru_cache(maxsize=1)
def _shapes() -> Graph:
    from rdflib import Graph as RdflibGraph  # slow to import, seldom needed

    return RdflibGraph().parse(SHAPES, format="turtle")


@lru_cache(maxsize=1)
def _constrained() -> frozenset[str]:
    """IRIs of the predicates that the shapes speak of; no shape is closed, so the rest is free."""
    from rdflib import RDF, SH

    return frozenset(str(path) for path in _shapes().objects(None, SH.path)) | {str(RDF.type)}


def violations(text: bytes) -> list[str]:
    """What in these N-Triples violates a shape, the first few: node and message."""
    from pyshacl import validate  # slow to import, needed only for new graphs
    from rdflib import Graph as RdflibGraph

    data = RdflibGraph()
    data.parse(data=text, format="nt")
    conforms, _, report = validate(data, shacl_graph=_shapes(), inference="none")
    if conforms:
        return []
    lines = [line.strip() for line in report.splitlines() if "Message:" in line]
    nodes = [line.strip() for line in report.splitlines() if "Focus Node:" in line]
    return [f"{a} {b}" for a, b in zip(nodes, lines, strict=False)][:_SHOWN] or [report[:500]]


class ShapeChecker:
    """Checks graphs while they are written; a context, because it may start processes."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._started: list[_Worker] = []

    def __enter__(self) -> ShapeChecker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if "_threads" in self.__dict__:
            self._threads.shutdown(cancel_futures=True)
        for worker in self._started:
            worker.close()

    def checked_chunks(self, graph: str, triples: Iterable[ox.Triple]) -> Iterator[list[ox.Triple]]:
        """The triples of one named graph, grouped by subject, in chunks that satisfy the shapes.

        A chunk may be given before it is checked; the end is reached only if all are right.

        Raises:
            CheckError: a shape is violated; the first violations are named.
        """
        chunks = _chunks(triples)
        begin = [chunk for _, chunk in zip(range(2), chunks, strict=False)]
        if len(begin) < 2:  # a process of its own would cost more than it gives
            for chunk in begin:
                _refuse(graph, violations(_constrained_part(chunk)))
                yield chunk
            return
        waiting: deque[Future[list[str]]] = deque()
        for chunk in chain(begin, chunks):
            waiting.append(self._threads.submit(self._ask, _constrained_part(chunk)))
            yield chunk
            if len(waiting) > 2 * self._workers:
                _refuse(graph, waiting.popleft().result())
        for answer in waiting:
            _refuse(graph, answer.result())

    @property
    def _workers(self) -> int:
        return min(os.cpu_count() or 1, _MOST_WORKERS)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """One thread for each process; it does nothing but wait for it."""
        return ThreadPoolExecutor(self._workers, thread_name_prefix="mathgloss-shapes")

    def _ask(self, text: bytes) -> list[str]:
        """The violations that this thread's process finds."""
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = _Worker()
            self._started.append(worker)
        return worker.violations(text)


class _Worker:
    """A process of :mod:`mathgloss.graph.shape_worker`."""

    def __init__(self) -> None:
        root = Path(__file__).parents[2]
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mathgloss.graph.shape_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout

    def violations(self, text: bytes) -> list[str]:
        """What in these N-Triples violates a shape.

        Raises:
            CheckError: the process ended instead of answering.
        """
        try:
            self._requests.write(SIZE.pack(len(text)) + text)
            self._requests.flush()
            size = SIZE.unpack(self._answers.read(SIZE.size))[0]
        except (OSError, struct.error) as error:
            status = self._process.wait(_END_S)
            raise CheckError([f"the process that checks shapes ended with {status}"]) from error
        found: list[str] = json.loads(self._answers.read(size))
        return found

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._requests.close()
        self._answers.close()
        self._process.wait(_END_S)


def _refuse(graph: str, found: list[str]) -> None:
    if found:
        raise CheckError([f"{graph}: {violation}" for violation in found])


def _constrained_part(chunk: list[ox.Triple]) -> bytes:
    """The triples that the shapes speak of, as N-Triples."""
    constrained = _constrained()
    held = (triple for triple in chunk if triple.predicate.value in constrained)
    return ox.serialize(held, format=ox.RdfFormat.N_TRIPLES) or b""


def _chunks(triples: Iterable[ox.Triple]) -> Iterator[list[ox.Triple]]:
    """Runs of whole subjects of about ``_CHUNK_TRIPLES`` triples."""
    chunk: list[ox.Triple] = []
    for triple in triples:
        if len(chunk) >= _CHUNK_TRIPLES and triple.subject != chunk[-1].subject:
            yield chunk
            chunk = []
        chunk.append(triple)
    if chunk:
        yield chunk
