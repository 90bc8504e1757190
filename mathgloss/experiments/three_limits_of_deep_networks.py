r"""An infinitely wide and deep network is one of three classifiers, and one of them is consistent.

Claim: according to its activation, an infinitely wide and deep network becomes the nearest
neighbour's vote, the majority vote or a smoother with a singular kernel
:math:`\lVert x - x' \rVert^{-\alpha}`; the last is Bayes-consistent if :math:`\alpha` is the
dimension of the data.

Formula: an activation with Hermite coefficients :math:`\sqrt{c_k}`, :math:`\sum c_k = 1`, has the
dual :math:`g(u) = \sum c_k u^k`. For inputs with the inner product :math:`u` each layer replaces
:math:`S` by :math:`g(S)` and the tangent kernel :math:`K` by :math:`g(S) + K g'(S)`, from
:math:`S = K = u`; the network is the regression with :math:`K` after :math:`L` layers. With
:math:`B = g'(1)`, the limit is the majority if :math:`g(0) > 0`, the nearest neighbour if
:math:`g(0) = g'(0) = 0`, and if :math:`g(0) = 0 < g'(0)` the smoother with
:math:`\alpha = -2 \log g'(0) / \log B`. For :math:`g = c u + (1 - c) u^3` there is a :math:`c` for
every :math:`\alpha`; 1/2 gives :math:`\alpha = 2`.

Set-up: points uniform on the part of the unit sphere with positive coordinates, dimension 2; labels
:math:`\operatorname{sign}(\sin 6 x_1 + 0.35 \cos 5 x_2 + 0.1)`, a quarter of them flipped.
Regression without a ridge, in logarithms, since the entries of :math:`K` differ by factors that no
floating-point number holds: once :math:`S < e^{-30}` the linear term of :math:`g` is all that is
left and the remaining layers are taken at once. Each machine is compared with the classifier that
the theory says it becomes: :math:`(u + u^3) / 2` with weights :math:`r^{-2}`; :math:`u^2` and
:math:`u^3` with the nearest neighbour; :math:`0.1 + 0.9 u^3` and :math:`0.3 + 0.2 u + 0.5 u^3` with
the majority. Baselines for the errors, from the same points: nearest neighbour, majority, and
weights :math:`r^{-1}, r^{-3}, r^{-4}`.

Measured: the share of 1,000 new points where machine and limit agree, by depth; the exponent
fitted to :math:`K` after 100,000 layers for distances from 0.05 to 0.5, for dimensions 2, 3 and 4;
and the probability of a wrong label, from the share of points where a classifier differs from
Bayes's. The claim held if all machines agree with their limits on 99 % of the points at the
largest depth, if the exponents are within 5 % of the dimensions, and if the error of
:math:`r^{-2}` falls with every step in the number of points and ends well below those of nearest
neighbour and majority. The table of exponents goes on to show how slow the limit is: the kernel
with the linear term alone counts the layers, and unless they are many more than :math:`r^{-2}` its
exponent is near :math:`\alpha + 2`.

Reference: A. Radhakrishnan, M. Belkin, C. Uhler, Wide and Deep Neural Networks Achieve Optimality
for Classification, PNAS 120 (2023), arXiv 2204.14126.

Deviation: consistency is a limit; seen here is an error that falls and classifiers that separate.
That no other exponent does as well does not show at this size: :math:`r^{-1}` may be better, as the
table says. Bounds from earlier trials with other seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import numpy as np
from pydantic import Field

from mathgloss.experiments._contract import (
    RISING,
    Check,
    Experiment,
    Metric,
    Outcome,
    Params,
    Progress,
    Table,
)
from mathgloss.experiments._numerics import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Limit = Literal["singular kernel", "nearest neighbour", "majority"]
Dual: TypeAlias = tuple[float, ...]  # coefficients by power, from 0


@dataclass(frozen=True, slots=True)
class Machine:
    """An activation by its dual, the limit that it has, and depths to look at."""

    dual: Dual
    limit: Limit
    depths: tuple[int, ...]


MACHINES: Final[Mapping[str, Machine]] = {
    "(u + u³)/2": Machine(
        (0, 0.5, 0, 0.5),
        "singular kernel",
        (10, 20, 40, 100, 1_000, 10_000, 100_000, 1_000_000),
    ),
    "u²": Machine((0, 0, 1), "nearest neighbour", (10, 14, 20, 40)),
    "u³": Machine((0, 0, 0, 1), "nearest neighbour", (10, 14, 20, 40)),
    "0.1 + 0.9u³": Machine((0.1, 0, 0, 0.9), "majority", (10, 20, 40, 80)),
    "0.3 + 0.2u + 0.5u³": Machine((0.3, 0.2, 0, 0.5), "majority", (10, 20, 40, 80)),
}
POWERS: Final = (1, 2, 3, 4)
DIMENSIONS: Final = (2, 3, 4)
_CONSISTENT: Final = "1/r²"
_CLASSIFIERS: Final = ("1/r", _CONSISTENT, "1/r³", "1/r⁴", "nearest neighbour", "majority")
_TEST: Final = 1_000
_FIT_DEPTHS: Final = (20, 1_000, 100_000)
_FIT_DISTANCES: Final = np.geomspace(0.05, 0.5, 50)
_NEGLIGIBLE: Final = -30.0  # log of an S whose higher powers are below rounding
# of 1 - u; up to nearly 1, as the logarithm of u = 0 is not finite
_TABLE: Final = np.geomspace(1e-14, 1 - 1e-9, 20_000)
_COLOURS: Final = ("#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#000000")


class LimitsParams(Params):
    """Points and labels."""

    points: int = Field(801, ge=201, le=1_601, description="Training points of the machines")
    sizes: Annotated[tuple[Annotated[int, Field(ge=50, le=12_800)], ...], RISING] = Field(
        (100, 400, 1_600, 6_400),
        min_length=2,
        max_length=8,
        description="Training points of the limit classifiers, rising",
    )
    flipped: float = Field(0.25, ge=0.0, le=0.4, description="Probability that a label is flipped")
    repeats: int = Field(5, ge=1, le=20, description="Number of draws of points and labels")


@dataclass(frozen=True, slots=True)
class Found:
    """One draw of points and labels.

    Attributes:
        agreement: with the limit, by machine and depth.
        errors: probability of a wrong label by classifier and size, shape (classifiers, sizes).
    """

    agreement: dict[str, Floats]
    errors: Floats


def run(params: LimitsParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Fit the exponents, then compare machines and classifiers on every draw."""
    exponents = np.array([_fitted_exponents(_dual_of_exponent(d)) for d in DIMENSIONS])
    tables = {
        (name, depth): _log_kernel(machine.dual, depth, _TABLE)
        for name, machine in MACHINES.items()
        for depth in machine.depths
    }
    found = []
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(repeat / params.repeats, f"draw {repeat + 1}: machines")
        agreement = _agreements(params, tables, stream)
        progress((repeat + 0.8) / params.repeats, f"draw {repeat + 1}: classifiers")
        found.append(Found(agreement, _errors(params, stream)))
    return Outcome(
        metrics=list(_metrics(params, found, exponents)),
        checks=_checks(params, found, exponents),
        tables=[_agreement_table(found), _exponent_table(exponents), _error_table(params, found)],
        draw=lambda figure: _draw(figure, params, found),
    )


