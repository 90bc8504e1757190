"""Named theorems and their state in Lean: Freek Wiedijk's 100, and the 1000+ theorems project.

Homepages: https://www.cs.ru.nl/~freek/100/ and https://1000-plus.github.io/; read from the two
files that Mathlib keeps about them. Licence: Apache-2.0.

Quirks handled: the 1000+ are keyed by Wikidata item, and that key is the reference; a key with a
letter behind (``Q190391X``) is a variant of the item's theorem, not the item, so it refers to
nothing; titles have HTML entities; a field may come twice in one theorem (the first counts).
Authors, dates and remarks are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ingest.fetch import MEBIBYTE, Fetcher
from ingest.lean import read_link
from ingest.rows import Tally, read_name, refuse
from ingest.source import Source
from ingest.syllabus import MATHLIB_LICENCE
from ingest.yaml_nodes import Entry, Listing, Node, Scalar, Table, read_yaml
from mathgloss import ids
from mathgloss.model import (
    FormalLink,
    Label,
    ParsedSource,
    RawFile,
    Reference,
    SourceInfo,
    Term,
)

INFO: Final = SourceInfo(
    name="theorems",
    title="100 and 1000+ theorems, as kept by Mathlib",
    homepage="https://1000-plus.github.io/",
    licence=MATHLIB_LICENCE,
)
_DOCS: Final = "https://raw.githubusercontent.com/leanprover-community/mathlib4/master/docs/"
URLS: Final = (_DOCS + "100.yaml", _DOCS + "1000.yaml")

# prefix -> form of its keys; in the order of URLS
_KEYS: Final = {
    "thm100": re.compile(r"[1-9][0-9]{0,3}"),
    "thm1000": re.compile(r"Q[1-9][0-9]{0,11}[A-Z]?"),
}
_FORMAL_FIELDS: Final = ("decl", "decls", "statement", "url", "links")
_OTHER_FIELDS: Final = frozenset({"title", "authors", "author", "date", "note", "comment"})


def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
    """Both files, the 100 first.

    Raises:
        SourceError: one of them cannot be had.
    """
    return tuple(fetcher.fetch(url, source=INFO.name, max_bytes=4 * MEBIBYTE) for url in URLS)


def parse(files: Sequence[RawFile]) -> ParsedSource:
    """A term for each theorem, in file order.

    Raises:
        ParseError: a file is not YAML, or not theorems with titles.
    """
    terms: list[Term] = []
    tallies: list[Tally] = []
    for raw, prefix in zip(files, _KEYS, strict=True):
        tally = Tally(Path(raw.path).name)
        terms.extend(_theorems(_read_table(raw), prefix, tally))
        tallies.append(tally)
    return ParsedSource(
        info=INFO,
        read=sum(tally.read for tally in tallies),
        terms=tuple(terms),
        rejections=tuple(row for tally in tallies for row in tally.rejections),
    )


def _read_table(raw: RawFile) -> Table:
    root = read_yaml(raw)
    expected = "theorems, each with a title"
    if not isinstance(root, Table):
        refuse(raw, expected, f"a {type(root).__name__.lower()}")
    if not any(_field(entry.value, "title") for entry in root.entries):
        refuse(raw, expected, f"{len(root.entries)} row(s), none with a title")
    return root


def _field(node: Node, name: str) -> Entry | None:
    if not isinstance(node, Table):
        return None
    return next((entry for entry in node.entries if entry.key == name), None)


def _theorems(table: Table, prefix: str, tally: Tally) -> Iterator[Term]:
    for entry in table.entries:
        tally.read += 1
        term = _term(entry, prefix, tally)
        if term is not None:
            yield term
    for entry in table.repeated:
        tally.reject_part(_where(entry), "duplicate key", entry.key)


def _term(entry: Entry, prefix: str, tally: Tally) -> Term | None:
    if not _KEYS[prefix].fullmatch(entry.key):
        reason = "not a number" if prefix == "thm100" else "not a Wikidata item"
        tally.reject(_where(entry), reason, entry.key)
        return None
    title = _field(entry.value, "title")
    if not isinstance(entry.value, Table) or title is None:
        tally.reject(_where(entry), "no label", entry.key)
        return None
    text = title.value.text if isinstance(title.value, Scalar) else None
    name, problem = read_name(text)
    if problem:
        reason = "no label" if problem in {"empty", "not text"} else f"name: {problem}"
        tally.reject(_where(title), reason, text)
        return None
    return Term(
        id=f"{prefix}:{entry.key}",
        source=INFO.name,
        labels=(Label(text=name, lang="en"),),
        url=ids.page_url(f"{prefix}:{entry.key}"),
        references=(
            (Reference(target=f"wd:{entry.key}", via="key"),) if ids.is_qid(entry.key) else ()
        ),
        formal=tuple(dict.fromkeys(_formal(entry.value, tally))),
    )


def _formal(fields: Table, tally: Tally) -> Iterator[FormalLink]:
    for entry in fields.repeated:
        text = entry.value.text if isinstance(entry.value, Scalar) else ""
        tally.reject_part(_where(entry), "duplicate key", f"{entry.key}: {text}")
    for entry in fields.entries:
        if entry.key in _FORMAL_FIELDS:
            for value in _values(entry.value):
                yield from _link(value, tally)
        elif entry.key not in _OTHER_FIELDS:
            tally.reject_part(_where(entry), "unknown field", entry.key)


def _values(node: Node) -> Iterator[Node]:
    if isinstance(node, Listing):
        yield from node.items
    elif isinstance(node, Table):
        yield from (entry.value for entry in (*node.entries, *node.repeated))
    elif node.text:
        yield node


def _link(node: Node, tally: Tally) -> Iterator[FormalLink]:
    text = node.text if isinstance(node, Scalar) else type(node).__name__
    link, problem = read_link(text)
    if link is not None and isinstance(node, Scalar):
        yield link
    else:
        tally.reject_part(f"line {node.line}", problem or "not a plain value", text)


def _where(entry: Entry) -> str:
    return f"line {entry.line}"


SOURCE: Final = Source(info=INFO, fetch=fetch, parse=parse)
