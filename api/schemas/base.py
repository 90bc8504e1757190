"""What all models of answers share.

Answers are not passed through these models on their way out; a test holds them against the models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mathgloss.answers.paging import MAX_LIMIT

ConceptId = Annotated[
    str, Field(description="Identifier of a concept (CURIE)", examples=["wd:Q181296"])
]
SnapshotId = Annotated[
    str, Field(description="Snapshot that answered", examples=["20261121-632f6134d0"])
]
Probability = Annotated[float, Field(ge=0, le=1, description="Probability that this is right")]
LanguageTag = Annotated[
    str,
    Field(description="Language of the label; ``und`` if the concept has no name", examples=["en"]),
]
LANGUAGES = (
    "Languages for labels, best first, between commas; then each one's base language, English, "
    "names that hold in all languages, and any other"
)


class Model(BaseModel):
    """Nothing but the documented members."""

    model_config = ConfigDict(extra="forbid")


class ConceptReference(Model):
    """A concept by identifier and preferred name."""

    id: ConceptId
    label: str = Field(description="Preferred name", examples=["abelian group"])
    label_lang: LanguageTag


class PaperReference(Model):
    """A paper by identifier and title."""

    id: str = Field(examples=["tac:5-04"])
    title: str


class Sentence(Model):
    """The sentence around a mention; offsets count Unicode code points of the same field."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str


class Place(Model):
    """A place in a paper that names a concept; offsets count Unicode code points."""

    field: Literal["title", "text"] = Field(description="``text`` is the abstract")
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    surface: str
    confidence: Probability
    sentence: Sentence | None = Field(description="Null for an abstract that may not be served")


class ProblemDetails(Model):
    """An error (RFC 9457)."""

    type: str = Field(examples=["https://w3id.org/mathgloss/problem/not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str
    instance: str


class Languages(BaseModel):
    """In which languages labels are wanted."""

    lang: str = Field("", max_length=100, description=LANGUAGES, examples=["fr-CA,de"])


class Page(BaseModel):
    """Which part of a list."""

    cursor: str = Field("", max_length=1_000, description="``next`` of the page before")
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Number of items")
