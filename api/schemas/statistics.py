"""Numbers about a snapshot, and what changed since an earlier one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import ConceptReference, Model, Page, SnapshotId
from api.schemas.concepts import Facets
from api.schemas.relations import SyllabusTopic


class SourceNumbers(Model):
    """A source's part in the concepts."""

    name: str
    title: str
    concepts: int
    formalised: int
    without_item: int
    shared: dict[str, int] = Field(description="Concepts that another source has too")


class Overlap(Model):
    """Concepts that exactly these sources have."""

    sources: list[str]
    without: list[str] = Field(description="The other sources, none of which has them")
    concepts: int


class LanguageNumbers(Model):
    """Names in a language."""

    lang: str
    concepts: int = Field(description="Concepts with a name in it")
    missing: int = Field(description="Concepts without")


class SyllabusNumbers(Model):
    """Topics of the syllabus."""

    topics: int
    with_item: int
    formalised: int


class ChapterNumbers(SyllabusNumbers):
    """Topics of a chapter."""

    chapter: str
    not_formalised: list[SyllabusTopic]


class SyllabusCoverage(SyllabusNumbers):
    """The whole syllabus."""

    chapters: list[ChapterNumbers]


class MentionedConcept(ConceptReference):
    """A concept that papers mention."""

    papers: int
    mentions: int


class Statistics(Model):
    """What a snapshot holds, and what is missing where."""

    concepts: int
    papers: int
    mentions: int
    mappings: dict[str, int] = Field(description="By set")
    mappings_by_source: dict[str, dict[str, int]] = Field(
        description="By the source or authority of the term, then by set"
    )
    holds: Facets = Field(description="Of all concepts")
    without_item: Facets = Field(description="Of those that are no Wikidata items")
    sources: list[SourceNumbers]
    overlaps: list[Overlap] = Field(description="The commonest ones")
    languages: list[LanguageNumbers]
    syllabus: SyllabusCoverage
    most_mentioned: list[MentionedConcept]
    not_formalised: list[MentionedConcept] = Field(
        description="The most mentioned of those that no source links to Lean"
    )
    snapshot: SnapshotId


class State(Model):
    """A concept's name, or a mapping's set and predicate."""

    label: str | None = None
    set: str | None = None
    predicate: str | None = None


class Change(Model):
    """A concept or mapping that is not as it was."""

    kind: Literal["concept", "mapping"]
    change: Literal["added", "changed", "removed"]
    id: str = Field(description="The concept, or the term that is mapped")
    object: str | None = Field(description="The concept that the term is mapped to")
    before: State | None
    after: State | None


class ChangePage(Model):
    """A page of what changed."""

    since: str
    counts: dict[str, dict[str, int]] = Field(description="By kind and change, on all pages")
    items: list[Change]
    total: int
    next: str | None
    snapshot: SnapshotId


class ChangesQuery(Page):
    """Since when, and of which kind."""

    since: str = Field(description="A snapshot that is still kept", max_length=200)
    kind: Literal["", "concept", "mapping"] = Field("", description="Only these; default: both")
