"""Experiments, their parameters and their recorded runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import ConceptId, Model, Page, SnapshotId
from mathgloss.experiments import MAX_SEED

ExperimentId = Field(description="Name of the experiment", examples=["rfm-symmetry-breaking"])
RunId = Field(examples=["20261121T161348-1ad502-rfm-symmetry-breaking"])
PaperId = Field(description="Paper whose claim is tested (CURIE)", examples=["arxiv:2210.06545"])
Verdict = Literal["held", "held in part", "did not hold"]
State = Literal["queued", "running", "finished", "failed", "cancelled"]
Preset = Literal["default", "quick", "custom"]


class ExperimentFilter(BaseModel):
    """Which experiments."""

    concept: str | None = Field(
        None, max_length=1_000, description="On this concept: CURIE, IRI or name"
    )
    paper: str | None = Field(None, max_length=1_000, description="Of this paper: CURIE or IRI")


class ExperimentConcept(Model):
    """A concept that an experiment hangs on."""

    id: ConceptId
    role: Literal["about", "uses"] = Field(
        description="``about``: the claim is about it; ``uses``: set-up or measures use it"
    )
    label: str | None = Field(description="Preferred English name, if the snapshot has it")


class ExperimentEntry(Model):
    """An experiment in a list."""

    id: str = ExperimentId
    title: str
    paper: str = PaperId
    paper_title: str | None = Field(description="If the snapshot has the paper")
    concepts: list[ExperimentConcept]
    claim: str = Field(description="The paper's headline claim, in one sentence")
    cost_s: float = Field(description="Expected seconds of a run with the defaults")
    verdict: Verdict | None = Field(
        description="Of the last finished run with the designed parameters; null: none yet"
    )


class BrokenExperiment(Model):
    """A file that gives no experiment."""

    id: str
    reason: str


class ExperimentList(Model):
    """All experiments that were asked for."""

    items: list[ExperimentEntry]
    broken: list[BrokenExperiment]
    snapshot: SnapshotId


class RunSummary(Model):
    """A recorded run in a list."""

    run: str = RunId
    state: State
    verdict: Verdict | None
    preset: Preset = Field(description="Whether the parameters are the designed ones")
    seed: int
    started: str | None
    duration_s: float


class ExperimentAnswer(ExperimentEntry):
    """All that is known of an experiment, and its last runs."""

    description: str = Field(description="Claim, formula, set-up, measure, reference, deviation")
    parameters: dict[str, Any] = Field(description="JSON Schema of the parameters")
    quick: dict[str, Any] = Field(description="Parameters of a run of a few seconds")
    packages: list[str] = Field(description="Distributions needed beside numpy and matplotlib")
    missing_packages: list[str] = Field(description="Those that are not installed here")
    reference: str
    gives_up: str = Field(description="What the small scale gives up")
    not_tested: list[str]
    falls_short: str = Field(description="Why checks did not hold, if some did not")
    runs: list[RunSummary] = Field(description="The newest first")
    snapshot: SnapshotId


class MetricAnswer(Model):
    """A number that was measured; ``null`` is no finite number."""

    name: str
    value: float | int | None
    unit: str
    seed: int | None = Field(description="Which repetition; null: over all")


class CheckAnswer(Model):
    """A number held against a bound that was set before the run."""

    criterion: str
    value: float | int | None
    relation: Literal["<", "<=", ">", ">="]
    bound: float | int
    claimed: bool = Field(description="Whether the verdict rests on it")
    held: bool


class TableAnswer(Model):
    """Numbers to read."""

    title: str
    columns: list[str]
    rows: list[list[str | int | float | None]]


class Failure(Model):
    """Why a run has no outcome."""

    kind: Literal["crash", "disk", "killed", "memory", "missing package", "stopped", "time"]
    message: str


class RunLimits(Model):
    """What the run was allowed to use."""

    time_s: float
    memory_bytes: int
    threads: int
    file_bytes: int


class Machine(Model):
    """Where it ran."""

    system: str
    release: str
    architecture: str
    processor: str


class GitState(Model):
    """Which code ran."""

    commit: str
    changed: bool


class RunProgress(Model):
    """How far a run is."""

    fraction: float = Field(ge=0, le=1)
    message: str = Field(description="What it does now")


class RunAnswer(Model):
    """All that is known of a run; what is not known yet is null or empty."""

    run: str = RunId
    id: str = ExperimentId
    paper: str = PaperId
    params: dict[str, Any]
    preset: Preset
    seed: int
    state: State
    progress: RunProgress
    waiting: int = Field(ge=0, description="Runs that come before it while it is queued")
    failure: Failure | None
    verdict: Verdict | None
    metrics: list[MetricAnswer]
    checks: list[CheckAnswer]
    tables: list[TableAnswer]
    figures: list[str] = Field(description="Names of the files that show the figure")
    requested: str = Field(description="When it was asked for (ISO 8601)")
    started: str | None
    duration_s: float
    snapshot: str | None = Field(description="Snapshot that was published when it was asked for")
    limits: RunLimits | None
    versions: dict[str, str]
    machine: Machine | None
    git: GitState | None
    log: str = Field(description="The last of what it printed")


class RunRequest(BaseModel):
    """What is to be run."""

    model_config = ConfigDict(extra="forbid")

    params: dict[str, Any] = Field(
        default={}, description="Parameters that differ from those of the preset"
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="All randomness comes from it")
    preset: Literal["default", "quick"] = Field(
        "default", description="``quick``: a few seconds, to see that everything works"
    )
    fresh: bool = Field(
        default=False,
        description="Run it although there is a run of the same code, parameters and seed",
    )


class RunFilter(Page):
    """Which runs, the newest first."""

    experiment: str | None = Field(
        None, max_length=1_000, description="Of this experiment", examples=["rfm-symmetry-breaking"]
    )


class RunListed(RunSummary):
    """A run in the list of all."""

    id: str = ExperimentId
    requested: str


class RunList(Model):
    """A page of runs."""

    items: list[RunListed]
    total: int
    next: str | None
    snapshot: SnapshotId


class FigureForm(BaseModel):
    """As what the figure is wanted."""

    format: Literal["svg", "png"] = "svg"
