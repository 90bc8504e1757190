"""The scorer: every measure against a value worked out by hand, and what bad gold gets."""

from __future__ import annotations

import json
import sys
import types
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from mathgloss.commands.evaluate import command
from mathgloss.errors import ConfigError, InputError, MathGlossError
from mathgloss.evaluation import (
    Case,
    Document,
    GoldMention,
    GoldPaper,
    GoldSentence,
    GoldTerm,
    Prediction,
    read_documents,
    read_papers,
    read_sentences,
    read_terms,
    score,
    score_documents,
    score_keywords,
    score_sentences,
    score_sets,
    score_word,
)
from mathgloss.evaluation import baselines as simple
from mathgloss.evaluation.bootstrap import group_numbers
from mathgloss.evaluation.calibration import Bin, calibration_error, reliability
from mathgloss.evaluation.figures import precision_recall_curve, reliability_diagram
from mathgloss.evaluation.report import Report, as_json, as_markdown
from mathgloss.evaluation.run import evaluate_terms
from mathgloss.evaluation.sets import cut
from mathgloss.evaluation.terms import case, predicted
from mathgloss.linking.candidates import Query
from mathgloss.linking.catalogue import Catalogue, Entry
from mathgloss.linking.linker import Link, Zone
from mathgloss.model import Candidate, Label, LabelKind, Mention, Term, TermKind

SVG = "{http://www.w3.org/2000/svg}svg"


def gold(label: str, item: str | None, *, source: str = "chicago", lang: str = "en") -> GoldTerm:
    return GoldTerm(source, label, lang, item)


def said(label: str, item: str | None, *found: str, p: float = 0.0, link: bool = False) -> Case:
    return Case(gold(label, item), Prediction(found, p, link))


# 5 terms with an item, 2 without; 4 links, of which 2 right and 1 on a term without an item
CASES = [
    said("ring", "wd:Q1", "wd:Q1", p=0.9, link=True),
    said("field", "wd:Q2", "wd:Q2", "wd:Q9", p=0.8, link=True),
    said("group", "wd:Q3", "wd:Q9", "wd:Q3", p=0.7, link=True),
    said("wise man", None, "wd:Q8", p=0.6, link=True),
    said("module", "wd:Q4", "wd:Q4", p=0.3),
    said("skew field", "wd:Q5"),
    said("paper", None, "wd:Q7", p=0.1),
]


def test_links_are_counted_and_scored() -> None:
    found = score(CASES)
    assert (found.n, found.none, found.links, found.right, found.links_on_none) == (7, 2, 4, 2, 1)
    assert found.precision == pytest.approx(2 / 4)
    assert found.recall == pytest.approx(2 / 5)
    assert found.f1 == pytest.approx(2 * 0.5 * 0.4 / 0.9)
    assert found.accuracy_at_1 == pytest.approx(3 / 5)
    assert found.hits_at_5 == pytest.approx(4 / 5)


def test_only_the_first_five_candidates_are_hits() -> None:
    others = [f"wd:Q{n}" for n in range(10, 15)]
    late = said("ring", "wd:Q1", *others, "wd:Q1", p=0.5)
    assert score([late]).hits_at_5 == 0
    assert score([said("ring", "wd:Q1", *others[:4], "wd:Q1", p=0.5)]).hits_at_5 == 1


def test_recall_counts_items_that_cannot_be_found() -> None:
    outside = replace(CASES[0], reachable=False, prediction=Prediction())
    found = score([CASES[1], outside])
    assert found.recall == pytest.approx(1 / 2)
    assert found.unreachable == 1


def test_what_is_reachable() -> None:
    nothing = Prediction()
    assert case(gold("ring", "wd:Q1"), nothing, {"wd:Q1"}).reachable
    assert not case(gold("ring", "wd:Q1"), nothing, {"wd:Q2"}).reachable
    assert not case(replace(gold("ring", "wd:Q1"), in_slice=False), nothing, {"wd:Q1"}).reachable
    assert case(gold("nothing", None), nothing, set()).reachable


def test_recall_at_high_precision_takes_the_best_threshold_that_keeps_it() -> None:
    # 50 right ones above one wrong (50/51 = .9804), then one more wrong: 50/52 = .9615
    rows = [said(f"term {n}", f"wd:Q{n}", f"wd:Q{n}", p=0.9) for n in range(1, 51)]
    rows += [said("a wrong one", None, "wd:Q99", p=0.8), said("another", None, "wd:Q98", p=0.7)]
    rows += [said("unsure", "wd:Q60", "wd:Q60", p=0.6), said("lost", "wd:Q61")]
    found = score(rows, resamples=20)
    assert found.recall_at_high_precision == pytest.approx(50 / 52)
    # whether it was linked does not matter, only the probability
    assert found.recall == 0
    assert found.precision is None


