"""Which names of a catalogue a term may be another writing of.

Four ways lead from a term to names: the same normal form; the same content words; a name that only
adds or lacks a word at its end; and what lies near by spelling (trigrams) or meaning (embedding).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mathgloss.embedding import nearest
from mathgloss.linking.catalogue import PLAIN_QUALIFIERS, Catalogue, Name
from mathgloss.linking.forms import Norm, bag, family, stems
from mathgloss.linking.trigrams import overlap, trigrams
from mathgloss.normalize import normalize, split_qualifier

NEAR_BY_MEANING: Final = 12
NEAR_BY_SPELLING: Final = 6
# more concepts than this never carry one name for good reason
MAX_SAME: Final = 40

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Query:
    """A term to link: its label in a language (BCP 47), perhaps with what its source says of it.

    Attributes:
        refused: concepts that the term is known not to name.
    """

    label: str
    lang: str = "en"
    definition: str = ""
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """A query as it is matched: name and qualifier apart, both in normal form."""

    norm: Norm
    lang: str
    qualifier: Norm | None

    @property
    def text(self) -> str:
        """The name as an encoder reads it."""
        return " ".join(self.norm)


@dataclass(slots=True)
class Candidates:
    """Names that one query may be another writing of, with how near they are.

    Attributes:
        rows: places of names in the catalogue, each once.
        names: what stands there.
        meaning: cosine of each English name with the query by the encoder, 0 for other names.
        spelling: share of trigrams that each name has in common with the query (Dice).
    """

    reading: Reading
    rows: list[int] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    meaning: list[float] = field(default_factory=list)
    spelling: list[float] = field(default_factory=list)

    def only(self, kept: Sequence[bool]) -> Candidates:
        """Those of the names that are marked, in their order."""
        return Candidates(
            self.reading,
            list(compress(self.rows, kept)),
            list(compress(self.names, kept)),
            list(compress(self.meaning, kept)),
            list(compress(self.spelling, kept)),
        )


class Vectoriser(Protocol):
    """Unit vectors of texts; a text that it cannot read has the zero vector."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32."""
        ...


def read_query(query: Query) -> Reading:
    """The query in normal form; its norm is empty if nothing is left of it."""
    base, qualifier = split_qualifier(query.label)
    lang = query.lang.partition("-")[0].lower()
    said = normalize(qualifier, lang) if qualifier is not None else None
    return Reading(normalize(base, lang), lang, None if said in PLAIN_QUALIFIERS else said)


class Retriever:
    """Finds candidates; with a vectoriser also those that are near by meaning."""

    def __init__(self, catalogue: Catalogue, vectoriser: Vectoriser | None = None) -> None:
        self.catalogue = catalogue
        self.vectoriser = vectoriser
        self._english = catalogue.by_lang.get("en", np.empty(0, np.int64))
        # an encoder of several languages compares any term with the English names
        self._vectors = (
            vectoriser.vectors([catalogue.names[row].text for row in self._english])
            if vectoriser is not None
            else None
        )

    def find(self, readings: Sequence[Reading]) -> list[Candidates]:
        """The candidates of each query, in order."""
        found = [Candidates(reading, list(self._alike(reading))) for reading in readings]
        vectors = None
        if self.vectoriser is not None:
            vectors = self.vectoriser.vectors([reading.text for reading in readings])
        # a name of the same form leaves little to look for
        lacking = [n for n, each in enumerate(found) if not self._has_same(each)]
        near = [[]] * len(lacking) if vectors is None else self._near_by_meaning(vectors[lacking])
        for n, rows in zip(lacking, near, strict=True):
            found[n].rows += rows + self._near_by_spelling(found[n].reading)
        for n, each in enumerate(found):
            each.rows = list(dict.fromkeys(each.rows))
            each.names = [self.catalogue.names[row] for row in each.rows]
            each.spelling = _spellings(each)
            each.meaning = self._meanings(each.rows, None if vectors is None else vectors[n])
        return found

    def _has_same(self, each: Candidates) -> bool:
        reading = each.reading
        return not reading.norm or (reading.lang, reading.norm) in self.catalogue.by_norm

    def _near_by_spelling(self, reading: Reading) -> list[int]:
        rows: list[int] = []
        for lang in self._languages(reading.lang):
            places, _ = self.catalogue.spelling(lang).nearest(reading.text, NEAR_BY_SPELLING)
            rows += self.catalogue.by_lang[lang][places].tolist()
        return rows

    def _languages(self, lang: str) -> list[str]:
        held = self.catalogue.by_lang
        return [tag for tag in dict.fromkeys((lang, "en", *sorted(family(lang)))) if tag in held]

    def _near_by_meaning(self, queries: Vectors) -> list[list[int]]:
        if self._vectors is None or not len(self._english):
            return [[] for _ in queries]
        places, _ = nearest(queries, self._vectors, NEAR_BY_MEANING)
        readable = [bool(row.any()) for row in queries]
        rows = self._english[places]
        return [held.tolist() if ok else [] for held, ok in zip(rows, readable, strict=True)]

    def _meanings(self, rows: Sequence[int], query: Vectors | None) -> list[float]:
        """Cosine of each English name with the query, 0 for other names."""
        out = [0.0] * len(rows)
        if query is None or self._vectors is None:
            return out
        places = np.searchsorted(self._english, rows)
        english = [
            (n, place)
            for n, (row, place) in enumerate(zip(rows, places.tolist(), strict=True))
            if place < len(self._english) and self._english[place] == row
        ]
        cosines = self._vectors[[place for _, place in english]] @ query
        for (n, _), cosine in zip(english, cosines.tolist(), strict=True):
            out[n] = cosine
        return out

    def _alike(self, reading: Reading) -> Iterator[int]:
        """Names of the same form, the same words, or one word more or less."""
        held, norm = self.catalogue, reading.norm
        if not norm:
            return
        for lang in dict.fromkeys((reading.lang, "en", *sorted(family(reading.lang)))):
            yield from held.by_norm[lang, norm][:MAX_SAME]
        yield from held.by_bag[reading.lang, bag(norm, reading.lang)][:MAX_SAME]
        own = stems(norm, reading.lang)
        yield from held.by_beginning[reading.lang, own][:MAX_SAME]
        if len(norm) > 1:
            for part in (norm[:-1], norm[1:]):
                yield from held.by_norm[reading.lang, part][:MAX_SAME]


def _spellings(each: Candidates) -> list[float]:
    text = trigrams(each.reading.text)
    return [overlap(text, trigrams(name.text)) for name in each.names]
