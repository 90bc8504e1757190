"""TF-IDF over the character trigrams of names: finds spellings that differ a little.

The weighting is that of scispaCy's candidate generator (Neumann et al. 2019): trigrams with the
word boundary, ``1 + log`` term frequency, smoothed inverse document frequency, cosine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

# below this cosine two names share little more than an ending
_NEAR: Final = 0.3
# a label past this length is no name, and costs time
_MAX_CHARS: Final = 200


@lru_cache(maxsize=100_000)
def trigrams(text: str) -> Mapping[str, int]:
    """The trigrams of a text, a space before and after it."""
    padded = f" {text[:_MAX_CHARS]} "
    return Counter([padded[place : place + 3] for place in range(len(padded) - 2)])


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Dice's coefficient of two sets of trigrams: 1 for the same, 0 for nothing in common."""
    return 2 * len(one.keys() & other.keys()) / max(1, len(one) + len(other))


class TrigramIndex:
    """An inverted index over a fixed list of names."""

    def __init__(self, texts: Sequence[str]) -> None:
        documents = [trigrams(text) for text in texts]
        frequency = Counter(gram for document in documents for gram in document)
        total = len(documents)
        self._size = total
        self._unseen = math.log(1.0 + total) + 1.0
        self._idf = {g: math.log((1 + total) / (1 + n)) + 1.0 for g, n in frequency.items()}
        rows: dict[str, list[int]] = {gram: [] for gram in frequency}
        weights: dict[str, list[float]] = {gram: [] for gram in frequency}
        for row, document in enumerate(documents):
            for gram, weight in self._vector(document).items():
                rows[gram].append(row)
                weights[gram].append(weight)
        self._postings = {
            gram: (np.array(rows[gram], np.int32), np.array(weights[gram], np.float32))
            for gram in frequency
        }

    def _vector(self, document: Mapping[str, int]) -> dict[str, float]:
        raw = {
            gram: (1.0 + math.log(n)) * self._idf.get(gram, self._unseen)
            for gram, n in document.items()
        }
        length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
        return {gram: weight / length for gram, weight in raw.items()}

    def scores(self, text: str) -> NDArray[np.float32]:
        """Cosine of ``text`` with every name: float32 (n,)."""
        out = np.zeros(self._size, np.float32)
        for gram, weight in self._vector(trigrams(text)).items():
            if gram in self._postings:
                rows, weights = self._postings[gram]
                out[rows] += weights * np.float32(weight)
        return out

    def nearest(self, text: str, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ``k`` nearest names and their cosines, the nearest first, none without a trigram."""
        scores = self.scores(text)
        places = np.flatnonzero(scores >= _NEAR)
        top = places[np.lexsort((places, -scores[places]))][:k]
        return top.astype(np.int64), scores[top]
