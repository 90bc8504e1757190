"""Noun phrases that look like concepts but name none that is known.

A phrase looks like a concept if its last word heads known names ("category" in "double category")
and the words before it occur in known names, or are proper names. It is reported with no link: the
graph may lack it, or the phrase may only be a description.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from mathgloss.linking.reading import Reading
from mathgloss.normalize import singular

Norm = tuple[str, ...]
Span = tuple[int, int]

MAX_PHRASE_WORDS: Final = 5
# with which mathematicians make new words from old ones
_PREFIXES: Final = (
    "anti", "auto", "bi", "co", "endo", "hyper", "iso", "meta", "micro", "multi", "non", "para",
    "poly", "pre", "proto", "pseudo", "quasi", "semi", "sub", "super", "tri", "ultra",
)  # fmt: skip
# of adjectives that no known name has; plain ones are listed
_ADJECTIVE_ENDINGS: Final = (
    "able", "al", "ant", "ar", "ary", "ed", "ent", "ible", "ic", "ive", "less", "like", "oid",
    "ous",
)  # fmt: skip
# words that say nothing of what a thing is: "new", "several", "interesting", "following"
PLAIN_WORDS: Final = Path(__file__).with_name("plain_words.txt")


class PhraseFinder:
    """Finds such phrases by the vocabulary of a set of names."""

    def __init__(
        self, names: Iterable[Norm], *, function: frozenset[str], generic: frozenset[str]
    ) -> None:
        held = list(names)
        plain = frozenset(PLAIN_WORDS.read_text(encoding="utf-8").split())
        self._blocked = function | plain
        heads = {name[-1] for name in held if len(name) > 1}
        used = {word for name in held if len(name) > 1 for word in name[:-1]}
        self._generic = generic
        self._heads = heads
        self._used = used
        self._single = {name[0] for name in held if len(name) == 1 and name[0] not in generic}

    def find(self, reading: Reading) -> list[Span]:
        """The phrases of a text, as spans of tokens, none overlapping another."""
        norms = reading.norms
        spans: list[Span] = []
        end = len(norms)
        while end > 0:
            start = self._start(reading, norms, end)
            if start is None:
                end -= 1
            else:
                spans.append((start, end))
                end = start
        return spans[::-1]

    def _start(self, reading: Reading, norms: Sequence[str], end: int) -> int | None:
        """Where the phrase that ends here starts; ``None`` if none does."""
        last = end - 1
        head = norms[last] in self._heads or self._is_coined(norms[last])
        if not head or not reading.is_word(last) or reading.is_verb(last):
            return None
        if norms[last] in self._blocked:
            return None
        if end < len(norms) and self._continues(reading, norms, end):
            return None
        start = last
        while (
            start > 0
            and end - start < MAX_PHRASE_WORDS
            and self._modifies(reading, norms, start - 1)
        ):
            start -= 1
        if end - start == 1:
            return start if self._is_coined(norms[last]) else None
        # "a free construction", but not "a case"
        weighty = norms[last] not in self._generic or any(
            norms[place] not in self._generic for place in range(start, last)
        )
        return start if weighty else None

    def _continues(self, reading: Reading, norms: Sequence[str], place: int) -> bool:
        """Whether the next word is the better head: "group" in "group algebra"."""
        word = norms[place]
        return (
            word in self._heads
            and word not in self._blocked
            and reading.is_word(place)
            and not reading.is_verb(place)
        )

    def _is_coined(self, word: str) -> bool:
        """Whether a word is none that is known, but made from one: "pseudomonad"."""
        if word in self._single or word in self._heads or word in self._used:
            return False
        return any(
            word.startswith(prefix) and singular(word[len(prefix) :]) in self._heads
            for prefix in _PREFIXES
        )

    def _modifies(self, reading: Reading, norms: Sequence[str], place: int) -> bool:
        word = norms[place]
        if not word or word in self._blocked:
            return False
        token = reading.tokens[place]
        proper = reading.text[token.start].isupper() and place > 0 and bool(norms[place - 1])
        return word in self._used or proper or word.endswith(_ADJECTIVE_ENDINGS)
