"""Linking gold as it must be linked to be scored, and scoring it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mathgloss.evaluation.baselines import Encode, Ranked, baselines, two_fold
from mathgloss.evaluation.gold_texts import Document, GoldPaper, GoldSentence
from mathgloss.evaluation.mentions import (
    PAPER_FIELDS,
    WordScores,
    score_documents,
    score_keywords,
    score_sentences,
    score_word,
)
from mathgloss.evaluation.report import LINKER
from mathgloss.evaluation.sets import SNAPSHOT_SOURCES, score_sets
from mathgloss.evaluation.terms import Case, TermScores, case, predicted
from mathgloss.evaluation.text_scores import TextScores
from mathgloss.linking.candidates import Query
from mathgloss.linking.gold import GoldTerm
from mathgloss.linking.linker import Link, Linker
from mathgloss.linking.training import cross_fitted, group_of, outer_fold
from mathgloss.model import Mention

# called with the names of the sources to leave out
OpenLinker = Callable[[tuple[str, ...]], Linker]
# called with what is about to be done
Say = Callable[[str], None]


class Annotator(Protocol):
    """Finds concepts in the texts of a document."""

    def find(self, fields: Mapping[str, str], categories: Sequence[str] = ()) -> Sequence[Mention]:
        """The mentions in all fields of a document whose subjects are known."""
        ...


@dataclass(frozen=True, slots=True)
class TermResults:
    """Scores by system and set, and how the linker says that it links."""

    scores: dict[str, dict[str, TermScores]]
    method: str


def evaluate_terms(
    gold: Sequence[GoldTerm],
    open_linker: OpenLinker,
    *,
    sources: Container[str],
    encode: Encode | None = None,
    with_baselines: bool = False,
    refit: bool = False,
    say: Say = lambda _: None,
) -> TermResults:
    """Link each term as if its own source had never been ingested, and score the links.

    Args:
        gold: what is right.
        open_linker: gives the linker without some sources.
        sources: the names of those that there are; no other is left out.
        encode: vectors for the baseline that needs them; without it, that one is left out.
        with_baselines: whether to score the baselines, too.
        refit: link each term by a model trained on the other folds of ``gold``, because the
            linker's own model may have seen these terms.
        say: told what is being done.
    """
    by_excluded: dict[tuple[str, ...], list[GoldTerm]] = defaultdict(list)
    for term in gold:
        own = SNAPSHOT_SOURCES.get(term.source)
        by_excluded[(own,) if own is not None and own in sources else ()].append(term)
    cases: dict[str, list[Case]] = defaultdict(list)
    ranked: dict[str, list[Ranked]] = defaultdict(list)
    method = ""
    for excluded, terms in sorted(by_excluded.items()):
        say(f"linking {len(terms)} terms without {', '.join(excluded) or 'leaving out a source'}")
        linker = open_linker(excluded)
        method = linker.method
        known = frozenset(linker.catalogue.ids)
        queries = [Query(term.label, term.lang, term.definition) for term in terms]
        links = _refitted(linker, gold, terms) if refit else linker.link(queries)
        cases[LINKER] += [
            case(term, predicted(link), known) for term, link in zip(terms, links, strict=True)
        ]
        methods = baselines(linker.catalogue, encode) if with_baselines else {}
        for name, baseline in methods.items():
            ranked[name] += baseline(queries)
    linked = cases[LINKER]
    for name, rows in ranked.items():
        predictions = two_fold([held.gold for held in linked], rows)
        cases[name] = [
            replace(held, prediction=prediction)
            for held, prediction in zip(linked, predictions, strict=True)
        ]
    return TermResults({name: score_sets(held) for name, held in cases.items()}, method)


def _refitted(linker: Linker, gold: Sequence[GoldTerm], terms: Sequence[GoldTerm]) -> list[Link]:
    """The links of some terms of the gold, each by the model that has not seen it."""
    models = cross_fitted(gold, linker.catalogue, linker.meaning, linker.model)
    places = [outer_fold(group_of(term)) for term in terms]
    links: dict[int, Link] = {}
    for place, model in enumerate(models):
        mine = [n for n, held in enumerate(places) if held == place]
        queries = [Query(terms[n].label, terms[n].lang, terms[n].definition) for n in mine]
        links |= dict(zip(mine, linker.with_model(model).link(queries), strict=True))
    return [links[n] for n in range(len(terms))]


@dataclass(frozen=True, slots=True)
class DocumentResults:
    """Scores of marked texts: all, those of each category, and of one word if it was given."""

    documents: TextScores
    categories: dict[str, TextScores]
    word: WordScores | None


def evaluate_documents(
    documents: Sequence[Document], annotator: Annotator, *, word: str | None = None
) -> DocumentResults:
    """Find the concepts of each document, its category being known, and score them."""
    spans = [
        annotator.find({"text": held.text}, (held.category,) if held.category else ())
        for held in documents
    ]
    categories = {}
    for name in sorted({held.category for held in documents if held.category}):
        mine = [place for place, held in enumerate(documents) if held.category == name]
        categories[name] = score_documents(
            [documents[place] for place in mine], [spans[place] for place in mine]
        )
    return DocumentResults(
        documents=score_documents(documents, spans),
        categories=categories,
        word=None if word is None else score_word(documents, spans, word),
    )


def evaluate_sentences(sentences: Sequence[GoldSentence], annotator: Annotator) -> TextScores:
    """Find the concepts of each sentence and score them."""
    return score_sentences(sentences, [annotator.find({"text": held.text}) for held in sentences])


def evaluate_keywords(papers: Sequence[GoldPaper], annotator: Annotator) -> TextScores:
    """Find the concepts of title and abstract of each paper and score them by its keywords."""
    found = [
        annotator.find({name: getattr(paper, name) for name in PAPER_FIELDS}) for paper in papers
    ]
    return score_keywords(
        papers,
        [
            {name: [held for held in mentions if held.field == name] for name in PAPER_FIELDS}
            for mentions in found
        ],
    )
