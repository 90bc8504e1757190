"""Papers and the mentions in them."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import ConceptId, LanguageTag, Model, PaperReference, Place, SnapshotId


class PaperPage(Model):
    """A page of the list of papers."""

    items: list[PaperReference]
    total: int
    next: str | None
    snapshot: SnapshotId


class Mention(Place):
    """A place in a paper and the concept that it names."""

    concept: ConceptId
    label: str
    label_lang: LanguageTag


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
    summary: str | None = Field(description="What it is about, in words of MathGloss (CC0-1.0)")
    abstract: str | None = Field(description="Only if its licence allows it")
    licence: str | None
    mentions: list[Mention]
    snapshot: SnapshotId
