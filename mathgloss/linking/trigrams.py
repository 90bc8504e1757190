"""TF-IDF over the character trigrams of names: finds spellings that differ a little.

The weighting is that of scispaCy's candidate generator (Neumann et al. 2019): trigrams with the
word boundary, ``1 + log`` term frequency, smoothed inverse document frequency, cosine.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mathgloss.io.arrays import Arrays, put_under, take_under
from mathgloss.linking.packed import Strings, starts_of

# below this cosine two names share little more than an ending
_NEAR: Final = 0.3
# a label past this length is no name, and costs time
_MAX_CHARS: Final = 200


@lru_cache(maxsize=4_096)
def trigrams(text: str) -> Mapping[str, int]:
    """The trigrams of a text, a space before and after it."""
    padded = f" {text[:_MAX_CHARS]} "
    return Counter([padded[place : place + 3] for place in range(len(padded) - 2)])


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Dice's coefficient of two sets of trigrams: 1 for the same, 0 for nothing in common."""
    return 2 * len(one.keys() & other.keys()) / max(1, len(one) + len(other))


class TrigramIndex:
    """An inverted index over a fixed list of names."""

    def __init__(self, arrays: Arrays) -> None:
        (self._size,) = arrays["size"].tolist()
        self._starts = arrays["starts"].data
        self._rows = arrays["rows"]
        self._weights = arrays["weights"]
        grams = Strings(take_under("grams", arrays))
        self._place = {gram: place for place, gram in enumerate(grams)}

    @staticmethod
    def of(texts: Sequence[str]) -> Arrays:
        """The arrays that hold the index of some names."""
        documents = [trigrams(text) for text in texts]
        having = Counter(gram for held in documents for gram in held)
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for row, document in enumerate(documents):
            for gram, weight in _unit_vector(document, having, len(documents)).items():
                postings[gram].append((row, weight))
        grams = sorted(postings)
        return {
            "size": np.array([len(documents)], np.int64),
            "starts": starts_of(len(postings[gram]) for gram in grams),
            "rows": np.array([row for gram in grams for row, _ in postings[gram]], np.int32),
            "weights": np.array([held for gram in grams for _, held in postings[gram]], np.float32),
            **put_under("grams", Strings.of(grams)),
        }

    def scores(self, text: str) -> NDArray[np.float32]:
        """Cosine of ``text`` with every name: float32 (n,)."""
        out = np.zeros(self._size, np.float32)
        document = trigrams(text)
        held = {gram: self._postings(gram) for gram in document}
        having = {gram: part.stop - part.start for gram, part in held.items()}
        vector = _unit_vector(document, having, self._size)
        rows = [self._rows[part] for part in held.values()]
        shares = [self._weights[held[gram]] * np.float32(weight) for gram, weight in vector.items()]
        if document:
            np.add.at(out, np.concatenate(rows), np.concatenate(shares))
        return out

    def _postings(self, gram: str) -> slice:
        """Where the names that have a trigram lie."""
        place = self._place.get(gram)
        return slice(0, 0) if place is None else slice(self._starts[place], self._starts[place + 1])

    def nearest(self, text: str, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ``k`` nearest names and their cosines, the nearest first, none without a trigram."""
        scores = self.scores(text)
        places = np.flatnonzero(scores >= _NEAR)
        top = places[np.lexsort((places, -scores[places]))][:k]
        return top.astype(np.int64), scores[top]


def _unit_vector(
    document: Mapping[str, int], having: Mapping[str, int], total: int
) -> dict[str, float]:
    """The weight of each trigram of a text, the more, the fewer of the names have it."""
    raw = {
        gram: (1.0 + math.log(n)) * (math.log((1 + total) / (1 + having[gram])) + 1.0)
        for gram, n in document.items()
    }
    length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
    return {gram: weight / length for gram, weight in raw.items()}
