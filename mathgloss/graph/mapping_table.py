"""The table of mappings: what lists of them are filtered and sorted by, in SQLite.

Beside each mapping stands all that a person needs to judge it, so a page of the list is one query.
"""

from __future__ import annotations

import json
import re
import sqlite3
import weakref
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mathgloss import ids
from mathgloss.errors import DataNotFoundError
from mathgloss.io.decisions import Decision, Decisions, Verdict
from mathgloss.model import Candidate, Mapping, ParsedSource, Term

if TYPE_CHECKING:
    from mathgloss.linking.align import Alignment  # slow to import, needed only to build

MAPPINGS: Final = "mappings.sqlite"
MAX_DEFINITION_CHARS: Final = 600
MAX_NAMES: Final = 8
# a runner-up less likely than this only takes room
SHOWN_FROM: Final = 0.01
# a probability of one half says nothing
EVEN: Final = 0.5

_SCHEMA: Final = """
CREATE TABLE mapping (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, mapping_set TEXT NOT NULL,
  source TEXT NOT NULL, predicate TEXT NOT NULL, term TEXT NOT NULL, concept TEXT NOT NULL,
  confidence REAL NOT NULL, by_term TEXT NOT NULL UNIQUE, by_doubt TEXT NOT NULL UNIQUE
);
CREATE INDEX mapping_term ON mapping (term);
CREATE INDEX mapping_concept ON mapping (concept);
CREATE INDEX mapping_facets ON mapping (mapping_set, source, predicate, confidence);
CREATE INDEX mapping_set_doubt ON mapping (mapping_set, by_doubt);
CREATE INDEX mapping_source_term ON mapping (source, by_term);
CREATE INDEX mapping_source_doubt ON mapping (source, by_doubt);
CREATE TABLE card (key INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE decision (subject TEXT, object TEXT, value TEXT, PRIMARY KEY (subject, object));
"""
_TEX: Final = re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)

Card = dict[str, Any]
Filter = tuple[str, str | float]


@dataclass(frozen=True, slots=True)
class Count:
    """How many mappings of one set, source and predicate there are."""

    mapping_set: str
    source: str
    predicate: str
    number: int


def write_mappings(
    path: Path, alignment: Alignment, sources: Iterable[ParsedSource], decisions: Decisions
) -> None:
    """Write the table of all mappings, and the decisions that were obeyed."""
    cards = _Cards(alignment, sources)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        for key, row in enumerate(alignment.mappings):
            by_term = f"{row.subject} {row.object} {row.predicate}"
            doubt = abs(row.confidence - EVEN)
            connection.execute(
                "INSERT INTO mapping VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key, row.id, row.set, row.subject_source, row.predicate, row.subject,
                    row.object, row.confidence, by_term, f"{doubt:.4f} {row.id}",
                ),
            )  # fmt: skip
            card = json.dumps(cards.of(row), ensure_ascii=False, separators=(",", ":"))
            connection.execute("INSERT INTO card VALUES (?, ?)", (key, card))
        connection.executemany(
            "INSERT INTO decision VALUES (?, ?, ?)",
            ((row.subject, row.object, json.dumps(asdict(row))) for row in decisions),
        )
        connection.execute("ANALYZE")


class _Cards:
    """What is known of both sides of a mapping; of a text only what its licence allows."""

    def __init__(self, alignment: Alignment, sources: Iterable[ParsedSource]) -> None:
        self._served = {source.info.name: source.info for source in sources}
        self._terms: dict[str, list[Term]] = {}
        for source in sources:
            for term in source.terms:
                self._terms.setdefault(term.id, []).append(term)
        self._concepts = {concept.id: concept for concept in alignment.concepts}

    def of(self, mapping: Mapping) -> Card:
        return {
            "id": mapping.id,
            "iri": f"{ids.BASE}mapping/{mapping.id}",
            "set": str(mapping.set),
            "predicate": mapping.predicate,
            "confidence": round(mapping.confidence, 4),
            "term": self._term(mapping),
            "concept": self._concept(mapping.object, mapping.object_label),
            "runners_up": [
                self._runner_up(other)
                for other in mapping.runners_up
                if other.confidence >= SHOWN_FROM
            ],
            "evidence": [
                {"source": item.source, "justification": item.justification, "detail": item.detail}
                for item in mapping.evidence
            ],
        }

    def _term(self, mapping: Mapping) -> Card:
        terms = self._terms.get(mapping.subject, [])
        names = [(label.text, label.lang) for term in terms for label in term.labels]
        return {
            "id": mapping.subject,
            "label": mapping.subject_label,
            "source": mapping.subject_source,
            "url": next((term.url for term in terms if term.url), ids.page_url(mapping.subject)),
            "names": _names(names, but=mapping.subject_label),
            "position": list(next((term.position for term in terms if term.position), ())),
            "definition": self._definition(terms),
        }

    def _concept(self, concept: str, label: str) -> Card:
        held = self._concepts.get(concept)
        names = [
            (text, lang)
            for lang in ("en", "fr", "de")
            for text in (held.labels.get(lang, ()) if held else ())
        ]
        terms = [
            term for name in (held.terms if held else ()) for term in self._terms.get(name, ())
        ]
        return {
            "id": concept,
            "label": label,
            "url": ids.page_url(concept),
            "names": _names(names, but=label),
            "definition": self._definition(terms),
        }

    def _runner_up(self, other: Candidate) -> Card:
        concept = self._concept(other.concept, other.label)
        return {**concept, "confidence": other.confidence}

    def _definition(self, terms: Sequence[Term]) -> Card | None:
        """The first definition that may be served, cut to what a person reads at a glance."""
        for term in terms:
            info = self._served[term.source]
            if term.definition is not None and info.licence.redistributable:
                return {
                    "text": shortened(term.definition.text),
                    "lang": term.definition.lang,
                    "source": term.source,
                    "licence": info.licence.name,
                    "url": term.url or ids.page_url(term.id),
                }
        return None


