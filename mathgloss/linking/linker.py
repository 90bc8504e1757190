"""From a term to the concept that it names: exact, close, broader, or none.

Candidates, features and ranking come together here. The answer is the concept that the term names
exactly, if that is likely enough; else the nearest: the same name with "set", "space" and such at
its end (close), or the kind of thing that the term's head names (broad).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mathgloss import vocab
from mathgloss.linking.candidates import Candidates, Query, Reading, Retriever, read_query
from mathgloss.linking.catalogue import STANDING, Catalogue, Name
from mathgloss.linking.features import FEATURES, Featuriser, Table
from mathgloss.linking.forms import CHANGING, KIND_WORDS, Norm, bag, noun_phrase, stems
from mathgloss.linking.meaning import Meaning
from mathgloss.linking.ranking import (
    RankingModel,
    Verdict,
    Zones,
    evidence_kind,
    profile_name,
    rank,
)
from mathgloss.model import Candidate

BATCH: Final = 2_000
RUNNERS_UP: Final = 4
# Shares of right ones among the closest and broader concepts given for terms without an exact one,
# by reading samples; see docs/linking.md.
CLOSE: Final = 0.75
BROAD: Final = 0.85
_CLOSE_FROM: Final = 0.2
_COLUMN: Final = {name: place for place, name in enumerate(FEATURES)}


class Zone(StrEnum):
    """What is done with an exact match: taken, shown to a person, or nothing."""

    ACCEPT = "accept"
    REVIEW = "review"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The answer for one term.

    Attributes:
        zone: of the exact match with the first candidate.
        candidates: concepts that the term may name exactly, the likeliest first, each with its
            probability; may be empty.
        nearest: the closest or broader concept where there is no exact one, with the probability
            that ``predicate`` holds.
        predicate: of the answer; ``exactMatch`` also where there is none at all.
        reason: why the first candidate, or the nearest, in words.
    """

    zone: Zone
    candidates: tuple[Candidate, ...]
    nearest: Candidate | None
    predicate: str
    reason: str

    @property
    def exact(self) -> Candidate | None:
        """The concept that the term names, if that is likely enough to say so."""
        return self.candidates[0] if self.zone is not Zone.NONE else None

    @property
    def probability(self) -> float:
        """That the first candidate is what the term names; 0 without one."""
        return self.candidates[0].confidence if self.candidates else 0.0


