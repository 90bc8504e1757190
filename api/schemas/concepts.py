"""Concepts and all that is known of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import (
    ConceptId,
    ConceptReference,
    Languages,
    LanguageTag,
    Model,
    Page,
    Place,
    Probability,
    SnapshotId,
)
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
    mapping: str = Field(description="Identifier of the mapping, see ``/api/v1/mappings/{id}``")
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


class MentioningPaper(ConceptPaper):
    """A paper that mentions a concept, with every place."""

    places: list[Place]


class ConceptPapers(Model):
    """A page of the papers that mention a concept, those that mention it most first."""

    items: list[MentioningPaper]
    total: int
    next: str | None
    snapshot: SnapshotId


class Concept(Model):
    """All that is known of a concept."""

    id: ConceptId
    iri: str
    url: str
    label: str
    label_lang: LanguageTag
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
    papers: list[ConceptPaper] = Field(description="Those that mention it most")
    counts: dict[str, int] = Field(
        description="How many papers and relations by name there are; the lists here may be cut",
        examples=[{"papers": 381, "narrower": 12}],
    )
    snapshot: SnapshotId


class Facets(Model):
    """How many of the concepts have what; the largest first."""

    source: dict[str, int] = Field(description="By source that has the concept")
    lang: dict[str, int] = Field(description="By language in which it has a name")
    in_syllabus: int
    formalised: int
    has_definition: int
    has_papers: int
    has_experiment: int
    has_item: int = Field(description="Those that are Wikidata items")


class ConceptPage(Model):
    """A page of the list of concepts."""

    items: list[ConceptReference]
    total: int = Field(description="Number of concepts that pass the filters")
    next: str | None = Field(description="Pass as ``cursor`` for the next page; null on the last")
    facets: Facets = Field(description="Counts over all concepts that pass the filters")
    snapshot: SnapshotId


class ConceptFilters(Page):
    """Which concepts, and which part of their list.

    Filters are joined by *and*; several sources or languages stand between commas.
    """

    q: str = Field("", description="Words of a name, the last perhaps unfinished", max_length=200)
    source: str = Field(
        "", max_length=500, description="Sources that all have it", examples=["nlab,chicago"]
    )
    without_source: str = Field("", max_length=500, description="Sources none of which has it")
    lang: str = Field("", max_length=500, description="Languages in all of which it has a name")
    without_lang: str = Field("", max_length=500, description="Languages in none of which it has")
    in_syllabus: bool | None = Field(None, description="Whether the syllabus has it")
    formalised: bool | None = Field(None, description="Whether it is linked to Lean")
    has_definition: bool | None = Field(None, description="Whether a source defines it")
    has_papers: bool | None = Field(None, description="Whether papers mention it")
    has_experiment: bool | None = Field(None, description="Whether an experiment is about it")
    has_item: bool | None = Field(None, description="Whether it is a Wikidata item")


class SearchResult(Model):
    """A concept found by one of its names."""

    id: ConceptId
    label: str = Field(description="The name under which the concept is shown")
    label_lang: LanguageTag
    matched: str = Field(description="The name that was found")
    lang: str = Field(description="Language of the name that was found")
    description: str | None


class SearchResults(Model):
    """Concepts by name, the best first."""

    query: str
    results: list[SearchResult]
    snapshot: SnapshotId


class Search(Languages):
    """What to look for."""

    q: str = Field(
        description="Words of a name, the last one perhaps unfinished",
        max_length=200,
        examples=["abelian gr"],
    )
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="Number of results")
