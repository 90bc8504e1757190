"""Where names stand in a text: sequences of words in normal form, as spans of code points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from mathgloss.normalize import Token


class Span(Protocol):
    """Words that a system reports, with what they are linked to; ``None`` if to nothing."""

    @property
    def start(self) -> int: ...  # noqa: D102 - code points, as everywhere

    @property
    def end(self) -> int: ...  # noqa: D102

    @property
    def concept(self) -> str | None: ...  # noqa: D102


Norm = tuple[str, ...]
Place = tuple[int, int]


def overlap(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two spans share a code point."""
    return start < other_end and other_start < end


def occurrences(tokens: Sequence[Token], norm: Norm) -> Iterator[Place]:
    """Every place where these words stand one after the other, no break between them."""
    if not norm:
        return
    for first in range(len(tokens) - len(norm) + 1):
        held = tokens[first : first + len(norm)]
        if all(token.norm == word for token, word in zip(held, norm, strict=True)):
            yield held[0].start, held[-1].end


def narrowest(tokens: Sequence[Token], norm: Norm) -> Place | None:
    """The fewest tokens in a row, the leftmost of equals, that hold all these words somewhere."""
    wanted = Counter(norm)
    best: tuple[int, int] | None = None
    for first, token in enumerate(tokens):
        if token.norm not in wanted:
            continue
        missing = Counter(wanted)
        for last in range(first, len(tokens)):
            missing[tokens[last].norm] -= 1
            if all(count <= 0 for count in missing.values()):
                if best is None or last - first < best[1] - best[0]:
                    best = (first, last)
                break
    return None if best is None else (tokens[best[0]].start, tokens[best[1]].end)


def words_in(tokens: Sequence[Token], start: int, end: int) -> Norm:
    """The normal form of what lies between two code points."""
    return tuple(token.norm for token in tokens if start <= token.start and token.end <= end)
