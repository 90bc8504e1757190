"""arXiv: records of papers by identifier or query, over the Atom API.

Homepage: https://arxiv.org; API: https://info.arxiv.org/help/api/. Licence: arXiv gives its
metadata, abstracts included, under CC0-1.0. At most one request every three seconds, as its terms
of use ask.

Quirks handled: without ``max_results`` only ten of a list of identifiers are answered; entries
come in an order of their own; an unknown identifier is simply not among them; an error comes as an
entry titled "Error", a throttled request as the words "Rate exceeded."; a page of a query is empty
now and then although more was promised; titles and abstracts are wrapped in mid-sentence.
"""

from __future__ import annotations

import re
import time
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from xml.parsers import expat

from ingest.fetch import MEBIBYTE, Fetcher
from ingest.papers import arxiv_id
from ingest.rows import Tally, is_clean, read_name, refuse
from ingest.source import Source
from mathgloss.errors import InputError, ParseError
from mathgloss.model import Licence, Paper, ParsedSource, RawFile, SourceInfo

INFO: Final = SourceInfo(
    name="arxiv",
    title="arXiv",
    homepage="https://arxiv.org",
    licence=Licence(
        name="CC0-1.0",
        url="https://creativecommons.org/publicdomain/zero/1.0/",
        redistributable=True,
    ),
)
API_URL: Final = "https://export.arxiv.org/api/query"
BATCH_IDS: Final = 100
PAGE_RESULTS: Final = 100
PAUSE_S: Final = 3.0
EMPTY_PAGE_TRIES: Final = 3
MAX_BYTES: Final = 32 * MEBIBYTE

_NAMES: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "opensearch": "http://a9.com/-/spec/opensearch/1.1/",
}
_EXPECTED: Final = "an Atom feed of the arXiv API"


@dataclass(frozen=True, slots=True)
class _Feed:
    """One answer: how many papers fit the request, and the entries on this page."""

    total: int
    entries: list[ET.Element]


def source(
    ids: Iterable[str] = (),
    queries: Iterable[str] = (),
    *,
    max_results: int = 100,
    api_url: str = API_URL,
    sleep: Callable[[float], None] = time.sleep,
) -> Source:
    """The source for these papers.

    Args:
        ids: arXiv identifiers or addresses, with or without version.
        queries: in arXiv's syntax, such as ``cat:math.CT AND ti:monad``.
        max_results: at most so many papers for each query.
        api_url: where the API is.
        sleep: called with seconds to wait between two requests.

    Raises:
        InputError: something that is no arXiv identifier, or nothing asked for.
    """
    wanted = tuple(dict.fromkeys(_checked(text) for text in ids))
    asked = tuple(dict.fromkeys(query for query in queries if query.strip()))
    if not wanted and not asked:
        raise InputError("expected arXiv identifiers or queries, got none")
    if max_results < 1:
        raise InputError(f"expected max_results of at least 1, got {max_results!r}")

    def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
        client = _Client(fetcher, api_url, sleep)
        files = [client.get(id_list=",".join(batch)) for batch in _batches(wanted)]
        for query in asked:
            files.extend(client.pages(query, max_results))
        return tuple(files)

    def parse(files: Sequence[RawFile]) -> ParsedSource:
        return _parse(files, wanted)

    # a query may rightly find nothing, and identifiers may be unknown: no least share
    return Source(info=INFO, fetch=fetch, parse=parse, least_kept_share=0.0)


def _checked(text: str) -> str:
    found = arxiv_id(text.strip())
    if found is None:
        raise InputError(
            f"expected an arXiv identifier such as 2210.06545 or math/0309136, got {text!r}"
        )
    return found


def _batches(wanted: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(wanted), BATCH_IDS):
        yield wanted[start : start + BATCH_IDS]


class _Client:
    """Asks the API, with a pause between two requests."""

    def __init__(self, fetcher: Fetcher, api_url: str, sleep: Callable[[float], None]) -> None:
        self._fetcher = fetcher
        self._api_url = api_url
        self._sleep = sleep
        self._asked = False

    def get(self, **parameters: str | int) -> RawFile:
        """One answer that is a feed without an error entry."""
        if self._asked:
            self._sleep(PAUSE_S)
        self._asked = True
        query = urlencode({"start": 0, "max_results": BATCH_IDS, **parameters})
        raw = self._fetcher.fetch(f"{self._api_url}?{query}", source=INFO.name, max_bytes=MAX_BYTES)
        _read_feed(raw)
        return raw

    def pages(self, query: str, max_results: int) -> Iterator[RawFile]:
        """The pages of a query's answer, up to ``max_results`` papers."""
        start, wanted = 0, max_results
        while start < wanted:
            size = min(PAGE_RESULTS, max_results - start)
            raw, feed = self._page(query, start, size, expected=wanted if start else 0)
            yield raw
            wanted = min(max_results, feed.total)
            start += size

    def _page(self, query: str, start: int, size: int, *, expected: int) -> tuple[RawFile, _Feed]:
        """One page; one that is empty too early is asked for again."""
        order = {"sortBy": "submittedDate", "sortOrder": "descending"}
        tries = 0
        while True:
            raw = self.get(search_query=query, start=start, max_results=size, **order)
            feed = _read_feed(raw)
            promised = max(expected, feed.total)
            if feed.entries or start >= promised:
                return raw, feed
            tries += 1
            if tries == EMPTY_PAGE_TRIES:
                refuse(raw, f"papers from number {start} on, of {promised}", "an empty page")


