"""Finding concepts in running text: longest names first, with offsets into the text as given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mathgloss.linking.lexicon import Lexicon
from mathgloss.model import Candidate, Mention
from mathgloss.normalize import Token, tokenize

if TYPE_CHECKING:
    from spacy.matcher import PhraseMatcher

MAX_NAME_WORDS: Final = 8
MAX_CANDIDATES: Final = 5
# spaCy counts these among the stop words, but they are part of names: three-body problem
NUMERALS: Final = frozenset({
    "one", "two", "three", "four", "five", "six", "eight", "nine", "ten", "eleven", "twelve",
    "fifteen", "twenty", "forty", "fifty", "sixty", "hundred", "first", "third",
})  # fmt: skip
_BATCH: Final = 500
# a text past this length is an input error, not a paper
MAX_TEXT_CHARS: Final = 1_000_000

# One-word names that, by judgement, are ordinary English far more often than mathematics in an
# abstract: a crude stand-in for reading the sense from the sentence.
GENERIC_WORDS: Final = Path(__file__).with_name("generic_words.txt")


class MentionFinder:
    """Finds the names of a lexicon in text with spaCy's ``PhraseMatcher``.

    Building it takes seconds; it is built once and used for many texts.
    """

    def __init__(self, lexicon: Lexicon, *, lang: str = "en") -> None:
        import spacy  # takes two seconds, needed only where text is read
        from spacy.matcher import PhraseMatcher
        from spacy.tokens import Doc

        self._lexicon = lexicon
        self._generic = frozenset(GENERIC_WORDS.read_text(encoding="utf-8").split())
        self._lang = lang
        self._vocab = spacy.blank(lang).vocab
        self._function_words = frozenset(
            word for word in spacy.blank(lang).Defaults.stop_words if word not in NUMERALS
        )
        self._doc = Doc
        self._matcher: PhraseMatcher = PhraseMatcher(self._vocab, attr="ORTH")
        names = sorted(norm for norm in lexicon.names(lang) if self._worth_finding(norm))
        # a document takes kilobytes and the matcher keeps none of it
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            self._matcher.add("NAME", [Doc(self._vocab, words=list(norm)) for norm in batch])

    def _worth_finding(self, norm: Sequence[str]) -> bool:
        if not 0 < len(norm) <= MAX_NAME_WORDS:
            return False
        if len(norm) > 1:
            # "a model" in a sentence is not the A-model
            article = norm[0] == "a" and len(norm) == 2
            return any(len(word) > 1 for word in norm) and not (article or self._is_filler(norm))
        word = norm[0]
        if len(word) < 3 or word.isdigit() or word in self._generic:
            return False
        # a single word is believed only if someone describes the concept or refers to it
        prior = self._lexicon.prior(self._lexicon.by_norm(tuple(norm), self._lang)[0].concept)
        return prior.described or prior.attested > 1

    def _is_filler(self, norm: Sequence[str]) -> bool:
        """Whether a phrase is function words, with or without everyday words: "of the form"."""
        fillers = [word for word in norm if word in self._function_words]
        return bool(fillers) and all(
            word in self._function_words or word in self._generic for word in norm
        )

    def find(self, text: str, *, field: str) -> list[Mention]:
        """The concepts named in ``text``, in order, none overlapping another."""
        tokens = tokenize(text[:MAX_TEXT_CHARS], self._lang)
        if not tokens:
            return []
        # "\n" is no word of any name, so no name spans a break
        doc = self._doc(self._vocab, words=[token.norm or "\n" for token in tokens])
        spans = [
            (start, end)
            for _, start, end in self._matcher(doc)
            if end - start > 1 or _is_word(text, tokens[start])
        ]
        return [self._mention(text, tokens[start:end], field) for start, end in _longest(spans)]

    def _mention(self, text: str, tokens: Sequence[Token], field: str) -> Mention:
        candidates = self._lexicon.by_norm(tuple(token.norm for token in tokens), self._lang)
        first: Candidate = candidates[0]
        start, end = tokens[0].start, tokens[-1].end
        return Mention(
            field=field,
            start=start,
            end=end,
            surface=text[start:end],
            concept=first.concept,
            label=first.label,
            confidence=first.confidence,
            candidates=tuple(candidates[1:MAX_CANDIDATES]),
        )


def _is_word(text: str, token: Token) -> bool:
    """Whether the token stands as a word in the text; a lone symbol or formula names nothing."""
    return token.end - token.start > 1 and text[token.start].isalpha()


def _longest(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Longest first, the leftmost of equals; what overlaps a chosen one is dropped."""
    chosen: list[tuple[int, int]] = []
    taken: set[int] = set()
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if taken.isdisjoint(range(start, end)):
            taken.update(range(start, end))
            chosen.append((start, end))
    return sorted(chosen)
