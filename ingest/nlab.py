"""nLab: the wiki of category theory, homotopy theory and mathematical physics.

Homepage: https://ncatlab.org/nlab. Licence: none stated upstream, attribution asked; so names,
identifiers and links are facts that are served, its sentences are not. Two files are read:

* the content archive, ``<root>/pages/d1/d2/d3/d4/ID/{content.md,name}``: one term for each page,
  streamed, one page in memory at a time (``ingest.nlab_markup`` knows the syntax). A page whose
  ``name`` file is missing cannot be addressed and is rejected;
* MathGloss's list of page titles: a bare term for each page that the archive does not hold.

Names are case-sensitive: pages that differ only in case are separate. ``[[!redirects X]]`` gives
alternative labels and is followed when a link names ``X``. Links to other wikis
(``[[joyalscatlab:X]]``), to files and of a page to itself are no relations. Pages about pages
("> history", "- contents", tables, reference lists, whatever is only ever included) are ``META``.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

from ingest.archive import iter_members
from ingest.fetch import MEBIBYTE, Fetcher
from ingest.nlab_markup import PageMarkup, clean_name, read_markup
from ingest.nlab_titles import kind_of_title
from ingest.source import Source
from mathgloss import ids, vocab
from mathgloss.errors import ParseError
from mathgloss.model import (
    Definition,
    Label,
    LabelKind,
    Licence,
    ParsedSource,
    RawFile,
    Rejection,
    Relation,
    SourceInfo,
    Term,
    TermKind,
)

ARCHIVE_URL: Final = "https://codeload.github.com/ncatlab/nlab-content/tar.gz/refs/heads/master"
TITLES_URL: Final = "https://raw.githubusercontent.com/MathGloss/MathGloss/main/data/nlab.csv"
PAGE_URL: Final = "https://ncatlab.org/nlab/show/"
MAX_ARCHIVE_BYTES: Final = 2048 * MEBIBYTE
MAX_TITLES_BYTES: Final = 64 * MEBIBYTE
# the longest real name has 187 characters; more is a page's text in the wrong place
MAX_NAME_CHARS: Final = 500

INFO: Final = SourceInfo(
    name="nlab",
    title="nLab",
    homepage="https://ncatlab.org/nlab",
    licence=Licence(
        name="no stated licence; attribution asked",
        url="https://ncatlab.org/nlab/show/HomePage",
        redistributable=False,
    ),
)

_MEMBER: Final = re.compile(r"[^/]+/(pages/(?:[^/]+/){4}[^/]+)/(content\.md|name)")
_KINDS: Final = {
    "people": TermKind.PERSON,
    "redirect": TermKind.REDIRECT,
    "disambiguation": TermKind.DISAMBIGUATION,
    "reference": TermKind.WORK,
    "meta": TermKind.META,
    "empty": TermKind.META,
    "delete": TermKind.META,
    "svg": TermKind.META,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    name: str
    markup: PageMarkup


def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
    """The content archive and the list of titles.

    Raises:
        SourceError: one of them could not be fetched.
    """
    return (
        fetcher.fetch(ARCHIVE_URL, source=INFO.name, max_bytes=MAX_ARCHIVE_BYTES),
        fetcher.fetch(TITLES_URL, source=INFO.name, max_bytes=MAX_TITLES_BYTES),
    )


def parse(files: Sequence[RawFile]) -> ParsedSource:
    """Terms of the archive's pages, then of the titles without a page, each in file order.

    Raises:
        ParseError: not the two files; the archive is damaged or holds no page; the list is no
            UTF-8 CSV with the columns title and link.
    """
    if len(files) != 2:
        raise ParseError(
            "nLab is read from two files",
            where=", ".join(file.url for file in files) or "no file",
            expected="the content archive and the list of titles",
            got=f"{len(files)} file(s)",
            advice="fetch the source again",
        )
    archive, titles = files
    rejections: list[Rejection] = []
    pages = _read_pages(archive, rejections)
    rejections.extend(_bad_names(pages))
    owners = _owners(pages)
    terms = list(_page_terms(pages, owners))
    terms.extend(_title_terms(titles, pages, owners, rejections))
    return ParsedSource(
        info=INFO,
        read=len(terms) + len(rejections),
        terms=tuple(terms),
        relations=tuple(_relations(pages, owners)),
        rejections=tuple(rejections),
    )


# once both files are there whole, most titles repeat a page of the archive and count as rejected
SOURCE: Final = Source(info=INFO, fetch=fetch, parse=parse, least_kept_share=0.3)


def _read_pages(archive: RawFile, rejections: list[Rejection]) -> dict[str, _Page]:
    """Pages of the archive by name.

    Raises:
        ParseError: the archive is damaged or holds no page.
    """
    pages: dict[str, _Page] = {}
    folders = 0
    for folder, parts in _iter_folders(Path(archive.path)):
        folders += 1
        page = _read_page(parts)
        if isinstance(page, _Page) and page.name in pages:
            page = ("duplicate name", page.name)
        if isinstance(page, _Page):
            pages[page.name] = page
        else:
            rejections.append(_rejection(f"nlab-content: {folder}", *page))
    if not folders:
        raise ParseError(
            "no page in the archive of nLab",
            where=archive.path,
            expected="files named <root>/pages/d1/d2/d3/d4/ID/content.md",
            got="none",
            advice="check whether nlab-content has changed its layout",
        )
    return pages


def _iter_folders(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Each page's folder with its files; git writes the files of a folder side by side."""
    current, parts = "", dict[str, bytes]()
    for member, data in iter_members(path, wanted="*/pages/*"):
        match = _MEMBER.fullmatch(member)
        if match is None:
            continue
        if match[1] != current and parts:
            yield current, parts
            parts = {}
        current = match[1]
        parts[match[2]] = data
    if parts:
        yield current, parts


