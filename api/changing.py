"""Answers that may change while the snapshot stays: their ETag is that of what they say."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api.responses import REVALIDATE, compressed, to_json


def answer_validated(rendered: dict[str, Any] | str) -> Response:
    """A JSON answer or a page; 304 where the client has just this."""
    if isinstance(rendered, str):
        response = Response(rendered, mimetype="text/html")
    else:
        response = Response(to_json(rendered), mimetype="application/json")
    compressed(response).add_etag()
    response.headers["Cache-Control"] = REVALIDATE
    response.make_conditional(request)
    return response
