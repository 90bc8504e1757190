"""The label index: names of concepts in SQLite with full-text search (FTS5)."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from mathgloss.errors import InputError
from mathgloss.model import Concept
from mathgloss.normalize import normalize

INDEX: Final = "labels.sqlite"
MAX_QUERY_CHARS: Final = 200
# concepts in one question to SQLite
_BATCH: Final = 500
# names looked at for each concept wanted: several may be of one concept
_CANDIDATES: Final = 12

_SCHEMA: Final = """
CREATE TABLE concept (id TEXT PRIMARY KEY, weight INTEGER NOT NULL, description TEXT) WITHOUT ROWID;
CREATE TABLE name (
  key INTEGER PRIMARY KEY, concept TEXT NOT NULL, text TEXT NOT NULL, lang TEXT NOT NULL,
  preferred INTEGER NOT NULL, norm TEXT NOT NULL
);
CREATE INDEX name_norm ON name (norm);
CREATE INDEX name_concept ON name (concept);
CREATE VIRTUAL TABLE name_text USING fts5 (
  norm, content = 'name', content_rowid = 'key', tokenize = 'unicode61 remove_diacritics 2',
  prefix = '1 2 3'
);
"""

# The best matches come first of themselves: keys are given out in the order of _standing.
_MATCHES: Final = """
SELECT name.key, name.concept, name.text, name.lang, name.norm, concept.description
FROM name JOIN concept ON concept.id = name.concept
WHERE name.key IN (SELECT rowid FROM name_text WHERE name_text MATCH :match
                   ORDER BY rowid LIMIT :rows)
"""
_KEYS: Final = "SELECT rowid FROM name_text WHERE name_text MATCH :match"
_EXACT: Final = """
SELECT name.key, name.concept, name.text, name.lang, name.norm, concept.description
FROM name JOIN concept ON concept.id = name.concept
WHERE name.norm = :norm ORDER BY name.key LIMIT :rows
"""
_ENGLISH: Final = frozenset({"en", "mul"})


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept found by one of its names."""

    concept: str
    name: str
    lang: str
    description: str | None


def write_index(
    path: Path,
    concepts: Sequence[Concept],
    *,
    weights: MappingOf[str, int],
    descriptions: MappingOf[str, str],
) -> None:
    """Write the index of all names; ``weights`` say how well known a concept is."""
    known = {concept.id: weights.get(concept.id, 0) for concept in concepts}
    names = [name for concept in concepts for name in _names(concept)]
    names.sort(key=lambda name: _standing(name, known[name.concept]))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.executemany(
            "INSERT INTO concept VALUES (?, ?, ?)",
            ((concept, weight, descriptions.get(concept)) for concept, weight in known.items()),
        )
        connection.executemany(
            "INSERT INTO name (concept, text, lang, preferred, norm) VALUES (?, ?, ?, ?, ?)", names
        )
        connection.execute("INSERT INTO name_text (name_text) VALUES ('rebuild')")
        connection.execute("INSERT INTO name_text (name_text) VALUES ('optimize')")


class _Name(NamedTuple):
    concept: str
    text: str
    lang: str
    preferred: bool
    norm: str


def _names(concept: Concept) -> Iterator[_Name]:
    for lang, names in concept.labels.items():
        for place, text in enumerate(names):
            yield _Name(concept.id, text, lang, place == 0, " ".join(normalize(text, lang)))


def _standing(name: _Name, weight: int) -> tuple[bool, int, bool, str]:
    """English names first; of these the better known concepts, the shorter and preferred names."""
    english = name.lang in _ENGLISH
    return (not english, len(name.norm) // 4 - weight, not name.preferred, name.concept)


class LabelIndex:
    """Search by name; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        # a snapshot that is no longer published goes when its last reader does
        weakref.finalize(self, self._connection.close)

    def search(self, text: str, *, limit: int) -> list[Hit]:
        """Concepts whose names hold all words of ``text``, the last one perhaps unfinished.

        Raises:
            InputError: longer than ``MAX_QUERY_CHARS``.
        """
        norm = _searched(text)
        if not norm:
            return []
        words = _words(norm)
        rows = limit * _CANDIDATES
        found = {
            row[0]: row
            for query, asked in (
                (_EXACT, {"norm": norm}),
                (_MATCHES, {"match": f'^"{norm}"*'}),
                (_MATCHES, {"match": f"{words}*"}),
            )
            for row in self._connection.execute(query, {**asked, "rows": rows})
        }
        hits: dict[str, Hit] = {}
        for row in sorted(found.values(), key=lambda row: _fit(norm, *row)):
            _, concept, name, lang, _, description = row
            hits.setdefault(concept, Hit(concept, name, lang, description))
            if len(hits) == limit:
                break
        return list(hits.values())

    def matching(self, text: str) -> Iterator[int]:
        """The keys of all names that hold all words of ``text``, the last one perhaps unfinished.

        Raises:
            InputError: longer than ``MAX_QUERY_CHARS``.
        """
        words = _words(_searched(text))
        rows = self._connection.execute(_KEYS, {"match": f"{words}*"}) if words else ()
        return (row[0] for row in rows)

    def preferred(self, concepts: Sequence[str]) -> dict[str, dict[str, str]]:
        """The preferred name in each language, for each concept that has a name."""
        found: dict[str, dict[str, str]] = {}
        for start in range(0, len(concepts), _BATCH):
            batch = concepts[start : start + _BATCH]
            marks = ",".join("?" for _ in batch)
            rows = self._connection.execute(
                f"SELECT concept, lang, text FROM name WHERE preferred AND concept IN ({marks})",  # noqa: S608
                batch,
            )
            for concept, lang, text in rows:
                found.setdefault(concept, {})[lang] = text
        return found

    def descriptions(self, concepts: Sequence[str]) -> dict[str, str]:
        """A line about each concept that has one."""
        found: dict[str, str] = {}
        for start in range(0, len(concepts), _BATCH):
            batch = concepts[start : start + _BATCH]
            marks = ",".join("?" for _ in batch)
            rows = self._connection.execute(
                f"SELECT id, description FROM concept WHERE id IN ({marks})",  # noqa: S608
                batch,
            )
            found.update((concept, text) for concept, text in rows if text is not None)
        return found

    def exact(self, label: str) -> list[str]:
        """Concepts that carry exactly this name in some language, the best known first."""
        norm = " ".join(normalize(label))
        rows = self._connection.execute(
            "SELECT DISTINCT name.concept, concept.weight, name.preferred FROM name "
            "JOIN concept ON concept.id = name.concept WHERE name.norm = ? "
            "ORDER BY name.preferred DESC, concept.weight DESC, name.concept",
            (norm,),
        )
        return list(dict.fromkeys(row[0] for row in rows))


def _searched(text: str) -> str:
    """The normal form of a text that is searched for.

    Raises:
        InputError: longer than ``MAX_QUERY_CHARS``.
    """
    if len(text) > MAX_QUERY_CHARS:
        raise InputError(
            f"search text: expected at most {MAX_QUERY_CHARS} characters, got {len(text)}"
        )
    return " ".join(normalize(text))


def _words(norm: str) -> str:
    """The words of a normal form as FTS5 takes them."""
    return " ".join(f'"{word}"' for word in norm.split())


def _fit(
    wanted: str, key: int, _concept: str, _text: str, lang: str, norm: str, _description: str
) -> tuple[bool, int, int]:
    """Exact names first, then English names and names that begin so, then by standing."""
    begins = norm.startswith(wanted)
    return (norm != wanted, -(begins + (lang in _ENGLISH)), key)
