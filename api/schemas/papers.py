"""Papers and the mentions in them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import ConceptId, Model, PaperReference, Probability, SnapshotId


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
