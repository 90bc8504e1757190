"""Experiments, their parameters and their recorded runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.base import ConceptId, Model, SnapshotId

ExperimentId = Field(description="Name of the experiment", examples=["rfm-symmetry-breaking"])
RunId = Field(examples=["20261121T161348-1ad502-rfm-symmetry-breaking"])
PaperId = Field(description="Paper whose claim is tested (CURIE)", examples=["arxiv:2210.06545"])
Verdict = Literal["held", "held in part", "did not hold"]
State = Literal["finished", "failed"]
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
    concepts: list[ExperimentConcept]
    claim: str = Field(description="The paper's headline claim, in one sentence")
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
    started: str
    duration_s: float


class ExperimentAnswer(ExperimentEntry):
    """All that is known of an experiment, and its last runs."""

    paper_title: str | None
    description: str = Field(description="Claim, formula, set-up, measure, reference, deviation")
    parameters: dict[str, Any] = Field(description="JSON Schema of the parameters")
    quick: dict[str, Any] = Field(description="Parameters of a run of a few seconds")
    cost_s: float = Field(description="Expected seconds of a run with the defaults")
    packages: list[str] = Field(description="Distributions needed beside numpy and matplotlib")
    missing_packages: list[str] = Field(description="Those that are not installed here")
    reference: str
    gives_up: str = Field(description="What the small scale gives up")
    not_tested: list[str]
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
    claimed: bool = Field(description="Part of the paper's claim, so that the verdict rests on it")
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


class RunAnswer(Model):
    """The record of a run that has ended."""

    run: str = RunId
    id: str = ExperimentId
    paper: str = PaperId
    params: dict[str, Any]
    preset: Preset
    seed: int
    state: State
    failure: Failure | None
    verdict: Verdict | None
    metrics: list[MetricAnswer]
    checks: list[CheckAnswer]
    tables: list[TableAnswer]
    figures: list[str] = Field(description="Names of the files that show the figure")
    started: str
    duration_s: float
    snapshot: str | None = Field(description="Snapshot that was published when it ran")
    limits: RunLimits
    versions: dict[str, str]
    machine: Machine
    git: GitState | None
    log: str = Field(description="The last of what it printed")
