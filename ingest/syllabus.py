"""Two outlines kept by Mathlib: the French undergraduate syllabus, and the overview of Mathlib.

Homepages: https://leanprover-community.github.io/undergrad.html and
https://leanprover-community.github.io/mathlib-overview.html. Licence: Apache-2.0.

Both files are YAML: headings within headings, then topics. A topic's value is a Lean declaration,
a URL that stands in for one, empty (not formalised yet), or, in a few places, a path of the old
documentation, which is rejected. A URL is kept as such and never read as "the same thing as that
article": several lead to a section, or to a page about something else.

Headings become terms too, because a person browses by them, but of the kind *list*: most
("Fundamentals", "Definitions and properties") name no notion, so none may become a concept.
Every topic and inner heading is part of the heading above it.

Two pairs of topics differ only in ``l^2`` and ``L^2``; the later one's identifier ends in ``-2``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from ingest.fetch import MEBIBYTE, Fetcher
from ingest.lean import read_link
from ingest.rows import Tally, read_name, refuse
from ingest.source import Source
from ingest.yaml_nodes import Entry, Listing, Scalar, Table, read_yaml
from mathgloss import ids, vocab
from mathgloss.model import (
    FormalLink,
    Label,
    Licence,
    ParsedSource,
    RawFile,
    Relation,
    SourceInfo,
    Term,
    TermKind,
)

_DOCS: Final = "https://raw.githubusercontent.com/leanprover-community/mathlib4/master/docs/"
MATHLIB_LICENCE: Final = Licence(
    name="Apache-2.0",
    url="https://www.apache.org/licenses/LICENSE-2.0",
    redistributable=True,
)
INFO: Final = SourceInfo(
    name="syllabus",
    title="French undergraduate syllabus, as kept by Mathlib",
    homepage="https://leanprover-community.github.io/undergrad.html",
    licence=MATHLIB_LICENCE,
)
OVERVIEW_INFO: Final = SourceInfo(
    name="overview",
    title="Overview of Mathlib",
    homepage="https://leanprover-community.github.io/mathlib-overview.html",
    licence=MATHLIB_LICENCE,
)
URL: Final = _DOCS + "undergrad.yaml"
OVERVIEW_URL: Final = _DOCS + "overview.yaml"
MAX_DEPTH: Final = 8


@dataclass(slots=True)
class _Outline:
    """What has been gathered while walking down one file."""

    info: SourceInfo
    tally: Tally
    terms: dict[str, Term] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)

    def new_id(self, parent: str | None, name: str) -> str | None:
        """An identifier below the parent's; ``None`` if the name has no letter or digit."""
        slug = unicodedata.normalize("NFC", ids.slug(name))
        if not slug:
            return None
        first = f"{parent}/{slug}" if parent else f"{self.info.name}:{slug}"
        curie, number = first, 1
        while curie in self.terms:
            number += 1
            curie = f"{first}-{number}"
        return curie


def parse(files: Sequence[RawFile], *, info: SourceInfo = INFO) -> ParsedSource:
    """A term for each heading and topic, in file order.

    Raises:
        ParseError: not YAML, or not headings with topics below them.
    """
    (raw,) = files
    root = read_yaml(raw)
    if not isinstance(root, Table) or not any(
        isinstance(entry.value, Table) for entry in root.entries
    ):
        refuse(raw, "headings with topics below them", f"a {type(root).__name__.lower()}")
    outline = _Outline(info, Tally(Path(raw.path).name))
    _walk(root, None, (), outline)
    return ParsedSource(
        info=info,
        read=outline.tally.read,
        terms=tuple(outline.terms.values()),
        relations=tuple(outline.relations),
        rejections=tuple(outline.tally.rejections),
    )


def _walk(table: Table, parent: str | None, path: tuple[str, ...], outline: _Outline) -> None:
    for entry in table.entries:
        outline.tally.read += 1
        curie = _add(entry, parent, path, outline)
        if curie is not None and isinstance(entry.value, Table):
            _walk(entry.value, curie, outline.terms[curie].position, outline)
    for entry in table.repeated:
        outline.tally.reject_part(_where(entry), "duplicate key", entry.key)


def _add(entry: Entry, parent: str | None, path: tuple[str, ...], outline: _Outline) -> str | None:
    """Take one heading or topic; its identifier, or ``None`` if it was rejected."""
    name, problem = read_name(entry.key)
    curie = outline.new_id(parent, name) if name else None
    if isinstance(entry.value, Listing):
        problem = "neither a heading nor a topic"
    elif problem:
        problem = "no label" if problem == "empty" else f"name: {problem}"
    elif len(path) >= MAX_DEPTH:
        problem = "nested too deeply"
    elif curie is None:
        problem = "name without a letter or digit"
    if problem or curie is None:
        outline.tally.reject(_where(entry), problem, entry.key)
        return None
    outline.terms[curie] = Term(
        id=curie,
        source=outline.info.name,
        labels=(Label(text=name, lang="en"),),
        kind=TermKind.LIST if isinstance(entry.value, Table) else TermKind.CONCEPT,
        url=ids.page_url(curie),
        formal=_formal(entry, outline.tally),
        position=(*path, name),
    )
    if parent is not None:
        outline.relations.append(
            Relation(subject=curie, predicate=vocab.PART_OF, object=parent, via=outline.info.name)
        )
    return curie


def _formal(entry: Entry, tally: Tally) -> tuple[FormalLink, ...]:
    if not isinstance(entry.value, Scalar) or not entry.value.text:
        return ()
    link, problem = read_link(entry.value.text)
    if link is None:
        tally.reject_part(_where(entry), problem, entry.value.text)
        return ()
    return (link,)


def _where(entry: Entry) -> str:
    return f"line {entry.line}"


def _fetch(fetcher: Fetcher, *, url: str, source: str) -> tuple[RawFile, ...]:
    return (fetcher.fetch(url, source=source, max_bytes=4 * MEBIBYTE),)


SOURCE: Final = Source(info=INFO, fetch=partial(_fetch, url=URL, source=INFO.name), parse=parse)
OVERVIEW: Final = Source(
    info=OVERVIEW_INFO,
    fetch=partial(_fetch, url=OVERVIEW_URL, source=OVERVIEW_INFO.name),
    parse=partial(parse, info=OVERVIEW_INFO),
)
