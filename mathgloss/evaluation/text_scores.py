"""Shares over texts: counts that add up, their quotients, and intervals by resampling texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mathgloss.evaluation.bootstrap import Interval, Matrix, intervals, ratio, values
from mathgloss.evaluation.spans import Place, Span, overlap


@dataclass(frozen=True, slots=True)
class Measure:
    """A share, ``None`` where there is nothing to share, with its 95 % interval."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class TextScores:
    """Counts and measures by name; the function that gives them says what each is.

    Intervals are by bootstrap over texts (documents, sentences, papers).
    """

    counts: Mapping[str, int]
    measures: Mapping[str, Measure]


class Counts:
    """Counts for each text, and the measures that are quotients of their sums."""

    def __init__(self, texts: int) -> None:
        self._rows: dict[str, Matrix] = defaultdict(lambda: np.zeros(texts))
        self._texts = texts

    def add(self, text: int, name: str, count: int = 1) -> None:
        """Add to a count of one text."""
        self._rows[name][text] += count

    def add_hits(
        self, text: int, name: str, places: Sequence[Place], spans: Iterable[Span]
    ) -> None:
        """Count ``name_exact`` and ``name_overlap`` if a span is at one of the places."""
        held = list(spans)
        if any((span.start, span.end) in places for span in held):
            self.add(text, f"{name}_exact")
        if any(overlap(span.start, span.end, *place) for span in held for place in places):
            self.add(text, f"{name}_overlap")

    def scores(self, names: Iterable[str], quotients: Mapping[str, tuple[str, str]]) -> TextScores:
        """The sums of these names, and measures given as numerator and denominator."""

        def measures(weights: Matrix) -> dict[str, Matrix]:
            return {
                name: ratio(weights @ self._rows[above], weights @ self._rows[below])
                for name, (above, below) in quotients.items()
            }

        found = values(measures, self._texts)
        bounds = intervals(measures, np.arange(self._texts))
        return TextScores(
            counts={"texts": self._texts} | {name: int(self._rows[name].sum()) for name in names},
            measures={name: Measure(found[name], bounds[name]) for name in quotients},
        )