def _refuse_document_type(*_: object) -> None:
    raise ValueError("a document type declaration")


def _read_feed(raw: RawFile) -> _Feed:
    """The feed in a file.

    Raises:
        ParseError: not a whole Atom feed, or the API's word that the request failed.
    """
    data = b""
    try:
        data = Path(raw.path).read_bytes()
        # entities can only be declared in a document type, so none ever expands
        check = expat.ParserCreate()
        check.StartDoctypeDeclHandler = _refuse_document_type
        check.Parse(data, True)
        root = ET.fromstring(data)  # noqa: S314 - see above
    except (OSError, ValueError, LookupError, ET.ParseError, expat.ExpatError) as error:
        got = f"{type(error).__name__}: {error}; the answer begins {data[:60]!r}"
        refuse(raw, _EXPECTED, got, cause=error)
    if root.tag != f"{{{_NAMES['atom']}}}feed":
        refuse(raw, _EXPECTED, f"the element {root.tag!r}")
    entries = root.findall("atom:entry", _NAMES)
    for entry in entries:
        _refuse_error(raw, entry)
    total = root.findtext("opensearch:totalResults", "", _NAMES).strip()
    return _Feed(int(total) if re.fullmatch(r"\d{1,12}", total) else len(entries), entries)


def _refuse_error(raw: RawFile, entry: ET.Element) -> None:
    if "/api/errors" not in entry.findtext("atom:id", "", _NAMES):
        return
    summary = " ".join(entry.findtext("atom:summary", "", _NAMES).split())
    raise ParseError(
        "arXiv refused the request",
        where=raw.url,
        expected="papers",
        got=repr(summary or "an error without words")[:300],
        advice="correct the identifiers or the query",
    )


def _parse(files: Sequence[RawFile], wanted: Sequence[str]) -> ParsedSource:
    tally = Tally("arxiv")
    papers: dict[str, Paper] = {}
    for raw in files:
        for number, entry in enumerate(_read_feed(raw).entries, 1):
            tally.read += 1
            where = f"{raw.url} entry {number}"
            paper = _paper(entry, where, tally)
            if paper is not None and paper.id in papers:
                tally.reject(where, "duplicate paper", paper.id)
            elif paper is not None:
                papers[paper.id] = paper
    for name in wanted:
        if f"arxiv:{name}" not in papers:
            tally.reject_part(name, "arXiv has no such paper", name)
    return ParsedSource(
        info=INFO,
        read=tally.read,
        papers=tuple(papers[key] for key in sorted(papers)),
        rejections=tuple(tally.rejections),
    )


def _paper(entry: ET.Element, where: str, tally: Tally) -> Paper | None:
    address = entry.findtext("atom:id", "", _NAMES).strip()
    name = arxiv_id(address)
    title, problem = read_name(entry.findtext("atom:title", "", _NAMES))
    if name is None:
        tally.reject(where, "not an arXiv identifier", address)
        return None
    if problem:
        reason = "no title" if problem == "empty" else f"title: {problem}"
        tally.reject(where, reason, address)
        return None
    return Paper(
        id=f"arxiv:{name}",
        title=title,
        abstract=_abstract(entry, where, tally),
        authors=_texts(entry.findall("atom:author/atom:name", _NAMES)),
        categories=tuple(
            dict.fromkeys(
                term for tag in entry.findall("atom:category", _NAMES) if (term := tag.get("term"))
            )
        ),
        venue="arXiv",
        published=entry.findtext("atom:published", "", _NAMES).strip()[:10] or None,
        url=f"https://arxiv.org/abs/{name}",
        licence=INFO.licence.name,
    )


def _abstract(entry: ET.Element, where: str, tally: Tally) -> str:
    """The abstract without its line breaks; mentions are counted on it as it is then."""
    text = entry.findtext("atom:summary", "", _NAMES)
    if not is_clean(text):
        tally.reject_part(where, "unusable abstract", text)
        return ""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _texts(elements: Iterable[ET.Element]) -> tuple[str, ...]:
    return tuple(name for element in elements if (name := read_name(element.text)[0]))
