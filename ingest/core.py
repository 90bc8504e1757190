"""The bundled core: hand-checked facts that come with MathGloss, so that it works with no network.

Homepage: this repository, ``data/bundled``. Licence: CC0-1.0. Names, relations and syllabus
positions are facts, each row with the address where it can be checked; the one-sentence summaries
are the project's own words.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ingest import wikidata_scope
from ingest.fetch import MEBIBYTE, Fetcher
from ingest.source import Source
from mathgloss.errors import ParseError
from mathgloss.ids import BASE, is_qid, page_url
from mathgloss.model import (
    Definition,
    FormalLink,
    Label,
    LabelKind,
    Licence,
    ParsedSource,
    RawFile,
    Reference,
    Rejection,
    Relation,
    SourceInfo,
    Term,
)
from mathgloss.paths import bundled_dir

INFO: Final = SourceInfo(
    name="core",
    title="MathGloss core",
    homepage="https://github.com/MathGloss/MathGloss/tree/main/data",
    licence=Licence(
        name="CC0-1.0",
        url="https://creativecommons.org/publicdomain/zero/1.0/",
        redistributable=True,
    ),
)

LANGUAGES: Final = ("fr", "de", "es", "it", "pt", "ru", "zh", "ja", "pl")
CONCEPTS: Final = ("id", "en", "en_alt", *LANGUAGES, "summary", "check")
RELATIONS: Final = ("subject", "property", "object", "check")
SYLLABUS: Final = ("id", "position", "lean", "concept", "check")

_ITEM_COLUMNS: Final = {
    CONCEPTS: ("id",),
    RELATIONS: ("subject", "object"),
    SYLLABUS: ("concept",),
}

Row = dict[str, str]


def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
    """The three tables, read in place from the bundled data."""
    folder = bundled_dir()
    names = ("concepts.tsv", "relations.tsv", "syllabus.tsv")
    files = (fetcher.local(folder / name, max_bytes=4 * MEBIBYTE) for name in names)
    # not the path on this machine, which is nobody's business and differs from the next one's
    return tuple(
        replace(file, url=f"{BASE}bundled/{name}") for name, file in zip(names, files, strict=True)
    )


def parse(files: Sequence[RawFile]) -> ParsedSource:
    """Items with names and summaries, relations between them, syllabus topics that name them.

    Raises:
        ParseError: a table is not UTF-8 or its header is not the documented one.
    """
    terms: list[Term] = []
    relations: list[Relation] = []
    rejections: list[Rejection] = []
    seen: set[str] = set()
    read = 0
    tables = zip(files, (CONCEPTS, RELATIONS, SYLLABUS), strict=True)
    for file, columns in tables:
        for where, row in _rows(Path(file.path), columns):
            problem = _problem(row, columns, seen)
            if problem:
                read += 1
                rejections.append(Rejection(where=where, reason=problem, got=repr(row)[:200]))
            elif columns is RELATIONS:
                relations.append(_relation(row))
            else:
                read += 1
                seen.add(row["id"])
                terms.append(_concept(row) if columns is CONCEPTS else _topic(row))
    return ParsedSource(
        info=INFO,
        read=read,
        terms=tuple(terms),
        relations=tuple(relations),
        rejections=tuple(rejections),
    )


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, Row]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ParseError(
            "the table is not text",
            where=str(path),
            expected="UTF-8",
            got=str(error),
            advice="restore the file from the release",
        ) from error
    header = tuple(lines[0].split("\t")) if lines else ()
    if header != tuple(columns):
        raise ParseError(
            "the table has other columns",
            where=f"{path}:1",
            expected=" ".join(columns),
            got=" ".join(header) or "an empty file",
            advice="restore the file from the release",
        )
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, restkey="more")
    for row in reader:
        yield f"{path.name}:{reader.line_num}", {key: value or "" for key, value in row.items()}


def _problem(row: Row, columns: tuple[str, ...], seen: set[str]) -> str:
    if "more" in row:
        return "too many cells"
    name = {CONCEPTS: "en", SYLLABUS: "position"}.get(columns)
    if name is not None and not row[name].rpartition(" > ")[2].strip():
        return "no label"
    prefix, _, local = row.get("id", "").partition(":")
    if columns is SYLLABUS and not (prefix == "syllabus" and local.strip()):
        return "not a syllabus topic"
    items = [row[key] for key in _ITEM_COLUMNS[columns]]
    if not all(name.startswith("wd:") and is_qid(name.removeprefix("wd:")) for name in items):
        return "not a Wikidata item"
    if columns is RELATIONS and row["property"] not in wikidata_scope.RELATIONS:
        return "unknown property"
    if row.get("id") in seen:
        return "identifier came before"
    return "" if row["check"].startswith("https://") else "no address to check the fact"


def _names(row: Row) -> Iterator[Label]:
    yield Label(text=row["en"], lang="en")
    for name in _split(row["en_alt"]):
        yield Label(text=name, lang="en", kind=LabelKind.ALTERNATIVE)
    for lang in LANGUAGES:
        for place, name in enumerate(_split(row[lang])):
            kind = LabelKind.PREFERRED if place == 0 else LabelKind.ALTERNATIVE
            yield Label(text=name, lang=lang, kind=kind)


def _split(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(";") if name.strip()]


def _concept(row: Row) -> Term:
    return Term(
        id=row["id"],
        source=INFO.name,
        url=row["check"],
        labels=tuple(_names(row)),
        definition=Definition(text=row["summary"]) if row["summary"] else None,
    )


def _relation(row: Row) -> Relation:
    return Relation(
        subject=row["subject"],
        predicate=wikidata_scope.RELATIONS[row["property"]],
        object=row["object"],
        via=row["property"],
    )


def _topic(row: Row) -> Term:
    position = tuple(row["position"].split(" > "))
    formal = (
        (FormalLink(declaration=row["lean"], url=page_url(f"lean:{row['lean']}") + "#doc"),)
        if row["lean"]
        else ()
    )
    return Term(
        id=row["id"],
        source=INFO.name,
        url=row["check"],
        labels=(Label(text=position[-1], lang="en"),),
        position=position,
        formal=formal,
        references=(Reference(target=row["concept"], via="hand-checked"),),
    )


SOURCE: Final = Source(info=INFO, fetch=fetch, parse=parse)