def _read_page(parts: dict[str, bytes]) -> _Page | tuple[str, str]:
    """The page, or the reason why there is none and what was found."""
    if "name" not in parts:
        return "no name file", f"content.md of {len(parts['content.md'])} bytes"
    if "content.md" not in parts:
        return "no content.md file", parts["name"][:200].decode("utf-8", "replace")
    try:
        name = clean_name(parts["name"].decode("utf-8-sig"))
        content = parts["content.md"].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return "not UTF-8", str(error)
    problem = _problem(name)
    return (problem, name) if problem else _Page(name=name, markup=read_markup(content))


def _problem(name: str) -> str | None:
    """Why the text cannot name a page; ``None`` if it can."""
    if not name:
        return "no title"
    if len(name) > MAX_NAME_CHARS:
        return "title too long"
    categories = {unicodedata.category(char) for char in name}
    if categories & {"Cc", "Cs"}:
        return "control character in the title"
    if not any(category[0] in "LN" or category == "Sm" for category in categories):
        return "title is only punctuation"
    return None


def _bad_names(pages: dict[str, _Page]) -> Iterator[Rejection]:
    """Redirects, links and includes of pages that are kept, which cannot name any page."""
    for page in pages.values():
        markup = page.markup
        for name in (*markup.redirects, *markup.links, *markup.includes):
            if _problem(name):
                yield _rejection(f"nlab-content: {page.name}", "link to no possible page", name)


def _rejection(where: str, reason: str, got: str) -> Rejection:
    return Rejection(where=where, reason=reason, got=repr(got)[:200])


def _owners(pages: dict[str, _Page]) -> dict[str, str]:
    """Name or redirect -> name of the page that answers to it; a page's own name wins."""
    owners = {name: name for name in pages}
    for page in pages.values():
        for redirect in page.markup.redirects:
            owners.setdefault(redirect, page.name)
    return owners


def _page_terms(pages: dict[str, _Page], owners: dict[str, str]) -> Iterator[Term]:
    fragments = _only_included(pages, owners)
    for page in pages.values():
        kind = _kind_of_page(page, fragments)
        text = page.markup.definition if kind in _DEFINED else None
        yield _term(
            page.name,
            kind,
            others=page.markup.redirects,
            definition=None if text is None else Definition(text=text),
        )


_DEFINED: Final = frozenset({TermKind.CONCEPT, TermKind.DISAMBIGUATION})


def _only_included(pages: dict[str, _Page], owners: dict[str, str]) -> set[str]:
    """Names of pages that some page includes and none links to: fragments, not articles."""
    included, linked = set[str](), set[str]()
    for page in pages.values():
        included.update(owners.get(name, name) for name in page.markup.includes)
        linked.update(owners.get(name, name) for name in page.markup.links)
    return included - linked


