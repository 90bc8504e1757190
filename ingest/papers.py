"""Papers from files: any JSON or JSONL file, the TAC collection, and the bundled list.

* A file of one's own: a JSON list, or one JSON object a line, with ``title`` and optionally
  ``abstract``, ``authors``, ``keywords``, ``url``, ``venue``, ``id``, ``licence``. The abstract is
  kept as given, because mentions are counted on it; it is served only if the row states a licence.
  An ``id`` counts if it is a CURIE or an arXiv identifier; a number of one's own does not.
* TAC: abstracts of *Theory and Applications of Categories*, http://www.tac.mta.ca/tac/, as
  collected by https://github.com/ToposInstitute/tac-corpus. No licence is stated. Quirks handled:
  two forms of address, runs of spaces in titles and authors, a full stop after the last keyword,
  one row without title. TeX accents stay.
* Bundled: ``papers.tsv``, facts only (CC0-1.0), each with an address where it can be checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from ingest.fetch import MEBIBYTE, Fetcher
from ingest.rows import Tally, is_clean, parse_json, read_name, read_text, refuse
from ingest.source import Source
from mathgloss import ids
from mathgloss.errors import InputError
from mathgloss.model import Licence, Paper, ParsedSource, RawFile, SourceInfo
from mathgloss.paths import bundled_dir

MAX_ABSTRACT_CHARS: Final = 100_000
BUNDLED_COLUMNS: Final = ("id", "title", "authors", "venue", "url", "summary", "check")
TAC_URL: Final = (
    "https://raw.githubusercontent.com/ToposInstitute/tac-corpus/main/tac_metadata.json"
)
TAC_INFO: Final = SourceInfo(
    name="tac",
    title="Theory and Applications of Categories",
    homepage="http://www.tac.mta.ca/tac/",
    licence=Licence(name="none stated", url=None, redistributable=False),
)
BUNDLED_INFO: Final = SourceInfo(
    name="bundled-papers",
    title="Papers that come with MathGloss",
    homepage=ids.BASE,
    licence=Licence(
        name="CC0-1.0",
        url="https://creativecommons.org/publicdomain/zero/1.0/",
        redistributable=True,
    ),
)

_ARXIV_ID: Final = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_ARXIV_BARE: Final = re.compile(rf"(?:arxiv:\s*)?{_ARXIV_ID}", re.IGNORECASE)
_ARXIV_URL: Final = re.compile(
    rf"(?:https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/"
    rf"|https?://(?:dx\.)?doi\.org/10\.48550/arxiv\.){_ARXIV_ID}(?:\.pdf)?/?(?:[?#].*)?",
    re.IGNORECASE,
)
_TAC_ADDRESS: Final = re.compile(
    r"https?://www\.tac\.mta\.ca/tac/volumes/\d+/n?\d+/(\d+-\d+)abs\.html"
)
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")


def arxiv_id(text: str) -> str | None:
    """The identifier in ``arXiv:2210.06545v2``, ``math/0309136`` or an arXiv address, unversioned.

    The subject class of an old identifier (``math.CT/0309136``) is left out, as arXiv does.
    """
    match = _ARXIV_BARE.fullmatch(text) or _ARXIV_URL.fullmatch(text)
    if match is None:
        return None
    return re.sub(r"\.[a-z]{2}/", "/", match[1].lower())


def split_authors(text: str) -> tuple[str, ...]:
    """Single authors out of one string.

    Separated by semicolons, by "and", or by commas; ``Surname, Given, Surname, Given`` is taken in
    pairs when at least half of the pieces are single words.
    """
    if ";" in text:
        return _words(text.split(";"))
    parts = _words(re.split(r",?\s+and\s+", text))
    if len(parts) > 1 and all(part.count(",") == 1 for part in parts):
        return parts
    pieces = _words(piece for part in parts for piece in part.split(","))
    single = sum(" " not in piece for piece in pieces)
    if len(parts) == 1 and len(pieces) % 2 == 0 and 2 * single >= len(pieces) > 0:
        return tuple(
            f"{surname}, {given}" for surname, given in zip(pieces[::2], pieces[1::2], strict=True)
        )
    return pieces


def _words(pieces: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for piece in pieces if (name := " ".join(piece.split())))


# ------------------------------------------------------------------------------------ row by row


@dataclass(slots=True)
class _Shelf:
    """The papers taken so far, and what was rejected."""

    tally: Tally
    papers: dict[str, Paper] = field(default_factory=dict)

    def add(self, where: str, row: object, read_id: Callable[[str, dict[str, Any]], str]) -> None:
        """Take one row, or note why not; ``read_id`` returns "" after rejecting the row itself."""
        self.tally.read += 1
        if not isinstance(row, dict):
            self.tally.reject(where, "not an object", row)
            return
        title, problem = read_name(row.get("title"))
        if problem:
            missing = problem in {"empty", "not text"}
            # not the whole row: its abstract may be nobody's to show
            got = {name: row[name] for name in ("title", "id", "url") if name in row}
            self.tally.reject(where, "no title" if missing else f"title: {problem}", got)
            return
        paper_id = read_id(where, {**row, "title": title})
        if not paper_id:
            return
        if paper_id in self.papers:
            self.tally.reject(where, "duplicate paper", paper_id)
            return
        self.papers[paper_id] = self._paper(where, row, paper_id, title)

    def _paper(self, where: str, row: dict[str, Any], paper_id: str, title: str) -> Paper:
        return Paper(
            id=paper_id,
            title=title,
            abstract=self._abstract(where, row.get("abstract")),
            authors=self._names(where, row, "authors", split_authors),
            keywords=self._names(where, row, "keywords", _split_keywords),
            venue=self._text(where, row, "venue"),
            url=self._url(where, row),
            licence=self._text(where, row, "licence") or self._text(where, row, "license"),
        )

    def _abstract(self, where: str, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, str) and len(value) <= MAX_ABSTRACT_CHARS and is_clean(value):
            return value
        self.tally.reject_part(where, "unusable abstract", value)
        return ""

    def _text(self, where: str, row: dict[str, Any], name: str) -> str | None:
        if row.get(name) is None:
            return None
        text, problem = read_name(row[name])
        if problem not in {"", "empty"}:
            self.tally.reject_part(where, f"unusable {name}", row[name])
        return text or None

    def _url(self, where: str, row: dict[str, Any]) -> str | None:
        url = self._text(where, row, "url")
        if url is not None and not _WEB_ADDRESS.fullmatch(url):
            self.tally.reject_part(where, "url is no web address", url)
            return None
        return url

    def _names(
        self, where: str, row: dict[str, Any], name: str, split: Callable[[str], tuple[str, ...]]
    ) -> tuple[str, ...]:
        value = row.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            value = split(value)
        elif not isinstance(value, list):
            self.tally.reject_part(where, f"unusable {name}", value)
            return ()
        names: dict[str, None] = {}
        for piece in value:
            text, problem = read_name(piece)
            if text:
                names[text] = None
            elif problem != "empty":
                self.tally.reject_part(where, f"unusable {name}", piece)
        return tuple(names)

    def parsed(self, info: SourceInfo) -> ParsedSource:
        """Everything on the shelf."""
        return ParsedSource(
            info=info,
            read=self.tally.read,
            papers=tuple(self.papers.values()),
            rejections=tuple(self.tally.rejections),
        )

    def id_of_row(self, where: str, row: dict[str, Any]) -> str:
        """The row's own CURIE or arXiv identifier, else its arXiv address, else its title."""
        given = row.get("id")
        if isinstance(given, str):
            if own := _own_id(given.strip()):
                return own
            if given.partition(":")[0].lower() in ids.PREFIXES:
                self.tally.reject_part(where, "malformed identifier", given)
        url = row.get("url")
        if isinstance(url, str) and (found := arxiv_id(url.strip())):
            return f"arxiv:{found}"
        slug = ids.slug(row["title"])
        if not slug:
            self.tally.reject(where, "title without a letter or digit", row["title"])
        return f"paper:{slug}" if slug else ""

    def id_of_tac(self, where: str, row: dict[str, Any]) -> str:
        """Volume and number out of the address: ``tac:35-01``."""
        match = _TAC_ADDRESS.fullmatch(row["url"]) if isinstance(row.get("url"), str) else None
        if match is None:
            self.tally.reject(where, "not an address of TAC", row.get("url"))
            return ""
        return f"tac:{match[1]}"


