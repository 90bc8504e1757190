"""What one snapshot has that another has not."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any, Final

from mathgloss.graph.index import INDEX
from mathgloss.model import MappingSet

LISTED: Final = 50


def compare(previous: Path, new: Path) -> dict[str, Any]:
    """Concepts and mappings added and removed from one snapshot's folder to the other's.

    Counts are complete; of the rows themselves the first ``LISTED`` are given.
    """
    return {
        "previous": previous.name,
        "concepts": _changes(_concepts(previous), _concepts(new)),
        "mappings": {
            str(name): _changes(_mappings(previous, name), _mappings(new, name))
            for name in MappingSet
        },
    }


def _changes(before: set[str], after: set[str]) -> dict[str, Any]:
    added, removed = sorted(after - before), sorted(before - after)
    return {
        "added": len(added),
        "removed": len(removed),
        "first_added": added[:LISTED],
        "first_removed": removed[:LISTED],
    }


def _concepts(folder: Path) -> set[str]:
    connection = sqlite3.connect(f"{(folder / INDEX).as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        return {row[0] for row in connection.execute("SELECT id FROM concept")}
    finally:
        connection.close()


def _mappings(folder: Path, name: MappingSet) -> set[str]:
    path = folder / "sssom" / f"{name}.sssom.tsv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader((line for line in stream if line[0] != "#"), delimiter="\t")
        return {f"{row['subject_id']} {row['object_id']}" for row in rows}
