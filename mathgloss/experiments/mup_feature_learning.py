r"""Wide networks keep their features or learn new ones: the parametrisation decides.

Claim: as the width grows, training in the tangent kernel's parametrisation leaves the features of
a network where they are and becomes gradient descent in a fixed kernel; in the maximal-update
parametrisation (muP) the features move by an amount that does not shrink. A limit of infinite
width either learns features or is kernel descent, never both, and learned features are what helps
on another task.

Formula: :math:`h_1 = \varphi(\sqrt{2 / d}\, W_1 x)`, :math:`h_2 = \varphi(\sqrt{2 / n}\, W_2 h_1)`
with the rectifier :math:`\varphi` and standard normal weights. The output is :math:`f = n^{-1/2}
W_3 h_2` with gradient steps of size :math:`\eta` in the tangent kernel's parametrisation, and
:math:`f = n^{-1} W_3 h_2` with steps of size :math:`\eta n` in muP. Both start with the same
features and the same tangent kernel times step, so that both begin with the same change of
:math:`f`; what differs is how far the weights below must go for it. Kernel descent is what
:math:`T` steps in the limit :math:`K` of that kernel give,
:math:`K(z, X)\, V \operatorname{diag}([1 - (1 - \eta \lambda / N)^T] / \lambda)\, V^\top y` with
the eigenvalues :math:`\lambda` and eigenvectors :math:`V` of :math:`K(X, X)`.

Set-up: normal inputs in dimension 32; all targets are :math:`\tanh(1.5\, Q x w + b)` with normal
:math:`w, b` and a random :math:`Q` onto a plane. Five targets and 400 inputs to train on, half the
mean square as loss, full batch, the output at the start subtracted. Then eight new functions of the
same plane are to be learned from 60 inputs by ridge regression on :math:`h_2`, with the penalty of
the least leave-one-out error over all eight. Baselines: the tangent kernel's parametrisation with
the same first weights, inputs and steps, and the features before training. A control that should
gain nothing: eight functions of another random plane.

Measured: movement :math:`\lVert h_2 - h_2^0 \rVert / \lVert h_2^0 \rVert` on the training inputs;
distance of :math:`f` from kernel descent on 1,000 new inputs, relative; error of the transfer, in
units of the targets' variance. The claim held if movement falls about as :math:`n^{-1/2}` in the
one parametrisation and keeps its size in the other, if the distance from kernel descent falls as
well in the one and not in the other, if at the largest width the error of the transfer is much
lower for muP, and if what the tangent kernel's parametrisation gains over the first features is
less at the largest width than at the smallest. Slopes are fitted to the logarithms of the means.

Reference: G. Yang, E. J. Hu, Feature Learning in Infinite-Width Neural Networks, ICML 2021, arXiv
2011.14522.

Deviation: regression on made data in place of word vectors and few-shot images, two of the many
parametrisations, widths to 512. The gain on the new task is no law: earlier trials with handwritten
digits (trained on 0 to 4, transferred to 5 to 9) showed the same movements and no gain from muP.
Bounds from earlier trials with other seeds; those on kernel descent, set before any, ask of it what
is asked of the features. A penalty for each target by itself was tried first and given up: at
:math:`n = 64` it gave errors above the variance in two data sets of fifteen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
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
    DenseNetwork,
    Floats,
    arc_cosine_0,
    arc_cosine_1,
    descent_filter,
    fitted_exponent,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Singles = NDArray[np.float32]
Passes: TypeAlias = Sequence[Singles]
Targets: TypeAlias = Callable[[Floats], Floats]
Arm = Literal["tangent kernel", "muP"]

ARMS: Final[tuple[Arm, ...]] = ("tangent kernel", "muP")
_FIRST: Final = "first features"
_DIMENSION: Final = 32
_TRAINED: Final = 5
_TRANSFERRED: Final = 8
_FEW: Final = 60
_TEST: Final = 1_000
_PENALTIES: Final = np.geomspace(1e-6, 1, 25)  # relative to the largest eigenvalue
_MEASURES: Final = {
    "movement": "movement of the features",
    "distance": "distance from kernel descent",
    "error": "error on new inputs",
    "same": "error of the transfer",
    "other": "error of the transfer, another subspace",
}
_TRAINING: Final = ("movement", "distance", "error")
_TRANSFER: Final = ("same", "other")
_STYLES: Final = {
    _FIRST: {"color": "black", "marker": "^", "linestyle": ":"},
    "tangent kernel": {"color": "#0072b2", "marker": "o", "linestyle": "-"},
    "muP": {"color": "#d55e00", "marker": "s", "linestyle": "--"},
}


class MupParams(Params):
    """Networks, training and the subspace."""

    widths: Annotated[tuple[Annotated[int, Field(ge=32, le=1_024)], ...], RISING] = Field(
        (64, 128, 256, 512),
        min_length=2,
        max_length=8,
        description="Widths n of the two hidden layers, rising",
    )
    rate: float = Field(0.2, ge=0.05, le=0.5, description="Size eta of the steps")
    steps: int = Field(150, ge=20, le=1_000, description="Steps of gradient descent")
    inputs: int = Field(400, ge=100, le=1_000, description="Number N of inputs to train on")
    subspace: int = Field(2, ge=1, le=4, description="Dimension of what the targets depend on")
    repeats: int = Field(5, ge=1, le=10, description="Number of data sets, with new networks each")


@dataclass(frozen=True, slots=True)
class Problem:
    """Inputs in rows, targets, and what kernel descent gives on the test inputs."""

    train: Floats
    few: Floats
    test: Floats
    trained: Targets
    same: Targets
    other: Targets
    descent: Floats


@dataclass(frozen=True, slots=True)
class Learned:
    """What training changed in one network.

    Attributes:
        movement: of the features, relative.
        distance: from kernel descent, relative.
        error: on the test inputs, in units of the targets' variance; the same unit below.
        same: of the transfer to the same subspace.
        other: of that to another subspace.
    """

    movement: float
    distance: float
    error: float
    same: float
    other: float


Found = dict[tuple[int, str], list[Learned]]  # by width, and by arm or first features


def run(params: MupParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Train both parametrisations at every width, on every data set."""
    found: Found = {(width, name): [] for width in params.widths for name in (_FIRST, *ARMS)}
    costs = np.square(params.widths, dtype=float)
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        problem = _draw_problem(params, stream)
        for place, width in enumerate(params.widths):
            done = (repeat + costs[:place].sum() / costs.sum()) / params.repeats
            progress(float(done), f"data set {repeat + 1}, width {width}")
            first = _first_weights(width, stream)
            for arm in ARMS:
                start, end = _train(params, problem, first, arm)
                found[width, arm].append(_judge(problem, start, end))
            found[width, _FIRST].append(_judge(problem, start, start))
    return Outcome(
        metrics=list(_metrics(found)),
        checks=_checks(params, found),
        tables=[_training_table(params, found), _transfer_table(params, found)],
        draw=lambda figure: _draw(figure, params, found),
    )


