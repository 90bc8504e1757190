"""The arXiv API, from a server on this machine with answers of our own writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ingest import arxiv
from ingest.fetch import Fetcher, new_session
from mathgloss import ids
from mathgloss.config import Settings
from mathgloss.errors import InputError, ParseError, SourceError
from mathgloss.model import ParsedSource, RawFile
from tests.conftest import serving

FIXTURES = Path(__file__).parent / "fixtures" / "arxiv"
TWO = (FIXTURES / "two.xml").read_bytes()
ERROR = (FIXTURES / "error.xml").read_bytes()
WANTED = ("2101.00001", "math/0101001")
Query = dict[str, str]


def feed(total: int, *entries: str) -> bytes:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<opensearch:totalResults>{total}</opensearch:totalResults>{''.join(entries)}</feed>"
    ).encode()


def entry(name: str, title: str = "Widgets", summary: str = "Short.") -> str:
    return (
        f"<entry><id>http://arxiv.org/abs/{name}</id><title>{title}</title>"
        f"<summary>{summary}</summary></entry>"
    )


@dataclass
class Api:
    """A stand-in for the API: ``answer`` maps the parameters of a request to an answer."""

    url: str = ""
    answer: Callable[[Query], tuple[int, bytes, dict[str, str]]] = lambda _: (200, TWO, {})
    seen: list[Query] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
            state.seen.append(query)
            status, body, headers = state.answer(query)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with serving(Handler) as address:
        state.url = f"{address}/api/query"
        yield state


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    session = new_session("https://example.org", retries=2, backoff_s=0.0)
    session.trust_env = False
    yield Fetcher(Settings(home=tmp_path, mirror=None), session)
    session.close()


@pytest.fixture
def read(api: Api, fetcher: Fetcher) -> Callable[..., ParsedSource]:
    """Fetch and parse these identifiers and queries through the stand-in."""

    def run(
        wanted: tuple[str, ...] = (), queries: tuple[str, ...] = (), *, max_results: int = 100
    ) -> ParsedSource:
        source = arxiv.source(
            wanted,
            queries,
            max_results=max_results,
            api_url=api.url,
            sleep=api.pauses.append,
        )
        return source.parse(source.fetch(fetcher))

    return run


def parse(tmp_path: Path, body: bytes, wanted: tuple[str, ...] = WANTED) -> ParsedSource:
    path = tmp_path / "feed.xml"
    path.write_bytes(body)
    raw = RawFile(
        url="https://export.arxiv.org/api/query?x",
        path=str(path),
        sha256="0" * 64,
        size_bytes=len(body),
        retrieved="2026-01-01T00:00:00+00:00",
    )
    return arxiv.source(wanted).parse([raw])


def test_records_are_read_with_all_their_fields(tmp_path: Path) -> None:
    parsed = parse(tmp_path, TWO)
    assert [paper.id for paper in parsed.papers] == ["arxiv:2101.00001", "arxiv:math/0101001"]
    first = parsed.papers[0]
    assert first.title == "On $\\sigma$-widgets and gadgets"
    assert first.abstract == "We study widgets whose length is < 1."
    assert first.authors == ("Ada Example", "Bö Sample")
    assert first.categories == ("math.CT", "math.LO")
    assert first.published == "2021-01-01"
    assert first.url == "https://arxiv.org/abs/2101.00001"
    assert first.licence == "CC0-1.0"
    assert parsed.info.licence.redistributable
    assert parsed.rejections == ()
    assert all(ids.canonical(paper.id) == paper.id for paper in parsed.papers)


def test_all_identifiers_are_asked_for_at_once(api: Api, read: Callable[..., ParsedSource]) -> None:
    parsed = read(("arXiv:2101.00001v2", "https://arxiv.org/abs/math.CT/0101001", "2101.00001"))
    assert len(parsed.papers) == 2
    assert api.seen == [{"id_list": "2101.00001,math/0101001", "start": "0", "max_results": "100"}]
    assert api.pauses == [], "no pause before the first request"


def test_many_identifiers_are_asked_for_in_batches_with_pauses(
    api: Api, read: Callable[..., ParsedSource]
) -> None:
    def answer(query: Query) -> tuple[int, bytes, dict[str, str]]:
        names = query["id_list"].split(",")
        return 200, feed(len(names), *(entry(f"{name}v1") for name in names)), {}

    api.answer = answer
    wanted = tuple(f"2101.{number:05d}" for number in range(1, 251))
    parsed = read(wanted)
    assert [paper.id for paper in parsed.papers] == [f"arxiv:{name}" for name in wanted]
    assert [len(query["id_list"].split(",")) for query in api.seen] == [100, 100, 50]
    assert api.pauses == [3.0, 3.0]


def test_a_query_is_paged_to_its_end(api: Api, read: Callable[..., ParsedSource]) -> None:
    def answer(query: Query) -> tuple[int, bytes, dict[str, str]]:
        start, size = int(query["start"]), int(query["max_results"])
        names = [f"2101.{number:05d}" for number in range(start, min(start + size, 230))]
        return 200, feed(230, *map(entry, names)), {}

    api.answer = answer
    assert len(read(queries=("cat:math.CT",), max_results=1000).papers) == 230
    assert [query["start"] for query in api.seen] == ["0", "100", "200"]
    assert {query["search_query"] for query in api.seen} == {"cat:math.CT"}
    assert api.pauses == [3.0, 3.0]


def test_a_query_stops_at_max_results(api: Api, read: Callable[..., ParsedSource]) -> None:
    def answer(query: Query) -> tuple[int, bytes, dict[str, str]]:
        start, size = int(query["start"]), int(query["max_results"])
        return 200, feed(9999, *(entry(f"2101.{start + n:05d}") for n in range(size))), {}

    api.answer = answer
    assert len(read(queries=("all:widget",), max_results=130).papers) == 130
    assert [query["max_results"] for query in api.seen] == ["100", "30"]


def test_a_query_that_finds_nothing_is_no_error(
    api: Api, read: Callable[..., ParsedSource]
) -> None:
    api.answer = lambda _: (200, feed(0), {})
    parsed = read(queries=("all:nothing",))
    assert (parsed.read, parsed.papers, len(api.seen)) == (0, (), 1)


def test_a_page_that_is_empty_too_early_is_asked_for_again(
    api: Api, read: Callable[..., ParsedSource]
) -> None:
    answers = [feed(2), feed(2, entry("2101.00001"), entry("2101.00002"))]
    api.answer = lambda _: (200, answers.pop(0), {})
    assert len(read(queries=("all:widget",)).papers) == 2
    assert api.pauses == [3.0]


def test_a_page_that_stays_empty_is_an_error(api: Api, read: Callable[..., ParsedSource]) -> None:
    api.answer = lambda _: (200, feed(2), {})
    with pytest.raises(SourceError, match="papers from number 0 on, of 2, got an empty page"):
        read(queries=("all:widget",))
    assert len(api.seen) == arxiv.EMPTY_PAGE_TRIES


def test_an_unknown_identifier_is_rejected_by_name(tmp_path: Path) -> None:
    parsed = parse(tmp_path, TWO, (*WANTED, "2101.99999"))
    (rejection,) = parsed.rejections
    assert rejection.reason == "arXiv has no such paper"
    assert "2101.99999" in rejection.where
    assert (parsed.read, len(parsed.papers)) == (3, 2)


def test_the_same_paper_twice_is_rejected(tmp_path: Path) -> None:
    body = feed(2, entry("2101.00001v1"), entry("2101.00001v2"))
    parsed = parse(tmp_path, body, ("2101.00001",))
    assert parsed.rejected_by_reason() == {"duplicate paper": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("<entry/>", "not an arXiv identifier"),
        (entry("nonsense"), "not an arXiv identifier"),
        (entry("2101.00002", title=" "), "no title"),
        (entry("2101.00002", title="a&#x81;b"), "title: control characters"),
        (entry("2101.00002", title="x" * 2000), "title: name too long"),
        (entry("2101.00002", summary="a&#x81;b"), "unusable abstract"),
    ],
)
def test_an_odd_entry_is_counted(tmp_path: Path, row: str, reason: str) -> None:
    parsed = parse(tmp_path, feed(2, entry("2101.00001"), row), ("2101.00001",))
    assert parsed.rejected_by_reason() == {reason: 1}


def test_an_error_entry_is_given_in_arxivs_words(
    api: Api, read: Callable[..., ParsedSource]
) -> None:
    api.answer = lambda _: (200, ERROR, {})
    with pytest.raises(SourceError, match="incorrect id format") as caught:
        read(("1234.12345",))
    assert "correct the identifiers or the query" in caught.value.advice


@pytest.mark.parametrize(
    ("body", "got"),
    [
        (b"Rate exceeded.", "begins b'Rate exceeded.'"),
        (b"<!DOCTYPE html><html><body>Sorry</body></html>", "a document type declaration"),
        (b"<html><body>Sorry</body></html>", "the element 'html'"),
        (TWO[:900], "ExpatError"),
        (b"", "ExpatError"),
        (b"\xff\xfe\x00", "ExpatError"),
        (b'<?xml version="1.0" encoding="no-such"?><feed/>', "unknown encoding"),
        (
            b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]>'
            b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>&y;</id></entry></feed>',
            "a document type declaration",
        ),
        (
            b'<!DOCTYPE a SYSTEM "file:///etc/hostname">'
            b'<feed xmlns="http://www.w3.org/2005/Atom"/>',
            "a document type declaration",
        ),
    ],
)
def test_an_answer_that_is_no_feed_is_refused(tmp_path: Path, body: bytes, got: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(tmp_path, body)
    assert got in caught.value.got
    assert caught.value.expected == "an Atom feed of the arXiv API"


def test_an_unusable_answer_already_fails_the_fetch(
    api: Api, read: Callable[..., ParsedSource]
) -> None:
    api.answer = lambda _: (200, b"Rate exceeded.", {})
    with pytest.raises(SourceError, match="Rate exceeded"):
        read(WANTED)


def test_a_throttled_request_is_tried_again(api: Api, read: Callable[..., ParsedSource]) -> None:
    answers = [(429, b"Rate exceeded.", {"Retry-After": "0"}), (200, TWO, {})]
    api.answer = lambda _: answers.pop(0)
    assert len(read(WANTED).papers) == 2


@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_refusal_is_reported_with_its_status(
    api: Api, read: Callable[..., ParsedSource], status: int
) -> None:
    api.answer = lambda _: (status, ERROR, {})
    with pytest.raises(SourceError, match=f"expected status 200, got status {status}"):
        read(WANTED)


def test_an_answer_cut_short_is_reported(api: Api, read: Callable[..., ParsedSource]) -> None:
    api.answer = lambda _: (200, TWO[:500], {"Content-Length": str(len(TWO))})
    with pytest.raises(SourceError, match="the data fetched before stay in use"):
        read(WANTED)


@pytest.mark.parametrize(
    ("wanted", "queries", "max_results", "message"),
    [
        (("nonsense",), (), 10, "an arXiv identifier such as 2210.06545"),
        ((), (), 10, "got none"),
        ((), ("  ",), 10, "got none"),
        (WANTED, (), 0, "max_results of at least 1, got 0"),
    ],
)
def test_wrong_use_is_reported_before_any_request(
    wanted: tuple[str, ...], queries: tuple[str, ...], max_results: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        arxiv.source(wanted, queries, max_results=max_results)


def test_without_a_copy_in_the_mirror_the_missing_file_is_named(tmp_path: Path) -> None:
    fetcher = Fetcher(Settings(home=tmp_path / "home", mirror=tmp_path))
    with pytest.raises(SourceError, match="expected a copy of https://export"):
        arxiv.source(WANTED).fetch(fetcher)
