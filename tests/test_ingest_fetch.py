"""Fetching, from a server on this machine: nothing half, nothing twice, every failure in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from urllib3.util import Retry

from ingest.fetch import Fetcher, new_session, read_meta, sha256_of
from mathgloss.config import Settings
from mathgloss.errors import SourceError
from tests.conftest import serving

Headers = dict[str, str]
BODY = b'{"widget": 1}\n'
LIMIT = 1 << 16


@dataclass
class Answer:
    """What the server says next; ``promised`` is the Content-Length when it is not the truth."""

    status: int = 200
    body: bytes = BODY
    headers: Headers = field(default_factory=dict)
    promised: int | None = None
    chunked: bool = False


@dataclass
class Upstream:
    """A server that gives its answers in turn, the last one for ever."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    seen: list[tuple[str, Headers]] = field(default_factory=list)

    def next(self, path: str, headers: Headers) -> Answer:
        self.seen.append((path, headers))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def handler_for(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = upstream.next(self.path, dict(self.headers.items()))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif answer.status != 304:
                length = len(answer.body) if answer.promised is None else answer.promised
                self.send_header("Content-Length", str(length))
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            body = answer.body
            if answer.chunked:
                body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
            self.wfile.write(body if answer.status != 304 else b"")

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    return Handler


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    state = Upstream()
    with serving(handler_for(state)) as address:
        state.url = address
        yield state


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    session = new_session("https://example.org/contact", retries=2, backoff_s=0.0)
    session.trust_env = False
    yield Fetcher(Settings(home=tmp_path, mirror=None), session)
    session.close()


@pytest.fixture
def failing(upstream: Upstream, fetcher: Fetcher) -> Callable[[Answer], SourceError]:
    """Fetch once well, then with the given answer, which has to fail and to leave the first."""

    def fail(answer: Answer) -> SourceError:
        url = f"{upstream.url}/data/nouns.json"
        upstream.answers = [Answer()]
        first = fetcher.fetch(url, source="mulima", max_bytes=LIMIT)
        upstream.answers = [answer]
        with pytest.raises(SourceError) as caught:
            fetcher.fetch(url, source="mulima", max_bytes=LIMIT)
        target = Path(first.path)
        assert target.read_bytes() == BODY, "the earlier file stays"
        meta = read_meta(target)
        assert meta is not None
        assert meta["sha256"] == first.sha256 == sha256_of(target)
        return caught.value

    return fail


def test_a_file_is_fetched_with_its_hash_size_and_time(
    upstream: Upstream, fetcher: Fetcher, tmp_path: Path
) -> None:
    upstream.answers = [Answer()]
    raw = fetcher.fetch(f"{upstream.url}/data/nouns.json", source="mulima", max_bytes=LIMIT)
    assert Path(raw.path) == tmp_path / "raw" / "mulima" / "nouns.json"
    assert Path(raw.path).read_bytes() == BODY
    assert raw.sha256 == sha256_of(Path(raw.path))
    assert raw.size_bytes == len(BODY)
    assert raw.retrieved.endswith("+00:00")
    assert raw.url == f"{upstream.url}/data/nouns.json"


def test_the_user_agent_names_the_program_and_a_contact(
    upstream: Upstream, fetcher: Fetcher
) -> None:
    upstream.answers = [Answer()]
    fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT)
    agent = upstream.seen[0][1]["User-Agent"]
    assert agent.startswith("mathgloss/")
    assert "https://example.org/contact" in agent


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"ETag": '"abc"'}, {"If-None-Match": '"abc"'}),
        (
            {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"},
            {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"},
        ),
    ],
)
def test_an_unchanged_file_is_not_sent_again(
    upstream: Upstream, fetcher: Fetcher, given: Headers, asked: Headers
) -> None:
    upstream.answers = [Answer(headers=given), Answer(status=304)]
    first = fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT)
    second = fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT)
    assert second == first, "not even the time of retrieval changes"
    assert asked.items() <= upstream.seen[1][1].items()