EXPERIMENT: Final = Experiment(
    id="mup-feature-learning",
    title="Infinitely wide networks learn features in one parametrisation and not in another",
    paper="paper:feature-learning-in-infinite-width-neural-networks",
    about=("mathgloss:neural-tangent-kernel", "wd:Q620622", "wd:Q12811862"),
    uses=("wd:Q847204", "wd:Q428971", "wd:Q728435", "wd:Q2778212"),
    claim="As width grows, the tangent kernel's parametrisation freezes the features of a network "
    "and becomes kernel descent, while the maximal-update parametrisation keeps moving them, which "
    "is what helps on another task.",
    params=MupParams,
    quick={"widths": (64, 128), "repeats": 1},
    cost_s=25,
    reference="G. Yang, E. J. Hu, ICML 2021, arXiv 2011.14522",
    gives_up="Made functions of a plane and widths to 512, in place of word vectors and few-shot "
    "images at widths up to the limit itself.",
    not_tested=(
        "the limit of infinite width of muP itself",
        "the classification of all parametrisations",
        "Word2Vec and few-shot learning on Omniglot",
    ),
    run=run,
)


def _draw_targets(basis: Floats, count: int, rng: np.random.Generator) -> Targets:
    """Functions of what a subspace sees of the inputs; its basis is in the columns."""
    directions = 1.5 * basis @ rng.normal(size=(basis.shape[1], count))
    offsets = rng.normal(size=count)
    return lambda x: np.tanh(x @ directions + offsets)


