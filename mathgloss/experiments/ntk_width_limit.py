r"""The wider a network is, the less its tangent kernel depends on chance and on training.

Claim: as its width grows, the tangent kernel of a network becomes deterministic and stays what it
is during training, so that the outputs follow a linear differential equation and approach the
labels along the leading eigenvectors of the kernel first.

Formula: the tangent kernel of a network :math:`f_\theta` is
:math:`K_\theta(x, z) = \nabla_\theta f_\theta(x)^\top \nabla_\theta f_\theta(z)`. Here
:math:`f(x) = \sqrt{2 / m}\, a^\top \max(W x, 0)` with standard normal weights in both layers. For
unit vectors with :math:`c = x^\top z` its limit is
:math:`K(x, z) = \kappa_1(c) + c\, \kappa_0(c)`, where
:math:`\kappa_0(c) = 1 - \arccos(c) / \pi` and
:math:`\kappa_1(c) = c\, \kappa_0(c) + \sqrt{1 - c^2} / \pi`. Gradient descent on half the sum of
squares at rate :math:`\eta` multiplies the residual along an eigenvector of :math:`K` with the
eigenvalue :math:`\lambda` by :math:`1 - \eta \lambda` in each step, a decay at the rate
:math:`-\log(1 - \eta \lambda) / \eta`. What the first network gives, :math:`f_0`, becomes
:math:`f_0(z) + K(z, X) V \operatorname{diag}([1 - (1 - \eta \lambda)^t] / \lambda)\,
V^\top (y - f_0(X))` after :math:`t` steps.

Set-up: 40 points on the unit sphere, labels :math:`\sin 3 x_1 + x_2 x_3`, full-batch gradient
descent on both layers at :math:`\eta = 0.2 / \lambda_{\max}`. Widths from 16 to 4,096; the
narrowest is the baseline, where the limit should say little, with as many steps at the same rate.

Measured: the distance of the first kernel from the limit and of the last kernel from the first,
relative, in the Frobenius norm; the distance of the trained network from the prediction on 100 new
points, in units of the labels' standard deviation; and the rates of decay along the leading ten
eigenvectors against those of the theory. Each is measured alone: the first network is trained
towards labels that differ from its outputs by that eigenvector, as long as the vector of labels,
until the theory has the residual fall by a factor e. (With the labels themselves, what leaks from
the leading directions hides the small residual along the others.) The claim held if both
distances of the kernel fall at least as :math:`m^{-0.35}`, if the prediction is good at the largest
width and much better than at the smallest, and if the logarithms of the rates at the largest width
correlate almost perfectly with the theory, and better than at the smallest. The rates span two
decades, so that even a narrow network's correlate; how far off they are is in the table and the
figure. Verified apart from the verdict: the limit is positive definite on the training points,
since no two of them are parallel. On the whole sphere it is not: without biases it is :math:`c` and
an even function of :math:`c`, so that its eigenvalues for odd degrees from 3 on are zero.

Reference: A. Jacot, F. Gabriel, C. Hongler, Neural Tangent Kernel: Convergence and Generalization
in Neural Networks, NeurIPS 2018, arXiv 1806.07572.

Deviation: one hidden layer and made labels, steps of gradient descent in place of the flow; bounds
from earlier trials with other seeds, those on the rates with the labels themselves.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

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
from mathgloss.experiments._numerics import (
    Floats,
    descent_filter,
    fitted_exponent,
    tangent_kernel,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TEST: Final = 100
_RATE: Final = 0.2  # of gradient descent, in units of 1 / the largest eigenvalue of the limit
_DIRECTIONS: Final = 10
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73")


class WidthParams(Params):
    """Networks, data and training."""

    widths: Annotated[tuple[Annotated[int, Field(ge=16, le=8_192)], ...], RISING] = Field(
        (16, 64, 256, 1_024, 4_096),
        min_length=2,
        max_length=8,
        description="Widths m of the hidden layer, rising",
    )
    points: int = Field(40, ge=12, le=100, description="Number of training points")
    dimension: int = Field(3, ge=3, le=10, description="Dimension of the space of the inputs")
    steps: int = Field(2_500, ge=100, le=10_000, description="Steps of gradient descent")
    repeats: int = Field(3, ge=1, le=10, description="Number of data sets, with new networks each")


@dataclass(frozen=True, slots=True)
class Problem:
    """A data set and what the limit says of it.

    Attributes:
        values: eigenvalues of the limit kernel between the training points, rising.
        vectors: their eigenvectors, in columns.
        across: the limit kernel between test and training points, shape (test, points).
        rate: of gradient descent.
    """

    train: Floats
    test: Floats
    labels: Floats
    values: Floats
    vectors: Floats
    across: Floats
    rate: float


@dataclass(frozen=True, slots=True)
class Trained:
    """One network, held against the limit.

    Attributes:
        first_error: relative distance of the first kernel from the limit.
        drift: relative distance of the last kernel from the first.
        function_error: of the prediction, in standard deviations of the labels.
        rates: measured rates of decay along the leading eigenvectors, falling eigenvalues.
        theory: what the limit says of them.
    """

    first_error: float
    drift: float
    function_error: float
    rates: Floats
    theory: Floats

    @property
    def correlation(self) -> float:
        """Between the logarithms of measured and predicted rates."""
        return float(np.corrcoef(np.log(self.rates), np.log(self.theory))[0, 1])


class Network:
    """One hidden layer of rectified units; see the module for its scale."""

    def __init__(self, width: int, dimension: int, rng: np.random.Generator) -> None:
        self._inner = rng.normal(size=(width, dimension))
        self._outer = rng.normal(size=width)
        self._scale = np.sqrt(2 / width)

    def __call__(self, x: Floats) -> Floats:
        """Outputs for points in rows."""
        return np.asarray(self._scale * self._outer @ np.maximum(self._inner @ x.T, 0))

    def kernel(self, x: Floats) -> Floats:
        """The tangent kernel between points in rows."""
        before = self._inner @ x.T
        after = np.maximum(before, 0)
        weighted = self._outer[:, None] * (before > 0)
        return np.asarray(self._scale**2 * (after.T @ after + weighted.T @ weighted * (x @ x.T)))

    def train(self, x: Floats, labels: Floats, rate: float, steps: int) -> None:
        """Gradient descent on half the sum of squares, all points in each step."""
        for _ in range(steps):
            before = self._inner @ x.T
            after = np.maximum(before, 0)
            pull = rate * self._scale * (labels - self._scale * self._outer @ after)
            inner = self._outer[:, None] * ((before > 0) @ (pull[:, None] * x))
            self._outer += after @ pull
            self._inner += inner


Found = dict[int, list[Trained]]


def run(params: WidthParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Train a network of every width on every data set."""
    found: Found = {width: [] for width in params.widths}
    smallest = []
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        problem = _problem(params, stream)
        smallest.append(float(problem.values[0]))
        for place, width in enumerate(params.widths):
            done = (repeat + place / len(params.widths)) / params.repeats
            progress(done, f"data set {repeat + 1}, width {width}")
            found[width].append(_train(params, problem, width, stream))
    return Outcome(
        metrics=list(_metrics(found, smallest)),
        checks=_checks(found, smallest),
        tables=[_table(found)],
        draw=lambda figure: _draw(figure, found),
    )


