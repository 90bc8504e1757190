"""A text as the mention finder reads it: words with offsets, their grammar, the whole's field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mathgloss.linking.forms import words_of
from mathgloss.normalize import Token, tokenize

Norm = tuple[str, ...]

# a text past this length is an input error, not a paper
MAX_TEXT_CHARS: Final = 1_000_000
_HYPHENS: Final = frozenset("-‐‑")
_PRONOUNS: Final = words_of("""
    we they you i it who one he she
""")
_MODALS: Final = words_of("""
    can cannot could may might must shall should will would do does did not then also
""")
_OBJECTS: Final = words_of("""
    the a an whether if how that this these those our their its his her all any each every us
    them it when which what
""")


@dataclass(frozen=True, slots=True)
class Reading:
    """One field of a document.

    Attributes:
        field: its name, for example ``title``.
        text: as given.
        tokens: words in normal form with offsets; "" where a sentence or phrase breaks.
        norms: the normal form of each token.
    """

    field: str
    text: str
    tokens: tuple[Token, ...]
    norms: tuple[str, ...]

    def surface(self, start: int, end: int) -> str:
        """The words of a span of tokens as written."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def is_word(self, place: int) -> bool:
        """Whether a token stands as a word; a lone symbol or formula names nothing."""
        token = self.tokens[place]
        return token.end - token.start > 1 and self.text[token.start].isalpha()

    def prefix(self, place: int) -> str:
        """The word that a hyphen joins to the one at ``place``: "cross" in "cross-entropy"."""
        start = self.tokens[place].start
        joined = place > 0 and self.text[start - 1 : start] in _HYPHENS
        return self.tokens[place - 1].norm if joined else ""

    def is_verb(self, place: int) -> bool:
        """Whether a word is used as a verb, by the words around it: "to test whether"."""
        before = self.tokens[place - 1].norm if place else ""
        after = self.tokens[place + 1].norm if place + 1 < len(self.tokens) else ""
        if before in _PRONOUNS or before in _MODALS:
            return True
        return before == "to" and after in _OBJECTS


def read_text(field: str, text: str, lang: str = "en") -> Reading:
    """Cut a text into words; what lies past ``MAX_TEXT_CHARS`` is not read."""
    tokens = tuple(tokenize(text[:MAX_TEXT_CHARS], lang))
    return Reading(field, text, tokens, tuple(token.norm for token in tokens))


def words_and_pairs(norms: Sequence[str]) -> set[Norm]:
    """The distinct words of a text, and the pairs of neighbours."""
    found: set[Norm] = {(norm,) for norm in norms if norm}
    found.update((one, other) for one, other in pairwise(norms) if one and other)
    return found