def test_equal_probabilities_cannot_be_told_apart_by_a_threshold() -> None:
    rows = [said("ring", "wd:Q1", "wd:Q1", p=0.9), said("thing", None, "wd:Q2", p=0.9)]
    found = score(rows)
    assert found.recall_at_high_precision == 0
    assert [(point.precision, point.recall, point.linked) for point in found.curve] == [(0.5, 1, 1)]


def test_the_curve_has_a_point_for_each_probability() -> None:
    points = [[p.threshold, p.precision, p.recall, p.linked] for p in score(CASES).curve]
    assert points[0] == pytest.approx([0.9, 1, 1 / 5, 1 / 7])
    assert points[2] == pytest.approx([0.7, 2 / 3, 2 / 5, 3 / 7])
    assert points[-1] == pytest.approx([0.1, 3 / 6, 3 / 5, 6 / 7])
    assert len(points) == 6


def test_calibration_error_of_two_bins() -> None:
    # .2 said and 1 of 4 right; .7 said and 4 of 4 right: (4 * .05 + 4 * .3) / 8
    probability = np.array([0.2] * 4 + [0.7] * 4)
    right = np.array([True, False, False, False, True, True, True, True])
    bins = reliability(probability, right, bins=2)
    assert [(held.n, held.low, held.high) for held in bins] == [(4, 0.2, 0.2), (4, 0.7, 0.7)]
    assert [held.right for held in bins] == [0.25, 1.0]
    assert calibration_error(bins) == pytest.approx((4 * 0.05 + 4 * 0.3) / 8)


def test_bins_have_equal_mass_and_ties_share_what_is_right() -> None:
    probability, right = np.full(25, 0.6), np.arange(25) < 15
    bins = reliability(probability, right)
    assert [held.n for held in bins] == [3, 3, 3, 3, 3, 2, 2, 2, 2, 2]
    assert calibration_error(bins) == pytest.approx(0)
    assert calibration_error(reliability(probability, right[::-1])) == pytest.approx(0)
    assert calibration_error(reliability(probability[:0], right[:0])) is None


def test_calibration_is_of_terms_with_a_candidate() -> None:
    found = score(CASES)
    errors = [0.1**2, 0.2**2, 0.7**2, 0.6**2, 0.7**2, 0.1**2]
    assert found.judged == 6
    assert found.brier == pytest.approx(sum(errors) / 6)
    # six bins of one answer each
    assert found.ece == pytest.approx((0.1 + 0.2 + 0.7 + 0.6 + 0.7 + 0.1) / 6)


def test_intervals_are_the_same_in_every_run_and_order() -> None:
    found = score(CASES)
    assert found == score(reversed(CASES))
    assert found.intervals != score(CASES, seed=1).intervals
    low, high = found.intervals["recall"] or (1, 0)
    assert found.recall is not None
    assert 0 <= low < found.recall < high <= 1


def test_terms_of_one_group_are_drawn_together() -> None:
    # one item in two languages: every resample is all right or nothing at all
    rows = [
        Case(gold("ring", "wd:Q1"), Prediction(("wd:Q1",), 0.9, True)),
        Case(gold("anneau", "wd:Q1", lang="fr"), Prediction(("wd:Q2",), 0.9, True)),
    ]
    assert score(rows).intervals["precision"] == (0.5, 0.5)


def test_groups_join_by_way_of_others() -> None:
    keys: list[list[str]] = [["a"], ["b"], ["c"], ["b", "a"], []]
    assert group_numbers(keys).tolist() == [0, 0, 1, 0, 2]


def test_nothing_to_score_is_undefined_and_not_zero() -> None:
    found = score([])
    assert (found.precision, found.recall, found.f1, found.ece, found.brier) == (None,) * 5
    assert set(found.intervals.values()) == {None}
    only_none = score([said("wise man", None)])
    assert (only_none.precision, only_none.recall, only_none.f1) == (None, None, None)


def test_a_prediction_must_be_consistent() -> None:
    with pytest.raises(ValueError, match="expected a candidate"):
        Prediction((), 0.5)
    with pytest.raises(ValueError, match="probability in"):
        Prediction(("wd:Q1",), 1.5)


def test_a_link_of_the_linker_as_a_prediction() -> None:
    candidates = (
        Candidate(concept="wd:Q1", label="ring", confidence=0.4),
        Candidate(concept="wd:Q2", label="annulus", confidence=0.2),
    )
    link = Link(
        zone=Zone.NONE,
        candidates=candidates,
        nearest=candidates[1],
        predicate="skos:broadMatch",
        reason="",
    )
    assert predicted(link) == Prediction(("wd:Q1", "wd:Q2"), 0.4, False)
    assert predicted(replace(link, zone=Zone.REVIEW)).concept == "wd:Q1"


