"""Linking a list of terms: one SSSOM row for each, to a Wikidata item or to none."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mathgloss import vocab
from mathgloss.errors import InputError
from mathgloss.io.sssom import NO_TERM_FOUND
from mathgloss.linking.candidates import Query
from mathgloss.linking.linker import Link, Linker

REQUIRED: Final = ("id", "label")
MAX_CELL_CHARS: Final = 10_000_000
# what an encoder reads of a definition
MAX_DEFINITION_CHARS: Final = 600
SHOWN_FROM: Final = 0.005


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term to link, as the user gives it."""

    id: str
    label: str
    lang: str = "en"
    definition: str = ""


def read_terms(path: Path, rejected: list[str]) -> list[TermRow]:
    """Terms from a CSV file with columns ``id,label`` and perhaps ``lang,definition``.

    Args:
        path: UTF-8 with or without a byte order mark.
        rejected: gets a sentence for each row without an identifier, and for each row that is
            kept but suspicious: without a label, or with the identifier of an earlier one.

    Raises:
        InputError: not UTF-8, not CSV (an unclosed quote), or a column missing; with the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            # a cell may be long, but not without limit
            csv.field_size_limit(MAX_CELL_CHARS)
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{path}:1: expected columns id,label[,lang,definition], got "
                    f"{','.join(reader.fieldnames or ()) or 'an empty file'}"
                )
            return list(_term_rows(path, reader, rejected))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8, got {error}") from error
    except csv.Error as error:
        raise InputError(f"{path}: not a well-formed CSV file: {error}") from error


def _term_rows(path: Path, reader: csv.DictReader[str], rejected: list[str]) -> Iterator[TermRow]:
    seen: set[str] = set()
    for row in reader:
        where = f"{path}:{reader.line_num}"
        term = TermRow(
            id=_clean(row["id"]),
            label=_clean(row["label"]),
            lang=_clean(row.get("lang")) or "en",
            definition=row.get("definition") or "",
        )
        if not term.id:
            rejected.append(f"{where}: expected an id in the first column, got nothing")
            continue
        if not term.label:
            rejected.append(f"{where}: {term.id}: no label, so no item is found")
        if term.id in seen:
            rejected.append(f"{where}: {term.id}: the id came before, so it has two rows")
        seen.add(term.id)
        yield term


def _clean(cell: str | None) -> str:
    """The cell without control characters, white space collapsed."""
    text = "".join(" " if char.isspace() or not char.isprintable() else char for char in cell or "")
    return " ".join(text.split())


def link_terms(
    linker: Linker, terms: Sequence[TermRow], *, nearest: bool = False
) -> Iterator[dict[str, str]]:
    """One SSSOM row for each term, in order; ``sssom:NoTermFound`` where no item is likely.

    With ``nearest``, a term that no item matches exactly gets the close or broader item that the
    linker knows of; without, that is only said in the comment.
    """
    queries = [
        Query(term.label, term.lang, term.definition[:MAX_DEFINITION_CHARS]) for term in terms
    ]
    for term, link in zip(terms, linker.link(queries), strict=True):
        exact = link.exact
        answer, predicate = exact, vocab.EXACT_MATCH
        if exact is None and nearest and link.nearest is not None:
            answer, predicate = link.nearest, link.predicate
        confidence = answer.confidence if answer is not None else 1.0 - link.probability
        yield {
            "subject_id": term.id,
            "subject_label": term.label,
            "predicate_id": predicate,
            "object_id": answer.concept if answer is not None else NO_TERM_FOUND,
            "object_label": answer.label if answer is not None else "",
            "mapping_justification": vocab.COMPOSITE if linker.uses_meaning else vocab.LEXICAL,
            "mapping_tool": "mathgloss",
            "confidence": f"{confidence:.4g}",
            "comment": _comment(link),
        }


def _comment(link: Link) -> str:
    parts = [f"{link.zone}: {link.reason}"]
    if link.nearest is not None:
        held = link.nearest
        parts.append(f"{link.predicate} {held.concept} {held.label!r} {held.confidence:.2f}")
    others = link.candidates[1:4] if link.exact is not None else link.candidates[:3]
    parts += [
        f"next: {other.concept} {other.label!r} {other.confidence:.2f}"
        for other in others
        if other.confidence >= SHOWN_FROM
    ]
    return "; ".join(parts)