EXPERIMENT: Final = Experiment(
    id="ntk-width-limit",
    title="The tangent kernel of a network settles as the network gets wider",
    paper="paper:neural-tangent-kernel-convergence-and-generalization-in-neural-networks",
    about=("mathgloss:neural-tangent-kernel", "wd:Q620622", "wd:Q1129902"),
    uses=("wd:Q1052034", "wd:Q3553768", "wd:Q3555174", "wd:Q173582", "wd:Q12507"),
    claim="As width grows the tangent kernel of a network becomes deterministic and stays fixed "
    "in training, so that the network follows a linear differential equation and learns along the "
    "leading eigenvectors first.",
    params=WidthParams,
    quick={"widths": (16, 512), "repeats": 1},
    cost_s=15,
    reference="A. Jacot, F. Gabriel, C. Hongler, NeurIPS 2018, arXiv 1806.07572",
    gives_up="One hidden layer and 40 made points in place of deep networks and images.",
    not_tested=(
        "deeper networks",
        "that the first network is a Gaussian process",
        "that the limit is positive definite on the whole sphere, which needs biases",
        "image data",
    ),
    run=run,
)


def _problem(params: WidthParams, rng: np.random.Generator) -> Problem:
    """New points, and the eigenvectors of the limit kernel between them."""
    points = rng.normal(size=(params.points + _TEST, params.dimension))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    train, test = points[: params.points], points[params.points :]
    values, vectors = np.linalg.eigh(tangent_kernel(train @ train.T))
    return Problem(
        train=train,
        test=test,
        labels=np.sin(3 * train[:, 0]) + train[:, 1] * train[:, 2],
        values=values,
        vectors=vectors,
        across=tangent_kernel(test @ train.T),
        rate=_RATE / float(values[-1]),
    )