def _draw_problem(params: MupParams, rng: np.random.Generator) -> Problem:
    shape = (_DIMENSION, params.subspace)
    basis, another = (np.linalg.qr(rng.normal(size=shape)).Q for _ in range(2))
    counts = (params.inputs, _FEW, _TEST)
    train, few, test = (rng.normal(size=(count, _DIMENSION)) for count in counts)
    trained = _draw_targets(basis, _TRAINED, rng)
    return Problem(
        train=train,
        few=few,
        test=test,
        trained=trained,
        same=_draw_targets(basis, _TRANSFERRED, rng),
        other=_draw_targets(another, _TRANSFERRED, rng),
        descent=_kernel_descent(params, train, trained(train), test),
    )


def _limit_kernel(x: Floats, z: Floats) -> Floats:
    """The tangent kernel at infinite width, which both parametrisations share at the start."""
    lengths = np.outer(np.linalg.norm(x, axis=1), np.linalg.norm(z, axis=1))
    scale = 2 / _DIMENSION * lengths
    first = x @ z.T / lengths
    second = arc_cosine_1(first)
    below = scale * (second + first * arc_cosine_0(first))  # of the units of the second layer
    return np.asarray((scale * arc_cosine_1(second) + below * arc_cosine_0(second)) / 2)


def _kernel_descent(params: MupParams, x: Floats, y: Floats, z: Floats) -> Floats:
    """What as many steps of gradient descent in the limit kernel predict at z."""
    values, vectors = np.linalg.eigh(_limit_kernel(x, x))
    learned = descent_filter(values, params.rate / len(x), params.steps)
    coefficients = vectors @ (learned[:, None] * (vectors.T @ y))
    return np.asarray(_limit_kernel(z, x) @ coefficients)


def _first_weights(width: int, rng: np.random.Generator) -> list[Singles]:
    shapes = ((_DIMENSION, width), (width, width), (width, _TRAINED))
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def _train(
    params: MupParams, problem: Problem, first: list[Singles], arm: Arm
) -> tuple[Passes, Passes]:
    """What the layers pass on for all points, before and after training."""
    width = len(first[1])
    output_square, rate = {
        "tangent kernel": (1 / width, params.rate),
        "muP": (1 / width**2, params.rate * width),
    }[arm]
    sizes = (_DIMENSION, width, width, _TRAINED)
    network, steps = (DenseNetwork(sizes, dtype=np.float32) for _ in range(2))
    # a layer's factor is part of its weights here, so its square is part of their step; the
    # biases and their steps stay zero
    for place, square in enumerate((2 / _DIMENSION, 2 / width, output_square)):
        network.layers[place][0][:] = np.sqrt(square) * first[place]
        steps.layers[place][0][:] = rate * square
    points = np.vstack([problem.train, problem.few, problem.test]).astype(np.float32)
    start = network.forward(points)
    x = points[: params.inputs]
    y = start[-1][: params.inputs] + problem.trained(problem.train).astype(np.float32)
    for _ in range(params.steps):
        passed = network.forward(x)
        network.backward(passed, (passed[-1] - y) / np.float32(params.inputs))
        network.weights -= steps.weights * network.slope
    return start, network.forward(points)


def _judge(problem: Problem, start: Passes, end: Passes) -> Learned:
    """What changed between two passes over all points of the problem."""
    count = len(problem.train)
    features = [passes[-2].astype(np.float64) for passes in (start, end)]
    moved = np.linalg.norm(features[1][:count] - features[0][:count])
    output = (end[-1] - start[-1])[count + _FEW :]
    apart = np.linalg.norm(output - problem.descent)
    return Learned(
        movement=float(moved / np.linalg.norm(features[0][:count])),
        distance=float(apart / np.linalg.norm(problem.descent)),
        error=_relative_error(output, problem.trained(problem.test)),
        same=_transfer_error(problem, problem.same, features[1][count:]),
        other=_transfer_error(problem, problem.other, features[1][count:]),
    )


def _relative_error(guess: NDArray[np.floating[Any]], truth: Floats) -> float:
    """Mean square in units of the variance, over all targets together."""
    return float(((guess - truth) ** 2).sum() / ((truth - truth.mean(axis=0)) ** 2).sum())


def _transfer_error(problem: Problem, targets: Targets, features: Floats) -> float:
    """Of ridge regression on the features of the few and the test inputs, one after the other.

    One penalty serves all targets, the one of the least leave-one-out error; means have none.
    """
    y = targets(problem.few)
    mean, y_mean = features[:_FEW].mean(axis=0), y.mean(axis=0)
    h, z = features[:_FEW] - mean, features[_FEW:] - mean
    values, vectors = np.linalg.eigh(h @ h.T)
    values = values.clip(min=0)
    along = vectors.T @ (y - y_mean)
    across = z @ h.T @ vectors
    penalties = _PENALTIES * values[-1]
    left_out = []
    for penalty in penalties:
        kept = values / (values + penalty)
        leverage = 1 / _FEW + vectors**2 @ kept
        residual = y - y_mean - vectors @ (kept[:, None] * along)
        left_out.append(float(((residual / (1 - leverage)[:, None]) ** 2).sum()))
    best = values + penalties[int(np.argmin(left_out))]
    return _relative_error(y_mean + across @ (along / best[:, None]), targets(problem.test))


