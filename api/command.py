"""``mathgloss serve``: the published snapshot over HTTP, by gunicorn."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mathgloss.config import Settings

THREADS = 8
WAIT_FOR_DATA_S = 30
AGENT_WAIT_S = 20


@click.command(name="serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Number of processes.",
)
@click.option(
    "--timeout",
    default=30,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="Seconds after which a request ends with its worker.",
)
@click.option(
    "--experiments",
    default=1,
    show_default=True,
    type=click.IntRange(0, 64),
    help="Runs of experiments at the same time; 0: this server runs none.",
)
@click.option("--access-log", is_flag=True, help="Log every request on stderr.")
@click.pass_context
def command(
    ctx: click.Context,
    host: str,
    port: int,
    workers: int,
    timeout: int,
    experiments: int,
    *,
    access_log: bool,
) -> None:
    """Serve the published snapshot: pages, REST and SPARQL.

    A snapshot published later is served without a restart.
    """
    from mathgloss.commands._shared import settings_of

    settings = settings_of(ctx)
    check_timeout(timeout, settings.query.seconds)
    check_patience(timeout, experiments)
    listener = open_listener(host, port)
    address = describe_address(host, listener.getsockname()[1])
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    options = {
        "bind": f"fd://{listener.fileno()}",
        "workers": workers,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": timeout,
        "graceful_timeout": 5,
        "keepalive": 5,
        "limit_request_line": 8190,
        "accesslog": "-" if access_log else None,
        "loglevel": "warning",
        "control_socket_disable": True,
        "proc_name": "mathgloss",
        "when_ready": lambda _: click.echo(f"MathGloss at {address} (Ctrl-C ends it)", err=True),
    }
    _describe_snapshot(settings)
    _run(options, settings, timeout, experiments)


def check_patience(timeout_s: float, experiments: int) -> None:
    """Refuse to end requests while an agent in them may wait for a run of an experiment.

    Raises:
        click.UsageError: with both times.
    """
    if experiments and timeout_s <= AGENT_WAIT_S:
        raise click.UsageError(
            f"--timeout: expected more than the {AGENT_WAIT_S} s that an agent may wait for a run "
            f"of an experiment, got {timeout_s}; --experiments 0 runs none"
        )


def check_timeout(timeout_s: float, query_s: float) -> None:
    """Refuse to end requests before a query in them may be ended.

    Raises:
        click.UsageError: with both limits.
    """
    if query_s >= timeout_s:
        raise click.UsageError(
            f"--timeout: expected more than MATHGLOSS_QUERY_SECONDS ({query_s:g}), got {timeout_s}"
        )


def open_listener(host: str, port: int) -> socket.socket:
    """A socket bound to the address, before anything slow is imported.

    Raises:
        click.ClickException: the address cannot be used; the message says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {describe_address(host, port)}: {_reason(error)}"
        ) from error
    # connections that a browser opens ahead of need must not occupy threads (Linux only)
    if option := getattr(socket, "TCP_DEFER_ACCEPT", None):
        listener.setsockopt(socket.IPPROTO_TCP, option, WAIT_FOR_DATA_S)
    return listener


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host; choose another with --host"
    option = "--port" if error.errno in {errno.EADDRINUSE, errno.EACCES} else "--host"
    return f"{os.strerror(error.errno or 0).lower()}; choose another with {option}"


def describe_address(host: str, port: int) -> str:
    """What to open in a browser."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"


def _describe_snapshot(settings: Settings) -> None:
    from mathgloss.graph.snapshot import current_path

    if current_path(settings.layout) is None:
        click.echo(
            f"no snapshot below {settings.home} yet; 'mathgloss refresh' makes one, "
            "and it is served without a restart",
            err=True,
        )


def _run(
    options: Mapping[str, Any], settings: Settings, timeout_s: float, experiments: int
) -> None:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
    from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

    from api.app import build_app
    from api.published import EXTENSION, Published
    from api.runs import WorkerProcess
    from api.watch import Watch

    runs = WorkerProcess(settings, experiments)

    class Master(Arbiter):  # type: ignore[misc]
        """gunicorn's own, which looks after the worker for experiments as well."""

        def manage_workers(self) -> None:
            super().manage_workers()
            runs.keep_alive()

    class Server(BaseApplication):  # type: ignore[misc]
        """gunicorn with our options; each worker makes its own application."""

        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            app = build_app(settings)
            watch = Watch(timeout_s)
            watch.attach(app)
            watch.start()
            published: Published = app.extensions[EXTENSION]
            threading.Thread(target=published.warm, name="mathgloss-warm", daemon=True).start()
            return app

        def run(self) -> None:
            try:
                Master(self).run()
            finally:
                runs.end()

    sys.argv = sys.argv[:1]  # gunicorn must not read our options
    Server().run()