def _train(params: WidthParams, problem: Problem, width: int, rng: np.random.Generator) -> Trained:
    """Train one network and hold it against the limit."""
    network = Network(width, params.dimension, rng)
    rates, theory = _rates(problem, network)
    limit = (problem.vectors * problem.values) @ problem.vectors.T
    first = network.kernel(problem.train)
    start = network(problem.test)
    residual = problem.labels - network(problem.train)
    network.train(problem.train, problem.labels, problem.rate, params.steps)
    learned = descent_filter(problem.values, problem.rate, params.steps)
    change = problem.vectors @ (learned * (problem.vectors.T @ residual))
    error = network(problem.test) - (start + problem.across @ change)
    return Trained(
        first_error=_distance(first, limit),
        drift=_distance(network.kernel(problem.train), first),
        function_error=float(np.sqrt((error**2).mean()) / problem.labels.std()),
        rates=rates,
        theory=theory,
    )


def _distance(matrix: Floats, reference: Floats) -> float:
    """Relative distance in the Frobenius norm."""
    return float(np.linalg.norm(matrix - reference) / np.linalg.norm(reference))


def _rates(problem: Problem, first: Network) -> tuple[Floats, Floats]:
    """Measured and predicted rates of decay along the leading eigenvectors, each alone."""
    outputs = first(problem.train)
    size = np.linalg.norm(problem.labels)
    theory = -np.log1p(-problem.rate * problem.values[: -_DIRECTIONS - 1 : -1])  # in one step
    measured = np.empty(_DIRECTIONS)
    for place, vector in enumerate(problem.vectors.T[: -_DIRECTIONS - 1 : -1]):
        network = copy.deepcopy(first)
        labels = outputs + size * vector
        steps = int(np.ceil(1 / theory[place]))
        network.train(problem.train, labels, problem.rate, steps)
        left = vector @ (labels - network(problem.train)) / size
        measured[place] = -np.log(np.abs(left)) / steps
    return measured / problem.rate, np.asarray(theory / problem.rate)


def _mean(found: Found, width: int, attribute: str) -> float:
    return float(np.mean([getattr(trained, attribute) for trained in found[width]]))


def _slope(found: Found, attribute: str) -> float:
    """Fitted exponent of the mean over the data sets as a power of the width."""
    means = [_mean(found, width, attribute) for width in found]
    return fitted_exponent(list(found), means)