def _names(names: Iterable[tuple[str, str]], *, but: str) -> list[Card]:
    distinct = [{"text": text, "lang": lang} for text, lang in dict.fromkeys(names) if text != but]
    return distinct[:MAX_NAMES]


def shortened(text: str, limit: int = MAX_DEFINITION_CHARS) -> str:
    """The beginning of a Markdown text, cut between words and never inside a formula."""
    if len(text) <= limit:
        return text
    for formula in _TEX.finditer(text):
        if formula.start() < limit < formula.end():
            limit = formula.start()
    return text[: limit + 1].rpartition(" ")[0].rstrip() + " …"


class MappingTable:
    """Lists of mappings; safe to use from several threads.

    Raises:
        DataNotFoundError: the snapshot was built before there were such tables.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DataNotFoundError(
                f"{path.name}: not in this snapshot, which an earlier version built; "
                "run 'mathgloss build'"
            )
        self._connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        # a snapshot that is no longer published goes when its last reader does
        weakref.finalize(self, self._connection.close)

    def find(self, mapping_id: str) -> Card | None:
        """The mapping with this identifier."""
        rows = self._connection.execute(
            "SELECT value FROM mapping JOIN card USING (key) WHERE id = ?", (mapping_id,)
        ).fetchall()
        return json.loads(rows[0][0]) if rows else None

    def page(
        self, filters: Sequence[Filter], *, order: str, after: str, limit: int
    ) -> list[tuple[str, Card]]:
        """Mappings that pass the filters, each with its sort key.

        Args:
            filters: conditions with one placeholder, and what stands for it.
            order: the column that sorts them, ``by_term`` or ``by_doubt``.
            after: the sort key of the last mapping before; empty at the beginning.
            limit: how many at most.
        """
        where, values = _where([*filters, (f"{order} > ?", after)])
        rows = self._connection.execute(
            f"SELECT {order}, value FROM mapping JOIN card USING (key) {where} "  # noqa: S608
            f"ORDER BY {order} LIMIT ?",
            [*values, limit],
        )
        return [(key, json.loads(value)) for key, value in rows]

    def number(self, filters: Sequence[Filter]) -> int:
        """How many mappings pass the filters."""
        where, values = _where(filters)
        rows = self._connection.execute(f"SELECT COUNT(*) FROM mapping {where}", values)  # noqa: S608
        return int(rows.fetchone()[0])

    def counts(self, filters: Sequence[Filter]) -> list[Count]:
        """How many mappings of each set, source and predicate pass the filters."""
        where, values = _where(filters)
        rows = self._connection.execute(
            f"SELECT mapping_set, source, predicate, COUNT(*) FROM mapping {where} "  # noqa: S608
            "GROUP BY mapping_set, source, predicate",
            values,
        )
        return [Count(*row) for row in rows]

    def subject(self, term: str) -> str | None:
        """The label under which a term is mapped, if it is."""
        rows = self._connection.execute(
            "SELECT value FROM mapping JOIN card USING (key) WHERE term = ? LIMIT 1", (term,)
        ).fetchall()
        return str(json.loads(rows[0][0])["term"]["label"]) if rows else None

    def has_decisions(self) -> bool:
        """Whether this snapshot was built with any decision."""
        rows = self._connection.execute("SELECT EXISTS (SELECT 1 FROM decision)")
        return bool(rows.fetchone()[0])

    def obeyed(self, subject: str, target: str) -> Decision | None:
        """The decision on a pair of term and concept that this snapshot was built with."""
        rows = self._connection.execute(
            "SELECT value FROM decision WHERE subject = ? AND object = ?", (subject, target)
        ).fetchall()
        if not rows:
            return None
        row = json.loads(rows[0][0])
        return Decision(**{**row, "verdict": Verdict(row["verdict"])})


def _where(filters: Sequence[Filter]) -> tuple[str, list[str | float]]:
    conditions = " AND ".join(condition for condition, _ in filters)
    return f"WHERE {conditions}" if conditions else "", [value for _, value in filters]
