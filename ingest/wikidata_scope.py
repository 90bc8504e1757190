"""Which Wikidata items are read, and which of their statements: the one place to change either.

Each class and property stands with the reason for it.
"""

from __future__ import annotations

from typing import Final

from mathgloss import vocab
from mathgloss.model import TermKind

# Items that are an instance or a subclass (at any depth) of one of these are read.
CLASSES: Final = {
    "Q24034552": "mathematical concept: the class that most notions carry",
    "Q246672": "mathematical object: numbers, functions, structures below it",
    "Q65943": "theorem",
    "Q207505": "lemma: a subclass of theorem only on some items",
    "Q319141": "conjecture",
    "Q17736": "axiom",
    "Q11538": "mathematical proof: proof methods are taught as concepts",
    "Q976981": "formula",
    "Q28113351": "inequality",
    "Q11345": "equation",
    "Q186509": "mathematical constant",
    "Q20026918": "mathematical theory",
    "Q1936384": "area of mathematics: what concepts are studied by",
    "Q3924032": "mathematical property",
    "Q188211": "invariant",
    "Q3884033": "operation",
    "Q6498784": "expression",
    "Q11348": "function: many named functions are instances of it alone",
    "Q8366": "algorithm: the papers are about algorithms",
    "Q486902": "mathematical model",
    "Q210832": "statistical test",
    "Q908207": "complexity class",
}

# An item with one of these identifiers is read whatever its class: half of mathematics has no
# useful class. Property -> prefix of the identifier.
IDENTIFIERS: Final = {
    "P4215": "nlab",
    "P2812": "mathworld",
    "P7726": "planetmath",
    "P6781": "proofwiki",
    "P7554": "eom",
    "P11497": "dlmf",
    "P12987": "lmfdb",
    "P12888": "metamath",
}
MATHLIB_DECLARATION: Final = "P14534"
MSC: Final = "P3285"

# Statements between items -> the relation that MathGloss records.
RELATIONS: Final = {
    "P279": vocab.BROADER,  # subclass of
    "P31": vocab.INSTANCE_OF,
    "P361": vocab.PART_OF,
    "P527": vocab.HAS_PART,
    "P1269": vocab.FACET_OF,
    "P461": vocab.OPPOSITE_OF,
    "P1889": vocab.DIFFERENT_FROM,
    "P2579": vocab.STUDIED_BY,
    "P2578": vocab.STUDIES,
    "P1552": vocab.HAS_CHARACTERISTIC,
}

# An instance of one of these is no concept, whatever else it is.
NOT_CONCEPTS: Final = {
    "Q5": TermKind.PERSON,
    "Q101352": TermKind.PERSON,  # family name
    "Q202444": TermKind.PERSON,  # given name
    "Q12308941": TermKind.PERSON,  # male given name
    "Q11879590": TermKind.PERSON,  # female given name
    "Q4167410": TermKind.DISAMBIGUATION,
    "Q22808320": TermKind.DISAMBIGUATION,  # of people's names
    "Q13406463": TermKind.LIST,
    "Q4167836": TermKind.META,  # Wikimedia category
    "Q11266439": TermKind.META,  # Wikimedia template
    "Q17362920": TermKind.META,  # duplicated page
    "Q11424": TermKind.WORK,  # film
    "Q5398426": TermKind.WORK,  # television series
    "Q47461344": TermKind.WORK,  # written work
    "Q7725634": TermKind.WORK,  # literary work
    "Q571": TermKind.WORK,  # book
    "Q83790": TermKind.WORK,  # textbook
    "Q3331189": TermKind.WORK,  # edition
    "Q482994": TermKind.WORK,  # album
    "Q7889": TermKind.WORK,  # video game
    "Q5633421": TermKind.WORK,  # scientific journal
    "Q13442814": TermKind.WORK,  # scholarly article
    "Q16521": TermKind.OTHER,  # taxon: Kerodon is a rodent too
    "Q43229": TermKind.ORGANISATION,
    "Q4830453": TermKind.ORGANISATION,  # business
    "Q215380": TermKind.ORGANISATION,  # musical group
    "Q486972": TermKind.ORGANISATION,  # human settlement
    "Q515": TermKind.ORGANISATION,  # city
}

# What a title says when the item carries no class: (lower-case beginning or ending, kind).
TITLE_BEGINNINGS: Final = (
    ("list of ", TermKind.LIST),
    ("lists of ", TermKind.LIST),
    ("glossary of ", TermKind.LIST),
    ("outline of ", TermKind.LIST),
    ("timeline of ", TermKind.LIST),
    ("category:", TermKind.META),
    ("template:", TermKind.META),
)
TITLE_ENDINGS: Final = (
    ("(disambiguation)", TermKind.DISAMBIGUATION),
    ("(film)", TermKind.WORK),
    ("(book)", TermKind.WORK),
    ("(novel)", TermKind.WORK),
    ("(album)", TermKind.WORK),
    ("(song)", TermKind.WORK),
    ("(journal)", TermKind.WORK),
    ("(tv series)", TermKind.WORK),
    ("(video game)", TermKind.WORK),
    ("(band)", TermKind.ORGANISATION),
    ("(company)", TermKind.ORGANISATION),
    ("(mathematician)", TermKind.PERSON),
    ("(physicist)", TermKind.PERSON),
    ("(surname)", TermKind.PERSON),
    ("(name)", TermKind.PERSON),
)

# Languages whose labels, aliases and descriptions are read: those of MuLiMa, the larger
# mathematical Wikipedias, and "mul", Wikidata's code for a name valid in every language.
LANGUAGES: Final = (
    "en", "mul", "ar", "ca", "cs", "da", "de", "el", "eo", "es", "et", "eu", "fa", "fi", "fr",
    "he", "hi", "hr", "hu", "id", "it", "ja", "ko", "nb", "nl", "pl", "pt", "ro", "ru", "sk",
    "sl", "sr", "sv", "tr", "uk", "vi", "zh",
)  # fmt: skip