def _kind_of_page(page: _Page, fragments: set[str]) -> TermKind:
    """What the page's categories say; a page without a telling one is a concept or a fragment.

    Unlike a bare title, a page with text is not taken for a person because of its name.
    """
    for category in page.markup.categories:
        if category in _KINDS:
            return _KINDS[category]
    kind = kind_of_title(page.name)
    if page.name in fragments or kind is TermKind.META:
        return TermKind.META
    return TermKind.DISAMBIGUATION if kind is TermKind.DISAMBIGUATION else TermKind.CONCEPT


def _term(
    name: str,
    kind: TermKind,
    *,
    others: Iterable[str] = (),
    definition: Definition | None = None,
) -> Term:
    curie = ids.nlab_curie(name)
    preferred = _visible(name)
    alternatives = dict.fromkeys(_visible(other) for other in others if not _problem(other))
    alternatives.pop(preferred, None)
    labels = [Label(text=preferred, lang="en")]
    labels.extend(Label(text=text, lang="en", kind=LabelKind.ALTERNATIVE) for text in alternatives)
    return Term(
        id=curie,
        source=INFO.name,
        labels=tuple(labels),
        kind=kind,
        url=PAGE_URL + curie.removeprefix("nlab:"),
        definition=definition,
    )


def _visible(name: str) -> str:
    """The name without invisible characters, which are part of a few addresses."""
    return "".join(char for char in name if unicodedata.category(char) != "Cf").strip()


def _relations(pages: dict[str, _Page], owners: dict[str, str]) -> Iterator[Relation]:
    for page in pages.values():
        subject = ids.nlab_curie(page.name)
        for predicate, via, names in (
            (vocab.LINKS_TO, "wikilink", page.markup.links),
            (vocab.INCLUDES, "include", page.markup.includes),
        ):
            targets = (owners.get(name, name) for name in names if not _problem(name))
            for target in dict.fromkeys(map(ids.nlab_curie, targets)):
                if target != subject:
                    yield Relation(subject=subject, predicate=predicate, object=target, via=via)


def _title_terms(
    titles: RawFile,
    pages: dict[str, _Page],
    owners: dict[str, str],
    rejections: list[Rejection],
) -> Iterator[Term]:
    """A term for each title that no page of the archive has; the others go to ``rejections``."""
    fragments = _only_included(pages, owners)
    seen: set[str] = set()
    for where, row in _iter_rows(titles):
        name = clean_name(row[0]) if row else ""
        reason = _reason_to_reject(row, name, owners, seen)
        if reason:
            rejections.append(_rejection(where, reason, row[0] if row else ""))
            continue
        seen.add(name)
        if row[1] and unquote_plus(row[1].removeprefix(PAGE_URL)) != row[0]:
            rejections.append(_rejection(where, "link is not that of the title", row[1]))
        yield _term(name, TermKind.META if name in fragments else kind_of_title(_visible(name)))


def _reason_to_reject(
    row: list[str], name: str, owners: dict[str, str], seen: set[str]
) -> str | None:
    if len(row) != 2:
        return "not two columns"
    if name in seen:
        return "duplicate title"
    if owners.get(name) == name:
        return "page read from the archive"
    if name in owners:
        return "alternative label of a page in the archive"
    return _problem(name)


def _iter_rows(titles: RawFile) -> Iterator[tuple[str, list[str]]]:
    """Place and fields of each row below the heading; other files raise ParseError."""
    try:
        text = Path(titles.path).read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(reader, [])
        if header != ["title", "link"]:
            raise _bad_titles(titles, "the columns title and link", repr(header)[:200])
        for row in reader:
            yield f"nlab.csv:{reader.line_num}", row
    except OSError as error:
        raise _bad_titles(titles, "a readable file", str(error)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise _bad_titles(titles, "CSV in UTF-8", str(error)) from error


def _bad_titles(titles: RawFile, expected: str, got: str) -> ParseError:
    return ParseError(
        "the list of nLab titles cannot be read",
        where=titles.path,
        expected=expected,
        got=got,
        advice="fetch it again, or check whether MathGloss has changed the file",
    )
