"""Claimed links, and what the graph says of them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.base import ConceptId, ConceptReference, Model, Probability, SnapshotId
from mathgloss.answers.claims import MAX_CLAIM_CHARS, MAX_CLAIMS


class Claim(BaseModel):
    """That a term means a concept."""

    term: str = Field(
        min_length=1,
        max_length=MAX_CLAIM_CHARS,
        description="A source's term, a Lean declaration, a concept's identifier or a name",
        examples=["nlab:abelian+group"],
    )
    concept: str = Field(
        min_length=1,
        max_length=MAX_CLAIM_CHARS,
        description="The concept that it is claimed to mean, by any identifier or name",
        examples=["wd:Q181296"],
    )


class Claims(BaseModel):
    """A batch of claimed links."""

    claims: list[Claim] = Field(min_length=1, max_length=MAX_CLAIMS)


class ClaimEvidence(Model):
    """One reason for or against a claim: a row of a mapping set."""

    term: str = Field(description="The term that the row is about", examples=["nlab:group"])
    concept: ConceptId
    predicate: str = Field(examples=["skos:exactMatch"])
    set: Literal["curated", "predicted", "rejected", "unsure"]
    confidence: Probability
    source: str
    justification: str
    detail: str


class VerifiedClaim(Model):
    """A claim and what the graph says of it."""

    term: str
    concept: str
    means: ConceptReference | None = Field(
        description="The concept that the claim names; null if there is none"
    )
    verdict: Literal["confirmed", "contradicted", "unknown"]
    reason: str
    evidence: list[ClaimEvidence]
    instead: list[ConceptReference] = Field(
        description="Other concepts that the graph says the term means, at most five"
    )
    nearest: list[ConceptReference] = Field(
        description="For an unknown claim, concepts whose names come near, at most five"
    )


class VerdictCounts(Model):
    """How many claims got each verdict."""

    confirmed: int
    contradicted: int
    unknown: int


class VerifiedClaims(Model):
    """All claims in the order given."""

    claims: list[VerifiedClaim]
    counts: VerdictCounts
    snapshot: SnapshotId