def test_sets_are_unions_sources_and_languages() -> None:
    rows = [
        *(gold("ring", "wd:Q1", source=name) for name in ("mulima", "france", "wd_eom", "own")),
        gold("ring", None, source="nlab_sample"),
        gold("anneau", "wd:Q1", source="mulima", lang="fr"),
        gold("anneau", "wd:Q1", source="france", lang="fr"),
        gold("Ring", "wd:Q1", source="mulima", lang="de"),
    ]
    sizes = {name: len(held) for name, held in cut(Case(row, Prediction()) for row in rows).items()}
    assert list(sizes.items()) == [
        ("HAND", 2), ("TITLES", 1), ("NATURAL", 1), ("france", 1), ("mulima", 1),
        ("nlab_sample", 1), ("own", 1), ("wd_eom", 1), ("de", 1), ("fr", 2), ("france fr", 1),
        ("mulima fr", 1),
    ]  # fmt: skip


# --------------------------------------------------------------------------------------- mentions


@dataclass(frozen=True)
class Found:
    start: int
    end: int
    concept: str | None = None


def at(text: str, words: str, concept: str | None = None, nth: int = 0) -> Found:
    start = -1
    for _ in range(nth + 1):
        start = text.index(words, start + 1)
    return Found(start, start + len(words), concept)


def marked(text: str, *mentions: tuple[str, str | None, str]) -> Document:
    held = []
    position = 0
    for words, concept, sense in mentions:
        start = text.index(words, position)
        position = start + len(words)
        held.append(GoldMention(start, position, words, concept, sense))
    return Document("one", "math.RA", text, tuple(held))


TEXT = "In addition, the kernel of a ring homomorphism is an ideal; GPU kernels are not."
DOCUMENT = marked(
    TEXT,
    ("addition", None, "none"),
    ("kernel", "wd:Q1", ""),
    ("ring homomorphism", "wd:Q2", ""),
    ("ideal", "wd:Q3", ""),
    ("GPU kernels", None, "compute kernel"),
)
SPANS = [
    at(TEXT, "addition", "wd:Q9"),  # wrong: everyday words
    at(TEXT, "kernel", "wd:Q1"),  # right
    at(TEXT, "ring", "wd:Q8"),  # wrong: another concept
    at(TEXT, "homomorphism is", "wd:Q2"),  # right, not exact
    at(TEXT, "ideal"),  # a span without a link
    at(TEXT, "kernels", "wd:Q1"),  # wrong: a concept that has no identifier
    at(TEXT, "not", "wd:Q7"),  # wrong: nothing is marked there
]


def test_links_in_documents() -> None:
    found = score_documents([DOCUMENT], [SPANS])
    assert found.counts == {
        "texts": 1, "mentions": 3, "unlisted": 1, "everyday": 1, "spans": 7, "links": 6, "right": 2,
        "links_on_unlisted": 1, "links_on_everyday": 1, "links_on_unmarked": 1,
    }  # fmt: skip
    measures = {name: held.value for name, held in found.measures.items()}
    assert measures == pytest.approx({
        "precision": 2 / 6,
        "precision_without_unlisted": 2 / 5,
        "recall_exact": 1 / 3,
        "recall_overlap": 2 / 3,
        "found_exact": 2 / 3,
        "found_overlap": 3 / 3,
    })


@pytest.mark.parametrize(
    ("start", "end", "overlaps"),
    [(0, 4, False), (0, 5, True), (9, 12, True), (10, 12, False), (6, 7, True), (2, 14, True)],
)
def test_spans_overlap_if_they_share_a_character(start: int, end: int, *, overlaps: bool) -> None:
    document = Document("one", "", "to a ring of", (GoldMention(4, 10, "", "wd:Q1"),))
    found = score_documents([document], [[Found(start, end, "wd:Q1")]])
    assert found.measures["recall_overlap"].value == float(overlaps)


def test_documents_without_links_have_no_precision() -> None:
    found = score_documents([DOCUMENT], [[]])
    assert found.measures["precision"].value is None
    assert found.measures["precision"].interval is None
    assert found.measures["recall_overlap"].value == 0


def test_the_sense_of_a_word() -> None:
    found = score_word([DOCUMENT], [SPANS], "Kernels")
    assert (found.mentions, found.right, found.alone, found.right_alone) == (2, 1, 1, 1)
    assert found.by_sense == {"compute kernel": (1, 0), "wd:Q1": (1, 1)}
    assert (found.accuracy, found.accuracy_alone) == (0.5, 1.0)


def test_a_word_without_a_concept_is_right_if_it_is_not_linked() -> None:
    # a link on other words of the mention says nothing of this word
    assert score_word([DOCUMENT], [[at(TEXT, "GPU", "wd:Q5")]], "kernel").by_sense == {
        "compute kernel": (1, 1),
        "wd:Q1": (1, 0),
    }
    nowhere = score_word([DOCUMENT], [[]], "functor")
    assert (nowhere.accuracy, nowhere.accuracy_alone) == (None, None)
    with pytest.raises(InputError, match="expected a word"):
        score_word([DOCUMENT], [[]], " - ")


