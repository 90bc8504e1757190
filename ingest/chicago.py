"""Chicago notes: definitions from course notes of undergraduate mathematics at Chicago.

Homepage: https://mathgloss.github.io/MathGloss/chicago. Licence: MIT, the LICENSE file of the
repository that holds them. One page each, ``<root>/chicago/<stem>.md``: a front matter whose lines
are indented by one space, then Markdown with TeX and links to other pages.

Quirks handled: links and permalinks differ from file names in case, so links are resolved without
regard to it; many links lead to pages that do not exist (each is counted as rejected, once for a
page and target); the line ``Wikidata ID: [Q...](...)`` comes in several spellings and once holds
two items. Terms in bold are no alternative labels: of 310 pages where they differ from the title,
nearly all have a bare adjective or genus there ("abelian", "kernel") or the name of another thing
("essential supremum" on the page "essential infimum").
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import unquote

from ingest.archive import iter_members
from ingest.fetch import MEBIBYTE, Fetcher
from ingest.source import Source
from mathgloss import ids, vocab
from mathgloss.errors import InputError, ParseError
from mathgloss.model import (
    Definition,
    Label,
    Licence,
    ParsedSource,
    RawFile,
    Reference,
    Rejection,
    Relation,
    SourceInfo,
    Term,
)

ARCHIVE_URL: Final = "https://codeload.github.com/MathGloss/MathGloss/tar.gz/refs/heads/main"
MAX_ARCHIVE_BYTES: Final = 1024 * MEBIBYTE
MAX_TITLE_CHARS: Final = 300

INFO: Final = SourceInfo(
    name="chicago",
    title="Chicago notes",
    homepage="https://mathgloss.github.io/MathGloss/chicago",
    licence=Licence(
        name="MIT",
        url="https://github.com/MathGloss/MathGloss/blob/main/LICENSE",
        redistributable=True,
    ),
)

_MEMBER: Final = re.compile(r"[^/]+/chicago/([^/]+)\.md")
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\n(.*?)^[ \t]*---[ \t]*$", re.DOTALL | re.MULTILINE)
_TITLE: Final = re.compile(r"^[ \t]*title:([^\n]*)$", re.MULTILINE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
# "Wikidata ID: [Q1](https://...)", "**Wikidata**: Q1", or a bare address of an item
_WIKIDATA: Final = re.compile(
    r"^[ \t*_>-]*(?:wikidata\b|\[?<?https?://(?:www\.)?wikidata\.org/)[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
_LINK: Final = re.compile(
    r"\]\(\s*https?://mathgloss\.github\.io/MathGloss/chicago/((?:[^()\n]++|\([^()\n]*+\))*+)\)",
    re.IGNORECASE,
)
_IMAGE: Final = re.compile(r"!\[[^\[\]\n]*\]\([^()\n]*\)")
_COMMENT: Final = re.compile(r"<!--(?:[^<-]|-(?!->)|<(?!!--))*+-->")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    stem: str
    title: str
    body: str


def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
    """The archive of the repository that holds the notes.

    Raises:
        SourceError: it could not be fetched.
    """
    return (fetcher.fetch(ARCHIVE_URL, source=INFO.name, max_bytes=MAX_ARCHIVE_BYTES),)


def parse(files: Sequence[RawFile]) -> ParsedSource:
    """A term for each page, in archive order.

    Raises:
        ParseError: not one file, a damaged archive, or no page in it.
    """
    if len(files) != 1:
        _refuse("one archive", f"{len(files)} files", ", ".join(file.url for file in files))
    rejections: list[Rejection] = []
    pages: dict[str, _Page] = {}
    for stem, data in _iter_files(Path(files[0].path)):
        page = _read_page(stem, data)
        if isinstance(page, _Page) and stem in pages:
            page = ("duplicate key", stem)
        if isinstance(page, _Page):
            pages[stem] = page
        else:
            rejections.append(_rejection(stem, *page))
    if not pages and not rejections:
        _refuse("files named <root>/chicago/<name>.md", "none", files[0].path)
    relations = tuple(_relations(pages, rejections))
    terms = tuple(_term(page, rejections) for page in pages.values())
    return ParsedSource(
        info=INFO,
        read=len(terms) + len(rejections),
        terms=terms,
        relations=relations,
        rejections=tuple(rejections),
    )


SOURCE: Final = Source(info=INFO, fetch=fetch, parse=parse)


def _refuse(expected: str, got: str, where: str) -> NoReturn:
    raise ParseError(
        "the archive of the Chicago notes cannot be used",
        where=where or "no file",
        expected=expected,
        got=got,
        advice="fetch it again, or check whether MathGloss has moved the notes",
    )


def _rejection(stem: str, reason: str, got: str) -> Rejection:
    where = f"chicago/{stem}.md".encode("utf-8", "backslashreplace").decode("utf-8")
    return Rejection(where=where, reason=reason, got=repr(got)[:200])


def _iter_files(path: Path) -> Iterator[tuple[str, bytes]]:
    for member, data in iter_members(path, wanted="*/chicago/*.md"):
        match = _MEMBER.fullmatch(member)
        if match is not None:
            yield unicodedata.normalize("NFC", match[1]), data


def _read_page(stem: str, data: bytes) -> _Page | tuple[str, str]:
    """The page, or the reason why there is none and what was found."""
    curie = f"chicago:{stem}"
    try:
        usable = ids.canonical(curie) == curie and not _CONTROL.search(stem)
        stem.encode("utf-8")
        text = data.decode("utf-8-sig")
    except UnicodeError as error:
        return "not UTF-8", str(error)
    except InputError:
        usable = False
    if not usable:
        return "file name cannot be an identifier", stem
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    front = _FRONT_MATTER.match(text)
    if front is None:
        return "no front matter", text
    found = _TITLE.search(front[1])
    title = "" if found is None else _clean(found[1])
    if not any(char.isalnum() for char in title):
        return "no label", front[1]
    if _CONTROL.search(title) or len(title) > MAX_TITLE_CHARS:
        return "label with control characters or too long", title
    return _Page(stem=stem, title=title, body=_CONTROL.sub("", text[front.end() :]))


def _clean(value: str) -> str:
    """The text of a front matter value: quotes off, entities decoded, white space collapsed."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return unicodedata.normalize("NFC", " ".join(html.unescape(value).split()))


