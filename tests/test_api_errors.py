"""Every error is a problem document, or a page for a reader; nothing of the inside shows."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import create_app
from api.problems import TYPE_BASE
from mathgloss.answers.service import Answers
from mathgloss.config import Settings

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


@pytest.fixture
def empty_client(tmp_path: Path) -> FlaskClient:
    return create_app(Settings(home=tmp_path)).test_client()


def problem(response: TestResponse, status: int, kind: str) -> dict[str, Any]:
    """The problem document, checked for what each must hold."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = json.loads(response.data)
    assert set(body) == {"type", "title", "status", "detail", "instance"}
    assert (body["type"], body["status"]) == (TYPE_BASE + kind, status)
    return body


def test_unknown_concept_names_those_that_come_near(client: FlaskClient) -> None:
    body = problem(client.get("/api/v1/concepts/abelian%20grou"), 404, "not-found")
    assert "abelian group" in body["detail"]
    assert body["instance"] == "/api/v1/concepts/abelian%20grou"


def test_unknown_paper(client: FlaskClient) -> None:
    problem(client.get("/api/v1/papers/arxiv:0000.00000"), 404, "not-found")
    problem(client.get("/api/v1/papers/nonsense"), 404, "not-found")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/healthy", "/sparql/x"])
def test_unknown_address_of_the_api(client: FlaskClient, path: str) -> None:
    problem(client.get(path, headers={"Accept": "application/json"}), 404, "no-such-address")


def test_unknown_address_is_a_page_only_for_a_reader(client: FlaskClient) -> None:
    problem(client.get("/nothing"), 404, "no-such-address")
    page = client.get("/nothing", headers={"Accept": BROWSER})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "no page at this address" in page.text
    problem(client.get("/api/v1/nothing", headers={"Accept": BROWSER}), 404, "no-such-address")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/v1/concepts?limit=0", "limit"),
        ("/api/v1/concepts?limit=101", "limit"),
        ("/api/v1/concepts?limit=x", "limit"),
        ("/api/v1/papers?limit=-1", "limit"),
        ("/api/v1/papers?cursor=" + "x" * 1_001, "cursor"),
        ("/api/v1/search", "q"),
        ("/api/v1/search?q=a&limit=1e3", "limit"),
        ("/api/v1/search?q=" + "x" * 201, "q"),
    ],
)
def test_bad_parameter_is_named(client: FlaskClient, path: str, named: str) -> None:
    assert problem(client.get(path), 400, "bad-input")["detail"].startswith(f"{named}: ")


def test_other_method_says_which_there_are(client: FlaskClient) -> None:
    response = client.post("/api/v1/concepts")
    problem(response, 405, "method-not-allowed")
    assert "GET" in response.headers["Allow"]


def test_large_body_is_refused(client: FlaskClient) -> None:
    body = b"ASK {}" + b" " * 1_000_001
    response = client.post("/sparql", data=body, content_type="application/sparql-query")
    problem(response, 413, "content-too-large")
    form = {"query": body.decode()}
    problem(client.post("/sparql", data=form), 413, "content-too-large")


@pytest.mark.parametrize(
    "path", ["/api/v1/search?q=" + "x" * 8_001, "/api/v1/concepts/" + "x" * 2_001]
)
def test_long_address_is_refused(client: FlaskClient, path: str) -> None:
    problem(client.get(path), 414, "address-too-long")


@pytest.mark.parametrize(
    "identifier",
    [
        "%00",
        "wd:Q1%00",
        "wd:Q181296%0d%0aSet-Cookie:%20a=b",
        "..%2f..%2fetc%2fpasswd",
        "../../../etc/passwd",
        "%ff%fe",
        "wd:Q181296%20.%20?s%20?p%20?o",
        "wd:%3E%20?p%20?o%20}%20%23",
        "<script>alert(1)</script>",
        "http://",
        "http://[",
        "nlab:",
        ":",
        "nlab:%22%5C%3C%3E%7B%7D%7C%5E%60",
        "lean:%22",
        "%E2%80%AE",
        '"%27%22;--',
        "*",
    ],
)
@pytest.mark.parametrize("prefix", ["/api/v1/concepts/", "/api/v1/papers/"])
def test_odd_identifiers_are_told_off(client: FlaskClient, prefix: str, identifier: str) -> None:
    response = client.get(prefix + identifier)
    assert 400 <= response.status_code < 500, response.text
    assert response.mimetype == "application/problem+json"
    assert "Set-Cookie" not in response.headers
    page = client.get("/concept/" + identifier, headers={"Accept": BROWSER})
    assert 400 <= page.status_code < 500
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "text", ["%00", '"', "*", "a%20OR%20b", "NEAR(a%20b)", "%27;drop", "(", "-", "^"]
)
def test_odd_search_texts_are_searched_for(client: FlaskClient, text: str) -> None:
    assert client.get(f"/api/v1/search?q={text}").status_code == 200


@pytest.mark.parametrize("accept", ["application/json", BROWSER])
def test_bug_is_logged_and_not_shown(
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    accept: str,
) -> None:
    def broken(self: Answers, identifier: str) -> dict[str, Any]:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(Answers, "concept", broken)
    with caplog.at_level(logging.ERROR):
        body = problem(client.get("/api/v1/concepts/wd:Q181296"), 500, "internal-error")
        page = client.get("/concept/wd:Q181296", headers={"Accept": accept})
    assert "secret" not in json.dumps(body)
    assert page.status_code == 500
    assert "secret" not in page.text
    assert "secret of the inside" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/concepts",
        "/api/v1/concepts/wd:Q1",
        "/api/v1/search?q=a",
        "/api/v1/papers",
        "/api/v1/papers/arxiv:1",
        "/api/v1/sources",
        "/sparql?query=ASK{}",
    ],
)
def test_without_a_snapshot_every_answer_is_503(empty_client: FlaskClient, path: str) -> None:
    body = problem(empty_client.get(path), 503, "no-snapshot")
    assert "mathgloss refresh" in body["detail"]


def test_without_a_snapshot_health_and_openapi_answer(empty_client: FlaskClient) -> None:
    health = empty_client.get("/health")
    assert health.status_code == 200
    assert health.json["status"] == "no snapshot"  # type: ignore[index]
    assert empty_client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/concept/wd:Q1", "/paper/arxiv:1", "/sources", "/search?q=a"]
)
def test_without_a_snapshot_pages_say_what_to_run(empty_client: FlaskClient, path: str) -> None:
    page = empty_client.get(path, headers={"Accept": BROWSER})
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert "mathgloss refresh" in page.text


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/sources", "/nothing", "/static/mathgloss.css", "/health"]
)
def test_every_response_is_guarded(client: FlaskClient, path: str) -> None:
    with client.get(path) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "nothing.css", "/etc/passwd"]
)
def test_only_static_files_are_served(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404
