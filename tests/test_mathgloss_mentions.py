"""Mentions in text: longest first, nothing in phrases that name nothing, offsets as given."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mathgloss.linking.lexicon import Lexicon, Prior
from mathgloss.linking.mentions import MentionFinder
from mathgloss.linking.reading import MAX_TEXT_CHARS
from mathgloss.linking.senses import load_senses
from mathgloss.model import LabelKind, Mention

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
    "wd:Q15": "path",
    "wd:Q16": "open",
    "wd:Q17": "addition",
    "wd:Q18": "test",
    "wd:Q19": "closure",
    "wd:Q20": "monad",
    "wd:Q21": "free monad",
    "wd:Q22": "double category",
    "wd:Q23": "group homomorphism",
    "wd:Q24": "homomorphism theorem",
    "wd:Q25": "entropy",
}
LINE = "Let an abelian group act. "


def lexicon(names: dict[str, str] = NAMES) -> Lexicon:
    made = Lexicon()
    for concept, name in names.items():
        made.add_concept(concept, name, Prior(described=True))
        made.add_name(concept, name, "en", LabelKind.PREFERRED)
    return made


@pytest.fixture(scope="module")
def finder() -> MentionFinder:
    """Over the names alone, without any sense."""
    return MentionFinder(lexicon())


@pytest.fixture(scope="module")
def reader() -> MentionFinder:
    """Over the same names, with the bundled senses and phrases."""
    return MentionFinder(lexicon(), load_senses())


def links(mentions: list[Mention]) -> list[tuple[str, str]]:
    return [(held.surface, held.concept) for held in mentions if held.concept is not None]


def found(finder: MentionFinder, text: str) -> list[Mention]:
    """The mentions of a text, once it is sure that they are well-formed."""
    mentions = finder.find({"text": text})
    linked = [held for held in mentions if held.concept is not None]
    for held in mentions:
        assert 0 <= held.start < held.end <= len(text)
        assert text[held.start : held.end] == held.surface
        assert 0 <= held.confidence <= 1
    for one, other in pairwise(linked):
        assert one.end <= other.start
    assert mentions == sorted(mentions, key=lambda held: (held.start, -held.end))
    return mentions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Every abelian group is a group.", [("abelian group", "wd:Q2"), ("group", "wd:Q1")]),
        ("Abelian\n groups", [("Abelian\n groups", "wd:Q2")]),
        ("On $p$-adic numbers.", [("$p$-adic numbers", "wd:Q3")]),
        ("the Cauchy-Schwarz inequality", [("Cauchy-Schwarz inequality", "wd:Q4")]),
        ("the Cauchy–Schwarz inequalities", [("Cauchy–Schwarz inequalities", "wd:Q4")]),
        ("Kähler manifolds, again", [("Kähler manifolds", "wd:Q6")]),
        ("A Kahler manifold", [("Kahler manifold", "wd:Q6")]),
        ("a Ka\u0308hler manifold", [("Ka\u0308hler manifold", "wd:Q6")]),
        (r"a $\sigma$-algebra", [(r"$\sigma$-algebra", "wd:Q7")]),
        ("abelian. Group", [("Group", "wd:Q1")]),
        ("the groups' monads", [("groups", "wd:Q1"), ("monads", "wd:Q20")]),
        ("This is of interest.", []),
        ("groupoid", []),
        ("a * b and a footnote *", []),
        ("a model", []),
        ("This has a number of the form 3.", []),
        ("machine learning", [("machine learning", "wd:Q13")]),
        ("the three body problem", [("three body problem", "wd:Q14")]),
        (r"$\sigma$ and σ", []),
    ],
)
def test_names_are_linked_in_any_form(
    finder: MentionFinder, text: str, expected: list[tuple[str, str]]
) -> None:
    assert links(found(finder, text)) == expected


def test_the_longest_name_wins_and_of_equals_the_leftmost(finder: MentionFinder) -> None:
    text = "An abelian group homomorphism theorem holds."
    assert links(found(finder, text)) == [
        ("abelian group", "wd:Q2"),
        ("homomorphism theorem", "wd:Q24"),
    ]
    assert links(found(finder, "A free monad is no monad.")) == [
        ("free monad", "wd:Q21"),
        ("monad", "wd:Q20"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "In addition, this is shown.",
        "This is of interest, even of independent interest.",
        "This opens a path to more.",
        "We test whether it holds.",
        "We group the terms.",
        "To group the rest is easy.",
        "One may test this.",
    ],
)
def test_words_of_idioms_and_verbs_are_not_linked(reader: MentionFinder, text: str) -> None:
    assert links(found(reader, text)) == []


def test_a_verb_is_not_linked_without_any_inventory(finder: MentionFinder) -> None:
    text = "We group the terms into a group, to group the rest."
    assert [(held.surface, held.start) for held in found(finder, text)] == [("group", 26)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "$$x$$",
        r"$$\text{group}$$",
        "$group$",
        "$g$ G g",
        r"\[ \begin{matrix} a & b \\ c & d \end{matrix} \]",
        "\x00\x07",
        "\u200b\ufeff",
        "חבורה אבלית",
        "مجموعة",
        "群と環",
        "$",
        "$$$",
        r"\(",
        "'",
        "-",
        "a" * 10_000,
        "\ud800",
    ],
)
def test_what_names_nothing_gives_nothing(reader: MentionFinder, text: str) -> None:
    assert found(reader, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "𝔸𝔹 x̂ 群 an abelian group 👩‍🔬",
        "\x00\x07 abelian group\x00",
        "חבורה abelian group אבלית",
        "\u202eabelian group\u202c",
        "\ud800 abelian group",
        "a" * 10_000 + " abelian group",
        r"$x$ then $$\int_0^1 f(x) dx$$ and \(a+b+c+d\) abelian group \[",
        r"K\"ahler or abelian group",
        "(abelian group)",
        "an abelian  \r\n\tgroup",
        "an abelian-group",
    ],
)
def test_offsets_are_those_of_the_text_as_given(finder: MentionFinder, text: str) -> None:
    (mention,) = [held for held in found(finder, text) if held.concept]
    assert mention.surface.split("-" if "-" in mention.surface else None) == ["abelian", "group"]
    assert mention.start == text.index("abelian")


def test_fields_are_read_apart_and_in_order(finder: MentionFinder) -> None:
    fields = {"title": "On an abelian", "text": "group. A monad", "note": ""}
    held = [(mention.field, mention.surface) for mention in finder.find(fields)]
    assert held == [("text", "group"), ("text", "monad")]
    assert finder.find({}) == []


def test_a_word_whose_concept_depends_on_its_neighbours_stays_open(finder: MentionFinder) -> None:
    (mention,) = found(finder, "The closure is taken.")
    assert (mention.surface, mention.concept, mention.label) == ("closure", None, "")
    assert [held.concept for held in mention.candidates] == ["wd:Q19"]
    # the probability that it is none of the candidates
    assert mention.confidence == pytest.approx(1 - mention.candidates[0].confidence)


def test_unsure_mentions_say_how_likely_none_of_the_candidates_is(reader: MentionFinder) -> None:
    rivals = {f"wd:Q{number}": "closure" for number in range(30, 33)}
    (mention,) = found(MentionFinder(lexicon(rivals)), "The closure is taken.")
    assert len(mention.candidates) == 3
    stated = sum(held.confidence for held in mention.candidates)
    assert mention.confidence == pytest.approx(max(0, 1 - stated), abs=1e-4)


def test_a_phrase_that_looks_like_a_concept_may_hold_links(finder: MentionFinder) -> None:
    mentions = found(finder, "A free abelian group homomorphism is here.")
    assert [(held.surface, held.concept) for held in mentions] == [
        ("free abelian group homomorphism", None),
        ("abelian group", "wd:Q2"),
    ]
    assert mentions[0].candidates == ()
    assert mentions[0].confidence == 1


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Each free double category is strict.", "free double category"),
        ("We define a pseudomonad.", "pseudomonad"),
        ("We define pseudomonads.", "pseudomonads"),
        ("A Galois monad is given.", "Galois monad"),
        ("This category is new.", None),
        ("The weird thing is new.", None),
    ],
)
def test_unknown_noun_phrases(finder: MentionFinder, text: str, phrase: str | None) -> None:
    unknown = [held.surface for held in found(finder, text) if held.concept is None]
    assert unknown == ([phrase] if phrase else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Its cross-entropy falls.", [("entropy", None)]),
        ("All non-abelian groups are solvable.", [("abelian groups", None)]),
        ("All two-monads are here.", [("monads", "wd:Q20")]),
        ("finite-abelian-group", [("abelian-group", "wd:Q2")]),
    ],
)
def test_a_hyphen_may_make_another_thing_of_a_name(
    finder: MentionFinder, text: str, expected: list[tuple[str, str | None]]
) -> None:
    held = [(mention.surface, mention.concept) for mention in found(finder, text)]
    assert [row for row in held if row[0] in {name for name, _ in expected}] == expected


def test_finding_twice_gives_the_same(reader: MentionFinder) -> None:
    text = "A test of an abelian group, in addition to a path."
    assert found(reader, text) == found(reader, text)


@pytest.mark.parametrize("size", [MAX_TEXT_CHARS, MAX_TEXT_CHARS + 10])
def test_a_million_characters_are_read_to_the_limit(finder: MentionFinder, size: int) -> None:
    text = ("x" * 80 + ". " + LINE).ljust(200, ".") * (size // 200 + 1)
    mentions = found(finder, text[:size])
    assert len(mentions) == MAX_TEXT_CHARS // 200


@pytest.mark.parametrize(
    "unit", ["group ", "a test of the path. ", "weird double category of a test, ", r"\(", "$ "]
)
def test_time_grows_with_the_length_of_a_text(reader: MentionFinder, unit: str) -> None:
    # with the square of the length this would be minutes, not a second
    assert len(found(reader, unit * (60_000 // len(unit)))) < 20_000
