"""The project's own gold of mentions, and the scores of the bundled core on it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.core import SOURCE
from ingest.fetch import Fetcher
from mathgloss.config import Settings
from mathgloss.evaluation import Document, WordScores, read_documents
from mathgloss.evaluation.mentions import score_documents, score_word
from mathgloss.evaluation.text_scores import TextScores
from mathgloss.linking.align import align, related_concepts
from mathgloss.linking.mentions import MentionFinder
from mathgloss.linking.senses import load_senses
from mathgloss.linking.setup import linking_setup
from mathgloss.model import Mention
from mathgloss.normalize import normalize, tokenize

GOLD = Path(__file__).parent / "fixtures" / "mentions" / "gold.jsonl"
CONCEPT = re.compile(r"wd:Q[1-9]\d*|(?:mathgloss|nlab|overview):\S+")
CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Z]{2})?")
Norm = tuple[str, ...]
AREAS = ("algebra", "analysis", "geometry", "ml")


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Read as the command reads them: surface, order and overlap are checked."""
    return read_documents(GOLD)


# ------------------------------------------------------------------------------------- the file


def test_every_document_has_the_same_keys_and_sound_values() -> None:
    for row in lines():
        assert list(row) == ["id", "category", "text", "mentions"]
        assert CATEGORY.fullmatch(row["category"]), row["id"]
        assert row["text"] == row["text"].strip()
        for mention in row["mentions"]:
            keys = list(mention)
            assert keys in (
                ["start", "end", "surface", "concept"],
                ["start", "end", "surface", "concept", "sense"],
            ), row["id"]


def test_marks_fit_the_text_and_do_not_overlap(documents: list[Document]) -> None:
    for document in documents:
        end = 0
        for mention in document.mentions:
            assert mention.surface == document.text[mention.start : mention.end]
            assert mention.surface == mention.surface.strip()
            assert mention.start >= end
            end = mention.end


def test_every_mark_has_a_known_kind_of_concept_or_a_sense(documents: list[Document]) -> None:
    minted = {
        sense.concept
        for senses in load_senses().by_word.values()
        for sense in senses
        if sense.concept is not None
    }
    for document in documents:
        for mention in document.mentions:
            if mention.concept is None:
                assert mention.sense, (document.id, mention)
            else:
                assert CONCEPT.fullmatch(mention.concept), (document.id, mention)
                assert mention.concept in minted or not mention.concept.startswith("mathgloss:")


def test_the_gold_covers_every_area_and_every_kind(documents: list[Document]) -> None:
    areas = Counter(document.id.rpartition("-")[0] for document in documents)
    marks = Counter[str]()
    everyday = Counter[str]()
    for document in documents:
        area = document.id.rpartition("-")[0]
        marks[area] += len(document.mentions)
        everyday[area] += sum(mention.sense == "none" for mention in document.mentions)
    assert set(areas) == set(AREAS)
    assert min(areas.values()) >= 20
    assert min(marks.values()) >= 300
    assert min(everyday.values()) >= 40
    held = [mention for document in documents for mention in document.mentions]
    assert len(held) == 1457
    assert sum(mention.unlisted for mention in held) == 146
    assert sum(mention.sense == "none" for mention in held) == 239


def test_the_gold_has_kernels_in_many_senses(documents: list[Document]) -> None:
    senses = Counter(
        mention.concept or mention.sense
        for document in documents
        for mention in document.mentions
        if "kernel" in normalize(mention.surface)
    )
    assert sum(senses.values()) >= 60
    assert len(senses) >= 10
    assert sum(count >= 4 for count in senses.values()) >= 8


# ----------------------------------------------------------------------------------- the scores


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document]
) -> list[list[Mention]]:
    """What is found in each document by the concepts that come along.

    The records of the bundled core are aligned as for a snapshot; the RDF, which takes most of a
    refresh, is not written, as no finder reads it.
    """
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    core = [SOURCE.parse(SOURCE.fetch(Fetcher(settings)))]
    alignment = align(core, linking_setup(settings).model, None)
    related = related_concepts(core, alignment.concepts)
    finder = MentionFinder(alignment.lexicon, load_senses(), related)
    return [finder.find({"text": held.text}, [held.category]) for held in documents]


@pytest.fixture(scope="module")
def scores(documents: list[Document], found: list[list[Mention]]) -> TextScores:
    return score_documents(documents, found)


@pytest.fixture(scope="module")
def kernels(documents: list[Document], found: list[list[Mention]]) -> WordScores:
    return score_word(documents, found, "kernel")


# Guards against regressions, five points below what the bundled core reached when they were set,
# and no promise: the measured numbers, and those of a whole graph, stand in docs/linking.md.
FLOORS = {
    "precision": 0.63,
    "precision_without_unlisted": 0.69,
    "recall_exact": 0.58,
    "recall_overlap": 0.59,
    "found_overlap": 0.85,
}
KERNEL_FLOOR = 0.67
KERNEL_ALONE_FLOOR = 0.69


@pytest.mark.parametrize("measure", FLOORS)
def test_scores_have_not_fallen(scores: TextScores, measure: str) -> None:
    value = scores.measures[measure].value
    assert value is not None
    assert value >= FLOORS[measure]


def test_the_sense_of_kernel_is_told_as_well_as_before(kernels: WordScores) -> None:
    assert kernels.mentions >= 60
    assert (kernels.accuracy or 0) >= KERNEL_FLOOR
    assert (kernels.accuracy_alone or 0) >= KERNEL_ALONE_FLOOR


def test_links_do_not_overlap_and_fit_the_text(
    documents: list[Document], found: list[list[Mention]]
) -> None:
    for document, mentions in zip(documents, found, strict=True):
        end = 0
        for mention in mentions:
            assert document.text[mention.start : mention.end] == mention.surface
            if mention.concept is not None:
                assert mention.start >= end
                end = mention.end


def test_nothing_inside_a_phrase_that_names_nothing_is_linked(
    documents: list[Document], found: list[list[Mention]]
) -> None:
    # the graph has this phrase as another name of "open problem", and what the graph has wins
    phrases = load_senses().phrases - {("open", "question")}
    seen = set()
    for document, mentions in zip(documents, found, strict=True):
        links = [held for held in mentions if held.concept is not None]
        for phrase, start, end in places(document.text, phrases):
            seen.add(phrase)
            # a longer name may hold the phrase, or end where it starts
            inside = [held.surface for held in links if start <= held.start and held.end <= end]
            assert inside == [], (document.id, phrase)
    assert len(seen) > 40


def places(text: str, phrases: frozenset[Norm]) -> Iterator[tuple[Norm, int, int]]:
    """The phrases that stand in a text, and where."""
    tokens = tokenize(text)
    longest = max(map(len, phrases))
    for first, token in enumerate(tokens):
        for size in range(2, longest + 1):
            held = tokens[first : first + size]
            norm = tuple(word.norm for word in held)
            if norm in phrases:
                yield norm, token.start, held[-1].end
