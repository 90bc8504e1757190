"""Which concepts a name may stand for, and how sure the best of them is.

The lexicon maps normal forms (see :mod:`mathgloss.normalize`), language by language, to the
concepts that carry the name. A look-up ranks them by how they carry it (as preferred name, as
alternative, under a qualifier) and by what else is known of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final, NamedTuple

from mathgloss.model import Candidate, LabelKind
from mathgloss.normalize import normalize, split_qualifier

Norm = tuple[str, ...]

# the tag of names that are the same in every language
EVERY_LANGUAGE: Final = "mul"

# Confidence by kind of match: about the share of right links among such matches on hand-made
# alignments, each source excluded in turn; the counts are in docs/linking.md.
UNIQUE_PHRASE: Final = 0.98
UNIQUE_WORD: Final = 0.90
AMBIGUOUS_PHRASE: Final = 0.90
AMBIGUOUS_WORD: Final = 0.75
ALTERNATIVE_FACTOR: Final = 0.95
# a single word that is only another name of the concept is often an adjective ("regular")
ALTERNATIVE_WORD_FACTOR: Final = 0.80
OTHER_LANGUAGE_FACTOR: Final = 0.80
# the term says which one, the name does not ("group (chemistry)" and "group"): below acceptance
QUALIFIED_TERM_FACTOR: Final = 0.50
# the name says which one, the term does not ("kernel" and "Kernel (algebra)")
QUALIFIED_NAME_FACTOR: Final = 0.60
OTHER_QUALIFIER_FACTOR: Final = 0.20

# qualifiers that say no more than "the mathematical one"
_PLAIN_QUALIFIERS: Final = frozenset({("mathematics",), ("math",), ("maths",)})


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a concept whatever the name: better known concepts rank first.

    Attributes:
        typed: some source puts it in a class.
        described: some source describes it.
        attested: how many sources' own references point at it.
        age: rank among the identifiers of its authority; the older the lower.
    """

    typed: bool = False
    described: bool = False
    attested: int = 0
    age: int = 1 << 40


class Entry(NamedTuple):
    """One name of one concept."""

    concept: str
    text: str
    qualifier: Norm | None
    kind: LabelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLexicon:
    """The part of a lexicon that texts of one language need, as it is stored.

    Attributes:
        titles: the name under which each concept is shown.
        priors: what is known of each concept.
        names: by language tag and normal form, its words joined by spaces, the names.
    """

    titles: dict[str, str]
    priors: dict[str, Prior]
    names: dict[str, dict[str, list[Entry]]]


class _Match(NamedTuple):
    quality: float  # how the name fits, 1 best
    prior: tuple[bool, bool, int, int]
    entry: Entry


