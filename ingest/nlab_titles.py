"""What sort of page an nLab title names, judged from the title alone.

nLab writes concepts in lower case except for proper names: "Banach space" is a concept and
"Stefan Banach" a person. What is left to tell apart are capitalised titles of two to five words:
persons, and books, projects and a few concepts ("Milnor K-theory").
"""

from __future__ import annotations

import re
from typing import Final

from mathgloss.model import TermKind

_META: Final = re.compile(
    r">\s*history\b|contents$|[ -]SVG$|^empty \d+$"
    r"|\s(?:--?|–)\s(?:early )?(?:references|contents?|table|section|list|example|definition)$"
)
_SERVICE_PAGES: Final = frozenset({
    "Home Page", "HomePage", "About", "All Pages", "Anonymous User", "FAQ", "General Discussion",
    "HowTo", "Uploaded Files",
})  # fmt: skip

# inside a name, in lower case; "Ben", "Bin", "Al", "Tom" are also first names
_PARTICLES: Final = frozenset({
    "af", "al", "av", "bin", "ben", "da", "das", "de", "del", "della", "den", "der", "di", "do",
    "dos", "du", "e", "el", "i", "ibn", "la", "le", "op", "t", "ten", "ter", "tom", "van", "von",
    "y", "zu", "zum", "zur",
})  # fmt: skip
_CAPITAL_PARTICLES: Final = frozenset({"De", "Van", "Von"})
# Words that no person of the list bears and that show a work, institution or concept. Surnames
# that are also words of mathematics (Ball, Field(s), Frame, Lax, Power, Prime, Real, Stone, Wall)
# are left out on purpose.
_NO_NAMES: Final = frozenset({
    # heads of mathematical terms, singular and plural
    "algebra", "algebras", "analysis", "categories", "category", "circle", "cohomology",
    "conjecture", "construction", "duality", "equation", "family", "foundations", "function",
    "functor", "geometry", "grassmannian", "group", "groups", "homotopy", "hypothesis",
    "immersions", "logic", "manifold", "math", "mathematica", "mathematicae", "mathematics",
    "module", "number", "operator", "rigidity", "ring", "scheme", "schemes",
    "semantics", "situs", "space", "spaces", "spectrum", "stack", "stacks", "state", "structure",
    "structures", "submanifold", "symbol", "system", "term", "theorem", "theorems", "theories",
    "theory", "topology", "topos", "type", "types",
    # heads of mathematical physics
    "atoms", "dynamics", "gravity", "mechanics", "physics", "quantum", "skyrmion", "supergravity",
    # works, projects, institutions, events
    "archive", "book", "collaboration", "conference", "database", "encyclopedia", "festschrift",
    "foundation", "institute", "journal", "manifesto", "menagerie", "network", "observatory",
    "octoberfest", "project", "reviews", "sandbox", "school", "seminar", "society", "telescope",
    "university", "workshop", "zulip",
    # words that begin titles of works
    "the", "on", "in", "of", "and", "towards", "les", "des", "algèbres",
    "catégories", "disquisitiones", "tractatus",
})  # fmt: skip

_INITIALS: Final = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+|[^\W\d_](?:-[^\W\d_])*")
_NAME: Final = re.compile(r"[^\W\d_]+(?:['’ʼʹ‘`-][^\W\d_]+)*\.?")
_ROMAN: Final = re.compile(r"[IV]{2,3}")
_SUFFIX: Final = re.compile(
    r",? (?:Jr|Sr)\.?$| \((?:biologist|historian|logician|mathematician|philosopher|physicist)\)$"
)


def kind_of_title(title: str) -> TermKind:
    """The kind of page that a title without any text names."""
    if _META.search(title) or title in _SERVICE_PAGES or title.endswith("Sandbox"):
        return TermKind.META
    if title.endswith("(disambiguation)"):
        return TermKind.DISAMBIGUATION
    return TermKind.PERSON if is_person_name(title) else TermKind.CONCEPT


def is_person_name(title: str) -> bool:
    """Whether a title reads like the name of a person.

    Two to five words; each a capitalised name, an initial or a particle; at least one initial or
    name before a final name; no digit or TeX, no parenthesis but one with a profession, no
    abbreviation, no word that shows a work, an institution or a mathematical thing.
    """
    words = _SUFFIX.sub("", title).split(" ")
    if not 2 <= len(words) <= 5 or not title[0].isupper():
        return False
    parts = [part for word in words for part in re.split(r"['’ʼ-]", word.lower())]
    if _NO_NAMES.intersection(parts):
        return False
    names = [word for word in words if not _is_particle(word)]
    if len(names) < 2 or not all(map(_is_name, names)):
        return False
    return _is_last_name(words[-1]) and words[0] != "A"


def _is_particle(word: str) -> bool:
    return word.lstrip("'’‘") in _PARTICLES or word in _CAPITAL_PARTICLES


def _is_name(word: str) -> bool:
    if _INITIALS.fullmatch(word):
        return word[0].isupper()
    if not (_NAME.fullmatch(word) and word[0].isupper()):
        return False
    abbreviation = len(word) > 2 and word[-1].isupper() and not _ROMAN.fullmatch(word)
    return not (abbreviation or re.search(r"['’]s$", word) or re.match(r"[A-Z]{2}[a-z]", word))


def _is_last_name(word: str) -> bool:
    """A surname is no initial, and none of its parts is in lower case (``K-theory``)."""
    parts = word.split("-")
    return len(word) > 1 and not word.endswith(".") and not any(part[0].islower() for part in parts)