def test_the_notes_of_another_address_are_not_used(upstream: Upstream, fetcher: Fetcher) -> None:
    upstream.answers = [Answer(headers={"ETag": '"abc"'})]
    fetcher.fetch(f"{upstream.url}/one/a", source="s", max_bytes=LIMIT)
    fetcher.fetch(f"{upstream.url}/two/a", source="s", max_bytes=LIMIT)
    assert "If-None-Match" not in upstream.seen[1][1]


@pytest.mark.parametrize("damage", ["no notes", "broken notes", "no file"])
def test_a_file_or_notes_lost_means_fetching_anew(
    upstream: Upstream, fetcher: Fetcher, damage: str
) -> None:
    upstream.answers = [Answer(headers={"ETag": '"abc"'})]
    target = Path(fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT).path)
    meta = target.with_name("a.meta.json")
    if damage == "no notes":
        meta.unlink()
    elif damage == "broken notes":
        meta.write_text('{"url": ')
    else:
        target.unlink()
    fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT)
    assert "If-None-Match" not in upstream.seen[1][1]
    assert target.read_bytes() == BODY


def test_addresses_that_differ_in_the_query_have_files_of_their_own(
    upstream: Upstream, fetcher: Fetcher
) -> None:
    upstream.answers = [Answer(body=b"one"), Answer(body=b"two")]
    first = fetcher.fetch(f"{upstream.url}/query?start=0", source="s", max_bytes=LIMIT)
    second = fetcher.fetch(f"{upstream.url}/query?start=100", source="s", max_bytes=LIMIT)
    assert Path(first.path).read_bytes() == b"one"
    assert Path(second.path).read_bytes() == b"two"


def test_too_many_requests_are_answered_by_waiting_as_told(
    upstream: Upstream, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(Retry, "sleep_for_retry", _noting(waited))
    upstream.answers = [
        Answer(status=429, body=b"later", headers={"Retry-After": "7"}),
        Answer(status=429, body=b"later", headers={"Retry-After": "1"}),
        Answer(),
    ]
    raw = fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT)
    assert Path(raw.path).read_bytes() == BODY
    assert waited == [7, 1]


def _noting(waited: list[float]) -> Callable[..., bool]:
    def sleep_for_retry(self: Retry, response: object) -> bool:
        waited.append(self.get_retry_after(response) or 0)  # type: ignore[arg-type]
        return True

    return sleep_for_retry


def test_retry_after_zero_is_honoured_in_truth(upstream: Upstream, fetcher: Fetcher) -> None:
    upstream.answers = [Answer(status=429, body=b"", headers={"Retry-After": "0"}), Answer()]
    raw = fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT)
    assert Path(raw.path).read_bytes() == BODY
    assert len(upstream.seen) == 2


def test_a_server_that_keeps_failing_is_given_up(
    failing: Callable[[Answer], SourceError], upstream: Upstream
) -> None:
    error = failing(Answer(status=500, body=b"oops"))
    assert len(upstream.seen) == 1 + 3, "the first fetch, then one try and two more"
    assert "the source refused" in str(error)
    assert "expected status 200, got status 500" in str(error)
    assert "the data fetched before stay in use" in str(error)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_gone_is_named_at_once(
    failing: Callable[[Answer], SourceError], upstream: Upstream, status: int
) -> None:
    error = failing(Answer(status=status, body=b"no"))
    assert f"got status {status}" in str(error)
    assert f"{upstream.url}/data/nouns.json" in str(error)
    assert len(upstream.seen) == 2


def test_a_page_of_html_is_stored_as_it_is_for_the_parser_to_refuse(
    upstream: Upstream, fetcher: Fetcher
) -> None:
    page = b"<!DOCTYPE html><title>Sign in</title>"
    upstream.answers = [Answer(body=page, headers={"Content-Type": "text/html"})]
    raw = fetcher.fetch(f"{upstream.url}/nouns.json", source="s", max_bytes=LIMIT)
    assert Path(raw.path).read_bytes() == page


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_file_is_refused(
    failing: Callable[[Answer], SourceError], chunked: bool
) -> None:
    error = failing(Answer(body=b"x" * (LIMIT + 1), chunked=chunked))
    assert "the file is too large" in str(error)
    assert f"expected at most {LIMIT} bytes" in str(error)