def test_concepts_of_sentences_are_located_by_their_normal_form() -> None:
    text = "Free double categories have terminating and confluent presentations."
    names = ("double category", "terminating presentation", "confluent presentation", "dubble cat")
    spans = [
        at(text, "Free double categories", "wd:Q1"),
        at(text, "confluent presentations"),
    ]
    found = score_sentences([GoldSentence(text, names)], [spans])
    assert found.counts == {"texts": 1, "concepts": 4, "absent": 1, "scattered": 1, "located": 3}
    measures = {name: held.value for name, held in found.measures.items()}
    assert measures == pytest.approx({
        "found_exact": 1 / 3,
        "found_overlap": 3 / 3,
        "linked_exact": 0,
        "linked_overlap": 1 / 3,
    })


def test_a_concept_named_twice_is_found_at_either_place() -> None:
    text = "A ring is a ring."
    spans = [at(text, "ring", "wd:Q1", nth=1)]
    found = score_sentences([GoldSentence(text, ("rings",))], [spans])
    assert found.measures["linked_exact"].value == 1


def test_keywords() -> None:
    paper = GoldPaper(
        title="On $\\sigma$-algebras",
        abstract="A free monoid acts; monoids, and categories.",
        # "monoid acts" stands there; "acts monoids" has a break in it; one is there twice
        keywords=("sigma-algebra", "Free monoids", "monoid", "Monoid", "acts monoid", "topos", "-"),
    )
    fields = {
        "title": [at(paper.title, "$\\sigma$-algebras", "wd:Q1")],
        "abstract": [at(paper.abstract, "free monoid"), at(paper.abstract, "categories", "wd:Q4")],
    }
    found = score_keywords([paper], [fields])
    assert found.counts == {"texts": 1, "keywords": 5, "occurring": 3}
    # "monoid" lies inside a longer span, which is not that keyword
    assert found.measures["found"].value == pytest.approx(2 / 3)
    assert found.measures["linked"].value == pytest.approx(1 / 3)
    # the second place of the monoid counts, too
    fields["abstract"].append(at(paper.abstract, "monoids", "wd:Q5"))
    assert score_keywords([paper], [fields]).measures["linked"].value == pytest.approx(2 / 3)


# ------------------------------------------------------------------------------------------- gold


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_gold_of_terms_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "gold.csv",
        "source,term,lang,qid,in_slice,definition",
        'mulima,"ring, commutative",en,Q1,0,A set.',
        "mulima,sage,fr,,,",
    )
    assert read_terms(path) == [
        GoldTerm("mulima", "ring, commutative", "en", "wd:Q1", False, "A set."),
        GoldTerm("mulima", "sage", "fr", None, None, ""),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], r"gold.csv:1: expected columns source,term,lang,qid"),
        (["source,term,qid"], r"gold.csv:1: expected columns .* got source,term,qid"),
        (["source,term,lang,qid"], r"gold.csv:2: expected a term"),
        (["source,term,lang,qid", "a,b,en,Q1", "a,b,en,12"], r"gold.csv:3: .*qid.*'12'"),
        (["source,term,lang,qid", "a,,en,Q1"], r"gold.csv:2: expected a term, got nothing"),
        (["source,term,lang,qid", "a,b,en"], r"gold.csv:2: expected as many cells"),
        (["source,term,lang,qid,in_slice", "a,b,en,Q1,yes"], r"gold.csv:2: .*in_slice.*'yes'"),
        (["source,term,lang,qid", 'a,"b,en,Q1'], r"gold.csv:\d+: not well-formed CSV"),
    ],
)
def test_bad_gold_of_terms_is_refused_with_its_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_terms(write(tmp_path / "gold.csv", *lines))


MENTION = {"start": 2, "end": 6, "surface": "ring", "concept": "wd:Q1"}
LINE = {"id": "one", "category": "math.RA", "text": "A ring.", "mentions": [MENTION]}


def test_gold_of_mentions_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.jsonl", json.dumps(LINE), "")
    mentions = (GoldMention(2, 6, "ring", "wd:Q1"),)
    assert read_documents(path) == [Document("one", "math.RA", "A ring.", mentions)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": 5}, "got id 5"),
        ({"text": None}, "got text None"),
        ({"mentions": {}}, "got mentions {}"),
        ({"mentions": [7]}, "got 7"),
        ({"mentions": [{**MENTION, "end": 9}]}, r"0 <= start < end <= 7, got 2 and 9"),
        ({"mentions": [{**MENTION, "start": True}]}, "got True and 6"),
        ({"mentions": [{**MENTION, "surface": "rings"}]}, "surface 'ring' .* got 'rings'"),
        ({"mentions": [{**MENTION, "concept": "Q1"}]}, "expected a concept .* got 'Q1'"),
        ({"mentions": [{"start": 2, "end": 6, "surface": "ring"}]}, "got ''"),
        ({"mentions": [MENTION, MENTION]}, "in order and apart"),
        ({}, "a second time"),
    ],
)
def test_bad_gold_of_mentions_is_refused_with_its_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    bad = json.dumps({**LINE, **change})
    with pytest.raises(InputError, match=rf"gold.jsonl:2: .*{message}"):
        read_documents(write(tmp_path / "gold.jsonl", json.dumps(LINE), bad))


