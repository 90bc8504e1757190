"""What the REST answers look like, for the OpenAPI document and for tests.

Answers are not passed through these models on their way out; a test holds them against the models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mathgloss.graph.answers import MAX_LIMIT

ConceptId = Annotated[
    str, Field(description="Identifier of a concept (CURIE)", examples=["wd:Q181296"])
]
SnapshotId = Annotated[
    str, Field(description="Snapshot that answered", examples=["20261121-632f6134d0"])
]
Probability = Annotated[float, Field(ge=0, le=1, description="Probability that this is right")]


class Model(BaseModel):
    """Nothing but the documented members."""

    model_config = ConfigDict(extra="forbid")


class ConceptReference(Model):
    """A concept by identifier and preferred name."""

    id: ConceptId
    label: str = Field(description="Preferred English name", examples=["abelian group"])


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


class PaperReference(Model):
    """A paper by identifier and title."""

    id: str = Field(examples=["tac:5-04"])
    title: str


class PaperPage(Model):
    """A page of the list of papers."""

    items: list[PaperReference]
    total: int
    next: str | None
    snapshot: SnapshotId


class Mention(Model):
    """A place in a paper that names a concept; offsets count Unicode code points."""

    field: Literal["title", "text"] = Field(description="``text`` is the abstract")
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    surface: str
    concept: ConceptId
    label: str
    confidence: Probability


class Paper(Model):
    """A paper's record and the concepts mentioned in it."""

    id: str = Field(examples=["tac:5-04"])
    title: str
    authors: list[str]
    venue: str | None
    published: str | None
    url: str | None
    keywords: list[str]
    categories: list[str]
    abstract: str | None = Field(description="Only if its licence allows it")
    licence: str | None
    mentions: list[Mention]
    snapshot: SnapshotId


class Licence(Model):
    """Under which terms a source may be used."""

    name: str
    redistributable: bool
    url: str | None


class SourceFile(Model):
    """A file that was read from a source."""

    url: str
    retrieved: str
    sha256: str


class Rejection(Model):
    """A row of a source that was not taken."""

    where: str
    reason: str
    got: str


class Source(Model):
    """A source: what it is and what was taken from it."""

    name: str
    title: str
    homepage: str
    licence: Licence
    stage: str
    files: list[SourceFile]
    read: int
    terms: int
    terms_by_kind: dict[str, int]
    relations: int
    papers: int
    rejected: dict[str, int] = Field(description="Number of rejected rows by reason")
    first_rejections: list[Rejection]


class Counts(Model):
    """Size of the snapshot."""

    concepts: int
    papers: int
    mentions: int
    mappings: dict[str, int]
    triples: dict[str, int] = Field(description="By named graph")


class Sources(Model):
    """All sources of the snapshot."""

    sources: list[Source]
    counts: Counts
    created: str
    snapshot: SnapshotId


class Health(Model):
    """Whether the service can answer, and from what."""

    status: Literal["ok", "degraded", "no snapshot"]
    version: str
    snapshot: str | None
    created: str | None
    counts: Counts | None
    problems: list[str] = Field(description="One sentence for each thing that is wrong")


class ProblemDetails(Model):
    """An error (RFC 9457)."""

    type: str = Field(examples=["https://w3id.org/mathgloss/problem/not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str
    instance: str


class Page(BaseModel):
    """Which part of a list."""

    after: str = Field("", max_length=500, description="``next`` of the page before")
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Number of items")


class Search(BaseModel):
    """What to look for."""

    q: str = Field(description="Words of a name, the last one perhaps unfinished", max_length=200)
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="Number of results")


class SparqlForm(BaseModel):
    """A query by the SPARQL 1.1 Protocol."""

    query: str = Field(
        description="SELECT, ASK, CONSTRUCT or DESCRIBE; the default graph is the union of all",
        examples=["SELECT (COUNT(*) AS ?triples) WHERE { ?s ?p ?o }"],
    )
    default_graph_uri: list[str] = Field(
        [], alias="default-graph-uri", description="Graphs to use as the default graph"
    )
    named_graph_uri: list[str] = Field(
        [], alias="named-graph-uri", description="Graphs that GRAPH may name"
    )
