"""What people judged to be the item of a term, read from a file.

A file of gold is right as a whole or not used at all: the first bad row is an error with its line.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mathgloss.errors import InputError
from mathgloss.ids import is_qid

TERM_COLUMNS: Final = ("source", "term", "lang", "qid")
_REACHABLE: Final = {"1": True, "0": False, "": None}


@dataclass(frozen=True, slots=True)
class GoldTerm:
    """A term whose item is known.

    Attributes:
        item: CURIE of the item that it names exactly; ``None`` if a person judged there is none.
        in_slice: whether the item is among those that were read; ``None`` if the file is silent.
    """

    source: str
    label: str
    lang: str
    item: str | None
    in_slice: bool | None = None
    definition: str = ""


def read_terms(path: Path) -> list[GoldTerm]:
    """Gold of terms: CSV ``source,term,lang,qid[,in_slice][,definition]``, UTF-8.

    An empty ``qid`` says that the term has no item; ``in_slice`` is 1, 0 or empty.

    Raises:
        InputError: not UTF-8, not CSV, a column missing, a bad value, or no row; with the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            header = reader.fieldnames or ()
            if not set(TERM_COLUMNS) <= set(header):
                raise InputError(
                    f"{path}:1: expected columns {','.join(TERM_COLUMNS)}[,in_slice][,definition], "
                    f"got {','.join(header) or 'an empty file'}"
                )
            rows = [_term(f"{path}:{reader.line_num}", row) for row in reader]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8, got {error}") from error
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not well-formed CSV: {error}") from error
    if not rows:
        raise InputError(f"{path}:2: expected a term, got nothing")
    return rows


def _term(where: str, row: dict[str, str | None]) -> GoldTerm:
    if None in row or None in row.values():
        raise InputError(f"{where}: expected as many cells as columns, got {list(row.values())}")
    cell = {name: (text or "").strip() for name, text in row.items()}
    for name in ("source", "term", "lang"):
        if not cell[name]:
            raise InputError(f"{where}: expected a {name}, got nothing")
    if cell["qid"] and not is_qid(cell["qid"]):
        raise InputError(f"{where}: expected a qid such as Q42, or nothing, got {cell['qid']!r}")
    reachable = cell.get("in_slice", "")
    if reachable not in _REACHABLE:
        raise InputError(f"{where}: expected in_slice 1, 0 or nothing, got {reachable!r}")
    return GoldTerm(
        source=cell["source"],
        label=cell["term"],
        lang=cell["lang"],
        item=f"wd:{cell['qid']}" if cell["qid"] else None,
        in_slice=_REACHABLE[reachable] if cell["qid"] else None,
        definition=cell.get("definition", ""),
    )
