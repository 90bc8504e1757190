"""Mappings of terms to concepts, with their evidence: lists to review, and why one is there.

What curators decided since the snapshot was built is read beside it and marked as pending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from mathgloss import ids
from mathgloss.answers.paging import Answer, checked_limit, cursor_after, key_of
from mathgloss.errors import DecisionsError, InputError, NotFoundError
from mathgloss.graph.mapping_table import Count, Filter, MappingTable
from mathgloss.graph.reader import Reader, short_name
from mathgloss.io.decisions import PREDICATES, Decision, DecisionFiles, Decisions
from mathgloss.model import MappingSet

# how a list may be sorted -> the column that sorts it
ORDERS: Final = {"term": "by_term", "doubt": "by_doubt"}
# taken back since the snapshot was built
UNDONE: Final = "undo"
_SETS: Final = tuple(str(name) for name in MappingSet)
_SOURCE: Final = ids.BASE + "source/"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFilter:
    """Which mappings a list has; an empty value lets all pass.

    Attributes:
        concept: in any form that names a concept.
        least: the smallest confidence, in [0, 1].
        most: the largest.
    """

    set: str = ""
    source: str = ""
    predicate: str = ""
    concept: str = ""
    term: str = ""
    least: float = 0.0
    most: float = 1.0


ALL_MAPPINGS: Final = MappingFilter()


class Mappings:
    """The mappings of one snapshot, and what was decided about them since.

    Args:
        reader: of the snapshot.
        table: its table of mappings.
        files: the decisions beside it.
        resolve: the concept that an identifier names.
    """

    def __init__(
        self,
        reader: Reader,
        table: MappingTable,
        files: DecisionFiles,
        resolve: Callable[[str], str],
    ) -> None:
        self.reader = reader
        self.table = table
        self.files = files
        self.resolve = resolve

    def page(
        self, wanted: MappingFilter, *, sort: str = "term", cursor: str = "", limit: int = 50
    ) -> Answer:
        """A page of the mappings that pass a filter, with facets over all pages.

        A facet counts what there would be if its own filter were another.

        Args:
            wanted: the filter.
            sort: ``term``, or ``doubt`` for the confidence nearest to one half first.
            cursor: ``next`` of the page before; empty for the first.
            limit: how many to give.

        Raises:
            InputError: a value is out of its range, or the cursor none of ours.
            NotFoundError: no such concept.
        """
        checked_limit(limit)
        order = _one_of("sort", sort, ORDERS) and ORDERS[sort]
        common = self._common(wanted)
        chosen = [
            (f"{column} = ?", value)
            for column, value in (
                ("mapping_set", _one_of("set", wanted.set, _SETS)),
                ("source", wanted.source),
                ("predicate", _one_of("predicate", wanted.predicate, PREDICATES)),
            )
            if value
        ]
        after = key_of(cursor)
        found = self.table.page([*chosen, *common], order=order, after=after, limit=limit + 1)
        counts = self.table.counts(common)
        before = [*chosen, *common, (f"{order} <= ?", after)]
        decisions, problem = self._decisions()
        return {
            "items": [self._decided(card, decisions) for _, card in found[:limit]],
            "total": sum(row.number for row in counts if _passes(row, wanted)),
            "before": self.table.number(before) if after else 0,
            "facets": _facets(counts, wanted),
            "next": cursor_after(found[limit - 1][0]) if len(found) > limit else None,
            "problem": problem,
            "snapshot": self.reader.snapshot.id,
        }

    def _common(self, wanted: MappingFilter) -> list[Filter]:
        """The conditions that hold for every facet."""
        if not 0 <= wanted.least <= wanted.most <= 1:
            raise InputError(
                f"confidence: expected a range in 0 to 1, got {wanted.least} to {wanted.most}"
            )
        filters: list[Filter] = []
        if wanted.least > 0:
            filters.append(("confidence >= ?", wanted.least))
        if wanted.most < 1:
            filters.append(("confidence <= ?", wanted.most))
        if wanted.concept:
            filters.append(("concept = ?", self.resolve(wanted.concept)))
        if wanted.term:
            filters.append(("term = ?", ids.canonical(wanted.term)))
        return filters

    def one(self, mapping_id: str) -> Answer:
        """Why a term is mapped to a concept: the evidence, what sources say of both, decisions.

        Raises:
            NotFoundError: no mapping has this identifier.
        """
        card = self.table.find(mapping_id)
        if card is None:
            raise NotFoundError(
                f"no mapping {mapping_id[:100]!r} in snapshot {self.reader.snapshot.id}"
            )
        decisions, problem = self._decisions()
        return {
            **self._decided(card, decisions),
            "said_of_term": self._said(card["term"]["id"], own=True),
            "said_of_concept": self._said(card["concept"]["id"], own=False),
            "problem": problem,
            "snapshot": self.reader.snapshot.id,
        }

    def _said(self, identifier: str, *, own: bool) -> list[Answer]:
        """The definitions that sources give; with ``own`` without those of terms mapped to it."""
        said = []
        for row in self.reader.rows("concept_terms", concept=identifier):
            if short_name(row["property"].value) != "skos:definition" or (own and row["term"]):
                continue
            source = row["source"].value.removeprefix(_SOURCE)
            said.append({
                "term": ids.curie(row["term"].value) if row["term"] else identifier,
                "source": source,
                "text": row["value"].value,
                "lang": row["value"].language,
                "licence": self.reader.snapshot.manifest.sources[source]["licence"]["name"],
            })
        return sorted(said, key=lambda item: (item["source"], item["term"], item["text"]))

    # -------------------------------------------------------------------------------- decisions

    def _decisions(self) -> tuple[Decisions, str | None]:
        """The decisions that hold now; without them, why they cannot be read.

        What the snapshot says holds all the same, so it goes on being served.
        """
        try:
            return self.files.read(), None
        except DecisionsError as error:
            return Decisions(), str(error)

    def _decided(self, card: dict[str, Any], decisions: Decisions) -> Answer:
        pair = (card["term"]["id"], card["concept"]["id"])
        return {**card, "decision": self.state(decisions.find(*pair), self.table.obeyed(*pair))}

    @staticmethod
    def state(now: Decision | None, obeyed: Decision | None) -> Answer | None:
        """A decision as an answer tells it; ``pending`` until a build has obeyed it."""
        shown = now or obeyed
        if shown is None:
            return None
        return {
            "decision": str(now.verdict) if now else UNDONE,
            "predicate": shown.predicate,
            "curator": now.curator if now else "",
            "comment": now.comment if now else "",
            "decided_at": now.decided_at if now else None,
            "pending": now != obeyed,
        }


def _one_of(name: str, value: str, known: Iterable[str]) -> str:
    """The value, if it is known or empty."""
    if value and value not in known:
        raise InputError(f"{name}: expected one of {', '.join(known)}, got {value[:100]!r}")
    return value


def _values(row: Count) -> dict[str, str]:
    return {"set": row.mapping_set, "source": row.source, "predicate": row.predicate}


def _passes(row: Count, wanted: MappingFilter, *, but: str = "") -> bool:
    return all(
        name == but or getattr(wanted, name) in {"", value} for name, value in _values(row).items()
    )


def _facets(counts: Iterable[Count], wanted: MappingFilter) -> dict[str, dict[str, int]]:
    facets: dict[str, Counter[str]] = {
        "set": Counter(),
        "source": Counter(),
        "predicate": Counter(),
    }
    for row in counts:
        for name, value in _values(row).items():
            if _passes(row, wanted, but=name):
                facets[name][value] += row.number
    return {name: dict(sorted(held.items())) for name, held in facets.items()}