def _checks(found: Found, smallest: list[float]) -> list[Check]:
    narrow, wide = min(found), max(found)
    error = _mean(found, wide, "function_error")
    correlation = _mean(found, wide, "correlation")
    return [
        Check(
            "exponent of the first kernel's distance from the limit, as a power of the width",
            _slope(found, "first_error"),
            "<=",
            -0.35,
        ),
        Check(
            "exponent of the kernel's drift in training, as a power of the width",
            _slope(found, "drift"),
            "<=",
            -0.35,
        ),
        Check(f"error of the predicted function, m = {wide}", error, "<=", 0.08),
        Check(
            f"error of the predicted function, m = {wide} relative to m = {narrow}",
            error / _mean(found, narrow, "function_error"),
            "<=",
            0.4,
        ),
        Check(f"correlation of the logarithms of the rates, m = {wide}", correlation, ">=", 0.98),
        Check(
            f"that correlation at m = {wide} less that at m = {narrow}",
            correlation - _mean(found, narrow, "correlation"),
            ">",
            0,
        ),
        Check(
            "verified: smallest eigenvalue of the limit kernel between the training points",
            min(smallest),
            ">",
            0,
            claimed=False,
        ),
    ]


def _metrics(found: Found, smallest: list[float]) -> Iterator[Metric]:
    for seed, value in enumerate(smallest):
        yield Metric("smallest eigenvalue of the limit kernel", value, seed=seed)
    for width, items in found.items():
        for seed, trained in enumerate(items):
            label = f"m = {width}"
            yield Metric(f"first kernel's error, {label}", trained.first_error, seed=seed)
            yield Metric(f"drift, {label}", trained.drift, seed=seed)
            yield Metric(f"function error, {label}", trained.function_error, seed=seed)
            yield Metric(f"correlation of log rates, {label}", trained.correlation, seed=seed)


def _table(found: Found) -> Table:
    attributes = ("first_error", "drift", "function_error", "correlation")
    rows: list[list[float | int]] = [
        [
            width,
            *(_mean(found, width, attribute) for attribute in attributes),
            float(np.median([item.rates / item.theory for item in items])),
        ]
        for width, items in found.items()
    ]
    columns = [
        "width m",
        "first kernel's error",
        "drift",
        "function error",
        "correlation of log rates",
        "measured rate / theory, median",
    ]
    return Table("Means by width, relative to the limit", columns, rows)


def _draw(figure: Figure, found: Found) -> None:
    errors, rates = figure.subplots(1, 2)
    widths = np.array(list(found))
    for (attribute, label), colour, marker in zip(
        (
            ("first_error", "first kernel from the limit"),
            ("drift", "last kernel from the first"),
            ("function_error", "trained network from the prediction"),
        ),
        _COLOURS,
        "osD",
        strict=True,
    ):
        means = [_mean(found, width, attribute) for width in found]
        style = {"color": colour, "marker": marker, "fillstyle": "none"}
        errors.plot(widths, means, label=label, **style)
    errors.plot(widths, np.sqrt(widths[0] / widths), "--", color="0.5", label="slope −1/2")
    errors.set(xscale="log", yscale="log", xlabel="width m", ylabel="relative distance")
    errors.set_xticks(widths, [f"{width:,}" for width in widths])
    errors.minorticks_off()
    errors.set_title(f"mean of {len(found[widths[0]])} data sets", fontsize=10)
    errors.legend(fontsize=8)
    for width, colour, marker in ((widths[0], "#d55e00", "s"), (widths[-1], "#0072b2", "o")):
        theory, measured = (
            np.concatenate([getattr(trained, name) for trained in found[width]])
            for name in ("theory", "rates")
        )
        style = {"color": colour, "marker": marker, "fillstyle": "none", "linestyle": ""}
        rates.plot(theory, measured, label=f"m = {width:,}", **style)
    theory = np.concatenate([trained.theory for trained in found[widths[0]]])
    ends = [theory.min(), theory.max()]
    rates.plot(ends, ends, "--", color="0.5", label="measured = predicted")
    rates.set(xscale="log", yscale="log", xlabel="predicted rate of decay", ylabel="measured rate")
    rates.set_title("ten leading eigenvectors of each data set", fontsize=10)
    rates.legend(fontsize=8)
