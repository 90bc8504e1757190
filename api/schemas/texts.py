"""Texts to link, and the mentions found in them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from api.schemas.base import ConceptId, Model, Probability, SnapshotId
from mathgloss.answers import texts

# what every reader of JSON takes for the same integer
_MAX_INTEGER: Final = 2**53
Id = (
    Annotated[str, Field(max_length=200)]
    | Annotated[int, Field(strict=True, ge=-_MAX_INTEGER, le=_MAX_INTEGER)]
)


class TextDocument(Model):
    """A text, perhaps with its title."""

    text: str = Field(
        description=f"With its title at most {texts.MAX_CHARS:,} characters; TeX as it is",
        examples=["Every abelian group is a $\\mathbb{Z}$-module."],
    )
    title: str = ""
    categories: list[str] = Field(
        [],
        description="arXiv categories or MSC codes, if known: they tell senses apart",
        examples=[["math.GR"]],
    )


class BatchDocument(TextDocument):
    """A text of several."""

    id: Id = Field(description="Given back with its mentions", examples=["arxiv:2210.06545"])


class TextBatch(Model):
    """Several texts."""

    documents: list[BatchDocument] = Field(min_length=1, max_length=texts.MAX_DOCUMENTS)


class TextOptions(BaseModel):
    """What to tell of a text."""

    min_confidence: float = Field(
        texts.DEFAULTS.min_confidence,
        ge=0,
        le=1,
        description="Below it no link is made; its concept is then the first candidate",
    )
    include_unlinked: bool = Field(
        texts.DEFAULTS.include_unlinked,
        description="Whether to give mentions that look like concepts but have no link",
    )
    lang: str = Field(
        texts.DEFAULTS.lang, description=f"Language of the text: {', '.join(texts.LANGUAGES)}"
    )


class TextCandidate(Model):
    """A concept that the words may name."""

    concept: ConceptId
    label: str
    confidence: Probability


class TextMention(Model):
    """A place that names a concept; offsets count Unicode code points of the member as sent."""

    field: Literal["title", "text"]
    start: int = Field(ge=0)
    end: int = Field(ge=0, description="The first character after it")
    surface: str
    concept: ConceptId | None = Field(
        description="Null: it looks like a concept, but it is unsure which, or the graph has none"
    )
    label: str | None = Field(description="The concept's name")
    description: str | None = Field(description="A line about the concept, if there is one")
    confidence: Probability = Field(
        description="Probability that the concept is right; of null, that no candidate is"
    )
    candidates: list[TextCandidate] = Field(
        description="Other concepts that the words may name, the likeliest first"
    )


class LinkedText(Model):
    """The mentions in a text, the title's first, in order of place."""

    mentions: list[TextMention]
    snapshot: SnapshotId


class LinkedDocument(Model):
    """The mentions in a text of several."""

    id: str | int
    mentions: list[TextMention]


class LinkedBatch(Model):
    """The mentions in each of several texts, in the order in which they were sent."""

    results: list[LinkedDocument]
    snapshot: SnapshotId
