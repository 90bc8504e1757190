"""Sources, counts and the state of the service."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from api.schemas.base import Model, SnapshotId

Readiness: TypeAlias = Literal["ready", "not loaded", "no snapshot"]


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
    text_linking: Readiness = Field(
        description="What texts are linked with is loaded, half a second, for the first text"
    )
    reconciliation: Readiness = Field(
        description="What names are matched with is loaded, a second, for the first manifest"
    )
    problems: list[str] = Field(description="One sentence for each thing that is wrong")
