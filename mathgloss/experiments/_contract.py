"""What an experiment is: its description, its parameters, and what a run of it gives."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

Progress: TypeAlias = Callable[[float, str], None]
Cell: TypeAlias = str | int | float | None
Draw: TypeAlias = "Callable[[Figure], None]"
Relation: TypeAlias = Literal["<", "<=", ">", ">="]
Verdict: TypeAlias = Literal["held", "held in part", "did not hold"]

_RELATIONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Role(StrEnum):
    """How an experiment is connected with a concept."""

    ABOUT = "about"
    USES = "uses"


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept by its CURIE, in the sense in which the graph defines it."""

    id: str
    role: Role


class Params(BaseModel):
    """Parameters of an experiment; each field has a default, a range and a description with unit.

    Validators of whole sets of values raise ``ValueError`` with what was expected and got.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(after <= before for before, after in pairwise(values)):
        raise ValueError("values that rise")  # what was got is added where it is told
    return values


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("each at most once")
    return values


# to annotate a parameter that is a tuple
RISING: Final = AfterValidator(_rising)
DISTINCT: Final = AfterValidator(_distinct)


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that was measured.

    Attributes:
        unit: empty for a pure number.
        seed: which repetition, from 0, where there are several; each has a random stream of its
            own, spawned from the run's seed. ``None``: over all of them.
    """

    name: str
    value: float
    unit: str = ""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A number held against a bound that was set before the run.

    Attributes:
        criterion: what is compared, in words that stand alone.
        claimed: false for what does not touch the verdict: additions of our own, and identities,
            which only an error in the code could break.
    """

    criterion: str
    value: float
    relation: Relation
    bound: float
    claimed: bool = True

    @property
    def held(self) -> bool:
        """Whether the value keeps the bound; a value that is not a number never does."""
        return bool(_RELATIONS[self.relation](self.value, self.bound))


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers to read; every row has one cell for each column."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run gives.

    Attributes:
        draw: draws on an empty matplotlib figure, after everything else is computed.
    """

    metrics: Sequence[Metric]
    checks: Sequence[Check]
    tables: Sequence[Table]
    draw: Draw


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """Whether the paper's claim held at this scale: all of its checks, some, or none."""
    held = [check.held for check in checks if check.claimed]
    if held and all(held):
        return "held"
    return "held in part" if any(held) else "did not hold"


P = TypeVar("P", bound=Params)
Run: TypeAlias = "Callable[[P, np.random.Generator, Progress], Outcome]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Generic[P]):
    """An experiment: what it claims, and the function that tests it.

    Attributes:
        id: the name of its file, with hyphens.
        paper: CURIE of the paper whose claim is tested.
        about: CURIEs of the concepts that the claim is about.
        uses: CURIEs of the concepts that set-up and measures use.
        claim: the headline claim, in one sentence.
        params: model of the parameters.
        quick: parameters that differ from the defaults in a run of a few seconds, which shows
            that everything works rather than whether the claim holds.
        cost_s: expected seconds of a run with the defaults on one core.
        packages: distributions needed beside numpy and matplotlib, from the same extra.
        reference: where to read the paper.
        gives_up: what the small scale gives up.
        not_tested: parts of the claim that cannot be tested at this size.
        falls_short: what is known of why checks did not hold in runs as designed; empty if no
            check is known to have failed.
        run: computes the outcome; takes all its randomness from the generator.
    """

    id: str
    title: str
    paper: str
    about: Sequence[str]
    uses: Sequence[str]
    claim: str
    params: type[P]
    quick: Mapping[str, Any]
    cost_s: float
    reference: str
    gives_up: str
    not_tested: Sequence[str]
    run: Run[P]
    packages: Sequence[str] = field(default=())
    falls_short: str = ""

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """The concepts that it hangs on, those that it is about first."""
        return (
            *(Concept(concept, Role.ABOUT) for concept in self.about),
            *(Concept(concept, Role.USES) for concept in self.uses),
        )

    @property
    def module(self) -> str:
        """The module that holds it."""
        return self.run.__module__

    @property
    def description(self) -> str:
        """Claim, formula, set-up, measure, reference and deviation: the module's docstring."""
        return inspect.getdoc(inspect.getmodule(self.run)) or ""
