"""Whether a stated probability is a probability: of all that is said with .8, are .8 right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like probability.

    Attributes:
        n: how many.
        low, high: least and greatest probability among them.
        stated: mean of the probabilities.
        right: share that is right.
    """

    n: int
    low: float
    high: float
    stated: float
    right: float


def reliability(probability: Matrix, right: NDArray[np.bool_], bins: int = BINS) -> list[Bin]:
    """Equal-mass bins: answers sorted by probability, cut into parts whose sizes differ by one.

    Answers of equal probability all count with the share of them that is right, so that the result
    does not depend on their order where a cut falls among them. Fewer bins if there are fewer
    answers; none without any.
    """
    if not len(probability):
        return []
    _, which, count = np.unique(probability, return_inverse=True, return_counts=True)
    shared = (np.bincount(which, weights=right) / count)[which]
    order = np.argsort(probability, kind="stable")
    return [
        Bin(
            n=len(part),
            low=float(probability[part[0]]),
            high=float(probability[part[-1]]),
            stated=float(probability[part].mean()),
            right=float(shared[part].mean()),
        )
        for part in np.array_split(order, min(bins, len(order)))
    ]


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error: mean over answers of ``|stated - right|`` of their bin."""
    total = sum(held.n for held in bins)
    if not total:
        return None
    return sum(held.n * abs(held.stated - held.right) for held in bins) / total
