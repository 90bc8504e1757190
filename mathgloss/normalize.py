r"""The normal form of mathematical names: pure functions, the same for labels and for running text.

A name becomes a tuple of words. TeX is read out (``$\sigma$-algebra`` and ``σ-algebra`` and
``sigma-algebra`` are one name), accents of Latin letters fold, hyphens separate words, apostrophes
vanish, and English plurals become singular. Other scripts keep their letters as they are.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_LABEL_CHARS: Final = 300
# a longer word is none: what is read of a text is kept, and must not be of any size
MAX_WORD_CHARS: Final = 100

_GREEK: Final = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon",
    "ζ": "zeta", "η": "eta", "θ": "theta", "ϑ": "theta", "ι": "iota", "κ": "kappa",
    "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "∞": "infinity", "ℓ": "l", "ℝ": "r", "ℂ": "c", "ℤ": "z", "ℚ": "q", "ℕ": "n",
}  # fmt: skip
_TEX_WORDS: Final = {"infty": "infinity", "varepsilon": "epsilon", "varphi": "phi", "ell": "l"}
_TEX_WORDS_KEPT: Final = frozenset(_GREEK.values()) | frozenset(_TEX_WORDS)
_TEX_ACCENT = re.compile(r"\\([`'^\"~=.uvHcdbk])\s*(?:\{\s*(\\?[A-Za-z])\s*\}|(\\?[A-Za-z]))")
_COMBINING: Final = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304",
    ".": "\u0307", "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "d": "\u0323",
    "b": "\u0331", "k": "\u0328",
}  # fmt: skip

# plurals that no suffix rule gets right; the second form is the singular
_IRREGULAR: Final = {
    "analyses": "analysis", "apices": "apex", "automata": "automaton", "axes": "axis",
    "bases": "basis", "calculi": "calculus",
    "codices": "codex", "continua": "continuum",
    "criteria": "criterion", "foci": "focus", "formulae": "formula", "genera": "genus",
    "hypotheses": "hypothesis", "indices": "index",
    "infima": "infimum", "lemmata": "lemma", "loci": "locus", "maxima": "maximum",
    "matrices": "matrix", "minima": "minimum", "moduli": "modulus", "nuclei": "nucleus",
    "optima": "optimum", "parentheses": "parenthesis", "phenomena": "phenomenon",
    "polyhedra": "polyhedron", "quanta": "quantum", "radii": "radius", "series": "series",
    "simplices": "simplex", "spectra": "spectrum", "strata": "stratum", "suprema": "supremum",
    "syntheses": "synthesis", "tetrahedra": "tetrahedron", "theses": "thesis", "tori": "torus",
    "topoi": "topos", "toposes": "topos", "vertices": "vertex", "vortices": "vortex",
    "species": "species", "halves": "half", "leaves": "leaf",
    "sheaves": "sheaf", "presheaves": "presheaf", "cosheaves": "cosheaf", "lens": "lens",
    "metrics": "metric", "conics": "conic", "cubics": "cubic", "quadrics": "quadric",
    "quartics": "quartic", "geodesics": "geodesic", "topics": "topic", "heuristics": "heuristic",
    "atlas": "atlas", "bias": "bias", "alias": "alias", "gas": "gas", "canvas": "canvas",
    "topos": "topos", "chaos": "chaos", "cosmos": "cosmos", "kudos": "kudos",
}  # fmt: skip
_SINGULAR_ENDINGS: Final = ("ss", "us", "is", "ics")
_QUALIFIER = re.compile(r"^(?P<base>.*\S)\s+\((?P<qualifier>[^()]+)\)$", re.DOTALL)
# Marks belong to the letter before them: accents, Hebrew and Arabic points, Indic and Thai vowel
# signs, and the zero-width non-joiner inside Persian words.
_MARKS: Final = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u0670"
    r"\u0900-\u0903\u093a-\u094f\u0e31-\u0e4e\u200c"
)
_WORD: Final = rf"(?:[^\W_][{_MARKS}]*)+"
# A star belongs to the letter that it stands on (C*-algebra), a minus to the number that it makes
# negative: (-2)-category, but not Calabi-Yau 3-fold.
_TOKEN = re.compile(rf"(?:(?<![^\s(,;])[-−](?=\d))?{_WORD}(?:['’ʼ]{_WORD})*(?:['’]|\*)?|\S")
_ARTICLES: Final = {
    "en": frozenset({"a", "an", "the"}),
    "fr": frozenset({"le", "la", "les", "un", "une"}),
    "de": frozenset({"der", "die", "das", "ein", "eine"}),
    "es": frozenset({"el", "la", "los", "las", "un", "una"}),
    "it": frozenset({"il", "lo", "la", "gli", "le", "un", "una"}),
}
_STRESS_MARKS: Final = frozenset("\u0300\u0301")
_JOINERS: Final = frozenset("-‐‑‒–—−/·_(),[]{}")
_APOSTROPHES: Final = str.maketrans("", "", "'’ʼ`´")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text in normal form, with its code-point offsets; ``norm`` "" is a break."""

    norm: str
    start: int
    end: int


def fold(text: str) -> str:
    """Case folded, compatibility-normalised, without Latin accents and stress marks."""
    out = []
    latin = False
    for char in unicodedata.normalize("NFKD", text):
        if char == "\u200c":
            continue
        if unicodedata.combining(char):
            # dictionaries mark the stress of Cyrillic words; й and ё keep their own marks
            if not latin and char not in _STRESS_MARKS:
                out.append(char)
            continue
        latin = char.isascii() or "LATIN" in unicodedata.name(char, "")
        out.append(char)
    return unicodedata.normalize("NFC", "".join(out)).casefold()