def _own_id(given: str) -> str | None:
    if not is_clean(given) or any(char.isspace() for char in given):
        return None
    if found := arxiv_id(given):
        return f"arxiv:{found}"
    try:
        curie = ids.canonical(given)
        usable = ids.canonical(curie) == curie == ids.curie(ids.iri(curie))
    except InputError:
        return None
    return curie if usable and not curie.startswith("arxiv:") else None


def _split_keywords(text: str) -> tuple[str, ...]:
    return _words(re.split(r"[;\n]" if ";" in text else r"[,\n]", text))


# ----------------------------------------------------------------------------- a file of one's own


def file_source(path: Path) -> Source:
    """The source for a JSON or JSONL file of papers; it is named after the file."""
    name = f"papers-{ids.slug(path.stem) or 'file'}"
    info = SourceInfo(
        name=name,
        title=f"Papers of {path.name}",
        homepage=f"{ids.BASE}source/{name}",
        licence=Licence(name="as stated in each row", url=None, redistributable=False),
    )
    return Source(
        info=info, fetch=partial(_fetch_own, path=path), parse=partial(_parse_own, info=info)
    )


def _fetch_own(fetcher: Fetcher, *, path: Path) -> tuple[RawFile, ...]:
    return (fetcher.local(path, max_bytes=512 * MEBIBYTE),)


