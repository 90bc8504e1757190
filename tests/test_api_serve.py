"""``mathgloss serve``: gunicorn over the snapshot, and what ends a request that runs away."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from api.command import command, describe_address
from api.watch import EXIT_STATUS, Watch

RUNAWAY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


@pytest.fixture
def served(home: Path) -> Iterator[str]:
    """The address of a service with one worker and a limit of one second for queries."""
    arguments = ["-m", "mathgloss", "serve", "--port", "0", "--workers", "1", "--timeout", "10"]
    arguments += ["--experiments", "0"]
    environment = {
        **os.environ,
        "MATHGLOSS_HOME": str(home),
        "MATHGLOSS_QUERY_SECONDS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        cwd=Path(__file__).parent.parent,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"MathGloss at (\S+)/ ", line):
                break
        else:
            pytest.fail(f"the service ended with status {process.wait()}")
        # what it writes later must not fill the pipe
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield found[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def fetch(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=10) as response:
        return json.loads(response.read())


def test_service_outlives_a_query_that_runs_away(served: str) -> None:
    assert fetch(f"{served}/api/v1/concepts/wd:Q181296")["label"] == "abelian group"
    query = urllib.parse.urlencode({"query": RUNAWAY})
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(f"{served}/sparql?{query}")
    with caught.value as error:
        assert error.code == 504
    assert fetch(f"{served}/api/v1/concepts/wd:Q181296")["label"] == "abelian group"


def test_idle_connections_do_not_hold_the_service(served: str) -> None:
    address = urllib.parse.urlsplit(served)
    idle = [socket.create_connection((address.hostname, address.port)) for _ in range(40)]
    started = time.monotonic()
    assert fetch(f"{served}/health")["status"] in {"ok", "degraded"}
    assert time.monotonic() - started < 3
    for connection in idle:
        connection.close()


def test_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(command, ["--port", str(port)], obj={})
    assert result.exit_code == 1
    assert result.output == (
        f"Error: cannot listen on http://127.0.0.1:{port}/: address already in use; "
        "choose another with --port\n"
    )


def test_limit_of_requests_must_leave_queries_their_time() -> None:
    result = CliRunner().invoke(command, ["--timeout", "10"], obj={})
    assert result.exit_code == 2
    assert "--timeout: expected more than MATHGLOSS_QUERY_SECONDS (10), got 10" in result.output


def test_host_that_is_not_ours_is_one_sentence() -> None:
    result = CliRunner().invoke(command, ["--host", "192.0.2.1"], obj={})
    assert result.exit_code == 1
    assert "choose another with --host" in result.output


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/"),
        ("0.0.0.0", "http://127.0.0.1:80/"),
        ("::1", "http://[::1]:80/"),
        ("::", "http://[::1]:80/"),
    ],
)
def test_address_can_be_opened(host: str, address: str) -> None:
    assert describe_address(host, 80) == address


def test_watch_ends_the_process_of_an_overdue_request() -> None:
    now = [0.0]
    ended: list[int] = []
    over = threading.Event()
    watch = Watch(5.0, clock=lambda: now[0])
    app = Flask("watched")
    watch.attach(app)

    def end(status: int) -> None:
        ended.append(status)
        over.set()

    @app.get("/")
    def slow() -> str:
        assert watch.overdue() == []
        now[0] = 6.0
        assert [running.address for running in watch.overdue()] == ["GET /"]
        watch.start(end)
        assert over.wait(5)
        return "done"

    assert app.test_client().get("/").text == "done"
    assert ended == [EXIT_STATUS]
    assert watch.overdue() == []
