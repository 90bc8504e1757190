r"""Kernels of deep convolutional nets learn fast what depends on a few adjacent variables.

Claim: the kernels of deep convolutional nets adapt to locality: if a function depends on a few
adjacent variables, the test error falls at a rate that their small number sets, and the more
slowly the more of them there are.

Formula: the tangent kernel of a net whose filters cover two places without overlap is a recursion
on a binary tree over the variables. With :math:`\kappa_0(u) = 1 - \arccos(u) / \pi` and
:math:`\kappa_1(u) = u \kappa_0(u) + \sqrt{1 - u^2} / \pi`, a leaf has
:math:`s = t = \cos(x_i - z_i)`, an inner node the means of its children; to the node above it
passes on :math:`\kappa_1(s)` and :math:`\kappa_1(s) + t\, \kappa_0(s)`. The kernel is :math:`t` at
the root.

Set-up: eight angles, uniform on the circle. Functions: samples of Gaussian processes with the
covariance :math:`e^{-r}`, :math:`r` the chordal distance in some of the variables alone: one, two
adjacent ones, two far apart (the first and the last, which meet in the root only), the first half,
all. Kernel ridge regression with a tiny ridge on up to 1,024 points. Baseline: the tangent kernel
of a fully connected net as deep as the tree, with the same points, functions and ridge.

Measured: the mean squared error on new points relative to the variance of the function, and
:math:`\beta` of its decay as :math:`n^{-\beta}` from 128 points on. The claim held if for the
adjacent pair the convolutional kernel's :math:`\beta` is 1.5 times that of the baseline and twice
its own for the pair that is far apart, if it falls from one variable to the adjacent pair to the
first half to all, and if for the pair that is far apart the baseline is at least as good.

Reference: F. Cagnetta, A. Favero, M. Wyart, What Can Be Learnt With Wide Convolutional Neural
Networks?, ICML 2023, arXiv 2208.01003.

Deviation: eight variables and up to 1,024 points, so that exponents are those of a learning curve
that still bends, not the asymptotic ones; Gaussian-process functions in place of those of random
convolutional nets. That a function of all variables meets the curse of dimensionality is part of
the paper's claim, but the number of variables is not varied. Bounds from earlier trials with other
seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from pydantic import Field

from mathgloss.experiments._contract import (
    Check,
    Experiment,
    Metric,
    Outcome,
    Params,
    Progress,
    Table,
)
from mathgloss.experiments._numerics import Floats, arc_cosine_0, arc_cosine_1, fitted_exponent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kernel = Literal["convolutional", "fully connected"]
Function = Literal["one", "adjacent pair", "far pair", "half", "all"]
Errors: TypeAlias = dict[tuple[Kernel, Function], Floats]  # shape (repetitions, sizes)

KERNELS: Final[tuple[Kernel, ...]] = ("convolutional", "fully connected")
FUNCTIONS: Final[tuple[Function, ...]] = ("one", "adjacent pair", "far pair", "half", "all")
_FEWEST: Final = 64
_FITTED_FROM: Final = 128
_TEST: Final = 300
_RIDGE: Final = 1e-8
_JITTER: Final = 1e-10  # lets a covariance be factorised that rounding makes singular
_COLOURS: Final = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#000000")


class LocalityParams(Params):
    """Variables and points."""

    variables: Literal[8, 16] = Field(8, description="Number of angles p")
    log2_points: int = Field(
        10, ge=8, le=11, description="Binary logarithm of the largest number of training points"
    )
    repeats: int = Field(3, ge=1, le=10, description="Number of draws of points and functions")

    @property
    def sizes(self) -> list[int]:
        """The numbers of training points."""
        return [_FEWEST * 2**k for k in range(self.log2_points - 5)]


def run(params: LocalityParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Learn every function with both kernels from ever more points."""
    rows: dict[tuple[Kernel, Function], list[Floats]] = {
        (kernel, function): [] for kernel in KERNELS for function in FUNCTIONS
    }
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(repeat / params.repeats, f"repetition {repeat + 1}: functions")
        count = params.sizes[-1] + _TEST
        x = stream.uniform(0, 2 * np.pi, (count, params.variables))
        values = np.column_stack([
            _sample(x[:, _variables(params, function)], stream) for function in FUNCTIONS
        ])
        for place, kernel in enumerate(KERNELS):
            progress((repeat + 0.3 * (place + 1)) / params.repeats, f"{kernel} kernel")
            learned = _learn(params, _gram(kernel, x), values)
            for function, errors in zip(FUNCTIONS, learned.T, strict=True):
                rows[kernel, function].append(errors)
    found = {key: np.array(errors) for key, errors in rows.items()}
    return Outcome(
        metrics=list(_metrics(params, found)),
        checks=_checks(params, found),
        tables=[_table(params, found)],
        draw=lambda figure: _draw(figure, params, found),
    )


