"""Hostile input, from clients and from sources: clear refusals, nothing fails, runs or echoes."""

from __future__ import annotations

import csv
import hmac
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from rdflib import Graph
from werkzeug.test import TestResponse

from api import create_app
from mathgloss.answers.paging import cursor_after
from mathgloss.config import Settings
from tests import hostile, test_web_browser
from tests.html_tree import dangers, text, tree
from tests.live import live

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PROBLEM = "application/problem+json"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
TOKEN = "correct horse battery staple"
NAME = "http://www.w3.org/2004/02/skos/core#"
# rdflib's parser of JSON-LD uses what rdflib deprecates
OLD_WAYS = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
LABELS = f"SELECT ?name {{ ?concept <{NAME}prefLabel>|<{NAME}altLabel> ?name }}"


@pytest.fixture(scope="module")
def client(hostile_home: Path) -> FlaskClient:
    """A service whose own data mean harm, and whose curation is turned on."""
    return create_app(Settings(home=hostile_home, curation_token=TOKEN)).test_client()


def refused(response: TestResponse, *statuses: int) -> dict[str, Any]:
    """The problem document, if the refusal is one of these statuses."""
    assert response.status_code in statuses, (response.status_code, response.text[:300])
    assert response.mimetype == PROBLEM
    body: dict[str, Any] = json.loads(response.data)
    assert body["detail"]
    assert "Traceback" not in body["detail"]
    return body


# --------------------------------------------------------------------------- what sources may hold

PAGES = [
    "/",
    f"/concept/{hostile.CONCEPT}",
    f"/concept/{hostile.CONCEPT}/papers",
    f"/concept/{quote(hostile.MINTED, safe=':+')}",
    "/concept/mulima:3c4d5e6f",
    f"/paper/{hostile.PAPER}",
    "/papers",
    "/concepts",
    "/concepts?q=script",
    "/search?q=script",
    "/review?set=curated",
    "/review?set=unsure",
    "/coverage",
    "/sources",
    "/text",
    "/dumps/",
    "/sparql?query=" + quote(LABELS),
    "/sparql?query=" + quote("CONSTRUCT WHERE { ?s ?p ?o }"),
    f"/reconcile/preview?id={hostile.CONCEPT}",
    "/reconcile/preview?id=mulima:3c4d5e6f",
]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_takes_foreign_text_for_markup(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Accept": BROWSER})
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert dangers(tree(response.text)) == []


def test_foreign_text_is_shown_as_it_is(client: FlaskClient) -> None:
    """Escaped, not lost: what a source says can be read on its page, letter by letter."""
    shown = text(tree(client.get(f"/concept/{hostile.CONCEPT}").text))
    for said in (hostile.SCRIPT.format("label"), hostile.HANDLER.format("alias")):
        assert said in shown
    assert "{{ 7 * 7 }}{% raw %}${7*7}" in shown
    paper = text(tree(client.get(f"/paper/{hostile.PAPER}").text))
    assert hostile.HANDLER.format("author") in paper
    assert hostile.SCRIPT.format("keyword") in paper


@OLD_WAYS
@pytest.mark.parametrize("ending", ["ttl", "nt", "jsonld", "rdf"])
def test_documents_hold_foreign_text_as_literals(client: FlaskClient, ending: str) -> None:
    response = client.get(f"/data/concept/{hostile.CONCEPT}.{ending}")
    formats = {"ttl": "turtle", "nt": "nt", "jsonld": "json-ld", "rdf": "xml"}
    graph = Graph().parse(data=response.data, format=formats[ending])
    held = {str(name) for name in graph.objects()}
    assert hostile.SCRIPT.format("label") in held
    assert hostile.OVERRIDE.format("alias") in held
    assert any(hostile.ALL.format("definition") in value for value in held)


def test_results_hold_foreign_text_in_every_format(client: FlaskClient) -> None:
    wanted = hostile.HANDLER.format("alias")
    answers = {
        accept: client.post("/sparql", data={"query": LABELS}, headers={"Accept": accept})
        for accept in ("application/sparql-results+xml", "text/csv", "text/tab-separated-values")
    }
    for accept, response in answers.items():
        assert response.mimetype == accept
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    xml, table, tabs = (response.text for response in answers.values())
    assert wanted in {element.text for element in ElementTree.fromstring(xml).iter()}
    assert [wanted] in list(csv.reader(io.StringIO(table)))
    assert ox.Literal(wanted, language="en") in {
        row["name"]
        for row in ox.parse_query_results(tabs, format=ox.QueryResultsFormat.TSV)  # type: ignore[union-attr]
    }


def test_sitemaps_stay_well_formed(client: FlaskClient) -> None:
    page = f"http://localhost/concept/{hostile.MINTED.replace('%', '%25')}"
    places = [
        element.text
        for part in ("sitemap.xml", "sitemap-concept-1.xml", "sitemap-paper-1.xml")
        for element in ElementTree.fromstring(client.get(f"/{part}").text).iter()
    ]
    assert page in places
    response = client.get(page.removeprefix("http://localhost"), headers={"Accept": BROWSER})
    assert response.status_code == 200


browser = test_web_browser.browser
HARM = """() => document.querySelectorAll(
  "a[href^='javascript:' i], img, iframe, main script, [onerror], [onclick]").length"""
ISOLATED = """() => [...document.querySelectorAll("main a, main .alias")].every(
  (element) => getComputedStyle(element).unicodeBidi === "isolate")"""


@pytest.fixture(scope="module")
def address(hostile_home: Path) -> Iterator[str]:
    with live(create_app(Settings(home=hostile_home))) as served:
        yield served


@pytest.mark.browser
@pytest.mark.parametrize(
    "path",
    [
        f"/concept/{hostile.CONCEPT}",
        f"/paper/{hostile.PAPER}",
        "/search?q=script",
        "/review?set=curated",
        "/coverage",
    ],
)
def test_nothing_of_foreign_text_runs_in_a_browser(browser: Any, address: str, path: str) -> None:
    """Formulas are typeset and the graph is drawn, and no dialog, link or picture comes of it."""
    page = browser.new_page()
    said: list[str] = []

    def refuse(dialog: Any) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address + path, wait_until="networkidle")
    assert said == []
    assert page.evaluate(HARM) == 0
    # a direction that a name does not end ends with its element
    assert page.evaluate(ISOLATED)
    page.close()