@pytest.mark.parametrize("read", [read_documents, read_sentences, read_papers])
def test_what_is_no_json_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "gold.jsonl"
    for content, message in (
        (b"{", "gold.jsonl:1: expected JSON"),
        (b"\n5\n", "gold.jsonl:2: expected .*, got 5"),
        (b"\n", "gold.jsonl:1: expected a JSON object, got nothing"),
        (b"\xff", "gold.jsonl: expected UTF-8"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            read(path)


def test_gold_of_sentences_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    write(path, '{"sentence": "A ring.", "flag": "?", "concepts": ["ring"]}')
    assert read_sentences(path) == [GoldSentence("A ring.", ("ring",), "?")]
    write(path, '{"sentence": "A ring.", "concepts": [""]}')
    with pytest.raises(InputError, match=r"gold.jsonl:1: expected names of concepts"):
        read_sentences(path)


def test_papers_are_read_from_a_list_or_from_lines(tmp_path: Path) -> None:
    rows = [{"title": "On rings", "abstract": "A", "keywords": ["ring"]}, {"keywords": "a; b, c"}]
    expected = [GoldPaper("On rings", "A", ("ring",)), GoldPaper("", "", ("a", "b, c"))]
    lines = write(tmp_path / "papers.jsonl", *map(json.dumps, rows))
    whole = write(tmp_path / "papers.json", json.dumps(rows, indent=1))
    assert read_papers(lines) == read_papers(whole) == expected
    write(whole, "[", '{"title": 5}', "]")
    with pytest.raises(InputError, match=r"papers.json: entry 1: .*got title 5"):
        read_papers(whole)
    write(whole, "[", '{"title": }', "]")
    with pytest.raises(InputError, match=r"papers.json:2: expected JSON"):
        read_papers(whole)


# -------------------------------------------------------------------------------------- baselines


def entry(number: int, *names: str, lang: str = "en") -> Entry:
    kinds = (LabelKind.PREFERRED, *[LabelKind.ALTERNATIVE] * (len(names) - 1))
    labels = tuple(
        Label(text=name, lang=lang, kind=kind) for name, kind in zip(names, kinds, strict=True)
    )
    term = Term(id=f"wd:Q{number}", source="wikidata", kind=TermKind.CONCEPT, labels=labels)
    return Entry(term.id, (term,))


CATALOGUE = Catalogue.of([
    entry(1, "ring", "annulus"),
    entry(2, "division ring", "skew field"),
    entry(3, "annulus"),
    entry(4, "annulus"),
    entry(5, "Ideal (order theory)"),
    entry(6, "Ideal"),
    entry(7, "anneau", lang="fr"),
])


def concepts(baseline: simple.Baseline, label: str, lang: str = "en") -> tuple[str, ...]:
    (found,) = baseline([Query(label, lang)])
    assert bool(found.concepts) == (found.score > 0)
    return found.concepts


def test_exact_baseline_wants_the_title() -> None:
    exact = simple.exact(CATALOGUE)
    assert concepts(exact, "Ring") == ("wd:Q1",)
    assert concepts(exact, "rings") == ()
    assert concepts(exact, "annulus") == ("wd:Q3", "wd:Q4")


def test_normal_form_baseline_prefers_preferred_names_then_age() -> None:
    norm = simple.same_norm(CATALOGUE)
    assert concepts(norm, "the Annuluses") == ()
    assert concepts(norm, "Annulus") == ("wd:Q3", "wd:Q4", "wd:Q1")
    assert concepts(norm, "skew fields") == ("wd:Q2",)
    assert concepts(norm, "ideals (ring theory)") == ("wd:Q6",)
    assert concepts(norm, "anneau", "fr") == ("wd:Q7",)
    assert concepts(norm, "anneau") == ()
    assert concepts(norm, "ring", "fr") == ("wd:Q1",)


def test_trigram_baseline_forgives_spelling() -> None:
    near = simple.trigrams(CATALOGUE)
    assert concepts(near, "divison ring")[0] == "wd:Q2"
    assert concepts(near, "xyz") == ()
    assert concepts(near, "-") == ()


def letters(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors of letter counts."""
    rows = np.array([[text.count(chr(97 + n)) for n in range(26)] for text in texts], np.float32)
    lengths = np.linalg.norm(rows.reshape(len(texts), 26), axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def test_embedding_baseline_takes_the_nearest_vectors() -> None:
    near = simple.embedding(CATALOGUE, letters)
    assert concepts(near, "grin")[0] == "wd:Q1"
    assert len(concepts(near, "grin")) == simple.KEPT
    assert concepts(near, "123") == ()
    assert list(simple.baselines(CATALOGUE)) == ["exact", "normal form", "trigrams"]
    assert list(simple.baselines(CATALOGUE, letters))[-1] == "embedding"


def test_a_threshold_is_chosen_on_the_other_half() -> None:
    # in each half all scores of .6 and more are right, and none below
    terms = [gold(f"term {n}", f"wd:Q{n}" if n % 2 else None) for n in range(60)]
    ranked = [simple.Ranked((f"wd:Q{n}",), 0.6 if n % 2 else 0.4) for n in range(60)]
    assert [held.linked for held in simple.two_fold(terms, ranked)] == [False, True] * 30
    # a half that never sees the own score: every link of the other half was wrong
    wrong = [simple.Ranked(("wd:Q999",), 0.9)] * 60
    assert not any(held.linked for held in simple.two_fold(terms, wrong))
    # nothing to learn from
    (alone,) = simple.two_fold(terms[1:2], ranked[1:2])
    assert alone.linked
    (silent,) = simple.two_fold(terms[1:2], [simple.Ranked()])
    assert not silent.linked


def test_terms_of_one_item_are_in_one_half() -> None:
    terms = [gold(f"term {n // 2} {'ab'[n % 2]}", f"wd:Q{n // 2}") for n in range(40)]
    halves = simple._halves(terms)
    assert halves[::2] == halves[1::2]
    assert set(halves) == {0, 1}
    assert halves[::-1] == simple._halves(terms[::-1])


# -------------------------------------------------------------------- linking, report, figures


class FixedLinker:
    """Links each term to the concept of its name in a catalogue."""

    method = "names"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def link(self, queries: Sequence[Query]) -> list[Link]:
        norm = simple.same_norm(self.catalogue)
        return [
            Link(
                zone=Zone.ACCEPT if found.concepts else Zone.NONE,
                candidates=tuple(
                    Candidate(concept=held, label="", confidence=0.9) for held in found.concepts
                ),
                nearest=None,
                predicate="skos:exactMatch",
                reason="",
            )
            for found in norm(queries)
        ]


GOLD = [
    gold("rings", "wd:Q1", source="france"),
    gold("skew field", "wd:Q2", source="mulima"),
    gold("annulus", "wd:Q1", source="smglom"),
    gold("Schiefkörper", "wd:Q2", source="mulima", lang="de"),
    gold("sage", None, source="nlab_sample"),
    gold("lattice", "wd:Q99", source="wd_nlab"),
]


def test_terms_are_linked_without_their_own_source() -> None:
    opened: list[tuple[str, ...]] = []

    def open_linker(excluded: tuple[str, ...]) -> Any:
        opened.append(excluded)
        return FixedLinker(CATALOGUE)

    found = evaluate_terms(
        GOLD, open_linker, sources={"mulima", "syllabus"}, encode=letters, with_baselines=True
    )
    # nLab is no source of this snapshot, so nothing is to be left out for its titles
    assert opened == [(), ("mulima",), ("syllabus",)]
    assert found.method == "names"
    assert list(found.scores) == ["linker", "exact", "normal form", "trigrams", "embedding"]
    hand = found.scores["linker"]["HAND"]
    assert (hand.n, hand.links, hand.right) == (3, 3, 2)
    assert found.scores["linker"]["wd_nlab"].unreachable == 1
    assert found.scores["exact"]["HAND"].accuracy_at_1 == 0
    assert found.scores["exact"]["HAND"].hits_at_5 == 0


def report() -> Report:
    sets = score_sets(CASES)
    return Report(
        about={"snapshot": "2026-11-21"},
        terms={"linker": sets, "exact": sets},
        documents=score_documents([DOCUMENT], [SPANS]),
        categories={"a": score_documents([DOCUMENT], [[]]), "b|c": score_documents([], [])},
        word=score_word([DOCUMENT], [SPANS], "kernel"),
        keywords=score_keywords([], []),
    )


def test_a_report_is_the_same_every_time() -> None:
    assert as_json(report()) == as_json(report())
    data = json.loads(as_json(report()))
    assert list(data) == [
        "about", "terms", "documents", "categories", "word", "sentences", "keywords",
    ]  # fmt: skip
    assert data["terms"]["linker"]["HAND"]["f1"] == 0.444444
    assert data["word"]["accuracy"] == 0.5
    assert data["sentences"] is None


def test_a_report_reads_as_tables() -> None:
    text = as_markdown(report())
    assert "* snapshot: 2026-11-21" in text
    assert "| HAND | 7 | 2 | 0 | 4 | .500 | .400 | .444 |" in text
    assert "| HAND | exact | .500 | .400 | .444 |" in text
    assert "| precision | .333 | [.333, .333] |" in text
    assert "| b\\|c | 0 | 0 | 0 | – | – | – | – |" in text
    assert "| compute kernel | 1 | 0 | .000 |" in text
    for section in text.split("## ")[1:]:
        rows = [line.replace("\\|", "") for line in section.splitlines() if line[:1] == "|"]
        assert len({row.count("|") for row in rows}) == 1


def draw(folder: Path) -> list[Path]:
    folder.mkdir()
    scores = score(CASES)
    paths = [folder / "reliability.svg", folder / "curve.svg"]
    reliability_diagram(paths[0], {"HAND": scores.bins, "none": []})
    one = [scores.curve[0]]
    precision_recall_curve(paths[1], {"linker": scores.curve, "exact": one, "none": ()})
    return paths


def test_figures_are_the_same_every_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")
    first, second = draw(tmp_path / "first"), draw(tmp_path / "second")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert ET.parse(one).getroot().tag == SVG
        assert b"dc:date" not in one.read_bytes()
    assert "stated probability" in first[0].read_text(encoding="utf-8")


def test_a_figure_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")
    with pytest.raises(InputError, match="cannot be written"):
        reliability_diagram(tmp_path / "missing" / "a.svg", {"a": [Bin(1, 0.5, 0.5, 0.5, 1.0)]})


def test_without_matplotlib_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("mathgloss.evaluation.figures.import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'mathgloss\[figures\]'"):
        reliability_diagram(tmp_path / "a.svg", {})


# ---------------------------------------------------------------------------------------- command


class FixedFinder:
    """Finds the word "ring" in every field."""

    def find(self, fields: Mapping[str, str], categories: Sequence[str] = ()) -> list[Mention]:
        return [
            Mention(
                field=name,
                start=text.index("ring"),
                end=text.index("ring") + 4,
                surface="ring",
                concept="wd:Q1",
                label="ring",
                confidence=0.9,
                candidates=(),
            )
            for name, text in fields.items()
            if "ring" in text
        ]


@pytest.fixture
def _linkers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for what opens linkers and snapshots."""
    module = types.ModuleType("mathgloss.graph.linkers")
    module.open_linker = lambda *_, **__: FixedLinker(CATALOGUE)  # type: ignore[attr-defined]
    module.open_finder = lambda *_, **__: FixedFinder()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    setup = types.SimpleNamespace(
        meaning=lambda: types.SimpleNamespace(vectors=letters),
        model=types.SimpleNamespace(made={"gold_sha256": "0" * 64}),
    )
    monkeypatch.setattr("mathgloss.linking.setup.linking_setup", lambda _: setup)
    manifest = types.SimpleNamespace(id="2026-11-21", sources={"mulima": {}})
    monkeypatch.setattr("mathgloss.graph.snapshot.open_manifest", lambda _: manifest)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    rows = [f"{term.source},{term.label},{term.lang},{(term.item or '')[3:]}" for term in GOLD]
    return {
        "terms": write(tmp_path / "terms.csv", "source,term,lang,qid", *rows),
        "mentions": write(tmp_path / "mentions.jsonl", json.dumps(LINE)),
        "sentences": write(
            tmp_path / "sentences.jsonl", '{"sentence": "A ring.", "concepts": ["ring", "set"]}'
        ),
        "keywords": write(tmp_path / "papers.json", '[{"title": "A ring", "keywords": ["ring"]}]'),
    }


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(command, [str(held) for held in arguments], catch_exceptions=False)


@pytest.mark.usefixtures("_linkers")
def test_the_command_writes_a_report(tmp_path: Path, files: dict[str, Path]) -> None:
    output = tmp_path / "out" / "report"
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    result = run(*options, "--word", "ring", "--no-figures", "-o", output)
    assert result.exit_code == 0, result.output
    assert {path.name for path in output.iterdir()} == {"report.md", "report.json"}
    data = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert data["about"]["terms linked by"] == "names"
    assert data["terms"]["linker"]["HAND"]["right"] == 2
    assert data["documents"]["measures"]["precision"]["value"] == 1
    assert data["word"]["mentions"] == 1
    assert data["sentences"]["counts"]["absent"] == 1
    assert data["keywords"]["measures"]["linked"]["value"] == 1
    assert "Concepts of sentences" in result.output


@pytest.mark.usefixtures("_linkers")
def test_the_command_draws_figures_and_prints_json(tmp_path: Path, files: dict[str, Path]) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")
    result = run("--terms", files["terms"], "--baselines", "--json", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = {"report.md", "report.json", "reliability.svg", "precision_recall.svg", "baselines.svg"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    written = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert json.loads(result.stdout) == written


@pytest.mark.usefixtures("_linkers")
def test_bad_gold_is_told_before_any_work(tmp_path: Path, files: dict[str, Path]) -> None:
    write(files["keywords"], "[5]")
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    with pytest.raises(MathGlossError, match=r"papers.json: entry 1"):
        run(*options, "--no-figures", "-o", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_that_cannot_be_made_is_told_before_any_work(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    with pytest.raises(InputError, match="cannot be made"):
        run("--sentences", files["sentences"], "-o", files["terms"] / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --terms"),
        (["--sentences", "FILE", "--word", "kernel"], "--word needs --mentions"),
        (["--sentences", "FILE", "--baselines"], "need --terms"),
        (["--sentences", "FILE", "--refit"], "need --terms"),
    ],
)
def test_wrong_use_of_the_command(tmp_path: Path, options: list[str], message: str) -> None:
    path = write(tmp_path / "any.jsonl", "{}")
    given = [str(path) if option == "FILE" else option for option in options]
    result = run(*given, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output


# ------------------------------------------------------------------------------------ end to end

WORLD_TERMS = """source,term,lang,qid
mulima,abelian groups,en,Q181296
mulima,groupe abélien,fr,Q181296
chicago,null space,en,Q2914509
own,Hilbert spaces,en,Q190056
own,peanut butter sandwich,en,
"""
WORLD_TEXT = (
    "In addition, every group homomorphism has a kernel, a normal subgroup. A Hilbert space, too."
)
WORLD_MARKS = [
    ("addition", None, "none"),
    ("group homomorphism", "wd:Q868169", ""),
    ("kernel", "wd:Q574844", ""),
    ("normal subgroup", "wd:Q743179", ""),
    ("Hilbert space", "wd:Q190056", ""),
]


@pytest.fixture
def world_files(tmp_path: Path) -> dict[str, Path]:
    """Gold of the small world's concepts."""
    document = marked(WORLD_TEXT, *WORLD_MARKS)
    mentions = [
        {
            "start": held.start,
            "end": held.end,
            "surface": held.surface,
            "concept": held.concept,
            "sense": held.sense,
        }
        for held in document.mentions
    ]
    row = {"id": document.id, "category": "math.GR", "text": WORLD_TEXT, "mentions": mentions}
    return {
        "terms": write(tmp_path / "terms.csv", WORLD_TERMS),
        "mentions": write(tmp_path / "mentions.jsonl", json.dumps(row)),
    }


def test_the_linker_is_scored_on_the_world(
    mathgloss: Callable[..., str], tmp_path: Path, world_files: dict[str, Path]
) -> None:
    output = tmp_path / "report"
    mathgloss("evaluate", "--terms", str(world_files["terms"]), "--no-figures", "-o", str(output))
    data = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert data["about"]["terms"] == "terms.csv"
    assert data["about"]["the model and these terms"] == "another file than it was trained on"
    assert "names" in data["about"]["terms linked by"]
    linker = data["terms"]["linker"]
    assert {"mulima", "chicago", "own"} <= set(linker)
    assert (linker["own"]["n"], linker["own"]["none"], linker["own"]["links_on_none"]) == (2, 1, 0)
    for name in ("mulima", "chicago", "own"):
        assert linker[name]["precision"] == 1
        assert linker[name]["recall"] == 1
        assert linker[name]["unreachable"] == 0
    assert data["documents"] is None


def test_mentions_are_scored_on_the_world(
    mathgloss: Callable[..., str], tmp_path: Path, world_files: dict[str, Path]
) -> None:
    output = tmp_path / "report"
    printed = mathgloss(
        "evaluate", "--mentions", str(world_files["mentions"]), "--word", "kernel",
        "--json", "-o", str(output),
    )  # fmt: skip
    data = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert json.loads(printed) == data
    documents = data["documents"]
    assert documents["counts"]["mentions"] == 4
    assert documents["counts"]["links_on_everyday"] == 0
    assert documents["measures"]["precision"]["value"] == 1
    assert documents["measures"]["recall_exact"]["value"] == 1
    assert list(data["categories"]) == ["math.GR"]
    assert data["word"]["by_sense"] == {"wd:Q574844": [1, 1]}
    assert data["terms"] == {}
    assert {path.name for path in output.iterdir()} == {"report.md", "report.json"}


def test_gold_that_cannot_be_read_is_one_sentence_and_not_a_traceback(
    mathgloss: Callable[..., str], tmp_path: Path
) -> None:
    bad = write(tmp_path / "mentions.jsonl", "[]")
    with pytest.raises(InputError, match=r"mentions.jsonl:1: expected"):
        mathgloss("evaluate", "--mentions", str(bad), "-o", str(tmp_path / "out"))
