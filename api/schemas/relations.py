"""Neighbourhoods, hierarchies, paths, prerequisites."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import ConceptId, ConceptReference, Languages, Model, Page, SnapshotId
from mathgloss.answers import prerequisites, relations


class NeighbourhoodNode(ConceptReference):
    """A concept in a neighbourhood."""

    distance: int = Field(ge=0, description="Steps from the concept in the middle")
    degree: int = Field(ge=0, description="Number of concepts that it is related to")
    cut: dict[str, int] = Field(
        description="Number of its relations to concepts that are not shown, by relation",
        examples=[{"instances": 2460}],
    )


class NeighbourhoodEdge(Model):
    """A relation: ``target`` is this to ``source``."""

    source: ConceptId
    target: ConceptId
    relation: str = Field(examples=["broader"])


class Neighbourhood(ConceptReference):
    """The concepts around one, and the relations between them."""

    depth: int
    nodes: list[NeighbourhoodNode] = Field(description="The concept itself first")
    edges: list[NeighbourhoodEdge]
    snapshot: SnapshotId


class NeighbourhoodQuery(Languages):
    """How far to look."""

    depth: int = Field(1, ge=1, le=relations.MAX_DEPTH, description="Steps from the concept")
    limit: int = Field(
        40, ge=1, le=relations.MAX_NODES, description="Number of concepts beside it, at most"
    )


class HierarchyItem(ConceptReference):
    """A broader or narrower concept."""

    distance: int = Field(ge=1, description="Least number of steps")


class Hierarchy(Model):
    """A page of what is broader or narrower than a concept, the nearest first."""

    concept: ConceptReference
    direction: Literal["broader", "narrower"]
    transitive: bool
    items: list[HierarchyItem]
    total: int
    next: str | None
    snapshot: SnapshotId


class HierarchyQuery(Page, Languages):
    """Which part of the hierarchy."""

    transitive: bool = Field(False, description="All the way, not the next step alone")


class PathStep(Model):
    """A step of a path: what ``to`` is to ``from``."""

    from_: ConceptReference = Field(alias="from")
    relation: str = Field(examples=["broader"])
    to: ConceptReference


class ConceptPath(Model):
    """A way from one concept to another; no steps where there is none."""

    from_: ConceptReference = Field(alias="from")
    to: ConceptReference
    found: bool
    length: int | None = Field(description="Number of steps; null if none was found")
    steps: list[PathStep]
    snapshot: SnapshotId


class PathQuery(Languages):
    """From where to where; any form of identifier, or a name."""

    start: str = Field(alias="from", max_length=500, examples=["wd:Q181296"])
    end: str = Field(alias="to", max_length=500, examples=["wd:Q125977"])
    max_steps: int = Field(8, ge=1, le=relations.MAX_STEPS, description="Number of steps at most")


class PrerequisiteReason(Model):
    """Why a concept comes before another one."""

    id: ConceptId
    relation: str = Field(description="What the step is to that concept", examples=["defined_with"])
    sources: list[str] = Field(description="Whose definitions name it", examples=[["chicago"]])


class Prerequisite(ConceptReference):
    """A concept to learn before."""

    level: int = Field(ge=1, description="1 builds on nothing in the list, 2 on those of 1, ...")
    weight: float = Field(ge=0, description="How much it counts for the concept")
    for_: list[PrerequisiteReason] = Field(
        alias="for", description="What in the list builds on it, and why"
    )
    syllabus: list[list[str]] = Field(description="Its positions in the syllabus")


class SyllabusTopic(Model):
    """A topic of the syllabus."""

    id: str = Field(examples=["syllabus:linear-algebra/fundamentals/vector-space"])
    concept: str | None = Field(description="The concept that it is mapped to, if any")
    position: list[str] = Field(description="From the chapter down")
    formalised: bool = Field(description="Whether Mathlib has it")


class Prerequisites(ConceptReference):
    """What to learn before a concept, each step after all that it builds on."""

    steps: list[Prerequisite]
    syllabus: list[list[str]] = Field(description="The concept's own positions in the syllabus")
    taught_before: list[SyllabusTopic] = Field(
        description="What the syllabus teaches in its chapter just before it"
    )
    snapshot: SnapshotId


class PrerequisitesQuery(Languages):
    """How long a list."""

    limit: int = Field(15, ge=1, le=prerequisites.MAX_STEPS, description="Number of steps at most")
