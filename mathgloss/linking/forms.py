"""Looser forms of names, by which different wordings of one thing meet.

``rank of a matrix`` and ``matrix rank`` have the same bag of stems; so have ``bijective function``
and ``bijection function`` (Porter's stemmer cuts derivations, too). All are functions of the normal
form (see :mod:`mathgloss.normalize`).
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, Final

Norm = tuple[str, ...]


def words_of(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


# words that carry no meaning of their own inside a name, by language
_FUNCTION_WORDS: Final = {
    "en": "a an the of in on for by with and to from at as is are over",
    "fr": "le la les l un une des de du d en sur à a au aux et par pour dans",
    "de": "der die das des dem den ein eine einer eines und von vom zu zum zur mit in im auf für",
    "es": "el la los las un una de del en y a al con por para sobre",
    "it": "il lo la gli le i un uno una di del della dello dei degli delle d in e a con su per",
    "pt": "o a os as um uma de do da dos das em no na e com por para",
    "ca": "el la els les l un una de del dels d en i a al amb per",
}
_FUNCTION: Final = {lang: frozenset(words.split()) for lang, words in _FUNCTION_WORDS.items()}
_STEMMERS: Final = {
    "ca": "catalan", "da": "danish", "de": "german", "en": "porter", "es": "spanish",
    "eu": "basque", "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "tr": "turkish",
}  # fmt: skip
# Names in a related language often look alike: anell, anello, anillo; Gruppe, groep, grupp.
_FAMILIES: Final = (
    frozenset({"ca", "es", "fr", "gl", "it", "oc", "pt", "ro"}),
    frozenset({"da", "de", "nb", "nl", "nn", "no", "sv"}),
    frozenset({"be", "bg", "mk", "ru", "sr", "uk"}),
    frozenset({"cs", "hr", "pl", "sk", "sl"}),
)
# what "a smooth ..." is, when a name says it and a text leaves it out
GENERIC_HEADS: Final = words_of("""
    algebra category equation form function graph group manifold map mapping matrix measure
    method module morphism number operator problem process property relation ring sequence set
    space surface system theorem variety
""")
# "a comeager set" says no more than "comeager"
KIND_WORDS: Final = frozenset({"function", "number", "operator", "set", "space"})
# "group theory" and "group" as qualifiers say the same; stems
GENERIC_QUALIFIERS: Final = frozenset({"theori", "mathemat", "analysi"})
_PREPOSITIONS: Final = frozenset({"of", "for", "in", "on", "over", "with", "to", "by"})
# what comes after says which one, not what it is
_CUTTING: Final = frozenset({"of", "for", "in", "over", "with", "without"})
MAX_PHRASE_WORDS: Final = 8
VERBS: Final = frozenset({"is", "are", "has", "have", "on", "to", "by", "as", "from", "and", "or"})
_ENGLISH_SHARE: Final = 0.5


def family(lang: str) -> frozenset[str]:
    """The languages related to one, itself left out."""
    return next((held - {lang} for held in _FAMILIES if lang in held), frozenset())


# a stemmer works on the word inside itself, and a service reads texts in several threads
_STEMMING: Final = threading.Lock()


@lru_cache(maxsize=32)
def _stemmer(lang: str) -> Any:
    import snowballstemmer  # has no types

    return snowballstemmer.stemmer(_STEMMERS[lang])


@lru_cache(maxsize=200_000)
def stem(word: str, lang: str) -> str:
    """The stem of a word in normal form; the word itself in a language without a stemmer."""
    if lang not in _STEMMERS:
        return word
    with _STEMMING:
        return str(_stemmer(lang).stemWord(word))


# Words that make another kind of thing of what they stand before, as stems: a quasi-coherent sheaf
# need not be a coherent sheaf.
CHANGING: Final = frozenset(
    stem(word, "en")
    for word in words_of("""
    almost analog anti approximate bi co counter dual fake formal fuzzy generalised
    generalized half hemi higher homotopy hyper infinity inverse meta multi n near non not
    opposite para partial poly pre pro pseudo quantum quasi relative semi skew sub super un
    virtual weak weakly
""")
)


def stems(norm: Norm, lang: str) -> Norm:
    """The stems of a name's words, in order."""
    return tuple(stem(word, lang) for word in norm)


def bag(norm: Norm, lang: str) -> Norm:
    """The stems of a name's content words, sorted; of all its words if none has content."""
    function = _FUNCTION.get(lang, frozenset())
    return tuple(sorted(stems(tuple(w for w in norm if w not in function) or norm, lang)))


def head(norm: Norm) -> int:
    """Place of the English head noun: the word before the first preposition, else the last."""
    for place, word in enumerate(norm):
        if place and word in _PREPOSITIONS:
            return place - 1
    return len(norm) - 1


def noun_phrase(norm: Norm) -> Norm:
    """An English name up to its first preposition; empty for a sentence."""
    if len(norm) > MAX_PHRASE_WORDS or not VERBS.isdisjoint(norm):
        return ()
    end = next((n for n, word in enumerate(norm) if n and word in _CUTTING), None)
    return norm[:end]


def is_latin(text: str) -> bool:
    """Whether most letters of a text are Latin ones, as an English sentence encoder needs."""
    letters = [char for char in text if char.isalpha()]
    latin = sum(1 for char in letters if char < "\u0250")
    return bool(letters) and latin > _ENGLISH_SHARE * len(letters)
