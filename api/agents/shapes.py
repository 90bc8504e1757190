"""What the answers to agents look like: the output schemas of the tools.

A list that is cut says so in ``cut``; where nothing fits, ``match`` is ``none`` and ``nearest``
lists what comes near, so that an agent need not guess.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas.base import ConceptId, Model, Probability, SnapshotId
from api.schemas.experiments import (
    CheckAnswer,
    ExperimentConcept,
    Failure,
    MetricAnswer,
    Preset,
    State,
)
from api.schemas.experiments import Verdict as ClaimVerdict

Match = Literal["identifier", "name", "none"]


class Cut(Model):
    """A list or text of which only the beginning is given."""

    what: str
    shown: int = Field(description="Number of items or characters given")
    total: int = Field(description="Number of items or characters there are, at least")
    more: str = Field(description="How to get the rest")


class Named(Model):
    """A concept by identifier and label."""

    id: ConceptId
    label: str


class Short(Model):
    """What every answer carries."""

    cut: list[Cut] = Field(description="What was left out to keep the answer short")
    snapshot: SnapshotId


class AboutConcept(Short):
    """An answer about one concept, if there is one of that name."""

    match: Match = Field(description="How the concept was found; none: nothing of that name")
    concept: Named | None
    nearest: list[Named] = Field(description="If there is no match, what comes near")


class FoundConcept(Model):
    """A concept found by one of its names."""

    id: ConceptId
    label: str
    matched: str = Field(description="The name that was found")
    description: str | None


class FoundConcepts(Short):
    """Concepts by name, the best first."""

    match: Literal["name", "near", "none"] = Field(
        description="name: a concept has exactly this name; near: names hold its words"
    )
    results: list[FoundConcept]
    nearest: list[Named] = Field(description="If nothing was found, names that share a word")


class ShortDefinition(Model):
    """What a source says that the concept is."""

    source: str
    text: str | None = Field(description="Null where the licence allows only the link")
    lang: str | None
    url: str
    licence: str


class ShortLink(Model):
    """A term of a source that means the concept, and why."""

    id: str
    predicate: str
    set: Literal["curated", "predicted"]
    confidence: Probability
    why: str = Field(description="The first piece of evidence")


class ShortPosition(Model):
    """Where the concept stands in the French undergraduate syllabus."""

    position: list[str]
    formalised: bool


class PaperTitle(Model):
    """A paper that mentions the concept."""

    id: str
    title: str
    mentions: int


class ConceptCard(AboutConcept):
    """A concept in short."""

    url: str | None
    names: dict[str, list[str]] = Field(description="By language, the preferred one first")
    definitions: list[ShortDefinition]
    lean: list[str] = Field(description="Declarations in Lean 4's Mathlib")
    syllabus: list[ShortPosition]
    msc: list[str]
    links: list[ShortLink]
    broader: list[Named]
    narrower: list[Named]
    relations: dict[str, list[Named]]
    papers: list[PaperTitle]
    same_name: list[Named] = Field(description="Other concepts that have the name asked for")


class PaperMention(PaperTitle):
    """A paper that mentions the concept, with the first sentence that does."""

    url: str | None
    confidence: Probability
    sentence: str | None = Field(description="Null where the licence does not allow it")


class ConceptPapers(AboutConcept):
    """Papers that mention a concept."""

    papers: list[PaperMention]
    total: int
    next: str | None = Field(description="Pass as ``cursor`` for the next papers")


class PaperConcept(Named):
    """A concept that a paper mentions."""

    mentions: int
    confidence: Probability
    surfaces: list[str] = Field(description="How the paper writes it")


class ShortPaper(Short):
    """A paper and the concepts it is about."""

    id: str
    title: str
    authors: list[str]
    venue: str | None
    published: str | None
    url: str | None
    keywords: list[str]
    abstract: str | None = Field(description="Null where its licence does not allow it")
    concepts: list[PaperConcept]


class SparqlAnswer(Short):
    """The result of a query: rows, a boolean or triples."""

    columns: list[str]
    rows: list[list[str | None]] = Field(
        description="IRIs in angle brackets, literals with @language; null where unbound"
    )
    boolean: bool | None
    triples: str | None = Field(description="Turtle")


class Neighbours(AboutConcept):
    """What a concept is related to."""

    relations: dict[str, list[Named]] = Field(description="Concepts by what they are to it")


class PathStep(Model):
    """A step of a path: what ``to`` is to ``from``."""

    from_: Named = Field(alias="from")
    relation: str
    to: Named


class ConceptPath(Short):
    """A way from one concept to another."""

    start: Named | None = Field(description="Null: nothing of that name")
    end: Named | None = Field(description="Null: nothing of that name")
    nearest: list[Named] = Field(description="What comes near a name that nothing has")
    found: bool
    reason: str | None = Field(description="If there is no way, why")
    steps: list[PathStep]


class ReadingStep(Named):
    """A concept to learn before."""

    level: int = Field(description="1 builds on nothing in the list, 2 on those of 1, ...")
    needed_for: list[str] = Field(description="Concepts of the list that build on it")


class ReadingList(AboutConcept):
    """What to learn before a concept, in an order."""

    steps: list[ReadingStep]
    syllabus: list[list[str]] = Field(description="The concept's own positions")
    taught_before: list[str] = Field(description="Topics of the syllabus just before it")


class NearConcept(Named):
    """A concept that a mention may mean."""

    confidence: Probability


class TextMention(Model):
    """A place in the text that names a concept; offsets count Unicode code points."""

    start: int
    end: int
    surface: str
    concept: ConceptId | None = Field(description="Null where the text does not tell")
    label: str | None
    confidence: Probability = Field(description="That the concept, or none, is right")
    nearest: list[NearConcept]


class LinkedText(Short):
    """What a text mentions, in order."""

    mentions: list[TextMention]


class VerdictEvidence(Model):
    """A row of a mapping set that speaks for the verdict."""

    term: str
    set: str
    confidence: Probability
    why: str


class Verdict(Model):
    """A claimed link and what the graph says of it."""

    term: str
    concept: str
    means: Named | None
    verdict: Literal["confirmed", "contradicted", "unknown"]
    reason: str
    evidence: list[VerdictEvidence]
    instead: list[Named]
    nearest: list[Named]


class Verdicts(Short):
    """Claimed links in the order given."""

    claims: list[Verdict]
    counts: dict[str, int]


class ShortExperiment(Model):
    """An experiment on a concept."""

    id: str
    title: str
    paper: str
    claim: str = Field(description="The paper's claim that it tests")
    verdict: ClaimVerdict | None = Field(description="Of the last full run here; null: none yet")
    role: Literal["about", "uses"]


class ConceptExperiments(AboutConcept):
    """Experiments on a concept."""

    experiments: list[ShortExperiment]


class Parameter(Model):
    """A parameter of an experiment."""

    name: str
    default: Any
    about: str | None


class ShortRun(Model):
    """A recorded run."""

    run: str
    state: State
    verdict: ClaimVerdict | None
    preset: Preset
    started: str


class ExperimentCard(Short):
    """An experiment in short."""

    id: str
    title: str
    paper: str
    claim: str
    verdict: ClaimVerdict | None
    cost_s: float = Field(description="Expected seconds of a full run")
    missing_packages: list[str]
    reference: str
    gives_up: str
    falls_short: str
    description: str
    concepts: list[ExperimentConcept]
    parameters: list[Parameter]
    runs: list[ShortRun]


class RunResult(Short):
    """What a run gave."""

    run: str
    id: str
    state: State
    verdict: ClaimVerdict | None
    preset: Preset
    seed: int
    duration_s: float
    failure: Failure | None
    checks: list[CheckAnswer]
    metrics: list[MetricAnswer]
