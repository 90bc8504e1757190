"""Scores of mentions in texts: documents that are marked throughout, sentences, keywords.

A *span* is what a system reports; a *link* is a span that names a concept. Two spans overlap if
they share a code point; a span is *exact* if it has the very offsets of the gold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mathgloss.errors import InputError
from mathgloss.evaluation.gold_texts import (
    EVERYDAY,
    Document,
    GoldMention,
    GoldPaper,
    GoldSentence,
)
from mathgloss.evaluation.spans import (
    Place,
    Span,
    narrowest,
    occurrences,
    overlap,
    words_in,
)
from mathgloss.evaluation.text_scores import Counts, TextScores
from mathgloss.normalize import normalize, tokenize

PAPER_FIELDS: Final = ("title", "abstract")


@dataclass(frozen=True, slots=True)
class WordScores:
    """How well the sense of one word is told.

    Attributes:
        mentions, right: marked mentions that contain the word; answers that are right.
        alone, right_alone: those of them that consist of the word only.
        by_sense: mentions and right answers for each concept, or sense in words; sorted by name.
    """

    word: str
    mentions: int
    right: int
    alone: int
    right_alone: int
    by_sense: Mapping[str, tuple[int, int]]

    @property
    def accuracy(self) -> float | None:
        """Over the mentions that contain the word."""
        return self.right / self.mentions if self.mentions else None

    @property
    def accuracy_alone(self) -> float | None:
        """Over the mentions that consist of the word only."""
        return self.right_alone / self.alone if self.alone else None


# --------------------------------------------------------------------------------------- documents


def score_documents(
    documents: Sequence[Document], predicted: Sequence[Sequence[Span]]
) -> TextScores:
    """The scores of the spans reported for each document, in order.

    Counts: ``mentions``, ``unlisted``, ``everyday`` are marked words that mean a concept with an
    identifier, one without, none; ``spans`` and ``links`` are reported; ``right`` are links that
    overlap a mention of their very concept; ``links_on_unlisted`` are other links that overlap an
    unlisted mention and none with an identifier; ``links_on_everyday`` the same with everyday words
    and no mention of a concept; ``links_on_unmarked`` overlap nothing marked.

    Measures: ``precision`` is right / links. ``precision_without_unlisted`` leaves out
    ``links_on_unlisted``, whose concept may have an identifier that the annotator did not find.
    ``recall_exact`` and ``recall_overlap`` are the shares of ``mentions`` with a link to their
    concept that is exact, that overlaps; ``found_exact`` and ``found_overlap`` with any span.
    """
    counts = Counts(len(documents))
    for place, (document, spans) in enumerate(zip(documents, predicted, strict=True)):
        links = [span for span in spans if span.concept is not None]
        counts.add(place, "spans", len(spans))
        counts.add(place, "links", len(links))
        for link in links:
            verdict = _verdict(document.mentions, link)
            counts.add(place, verdict)
            counts.add(place, "links_elsewhere", int(verdict != "links_on_unlisted"))
        for mention in document.mentions:
            if mention.concept is None:
                counts.add(place, "unlisted" if mention.unlisted else "everyday")
                continue
            counts.add(place, "mentions")
            at = [(mention.start, mention.end)]
            same = (link for link in links if link.concept == mention.concept)
            counts.add_hits(place, "recall", at, same)
            counts.add_hits(place, "found", at, spans)
    shares = ("recall_exact", "recall_overlap", "found_exact", "found_overlap")
    return counts.scores(
        (
            "mentions", "unlisted", "everyday", "spans", "links", "right", "links_on_unlisted",
            "links_on_everyday", "links_on_unmarked",
        ),
        {
            "precision": ("right", "links"),
            "precision_without_unlisted": ("right", "links_elsewhere"),
            **{name: (name, "mentions") for name in shares},
        },
    )  # fmt: skip


def _verdict(mentions: Sequence[GoldMention], link: Span) -> str:
    touched = [held for held in mentions if overlap(held.start, held.end, link.start, link.end)]
    if any(held.concept == link.concept for held in touched):
        return "right"
    if not touched:
        return "links_on_unmarked"
    if any(held.concept is not None for held in touched):
        return "links_on_other"
    return "links_on_unlisted" if any(held.unlisted for held in touched) else "links_on_everyday"


def score_word(
    documents: Sequence[Document], predicted: Sequence[Sequence[Span]], word: str
) -> WordScores:
    """How well the sense of a word is told wherever it stands in a marked mention.

    The word is looked for in normal form, so its plural is it, too. An answer is right if the word
    is part of a link to the mention's concept; where the mention has none, if the word is part of
    no link.

    Raises:
        InputError: there is no word in ``word``.
    """
    norm = normalize(word)
    if not norm:
        raise InputError(f"--word: expected a word such as 'kernel', got {word!r}")
    senses: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for document, spans in zip(documents, predicted, strict=True):
        tokens = tokenize(document.text)
        places = list(occurrences(tokens, norm))
        links = [span for span in spans if span.concept is not None]
        for mention in document.mentions:
            own = [held for held in places if mention.start <= held[0] and held[1] <= mention.end]
            if not own:
                continue
            given = {link.concept for link in links if _touches(link, own)}
            right = mention.concept in given if mention.concept is not None else not given
            alone = words_in(tokens, mention.start, mention.end) == norm
            senses[mention.concept or mention.sense or EVERYDAY].append((right, alone))
    rows = [row for held in senses.values() for row in held]
    return WordScores(
        word=word,
        mentions=len(rows),
        right=sum(right for right, _ in rows),
        alone=sum(alone for _, alone in rows),
        right_alone=sum(right and alone for right, alone in rows),
        by_sense={
            sense: (len(senses[sense]), sum(right for right, _ in senses[sense]))
            for sense in sorted(senses)
        },
    )


def _touches(span: Span, places: Iterable[Place]) -> bool:
    return any(overlap(span.start, span.end, *place) for place in places)


# ----------------------------------------------------------------------------- sentences, keywords


def score_sentences(
    sentences: Sequence[GoldSentence], predicted: Sequence[Sequence[Span]]
) -> TextScores:
    """The scores of the spans reported for each sentence, in order.

    Counts: ``concepts`` are all names. ``absent`` are those whose words, in normal form, do not all
    stand in the sentence (misspelt, or another form); they are left out of the measures.
    ``scattered`` are those whose words do not stand one after the other ("terminating presentation"
    in "terminating and confluent presentation"): the fewest words in a row that hold them are their
    place. ``located`` are all but the absent; they may have several places.

    Measures: ``found_exact`` and ``found_overlap`` are the shares of ``located`` with a span at one
    of its places that is exact, that overlaps; ``linked_exact`` and ``linked_overlap`` with a link.
    """
    counts = Counts(len(sentences))
    for text, (sentence, spans) in enumerate(zip(sentences, predicted, strict=True)):
        tokens = tokenize(sentence.text)
        links = [span for span in spans if span.concept is not None]
        counts.add(text, "concepts", len(sentence.concepts))
        for name in sentence.concepts:
            norm = normalize(name)
            places = list(occurrences(tokens, norm))
            if not places:
                apart = narrowest(tokens, norm)
                counts.add(text, "absent" if apart is None else "scattered")
                if apart is None:
                    continue
                places = [apart]
            counts.add(text, "located")
            counts.add_hits(text, "found", places, spans)
            counts.add_hits(text, "linked", places, links)
    shares = ("found_exact", "found_overlap", "linked_exact", "linked_overlap")
    return counts.scores(
        ("concepts", "absent", "scattered", "located"),
        {name: (name, "located") for name in shares},
    )


def score_keywords(
    papers: Sequence[GoldPaper], predicted: Sequence[Mapping[str, Sequence[Span]]]
) -> TextScores:
    """The scores of the spans reported for title and abstract of each paper, in order.

    Counts: ``keywords`` are distinct in normal form within a paper; ``occurring`` are those whose
    words stand one after the other in title or abstract.

    Measures: ``found`` is the share of ``occurring`` that is the normal form of a span in title or
    abstract; ``linked`` the share that is that of a link.
    """
    counts = Counts(len(papers))
    for text, (paper, fields) in enumerate(zip(papers, predicted, strict=True)):
        wanted = {norm for word in paper.keywords if (norm := normalize(word))}
        occurring, found, linked = set(), set(), set()
        for name, content in zip(PAPER_FIELDS, (paper.title, paper.abstract), strict=True):
            tokens = tokenize(content)
            occurring |= {norm for norm in wanted if any(occurrences(tokens, norm))}
            for span in fields.get(name, ()):
                norm = words_in(tokens, span.start, span.end)
                found.add(norm)
                if span.concept is not None:
                    linked.add(norm)
        counts.add(text, "keywords", len(wanted))
        counts.add(text, "occurring", len(occurring))
        counts.add(text, "found", len(occurring & found))
        counts.add(text, "linked", len(occurring & linked))
    return counts.scores(
        ("keywords", "occurring"),
        {"found": ("found", "occurring"), "linked": ("linked", "occurring")},
    )
