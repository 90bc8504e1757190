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
# senses of words that are no concept of mathematics
EVERYDAY: Final = "none:"
# concepts that only the core has
OWN: Final = "mathgloss:"
# names of more items, a column for each language, the preferred name first in its cell
NAMES_EN: Final = ("id", "en")
NAMES_FR_DE_ES: Final = ("id", "fr", "de", "es")
NAMES_IT_PT: Final = ("id", "it", "pt")
SENSES: Final = ("id", "name", "synonyms", "words", "fields", "cues", "summary", "check")
RELATIONS: Final = ("subject", "property", "object", "check")
SYLLABUS: Final = ("id", "position", "lean", "concept", "check")

TABLES: Final = {
    "concepts.tsv": CONCEPTS,
    "names-en.tsv": NAMES_EN,
    "names-fr-de-es.tsv": NAMES_FR_DE_ES,
    "names-it-pt.tsv": NAMES_IT_PT,
    "senses.tsv": SENSES,
    "relations.tsv": RELATIONS,
    "syllabus.tsv": SYLLABUS,
}

_ITEM_COLUMNS: Final = {
    CONCEPTS: ("id",),
    NAMES_EN: ("id",),
    NAMES_FR_DE_ES: ("id",),
    NAMES_IT_PT: ("id",),
    SENSES: ("id",),
    RELATIONS: ("subject", "object"),
    SYLLABUS: ("concept",),
}

_NAME_COLUMNS: Final = {
    CONCEPTS: ("en",),
    SENSES: ("name",),
    SYLLABUS: ("position",),
    RELATIONS: (),
}

Row = dict[str, str]


def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
    """The tables, read in place from the bundled data."""
    folder = bundled_dir()
    files = (fetcher.local(folder / name, max_bytes=4 * MEBIBYTE) for name in TABLES)
    # not the path on this machine, which is nobody's business and differs from the next one's
    return tuple(
        replace(file, url=f"{BASE}bundled/{name}") for name, file in zip(TABLES, files, strict=True)
    )


def parse(files: Sequence[RawFile]) -> ParsedSource:
    """Items with names and summaries, relations between them, syllabus topics that name them.

    Raises:
        ParseError: a table is not UTF-8 or its header is not the documented one.
    """
    terms: list[Term] = []
    relations: list[Relation] = []
    rejections: list[Rejection] = []
    read = 0
    for file, columns in zip(files, TABLES.values(), strict=True):
        seen: set[str] = set()
        for where, row in _rows(Path(file.path), columns):
            problem = _problem(row, columns, seen)
            if columns is SENSES and row["id"].startswith(EVERYDAY):
                continue  # for reading texts; it names no concept
            if problem:
                read += 1
                rejections.append(Rejection(where=where, reason=problem, got=repr(row)[:200]))
            elif columns is RELATIONS:
                relations.append(_relation(row))
            else:
                read += 1
                seen.add(row["id"])
                terms.append(_MAKERS[columns](row))
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
    named = _NAME_COLUMNS.get(columns, columns[1:])
    if named and not any(row[name].rpartition(" > ")[2].strip() for name in named):
        return "no label"
    prefix, _, local = row.get("id", "").partition(":")
    if columns is SYLLABUS and not (prefix == "syllabus" and local.strip()):
        return "not a syllabus topic"
    items = [row[key] for key in _ITEM_COLUMNS[columns]]
    own = columns is SENSES and row["id"].startswith(OWN)
    if not own and not all(name.startswith("wd:") and is_qid(name[3:]) for name in items):
        return "not a Wikidata item"
    if columns is RELATIONS and row["property"] not in wikidata_scope.RELATIONS:
        return "unknown property"
    if row.get("id") in seen:
        return "identifier came before"
    if "check" in columns and not row["check"].startswith("https://"):
        return "no address to check the fact"
    return ""


def _names(row: Row) -> Iterator[Label]:
    yield Label(text=row["en"], lang="en")
    for name in _split(row["en_alt"]):
        yield Label(text=name, lang="en", kind=LabelKind.ALTERNATIVE)
    for lang in LANGUAGES:
        yield from _cell(row[lang], lang)


def _cell(cell: str, lang: str) -> Iterator[Label]:
    for place, name in enumerate(_split(cell)):
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


def _named(row: Row) -> Term:
    """More names of an item; where they can be checked is the item's own page."""
    return Term(
        id=row["id"],
        source=INFO.name,
        url=page_url(row["id"]),
        labels=tuple(
            label for lang, cell in row.items() if lang != "id" for label in _cell(cell, lang)
        ),
    )


def _sense(row: Row) -> Term:
    """A sense of an ambiguous word; the single words that may mean it are names of it, too."""
    own = row["id"].startswith(OWN)
    words = [word for word in _split(row["words"]) if " " not in word and "-" not in word]
    names = list(dict.fromkeys([row["name"], *_split(row["synonyms"]), *words]))
    return Term(
        id=row["id"],
        source=INFO.name,
        url=row["check"],
        labels=tuple(
            Label(
                text=name,
                lang="en",
                kind=LabelKind.PREFERRED if own and place == 0 else LabelKind.ALTERNATIVE,
            )
            # an item has its own names; only the one that tells its sense apart is added
            for place, name in enumerate(names if own else names[:1])
        ),
        definition=Definition(text=row["summary"]),
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


_MAKERS: Final = {
    CONCEPTS: _concept,
    NAMES_EN: _named,
    NAMES_FR_DE_ES: _named,
    NAMES_IT_PT: _named,
    SENSES: _sense,
    SYLLABUS: _topic,
}

SOURCE: Final = Source(info=INFO, fetch=fetch, parse=parse)
