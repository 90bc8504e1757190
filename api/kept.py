"""Finished answers, kept in front of the application and given again as they are.

A snapshot never changes, so what was answered once to an address is right as long as the snapshot
is published. Views say which answers may be kept, see :func:`api.responses.from_snapshot`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from werkzeug.wsgi import ClosingIterator

from mathgloss.errors import DataNotFoundError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from api.published import Published

OPENED: Final = "mathgloss.opened"
MAY_BE_KEPT: Final = "mathgloss.may_be_kept"
_LIMIT_BYTES: Final = 8_000_000
_BODY_BYTES: Final = 400_000
# what a 304 must not repeat
_OF_THE_BODY: Final = frozenset({"content-length", "content-type", "content-encoding"})

# path, parameters, and the headers that an answer depends on
Key: TypeAlias = tuple[str, str, str, str]
Headers: TypeAlias = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished answer, and its headers again without those of a body."""

    headers: Headers
    headers_unchanged: Headers
    etag: str
    body: bytes


class AnswerCache:
    """Answers of one snapshot used most recently, bounded in bytes; safe to use from threads."""

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: Key) -> Kept | None:
        """The answer kept under a key, if it is still there."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def keep(self, key: Key, kept: Kept) -> None:
        """Keep an answer, and forget the least recently used ones when there are too many."""
        if len(kept.body) > _BODY_BYTES:
            return
        with self._lock:
            if (old := self._kept.pop(key, None)) is not None:
                self._size_bytes -= _size(old)
            self._kept[key] = kept
            self._size_bytes += _size(kept)
            while self._size_bytes > self._limit_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._size_bytes -= _size(dropped)


def _size(kept: Kept) -> int:
    return len(kept.body) + 2_000  # a thousand small answers are not free either


class KeptAnswers:
    """A WSGI application that answers again what it has answered for the published snapshot."""

    def __init__(self, application: WSGIApplication, published: Published) -> None:
        self._application = application
        self._published = published

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request from what is kept, else by the application."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return self._application(environ, start_response)
        try:
            opened = self._published.get()
        except DataNotFoundError:
            return self._application(environ, start_response)
        # one snapshot from here to the end of the request, and no other
        environ[OPENED] = opened
        key = _key_of(environ)
        kept = opened.kept.find(key)
        if kept is not None:
            return _answer_again(kept, environ, start_response)
        return self._answer_first(opened.kept, key, environ, start_response)

    def _answer_first(
        self, cache: AnswerCache, key: Key, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        answered: dict[str, Any] = {}

        def begin(status: str, headers: Headers, exc_info: Any = None) -> Any:
            answered.update(status=status, headers=headers)
            return start_response(status, headers, exc_info)

        chunks = self._application(environ, begin)
        whole = environ["REQUEST_METHOD"] == "GET" and environ.get(MAY_BE_KEPT)
        if not whole or not answered.get("status", "").startswith("200"):
            return chunks
        body = b"".join(chunks)
        headers = answered["headers"]
        etag = next((value for name, value in headers if name.lower() == "etag"), "")
        unchanged = [pair for pair in headers if pair[0].lower() not in _OF_THE_BODY]
        cache.keep(key, Kept(headers, unchanged, etag, body))
        return ClosingIterator([body], getattr(chunks, "close", None))


def _key_of(environ: WSGIEnvironment) -> Key:
    return (
        environ.get("PATH_INFO", ""),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ACCEPT", ""),
        environ.get("HTTP_ACCEPT_ENCODING", ""),
    )


def _answer_again(
    kept: Kept, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    known = environ.get("HTTP_IF_NONE_MATCH", "")
    if kept.etag and (kept.etag in known or known == "*"):
        start_response("304 NOT MODIFIED", [*kept.headers_unchanged])
        return []
    start_response("200 OK", [*kept.headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [kept.body]