@pytest.mark.browser
def test_suggestions_are_text(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.locator("main input[type=search]").press_sequentially("script alert")
    page.locator("[role=option]").first.wait_for()
    assert "<script>" in page.locator("[role=listbox]").last.inner_text()
    assert page.evaluate(HARM) == 0
    page.close()


# --------------------------------------------------------------------------------- broken bodies

BODIES = {
    "UTF-16": '{"text": "group"}'.encode("utf-16"),
    "no UTF-8": b'{"text": "\xff\xfe"}',
    "a lone surrogate": b'{"text": "\\ud800"}',
    "an encoded surrogate": b'{"text": "\xed\xa0\x80"}',
    "a control character": b'{"text": "a\\u0000b"}',
    "nested arrays": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "a number without end": b'{"text": ' + b"9" * 10_000 + b"}",
    "nothing": b"",
    "no object": b"null",
}
TAKES_JSON = [
    "/api/v1/link",
    "/api/v1/link/batch",
    "/api/v1/links/verify",
    "/api/v1/mappings",
    "/api/v1/mappings/none/decision",
    "/reconcile/1.0-draft/match",
    "/reconcile/1.0-draft/extend",
]


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("path", TAKES_JSON)
def test_broken_json_is_refused(client: FlaskClient, path: str, what: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    refused(client.post(path, data=BODIES[what], content_type=JSON, headers=headers), 400)


@pytest.mark.parametrize("what", BODIES)
def test_broken_messages_of_agents_are_refused(client: FlaskClient, what: str) -> None:
    headers = {"Accept": f"{JSON}, text/event-stream"}
    response = client.post("/mcp", data=BODIES[what], content_type=JSON, headers=headers)
    assert response.status_code == 400
    if response.mimetype != PROBLEM:
        assert json.loads(response.data)["error"]["code"] < 0


BROKEN_FORMS = [b"%ff", b"a\xff", b"%ed%a0%80"]


@pytest.mark.parametrize("value", BROKEN_FORMS)
@pytest.mark.parametrize(
    ("path", "name"), [("/sparql", "query"), ("/reconcile", "queries"), ("/reconcile", "extend")]
)
def test_forms_that_are_no_utf8_are_refused(
    client: FlaskClient, path: str, name: str, value: bytes
) -> None:
    body = name.encode() + b"=" + value
    refused(client.post(path, data=body, content_type=FORM), 400)


@pytest.mark.parametrize("value", [*BROKEN_FORMS, b"a%00b", b"%1b[2J"])
def test_broken_text_is_refused_on_its_page(client: FlaskClient, value: bytes) -> None:
    response = client.post("/text", data=b"text=" + value, content_type=FORM)
    assert (response.status_code, response.mimetype) == (400, "text/html")
    assert dangers(tree(response.text)) == []


@pytest.mark.parametrize("query", ["q=%ff", "q=%ed%a0%80", "q=a%fe"])
@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/concepts", "/sparql"])
def test_parameters_that_are_no_utf8_are_refused(
    client: FlaskClient, path: str, query: str
) -> None:
    refused(client.get(f"{path}?{query}"), 400)


class Endless(io.RawIOBase):
    """A body that counts how much of it is read."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with spaces."""
        self.read_bytes += len(buffer)
        buffer[:] = b" " * len(buffer)
        return len(buffer)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [(path, JSON) for path in (*TAKES_JSON, "/mcp")]
    + [("/api/v1/link", "text/plain"), ("/sparql", QUERY)]
    + [(path, FORM) for path in ("/sparql", "/reconcile")],
)
def test_a_body_of_ten_megabytes_is_refused_unread(
    client: FlaskClient, path: str, media_type: str
) -> None:
    body = Endless()
    response = client.post(
        path,
        environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "10000000"},
        content_type=media_type,
        headers={"Authorization": f"Bearer {TOKEN}", "Accept": f"{JSON}, text/event-stream"},
    )
    refused(response, 413)
    assert body.read_bytes == 0


