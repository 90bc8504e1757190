"""MCP over streamable HTTP at ``/mcp``, in the process that serves everything else.

Each POST is one JSON-RPC message and gets one JSON answer: there are no sessions and no streams, so
any worker process can answer and no agent holds a thread. The SDK speaks ASGI; it runs in an event
loop of its own, in a thread that starts when the first agent calls.

Any page of the web may ask, as it may ask the API: the answers are public, and nothing in a request
gives it more rights than another. A forged ``Host`` or ``Origin`` could win nothing.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, cast

from apiflask import APIBlueprint
from flask import Response, current_app, request
from werkzeug.wrappers import Response as BaseResponse

from api.problems import ProblemError
from api.published import Published, published

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

blueprint: Final = APIBlueprint("agents", __name__, enable_openapi=False)

EXTENSION: Final = "mathgloss-agents"
MESSAGE_TYPE: Final = "application/json"
_START_S: Final = 30.0
_END_S: Final = 5.0


@blueprint.post("/mcp")
def handle_message() -> BaseResponse:
    """Answer one message of the Model Context Protocol.

    Raises:
        ProblemError: the body is no JSON.
    """
    if request.mimetype != MESSAGE_TYPE:
        given = request.content_type or "none"
        raise ProblemError(415, f"Content-Type: expected {MESSAGE_TYPE}, got {given}")
    body = request.get_data()  # within the limits of every body
    environ = request.environ | {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    endpoint: Endpoint = current_app.extensions.setdefault(EXTENSION, Endpoint(published()))
    response = Response.from_app(endpoint.application(), environ, buffered=True)
    response.headers["Cache-Control"] = "no-store"
    return response


class Endpoint:
    """The SDK's application, made when it is first needed; safe to use from threads."""

    def __init__(self, holder: Published) -> None:
        self._holder = holder
        self._application: WSGIApplication | None = None
        self._lock = threading.Lock()

    def application(self) -> WSGIApplication:
        """The SDK's application as WSGI, over the snapshot that is published at each call."""
        with self._lock:
            if self._application is None:
                self._application = _start(self._holder)
            return self._application


def _start(holder: Published) -> WSGIApplication:
    # slow to import, and only agents need them
    from a2wsgi import ASGIMiddleware
    from mcp.server.transport_security import TransportSecuritySettings

    from api.agents.server import build_server

    server = build_server(lambda: holder.get().answers)
    server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    manager = server.session_manager
    started: Future[asyncio.AbstractEventLoop] = Future()
    threading.Thread(
        target=lambda: asyncio.run(_hold(manager, started)), name="mathgloss-agents", daemon=True
    ).start()
    loop = started.result(timeout=_START_S)
    # a2wsgi has types of its own for what both standards leave open
    application: Any = manager.handle_request
    return cast("WSGIApplication", ASGIMiddleware(application, wait_time=_END_S, loop=loop))


async def _hold(
    manager: StreamableHTTPSessionManager, started: Future[asyncio.AbstractEventLoop]
) -> None:
    """Keep the manager ready for requests as long as the process lives."""
    async with manager.run():
        started.set_result(asyncio.get_running_loop())
        await asyncio.Event().wait()
