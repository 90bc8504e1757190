"""Scores of term links, with their definitions.

A *link* is the answer "this term names exactly that item". It is right (a true positive) if the
gold has that item for the term, and wrong otherwise, also on a term that has no item. Recall is
over all terms that have an item, also those whose item no catalogue holds.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mathgloss.evaluation.bootstrap import (
    RESAMPLES,
    SEED,
    Interval,
    Matrix,
    group_numbers,
    intervals,
    ratio,
    values,
)
from mathgloss.evaluation.calibration import Bin, calibration_error, reliability
from mathgloss.linking.gold import GoldTerm
from mathgloss.linking.linker import Link
from mathgloss.normalize import normalize

HIGH_PRECISION: Final = 0.98
HITS: Final = 5
_ROUNDING: Final = 1e-9

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system says of one term.

    Attributes:
        candidates: identifiers, the likeliest first; may be empty.
        probability: that the first candidate is the one; 0 without a candidate.
        linked: whether it says that the first candidate is the one.
    """

    candidates: tuple[str, ...] = ()
    probability: float = 0.0
    linked: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"expected a probability in [0, 1], got {self.probability!r}")
        if not self.candidates and (self.linked or self.probability):
            raise ValueError("expected a candidate, as there is a link or a probability; got none")

    @property
    def concept(self) -> str | None:
        """The item that the term is linked to."""
        return self.candidates[0] if self.linked else None


@dataclass(frozen=True, slots=True)
class Case:
    """A term with its gold and what was predicted; ``reachable``: the item could be found."""

    gold: GoldTerm
    prediction: Prediction
    reachable: bool = True

    @property
    def is_right(self) -> bool:
        """Whether the first candidate is the item; never so for a term without one."""
        return self.prediction.candidates[:1] == (self.gold.item,)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Precision and recall if all first candidates from this probability on were links."""

    threshold: float
    precision: float
    recall: float
    linked: float


@dataclass(frozen=True, slots=True)
class TermScores:
    """All measures of one set; ``None`` where one is undefined.

    Attributes:
        n, none, unreachable: terms; those without an item; those whose item could not be found.
        links, right, links_on_none: links; right ones; those on terms without an item.
        judged: terms with a candidate, on which calibration is measured.
        precision: right / links.
        recall: right / terms with an item.
        f1: 2 right / (links + terms with an item), their harmonic mean.
        recall_at_high_precision: the best recall over all thresholds on the probability at which
            precision on this very set is at least .98; 0 if there is none.
        accuracy_at_1, hits_at_5: share of the terms with an item whose first candidate, or one of
            the first five, is it, linked or not.
        ece, brier: of the probability of the first candidate against whether it is right, over
            ``judged`` terms: expected calibration error in ten equal-mass bins; mean square error.
        intervals: 95 % intervals by name of measure, by bootstrap over groups of terms that share
            an item or a normal form. None for the calibration error, whose resamples are biased.
        bins, curve: for the figures.
    """

    n: int
    none: int
    unreachable: int
    links: int
    right: int
    links_on_none: int
    judged: int
    precision: float | None
    recall: float | None
    f1: float | None
    recall_at_high_precision: float | None
    accuracy_at_1: float | None
    hits_at_5: float | None
    ece: float | None
    brier: float | None
    intervals: Mapping[str, Interval | None]
    bins: tuple[Bin, ...] = field(repr=False)
    curve: tuple[CurvePoint, ...] = field(repr=False)


class _Columns:
    """The cases as columns, (n,) each; a measure sees nothing else."""

    def __init__(self, cases: Sequence[Case]) -> None:
        said = [case.prediction for case in cases]
        self.probability: Matrix = np.array([held.probability for held in said], np.float64)
        self.linked = _flags(held.linked for held in said)
        self.judged = _flags(bool(held.candidates) for held in said)
        self.has_item = _flags(case.gold.item is not None for case in cases)
        self.right = _flags(case.is_right for case in cases)
        self.hit = _flags(case.gold.item in case.prediction.candidates[:HITS] for case in cases)
        # those with a candidate, the surest first, and where a run of equal probabilities ends
        order = np.argsort(-self.probability, kind="stable")
        self.ranked = order[self.judged[order]]
        falling = self.probability[self.ranked]
        self.ends = np.flatnonzero(np.diff(falling, append=-1.0))

    def measures(self, weights: Matrix) -> dict[str, Matrix]:
        """Each measure under each row of weights."""
        links = weights @ self.linked
        right = weights @ (self.linked & self.right)
        items = weights @ self.has_item
        error = np.where(self.judged, (self.probability - self.right) ** 2, 0.0)
        return {
            "precision": ratio(right, links),
            "recall": ratio(right, items),
            "f1": ratio(2 * right, links + items),
            "recall_at_high_precision": self._recall_at_high_precision(weights),
            "accuracy_at_1": ratio(weights @ self.right, items),
            "hits_at_5": ratio(weights @ self.hit, items),
            "brier": ratio(weights @ error, weights @ self.judged),
        }

    def _recall_at_high_precision(self, weights: Matrix) -> Matrix:
        right, links = self.running(weights)
        enough = right >= HIGH_PRECISION * links - _ROUNDING
        best = np.where(enough, right, 0.0).max(axis=1, initial=0.0)
        return ratio(best, weights @ self.has_item)

    def running(self, weights: Matrix) -> tuple[Matrix, Matrix]:
        """Right ones and links at each threshold, the highest first: (b, thresholds)."""
        ranked = weights[:, self.ranked]
        right = np.cumsum(ranked * self.right[self.ranked], axis=1)[:, self.ends]
        return right, np.cumsum(ranked, axis=1)[:, self.ends]

    def curve(self) -> tuple[CurvePoint, ...]:
        """One point for each probability, the highest first."""
        (right,), (links,) = self.running(np.ones((1, len(self.probability))))
        items, n = int(self.has_item.sum()), len(self.probability)
        if not items:
            return ()
        thresholds = self.probability[self.ranked][self.ends]
        return tuple(
            CurvePoint(float(threshold), float(r / k), float(r / items), float(k / n))
            for threshold, r, k in zip(thresholds, right, links, strict=True)
        )


def _flags(held: Iterable[bool]) -> Flags:
    return np.fromiter(held, np.bool_)


def predicted(link: Link) -> Prediction:
    """What the linker's answer says."""
    return Prediction(
        candidates=tuple(candidate.concept for candidate in link.candidates),
        probability=min(max(link.probability, 0.0), 1.0),
        linked=link.exact is not None,
    )