def test_a_file_of_exactly_the_limit_is_taken(upstream: Upstream, fetcher: Fetcher) -> None:
    upstream.answers = [Answer(body=b"x" * LIMIT)]
    assert fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT).size_bytes == LIMIT


def test_a_file_cut_short_is_refused(failing: Callable[[Answer], SourceError]) -> None:
    error = failing(Answer(body=BODY[:5], promised=len(BODY)))
    assert "the data fetched before stay in use" in str(error)
    assert "5 bytes" in str(error)


def test_a_first_fetch_cut_short_leaves_no_file(
    upstream: Upstream, fetcher: Fetcher, tmp_path: Path
) -> None:
    upstream.answers = [Answer(body=BODY[:5], promised=len(BODY))]
    with pytest.raises(SourceError):
        fetcher.fetch(f"{upstream.url}/a", source="s", max_bytes=LIMIT)
    assert not (tmp_path / "raw" / "s" / "a").exists()
    assert read_meta(tmp_path / "raw" / "s" / "a") is None


def test_a_server_that_is_not_there_is_reported_in_words(
    upstream: Upstream, fetcher: Fetcher
) -> None:
    url = "http://127.0.0.1:9/nouns.json"
    with pytest.raises(SourceError, match="the source did not answer") as caught:
        fetcher.fetch(url, source="s", max_bytes=LIMIT)
    assert caught.value.where == url
    assert "check the network" in caught.value.advice


def test_the_mirror_is_read_in_place_without_a_request(tmp_path: Path) -> None:
    copy = tmp_path / "example.org" / "data" / "two words.json"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(BODY)
    fetcher = Fetcher(Settings(home=tmp_path / "home", mirror=tmp_path))
    raw = fetcher.fetch("https://example.org/data/two%20words.json", source="s", max_bytes=LIMIT)
    assert raw.path == str(copy)
    assert raw.url == "https://example.org/data/two%20words.json"
    assert not (tmp_path / "home").exists()


def test_what_the_mirror_lacks_is_named_with_what_to_do(tmp_path: Path) -> None:
    fetcher = Fetcher(Settings(home=tmp_path / "home", mirror=tmp_path))
    url = "https://example.org/data/nouns.json"
    with pytest.raises(SourceError) as caught:
        fetcher.fetch(url, source="s", max_bytes=LIMIT)
    assert caught.value.where == str(tmp_path / "example.org" / "data" / "nouns.json")
    assert caught.value.expected == f"a copy of {url}"
    assert "unset MATHGLOSS_MIRROR" in caught.value.advice


def test_the_mirror_never_answers_a_query_with_the_file_of_another(tmp_path: Path) -> None:
    copy = tmp_path / "example.org" / "api" / "query"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(BODY)
    fetcher = Fetcher(Settings(home=tmp_path / "home", mirror=tmp_path))
    with pytest.raises(SourceError, match="no such file"):
        fetcher.fetch("https://example.org/api/query?start=0", source="s", max_bytes=LIMIT)


def test_too_large_a_file_of_the_mirror_or_ones_own_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "example.org" / "a"
    copy.parent.mkdir()
    copy.write_bytes(b"x" * 11)
    fetcher = Fetcher(Settings(home=tmp_path / "home", mirror=tmp_path))
    with pytest.raises(SourceError, match="expected at most 10 bytes, got 11 bytes"):
        fetcher.fetch("https://example.org/a", source="s", max_bytes=10)
    with pytest.raises(SourceError, match="expected at most 10 bytes, got 11 bytes"):
        fetcher.local(copy, max_bytes=10)


def test_a_folder_is_no_file_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="missing file"):
        Fetcher(Settings(home=tmp_path)).local(tmp_path, max_bytes=10)
