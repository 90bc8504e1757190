"""What simple methods reach on the same gold over the same catalogue, to measure a linker against.

Each ranks concepts for a term and gives the first a score. From which score on it links is learnt
from the other half of the gold (:func:`two_fold`), so no threshold has seen the terms it is used
on. Names of the term's language and English ones are searched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mathgloss.embedding import nearest
from mathgloss.evaluation.bootstrap import group_numbers
from mathgloss.evaluation.sets import ENGLISH
from mathgloss.evaluation.terms import Prediction, group_keys
from mathgloss.linking.candidates import Query, Reading, read_query
from mathgloss.linking.catalogue import Catalogue
from mathgloss.linking.gold import GoldTerm
from mathgloss.linking.training import fold
from mathgloss.linking.trigrams import TrigramIndex

KEPT: Final = 5
# a concept has several names, so more names than concepts are looked at
_NAMES: Final = 40
_NEVER: Final = 2.0

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Concepts for one term, the best first, and the score of the first, in [0, 1]."""

    concepts: tuple[str, ...] = ()
    score: float = 0.0


class Baseline(Protocol):
    """A method that ranks the concepts of a catalogue for terms."""

    def __call__(self, queries: Sequence[Query]) -> list[Ranked]:
        """Concepts for each query, in order."""
        ...


# ------------------------------------------------------------------------------------------ methods


def exact(catalogue: Catalogue) -> Baseline:
    """The concept whose title is the term, letter case aside; the oldest of several. Score 1."""
    titled: dict[str, list[int]] = defaultdict(list)
    for place, title in enumerate(catalogue.titles):
        titled[title.casefold()].append(place)
    return lambda queries: [
        _certain(catalogue, titled.get(query.label.casefold(), ())) for query in queries
    ]


def same_norm(catalogue: Catalogue) -> Baseline:
    """The concepts with a name of the term's normal form, the oldest first. Score 1.

    A name in the term's own language goes before an English one, and a preferred name before an
    alternative one; a qualifier of the term must not contradict that of the name.
    """

    def ranked(query: Query) -> Ranked:
        reading = read_query(query)
        keys: dict[int, tuple[bool, bool, int]] = {}
        for lang in dict.fromkeys((reading.lang, ENGLISH)):
            for row in catalogue.by_norm[lang, reading.norm] if reading.norm else ():
                name = catalogue.names[row]
                if None not in {reading.qualifier, name.qualifier} and (
                    reading.qualifier != name.qualifier
                ):
                    continue
                key = (lang != reading.lang, not name.preferred, name.concept)
                keys[name.concept] = min(key, keys.get(name.concept, key))
        return _certain(catalogue, sorted(keys, key=keys.__getitem__))

    return lambda queries: [ranked(query) for query in queries]


def trigrams(catalogue: Catalogue) -> Baseline:
    """The concepts of the names nearest in spelling; score: cosine of TF-IDF of trigrams."""

    def search(rows: Sequence[int]) -> Callable[[Sequence[Reading]], list[Ranked]]:
        index = TrigramIndex(TrigramIndex.of([catalogue.names[row].text for row in rows]))

        def ranked(reading: Reading) -> Ranked:
            if not reading.norm:
                return Ranked()
            near, scores = index.nearest(reading.text, _NAMES)
            return _first_concepts(catalogue, [rows[place] for place in near], scores)

        return lambda readings: [ranked(reading) for reading in readings]

    return _by_language(catalogue, search)


def embedding(catalogue: Catalogue, encode: Encode) -> Baseline:
    """The concepts of the names nearest in meaning; score: cosine of the encoder's vectors.

    Args:
        catalogue: where to look.
        encode: unit vectors of texts, (n, d); zero for a text that cannot be read.
    """

    def search(rows: Sequence[int]) -> Callable[[Sequence[Reading]], list[Ranked]]:
        names = encode([catalogue.names[row].text for row in rows])

        def ranked(readings: Sequence[Reading]) -> list[Ranked]:
            queries = encode([reading.text for reading in readings])
            near, scores = nearest(queries, names, _NAMES)
            return [
                _first_concepts(catalogue, [rows[place] for place in near[n]], scores[n])
                if queries[n].any()
                else Ranked()
                for n in range(len(readings))
            ]

        return ranked

    return _by_language(catalogue, search)


