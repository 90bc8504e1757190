"""What a term may be linked to: concepts with their names, descriptions and standing.

Only what is said of the concepts themselves counts here: the names and statements of their own
authority (Wikidata) and of the bundled core. What other sources say of identity stays out, so that
no reference can reach a predicted score.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathgloss.io.arrays import Arrays, put_under, take_under
from mathgloss.linking.forms import Norm, bag, head, stems
from mathgloss.linking.labels import CORE, first_title
from mathgloss.linking.packed import Key, Phrases, Postings, Strings
from mathgloss.linking.trigrams import TrigramIndex
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
_NO_QUALIFIER: Final = -1


class Name(NamedTuple):
    """One name of one concept, in normal form.

    Attributes:
        concept: place of the concept in the catalogue.
        norm: the name without its qualifier.
        preferred: whether the concept's own authority prefers it.
        qualifier: what stood in parentheses, ``None`` if nothing did or it says nothing.
        stems: of the norm's words; a name in no language is read as English.
    """

    concept: int
    norm: Norm
    lang: str
    preferred: bool
    qualifier: Norm | None
    stems: Norm

    @property
    def text(self) -> str:
        """The name as an encoder reads it."""
        return " ".join(self.norm)

    @property
    def head(self) -> str:
        """The stem of its head noun."""
        return self.stems[head(self.norm)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One concept with the terms that are it."""

    id: str
    terms: tuple[Term, ...]


class Names:
    """The names of a catalogue, each read when it is looked at."""

    def __init__(self, words: Sequence[str], arrays: Arrays) -> None:
        self._concepts = arrays["concepts"].data
        self._preferred = arrays["preferred"].data
        self._langs = list(Strings(take_under("langs", arrays)))
        self._lang_of = arrays["lang_of"].data
        self._norms = Phrases(words, take_under("norms", arrays))
        self._stems = Phrases(words, take_under("stems", arrays))
        self._qualifiers = Phrases(words, take_under("qualifiers", arrays))
        self._qualifier_of = arrays["qualifier_of"].data

    @staticmethod
    def of(names: Sequence[Name], places: dict[str, int]) -> Arrays:
        """The arrays that hold some names; their words get places in the vocabulary."""
        langs = sorted({name.lang for name in names})
        qualifiers: dict[Norm | None, int] = {None: _NO_QUALIFIER}
        for name in names:
            qualifiers.setdefault(name.qualifier, len(qualifiers) - 1)
        said = [held for held in qualifiers if held is not None]
        return {
            "concepts": np.array([name.concept for name in names], np.int32),
            "preferred": np.array([name.preferred for name in names], np.bool_),
            "lang_of": np.array([langs.index(name.lang) for name in names], np.int16),
            "qualifier_of": np.array([qualifiers[name.qualifier] for name in names], np.int32),
            **put_under("langs", Strings.of(langs)),
            **put_under("norms", Phrases.of((name.norm for name in names), places)),
            **put_under("stems", Phrases.of((name.stems for name in names), places)),
            **put_under("qualifiers", Phrases.of(said, places)),
        }

    def __len__(self) -> int:
        return len(self._concepts)

    def __getitem__(self, row: int) -> Name:
        qualifier = self._qualifier_of[row]
        return Name(
            self._concepts[row],
            self._norms[row],
            self._langs[self._lang_of[row]],
            bool(self._preferred[row]),
            None if qualifier == _NO_QUALIFIER else self._qualifiers[qualifier],
            self._stems[row],
        )

    def __iter__(self) -> Iterator[Name]:
        return (self[row] for row in range(len(self)))

    def by_lang(self) -> dict[str, NDArray[np.int64]]:
        """The rows of each language in order, names in no language among the English ones."""
        codes = np.asarray(self._lang_of)
        code_of: dict[str, list[int]] = defaultdict(list)
        for code, lang in enumerate(self._langs):
            code_of[_read_as(lang)].append(code)
        return {lang: np.flatnonzero(np.isin(codes, held)) for lang, held in code_of.items()}