class Linker:
    """Links terms to the concepts of one catalogue.

    Args:
        catalogue: where a term may be linked to.
        model: the trained ranking.
        meaning: vectors; used only if the model was trained with this encoder's, otherwise terms
            are linked by their words alone.
    """

    def __init__(
        self, catalogue: Catalogue, model: RankingModel, meaning: Meaning | None = None
    ) -> None:
        self.catalogue = catalogue
        self.model = model
        usable = meaning is not None and meaning.encoder.fingerprint == model.encoder
        self._meaning = meaning if usable else None
        self._retriever = Retriever(catalogue, self._meaning)
        self._featuriser = Featuriser(catalogue, _described(catalogue, self._meaning))

    def over(self, catalogue: Catalogue) -> Linker:
        """The same linker over other concepts."""
        return Linker(catalogue, self.model, self._meaning)

    def with_model(self, model: RankingModel) -> Linker:
        """The same linker with another model that was trained with the same encoder."""
        other = copy(self)
        other.model = model
        return other

    @property
    def meaning(self) -> Meaning | None:
        """The encoder's vectors, if they count."""
        return self._meaning

    @property
    def uses_meaning(self) -> bool:
        """Whether an encoder's vectors count."""
        return self._meaning is not None

    @property
    def method(self) -> str:
        """How it links, for provenance."""
        if self._meaning is None:
            return "names"
        return f"names and meaning by {self._meaning.encoder.name}"

    def link(self, queries: Sequence[Query]) -> list[Link]:
        """The answer for each query, in order; equal queries are linked once.

        Raises:
            EmbeddingError: the encoder failed.
        """
        distinct = list(dict.fromkeys(queries))
        answers: dict[Query, Link] = {}
        for start in range(0, len(distinct), BATCH):
            batch = distinct[start : start + BATCH]
            answers.update(zip(batch, self._link(batch), strict=True))
        return [answers[query] for query in queries]

    def table(self, queries: Sequence[Query]) -> tuple[list[Reading], Table]:
        """The candidates and features of each query, as training reads them."""
        readings = [_without_letter(read_query(query)) for query in queries]
        contexts = None
        if self._meaning is not None:
            contexts = self._meaning.vectors([_context(query) for query in queries])
        defined = [bool(query.definition) for query in queries]
        found = [
            self._allowed(candidates, query.refused)
            for candidates, query in zip(self._retriever.find(readings), queries, strict=True)
        ]
        return readings, self._featuriser.table(found, contexts, defined)

    def _allowed(self, found: Candidates, refused: frozenset[str]) -> Candidates:
        """The candidates without names of concepts that the term is known not to name."""
        if not refused:
            return found
        return found.only([self.catalogue.ids[name.concept] not in refused for name in found.names])

    def ranked(self, queries: Sequence[Query]) -> tuple[list[Reading], Table, list[Verdict]]:
        """Each query as it was read, all candidates with their features, and their order."""
        readings, table = self.table(queries)
        names = [profile_name(lang, dense=self.uses_meaning) for lang in ("en", "mul")]
        kinds = np.array([int(reading.lang != "en") for reading in readings], np.int64)
        verdicts = rank(table, [self.model.profiles[name] for name in names], kinds)
        return readings, table, verdicts

    @property
    def zones(self) -> Zones:
        """From which probabilities on a link is taken, and shown."""
        return self.model.zones[evidence_kind(dense=self.uses_meaning)]

    def _link(self, queries: Sequence[Query]) -> list[Link]:
        readings, table, verdicts = self.ranked(queries)
        return [
            self._answer(query, reading, table, verdict)
            for query, reading, verdict in zip(queries, readings, verdicts, strict=True)
        ]

    def _answer(self, query: Query, reading: Reading, table: Table, verdict: Verdict) -> Link:
        candidates = tuple(
            self._candidate(int(table.concepts[row]), float(chance))
            for row, chance in zip(
                verdict.order[: RUNNERS_UP + 1], verdict.probabilities, strict=False
            )
        )
        chance = candidates[0].confidence if candidates else 0.0
        zones = self.zones
        zone = (
            Zone.ACCEPT
            if chance >= zones.accept
            else Zone.REVIEW
            if chance >= zones.review
            else Zone.NONE
        )
        predicate, nearest = vocab.EXACT_MATCH, None
        if zone is Zone.NONE:
            predicate, nearest = self._nearest(query, reading, table, verdict)
        if nearest is not None:
            word = "nearly" if predicate == vocab.CLOSE_MATCH else "a kind of"
            reason = f"{reading.text!r} is {word} {nearest.label!r}"
        else:
            reason = self._reason(reading, table, verdict)
        return Link(
            zone=zone,
            candidates=candidates,
            nearest=nearest,
            predicate=predicate,
            reason=reason,
        )

    def _candidate(self, place: int, chance: float) -> Candidate:
        return Candidate(
            concept=self.catalogue.ids[place],
            label=self.catalogue.titles[place],
            confidence=round(chance, 4),
        )

    # ------------------------------------------------------------------ close, broad

    def _nearest(
        self, query: Query, reading: Reading, table: Table, verdict: Verdict
    ) -> tuple[str, Candidate | None]:
        """The close or broader concept of a term that has no exact one."""
        if not len(verdict.order) or reading.lang != "en" or reading.qualifier is not None:
            return vocab.EXACT_MATCH, None
        first = verdict.order[0]
        name = self.catalogue.names[int(table.names[first])]
        if verdict.probabilities[0] >= _CLOSE_FROM and _nearly(reading.norm, name):
            return vocab.CLOSE_MATCH, self._candidate(int(table.concepts[first]), CLOSE)
        broader = self._broader(reading)
        if broader is None or self.catalogue.ids[broader] in query.refused:
            return vocab.EXACT_MATCH, None
        return vocab.BROAD_MATCH, self._candidate(broader, BROAD)

    def _broader(self, reading: Reading) -> int | None:
        """The one concept that the longest ending of the term's noun phrase names."""
        phrase = noun_phrase(reading.norm)
        for start in range(0 if len(phrase) < len(reading.norm) else 1, len(phrase)):
            if not CHANGING.isdisjoint(stems(phrase[:start], "en")):
                return None
            rows = self.catalogue.by_norm["en", phrase[start:]]
            places = {self.catalogue.names[row].concept for row in rows}
            # a name of several things does not say which of them it is a kind of, and a word that
            # is not known to be mathematics may be anything
            if len(places) == 1 and (len(phrase) - start > 1 or self._is_core(min(places))):
                return places.pop()
            if places:
                return None
        return None

    def _is_core(self, place: int) -> bool:
        return bool(self.catalogue.standing[place, STANDING.index("in_core")])

    # ------------------------------------------------------------------ reasons

    def _reason(self, reading: Reading, table: Table, verdict: Verdict) -> str:
        if not len(verdict.order):
            return "no name is like it" if reading.norm else "nothing to read in it"
        first = verdict.order[0]
        values = {name: table.values[first, place] for name, place in _COLUMN.items()}
        name = self.catalogue.names[int(table.names[first])]
        text = f"{' '.join(name.norm)!r} ({name.lang})"
        same = sum(values[kind] for kind in _COLUMN if kind.startswith("same_")) and (
            name.norm == reading.norm
        )
        if same:
            kind = "a name" if name.preferred else "another name"
            reason = f"the same as {text}, {kind} of {self._title(table, first)!r}"
            if values["same_among_several"]:
                reason += "; other concepts are called so, too"
            return reason
        if name.lang == reading.lang and bag(name.norm, name.lang) == bag(
            reading.norm, reading.lang
        ):
            return f"the same words as {text}, a name of {self._title(table, first)!r}"
        near = f"spelling {values['spelling']:.2f}"
        if self._meaning is not None:
            near += f", meaning {values['meaning']:.2f}"
        return f"nearest to {text}, a name of {self._title(table, first)!r} ({near})"

    def _title(self, table: Table, row: int) -> str:
        return self.catalogue.titles[int(table.concepts[row])]


def _nearly(norm: Norm, name: Name) -> bool:
    """Whether a term is a name without its "set", "space" and such: "comeager", "comeager set".

    Names that share their stems alone ("distributed lattice", "distributive lattice") were tried:
    three of thirteen were close.
    """
    return name.lang == "en" and name.norm[:-1] == norm and name.norm[-1] in KIND_WORDS


def _without_letter(reading: Reading) -> Reading:
    """A single letter names a hundred things, so none."""
    if len(reading.text) == 1 and reading.text.isalpha() and reading.text.isascii():
        return Reading((), reading.lang, reading.qualifier)
    return reading


def _context(query: Query) -> str:
    return f"{query.label}: {query.definition}" if query.definition else query.label


def _described(catalogue: Catalogue, meaning: Meaning | None) -> NDArray[np.float32] | None:
    """Unit vectors of title and description; zero without a description."""
    if meaning is None:
        return None
    pairs = zip(catalogue.titles, catalogue.descriptions, strict=True)
    return meaning.vectors([f"{title}: {text}" if text else "" for title, text in pairs])
