"""What is compared between a term and the concepts that it may name, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mathgloss.linking.candidates import Candidates, Reading
from mathgloss.linking.catalogue import STANDING, Catalogue, Name
from mathgloss.linking.forms import (
    CHANGING,
    GENERIC_HEADS,
    GENERIC_QUALIFIERS,
    bag,
    family,
    head,
    stems,
)

Matrix = NDArray[np.float64]

# how one name fits the term
_NAME: Final = (
    "same_preferred", "same_alternative", "same_english", "same_related", "same_words",
    "lacks_generic_head", "lacks_head", "qualifier_same", "qualifier_only_in_term",
    "qualifier_only_in_name", "qualifier_other", "qualifier_in_topic", "meaning", "spelling",
    "overlap", "term_words_missing", "name_words_extra", "same_head", "changes_kind",
)  # fmt: skip
_CONTEXT: Final = ("description", "description_of_defined")
# how a concept stands among the candidates of the term
_RELATIVE: Final = (
    "meaning_gap", "meaning_rank", "spelling_gap", "spelling_rank", "standing_gap",
    "same_among_several", "same_word", "same_word_among_several", "other_is_same",
    "word_not_same", "alternative_word", "same_foreign", "meaning_english", "spelling_foreign",
    "all_words_not_same", "foreign", "english_word", "best_known_same",
)  # fmt: skip
FEATURES: Final = (*_NAME, *STANDING, *_CONTEXT, *_RELATIVE)
# those that need an encoder
DENSE: Final = frozenset({
    "meaning", "description", "description_of_defined", "meaning_gap", "meaning_rank",
    "meaning_english",
})  # fmt: skip
_COLUMN: Final = {name: place for place, name in enumerate(FEATURES)}
# standing in the bundled core
OF_CORE: Final = ("in_core", "named")
_RARITY_LIMIT: Final = 20.0
# Which concept of several with one name is meant most often; only for features, the trained
# weights decide. In the order of STANDING.
_STANDING_WEIGHTS: Final = np.array([0.5, 1.0, 1.0, 2.0, 1.0, 0.3, -0.1])


@dataclass(frozen=True, slots=True)
class Table:
    """The candidates of a batch of terms.

    Attributes:
        concepts: (m,) place of each candidate concept in the catalogue.
        names: (m,) place of its best fitting name.
        starts: (n + 1,) where the candidates of each term start.
        values: (m, len(FEATURES)).
    """

    concepts: NDArray[np.int64]
    names: NDArray[np.int64]
    starts: NDArray[np.int64]
    values: Matrix


class Featuriser:
    """Makes feature tables for one catalogue.

    ``descriptions`` are unit vectors of the concepts' descriptions (n, d), zero where there is
    none, or ``None`` without an encoder.
    """

    def __init__(
        self, catalogue: Catalogue, descriptions: NDArray[np.float32] | None = None
    ) -> None:
        self._catalogue = catalogue
        self._descriptions = descriptions
        self._known = catalogue.standing @ _STANDING_WEIGHTS
        elsewhere = [0.0 if name in OF_CORE else 1.0 for name in STANDING]
        self._known_elsewhere = catalogue.standing @ (_STANDING_WEIGHTS * elsewhere)

    def table(
        self,
        found: Sequence[Candidates],
        contexts: NDArray[np.float32] | None = None,
        defined: Sequence[bool] = (),
    ) -> Table:
        """The features of all candidates of a batch.

        Args:
            found: the candidates of each term.
            contexts: (n, d) unit vectors of each term with its definition.
            defined: whether each term has a definition.
        """
        concepts: list[int] = []
        names: list[int] = []
        rows: list[list[float]] = []
        starts = [0]
        for place, each in enumerate(found):
            best = self._best_names(each)
            context = None if contexts is None else contexts[place]
            has_definition = bool(defined) and defined[place]
            for concept, (name, values) in best.items():
                concepts.append(concept)
                names.append(name)
                rows.append([*values, *self._context(concept, context, defined=has_definition)])
            starts.append(len(concepts))
        own = np.array(rows, np.float64).reshape(len(rows), len(_NAME) + len(_CONTEXT))
        places = np.array(concepts, np.int64)
        bounds = np.array(starts, np.int64)
        whole = np.zeros((len(rows), len(FEATURES)))
        whole[:, : len(_NAME)] = own[:, : len(_NAME)]
        end = len(_NAME) + len(STANDING)
        whole[:, len(_NAME) : end] = self._catalogue.standing[places]
        whole[:, end : end + len(_CONTEXT)] = own[:, len(_NAME) :]
        if len(rows):
            self._add_relative(whole, places, bounds, [each.reading for each in found])
        return Table(places, np.array(names, np.int64), bounds, whole)

    def _context(
        self, concept: int, context: NDArray[np.float32] | None, *, defined: bool
    ) -> tuple[float, float]:
        if context is None or self._descriptions is None:
            return 0.0, 0.0
        near = float(self._descriptions[concept] @ context)
        return near, near if defined else 0.0

    def _best_names(self, each: Candidates) -> dict[int, tuple[int, list[float]]]:
        """For each concept its best fitting name and, over all its names, the best of each kind."""
        reading = each.reading
        words = frozenset(stems(reading.norm, reading.lang))
        facts = _Facts(
            reading=reading,
            words=words,
            bag=bag(reading.norm, reading.lang),
            beginning=stems(reading.norm, reading.lang),
            head=stems((reading.norm[head(reading.norm)],), reading.lang)[0] if words else "",
            related=family(reading.lang),
        )
        best: dict[int, tuple[int, list[float]]] = {}
        rows = zip(each.rows, each.names, each.meaning, each.spelling, strict=True)
        for row, name, meaning, spelling in rows:
            values = self._name(facts, name, meaning, spelling)
            if name.concept not in best:
                best[name.concept] = (row, values)
            else:
                best[name.concept] = _merged(best[name.concept], (row, values))
        return best

    def _name(self, facts: _Facts, name: Name, meaning: float, spelling: float) -> list[float]:
        """The values of ``_NAME`` for one name."""
        held = frozenset(name.stems)
        common = facts.words & held
        lang = facts.reading.lang
        own = name.lang in {lang, "mul"}
        same = name.norm == facts.reading.norm
        lacks = (
            not same
            and own
            and len(name.norm) == len(facts.beginning) + 1
            and stems(name.norm[:-1], name.lang) == facts.beginning
        )
        generic = name.norm[-1] in GENERIC_HEADS
        return [
            float(same and own and name.preferred),
            float(same and own and not name.preferred),
            float(same and not own and name.lang == "en"),
            float(same and not own and name.lang in facts.related),
            float(not same and own and _is_reordered(facts, name, held)),
            float(lacks and generic),
            float(lacks and not generic),
            *_qualifiers(facts.reading, name, fits=same),
            self._in_topic(facts.reading, name),
            meaning,
            spelling,
            len(common) / max(1, len(facts.words | held)),
            -min(self._catalogue.rarity(facts.words - held), _RARITY_LIMIT) / 5,
            -min(self._catalogue.rarity(held - facts.words), _RARITY_LIMIT) / 5,
            float(own and name.head == facts.head),
            -float(not CHANGING.isdisjoint(facts.words ^ held)),
        ]

    def _in_topic(self, reading: Reading, name: Name) -> float:
        """Share of the qualifier's words that occur in what is said of the concept."""
        if reading.qualifier is None:
            return 0.0
        words = frozenset(stems(reading.qualifier, "en")) - GENERIC_QUALIFIERS
        return len(words.intersection(self._catalogue.topics[name.concept])) / max(1, len(words))

    def _add_relative(
        self,
        values: Matrix,
        concepts: NDArray[np.int64],
        starts: NDArray[np.int64],
        readings: Sequence[Reading],
    ) -> None:
        """Fill the columns of ``_RELATIVE``; all terms of the batch at once."""
        column = {name: values[:, place] for name, place in _COLUMN.items()}
        sizes = np.diff(starts)
        term = np.repeat(np.arange(len(sizes)), sizes)
        word = np.array([len(each.norm) == 1 for each in readings], float)[term]
        foreign = np.array([each.lang != "en" for each in readings], float)[term]
        # The gold's only names in other languages are the core's alternatives. A label of Wikidata
        # in such a language is worth no less, and that the core has an item makes none right.
        ours = (foreign > 0) & (column["same_preferred"] > 0)
        column["same_alternative"][ours] = 1.0
        column["same_preferred"][ours] = 0.0
        for name in OF_CORE:
            column[name] *= 1.0 - foreign
        same = column["same_preferred"] + column["same_alternative"] + column["same_english"]
        same = np.maximum(same, column["same_related"])
        # a qualifier that one of them has sets the homonyms without it apart
        qualified = column["qualifier_same"] * same
        same = np.where(np.bincount(term, qualified, len(sizes))[term] > 0, qualified, same)
        count = np.bincount(term, same, len(sizes))[term]
        known = np.where(foreign > 0, self._known_elsewhere[concepts], self._known[concepts])
        best = np.full(len(sizes), -np.inf)
        np.maximum.at(best, term, np.where(same > 0, known, -np.inf))
        several = (count > 1).astype(float)
        for kind in ("meaning", "spelling"):
            gap, rank = _place_among(column[kind], term, len(sizes))
            column[f"{kind}_gap"][:] = gap
            column[f"{kind}_rank"][:] = rank
        column["standing_gap"][:] = np.where(same > 0, known - best[term], 0.0)
        column["same_among_several"][:] = same * several
        column["same_word"][:] = same * word
        column["same_word_among_several"][:] = same * several * word
        column["other_is_same"][:] = (1 - same) * (count > 0)
        column["word_not_same"][:] = (1 - same) * word
        column["alternative_word"][:] = column["same_alternative"] * word
        column["same_foreign"][:] = same * foreign
        column["meaning_english"][:] = (1 - same) * column["meaning"] ** 2 * (1 - foreign)
        column["spelling_foreign"][:] = (1 - same) * column["spelling"] ** 2 * foreign
        column["all_words_not_same"][:] = (1 - same) * (column["overlap"] == 1.0)
        column["foreign"][:] = foreign
        column["english_word"][:] = column["same_english"] * word
        column["best_known_same"][:] = same * (known == best[term])


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is needed of a query for each of its candidates."""

    reading: Reading
    words: frozenset[str]
    bag: tuple[str, ...]
    beginning: tuple[str, ...]
    head: str
    related: frozenset[str]


def _is_reordered(facts: _Facts, name: Name, held: frozenset[str]) -> bool:
    """Whether query and name have the same content words."""
    # what a look at the stems rules out need not be sorted; a name in no language has none
    if name.lang != "mul" and not held.issuperset(facts.bag):
        return False
    return bag(name.norm, name.lang) == facts.bag


def _qualifiers(reading: Reading, name: Name, *, fits: bool) -> list[float]:
    """Same, only in the term, only in the name, different; all 0 unless the names are one."""
    if not fits or (reading.qualifier is None and name.qualifier is None):
        return [0.0, 0.0, 0.0, 0.0]
    same = reading.qualifier == name.qualifier
    only_term = name.qualifier is None
    only_name = reading.qualifier is None
    other = not (same or only_term or only_name)
    return [float(same), float(only_term), float(only_name), float(other)]


_LAST_SAME: Final = _NAME.index("same_related")
_SPELLING: Final = _NAME.index("spelling")
_OVERLAP: Final = _NAME.index("overlap")
_QUALIFIERS: Final = slice(_NAME.index("qualifier_same"), _NAME.index("qualifier_other") + 1)


def _fit(values: Sequence[float]) -> tuple[float, ...]:
    """How well a name fits, for choosing the one to show and whose qualifier counts."""
    same, only_term, only_name, other = values[_QUALIFIERS]
    exact = max(values[: _LAST_SAME + 1])
    return (exact, same - other - 0.5 * only_term - 0.3 * only_name, values[4],
            values[_SPELLING], values[_OVERLAP])  # fmt: skip


def _merged(
    first: tuple[int, list[float]], second: tuple[int, list[float]]
) -> tuple[int, list[float]]:
    """Two names of one concept: the best of each kind, qualifiers by the name that fits best."""
    better, other = (first, second) if _fit(first[1]) >= _fit(second[1]) else (second, first)
    values = [max(pair) for pair in zip(better[1], other[1], strict=True)]
    values[_QUALIFIERS] = better[1][_QUALIFIERS]
    return better[0], values


def _place_among(scores: Matrix, term: NDArray[np.intp], terms: int) -> tuple[Matrix, Matrix]:
    """Distance to the term's best score, and the reciprocal rank."""
    best = np.full(terms, -np.inf)
    np.maximum.at(best, term, scores)
    order = np.lexsort((-scores, term))
    starts = np.searchsorted(term[order], np.arange(terms))
    rank = np.empty(len(scores))
    rank[order] = np.arange(len(scores)) - starts[term[order]]
    return scores - best[term], 1.0 / (1.0 + rank)