def case(gold: GoldTerm, prediction: Prediction, known: Container[str] | None = None) -> Case:
    """The case; its item is reachable unless the gold or the identifiers in ``known`` deny it."""
    there = gold.item is None or known is None or gold.item in known
    return Case(gold, prediction, reachable=there and gold.in_slice is not False)


def group_keys(gold: GoldTerm) -> list[tuple[str, ...]]:
    """Terms that share one of these are no independent evidence: the item, the normal form."""
    norm = normalize(gold.label, gold.lang) or (gold.label.casefold(),)
    own = ("term", *norm)
    return [own] if gold.item is None else [own, ("item", gold.item)]


def score(cases: Iterable[Case], *, resamples: int = RESAMPLES, seed: int = SEED) -> TermScores:
    """Every measure of a set of cases; their order does not matter."""
    held = sorted(cases, key=_order)
    columns = _Columns(held)
    judged = columns.judged
    bins = reliability(columns.probability[judged], columns.right[judged])
    found = values(columns.measures, len(held))
    groups = group_numbers(group_keys(case.gold) for case in held)
    return TermScores(
        n=len(held),
        none=int((~columns.has_item).sum()),
        unreachable=sum(case.gold.item is not None and not case.reachable for case in held),
        links=int(columns.linked.sum()),
        right=int((columns.linked & columns.right).sum()),
        links_on_none=int((columns.linked & ~columns.has_item).sum()),
        judged=int(judged.sum()),
        precision=found["precision"],
        recall=found["recall"],
        f1=found["f1"],
        recall_at_high_precision=found["recall_at_high_precision"],
        accuracy_at_1=found["accuracy_at_1"],
        hits_at_5=found["hits_at_5"],
        ece=calibration_error(bins),
        brier=found["brier"],
        intervals=intervals(columns.measures, groups, resamples=resamples, seed=seed),
        bins=tuple(bins),
        curve=columns.curve(),
    )


def _order(case: Case) -> tuple[str, ...]:
    gold, said = case.gold, case.prediction
    return (gold.source, gold.lang, gold.label, gold.item or "", repr(said))