class Catalogue:
    """Concepts in the order of their identifiers' age, and every way to reach them by name.

    Args:
        arrays: as :meth:`stored` gives them; without the indexes by spelling these are made when
            they are first needed.

    Attributes:
        ids, titles, descriptions: by place of the concept; a description may be empty.
        topics: by place, the stems of all English words that say what the concept is about.
        standing: (n, 7) how well known each is, columns as in ``STANDING``.
        names: all names, by row.
        by_norm, by_bag: rows of the names of a norm, and of a bag of stems.
        by_beginning: rows of the names that have one word more, by their stems without the last.
        by_lang: rows of each language.
    """

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        words = list(Strings(take_under("words", arrays)))
        self.ids = list(Strings(take_under("ids", arrays)))
        self.titles = Strings(take_under("titles", arrays))
        self.descriptions = Strings(take_under("descriptions", arrays))
        self.topics = Phrases(words, take_under("topics", arrays))
        self.standing = arrays["standing"]
        self.names = Names(words, take_under("names", arrays))
        self.by_norm = Postings(take_under("by_norm", arrays))
        self.by_bag = Postings(take_under("by_bag", arrays))
        self.by_beginning = Postings(take_under("by_beginning", arrays))
        self.by_lang = self.names.by_lang()
        self._spelling: dict[str, TrigramIndex] = {}
        self._unseen = math.log(1.0 + len(self.names))
        self._rarity = {
            word: self._unseen - math.log(1.0 + count)
            for word, count in zip(words, arrays["frequency"].tolist(), strict=True)
            if count
        }

    @classmethod
    def of(
        cls,
        entries: Iterable[Entry],
        *,
        related: Counter[str] | None = None,
        standing: Sequence[float] | None = None,
    ) -> Catalogue:
        """The catalogue of some concepts.

        Args:
            entries: in the order of their age.
            related: how many relations each has, if that is known.
            standing: of each of them; if it is not given, what their terms say counts.
        """
        held = list(entries)
        titles = [first_title(entry.terms) for entry in held]
        descriptions = [_description(entry.terms) for entry in held]
        topics = [_topic(text, entry) for text, entry in zip(descriptions, held, strict=True)]
        known = related or Counter()
        rows = [standing or _standing(entry, known[entry.id]) for entry in held]
        names = [name for place, entry in enumerate(held) for name in _distinct(place, entry)]
        places: dict[str, int] = {}
        arrays = {
            "standing": np.array(rows, np.float64).reshape(len(held), len(STANDING)),
            **put_under("ids", Strings.of(entry.id for entry in held)),
            **put_under("titles", Strings.of(titles)),
            **put_under("descriptions", Strings.of(descriptions)),
            **put_under("topics", Phrases.of(map(sorted, topics), places)),
            **put_under("names", Names.of(names, places)),
            **_indexes(names),
        }
        arrays["frequency"] = _frequency(names, places)
        return cls({**arrays, **put_under("words", Strings.of(places))})

    def __len__(self) -> int:
        return len(self.ids)

    def rarity(self, words: Iterable[str]) -> float:
        """Sum over stems of the logarithm of how rare each is among all names."""
        return sum(self._rarity.get(word, self._unseen) for word in words)

    def spelling(self, lang: str) -> TrigramIndex:
        """The index of a language's names by spelling; its rows are places in ``by_lang``."""
        if lang not in self._spelling:
            stored = take_under(f"spelling/{lang}", self._arrays)
            self._spelling[lang] = TrigramIndex(stored or self._spelling_arrays(lang))
        return self._spelling[lang]

    def stored(self) -> Arrays:
        """All that it is, the index by spelling of every language with it."""
        spelling = {
            lang: put_under(f"spelling/{lang}", self._spelling_arrays(lang))
            for lang in self.by_lang
        }
        return {
            name: array
            for held in (self._arrays, *spelling.values())
            for name, array in held.items()
        }

    def _spelling_arrays(self, lang: str) -> Arrays:
        return TrigramIndex.of([self.names[row].text for row in self.by_lang[lang].tolist()])


def _distinct(place: int, entry: Entry) -> Iterator[Name]:
    """The names of a concept that say something, each once."""
    seen: set[tuple[Norm, str, Norm | None]] = set()
    for name in _names(place, entry):
        key = (name.norm, name.lang, name.qualifier)
        if name.norm and key not in seen:
            seen.add(key)
            yield name


def _indexes(names: Sequence[Name]) -> Arrays:
    """The arrays of the ways from words to names."""
    by_norm: dict[Key, list[int]] = defaultdict(list)
    by_bag: dict[Key, list[int]] = defaultdict(list)
    by_beginning: dict[Key, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        lang = _read_as(name.lang)
        by_norm[lang, name.norm].append(row)
        by_bag[lang, bag(name.norm, lang)].append(row)
        if len(name.stems) > 1:
            by_beginning[lang, name.stems[:-1]].append(row)
    return {
        **put_under("by_norm", Postings.of(by_norm)),
        **put_under("by_bag", Postings.of(by_bag)),
        **put_under("by_beginning", Postings.of(by_beginning)),
    }


def _frequency(names: Sequence[Name], places: Mapping[str, int]) -> NDArray[np.int32]:
    """How many names have each word of the vocabulary as a stem."""
    counted = Counter(word for name in names for word in set(name.stems))
    return np.array([counted[word] for word in places], np.int32)


def _read_as(lang: str) -> str:
    """The language as which a name is read."""
    return "en" if lang == "mul" else lang


def _names(place: int, entry: Entry) -> Iterator[Name]:
    for term in entry.terms:
        for label in term.labels:
            base, qualifier = split_qualifier(label.text)
            said = normalize(qualifier, label.lang) if qualifier is not None else None
            norm = normalize(base, label.lang)
            lang = label.lang.partition("-")[0].lower()
            yield Name(
                concept=place,
                norm=norm,
                lang=lang,
                preferred=label.kind is LabelKind.PREFERRED and term.source != CORE,
                qualifier=None if said in PLAIN_QUALIFIERS else said,
                stems=stems(norm, _read_as(lang)),
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


def items(sources: Sequence[ParsedSource], more: Iterable[Term] = ()) -> Catalogue:
    """The catalogue of Wikidata items: concepts alone, with the core's names for them.

    Args:
        sources: of which only Wikidata and the core count.
        more: terms with further names of items, of other sources.
    """
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
    for term in more:
        terms[term.id].append(term)
    kept = sorted(terms.keys() - not_concepts, key=lambda name: int(name.removeprefix("wd:Q")))
    # the authority's own terms come first: they choose the description
    ranked = {name: sorted(terms[name], key=lambda term: term.source == CORE) for name in kept}
    return Catalogue.of((Entry(name, tuple(ranked[name])) for name in kept), related=related)
