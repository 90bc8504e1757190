"""Texts, sequences of words and indexes as a few arrays each, instead of many small objects.

As arrays they are mapped into memory from a file, and so shared by all processes that link names;
an entry becomes a Python object only while somebody looks at it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mathgloss.io.arrays import Arrays
from mathgloss.linking.forms import Norm

Key: TypeAlias = tuple[str, Norm]


def starts_of(sizes: Iterable[int]) -> NDArray[np.int32]:
    """Where each of several parts that lie one behind the other starts, and where the last ends."""
    return np.cumsum([0, *sizes], dtype=np.int32)


class Strings:
    """A list of texts."""

    def __init__(self, arrays: Arrays) -> None:
        self._utf8 = arrays["utf8"].data
        self._starts = arrays["starts"].data

    @staticmethod
    def of(texts: Iterable[str]) -> Arrays:
        """The arrays that hold some texts."""
        encoded = [text.encode() for text in texts]
        return {
            "utf8": np.frombuffer(b"".join(encoded), np.uint8),
            "starts": starts_of(map(len, encoded)),
        }

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, place: int) -> str:
        return str(self._utf8[self._starts[place] : self._starts[place + 1]], "utf-8")

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))


class Phrases:
    """A list of sequences of words, each sequence as the places of its words in a vocabulary."""

    def __init__(self, words: Sequence[str], arrays: Arrays) -> None:
        self._words = words
        self._places = arrays["places"].data
        self._starts = arrays["starts"].data

    @staticmethod
    def of(phrases: Iterable[Iterable[str]], places: dict[str, int]) -> Arrays:
        """The arrays that hold some sequences; words that are new get the next places."""
        numbered = [[places.setdefault(word, len(places)) for word in held] for held in phrases]
        return {
            "places": np.array([place for held in numbered for place in held], np.int32),
            "starts": starts_of(map(len, numbered)),
        }

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, place: int) -> Norm:
        words = self._words
        places = self._places[self._starts[place] : self._starts[place + 1]]
        return tuple([words[word] for word in places])

    def __iter__(self) -> Iterator[Norm]:
        return (self[place] for place in range(len(self)))


class Postings:
    """Which rows have a key, a language with words.

    Of a key only a hash of 64 bits is kept: that one of the keys held has the hash of another that
    is looked for happens once in 10^13 times.
    """

    def __init__(self, arrays: Arrays) -> None:
        self._hashes = arrays["hashes"].data
        self._starts = arrays["starts"].data
        self._rows = arrays["rows"].data

    @staticmethod
    def of(rows: Mapping[Key, Sequence[int]]) -> Arrays:
        """The arrays that hold the rows of each key."""
        ordered = sorted((_hash(key), held) for key, held in rows.items())
        return {
            "hashes": np.array([number for number, _ in ordered], np.uint64),
            "starts": starts_of(len(held) for _, held in ordered),
            "rows": np.array([row for _, held in ordered for row in held], np.int32),
        }

    def __getitem__(self, key: Key) -> list[int]:
        """The rows that have a key, in order; none if no row has it."""
        place = self._place(key)
        if place is None:
            return []
        return self._rows[self._starts[place] : self._starts[place + 1]].tolist()

    def __contains__(self, key: Key) -> bool:
        return self._place(key) is not None

    def _place(self, key: Key) -> int | None:
        number = _hash(key)
        place = bisect_left(self._hashes, number)
        found = place < len(self._hashes) and self._hashes[place] == number
        return place if found else None


def _hash(key: Key) -> int:
    lang, words = key
    text = f"{lang}\t{' '.join(words)}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