def baselines(catalogue: Catalogue, encode: Encode | None = None) -> dict[str, Baseline]:
    """All of them by name; the one with an encoder only if there is one."""
    found = {
        "exact": exact(catalogue),
        "normal form": same_norm(catalogue),
        "trigrams": trigrams(catalogue),
    }
    if encode is not None:
        found["embedding"] = embedding(catalogue, encode)
    return found


def _certain(catalogue: Catalogue, places: Sequence[int]) -> Ranked:
    concepts = tuple(catalogue.ids[place] for place in places[:KEPT])
    return Ranked(concepts, 1.0 if concepts else 0.0)


def _first_concepts(
    catalogue: Catalogue, rows: Sequence[int], scores: NDArray[np.float32]
) -> Ranked:
    if not len(rows):
        return Ranked()
    places = dict.fromkeys(catalogue.names[row].concept for row in rows)
    concepts = tuple(catalogue.ids[place] for place in list(places)[:KEPT])
    return Ranked(concepts, float(np.clip(scores[0], 0.0, 1.0)))


def _by_language(
    catalogue: Catalogue,
    search: Callable[[Sequence[int]], Callable[[Sequence[Reading]], list[Ranked]]],
) -> Baseline:
    """A search over the names of each query's language and the English ones, made when needed."""
    made: dict[str, Callable[[Sequence[Reading]], list[Ranked]]] = {}

    def baseline(queries: Sequence[Query]) -> list[Ranked]:
        readings = [read_query(query) for query in queries]
        found: dict[int, Ranked] = {}
        for lang in dict.fromkeys(reading.lang for reading in readings):
            if lang not in made:
                known = {lang, ENGLISH}
                made[lang] = search(
                    sorted(row for held in known for row in catalogue.by_lang.get(held, ()))
                )
            mine = [place for place, reading in enumerate(readings) if reading.lang == lang]
            found.update(zip(mine, made[lang]([readings[n] for n in mine]), strict=True))
        return [found[place] for place in range(len(queries))]

    return baseline


# --------------------------------------------------------------------------------------- thresholds


def two_fold(gold: Sequence[GoldTerm], ranked: Sequence[Ranked]) -> list[Prediction]:
    """Predictions whose threshold was chosen on the half of the gold that they are not in.

    Terms that share an item or a normal form are in one half, which a hash of theirs decides.
    English terms and others have thresholds of their own.
    """
    rows = list(zip(gold, ranked, strict=True))
    kinds = list(zip(_halves(gold), (term.lang == ENGLISH for term in gold), strict=True))
    thresholds = {
        (half, english): _best_threshold(
            row for row, kind in zip(rows, kinds, strict=True) if kind == (1 - half, english)
        )
        for half, english in set(kinds)
    }
    return [
        Prediction(
            held.concepts, held.score, bool(held.concepts) and held.score >= thresholds[kind]
        )
        for (_, held), kind in zip(rows, kinds, strict=True)
    ]


def _halves(gold: Sequence[GoldTerm]) -> list[int]:
    keys = [group_keys(term) for term in gold]
    groups = group_numbers(keys)
    # a group is named by the least of its keys, whatever the order of the rows
    names: dict[int, tuple[str, ...]] = {}
    for group, held in zip(groups.tolist(), keys, strict=True):
        names[group] = min([*held, names.get(group, held[0])])
    return [fold("\x1f".join(names[group]), 2) for group in groups.tolist()]


def _best_threshold(rows: Iterable[tuple[GoldTerm, Ranked]]) -> float:
    """The score from which on linking has the best F1, the highest of equals.

    Without rows to learn from it is 0; if no link at all would be right, no score reaches it.
    """
    held = list(rows)
    items = sum(term.item is not None for term, _ in held)
    found = sorted(
        ((said.score, said.concepts[0] == term.item) for term, said in held if said.concepts),
        reverse=True,
    )
    best, threshold, right = 0.0, _NEVER if held else 0.0, 0
    for links, (score, is_right) in enumerate(found, start=1):
        right += is_right
        last = links == len(found) or found[links][0] < score
        f1 = 2 * right / (links + items)
        if last and f1 > best:
            best, threshold = f1, score
    return threshold
