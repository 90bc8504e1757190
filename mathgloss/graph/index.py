"""The label index: names of concepts in SQLite with full-text search (FTS5)."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mathgloss.errors import InputError
from mathgloss.model import Concept
from mathgloss.normalize import normalize

INDEX: Final = "labels.sqlite"
MAX_QUERY_CHARS: Final = 200

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

_PAGE: Final = """
SELECT concept.id, name.text FROM concept
LEFT JOIN name ON name.concept = concept.id AND name.lang = 'en' AND name.preferred = 1
WHERE concept.id > :after ORDER BY concept.id LIMIT :limit
"""

# Exact names first, then English names and names that begin so, then the rest; within each the
# better known concepts and the shorter names.
_SEARCH: Final = """
SELECT name.concept, name.text, name.lang, concept.description,
       (SELECT shown.text FROM name AS shown WHERE shown.concept = name.concept
        AND shown.lang = 'en' AND shown.preferred LIMIT 1) AS label,
       (name.norm = :norm) AS exact, (name.norm >= :norm AND name.norm < :after) AS begins
FROM name_text JOIN name ON name.key = name_text.rowid
JOIN concept ON concept.id = name.concept
WHERE name_text MATCH :match
ORDER BY exact DESC, begins + (name.lang IN ('en', 'mul')) DESC,
         concept.weight - length(name.norm) / 4 DESC, name.preferred DESC, name.concept
LIMIT :rows
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept found by one of its names; ``label`` is the name under which it is shown."""

    concept: str
    label: str
    name: str
    lang: str
    description: str | None


def write_index(
    path: Path,
    concepts: Iterable[Concept],
    *,
    weights: MappingOf[str, int],
    descriptions: MappingOf[str, str],
) -> None:
    """Write the index of all names; ``weights`` say how well known a concept is."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        for concept in concepts:
            connection.execute(
                "INSERT INTO concept VALUES (?, ?, ?)",
                (concept.id, weights.get(concept.id, 0), descriptions.get(concept.id)),
            )
            connection.executemany(
                "INSERT INTO name (concept, text, lang, preferred, norm) VALUES (?, ?, ?, ?, ?)",
                (
                    (concept.id, text, lang, place == 0, " ".join(normalize(text, lang)))
                    for lang, names in concept.labels.items()
                    for place, text in enumerate(names)
                ),
            )
        connection.execute("INSERT INTO name_text (name_text) VALUES ('rebuild')")
        connection.execute("INSERT INTO name_text (name_text) VALUES ('optimize')")


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
        if len(text) > MAX_QUERY_CHARS:
            raise InputError(
                f"search text: expected at most {MAX_QUERY_CHARS} characters, got {len(text)}"
            )
        norm = " ".join(normalize(text))
        if not norm:
            return []
        match = " ".join(f'"{word}"' for word in norm.split()) + "*"
        rows = self._connection.execute(
            _SEARCH,
            {"norm": norm, "after": norm + "\U0010ffff", "match": match, "rows": limit * 8},
        )
        hits: dict[str, Hit] = {}
        for concept, name, lang, description, label, _, _ in rows:
            hits.setdefault(concept, Hit(concept, label or name, name, lang, description))
            if len(hits) == limit:
                break
        return list(hits.values())

    def page(self, *, after: str, limit: int) -> list[tuple[str, str | None]]:
        """Concepts in the order of their identifiers, each with its preferred English name."""
        return self._connection.execute(_PAGE, {"after": after, "limit": limit}).fetchall()

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
