"""How a finished answer goes out: validators, compression, security headers, CORS.

A snapshot never changes, so an answer is known by the snapshot's identifier and the address asked
for: that is its ETag, checked before anything is computed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeAlias
from urllib.parse import unquote_to_bytes

from flask import Response, current_app, request
from werkzeug.wrappers import Response as BaseResponse

from api.kept import MAY_BE_KEPT
from api.problems import API_PATHS, ProblemError
from api.published import opened

P = ParamSpec("P")
Rendered: TypeAlias = "dict[str, Any] | str | Body | BaseResponse"

MAX_QUERY_STRING_BYTES: Final = 8_000
MAX_PATH_CHARS: Final = 2_000
REVALIDATE: Final = "public, no-cache"
SNAPSHOT_HEADER: Final = "MathGloss-Snapshot"
RELEASE: Final = "MATHGLOSS_RELEASE"
ASSET_VERSION: Final = "MATHGLOSS_ASSET_VERSION"

_GZIP_FROM_BYTES: Final = 1_000
_GZIP_LEVEL: Final = 5
_GZIPPED_TYPES: Final = (
    "text/",
    "application/json",
    "application/ld+json",
    "application/n-triples",
    "application/rdf+xml",
    "application/sparql-results+",
    "application/xml",
    "image/svg",
)
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "font-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
# of the one kind of page that is made for frames on other sites
FRAMABLE_POLICY: Final = _HEADERS["Content-Security-Policy"].replace(
    "frame-ancestors 'none'", "frame-ancestors *"
)
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"ETag, Retry-After, {SNAPSHOT_HEADER}",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Content-Type, If-None-Match, "
    "MCP-Protocol-Version, Mcp-Method, Mcp-Name",
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True)
class Body:
    """The body of an answer: its bytes, media type and whether they are gzipped."""

    content: bytes
    media_type: str
    gzipped: bool


def from_snapshot(view: Callable[P, Rendered]) -> Callable[P, BaseResponse]:
    """Answer a GET from the snapshot: 304 where the client has it, else what the view renders.

    The view gives a dict (sent as JSON), a page, a body of any type, or a response that goes out as
    it is. What it gives is kept by :mod:`api.kept`.
    """

    @wraps(view)
    def answer(*args: P.args, **kwargs: P.kwargs) -> BaseResponse:
        held = opened()
        gzipped = accepts_gzip()
        key = f"{request.full_path}{' gz' if gzipped else ''}"
        tag = tag_of(held.answers.snapshot.id, key)
        if request.if_none_match.contains_weak(tag):
            return _validated(Response(status=304), tag)
        rendered = view(*args, **kwargs)
        if isinstance(rendered, BaseResponse):
            return rendered
        body = _finish(rendered, gzipped=gzipped)
        request.environ[MAY_BE_KEPT] = True
        response = Response(body.content, mimetype=body.media_type)
        if body.gzipped:
            response.headers["Content-Encoding"] = "gzip"
        return _validated(response, tag)

    return answer


def accepts_gzip() -> bool:
    """Whether the client takes a gzipped body."""
    return request.accept_encodings.quality("gzip") > 0


def to_json(answer: dict[str, Any]) -> str:
    """An answer as JSON, the same bytes from every interface."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def refuse_oversized() -> None:
    """Refuse an address that is too long; Flask itself refuses a body that is.

    Raises:
        ProblemError: saying what is too long.
    """
    size = len(request.query_string)
    if size > MAX_QUERY_STRING_BYTES or len(request.path) > MAX_PATH_CHARS:
        raise ProblemError(
            414,
            f"address: expected at most {MAX_PATH_CHARS} characters of path and "
            f"{MAX_QUERY_STRING_BYTES} bytes of parameters; long SPARQL queries go by POST",
        )


def refuse_broken_text() -> None:
    """Refuse parameters and forms that are no UTF-8, which would be read as another text.

    Raises:
        ProblemError: saying which, and where.
    """
    _check_utf8("parameters", request.query_string)
    if request.mimetype == "application/x-www-form-urlencoded":
        _check_utf8("form", request.get_data())


def _check_utf8(what: str, encoded: bytes) -> None:
    if b"%" in encoded or not encoded.isascii():
        try:
            unquote_to_bytes(encoded).decode()
        except UnicodeDecodeError as error:
            detail = f"{what}: expected percent-encoded UTF-8, got {error}"
            raise ProblemError(400, detail) from error


def finish_response(response: Response) -> Response:
    """Headers that every response carries."""
    headers = response.headers
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if request.path.startswith(API_PATHS):
        headers.update(_CORS)
        if request.method == "OPTIONS":
            headers.update(_PREFLIGHT)
    response.vary.add("Accept-Encoding")
    if response.status_code >= 400:
        headers["Cache-Control"] = "no-store"
        response.vary.add("Accept")
    return response


def compressed(response: Response) -> Response:
    """A response that is not kept, gzipped where that is worth it and accepted."""
    if accepts_gzip() and response.status_code == 200:
        body = _gzipped(response.get_data(), response.mimetype or "")
        if body.gzipped:
            response.set_data(body.content)
            response.headers["Content-Encoding"] = "gzip"
    return response


def tag_of(snapshot_id: str, key: str) -> str:
    """The ETag of what a snapshot answers to a key."""
    release: str = current_app.config[RELEASE]
    return hashlib.blake2b(f"{release}\n{snapshot_id}\n{key}".encode(), digest_size=12).hexdigest()


def _validated(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.headers["Cache-Control"] = REVALIDATE
    return response


def _finish(rendered: dict[str, Any] | str | Body, *, gzipped: bool) -> Body:
    if isinstance(rendered, str):
        body = Body(rendered.encode(), "text/html", gzipped=False)
    elif isinstance(rendered, Body):
        body = rendered
    else:
        body = Body(to_json(rendered).encode(), "application/json", gzipped=False)
    return _gzipped(body.content, body.media_type) if gzipped else body


def _gzipped(content: bytes, media_type: str) -> Body:
    if len(content) < _GZIP_FROM_BYTES or not media_type.startswith(_GZIPPED_TYPES):
        return Body(content, media_type, gzipped=False)
    return Body(gzip.compress(content, _GZIP_LEVEL, mtime=0), media_type, gzipped=True)
