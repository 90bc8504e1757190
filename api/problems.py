"""Errors as ``application/problem+json`` (RFC 9457); as a page where a person is reading."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from apiflask.exceptions import HTTPError
from flask import Response, render_template, request
from werkzeug.exceptions import HTTPException

from mathgloss.errors import (
    DataNotFoundError,
    DecisionsError,
    InputError,
    MathGlossError,
    NoRunsError,
    NotFoundError,
    QueryBusyError,
    QueryError,
    QueryLimitError,
    QueryTimeoutError,
    RunLimitError,
)
from mathgloss.ids import BASE

if TYPE_CHECKING:
    from apiflask import APIFlask

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_BASE: Final = BASE + "problem/"
RETRY_AFTER_S: Final = "5"
API_PATHS: Final = (
    "/api/",
    "/sparql",
    "/reconcile",
    "/mcp",
    "/data/",
    "/void",
    "/health",
    "/openapi.json",
)

# class of error -> status, kind; the first that fits
_KINDS: Final = (
    (NotFoundError, 404, "not-found"),
    (QueryTimeoutError, 504, "query-timeout"),
    (QueryLimitError, 422, "query-limit"),
    (QueryBusyError, 503, "query-busy"),
    (QueryError, 400, "bad-query"),
    (InputError, 400, "bad-input"),
    (DataNotFoundError, 503, "no-snapshot"),
    (DecisionsError, 503, "decisions-unusable"),
    (RunLimitError, 429, "too-many-runs"),
    (NoRunsError, 503, "no-runs-now"),
)
# what APIFlask calls a body that is wrong as a whole
_PLACES: Final = {"_schema": "body"}
_STATUS_KINDS: Final = {
    400: "bad-request",
    404: "no-such-address",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "content-too-large",
    414: "address-too-long",
    415: "unsupported-media-type",
    500: "internal-error",
    503: "no-snapshot",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is told about an error; ``kind`` is the stable last part of its ``type``."""

    status: int
    kind: str
    detail: str

    @property
    def title(self) -> str:
        """The name of the status."""
        return HTTPStatus(self.status).phrase


class ProblemError(Exception):
    """A request that the web layer itself refuses."""

    def __init__(self, status: int, detail: str) -> None:
        self.problem = Problem(status, _kind(status), detail)
        super().__init__(detail)


def register(app: APIFlask) -> None:
    """Make every error of the application answer as this module says."""
    app.error_callback = _from_apiflask
    app.register_error_handler(ProblemError, lambda error: respond(error.problem))
    app.register_error_handler(MathGlossError, _from_mathgloss)
    app.register_error_handler(HTTPException, _from_werkzeug)
    app.register_error_handler(Exception, _from_bug)


def respond(problem: Problem) -> Response:
    """The response for a problem: a page for a browser on a page's address, else JSON."""
    if _reads_pages():
        page = render_template("problem.html", problem=problem)
        return Response(page, problem.status, mimetype="text/html")
    body = {
        "type": TYPE_BASE + problem.kind,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": quote(request.path, safe="/:@!$&'()*+,;="),
    }
    response = Response(json.dumps(body, ensure_ascii=False), problem.status, mimetype=MEDIA_TYPE)
    if problem.status in {429, 503}:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return response


def _reads_pages() -> bool:
    """Whether who asks is at a page's address and takes HTML.

    At an address that does not exist only one who names ``text/html`` gets a page.
    """
    if request.path.startswith(API_PATHS):
        return False
    accepted = request.accept_mimetypes
    if request.blueprint == "pages":
        return not accepted or accepted.quality("text/html") >= accepted.quality(MEDIA_TYPE)
    return any(name == "text/html" and quality > 0 for name, quality in accepted)


def _kind(status: int) -> str:
    return _STATUS_KINDS.get(status, HTTPStatus(status).phrase.lower().replace(" ", "-"))


def problem_of(error: MathGlossError) -> Problem:
    """What is told about an error of the library; one that no request can cause is a bug."""
    for known, status, kind in _KINDS:
        if isinstance(error, known):
            return Problem(status, kind, str(error))
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return _BUG


def _from_mathgloss(error: MathGlossError) -> Response:
    return respond(problem_of(error))


def _from_apiflask(error: HTTPError) -> Response:
    """A parameter or body that its model refuses."""
    said = [
        f"{_PLACES.get(name, name)}: {'; '.join(messages)}"
        for fields in (error.detail or {}).values()
        for name, messages in fields.items()
    ]
    detail = ", ".join(said) or error.message or HTTPStatus(error.status_code).phrase
    kind = "bad-input" if said else _kind(error.status_code)
    return respond(Problem(error.status_code, kind, detail))


def _from_werkzeug(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:  # a redirect
        return error
    if status == 404:
        detail = "there is nothing at this address; see /openapi.json for those that answer"
    else:
        detail = error.description or HTTPStatus(status).phrase
    response = respond(Problem(status, _kind(status), detail))
    for name, value in error.get_headers(request.environ):
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _from_bug(error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return respond(_BUG)


_BUG: Final = Problem(500, _kind(500), "the service failed to answer; the cause is in its log")