@lru_cache(maxsize=1_000)
def tex_to_text(text: str) -> str:
    r"""TeX and HTML entities read out as plain words: ``$\sigma$-algebra`` is ``sigma-algebra``.

    Accent commands become accented letters, font commands vanish, Greek letters are named,
    superscripts and subscripts join their base (``L^p`` is ``Lp``).
    """
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text or "$" in text or "^" in text or "_" in text:
        text = _TEX_ACCENT.sub(_accented, text)
        text = re.sub(r"\\(?:mathrm|mathbb|mathcal|mathbf|mathfrak|mathscr|mathsf|text|textit|"
                      r"textbf|emph|operatorname|rm|it|em|bf|cal|Bbb)\b\s*", "", text)  # fmt: skip
        text = re.sub(r"\\([A-Za-z]+)", _command, text)
        text = re.sub(r"\\.", " ", text)
        text = text.replace("$", "").replace("{", "").replace("}", "")
        text = re.sub(r"\s*[\^_]\s*", "", text)
    return unicodedata.normalize("NFC", text)


def _accented(match: re.Match[str]) -> str:
    letter = (match.group(2) or match.group(3)).lstrip("\\")
    return unicodedata.normalize("NFC", letter + _COMBINING[match.group(1)])


def _command(match: re.Match[str]) -> str:
    name = match.group(1)
    if name in _TEX_WORDS:
        return _TEX_WORDS[name]
    if name.lower() in _TEX_WORDS_KEPT:
        return name
    return name if len(name) == 1 else " "


def split_qualifier(label: str) -> tuple[str, str | None]:
    """A trailing qualifier in parentheses apart from the name: ``Group (mathematics)``.

    Parentheses that are part of the name (``(∞,1)-category``, ``SU(2)``) stay.
    """
    match = _QUALIFIER.match(label)
    if match is None:
        return label, None
    return match["base"], match["qualifier"]


def singular(word: str) -> str:
    """The singular of an English word in lower case; a singular comes back unchanged."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or not word.endswith("s") or word.endswith(_SINGULAR_ENDINGS):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=200_000)
def word_forms(surface: str, lang: str) -> tuple[str, ...]:
    """Normal form of one token: usually one word, none for a joiner such as a hyphen.

    It is kept for the next time, so a caller sees to it that the token is not of any length.
    """
    if surface in _JOINERS:
        return ()
    if len(surface) > 1 and surface[0] in "-−":
        return ("minus", *word_forms(surface[1:], lang))
    if len(surface) > 1 and surface[-1] == "*":
        return (*word_forms(surface[:-1], lang), "star")
    text = surface.translate(_APOSTROPHES) if len(surface) > 1 else surface
    text = fold("".join(f" {_GREEK[ch]} " if ch in _GREEK else ch for ch in text))
    words = [word for word in text.split() if any(char.isalnum() for char in word)]
    if lang == "en":
        words = [singular(word) for word in words]
    return tuple(words)


@lru_cache(maxsize=400_000)
def normalize(label: str, lang: str = "en") -> tuple[str, ...]:
    """The normal form of a name in a language: a tuple of words, empty if nothing is left.

    A leading article is dropped unless it is the whole name. Names longer than
    ``MAX_LABEL_CHARS`` are no names: they give the empty tuple.
    """
    if len(label) > MAX_LABEL_CHARS:
        return ()
    # only English words change their form, so most languages read a name alike
    return _words(_without_article(tex_to_text(label), lang), lang if lang == "en" else "mul")


@lru_cache(maxsize=1_000)
def _words(text: str, lang: str) -> tuple[str, ...]:
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        words.extend(word_forms(match.group(), lang))
    return tuple(words)


def _without_article(text: str, lang: str) -> str:
    """A leading article apart from its noun is dropped; the A of ``A-group`` is none."""
    first, _, rest = text.partition(" ")
    return rest if rest.strip() and first.casefold() in _ARTICLES.get(lang, ()) else text


# a formula holds no second opening, so that a text of openings alone is read in one pass
_MATH = re.compile(
    r"\$\$.+?\$\$|\$[^$]+\$|\\\((?:(?!\\\().)+?\\\)|\\\[(?:(?!\\\[).)+?\\\]", re.DOTALL
)


def tokenize(text: str, lang: str = "en") -> list[Token]:
    """Words of running text in normal form, with offsets into ``text`` as given.

    Hyphens and slashes between words vanish, as in :func:`normalize`. Sentence punctuation is kept
    as a break that no name spans. A short formula is read out (``$p$-adic``); a longer one is a
    break.
    """
    tokens: list[Token] = []
    position = 0
    for math in _MATH.finditer(text):
        tokens.extend(_tokenize_plain(text, position, math.start(), lang))
        formula = math.group()
        words = normalize(formula, lang) if len(formula) <= MAX_LABEL_CHARS else ()
        if 1 <= len(words) <= 3:
            tokens.extend(Token(word, math.start(), math.end()) for word in words)
        else:
            tokens.append(Token("", math.start(), math.end()))
        position = math.end()
    tokens.extend(_tokenize_plain(text, position, len(text), lang))
    return tokens


def _tokenize_plain(text: str, start: int, end: int, lang: str) -> list[Token]:
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text, start, end):
        surface = match.group()
        words = word_forms(surface, lang) if len(surface) <= MAX_WORD_CHARS else ()
        stop = match.end() - (1 if len(surface) > 1 and surface[-1] in "'’" else 0)
        if words:
            tokens.extend(Token(word, match.start(), stop) for word in words)
        elif surface not in _JOINERS or surface in "(),[]{}—":
            tokens.append(Token("", match.start(), match.end()))
    return tokens