def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(client: FlaskClient) -> None:
    body = Endless()
    environ = {"wsgi.input": body, "wsgi.input_terminated": True}
    headers = {"Transfer-Encoding": "chunked"}
    response = client.post(
        "/sparql", environ_overrides=environ, content_type=QUERY, headers=headers
    )
    refused(response, 400, 413)
    assert body.read_bytes < 1_100_000


# -------------------------------------------------------------------------------------- addresses

PATHS = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cwindows",
    "%252e%252e%252fetc",
    "%00",
    "wd:Q83478%00",
    "//example.org/x",
    "wd:Q83478;a=b",
    "wd:Q83478%0d%0aSet-Cookie:%20a=b",
    "wd:Q" + "9" * 1_900,
    "nlab:%ff",
    "nlab:%ed%a0%80",
    "http://[",
    "javascript:alert(1)",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "lean:" + "a." * 500,
    "{{7*7}}",
    "%E2%80%AE",
]
PLACES = [
    "/api/v1/concepts/{}",
    "/api/v1/concepts/{}/neighbours",
    "/api/v1/concepts/{}/prerequisites",
    "/api/v1/papers/{}",
    "/api/v1/mappings/{}",
    "/api/v1/experiments/{}",
    "/api/v1/runs/{}",
    "/data/concept/{}.ttl",
    "/concept/{}",
    "/paper/{}",
    "/review/{}",
    "/dumps/{}",
    "/query/{}",
    "/static/{}",
]


@pytest.mark.parametrize("place", PLACES)
def test_tricks_in_identifiers_are_refused(client: FlaskClient, place: str) -> None:
    for path in PATHS:
        for accept in (JSON, BROWSER):
            response = client.get(place.format(path), headers={"Accept": accept})
            assert 400 <= response.status_code < 500, (path, response.status_code)
            assert "Set-Cookie" not in response.headers
            if response.mimetype == "text/html":
                assert dangers(tree(response.text)) == []
            else:
                refused(response, 400, 404, 414)


