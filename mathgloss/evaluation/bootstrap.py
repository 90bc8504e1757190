"""Intervals by resampling groups of cases that stand or fall together.

A measure is a function of the weights of the cases, so that one definition gives both its value
(all weights one) and its values on resamples (how often each case was drawn).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 1_000
SEED: Final = 20_261_121
LEVEL: Final = 0.95
_BATCH: Final = 50

Matrix = NDArray[np.float64]
# (b, n) weights -> name of each measure -> (b,) values; NaN where it is undefined
Measures = Callable[[Matrix], Mapping[str, Matrix]]
Interval = tuple[float, float]


def group_numbers(keys: Iterable[Iterable[Hashable]]) -> NDArray[np.int64]:
    """The group of each case, from 0 in order of first appearance.

    Cases that share a key are in one group, also by way of others.
    """
    parent: list[int] = []
    holder: dict[Hashable, int] = {}

    def root(case: int) -> int:
        while parent[case] != case:
            parent[case] = parent[parent[case]]
            case = parent[case]
        return case

    for case, held in enumerate(keys):
        parent.append(case)
        for key in held:
            first, second = sorted((root(holder.setdefault(key, case)), root(case)))
            parent[second] = first
    numbers: dict[int, int] = {}
    return np.array(
        [numbers.setdefault(root(case), len(numbers)) for case in range(len(parent))], np.int64
    )


def values(measures: Measures, cases: int) -> dict[str, float | None]:
    """Each measure over all cases; ``None`` where it is undefined."""
    found = measures(np.ones((1, cases)))
    return {name: None if np.isnan(row[0]) else float(row[0]) for name, row in found.items()}


def intervals(
    measures: Measures,
    group_of: Sequence[int] | NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Interval | None]:
    """95 % percentile intervals; the same for the same cases in the same order.

    As many groups as there are, are drawn with replacement. Resamples on which a measure is
    undefined are left out; it has no interval if that is all of them.

    Args:
        measures: the measures.
        group_of: (n,) number of each case's group, from 0 without gaps.
        resamples: how many.
        seed: of the generator.
    """
    groups = np.asarray(group_of, np.int64)
    if not len(groups):
        return {name: None for name in measures(np.ones((1, 0)))}
    generator = np.random.default_rng(seed)
    total = int(groups.max()) + 1
    held: dict[str, list[Matrix]] = {}
    for start in range(0, resamples, _BATCH):
        size = (min(_BATCH, resamples - start), total)
        drawn = generator.integers(0, total, size=size) + total * np.arange(size[0])[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size[0] * total).reshape(size)
        for name, row in measures(counts[:, groups].astype(np.float64)).items():
            held.setdefault(name, []).append(row)
    return {name: _middle(np.concatenate(rows)) for name, rows in held.items()}


def _middle(drawn: Matrix) -> Interval | None:
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return None
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def ratio(numerator: Matrix, denominator: Matrix) -> Matrix:
    """Elementwise quotient, NaN where the denominator is zero."""
    out: Matrix = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out
