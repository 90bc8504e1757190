"""Which sense of an ambiguous word a text means, if any.

Evidence for a sense: words near by and anywhere in the document that usually go with it; the
document's field; concepts of the document that the graph relates to it; and that a document uses a
word in one sense unless the words near by say otherwise. Evidence for none is the same for the
everyday sense, and grammar.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mathgloss.linking.fields import arxiv_categories
from mathgloss.linking.reading import Reading, words_and_pairs
from mathgloss.linking.senses import Sense, SenseInventory

Norm = tuple[str, ...]

_MATHEMATICS: Final = "math"
# words to each side that count as near by
WINDOW: Final = 8


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts, in logits.

    Chosen on half of the hand-made mentions (``tests/fixtures/mentions``); docs/linking.md gives
    the scores on the other half.
    """

    near: float = 0.3
    document: float = 0.21
    field: float = 2.6
    related: float = 2.0
    order: float = 0.1
    others: float = 0.5
    verb: float = 6.0
    longer: float = 1.5
    longer_here: float = 3.0
    mathematics: float = 1.5
    everyday: float = 0.8


@dataclass(frozen=True, slots=True)
class DocumentContext:
    """What a document as a whole tells of its words.

    Attributes:
        words: its distinct words and pairs of words.
        fields: how much it is of each field; from its categories, else from its words.
        concepts: concepts that it names without ambiguity.
    """

    words: Collection[Norm]
    fields: Mapping[str, float]
    concepts: Collection[str]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place of an ambiguous word: a span of tokens of one reading."""

    reading: Reading
    start: int
    end: int


def context_of(
    readings: Sequence[Reading],
    categories: Sequence[str],
    concepts: Collection[str],
    inventory: SenseInventory,
) -> DocumentContext:
    """The context of a document; categories of arXiv or codes of the MSC, may be none.

    A category that no sense is usual in says nothing.
    """
    words = set().union(*(words_and_pairs(reading.norms) for reading in readings))
    weights = inventory.field_weights(words)
    known = [name for name in arxiv_categories(categories) if name in inventory.known_fields]
    if known:
        share = 0.7 / len(known)
        weights = {field: 0.3 * weight for field, weight in weights.items()}
        for category in known:
            weights[category] = weights.get(category, 0.0) + share
    return DocumentContext(words, weights, concepts)


class Disambiguator:
    """Chooses senses from an inventory.

    Args:
        inventory: senses with their cues and fields.
        related: concepts that the graph relates to each concept.
    """

    def __init__(
        self,
        inventory: SenseInventory,
        related: Mapping[str, Collection[str]],
        weights: Weights | None = None,
    ) -> None:
        self.inventory = inventory
        self._related = related
        self._weights = weights or Weights()

    def choose(
        self, word: Norm, places: Sequence[Occurrence], context: DocumentContext
    ) -> list[list[tuple[Sense, float]]]:
        """For each place of a word its senses with their probabilities, the likeliest first."""
        senses = self.inventory.by_word[word]
        longer = [_longer(sense, word) for sense in senses]
        shared = [self._of_document(word, sense, n, context) for n, sense in enumerate(senses)]
        near = [self._near(senses, longer, place) for place in places]
        total = [sum(column) for column in zip(*near, strict=True)]
        others = max(1, len(places) - 1)
        ranked = []
        for n, place in enumerate(places):
            scores = [
                shared[k]
                + near[n][k]
                + self._weights.others * (total[k] - near[n][k]) / others
                + self._grammar(sense, place)
                for k, sense in enumerate(senses)
            ]
            chances = _softmax(scores)
            ranked.append(
                sorted(zip(senses, chances, strict=True), key=lambda row: row[1], reverse=True)
            )
        return ranked

    def _of_document(self, word: Norm, sense: Sense, order: int, context: DocumentContext) -> float:
        weights = self._weights
        cues = sum(
            self.inventory.rarity[cue] for cue in sense.cues if cue in context.words and cue != word
        )
        field = sum(
            context.fields.get(name, 0.0) / (1.0 + 0.3 * place)
            for place, name in enumerate(sense.fields)
        )
        score = weights.document * cues / math.sqrt(len(sense.cues) + 1) * 2
        score += weights.field * field - weights.order * order
        # a longer form somewhere in the document says which one the short form means
        score += weights.longer * any(form in context.words for form in _longer(sense, word))
        if sense.concept is None:
            score += weights.everyday
        else:
            if any(name.startswith(_MATHEMATICS) for name in sense.fields):
                score += weights.mathematics * sum(
                    w for name, w in context.fields.items() if name.startswith(_MATHEMATICS)
                )
            related = self._related.get(sense.concept, ())
            score += weights.related * min(2, sum(name in related for name in context.concepts))
        return score

    def _near(
        self, senses: Sequence[Sense], longer: Sequence[Sequence[Norm]], place: Occurrence
    ) -> list[float]:
        """What the words around a place say for each sense, given its longer forms."""
        norms = place.reading.norms
        start, end = max(0, place.start - WINDOW), min(len(norms), place.end + WINDOW)
        own = frozenset(norms[place.start : place.end])
        words = words_and_pairs([*norms[start : place.start], "", *norms[place.end : end]])
        around = {word for word in words if own.isdisjoint(word)}
        present = set(norms[start:end])
        return [
            self._weights.near * sum(self.inventory.rarity[cue] for cue in sense.cues & around)
            + self._weights.longer_here
            * any(present.issuperset(form) and _covers(norms, place, form) for form in forms)
            for sense, forms in zip(senses, longer, strict=True)
        ]

    def _grammar(self, sense: Sense, place: Occurrence) -> float:
        single = place.end - place.start == 1
        if sense.concept is None and single and place.reading.is_verb(place.start):
            return self._weights.verb
        return 0.0


def _longer(sense: Sense, word: Norm) -> list[Norm]:
    """The forms of a sense that hold the word and say more than it."""
    return [form for form in sense.words if len(form) > len(word) and word[0] in form]


def _covers(norms: Sequence[str], place: Occurrence, form: Norm) -> bool:
    """Whether a longer form stands in the text around the word."""
    size = len(form)
    return any(
        tuple(norms[start : start + size]) == form
        for start in range(max(0, place.end - size), place.start + 1)
    )


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    raised = [math.exp(score - top) for score in scores]
    total = sum(raised)
    return [value / total for value in raised]