# what would end a string, an IRI or a group of a query that was put together from text
INJECTIONS = [
    "wd:Q83478> } UNION { ?concept ?p ?o } #",
    "wd:Q83478 . ?s ?p ?o",
    'wd:Q83478" } #',
    "wd:Q83478' || true",
    "} UNION { ?s ?p ?o } #",
    '") || (1=1',
    "<http://www.wikidata.org/entity/Q83478>",
    "?concept",
    "\\u003E } #",
    "wd:Q83478%3E%20%7D%20%23",
    "nlab:> ; ?p ?o } #",
    "lean:\u0022> } #",
]
# address -> parameter that reaches a stored query; others that it needs
PARAMETERS: dict[str, tuple[str, dict[str, str]]] = {
    "/api/v1/mappings": ("concept", {}),
    "/api/v1/experiments": ("concept", {}),
    "/api/v1/path": ("from", {"to": "wd:Q181296"}),
    "/reconcile/suggest/entity": ("prefix", {}),
    "/api/v1/search": ("q", {}),
    "/api/v1/concepts": ("q", {}),
}


@pytest.mark.parametrize("text", INJECTIONS)
def test_identifiers_are_bound_and_never_become_part_of_a_query(
    client: FlaskClient, text: str
) -> None:
    """No identifier with the signs of SPARQL names anything, in any stored query."""
    encoded = quote(text, safe="")
    for place in PLACES[:4]:
        refused(client.get(place.format(encoded)), 400, 404)
    for path, (name, more) in PARAMETERS.items():
        response = client.get(path, query_string={name: text, **more})
        if response.status_code == 200:
            body = json.loads(response.data)
            found = [body.get(name) for name in ("items", "results", "result") if name in body]
            assert found == [[]], path
        else:
            refused(response, 400, 404)
    claims = {"claims": [{"term": text, "concept": "wd:Q83478"}]}
    verified = client.post("/api/v1/links/verify", json=claims).get_json()
    assert verified["claims"][0]["verdict"] != "confirmed"
    extended = client.post(
        "/reconcile/1.0-draft/extend", json={"ids": [text], "properties": [{"id": "papers"}]}
    ).get_json()
    assert extended["rows"][0]["properties"][0]["values"] == []


def test_a_cursor_with_signs_of_sparql_is_a_place_in_the_list_and_nothing_else(
    client: FlaskClient,
) -> None:
    listed = [paper["id"] for paper in client.get("/api/v1/papers").get_json()["items"]]
    assert listed
    for key in ('") || true || ("', "\\", "'", '"""', "\n", "} #", "tac:1-01"):
        response = client.get("/api/v1/papers", query_string={"cursor": cursor_after(key)})
        found = [paper["id"] for paper in response.get_json()["items"]]
        assert found == [name for name in listed if name > key]


@pytest.mark.parametrize("graph", ["x y", "> } #", "\u202e", "javascript:alert(1)", "<a>", ""])
def test_graphs_of_a_query_are_iris_or_refused(client: FlaskClient, graph: str) -> None:
    query = {"query": "SELECT * { ?s ?p ?o }", "default-graph-uri": graph}
    response = client.get("/sparql", query_string=query)
    if response.status_code == 200:
        assert json.loads(response.data)["results"]["bindings"] == []
    else:
        refused(response, 400)


# ---------------------------------------------------------------------------------------- headers