def _term(page: _Page, rejections: list[Rejection]) -> Term:
    curie = f"chicago:{page.stem}"
    items: dict[str, None] = {}
    for line in _WIKIDATA.findall(page.body):
        found = ids.find_qids(line)
        items.update(dict.fromkeys(found))
        if not found and re.search(r"\w", re.sub(r"(?i)wikidata|\bid\b", "", line)):
            rejections.append(_rejection(page.stem, "Wikidata line without an item", line))
    text = _COMMENT.sub("", _IMAGE.sub("", _WIKIDATA.sub("", page.body)))
    text = re.sub(r"\n(?:[ \t]*+\n){2,}", "\n\n", text).strip()
    return Term(
        id=curie,
        source=INFO.name,
        labels=(Label(text=page.title, lang="en"),),
        url=ids.page_url(curie),
        definition=Definition(text=text) if text else None,
        references=tuple(Reference(target=f"wd:{q}", via="Wikidata line") for q in items),
    )


def _relations(pages: dict[str, _Page], rejections: list[Rejection]) -> Iterator[Relation]:
    """Links from page to page, once each; those that lead nowhere go to ``rejections``."""
    folded: dict[str, str] = {}
    for stem in pages:
        folded.setdefault(stem.casefold(), stem)
    for page in pages.values():
        targets = dict.fromkeys(match[1] for match in _LINK.finditer(page.body))
        resolved: dict[str, None] = {}
        for target in targets:
            found = _find_page(target, pages, folded)
            if found is None:
                reason = "link to a page that does not exist"
                rejections.append(_rejection(page.stem, reason, target))
            elif found != page.stem:
                resolved[found] = None
        for stem in resolved:
            yield Relation(
                subject=f"chicago:{page.stem}",
                predicate=vocab.LINKS_TO,
                object=f"chicago:{stem}",
                via="definition link",
            )


def _find_page(target: str, pages: dict[str, _Page], folded: dict[str, str]) -> str | None:
    """The page that a link means: as written, else without its anchor, else in other case."""
    name = unicodedata.normalize("NFC", unquote(target)).strip().replace(" ", "_")
    for candidate in (name, name.partition("#")[0]):
        if candidate in pages:
            return candidate
        if candidate.casefold() in folded:
            return folded[candidate.casefold()]
    return None
