"""Identifiers: CURIEs, the IRIs they stand for, and the pages where a person can read on.

A concept, a term of a source and a paper are each named by one CURIE (``wd:Q181296``,
``nlab:abelian+group``). The table below is the only place that knows a prefix.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from mathgloss.errors import InputError

BASE = "https://w3id.org/mathgloss/"
# whose identifiers are concepts of their own, never another name for one
AUTHORITIES = ("wd:", "mathgloss:")

_QID = re.compile(r"Q[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True)
class Prefix:
    """One row of the prefix table.

    Attributes:
        name: what stands before the colon.
        namespace: IRI that the local part is appended to.
        page: format string for the web page of an identifier; empty when the IRI is the page.
        title: what a person calls the authority.
        encoded: whether local parts are percent-encoded themselves, as in the IRI.
    """

    name: str
    namespace: str
    page: str
    title: str
    encoded: bool = False


_TABLE = (
    Prefix("wd", "http://www.wikidata.org/entity/", "https://www.wikidata.org/wiki/{}", "Wikidata"),
    # senses of words for which Wikidata has no item
    Prefix("mathgloss", BASE + "sense/", "", "MathGloss"),
    Prefix("nlab", "https://ncatlab.org/nlab/show/", "", "nLab", encoded=True),
    Prefix(
        "mulima",
        BASE + "mulima/",
        "https://github.com/thosgood/maths-dictionary#{}",
        "MuLiMa",
    ),
    Prefix("chicago", "https://mathgloss.github.io/MathGloss/chicago/", "", "Chicago notes"),
    Prefix(
        "syllabus",
        BASE + "syllabus/",
        "https://leanprover-community.github.io/undergrad.html#{}",
        "French undergraduate syllabus",
    ),
    Prefix(
        "overview",
        BASE + "overview/",
        "https://leanprover-community.github.io/mathlib-overview.html#{}",
        "Mathlib overview",
    ),
    Prefix("thm100", BASE + "thm100/", "https://www.cs.ru.nl/~freek/100/#{}", "100 theorems"),
    Prefix("thm1000", BASE + "thm1000/", "https://1000-plus.github.io/#{}", "1000+ theorems"),
    Prefix(
        "lean",
        "https://leanprover-community.github.io/mathlib4_docs/find/?pattern=",
        "",
        "Mathlib",
    ),
    Prefix("arxiv", "https://arxiv.org/abs/", "", "arXiv"),
    Prefix("paper", BASE + "paper/", "", "MathGloss paper"),
    Prefix("tac", BASE + "tac/", "", "Theory and Applications of Categories"),
    Prefix("experiment", BASE + "experiment/", "", "MathGloss experiment"),
    Prefix("mathworld", "https://mathworld.wolfram.com/", "{}.html", "MathWorld"),
    Prefix("planetmath", "https://planetmath.org/", "", "PlanetMath"),
    Prefix("proofwiki", "https://proofwiki.org/wiki/", "", "ProofWiki"),
    Prefix("eom", "https://encyclopediaofmath.org/wiki/", "", "Encyclopedia of Mathematics"),
    Prefix("dlmf", "https://dlmf.nist.gov/", "", "DLMF"),
    Prefix("lmfdb", "https://www.lmfdb.org/knowledge/show/", "", "LMFDB knowl"),
    Prefix("metamath", "https://us.metamath.org/mpeuni/", "{}.html", "Metamath"),
    Prefix("msc", "http://msc2010.org/resources/MSC/2010/", "", "MSC"),
    Prefix("enwiki", "https://en.wikipedia.org/wiki/", "", "English Wikipedia"),
)

PREFIXES: dict[str, Prefix] = {row.name: row for row in _TABLE}


def is_qid(text: str) -> bool:
    """Whether ``text`` is exactly a Wikidata item identifier, such as ``Q181296``."""
    return _QID.fullmatch(text) is not None


def find_qids(text: str) -> list[str]:
    """Every distinct Wikidata item identifier in ``text``, in order of appearance."""
    return list(dict.fromkeys(re.findall(r"\bQ[1-9][0-9]{0,11}\b", text)))


def split_curie(curie: str) -> tuple[str, str]:
    """Prefix and local part of a CURIE with a known prefix.

    Raises:
        InputError: there is no colon, or the prefix is unknown; the known ones are listed.
    """
    name, colon, local = curie.partition(":")
    if not colon or not local or name not in PREFIXES:
        known = ", ".join(sorted(PREFIXES))
        raise InputError(f"expected an identifier prefix:local, got {curie!r}; prefixes: {known}")
    return name, local


def iri(curie: str) -> str:
    """The IRI that a CURIE stands for; the local part is percent-encoded where RDF needs it.

    Raises:
        InputError: not a CURIE with a known prefix.
    """
    name, local = split_curie(curie)
    return PREFIXES[name].namespace + quote(local, safe="/+%:;,.!~*'()@=&?$-_#")


@lru_cache(maxsize=20_000)
def curie(iri_text: str) -> str:
    """The CURIE of an IRI; the inverse of :func:`iri` for every CURIE that MathGloss makes.

    Raises:
        InputError: no prefix of the table fits.
    """
    address = iri_text.replace(
        "https://www.wikidata.org/entity/", "http://www.wikidata.org/entity/"
    )
    address = address.replace("https://www.wikidata.org/wiki/", "http://www.wikidata.org/entity/")
    fitting = [row for row in _TABLE if address.startswith(row.namespace)]
    if not fitting:
        raise InputError(f"expected an IRI below a known namespace, got {iri_text!r}")
    best = max(fitting, key=lambda row: len(row.namespace))
    local = address.removeprefix(best.namespace)
    return f"{best.name}:{local if best.encoded else unquote(local)}"


def page_url(curie_text: str) -> str:
    """The web page where a person reads about the identifier."""
    name, local = split_curie(curie_text)
    page = PREFIXES[name].page
    if not page:
        return iri(curie_text)
    encoded = quote(local, safe="/+%:;,.!~*'()@=&?$-_")
    return (
        page.format(encoded) if "://" in page else PREFIXES[name].namespace + page.format(encoded)
    )


def nlab_curie(page_name: str) -> str:
    """The CURIE of an nLab page, encoded as nLab itself encodes page addresses."""
    return "nlab:" + quote_plus(unicodedata.normalize("NFC", page_name.strip()))


def canonical(text: str) -> str:
    """One spelling for an identifier that a person typed: bare QID, IRI or CURIE.

    Raises:
        InputError: it is none of these.
    """
    text = text.strip()
    if is_qid(text):
        return f"wd:{text}"
    if text.startswith(("http://", "https://")):
        text = curie(text)
    name, local = split_curie(text)
    if name == "nlab":
        return nlab_curie(unquote_plus(local))
    if name == "wd" and not is_qid(local):
        raise InputError(f"expected a Wikidata item such as wd:Q181296, got {text!r}")
    return f"{name}:{unquote(local) if '%' in local else local}"


def slug(text: str, *, limit: int = 80) -> str:
    """Lower-case ASCII words joined by hyphens, cut at a word boundary.

    Accents are folded and everything else that is not a letter or digit separates words. A text
    without any such character (``中``) keeps its letters as they are.
    """
    folded = unicodedata.normalize("NFKD", text.casefold())
    ascii_text = "".join(ch for ch in folded if not unicodedata.combining(ch))
    words = re.findall(r"[a-z0-9]+", ascii_text) or re.findall(r"\w+", text.casefold())
    out = ""
    for word in words:
        if out and len(out) + 1 + len(word) > limit:
            break
        out = f"{out}-{word}" if out else word[:limit]
    return out