EXPERIMENT: Final = Experiment(
    id="three-limits-of-deep-networks",
    title="Infinitely deep networks: nearest neighbour, majority or a singular kernel",
    paper="paper:wide-and-deep-neural-networks-achieve-optimality-for-classification",
    about=("wd:Q620622", "wd:Q863349", "mathgloss:smoothing-kernel"),
    uses=(
        "wd:Q78079020",
        "wd:Q217608",
        "wd:Q847204",
        "wd:Q658574",
        "wd:Q306610",
        "mathgloss:neural-tangent-kernel",
    ),
    claim="According to its activation an infinitely wide and deep network becomes the nearest "
    "neighbour's vote, the majority vote or a smoother with a singular kernel, and the last is "
    "Bayes-consistent if the kernel's exponent is the dimension.",
    params=LimitsParams,
    quick={"points": 201, "sizes": (100, 400), "repeats": 1},
    cost_s=25,
    packages=("scipy",),
    reference="A. Radhakrishnan, M. Belkin, C. Uhler, PNAS 120 (2023), arXiv 2204.14126",
    gives_up="Kernels of infinite width on a part of a sphere, and at most 6,400 points.",
    not_tested=(
        "networks of finite width",
        "the limit of infinitely many points",
        "that no exponent but the dimension is consistent",
    ),
    run=run,
)


def _log_sum(dual: Dual, log_s: Floats) -> Floats:
    """Logarithm of a power series with these coefficients, none negative."""
    terms = [np.log(c) + power * log_s for power, c in enumerate(dual) if c > 0]
    return np.asarray(np.logaddexp.reduce(terms, axis=0))


def _derivative(dual: Dual) -> Dual:
    return tuple(power * c for power, c in enumerate(dual))[1:]


def _log_kernel(dual: Dual, depth: int, below_one: Floats) -> Floats:
    """Logarithm of K after this many layers for inner products of 1 less these numbers."""
    log_s = np.log1p(-below_one)
    log_k = log_s
    slope = _derivative(dual)
    for layer in range(depth):
        if dual[0] == 0 < dual[1] and log_s.max() < _NEGLIGIBLE:
            left = depth - layer
            return np.asarray(left * np.log(dual[1]) + np.logaddexp(log_k, np.log(left) + log_s))
        after = _log_sum(dual, log_s)
        log_k = np.logaddexp(after, log_k + _log_sum(slope, log_s))
        log_s = after
    return np.asarray(log_k)


