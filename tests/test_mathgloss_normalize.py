"""The normal form of names, and tokens with offsets."""

from __future__ import annotations

import pytest

from mathgloss.normalize import (
    MAX_LABEL_CHARS,
    fold,
    normalize,
    singular,
    split_qualifier,
    tex_to_text,
    tokenize,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"$\sigma$-algebra", "σ-algebras"),
        (r"$(\infty,1)$-category", "(infinity,1)-categories"),
        ("E-∞ ring", "E-infinity rings"),
        ("C^*-algebra", "$C^*$-algebras"),
        ("Schrödinger equation", r"Schr\"odinger equations"),
        ("Cauchy–Schwarz inequality", "Cauchy-Schwarz inequality"),
        ("Green’s theorem", "Green's theorem"),
        ("the quotient group", "quotient groups"),
        ("Lp space", "$L^p$ spaces"),
        ("K&auml;hler manifold", "Kähler manifold"),
        ("Čech homology", "Cech homology"),
        ("Poincaré lemma", "Poincaré lemmas"),
        ("bases", "basis"),
        ("(−1)-groupoid", "(-1)-groupoids"),
        ("Calabi-Yau 3-fold", "Calabi–Yau 3-folds"),
        ("matrices", "matrix"),
        ("sheaves of spectra", "sheaf of spectrum"),
    ],
)
def test_spellings_of_one_name_agree(one: str, other: str) -> None:
    assert normalize(one) == normalize(other) != ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A-group", "group"),
        ("Lie group", "group"),
        ("kernel (algebra)", "kernel"),
        ("ring", "rng"),
        ("2-category", "category"),
        ("(-2)-category", "2-category"),
    ],
)
def test_names_of_different_things_differ(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)


@pytest.mark.parametrize(
    ("label", "lang", "words"),
    [
        ("гру́ппа", "ru", ("группа",)),
        ("й и ё", "ru", ("й", "и", "ё")),
        ("هم\u200cریختی", "fa", ("همریختی",)),
        ("ガウス整数", "ja", ("ガウス整数",)),
        ("자기 사상", "ko", ("자기", "사상")),
        ("समूह सिद्धांत", "hi", ("समूह", "सिद्धांत")),
        ("das Ideal", "de", ("ideal",)),
        ("Klassen", "de", ("klassen",)),
    ],
)
def test_other_languages_keep_their_letters(label: str, lang: str, words: tuple[str, ...]) -> None:
    assert normalize(label, lang) == words


@pytest.mark.parametrize("label", ["", "   ", "$", "$$", r"\\", "---", "\x00\x07", "()", "…"])
def test_what_holds_no_word_has_no_normal_form(label: str) -> None:
    assert normalize(label) == ()


def test_a_text_is_no_name() -> None:
    assert normalize("a" * (MAX_LABEL_CHARS + 1)) == ()


@pytest.mark.parametrize(
    ("label", "split"),
    [
        ("Group (mathematics)", ("Group", "mathematics")),
        ("(∞,1)-category", ("(∞,1)-category", None)),
        ("SU(2)", ("SU(2)", None)),
        ("orbit (group theory) ", ("orbit (group theory) ", None)),
        ("kernel", ("kernel", None)),
    ],
)
def test_only_a_trailing_qualifier_is_split_off(label: str, split: tuple[str, str | None]) -> None:
    assert split_qualifier(label) == split


@pytest.mark.parametrize(
    ("plural", "word"),
    [
        ("groups", "group"),
        ("categories", "category"),
        ("classes", "class"),
        ("algebras", "algebra"),
        ("series", "series"),
        ("torus", "torus"),
        ("analysis", "analysis"),
        ("tori", "torus"),
        ("lens", "lens"),
        ("gas", "gas"),
        ("is", "is"),
    ],
)
def test_singular(plural: str, word: str) -> None:
    assert singular(plural) == word


def test_fold_removes_latin_accents_only() -> None:
    assert fold("ÉTALE Ångström") == "etale angstrom"
    assert fold("が") == "が"


def test_tex_is_read_out() -> None:
    assert tex_to_text(r"$\mathrm{GL}(n, \mathbb{R})$") == "GL(n, R)"
    assert tex_to_text(r"Erd\H{o}s") == "Erdős"


def test_offsets_point_into_the_text_as_given() -> None:
    text = "Über the Čech–de Rham $p$-adic groups' 𝔽-algebras, o.k."
    for token in tokenize(text):
        assert 0 <= token.start < token.end <= len(text)
        if token.norm:
            assert text[token.start : token.end].strip()
    surfaces = [text[token.start : token.end] for token in tokenize(text) if token.norm]
    assert surfaces[:6] == ["Über", "the", "Čech", "de", "Rham", "$p$"]
    assert "groups" in surfaces


def test_a_long_formula_breaks_a_phrase() -> None:
    norms = [token.norm for token in tokenize("abelian $x_1 + x_2 + x_3 = 0$ group")]
    assert norms == ["abelian", "", "group"]
