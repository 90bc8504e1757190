"""Finding concepts in running text, in the sense that the text means.

The longest names win, phrases that name nothing hide what is inside them, and an ambiguous word is
linked only if the text says which of its senses is meant. Noun phrases that look like concepts but
are no name are reported with no concept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final

from mathgloss.linking.disambiguation import Disambiguator, Occurrence, context_of
from mathgloss.linking.forms import CHANGING, stem
from mathgloss.linking.lexicon import Lexicon
from mathgloss.linking.names import NameMatcher
from mathgloss.linking.phrases import PhraseFinder
from mathgloss.linking.reading import Reading, read_text
from mathgloss.linking.senses import Sense, SenseInventory
from mathgloss.model import Candidate, Mention

MAX_NAME_WORDS: Final = 8
MAX_CANDIDATES: Final = 5
# from this probability on a sense is believed
BELIEVE: Final = 0.65
# one word is linked from this confidence on, see Lexicon; a phrase needs less
BELIEVE_WORD: Final = 0.75
# spaCy counts these among the stop words, but they are part of names: three-body problem
NUMERALS: Final = frozenset({
    "one", "two", "three", "four", "five", "six", "eight", "nine", "ten", "eleven", "twelve",
    "fifteen", "twenty", "forty", "fifty", "sixty", "hundred", "first", "third",
})  # fmt: skip

# One-word names that, by judgement, are ordinary English far more often than mathematics in an
# abstract, and that the sense inventory does not have.
GENERIC_WORDS: Final = Path(__file__).with_name("generic_words.txt")
# One-word names that are technical, but whose concept depends on the words beside them ("closure",
# "commutative") or that are as often plain English ("definition"): reported, never linked alone.
OPEN_WORDS: Final = Path(__file__).with_name("open_words.txt")

Norm = tuple[str, ...]
Span = tuple[int, int]


def function_words(lang: str) -> frozenset[str]:
    """Words of a language that carry no meaning of their own: spaCy's stop words, no numerals."""
    module = import_module(f"spacy.lang.{lang}.stop_words")  # takes two seconds
    return frozenset(module.STOP_WORDS) - NUMERALS