def _log_diagonal(dual: Dual, depth: int) -> float:
    """Logarithm of K for equal inputs, a geometric series in g'(1)."""
    growth = np.log(sum(_derivative(dual)))
    top = (depth + 1) * growth
    return float(top + np.log1p(-np.exp(-top)) - np.log(np.expm1(growth)))


def _dual_of_exponent(alpha: float) -> Dual:
    """The dual c u + (1 - c) u^3 whose limit has this exponent."""
    from scipy.optimize import brentq

    c = brentq(lambda c: -2 * np.log(c) / np.log(3 - 2 * c) - alpha, 1e-6, 1 - 1e-6)
    return (0.0, c, 0.0, 1 - c)


def _fitted_exponents(dual: Dual) -> list[float]:
    """Of K as a power of the distance, with a minus sign, by depth."""
    kernels = [_log_kernel(dual, depth, _FIT_DISTANCES**2 / 2) for depth in _FIT_DEPTHS]
    return [-float(np.polyfit(np.log(_FIT_DISTANCES), log_k, 1)[0]) for log_k in kernels]


def _draw_points(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Points on the sphere, and the labels that are more probable there, +1 or -1."""
    x = np.abs(rng.normal(size=(count, 3)))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x, np.where(np.sin(6 * x[:, 0]) + 0.35 * np.cos(5 * x[:, 1]) + 0.1 > 0, 1.0, -1.0)


def _flip(params: LimitsParams, labels: Floats, rng: np.random.Generator) -> Floats:
    return np.where(rng.uniform(size=len(labels)) < params.flipped, -labels, labels)


def _below_one(x: Floats, z: Floats) -> Floats:
    """1 less the inner products of unit vectors in rows, exact for near ones."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(x, z, "sqeuclidean") / 2)


def _agreements(
    params: LimitsParams, tables: Mapping[tuple[str, int], Floats], rng: np.random.Generator
) -> dict[str, Floats]:
    """Share of new points where machine and limit agree, by machine and depth."""
    x, likely = _draw_points(params.points, rng)
    labels = _flip(params, likely, rng)
    test = _draw_points(_TEST, rng)[0]
    within, across = _below_one(x, x), _below_one(test, x)
    limits: dict[Limit, Floats] = {
        "singular kernel": across**-1 @ labels,
        "nearest neighbour": labels[across.argmin(axis=1)],
        "majority": np.full(_TEST, labels.sum()),
    }
    log_table = np.log(_TABLE)
    log_across = np.log(across)
    log_within = np.log(within + np.eye(len(x)))  # the diagonal is known by itself
    shares: dict[str, Floats] = {}
    for name, machine in MACHINES.items():
        guesses = []
        for depth in machine.depths:
            table = tables[name, depth]
            K = np.exp(np.interp(log_within, log_table, table) - _log_diagonal(machine.dual, depth))
            np.fill_diagonal(K, 1)
            rows = np.interp(log_across, log_table, table)
            # a positive factor in a row does not change the sign of what is predicted there
            rows = np.exp(rows - rows.max(axis=1, keepdims=True))
            guesses.append(rows @ np.linalg.solve(K, labels))
        agree = np.sign(guesses) == np.sign(limits[machine.limit])
        shares[name] = np.asarray(agree.mean(axis=1))
    return shares


def _errors(params: LimitsParams, rng: np.random.Generator) -> Floats:
    """Probability of a wrong label, shape (classifiers, sizes); the points are nested."""
    x, likely = _draw_points(params.sizes[-1], rng)
    labels = _flip(params, likely, rng)
    test, truth = _draw_points(_TEST, rng)
    squares = 2 * _below_one(test, x)
    errors = []
    for size in params.sizes:
        near, y = squares[:, :size], labels[:size]
        guesses = [near ** (-power / 2) @ y for power in POWERS]
        guesses += [y[near.argmin(axis=1)], np.full(_TEST, y.sum())]
        wrong = np.mean([np.where(guess > 0, 1, -1) != truth for guess in guesses], axis=1)
        errors.append(params.flipped + (1 - 2 * params.flipped) * wrong)
    return np.transpose(errors)


def _mean_agreement(found: list[Found], name: str) -> Floats:
    return np.asarray(np.mean([item.agreement[name] for item in found], axis=0))


def _checks(params: LimitsParams, found: list[Found], exponents: Floats) -> list[Check]:
    checks = []
    limits: tuple[Limit, ...] = ("singular kernel", "nearest neighbour", "majority")
    for limit in limits:
        names = [name for name, machine in MACHINES.items() if machine.limit == limit]
        worst = min(float(_mean_agreement(found, name)[-1]) for name in names)
        text = f"agreement with the limit at the largest depth, {limit}: {', '.join(names)}"
        checks.append(Check(text, worst, ">=", 0.99))
    errors = np.mean([item.errors for item in found], axis=0)
    consistent, neighbour, majority = (
        errors[_CLASSIFIERS.index(name)] for name in (_CONSISTENT, "nearest neighbour", "majority")
    )
    off = float(np.abs(exponents[:, -1] / DIMENSIONS - 1).max())
    at = f"n = {params.sizes[-1]}"
    return [
        *checks,
        Check(f"relative error of the exponent at L = {_FIT_DEPTHS[-1]}, worst", off, "<=", 0.05),
        Check(
            f"error of nearest neighbour less that of 1/r², {at}",
            float(neighbour[-1] - consistent[-1]),
            ">=",
            0.05,
        ),
        Check(
            f"error of majority less that of 1/r², {at}",
            float(majority[-1] - consistent[-1]),
            ">=",
            0.05,
        ),
        Check(
            "change of the error of 1/r² from one size to the next, largest",
            float(np.diff(consistent).max()),
            "<",
            0,
        ),
    ]


def _metrics(params: LimitsParams, found: list[Found], exponents: Floats) -> Iterator[Metric]:
    for dimension, fitted in zip(DIMENSIONS, exponents, strict=True):
        for depth, exponent in zip(_FIT_DEPTHS, fitted, strict=True):
            yield Metric(f"exponent, dimension {dimension}, L = {depth}", float(exponent))
    for seed, item in enumerate(found):
        for name, machine in MACHINES.items():
            share = float(item.agreement[name][-1])
            yield Metric(f"agreement, {name}, L = {machine.depths[-1]}", share, seed=seed)
        for name, errors in zip(_CLASSIFIERS, item.errors, strict=True):
            for size, error in zip(params.sizes, errors, strict=True):
                yield Metric(f"error, {name}, n = {size}", float(error), seed=seed)


def _agreement_table(found: list[Found]) -> Table:
    rows: list[list[str | float]] = [
        [name, machine.limit, depth, float(share)]
        for name, machine in MACHINES.items()
        for depth, share in zip(machine.depths, _mean_agreement(found, name), strict=True)
    ]
    columns = ["dual activation", "limit", "depth L", "agreement"]
    return Table("Share of new points where machine and limit agree, mean", columns, rows)


def _exponent_table(exponents: Floats) -> Table:
    rows = [
        [dimension, _dual_of_exponent(dimension)[1], *map(float, fitted)]
        for dimension, fitted in zip(DIMENSIONS, exponents, strict=True)
    ]
    columns = ["dimension", "c of c u + (1 - c) u³", *(f"L = {depth:,}" for depth in _FIT_DEPTHS)]
    return Table("Fitted exponents of the kernel by depth", columns, rows)


def _error_table(params: LimitsParams, found: list[Found]) -> Table:
    means = np.mean([item.errors for item in found], axis=0)
    rows: list[list[str | float]] = [
        [name, *map(float, errors)] for name, errors in zip(_CLASSIFIERS, means, strict=True)
    ]
    columns = ["classifier", *(f"n = {size}" for size in params.sizes)]
    title = f"Mean probability of a wrong label; Bayes's classifier: {params.flipped:g}"
    return Table(title, columns, rows)


def _draw(figure: Figure, params: LimitsParams, found: list[Found]) -> None:
    left, right = figure.subplots(1, 2)
    for (name, machine), colour, marker in zip(
        MACHINES.items(), _COLOURS[:5], "osD^v", strict=True
    ):
        style = {"color": colour, "marker": marker, "fillstyle": "none"}
        label = f"{name}: {machine.limit}"
        left.plot(machine.depths, _mean_agreement(found, name), label=label, **style)
    left.set(xscale="log", xlabel="depth L", ylabel="share of points that agree with the limit")
    left.set_title("machines and their limits", fontsize=10)
    left.legend(fontsize=8, title="dual activation: limit", loc="lower right")
    means = np.mean([item.errors for item in found], axis=0)
    for name, errors, colour, marker in zip(_CLASSIFIERS, means, _COLOURS, "soD^vP", strict=True):
        style = {"color": colour, "marker": marker, "fillstyle": "none"}
        right.plot(params.sizes, errors, label=name, **style)
    right.axhline(params.flipped, color="0.5", linestyle=":", label="Bayes")
    right.set(xscale="log", xlabel="training points n", ylabel="probability of a wrong label")
    right.set_xticks(params.sizes, [f"{size:,}" for size in params.sizes])
    right.minorticks_off()
    right.set_title(f"mean of {len(found)} draws", fontsize=10)
    right.legend(fontsize=8, ncols=2, loc="center", bbox_to_anchor=(0.5, 0.7))