ASKED = [
    "/",
    f"/concept/{hostile.CONCEPT}",
    f"/api/v1/concepts/{hostile.CONCEPT}",
    f"/data/concept/{hostile.CONCEPT}.ttl",
    "/data/void.ttl",
    "/sparql",
    "/robots.txt",
    "/reconcile",
    "/dumps/curated.sssom.tsv",
    "/static/mathgloss.css",
    "/health",
    "/nothing",
]
HEADERS = [
    {"Accept": "garbage"},
    {"Accept": "*/*;q=x,,;;="},
    {"Accept": "a" * 8_000},
    {"Accept": ",".join(f"text/html;q=0.{number}" for number in range(900))},
    {"Accept-Encoding": "gzip;q=nan, identity;q=0, *;q=-1"},
    {"Accept-Language": "x" * 8_000},
    {"Host": 'evil.example"><script>alert(1)</script>'},
    {"Host": "[::1"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript", "Forwarded": "host=x"},
    {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/admin"},
    {"If-None-Match": '"' + "a" * 5_000},
    {"If-None-Match": 'W/"x", ,,"'},
    {"If-Modified-Since": "yesterday"},
    {"Range": "bytes=9-1,-,a-b"},
    {"Range": "bytes=0-0," * 500},
    {"Content-Length": "-1"},
    {"Cookie": "session=\xff; a"},
    {"Authorization": "Bearer \xff\xfe"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ",".join(headers))
def test_odd_headers_change_nothing_of_an_answer(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    for path in ASKED:
        with client.get(path, headers=headers) as response:
            body = response.get_data()
            assert response.status_code < 500, path
            assert b"evil.example" not in body or "Host" in headers, path
            assert b"<script>alert(1)" not in body, path
            assert "evil" not in response.headers.get("Location", ""), path


def test_a_forwarded_host_is_believed_by_nobody(client: FlaskClient) -> None:
    for path in ("/robots.txt", "/sitemap.xml", "/data/void.ttl", "/reconcile"):
        shown = client.get(path, headers={"X-Forwarded-Host": "evil.example"}).text
        assert "http://localhost/" in shown


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "PUT", "PATCH", "DELETE", "NONSENSE"])
def test_other_methods_are_refused_everywhere(client: FlaskClient, method: str) -> None:
    for path in [*ASKED[:-1], "/mcp", *TAKES_JSON]:
        response = client.open(path, method=method, headers={"Accept": JSON})
        refused(response, 405)
        assert response.headers["Allow"], path


def test_other_sites_may_ask_but_not_decide(client: FlaskClient) -> None:
    """Preflights let any site read; none may send the token."""
    for path in ("/api/v1/concepts", "/sparql", "/reconcile", "/mcp", "/api/v1/mappings"):
        asked = {
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        }
        response = client.options(path, headers=asked)
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "authorization" not in response.headers["Access-Control-Allow-Headers"].lower()
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("path", ["/", "/review", "/text", "/search?q=a"])
def test_pages_are_not_for_scripts_of_other_sites(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


# ------------------------------------------------------------------------------ the curation token


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Lengths of what :func:`hmac.compare_digest` was asked to compare."""
    lengths: list[tuple[int, int]] = []
    compare: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def noted(first: bytes, second: bytes) -> bool:
        lengths.append((len(first), len(second)))
        return compare(first, second)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    return lengths


@pytest.mark.parametrize("token", ["", "c", TOKEN[:-1], TOKEN + "x", TOKEN, "x" * 5_000, "\xff"])
def test_the_token_is_compared_in_constant_time(
    client: FlaskClient, compared: list[tuple[int, int]], token: str
) -> None:
    """By a function made for it, and over digests, so that not even the length can be measured."""
    response = client.post(
        "/api/v1/mappings/none/decision",
        json={"decision": "accept"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert response.status_code == (404 if token == TOKEN else 401)
    assert compared == [(32, 32)]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def test_the_token_is_told_to_nobody(
    hostile_home: Path, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    from click.testing import CliRunner

    from mathgloss.cli import root

    monkeypatch.setenv("MATHGLOSS_CURATION_TOKEN", TOKEN)
    settings = Settings(home=hostile_home)
    client = create_app(settings).test_client()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    told = [repr(settings), str(settings.model_dump()), settings.model_dump_json()]
    told += [
        client.get(path, headers=headers).text
        for path in ("/health", "/openapi.json", "/review", "/nothing", "/api", "/data/void.ttl")
    ]
    for body in ({"decision": "nonsense"}, {"decision": "accept"}):
        told.append(client.post("/api/v1/mappings/none/decision", json=body, headers=headers).text)
    doctor = CliRunner().invoke(root, ["--home", str(hostile_home), "doctor"])
    told += [doctor.output, logged.text]
    assert "python" in doctor.output
    assert not [text for text in told if TOKEN in text]
