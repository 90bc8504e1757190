"""SPARQL endpoints over HTTP: what is asked, what is tried again, every useless answer in words."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import pyoxigraph as ox
import pytest

from ingest.endpoint import RESULTS_JSON, HttpEndpoint
from ingest.fetch import new_session
from mathgloss.errors import SourceError
from tests.conftest import serving

QUERY = "SELECT ?item WHERE { ?item ?p ?o }"
ROWS = b"""{"head": {"vars": ["item", "name"]}, "results": {"bindings": [
 {"item": {"type": "uri", "value": "http://www.wikidata.org/entity/Q7"},
  "name": {"type": "literal", "value": "widget", "xml:lang": "en"}},
 {"item": {"type": "uri", "value": "http://www.wikidata.org/entity/Q8"}}]}}"""


@dataclass
class Answer:
    """What the server says next; ``promised`` is the Content-Length when it is not the truth."""

    status: int = 200
    body: bytes = ROWS
    content_type: str = RESULTS_JSON
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None


@dataclass
class Service:
    """A server that gives its answers in turn, the last one for ever."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    seen: list[tuple[str, str, str]] = field(default_factory=list)


def handler_for(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            agent = self.headers.get("User-Agent", "")
            service.seen.append((parse_qs(body)["query"][0], self.headers["Accept"], agent))
            waiting = len(service.answers) > 1
            answer = service.answers.pop(0) if waiting else service.answers[0]
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            length = len(answer.body) if answer.promised is None else answer.promised
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    return Handler


@pytest.fixture
def service() -> Iterator[Service]:
    state = Service()
    with serving(handler_for(state)) as address:
        state.url = f"{address}/sparql"
        yield state


@pytest.fixture
def endpoint_at() -> Iterator[Callable[[str], HttpEndpoint]]:
    session = new_session("https://example.org/contact", retries=3, backoff_s=0)
    session.trust_env = False
    yield lambda url: HttpEndpoint(url, session)
    session.close()


def ask(endpoint: HttpEndpoint) -> list[tuple[object, ...]]:
    return list(endpoint.select(QUERY))


FOUND = [
    (ox.NamedNode("http://www.wikidata.org/entity/Q7"), ox.Literal("widget", language="en")),
    (ox.NamedNode("http://www.wikidata.org/entity/Q8"), None),
]


def test_rows_are_asked_as_the_protocol_says_by_a_client_that_names_itself(
    service: Service, endpoint_at: Callable[[str], HttpEndpoint]
) -> None:
    service.answers = [Answer()]
    assert ask(endpoint_at(service.url)) == FOUND
    ((query, accept, agent),) = service.seen
    assert (query, accept) == (QUERY, RESULTS_JSON)
    assert agent.startswith("mathgloss/")
    assert "https://example.org/contact" in agent


def test_no_rows_are_an_answer(
    service: Service, endpoint_at: Callable[[str], HttpEndpoint]
) -> None:
    service.answers = [Answer(body=b'{"head":{"vars":["item"]},"results":{"bindings":[]}}')]
    assert ask(endpoint_at(service.url)) == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_query_refused_for_now_is_asked_again(
    service: Service, endpoint_at: Callable[[str], HttpEndpoint], status: int
) -> None:
    service.answers = [Answer(status=status, body=b"later"), Answer()]
    assert ask(endpoint_at(service.url)) == FOUND
    assert [query for query, _, _ in service.seen] == [QUERY, QUERY]


def test_retry_after_is_honoured(
    service: Service,
    endpoint_at: Callable[[str], HttpEndpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waits.append)
    service.answers = [Answer(status=429, body=b"", headers={"Retry-After": "7"}), Answer()]
    assert ask(endpoint_at(service.url)) == FOUND
    assert waits == [7]


def failure(endpoint: HttpEndpoint) -> SourceError:
    with pytest.raises(SourceError) as caught:
        ask(endpoint)
    error = caught.value
    assert "the SPARQL endpoint gave no usable answer" in str(error)
    assert error.expected == "status 200 with SPARQL JSON results"
    assert error.advice.endswith("; the data fetched before stay in use")
    return error


@pytest.mark.parametrize("status", [429, 500])
def test_an_endpoint_that_refuses_for_ever_is_given_up(
    service: Service, endpoint_at: Callable[[str], HttpEndpoint], status: int
) -> None:
    service.answers = [Answer(status=status, body=b"too busy\nstack trace")]
    error = failure(endpoint_at(service.url))
    assert error.where == service.url
    assert error.got == f"status {status}: 'too busy'"
    assert "try again later" in error.advice
    assert len(service.seen) == 4


def test_a_malformed_query_is_not_asked_again(
    service: Service, endpoint_at: Callable[[str], HttpEndpoint]
) -> None:
    service.answers = [Answer(status=400, body=b"")]
    assert failure(endpoint_at(service.url)).got == "status 400: an empty body"
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        pytest.param(
            Answer(body=b"\n<html><p>log in first</p></html>", content_type="text/html"),
            "text/html: '<html><p>log in first</p></html>'",
            id="HTML with status 200",
        ),
        pytest.param(Answer(body=b""), f"{RESULTS_JSON}: an empty body", id="empty body"),
        pytest.param(
            Answer(body=b'{"head": {}, "boolean": true}'), "a boolean instead of rows", id="boolean"
        ),
        pytest.param(Answer(body=ROWS[:200]), RESULTS_JSON, id="truncated JSON"),
        pytest.param(Answer(body=ROWS[:-1]), RESULTS_JSON, id="last brace missing"),
        pytest.param(Answer(body=b"[1, 2]"), RESULTS_JSON, id="other JSON"),
        pytest.param(Answer(body=b"\xff\xfe\x00"), RESULTS_JSON, id="not text"),
        pytest.param(
            Answer(body=ROWS.replace(b"http://www.wikidata.org/entity/Q8", b"not an IRI")),
            RESULTS_JSON,
            id="a row with a broken IRI",
        ),
        pytest.param(Answer(body=b"x", promised=500), "IncompleteRead", id="connection cut"),
    ],
)
def test_an_answer_that_is_no_result_is_refused_by_its_address(
    service: Service, endpoint_at: Callable[[str], HttpEndpoint], answer: Answer, got: str
) -> None:
    service.answers = [answer]
    error = failure(endpoint_at(service.url))
    assert error.where == service.url
    assert got in error.got
    assert "check" in error.advice


def test_a_refused_connection_is_named(endpoint_at: Callable[[str], HttpEndpoint]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/sparql"
    error = failure(endpoint_at(url))
    assert error.where == url
    assert "ConnectionError" in error.got
    assert error.advice.startswith("check the network")


def test_an_endpoint_that_never_answers_is_given_up(
    endpoint_at: Callable[[str], HttpEndpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.endpoint.QUERY_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/sparql"
        error = failure(endpoint_at(url))
    assert error.where == url
    assert "timed out" in error.got
