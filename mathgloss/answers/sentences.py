"""The sentence around a place in a text, without a language pipeline.

Titles and abstracts are short, and a sentence is only shown, never counted, so a few rules do.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import Final

# a full stop, question or exclamation mark, closing signs, space, then what begins a sentence
_END: Final = re.compile(r"[.?!][\"')\]}$]*\s+(?=[\"'(\[{$\\]*[^\W_a-z])")
_ABBREVIATIONS: Final = frozenset({
    "al", "cf", "ch", "def", "e.g", "ed", "eq", "eqs", "etc", "fig", "figs", "i.e", "lem", "no",
    "prop", "resp", "sec", "st", "thm", "viz", "vol", "vs",
})  # fmt: skip
_WORD_BEFORE: Final = re.compile(r"[^\s(\[]+$")


@lru_cache(maxsize=256)
def sentence_starts(text: str) -> tuple[int, ...]:
    """The places at which sentences begin; the first is 0.

    A full stop after an abbreviation or an initial, or inside a formula, ends nothing.
    """
    starts = [0]
    for match in _END.finditer(text):
        before = _WORD_BEFORE.search(text, max(0, match.start() - 20), match.start())
        word = before.group() if before else ""
        initial = len(word) == 1 and word.isupper()
        in_formula = (
            text.count("$", starts[-1], match.start()) % 2 == 1 and "$" not in match.group()
        )
        if not (initial or in_formula or word.lower() in _ABBREVIATIONS):
            starts.append(match.end())
    return tuple(starts)


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence, or run of sentences, that holds ``text[start:end]``, as offsets.

    Args:
        text: a title or an abstract.
        start: offset of the first code point.
        end: offset past the last.
    """
    starts = sentence_starts(text)
    first = starts[bisect_right(starts, start) - 1]
    following = bisect_right(starts, max(start, end - 1))
    last = starts[following] if following < len(starts) else len(text)
    return first, first + len(text[first:last].rstrip())
