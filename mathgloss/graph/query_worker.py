"""The process that runs SPARQL queries on one store: ``query_worker.py STORE MEMORY_MB RESULT_MB``.

It imports next to nothing and opens the store for reading only, so it is there in some 50 ms and
may be killed at any moment. :mod:`mathgloss.graph.query_wire` says how to talk to it.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sys
from io import BytesIO
from typing import Any, BinaryIO, Final

import pyoxigraph as ox

from mathgloss.errors import QueryError
from mathgloss.graph.query_guard import names_dataset, refuse_unsafe
from mathgloss.graph.query_wire import READY, REFUSED, REPLY, ROWS, SIZE, TOO_LARGE, TRIPLES

_MB: Final = 1_000_000


class TooLargeError(Exception):
    """A result has more bytes than it may have."""


class BoundedBuffer(BytesIO):
    """Takes a limited number of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self._left = limit_bytes

    def write(self, chunk: Any, /) -> int:
        """Keep some more bytes.

        Raises:
            TooLargeError: they are too many.
        """
        self._left -= len(chunk)
        if self._left < 0:
            raise TooLargeError
        return super().write(chunk)


def evaluate(store: ox.Store, request: dict[str, Any], limit_bytes: int) -> tuple[bytes, bytes]:
    """The kind of the reply to a query and its body: the serialised result, or a message."""
    output = BoundedBuffer(limit_bytes)
    default, named = request["default_graphs"], request["named_graphs"]
    try:
        refuse_unsafe(request["text"])
        answer = store.query(
            request["text"],
            base_iri=request["base"],
            # the engine's switch would win over FROM
            use_default_graph_as_union=default is None and not names_dataset(request["text"]),
            default_graph=None if default is None else [ox.NamedNode(iri) for iri in default],
            named_graphs=None if named is None else [ox.NamedNode(iri) for iri in named],
        )
        if isinstance(answer, ox.QueryTriples):
            answer.serialize(output, ox.RdfFormat.from_media_type(request["graph"]))
            return TRIPLES, output.getvalue()
        answer.serialize(output, ox.QueryResultsFormat.from_media_type(request["results"]))
        return ROWS, output.getvalue()
    except TooLargeError:
        return TOO_LARGE, b""
    except QueryError as error:
        return REFUSED, str(error).encode()
    except SyntaxError as error:
        return REFUSED, f"the query is not well-formed: {str(error).splitlines()[0]}".encode()
    except (OSError, ValueError, RuntimeError) as error:
        return REFUSED, f"the query failed: {error}".encode()


def serve(store: ox.Store, requests: BinaryIO, replies: BinaryIO, limit_bytes: int) -> None:
    """Answer requests until there are no more."""
    replies.write(READY)
    replies.flush()
    while size := requests.read(SIZE.size):
        request = json.loads(requests.read(*SIZE.unpack(size)))
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        kind, body = evaluate(store, request, limit_bytes)
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(REPLY.pack(kind, len(body)))
        replies.write(body)
        replies.flush()


def limit_memory(memory_bytes: int) -> None:
    """Let this process take so much more memory than it has now; it aborts when it needs more.

    Only what is written to counts; the files of the store that are mapped do not.
    """
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib is slow
        held_kb = next(line.split()[1] for line in status if line.startswith("VmData:"))
    limit = int(held_kb) * 1024 + memory_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with_asker() -> None:
    """Have a signal end this process when the other end of its standard input is closed.

    The signal comes whenever something happens there; it is ignored except while a query runs,
    when nothing can happen but that whoever asked has gone.
    """
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    descriptor = sys.stdin.fileno()
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)


def main(path: str, memory_mb: str, result_mb: str) -> None:
    """Open the store and answer until standard input ends."""
    end_with_asker()
    store = ox.Store.read_only(path)
    limit_memory(int(memory_mb) * _MB)
    serve(store, sys.stdin.buffer, sys.stdout.buffer, int(result_mb) * _MB)


if __name__ == "__main__":
    main(*sys.argv[1:])
