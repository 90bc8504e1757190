"""Concepts and all that is known of them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.base import ConceptId, ConceptReference, Model, Probability, SnapshotId
from mathgloss.answers.paging import MAX_LIMIT


class Definition(Model):
    """What a source says a concept is; ``text`` is null where its licence allows only a link."""

    source: str = Field(examples=["wikidata"])
    text: str | None = Field(description="Markdown; mathematics as TeX between dollar signs")
    lang: str | None = Field(description="Language tag of the text", examples=["en"])
    licence: str = Field(description="SPDX identifier or name", examples=["CC0-1.0"])
    url: str = Field(description="Where to read it at its source")


class LeanDeclaration(Model):
    """A formalisation in Lean 4's Mathlib, and who says that it is this concept."""

    declaration: str = Field(examples=["AddCommGroup"])
    url: str
    source: str
    term: str = Field(description="The source's own term that names the declaration")


class SyllabusPosition(Model):
    """Where a concept stands in the French undergraduate syllabus."""

    id: str = Field(examples=["syllabus:group-theory/abelian-group/cyclic-group"])
    position: list[str] = Field(description="From the chapter down", examples=[["Group Theory"]])
    formalised: bool = Field(description="Whether Mathlib has it")
    page: str | None = Field(description="Page about it, where the syllabus gives one")


class Evidence(Model):
    """One reason for a link."""

    source: str
    justification: str = Field(examples=["semapv:ManualMappingCuration"])
    detail: str = Field(examples=["P4215: nlab:group"])


class Link(Model):
    """A source's term or an authority's identifier that means the concept."""

    source: str = Field(examples=["nlab"])
    id: str = Field(examples=["nlab:group"])
    label: str
    url: str
    predicate: str = Field(examples=["skos:exactMatch"])
    set: Literal["curated", "predicted"]
    confidence: Probability
    evidence: list[Evidence]


class ConceptPaper(Model):
    """A paper that mentions a concept."""

    id: str = Field(examples=["tac:5-04"])
    title: str
    url: str | None
    mentions: int = Field(ge=1)
    confidence: Probability


class Concept(Model):
    """All that is known of a concept."""

    id: ConceptId
    iri: str
    url: str
    label: str
    labels: dict[str, list[str]] = Field(
        description="Names by language, the preferred one first",
        examples=[{"en": ["abelian group", "commutative group"], "fr": ["groupe abélien"]}],
    )
    definitions: list[Definition]
    lean: list[LeanDeclaration]
    syllabus: list[SyllabusPosition]
    msc: list[str] = Field(description="Mathematics Subject Classification codes")
    links: list[Link]
    broader: list[ConceptReference]
    narrower: list[ConceptReference]
    relations: dict[str, list[ConceptReference]] = Field(
        description="Other relations by name", examples=[{"studied_by": []}]
    )
    papers: list[ConceptPaper]
    snapshot: SnapshotId


class ConceptPage(Model):
    """A page of the list of concepts."""

    items: list[ConceptReference]
    total: int = Field(description="Number of concepts in the snapshot")
    next: str | None = Field(description="Pass as ``after`` for the next page; null on the last")
    snapshot: SnapshotId


class SearchResult(Model):
    """A concept found by one of its names."""

    id: ConceptId
    label: str = Field(description="The name under which the concept is shown")
    matched: str = Field(description="The name that was found")
    lang: str = Field(description="Language of the name that was found")
    description: str | None


class SearchResults(Model):
    """Concepts by name, the best first."""

    query: str
    results: list[SearchResult]
    snapshot: SnapshotId


class Search(BaseModel):
    """What to look for."""

    q: str = Field(description="Words of a name, the last one perhaps unfinished", max_length=200)
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="Number of results")
