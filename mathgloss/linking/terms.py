"""Linking a list of terms: one SSSOM row for each, to a Wikidata item or to none."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mathgloss import vocab
from mathgloss.errors import InputError
from mathgloss.io.sssom import NO_TERM_FOUND
from mathgloss.linking.lexicon import ACCEPT, Lexicon

REQUIRED: Final = ("id", "label")
# Share of terms without any candidate that have no item at all, see docs/linking.md.
NONE_WITHOUT_CANDIDATE: Final = 0.49


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term to link, as the user gives it."""

    id: str
    label: str
    lang: str = "en"
    definition: str = ""


def read_terms(path: Path) -> list[TermRow]:
    """Terms from a CSV file with columns ``id,label`` and perhaps ``lang,definition``.

    Raises:
        InputError: not UTF-8 CSV, a column missing, or a row without an identifier; with the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{path}:1: expected columns id,label[,lang,definition], got "
                    f"{','.join(reader.fieldnames or ()) or 'an empty file'}"
                )
            return [_term_row(path, reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV file in UTF-8, got {error}") from error


def _term_row(path: Path, line: int, row: dict[str, str | None]) -> TermRow:
    identifier = (row["id"] or "").strip()
    if not identifier:
        raise InputError(f"{path}:{line}: expected an id in the first column, got nothing")
    return TermRow(
        id=identifier,
        label=" ".join((row["label"] or "").split()),
        lang=(row.get("lang") or "en").strip() or "en",
        definition=row.get("definition") or "",
    )


def link_terms(lexicon: Lexicon, terms: Iterable[TermRow]) -> Iterator[dict[str, str]]:
    """One SSSOM row for each term, in order; ``sssom:NoTermFound`` where no item is likely."""
    for term in terms:
        candidates = [
            candidate
            for candidate in lexicon.candidates(term.label, term.lang)
            if candidate.concept.startswith("wd:")
        ]
        first = candidates[0] if candidates else None
        found = first is not None and first.confidence >= ACCEPT
        others = candidates[1:4] if found else candidates[:3]
        if first is None:
            confidence = NONE_WITHOUT_CANDIDATE if term.label else 1.0
        else:
            confidence = first.confidence if found else 1.0 - first.confidence
        yield {
            "subject_id": term.id,
            "subject_label": term.label,
            "predicate_id": vocab.EXACT_MATCH,
            "object_id": first.concept if first is not None and found else NO_TERM_FOUND,
            "object_label": first.label if first is not None and found else "",
            "mapping_justification": vocab.LEXICAL,
            "confidence": f"{confidence:.4g}",
            "comment": "; ".join(
                f"next: {other.concept} {other.label!r} {other.confidence:.2f}" for other in others
            ),
        }