def _means(params: MupParams, found: Found, name: str, measure: str) -> Floats:
    """Means of a measure over the data sets, by width."""
    return np.array([
        np.mean([getattr(learned, measure) for learned in found[width, name]])
        for width in params.widths
    ])


def _slope(params: MupParams, found: Found, arm: Arm, measure: str) -> float:
    """Of the logarithm of a mean measure by the logarithm of the width."""
    return fitted_exponent(params.widths, _means(params, found, arm, measure))


def _checks(params: MupParams, found: Found) -> list[Check]:
    moved, mup_moved, apart, mup_apart = (
        _slope(params, found, arm, measure) for measure in ("movement", "distance") for arm in ARMS
    )
    first, kernel, mup = (_means(params, found, name, "same") for name in (_FIRST, *ARMS))
    gain = 1 - kernel / first
    narrow, wide = (f"n = {params.widths[place]}" for place in (0, -1))
    better = f"error of the transfer, muP relative to tangent kernel, {wide}"
    fading = f"gain of tangent kernel over the first features, {wide} less {narrow}"
    return [
        Check("slope of the movement, tangent kernel, off -1/2 by", abs(moved + 0.5), "<=", 0.15),
        Check("slope of the movement, muP, off 0 by", abs(mup_moved), "<=", 0.1),
        Check("slope of the distance from kernel descent, tangent kernel", apart, "<=", -0.35),
        Check("slope of the distance from kernel descent, muP", mup_apart, ">=", -0.1),
        Check(better, float(mup[-1] / kernel[-1]), "<=", 0.6),
        Check(fading, float(gain[-1] - gain[0]), "<", 0),
    ]


def _metrics(found: Found) -> Iterator[Metric]:
    for (n, name), repeats in found.items():
        for seed, learned in enumerate(repeats):
            for measure in _TRANSFER if name == _FIRST else _MEASURES:
                value = getattr(learned, measure)
                yield Metric(f"{_MEASURES[measure]}, {name}, n = {n}", value, seed=seed)


def _training_table(params: MupParams, found: Found) -> Table:
    rows: list[list[str | float]] = []
    for arm in ARMS:
        for measure in _TRAINING:
            means = _means(params, found, arm, measure).tolist()
            rows.append([arm, _MEASURES[measure], *means, _slope(params, found, arm, measure)])
    columns = ["parametrisation", "measure", *(f"n = {n}" for n in params.widths), "slope"]
    return Table("What training changes, means, and slopes of the logarithms", columns, rows)


def _transfer_table(params: MupParams, found: Found) -> Table:
    rows: list[list[str | float]] = []
    for measure in _TRANSFER:
        for name in (_FIRST, *ARMS):
            rows.append([_MEASURES[measure], name, *_means(params, found, name, measure).tolist()])
    columns = ["measure", "features", *(f"n = {n}" for n in params.widths)]
    title = f"Mean error of eight new functions from {_FEW} inputs, in units of their variance"
    return Table(title, columns, rows)


def _draw(figure: Figure, params: MupParams, found: Found) -> None:
    from matplotlib.ticker import LogLocator

    units = {"movement": "relative", "distance": "relative", "same": "in variances of the targets"}
    for axes, (measure, unit) in zip(figure.subplots(1, 3), units.items(), strict=True):
        for name in (_FIRST, *ARMS) if measure == "same" else ARMS:
            style = _STYLES[name]
            axes.plot(params.widths, _means(params, found, name, measure), label=name, **style)
            for n in params.widths:
                values = [getattr(learned, measure) for learned in found[n, name]]
                axes.scatter([n] * len(values), values, s=6, color=style["color"], alpha=0.5)
        axes.set(xscale="log", yscale="log", xlabel="width n")
        axes.set_title(f"{_MEASURES[measure]},\n{unit}", fontsize=10)
        axes.set_xticks(params.widths, [f"{n:,}" for n in params.widths])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 4, 6, 8)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.legend(fontsize=8)
