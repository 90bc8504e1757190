"""What one snapshot has that another has not."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from mathgloss.graph.index import INDEX
from mathgloss.model import MappingSet

LISTED: Final = 50

# what is compared of a concept (its English name) or of a mapping (its set and predicate)
State: TypeAlias = dict[str, str]
Key: TypeAlias = tuple[str, str | None]


class Change(NamedTuple):
    """A concept or mapping that is not as it was.

    Attributes:
        id: the concept, or the term that is mapped.
        object: the concept that the term is mapped to; ``None`` for a concept.
        before: its state before; ``None`` if it was not there.
        after: its state now; ``None`` if it is not there any more.
    """

    kind: Literal["concept", "mapping"]
    id: str
    object: str | None
    before: State | None
    after: State | None

    @property
    def what(self) -> str:
        """In one word: added, removed or changed."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"


def changes_between(previous: Path, new: Path) -> list[Change]:
    """All concepts and mappings added, removed and changed from one snapshot's folder to another's.

    A concept changes with its preferred English name; a mapping with its set or predicate.
    """
    return [
        *_changed("concept", _concepts(previous), _concepts(new)),
        *_changed("mapping", _mappings(previous), _mappings(new)),
    ]


def _changed(
    kind: Literal["concept", "mapping"], before: dict[Key, State], after: dict[Key, State]
) -> Iterator[Change]:
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            yield Change(kind, *key, before.get(key), after.get(key))


def compare(previous: Path, new: Path) -> dict[str, Any]:
    """Concepts and mappings added and removed from one snapshot's folder to the other's.

    Counts are complete; of the rows themselves the first ``LISTED`` are given.
    """
    mapped = _mappings(previous), _mappings(new)
    return {
        "previous": previous.name,
        "concepts": _summary(*(_identifiers(_concepts(folder)) for folder in (previous, new))),
        "mappings": {
            str(name): _summary(*(_identifiers(held, name) for held in mapped))
            for name in MappingSet
        },
    }


def _summary(before: set[str], after: set[str]) -> dict[str, Any]:
    added, removed = sorted(after - before), sorted(before - after)
    return {
        "added": len(added),
        "removed": len(removed),
        "first_added": added[:LISTED],
        "first_removed": removed[:LISTED],
    }


def _identifiers(held: dict[Key, State], mapping_set: str | None = None) -> set[str]:
    """Concepts, or mappings of one set as subject and object."""
    return {
        " ".join(part for part in key if part)
        for key, state in held.items()
        if mapping_set is None or state["set"] == mapping_set
    }


def _concepts(folder: Path) -> dict[Key, State]:
    """The English name of each concept; an empty one where it has none."""
    uri = f"{(folder / INDEX).as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        rows = connection.execute(
            "SELECT concept.id, name.text FROM concept LEFT JOIN name "
            "ON name.concept = concept.id AND name.lang = 'en' AND name.preferred"
        )
        return {(concept, None): {"label": label or ""} for concept, label in rows}


def _mappings(folder: Path) -> dict[Key, State]:
    """Set and predicate of each mapping."""
    return {
        (row["subject_id"], row["object_id"]): {"set": str(name), "predicate": row["predicate_id"]}
        for name in MappingSet
        for row in _rows(folder / "sssom" / f"{name}.sssom.tsv")
    }


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader((line for line in stream if line[0] != "#"), delimiter="\t")