EXPERIMENT: Final = Experiment(
    id="conv-ntk-locality",
    title="The kernel of a deep convolutional net learns what depends on adjacent variables",
    paper="paper:what-can-be-learnt-with-wide-convolutional-neural-networks",
    about=("mathgloss:neural-tangent-kernel", "wd:Q620622", "wd:Q210857"),
    uses=("wd:Q1496376", "wd:Q272735", "wd:Q2778212"),
    claim="With the kernel of a deep convolutional net the error of learning a function of "
    "adjacent variables falls at a rate set by their number, the faster the fewer they are.",
    params=LocalityParams,
    quick={"log2_points": 8, "repeats": 1},
    cost_s=15,
    reference="F. Cagnetta, A. Favero, M. Wyart, ICML 2023, arXiv 2208.01003",
    gives_up="Eight variables and at most 1,024 points: learning curves that still bend.",
    not_tested=(
        "the asymptotic exponents of the theory",
        "the curse of dimensionality for a function of all variables: their number is not varied",
        "filters that overlap",
        "convolutional nets that are trained",
    ),
    run=run,
)


def _variables(params: LocalityParams, function: Function) -> list[int]:
    """The places of the variables that a function depends on."""
    p = params.variables
    chosen: dict[Function, list[int]] = {
        "one": [0],
        "adjacent pair": [0, 1],
        "far pair": [0, p - 1],
        "half": list(range(p // 2)),
        "all": list(range(p)),
    }
    return chosen[function]


def _sample(x: Floats, rng: np.random.Generator) -> Floats:
    """A Gaussian process at points of the torus, scaled to mean 0 and variance 1."""
    squared = np.zeros((len(x), len(x)))
    for angle in x.T:
        squared += 2 - 2 * np.cos(angle[:, None] - angle)
    covariance = np.exp(-np.sqrt(squared.clip(min=0))) + _JITTER * np.eye(len(x))
    values = np.linalg.cholesky(covariance) @ rng.normal(size=len(x))
    return np.asarray((values - values.mean()) / values.std())


def _gram(kernel: Kernel, x: Floats) -> Floats:
    """Tangent kernel between all points, shape (points, points)."""
    if kernel == "convolutional":
        return _tree(x)[1]
    s = np.mean([np.cos(angle[:, None] - angle) for angle in x.T], axis=0)
    t = s
    for _ in range(x.shape[1].bit_length() - 1):
        s, t = _layer(s, t)
    return np.asarray(t)


def _tree(x: Floats) -> tuple[Floats, Floats]:
    """The kernels s and t at the node above these variables."""
    if x.shape[1] == 1:
        cosine = np.cos(x - x.T)
        return cosine, cosine
    half = x.shape[1] // 2
    s, t = _layer(*_tree(x[:, :half]))
    other_s, other_t = _layer(*_tree(x[:, half:]))
    return (s + other_s) / 2, (t + other_t) / 2


def _layer(s: Floats, t: Floats) -> tuple[Floats, Floats]:
    """What a layer of rectified units makes of its kernel and its tangent kernel."""
    passed = arc_cosine_1(s)
    return passed, passed + t * arc_cosine_0(s)


def _learn(params: LocalityParams, gram: Floats, values: Floats) -> Floats:
    """Mean squared error on the last points, shape (sizes, functions)."""
    test = slice(params.sizes[-1], None)
    errors = []
    for size in params.sizes:
        K = gram[:size, :size] + _RIDGE * np.eye(size)
        guess = gram[test, :size] @ np.linalg.solve(K, values[:size])
        errors.append(((guess - values[test]) ** 2).mean(axis=0))
    return np.array(errors)


def _exponents(params: LocalityParams, errors: Floats) -> Floats:
    """Fitted beta of the decay as n^-beta, by repetition."""
    sizes = np.array(params.sizes)
    fitted = sizes >= _FITTED_FROM
    return np.array([-fitted_exponent(sizes[fitted], row) for row in errors[:, fitted]])


def _checks(params: LocalityParams, found: Errors) -> list[Check]:
    beta = {key: float(_exponents(params, errors).mean()) for key, errors in found.items()}
    convolutional = {function: beta["convolutional", function] for function in FUNCTIONS}
    pair = convolutional["adjacent pair"]
    ever_more: tuple[Function, ...] = ("one", "adjacent pair", "half", "all")
    ordered = min(convolutional[few] - convolutional[more] for few, more in pairwise(ever_more))
    last = {kernel: float(found[kernel, "far pair"][:, -1].mean()) for kernel in KERNELS}
    return [
        Check(
            "beta of the adjacent pair, relative to the baseline's",
            pair / beta["fully connected", "adjacent pair"],
            ">=",
            1.5,
        ),
        Check(
            "beta of the adjacent pair, less twice that of the far pair",
            pair - 2 * convolutional["far pair"],
            ">=",
            0,
        ),
        Check("fall of beta from one to the pair to half to all, the smallest", ordered, ">", 0),
        Check(
            f"far pair: the baseline's error relative to convolutional, n = {params.sizes[-1]}",
            last["fully connected"] / last["convolutional"],
            "<=",
            1,
        ),
    ]


def _metrics(params: LocalityParams, found: Errors) -> Iterator[Metric]:
    for (kernel, function), errors in found.items():
        for seed, beta in enumerate(_exponents(params, errors)):
            yield Metric(f"beta, {kernel}, {function}", float(beta), seed=seed)
            for size, error in zip(params.sizes, errors[seed], strict=True):
                name = f"test error, {kernel}, {function}, n = {size}"
                yield Metric(name, float(error), seed=seed)


def _table(params: LocalityParams, found: Errors) -> Table:
    rows: list[list[str | float]] = [
        [
            function,
            *(float(_exponents(params, found[kernel, function]).mean()) for kernel in KERNELS),
            *(float(found[kernel, function][:, -1].mean()) for kernel in KERNELS),
        ]
        for function in FUNCTIONS
    ]
    columns = [
        "function of",
        *(f"beta, {kernel}" for kernel in KERNELS),
        *(f"error, {kernel}" for kernel in KERNELS),
    ]
    return Table(f"Mean exponents, and mean test errors at n = {params.sizes[-1]}", columns, rows)


def _draw(figure: Figure, params: LocalityParams, found: Errors) -> None:
    panels = figure.subplots(1, 2, sharey=True)
    for axes, kernel in zip(panels, KERNELS, strict=True):
        for function, colour, marker in zip(FUNCTIONS, _COLOURS, "osD^v", strict=True):
            errors = found[kernel, function]
            beta = _exponents(params, errors).mean()
            style = {"color": colour, "marker": marker, "fillstyle": "none"}
            label = f"{function}, β = {beta:.2f}"
            axes.plot(params.sizes, errors.mean(axis=0), label=label, **style)
        axes.set(xscale="log", yscale="log", xlabel="training points n")
        axes.set_xticks(params.sizes, [str(size) for size in params.sizes])
        axes.minorticks_off()
        axes.set_title(f"{kernel} kernel", fontsize=10)
        axes.legend(fontsize=8, title="function of", loc="lower left")
    panels[0].set_ylabel("test error / variance")
    panels[0].set_yticks([0.2, 0.3, 0.5, 1.0], ["0.2", "0.3", "0.5", "1"])
