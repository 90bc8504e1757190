"""Matching names to all concepts of a snapshot by the trained linker.

Two catalogues are asked: Wikidata's items, for which the linker was trained, and the concepts that
were minted for terms without an item. A name means at most one concept, so what one catalogue
claims the other cannot have: their probabilities are weighed against each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, TypeAlias

from mathgloss.linking.candidates import Query
from mathgloss.linking.catalogue import Catalogue
from mathgloss.linking.features import FEATURES, Table
from mathgloss.linking.linker import Linker
from mathgloss.linking.ranking import load_model
from mathgloss.normalize import normalize

Feature: TypeAlias = float | bool

ANY_LANGUAGE: Final = ""
MAX_MATCHES: Final = 50
# languages that are tried for a name of which the language is not said
MAX_LANGUAGES: Final = 3
_SHOWN_FROM: Final = 0.005
_CERTAIN: Final = 0.9999

# name of a feature in answers -> columns of the linker of which it is the largest
_FLAGS: Final = {
    "same_name": ("same_preferred", "same_alternative", "same_english", "same_related"),
    "preferred_name": ("same_preferred",),
    "same_words": ("same_words",),
    "shared_name": ("same_among_several",),
    "qualifier_agrees": ("qualifier_same", "qualifier_in_topic"),
    "encyclopedic": ("sitelink",),
}
_NUMBERS: Final = {"spelling": ("spelling",), "word_overlap": ("overlap",)}
_PLACES: Final = {
    name: [FEATURES.index(column) for column in columns]
    for name, columns in (_FLAGS | _NUMBERS).items()
}


@dataclass(frozen=True, slots=True)
class Match:
    """A concept that a name may mean.

    Attributes:
        probability: that it is the one meant.
        features: what speaks for it, by name; shares are between 0 and 1.
        certain: whether it may be taken without asking anybody.
    """

    concept: str
    probability: float
    features: Mapping[str, Feature]
    certain: bool = False


class TermMatcher:
    """Matches names to the concepts of one snapshot; safe to use from several threads.

    Args:
        items: Wikidata's, with all their names.
        minted: the other concepts.

    Attributes:
        accept: from which probability on the linker takes a match without asking.
    """

    def __init__(self, items: Catalogue, minted: Catalogue) -> None:
        linker = Linker(items, load_model())
        self._items = items
        self._place = {concept: place for place, concept in enumerate(items.ids)}
        self._pools = (linker, linker.over(minted))
        self.accept, self._review = linker.zones
        self._languages = sorted({lang for pool in self._pools for lang in pool.catalogue.by_lang})
        self._lock = threading.Lock()

    def description(self, concept: str) -> str:
        """What Wikidata says of an item; empty if it says nothing or the concept is none."""
        place = self._place.get(concept)
        return "" if place is None else self._items.descriptions[place]

    def match(self, queries: Sequence[Query]) -> list[list[Match]]:
        """The concepts that each name may mean, the likeliest first, at most ``MAX_MATCHES``.

        A query in ``ANY_LANGUAGE`` is read as English, and if that gives nothing certain in the
        other languages that have this very name.
        """
        distinct = list(dict.fromkeys(queries))
        with self._lock:
            asked = [replace(query, lang=query.lang or "en") for query in distinct]
            found = dict(zip(distinct, self._match(asked), strict=True))
            self._try_languages(found)
        return [found[query] for query in queries]

    def _try_languages(self, found: dict[Query, list[Match]]) -> None:
        open_ = [
            query
            for query, matches in found.items()
            if query.lang == ANY_LANGUAGE and not (matches and matches[0].certain)
        ]
        tried = [
            (query, replace(query, lang=lang))
            for query in open_
            for lang in self._languages_of(query.label)
        ]
        answers = self._match([other for _, other in tried])
        for (query, _), matches in zip(tried, answers, strict=True):
            if _best(matches) > _best(found[query]):
                found[query] = matches

    def _languages_of(self, label: str) -> list[str]:
        """Languages other than English in which some concept has exactly this name."""
        having = (lang for lang in self._languages if lang != "en" and self._is_name(label, lang))
        return list(islice(having, MAX_LANGUAGES))

    def _is_name(self, label: str, lang: str) -> bool:
        norm = normalize(label, lang)
        return any((lang, norm) in pool.catalogue.by_norm for pool in self._pools)

    def _match(self, queries: Sequence[Query]) -> list[list[Match]]:
        if not queries:
            return []
        by_pool = [list(_ranked(pool, queries)) for pool in self._pools]
        return [self._weighed(*each) for each in zip(*by_pool, strict=True)]

    def _weighed(self, known: list[Match], minted: list[Match]) -> list[Match]:
        """Both catalogues' claims as the claims of rivals of which at most one holds."""
        rivals = min(_best(minted), _CERTAIN), min(_best(known), _CERTAIN)
        not_both = 1.0 - rivals[0] * rivals[1]
        weighed = [
            replace(
                match,
                probability=match.probability * (1.0 - rival) / not_both,
                certain=match.probability >= self.accept and rival < self._review,
            )
            for matches, rival in zip((known, minted), rivals, strict=True)
            for match in matches
        ]
        weighed.sort(key=lambda match: (-match.probability, match.concept))
        return weighed[:MAX_MATCHES]


def _best(matches: Sequence[Match]) -> float:
    return matches[0].probability if matches else 0.0


def _ranked(linker: Linker, queries: Sequence[Query]) -> Iterator[list[Match]]:
    """What one catalogue says of each query."""
    _, table, verdicts = linker.ranked(queries)
    for verdict in verdicts:
        yield [
            Match(linker.catalogue.ids[table.concepts[row]], float(chance), _features(table, row))
            for row, chance in zip(verdict.order, verdict.probabilities, strict=True)
            if chance >= _SHOWN_FROM
        ]


def _features(table: Table, row: int) -> dict[str, Feature]:
    values = table.values[row].tolist()
    largest = {name: max(values[place] for place in places) for name, places in _PLACES.items()}
    return {
        name: bool(value > 0) if name in _FLAGS else round(value, 4)
        for name, value in largest.items()
    }
