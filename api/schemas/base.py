"""What all models of answers share.

Answers are not passed through these models on their way out; a test holds them against the models.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mathgloss.answers.paging import MAX_LIMIT

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


class PaperReference(Model):
    """A paper by identifier and title."""

    id: str = Field(examples=["tac:5-04"])
    title: str


class ProblemDetails(Model):
    """An error (RFC 9457)."""

    type: str = Field(examples=["https://w3id.org/mathgloss/problem/not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str
    instance: str


class Page(BaseModel):
    """Which part of a list."""

    cursor: str = Field("", max_length=1_000, description="``next`` of the page before")
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Number of items")
