"""Mentions in text: longest first, offsets into the text as given."""

from __future__ import annotations

import pytest

from mathgloss.linking.lexicon import Lexicon, Prior
from mathgloss.linking.mentions import MentionFinder
from mathgloss.model import LabelKind

NAMES = {
    "wd:Q1": "group",
    "wd:Q2": "abelian group",
    "wd:Q3": "p-adic number",
    "wd:Q4": "Cauchy–Schwarz inequality",
    "wd:Q5": "interest",
    "wd:Q6": "Kähler manifold",
    "wd:Q7": "sigma-algebra",
    "wd:Q8": "A-model",
    "wd:Q9": "star",
    "wd:Q10": "sigma",
    "wd:Q11": "has-a",
    "wd:Q12": "of the form",
    "wd:Q13": "machine learning",
    "wd:Q14": "three-body problem",
}


@pytest.fixture(scope="module")
def finder() -> MentionFinder:
    lexicon = Lexicon()
    for concept, name in NAMES.items():
        lexicon.add_concept(concept, name, Prior(described=True))
        lexicon.add_name(concept, name, "en", LabelKind.PREFERRED)
    return MentionFinder(lexicon)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Every abelian group is a group.", [("abelian group", "wd:Q2"), ("group", "wd:Q1")]),
        ("Abelian\n groups", [("Abelian\n groups", "wd:Q2")]),
        ("On $p$-adic numbers.", [("$p$-adic numbers", "wd:Q3")]),
        ("the Cauchy-Schwarz inequality", [("Cauchy-Schwarz inequality", "wd:Q4")]),
        ("Kähler manifolds, again", [("Kähler manifolds", "wd:Q6")]),
        (r"a $\sigma$-algebra", [(r"$\sigma$-algebra", "wd:Q7")]),
        ("abelian. Group", [("Group", "wd:Q1")]),
        ("This is of interest.", []),
        ("", []),
        ("$$x$$", []),
        ("\x00\x07", []),
        ("groupoid", []),
        ("a * b and a footnote *", []),
        ("a model", []),
        ("This has a number of the form 3.", []),
        ("machine learning", [("machine learning", "wd:Q13")]),
        ("the three body problem", [("three body problem", "wd:Q14")]),
        (r"$\sigma$ and σ", []),
    ],
)
def test_mentions(finder: MentionFinder, text: str, found: list[tuple[str, str]]) -> None:
    mentions = finder.find(text, field="text")
    assert [(mention.surface, mention.concept) for mention in mentions] == found
    for mention in mentions:
        assert text[mention.start : mention.end] == mention.surface


def test_offsets_count_code_points_after_astral_characters(finder: MentionFinder) -> None:
    text = "𝔸𝔹 x̂ 群 a group"
    (mention,) = finder.find(text, field="title")
    assert text[mention.start : mention.end] == "group"
    assert mention.field == "title"


def test_a_huge_text_is_read_to_its_limit(finder: MentionFinder) -> None:
    assert len(finder.find("group " * 2000, field="text")) == 2000