def _parse_own(files: Sequence[RawFile], *, info: SourceInfo) -> ParsedSource:
    (raw,) = files
    shelf = _Shelf(Tally(Path(raw.path).name))
    for where, row in _own_rows(raw, shelf.tally):
        shelf.add(where, row, shelf.id_of_row)
    if not shelf.papers:
        rejected = "; ".join(f"{row.reason} ({row.where})" for row in shelf.tally.rejections[:3])
        expected = "a JSON list, or one JSON object a line: papers with a title"
        refuse(raw, expected, rejected or "no rows")
    return shelf.parsed(info)


def _own_rows(raw: RawFile, tally: Tally) -> Iterator[tuple[str, object]]:
    text = read_text(raw)
    if text.lstrip().startswith("["):
        yield from _json_rows(raw, text, tally)
        return
    # not splitlines(): JSON allows U+2028 and U+0085 inside a string
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row, repeated = parse_json(line)
        except ValueError:
            tally.read += 1
            tally.reject(f"line {number}", "not JSON", line)
            continue
        for key, value in repeated:
            tally.reject_part(f"line {number}", "duplicate key", {key: value})
        yield f"line {number}", row


def _json_rows(raw: RawFile, text: str, tally: Tally) -> Iterator[tuple[str, object]]:
    expected = "a JSON list of papers"
    try:
        rows, repeated = parse_json(text)
    except ValueError as error:
        refuse(raw, expected, f"{type(error).__name__}: {error}", cause=error)
    if not isinstance(rows, list):
        refuse(raw, expected, f"a JSON {type(rows).__name__}")
    for key, value in repeated:
        tally.reject_part(key[:80], "duplicate key", value)
    yield from ((f"row {number}", row) for number, row in enumerate(rows, 1))


# --------------------------------------------------------------------------------------------- TAC


def _fetch_tac(fetcher: Fetcher) -> tuple[RawFile, ...]:
    return (fetcher.fetch(TAC_URL, source=TAC_INFO.name, max_bytes=64 * MEBIBYTE),)


def _parse_tac(files: Sequence[RawFile]) -> ParsedSource:
    (raw,) = files
    shelf = _Shelf(Tally(Path(raw.path).name))
    rows = list(_json_rows(raw, read_text(raw), shelf.tally))
    if not any(isinstance(row, dict) and "title" in row and "url" in row for _, row in rows):
        refuse(raw, "papers with title and url", f"{len(rows)} row(s), none of that kind")
    for where, row in rows:
        shelf.add(where, _tidy_tac(row), shelf.id_of_tac)
    return shelf.parsed(TAC_INFO)


def _tidy_tac(row: object) -> object:
    if not isinstance(row, dict):
        return row
    keywords = row.get("keywords")
    if isinstance(keywords, list):
        keywords = [
            word.strip().removesuffix(".") if isinstance(word, str) else word for word in keywords
        ]
    return {**row, "keywords": keywords, "venue": TAC_INFO.title, "licence": None, "license": None}


# ----------------------------------------------------------------------------------------- bundled


def _fetch_bundled(fetcher: Fetcher) -> tuple[RawFile, ...]:
    raw = fetcher.local(bundled_dir() / "papers.tsv", max_bytes=16 * MEBIBYTE)
    # provenance that means the same on every machine
    return (replace(raw, url=f"{ids.BASE}bundled/papers.tsv"),)


def _parse_bundled(files: Sequence[RawFile]) -> ParsedSource:
    (raw,) = files
    lines = read_text(raw).removesuffix("\n").split("\n")
    if tuple(lines[0].split("\t")) != BUNDLED_COLUMNS:
        refuse(raw, "the columns " + ", ".join(BUNDLED_COLUMNS), repr(lines[0]))
    shelf = _Shelf(Tally(Path(raw.path).name))
    summaries: dict[str, str] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(BUNDLED_COLUMNS):
            shelf.tally.read += 1
            shelf.tally.reject(f"line {number}", "wrong number of columns", line)
            continue
        row = dict(zip(BUNDLED_COLUMNS, cells, strict=True))
        shelf.add(f"line {number}", row, shelf.id_of_row)
        summaries.setdefault(row["id"], row["summary"])
    parsed = shelf.parsed(BUNDLED_INFO)
    # a summary in a file of a user's own may be anybody's words; these are ours
    papers = (replace(paper, summary=summaries.get(paper.id, "")) for paper in parsed.papers)
    return replace(parsed, papers=tuple(papers))


TAC: Final = Source(info=TAC_INFO, fetch=_fetch_tac, parse=_parse_tac)
BUNDLED: Final = Source(info=BUNDLED_INFO, fetch=_fetch_bundled, parse=_parse_bundled)
