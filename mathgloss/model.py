"""The records that flow through MathGloss: what sources say, and what is concluded from it.

All are frozen; all identifiers are CURIEs (see :mod:`mathgloss.ids`). A source's ingestor makes
:class:`Term`, :class:`Relation`, :class:`Paper` and :class:`Rejection`; linking makes
:class:`Mapping` and :class:`Mention`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from mathgloss import vocab


class LabelKind(StrEnum):
    """How a source uses a name."""

    PREFERRED = "preferred"
    ALTERNATIVE = "alternative"


class TermKind(StrEnum):
    """What sort of thing a source's entry is; only ``CONCEPT`` may become or name a concept."""

    CONCEPT = "concept"
    PERSON = "person"
    DISAMBIGUATION = "disambiguation page"
    LIST = "list"
    REDIRECT = "redirect"
    META = "page about pages"
    WORK = "creative work"
    ORGANISATION = "organisation or event"
    OTHER = "something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name in one language (BCP 47 tag), with its grammatical gender where the source has it."""

    text: str
    lang: str
    kind: LabelKind = LabelKind.PREFERRED
    gender: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a source says that the thing is: Markdown whose mathematics is TeX between dollars."""

    text: str
    lang: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A source's own statement that its entry is the same thing as ``target``.

    Attributes:
        target: CURIE, for example ``wd:Q181296``.
        via: the field or property that says so, for example ``refs.wikidata`` or ``P4215``.
    """

    target: str
    via: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormalLink:
    """A Lean 4 declaration, or a page that stands in for one (``declaration`` is then ``None``)."""

    declaration: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One entry of one source: names, definition, what the source itself links it to.

    Attributes:
        position: path in the syllabus from the outermost heading to the topic; empty elsewhere.
        types: CURIEs of the classes that the source puts the entry in.
    """

    id: str
    source: str
    labels: tuple[Label, ...]
    kind: TermKind = TermKind.CONCEPT
    url: str | None = None
    definition: Definition | None = None
    types: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    formal: tuple[FormalLink, ...] = ()
    position: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A source's statement relating two of its terms; ``via`` is the source's own word for it."""

    subject: str
    predicate: str
    object: str
    via: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper's record. ``licence`` is that of the abstract; without one it is never served.

    ``summary`` is in words of our own, so it may be served whatever the licence of the abstract.
    """

    id: str
    title: str
    abstract: str = ""
    summary: str = ""
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    venue: str | None = None
    published: str | None = None
    url: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One row that was not taken: where it stands, why, and what was found there."""

    where: str
    reason: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Terms under which a source's text comes.

    Attributes:
        redistributable: whether its sentences may be served; names and identifiers always may.
    """

    name: str
    url: str | None
    redistributable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Who says it: name used in identifiers and options, title, homepage, licence."""

    name: str
    title: str
    homepage: str
    licence: Licence


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFile:
    """A fetched file: where it came from and lies, its SHA-256 and when it was retrieved (UTC)."""

    url: str
    path: str
    sha256: str
    size_bytes: int
    retrieved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSource:
    """All that one source says, and what of it was rejected.

    Every row read is either kept (a term or paper) or rejected:
    ``read == len(terms) + len(papers) + len(rejections)``.
    """

    info: SourceInfo
    read: int
    terms: tuple[Term, ...] = ()
    relations: tuple[Relation, ...] = ()
    papers: tuple[Paper, ...] = ()
    rejections: tuple[Rejection, ...] = ()

    def __post_init__(self) -> None:
        accounted = len(self.terms) + len(self.papers) + len(self.rejections)
        if self.read != accounted:
            raise ValueError(f"{self.info.name}: read {self.read} rows, accounted for {accounted}")

    def rejected_by_reason(self) -> dict[str, int]:
        """How many rows were rejected for each reason, the commonest first."""
        return dict(Counter(row.reason for row in self.rejections).most_common())


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a mapping is believed: the kind of reason (SEMAPV), who gives it, in what words."""

    justification: str
    source: str
    detail: str


class MappingSet(StrEnum):
    """The four published sets. Curated and rejected rows always win over predictions."""

    CURATED = "curated"
    PREDICTED = "predicted"
    REJECTED = "rejected"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A source's term names a concept (or, in the rejected set, does not). Never without evidence.

    Attributes:
        confidence: probability in [0, 1] that the mapping is right.
        runners_up: other concepts that the subject may name, the likeliest first.
    """

    subject: str
    subject_label: str
    subject_source: str
    object: str
    object_label: str
    set: MappingSet
    confidence: float
    evidence: tuple[Evidence, ...]
    predicate: str = vocab.EXACT_MATCH
    runners_up: tuple[Candidate, ...] = ()

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits, the same in whatever set the mapping is."""
        return mapping_id(self.subject, self.predicate, self.object)

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"mapping {self.subject} -> {self.object} has no evidence")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence in [0, 1] expected, got {self.confidence!r}")


def mapping_id(subject: str, predicate: str, target: str) -> str:
    """The identifier of the mapping of a term to a concept, which outlives decisions about it."""
    key = f"{subject} {predicate} {target}"
    return hashlib.sha256(key.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One mathematical concept: a Wikidata item, or minted from the best term that names it.

    Attributes:
        labels: language -> names, the preferred one first.
        terms: identifiers of the terms that are mapped to it, its own first.
    """

    id: str
    labels: dict[str, tuple[str, ...]]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A concept that a name may stand for, with the probability given to it."""

    concept: str
    label: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Words of a text that name a concept, or look as if they did.

    ``start`` and ``end`` count Unicode code points in the field as given, ``end`` excluded.

    Attributes:
        concept: what is named; ``None`` if that is unsure, or no known concept.
        confidence: probability that ``concept`` is right; of ``None``, that none of the candidates
            is.
        candidates: other concepts that the words may name, the likeliest first.
    """

    field: str
    start: int
    end: int
    surface: str
    concept: str | None
    label: str
    confidence: float
    candidates: tuple[Candidate, ...] = ()