class MentionFinder:
    """Finds the names of a lexicon in text; safe to use from several threads.

    Args:
        lexicon: names of concepts.
        inventory: senses of ambiguous words, and phrases that name nothing.
        related: concepts that the graph relates to each concept.
        function: the language's function words, if they are at hand; see :func:`function_words`.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        inventory: SenseInventory | None = None,
        related: Mapping[str, Collection[str]] | None = None,
        *,
        lang: str = "en",
        function: frozenset[str] | None = None,
    ) -> None:
        self._lexicon = lexicon
        self._inventory = inventory or SenseInventory(())
        self._senses = Disambiguator(self._inventory, related or {})
        self._generic = frozenset(GENERIC_WORDS.read_text(encoding="utf-8").split())
        self._open = frozenset(OPEN_WORDS.read_text(encoding="utf-8").split())
        self._lang = lang
        self._function_words = function_words(lang) if function is None else function
        names = lexicon.names(lang)
        known = {norm for norm in names if self._worth_finding(norm)}
        self._nothing = self._inventory.phrases - known
        self._names = NameMatcher(known | self._inventory.by_word.keys() | self._nothing)
        self._phrases = PhraseFinder(names, function=self._function_words, generic=self._generic)

    def _worth_finding(self, norm: Norm) -> bool:
        if not 0 < len(norm) <= MAX_NAME_WORDS:
            return False
        if len(norm) > 1:
            # "a model" in a sentence is not the A-model
            article = norm[0] == "a" and len(norm) == 2
            return any(len(word) > 1 for word in norm) and not (article or self._is_filler(norm))
        word = norm[0]
        return not (len(word) < 3 or word.isdigit() or word in self._generic)

    def _is_filler(self, norm: Norm) -> bool:
        """Whether a phrase is function words, with or without everyday words: "of the form"."""
        fillers = [word for word in norm if word in self._function_words]
        return bool(fillers) and all(
            word in self._function_words or word in self._generic for word in norm
        )

    # ------------------------------------------------------------------------------ documents

    def find(self, fields: Mapping[str, str], categories: Sequence[str] = ()) -> list[Mention]:
        """The mentions in a document, field by field, in order of place.

        Linked mentions do not overlap each other; a phrase without a concept may contain some.

        Args:
            fields: the document's texts by name, for example ``title`` and ``text``.
            categories: its arXiv categories or MSC codes, if known.
        """
        readings = [read_text(name, text, self._lang) for name, text in fields.items()]
        spans = [self._spans(reading) for reading in readings]
        chosen = self._choose(readings, spans, categories)
        out: list[Mention] = []
        for reading, held in zip(readings, spans, strict=True):
            mentions = [mention for span in held if (mention := chosen.get((reading.field, span)))]
            mentions += self._unknown(reading, held)
            out += sorted(mentions, key=lambda mention: (mention.start, -mention.end))
        return out

    def _spans(self, reading: Reading) -> list[Span]:
        """Places of names, the longest first come, without those that name nothing."""
        norms = reading.norms
        found = [
            (start, end)
            for start, end in self._names.find(norms)
            if end - start > 1 or reading.is_word(start)
        ]
        return [span for span in _longest(found) if norms[slice(*span)] not in self._nothing]

    def _choose(
        self,
        readings: Sequence[Reading],
        spans: Sequence[Sequence[Span]],
        categories: Sequence[str],
    ) -> dict[tuple[str, Span], Mention]:
        """The linked mentions and those that stay open, by field and place."""
        ambiguous: dict[Norm, list[Occurrence]] = defaultdict(list)
        chosen: dict[tuple[str, Span], Mention] = {}
        sure: set[str] = set()
        for reading, held in zip(readings, spans, strict=True):
            norms = reading.norms
            for span in held:
                norm = tuple(norms[slice(*span)])
                if norm in self._inventory.by_word:
                    ambiguous[norm].append(Occurrence(reading, *span))
                    continue
                mention = self._plain(reading, span, norm)
                if mention is not None:
                    chosen[reading.field, span] = mention
                    if mention.concept is not None and len(norm) > 1:
                        sure.add(mention.concept)
        if ambiguous:
            context = context_of(readings, categories, sure, self._inventory)
            for word, places in ambiguous.items():
                ranked = self._senses.choose(word, places, context)
                for place, senses in zip(places, ranked, strict=True):
                    held_mention = self._sense_mention(place, senses)
                    if held_mention is not None:
                        chosen[place.reading.field, (place.start, place.end)] = held_mention
        return chosen

    def _plain(self, reading: Reading, span: Span, norm: Norm) -> Mention | None:
        """A name with one known sense, or with several that only standing tells apart."""
        candidates = self._lexicon.by_norm(norm, self._lang)
        first = candidates[0]
        if self._is_part(reading, span):
            return _mention(reading, span, None, candidates[:MAX_CANDIDATES])
        if len(norm) == 1:
            if reading.is_verb(span[0]):
                return None
            if first.confidence < BELIEVE_WORD or norm[0] in self._open:
                return _mention(reading, span, None, candidates[:MAX_CANDIDATES])
        return _mention(reading, span, first, candidates[1:MAX_CANDIDATES])

    @staticmethod
    def _is_part(reading: Reading, span: Span) -> bool:
        """Whether a hyphen makes another thing of it: "cross-entropy", "non-Euclidean domain"."""
        prefix = reading.prefix(span[0])
        if not prefix or prefix in NUMERALS or prefix[0].isdigit():
            return False
        return span[1] - span[0] == 1 or stem(prefix, "en") in CHANGING

    def _sense_mention(
        self, place: Occurrence, senses: Sequence[tuple[Sense, float]]
    ) -> Mention | None:
        """The mention in its likeliest sense; open if that is unsure or has no concept here."""
        best, chance = senses[0]
        if best.concept is None:
            return None
        # against the runner-up alone: a word with twenty senses is no less sure than one with two
        lead = chance / (chance + senses[1][1])
        candidates = [
            Candidate(concept=sense.concept, label=sense.name, confidence=round(p, 4))
            for sense, p in senses[:MAX_CANDIDATES]
            if sense.concept is not None and sense.concept in self._lexicon
        ]
        known = best.concept in self._lexicon
        if known and lead >= BELIEVE and not self._is_part(place.reading, (place.start, place.end)):
            first = replace(candidates[0], confidence=round(lead, 4))
            return _mention(place.reading, (place.start, place.end), first, candidates[1:])
        return _mention(place.reading, (place.start, place.end), None, candidates)

    def _unknown(self, reading: Reading, spans: Sequence[Span]) -> list[Mention]:
        """Noun phrases that look like concepts, unless a name covers them."""
        holder = {place: span for span in spans for place in range(*span)}
        return [
            _mention(reading, (start, end), None, ())
            for start, end in self._phrases.find(reading)
            if start not in holder or holder[start] != holder.get(end - 1)
        ]


def _mention(
    reading: Reading, span: Span, first: Candidate | None, others: Sequence[Candidate]
) -> Mention:
    start, end = reading.tokens[span[0]].start, reading.tokens[span[1] - 1].end
    return Mention(
        field=reading.field,
        start=start,
        end=end,
        surface=reading.text[start:end],
        concept=first.concept if first is not None else None,
        label=first.label if first is not None else "",
        confidence=(
            first.confidence
            if first is not None
            else round(max(0.0, 1.0 - sum(other.confidence for other in others)), 4)
        ),
        candidates=tuple(others),
    )


def _longest(spans: Iterable[Span]) -> list[Span]:
    """Longest first, the leftmost of equals; what overlaps a chosen one is dropped."""
    chosen: list[Span] = []
    taken: set[int] = set()
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if taken.isdisjoint(range(start, end)):
            taken.update(range(start, end))
            chosen.append((start, end))
    return sorted(chosen)
