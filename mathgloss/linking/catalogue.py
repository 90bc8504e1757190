"""What a term may be linked to: concepts with their names, descriptions and standing.

Only what is said of the concepts themselves counts here: the names and statements of their own
authority (Wikidata) and of the bundled core. What other sources say of identity stays out, so that
no reference can reach a predicted score.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathgloss.linking.forms import Norm, bag, head, stems
from mathgloss.linking.labels import CORE, first_title
from mathgloss.model import LabelKind, ParsedSource, Term, TermKind
from mathgloss.normalize import normalize, split_qualifier

WIKIDATA: Final = "wikidata"

# qualifiers that say no more than "the mathematical one"
PLAIN_QUALIFIERS: Final = frozenset({("mathematics",), ("math",), ("maths",)})
STANDING: Final = ("typed", "sitelink", "described", "in_core", "named", "relations", "age")
# A concept of which nobody says how well known it is: neither for nor against. That it is
# mathematics is known ("named"), because a source of mathematics has it.
UNKNOWN_STANDING: Final = (1.0, 1.0, 0.0, 0.0, 1.0, math.log1p(2), math.log(1e6))
_SITELINK: Final = "enwiki:"


class Name(NamedTuple):
    """One name of one concept, in normal form.

    Attributes:
        concept: place of the concept in the catalogue.
        norm: the name without its qualifier.
        preferred: whether the concept's own authority prefers it.
        qualifier: what stood in parentheses, ``None`` if nothing did or it says nothing.
    """

    concept: int
    norm: Norm
    lang: str
    preferred: bool
    qualifier: Norm | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One concept with the terms that are it."""

    id: str
    terms: tuple[Term, ...]


class Catalogue:
    """Concepts in the order of their identifiers' age, and every way to reach them by name.

    Attributes:
        ids, titles, descriptions: by place of the concept; a description may be empty.
        standing: (n, 7) how well known each is, columns as in ``STANDING``.
        names: all names.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        related: Counter[str] | None = None,
        standing: Sequence[float] | None = None,
    ) -> None:
        held = list(entries)
        self.ids = [entry.id for entry in held]
        self.titles = [first_title(entry.terms) for entry in held]
        self.descriptions = [_description(entry.terms) for entry in held]
        self.topics = [
            _topic(text, title) for text, title in zip(self.descriptions, held, strict=True)
        ]
        known = related or Counter()
        self.standing = np.array(
            [standing or _standing(entry, known[entry.id]) for entry in held], np.float64
        ).reshape(len(held), len(STANDING))
        self.names: list[Name] = []
        for place, entry in enumerate(held):
            seen: set[tuple[Norm, str, Norm | None]] = set()
            for name in _names(place, entry):
                key = (name.norm, name.lang, name.qualifier)
                if name.norm and key not in seen:
                    seen.add(key)
                    self.names.append(name)
        self._index()

    def __len__(self) -> int:
        return len(self.ids)

    def _index(self) -> None:
        self.by_norm: dict[tuple[str, Norm], list[int]] = defaultdict(list)
        self.by_bag: dict[tuple[str, Norm], list[int]] = defaultdict(list)
        self.by_beginning: dict[tuple[str, Norm], list[int]] = defaultdict(list)
        self.by_lang: dict[str, list[int]] = defaultdict(list)
        self.stems: list[frozenset[str]] = []
        self.heads: list[str] = []
        frequency: Counter[str] = Counter()
        for row, name in enumerate(self.names):
            lang = "en" if name.lang == "mul" else name.lang
            held = stems(name.norm, lang)
            self.stems.append(frozenset(held))
            self.heads.append(held[head(name.norm)])
            self.by_norm[lang, name.norm].append(row)
            self.by_bag[lang, bag(name.norm, lang)].append(row)
            self.by_lang[lang].append(row)
            if len(held) > 1:
                self.by_beginning[lang, held[:-1]].append(row)
            frequency.update(self.stems[-1])
        total = math.log(1.0 + len(self.names))
        self._unseen = total
        self._rarity = {word: total - math.log(1.0 + n) for word, n in frequency.items()}

    def rarity(self, words: Iterable[str]) -> float:
        """Sum over stems of the logarithm of how rare each is among all names."""
        return sum(self._rarity.get(word, self._unseen) for word in words)

    @cached_property
    def texts(self) -> list[str]:
        """Each name as an encoder reads it."""
        return [" ".join(name.norm) for name in self.names]

    @cached_property
    def concept_of(self) -> NDArray[np.int64]:
        """Place of the concept of each name."""
        return np.array([name.concept for name in self.names], np.int64)


def _names(place: int, entry: Entry) -> Iterable[Name]:
    for term in entry.terms:
        for label in term.labels:
            base, qualifier = split_qualifier(label.text)
            said = normalize(qualifier, label.lang) if qualifier is not None else None
            yield Name(
                concept=place,
                norm=normalize(base, label.lang),
                lang=label.lang.partition("-")[0].lower(),
                preferred=label.kind is LabelKind.PREFERRED and term.source != CORE,
                qualifier=None if said in PLAIN_QUALIFIERS else said,
            )


def _description(terms: Sequence[Term]) -> str:
    return next((term.definition.text for term in terms if term.definition), "")


def _topic(description: str, entry: Entry) -> frozenset[str]:
    """Stems of all English words that say what a concept is about."""
    names = [label.text for term in entry.terms for label in term.labels if label.lang == "en"]
    return frozenset(
        word for text in (description, *names) for word in stems(normalize(text[:300]), "en")
    )


def _standing(entry: Entry, relations: int) -> list[float]:
    number = entry.id.removeprefix("wd:Q")
    return [
        float(any(term.types for term in entry.terms)),
        float(any(r.target.startswith(_SITELINK) for t in entry.terms for r in t.references)),
        float(any(term.definition for term in entry.terms)),
        float(any(term.source == CORE and term.definition for term in entry.terms)),
        float(any(term.source == CORE for term in entry.terms)),
        math.log1p(relations),
        math.log(int(number)) if number.isdigit() else math.log(1e9),
    ]


def items(sources: Sequence[ParsedSource]) -> Catalogue:
    """The catalogue of Wikidata items: concepts alone, with the core's names for them."""
    terms: dict[str, list[Term]] = defaultdict(list)
    not_concepts: set[str] = set()
    related: Counter[str] = Counter()
    for source in sources:
        if source.info.name not in {WIKIDATA, CORE}:
            continue
        for term in source.terms:
            if not term.id.startswith("wd:"):
                continue
            if term.kind is TermKind.CONCEPT:
                terms[term.id].append(term)
            else:
                not_concepts.add(term.id)
        if source.info.name == WIKIDATA:
            for relation in source.relations:
                related.update((relation.subject, relation.object))
    kept = sorted(terms.keys() - not_concepts, key=lambda name: int(name.removeprefix("wd:Q")))
    # the authority's own terms come first: they choose the description
    ranked = {name: sorted(terms[name], key=lambda term: term.source == CORE) for name in kept}
    return Catalogue((Entry(name, tuple(ranked[name])) for name in kept), related=related)
