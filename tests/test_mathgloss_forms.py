"""Looser forms of names: bags of words, heads, noun phrases, related languages, trigrams."""

from __future__ import annotations

import pytest

from mathgloss.linking.forms import (
    CHANGING,
    MAX_PHRASE_WORDS,
    bag,
    family,
    head,
    is_latin,
    noun_phrase,
    stem,
    stems,
)
from mathgloss.linking.trigrams import TrigramIndex, overlap, trigrams
from mathgloss.normalize import normalize


def bag_of(text: str, lang: str = "en") -> tuple[str, ...]:
    return bag(normalize(text, lang), lang)


@pytest.mark.parametrize(
    ("one", "other", "lang"),
    [
        ("rank of a matrix", "matrix rank", "en"),
        ("sheaf of modules", "module sheaf", "en"),
        ("bijective function", "bijection function", "en"),
        ("Group, abelian", "abelian groups", "en"),
        ("groupe de Lie", "Lie groupe", "fr"),
        ("anneau des entiers", "entiers anneau", "fr"),
        ("Satz von Rolle", "Rolle Satz", "de"),
        ("anillo de los enteros", "enteros anillo", "es"),
    ],
)
def test_one_bag_across_word_order_and_derivation(one: str, other: str, lang: str) -> None:
    assert bag_of(one, lang) == bag_of(other, lang)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ring", "rings of sets"),
        ("normal subgroup", "subgroup"),
        ("prime number", "prime ideal"),
        ("abelian group", "non-abelian group"),
    ],
)
def test_other_words_are_another_bag(one: str, other: str) -> None:
    assert bag_of(one) != bag_of(other)


def test_a_name_of_function_words_alone_keeps_them() -> None:
    assert bag_of("of and in") == bag_of("in of and") != ()


def test_a_word_of_a_language_without_stemmer_is_its_own_stem() -> None:
    assert stem("grupy", "pl") == "grupy"
    assert stems(("grupy", "abelowe"), "zz") == ("grupy", "abelowe")


def test_words_that_change_the_kind_are_known_by_their_stems() -> None:
    for word in ("quasi", "generalized", "generalised", "weakly", "virtual", "non"):
        assert stem(word, "en") in CHANGING


@pytest.mark.parametrize(
    ("lang", "some", "never"),
    [("ca", {"fr", "es", "it"}, "de"), ("nl", {"de", "sv"}, "fr"), ("ru", {"uk"}, "pl")],
)
def test_related_languages(lang: str, some: set[str], never: str) -> None:
    assert some <= family(lang)
    assert never not in family(lang)
    assert lang not in family(lang)


@pytest.mark.parametrize("lang", ["en", "ja", "zz", "", "x" * 100])
def test_a_language_without_relatives(lang: str) -> None:
    assert family(lang) == frozenset()


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("abelian group", "group"),
        ("boundary of a manifold", "boundary"),
        ("ring of integers of a field", "ring"),
        ("map on a set", "map"),
        ("of a set", "set"),
        ("group", "group"),
    ],
)
def test_the_head_noun(name: str, word: str) -> None:
    norm = normalize(name)
    assert norm[head(norm)] == word


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("left coset", "left coset"),
        ("derived category of sheaves", "derived category"),
        ("group over a field", "group"),
        ("algebra without unit", "algebra"),
        ("every group is a set", ""),
        ("from sets to classes", ""),
        (" ".join(["very"] * MAX_PHRASE_WORDS) + " long", ""),
    ],
)
def test_noun_phrases(name: str, phrase: str) -> None:
    assert " ".join(noun_phrase(normalize(name))) == phrase


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("group", True),
        ("Körper", True),
        ("группа", False),
        ("アーベル群", False),
        ("مجموعة", False),
        ("1234", False),
        ("", False),
        ("C*-алгебра", False),
    ],
)
def test_what_a_latin_encoder_reads(text: str, *, latin: bool) -> None:
    assert is_latin(text) is latin


# ---------------------------------------------------------------------------------------- trigrams


def test_overlap_is_one_for_the_same_and_nothing_for_nothing_in_common() -> None:
    assert overlap(trigrams("group"), trigrams("group")) == 1.0
    assert overlap(trigrams("group"), trigrams("set")) == 0.0
    assert 0.3 < overlap(trigrams("anello"), trigrams("anell")) < 1.0


@pytest.mark.parametrize("text", ["", "x", " ", "\x00", "群", "y" * 10_000])
def test_any_text_has_trigrams(text: str) -> None:
    assert overlap(trigrams(text), trigrams(text)) in {0.0, 1.0}
    assert sum(trigrams(text).values()) <= 201


def test_the_nearest_spelling_comes_first_and_the_order_of_equals_is_kept() -> None:
    index = TrigramIndex(TrigramIndex.of(["ring", "group", "groups", "group", "semigroup"]))
    places, scores = index.nearest("group", 3)
    assert places.tolist() == [1, 3, 2]
    assert scores[0] == pytest.approx(1.0)
    assert list(scores) == sorted(scores, reverse=True)


def test_nothing_is_near_to_what_shares_no_trigram_or_to_an_empty_index() -> None:
    assert TrigramIndex(TrigramIndex.of(["ring"])).nearest("群", 5)[0].tolist() == []
    assert TrigramIndex(TrigramIndex.of([])).nearest("group", 5)[0].tolist() == []