class Lexicon:
    """Names of concepts in every language."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, Norm], list[Entry]] = defaultdict(list)
        self._priors: dict[str, Prior] = {}
        self._titles: dict[str, str] = {}

    def add_concept(self, concept: str, title: str, prior: Prior) -> None:
        """Make a concept known; names are added apart."""
        self._priors[concept] = prior
        self._titles[concept] = title

    def add_name(self, concept: str, text: str, lang: str, kind: LabelKind) -> None:
        """A name of a known concept; a qualifier in parentheses is kept apart from it."""
        base, qualifier = split_qualifier(text)
        if qualifier is None:
            self._put(lang, text, Entry(concept, text, None, kind))
            return
        self._put(lang, base, Entry(concept, text, normalize(qualifier, lang), kind))

    def _put(self, lang: str, text: str, entry: Entry) -> None:
        norm = normalize(text, lang)
        if norm and entry not in (held := self._entries[lang, norm]):
            held.append(entry)

    def __contains__(self, concept: object) -> bool:
        return concept in self._priors

    def __len__(self) -> int:
        return len(self._priors)

    def title(self, concept: str) -> str:
        """The name under which a known concept is shown."""
        return self._titles[concept]

    def retitle(self, concept: str, title: str) -> None:
        """Show a known concept under another of its names."""
        self._titles[concept] = title

    def prior(self, concept: str) -> Prior:
        """What is known of a known concept."""
        return self._priors[concept]

    def names(self, lang: str) -> list[Norm]:
        """All normal forms in a language, and those valid in every language."""
        return [norm for (tag, norm) in self._entries if tag in {lang, EVERY_LANGUAGE}]

    def stored(self, lang: str) -> StoredLexicon:
        """All concepts, and the names in a language and in every language, in a fixed order."""
        names: dict[str, dict[str, list[Entry]]] = {lang: {}, EVERY_LANGUAGE: {}}
        for (tag, norm), entries in sorted(self._entries.items(), key=lambda item: item[0]):
            if tag in names:
                names[tag][" ".join(norm)] = entries
        return StoredLexicon(
            titles=dict(sorted(self._titles.items())),
            priors=dict(sorted(self._priors.items())),
            names=names,
        )

    @classmethod
    def from_stored(cls, stored: StoredLexicon) -> Lexicon:
        """The lexicon of what :meth:`stored` gave."""
        lexicon = cls()
        lexicon._titles = stored.titles
        lexicon._priors = stored.priors
        for tag, names in stored.names.items():
            for norm, entries in names.items():
                lexicon._entries[tag, tuple(norm.split(" "))] = entries
        return lexicon

    def candidates(self, label: str, lang: str = "en") -> list[Candidate]:
        """The concepts that ``label`` may name, the likeliest first, at most one row for each.

        Names in the term's own language count fully, English names for a term of another language
        less. The confidence of the first is the probability that it is right; the others share
        what remains in the order of their rank. Empty when no concept carries the name.
        """
        base, qualifier = split_qualifier(label)
        wanted = normalize(qualifier, lang) if qualifier is not None else None
        for tag, factor in self._languages(lang):
            norm = normalize(base, tag)
            if entries := self._named(norm, tag):
                return self._rank(entries, wanted, len(norm), factor)
        return []

    def by_norm(self, norm: Norm, lang: str = "en") -> list[Candidate]:
        """The same for a name that is in normal form already."""
        entries = self._named(norm, lang)
        return self._rank(entries, None, len(norm), 1.0) if entries else []

    def _named(self, norm: Norm, lang: str) -> list[Entry]:
        """The names of this form in a language, and those valid in every language."""
        own = self._entries.get((lang, norm), ())
        return [*own, *self._entries.get((EVERY_LANGUAGE, norm), ())]

    @staticmethod
    def _languages(lang: str) -> list[tuple[str, float]]:
        base = lang.partition("-")[0].lower()
        own = [(lang, 1.0)] if lang == base else [(lang, 1.0), (base, 1.0)]
        return own if base == "en" else [*own, ("en", OTHER_LANGUAGE_FACTOR)]

    def _rank(
        self, entries: list[Entry], wanted: Norm | None, words: int, factor: float
    ) -> list[Candidate]:
        best: dict[str, _Match] = {}
        for entry in entries:
            match = self._match(entry, wanted, words)
            if entry.concept not in best or match > best[entry.concept]:
                best[entry.concept] = match
        ranked = sorted(best.values(), reverse=True)
        top = ranked[0]
        rivals = sum(1 for other in ranked[1:] if other.quality >= top.quality)
        if rivals:
            base = AMBIGUOUS_PHRASE if words > 1 else AMBIGUOUS_WORD
        else:
            base = UNIQUE_PHRASE if words > 1 else UNIQUE_WORD
        first = base * top.quality * factor
        rest = (1.0 - first) / max(1, len(ranked))
        return [
            Candidate(
                concept=match.entry.concept,
                label=self._titles[match.entry.concept],
                confidence=round(first if place == 0 else min(first, rest), 4),
            )
            for place, match in enumerate(ranked)
        ]

    def _match(self, entry: Entry, wanted: Norm | None, words: int) -> _Match:
        quality = 1.0
        if entry.kind is LabelKind.ALTERNATIVE:
            quality = ALTERNATIVE_FACTOR if words > 1 else ALTERNATIVE_WORD_FACTOR
        if wanted is not None and wanted not in _PLAIN_QUALIFIERS:
            if entry.qualifier is None:
                quality *= QUALIFIED_TERM_FACTOR
            elif entry.qualifier != wanted:
                quality *= OTHER_QUALIFIER_FACTOR
        elif entry.qualifier is not None and entry.qualifier not in _PLAIN_QUALIFIERS:
            quality *= QUALIFIED_NAME_FACTOR if wanted is None else 1.0
        prior = self._priors[entry.concept]
        known = (prior.described, prior.typed, prior.attested, -prior.age)
        return _Match(quality, known, entry)
