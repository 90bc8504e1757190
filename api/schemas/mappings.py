"""Mappings of terms to concepts, their evidence, and what curators decide about them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.base import Model, Page, Probability, SnapshotId
from api.schemas.concepts import Evidence
from mathgloss.io.decisions import MAX_COMMENT_CHARS, MAX_CURATOR_CHARS

MAX_ID_CHARS = 500
SetName = Literal["curated", "predicted", "rejected", "unsure"]
Predicate = Literal["skos:exactMatch", "skos:closeMatch", "skos:broadMatch"]


class MappingQuery(Page):
    """Which mappings a list has, in which order; what is empty lets all pass."""

    set: Literal["", "curated", "predicted", "rejected", "unsure"] = ""
    source: str = Field("", max_length=100, description="Source of the term", examples=["nlab"])
    predicate: Literal["", "skos:exactMatch", "skos:closeMatch", "skos:broadMatch"] = ""
    concept: str = Field("", max_length=MAX_ID_CHARS, description="By any identifier or name")
    term: str = Field("", max_length=MAX_ID_CHARS, examples=["nlab:group"])
    min_confidence: float = Field(0, ge=0, le=1)
    max_confidence: float = Field(1, ge=0, le=1)
    sort: Literal["term", "doubt"] = Field(
        "term", description="``doubt``: the confidence nearest to one half first"
    )


class Named(Model):
    """A term or concept by identifier and name."""

    id: str
    label: str


class Name(Model):
    """A name in a language."""

    text: str
    lang: str


class ShortDefinition(Model):
    """The beginning of a definition whose licence lets it be shown."""

    text: str = Field(description="Markdown; mathematics as TeX between dollar signs")
    lang: str
    source: str
    licence: str
    url: str


class MappedTerm(Named):
    """The side of a mapping that a source has."""

    source: str
    url: str
    names: list[Name] = Field(description="Other names, at most eight")
    position: list[str] = Field(description="Where it stands in the syllabus, if there")
    definition: ShortDefinition | None


class MappedConcept(Named):
    """The side of a mapping that it leads to."""

    url: str
    names: list[Name] = Field(description="Other names, at most eight")
    definition: ShortDefinition | None


class RunnerUp(MappedConcept):
    """Another concept that the term may name."""

    confidence: Probability


class DecisionState(Model):
    """What a curator decided about a mapping."""

    decision: Literal["accept", "reject", "undo"] = Field(
        description="``undo``: taken back since the snapshot was built"
    )
    predicate: Predicate
    curator: str = Field(description="ORCID or name, if given")
    comment: str
    decided_at: str | None
    pending: bool = Field(description="Whether the next build has still to obey it")


class MappingItem(Model):
    """A mapping with all that is needed to judge it."""

    id: str = Field(description="The same in whatever set it is", examples=["3d47951e7c8866ac"])
    iri: str
    set: SetName
    predicate: Predicate
    confidence: Probability
    term: MappedTerm
    concept: MappedConcept
    runners_up: list[RunnerUp]
    evidence: list[Evidence]
    decision: DecisionState | None


class Facets(Model):
    """Number of mappings by each value, if the filter had that value instead."""

    set: dict[str, int]
    source: dict[str, int]
    predicate: dict[str, int]


class MappingPage(Model):
    """A page of the list of mappings."""

    items: list[MappingItem]
    total: int = Field(description="Number of mappings that pass the filter")
    before: int = Field(description="How many of them are on the pages before")
    facets: Facets
    next: str | None
    problem: str | None = Field(description="Why decisions cannot be read, if so")
    snapshot: SnapshotId


class SaidDefinition(Model):
    """What a source says that a term is."""

    term: str
    source: str
    text: str
    lang: str | None
    licence: str


class ExplainedMapping(MappingItem):
    """Why a term is mapped to a concept."""

    said_of_term: list[SaidDefinition]
    said_of_concept: list[SaidDefinition]
    problem: str | None = Field(description="Why decisions cannot be read, if so")
    snapshot: SnapshotId


class Signed(BaseModel):
    """Who decides, and why; both are published with the decision."""

    curator: str = Field("", max_length=MAX_CURATOR_CHARS, description="ORCID or name")
    comment: str = Field("", max_length=MAX_COMMENT_CHARS)


class NewDecision(Signed):
    """What a curator decides about a mapping."""

    decision: Literal["accept", "reject", "undo"] = Field(
        description="``undo`` takes the latest decision back"
    )


class NewMapping(Signed):
    """A mapping that a curator adds."""

    term: str = Field(min_length=1, max_length=MAX_ID_CHARS, examples=["nlab:group"])
    concept: str = Field(
        min_length=1, max_length=MAX_ID_CHARS, description="By any identifier or name"
    )
    predicate: Predicate = "skos:exactMatch"


class DecidedMapping(Model):
    """A mapping and what is decided about it."""

    mapping: str = Field(description="Identifier of the mapping", examples=["3d47951e7c8866ac"])
    term: Named
    concept: Named
    predicate: Predicate
    decision: DecisionState | None = Field(description="Null once nothing is decided any more")


class DecisionAnswer(DecidedMapping):
    """What holds after a decision."""

    snapshot: SnapshotId


class DecisionPage(Model):
    """A page of the list of decisions, the earliest first."""

    items: list[DecidedMapping]
    total: int
    next: str | None
    snapshot: SnapshotId
