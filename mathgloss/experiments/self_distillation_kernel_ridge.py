r"""Self-distillation of a kernel ridge regression regularises; true labels in the mix damp that.

Claim: a kernel ridge regression that is fitted to its own predictions again and again is
regularised ever more; mixing in the true labels with weight :math:`\alpha` damps this, the limit
is a ridge regression with penalty :math:`\lambda / \alpha`, and the best :math:`\alpha` has a
closed form.

Formula: with the smoother :math:`S = K (K + \lambda I)^{-1}`, :math:`f_1 = S y` and
:math:`f_{t+1} = S (\alpha y + (1 - \alpha) f_t)`, a contraction with the fixed point
:math:`K (K + (\lambda / \alpha) I)^{-1} y`. Along an eigenvector of :math:`K` where :math:`S` has
the eigenvalue :math:`s`, with :math:`r = (1 - \alpha) s` the geometric series gives
:math:`f_t = [\alpha (1 + r + \dots + r^{t-2}) + r^{t-1}]\, f_1`. The next step predicts
:math:`\alpha p_y + (1 - \alpha) p_f` on validation points, with the predictions of fits to
:math:`y` and to :math:`f_t`, so that least squares gives
:math:`\alpha^\ast = \langle p_y - p_f, v - p_f \rangle / \lVert p_y - p_f \rVert^2` for the
validation labels :math:`v`.

Set-up: 60 points in :math:`[0, 1]`, labels :math:`\sin 2 \pi x + \frac12 \sin 6 \pi x` with noise,
Gaussian kernel, four penalties. Three distillations in a row with :math:`\alpha^\ast`, found anew
at each on 200 validation points and cut to :math:`[0, 1]`. Baselines: as many with
:math:`\alpha = 0`, which is plain self-distillation, and :math:`\alpha = 1`, which is none; they
need no validation points.

Measured: the error of the limit and of the recursion, relative to the labels; how far
:math:`\alpha^\ast` is from the best of a grid on :math:`[-5, 5]`; mean squared error on test
points without noise. The first three are identities: they verify that the code computes what the
formulas say, and the verdict does not rest on them. The claim held if :math:`\alpha^\ast` is never
worse than the better baseline by more than 3 % at any penalty, and if it is much better than plain
self-distillation at the largest one, where more regularisation harms.

Reference: K. Borup, L. N. Andersen, Even your Teacher Needs Guidance: Ground-Truth Targets Dampen
Regularization Imposed by Self-Distillation, NeurIPS 2021, arXiv 2102.13088.

Deviation: one made regression problem; the paper's estimate of :math:`\alpha` for deep networks is
left out; bounds from earlier trials with other seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

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

Choice = Literal["alpha = 0", "alpha = 1", "best alpha"]

CHOICES: Final[tuple[Choice, ...]] = ("alpha = 0", "alpha = 1", "best alpha")
ALPHAS: Final = (0.0, 0.1, 0.5, 1.0)  # for the identities
_POINTS: Final = 60
_VALIDATION: Final = 200
_TEST: Final = np.linspace(0, 1, 400)
_GRID: Final = np.linspace(-5, 5, 1_001)
# by then, the part of the start is below 0.9^400 = 1e-18 for every alpha but 0
_LONG: Final = 400


class SelfDistillationParams(Params):
    """Data, kernel and distillation."""

    penalties: Annotated[tuple[Annotated[float, Field(ge=1e-3, le=3)], ...], RISING] = Field(
        (0.01, 0.05, 0.2, 1.0),
        min_length=1,
        max_length=10,
        description="Penalties lambda of the ridge regression, rising",
    )
    length: float = Field(0.1, ge=0.03, le=0.3, description="Length scale of the Gaussian kernel")
    noise: float = Field(0.5, ge=0.05, le=2, description="Standard deviation of the label noise")
    distillations: int = Field(3, ge=1, le=10, description="Distillations after the first fit")
    repeats: int = Field(20, ge=1, le=100, description="Number of data sets")


@dataclass(frozen=True, slots=True)
class Data:
    """Points and labels of one repetition."""

    x: Floats
    y: Floats
    x_validation: Floats
    y_validation: Floats


@dataclass(frozen=True, slots=True)
class Distilled:
    """One data set with one penalty.

    Attributes:
        limit_error: of the limit, relative to the labels, largest over alpha.
        recursion_error: of the closed form for every step, the same.
        norms: of the predictions by step, by alpha.
        alphas: the best ones of the distillations, not cut.
        cells: distance of the best alpha from that of the grid, largest where it is within it.
        test_error: mean squared, by choice of alpha.
    """

    limit_error: float
    recursion_error: float
    norms: dict[float, Floats]
    alphas: list[float]
    cells: float
    test_error: dict[Choice, float]


Found = dict[float, list[Distilled]]


def run(params: SelfDistillationParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Distil on every data set with every penalty."""
    found: Found = {penalty: [] for penalty in params.penalties}
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(repeat / params.repeats, f"data set {repeat + 1}")
        data = _draw_data(params, stream)
        for penalty in params.penalties:
            found[penalty].append(_distil(params, data, penalty))
    return Outcome(
        metrics=list(_metrics(found)),
        checks=_checks(found),
        tables=[_table(found)],
        draw=lambda figure: _draw(figure, found),
    )


EXPERIMENT: Final = Experiment(
    id="self-distillation-kernel-ridge",
    title="Self-distillation regularises a kernel regression, and true labels damp it",
    paper="paper:even-your-teacher-needs-guidance-ground-truth-targets-dampen-regularization",
    about=("wd:Q620622", "wd:Q2778212", "mathgloss:knowledge-distillation"),
    uses=(
        "wd:Q217608",
        "wd:Q515173",
        "wd:Q1306887",
        "wd:Q3553768",
        "wd:Q74304",
        "mathgloss:positive-definite-kernel",
    ),
    claim="Repeated self-distillation of a kernel ridge regression adds regularisation; true "
    "labels of weight alpha damp it to that of the penalty lambda / alpha, and the best alpha has "
    "a closed form.",
    params=SelfDistillationParams,
    quick={"repeats": 3, "penalties": (0.2, 1.0)},
    cost_s=5,
    reference="K. Borup, L. N. Andersen, NeurIPS 2021, arXiv 2102.13088",
    gives_up="One regression problem on an interval in place of image data.",
    not_tested=("the estimate of alpha for deep networks", "distillation between networks"),
    run=run,
)


def _draw_data(params: SelfDistillationParams, rng: np.random.Generator) -> Data:
    x, x_validation = rng.uniform(size=_POINTS), rng.uniform(size=_VALIDATION)
    y, y_validation = (
        _truth(points) + rng.normal(0, params.noise, len(points)) for points in (x, x_validation)
    )
    return Data(x, y, x_validation, y_validation)


def _truth(x: Floats) -> Floats:
    return np.asarray(np.sin(2 * np.pi * x) + 0.5 * np.sin(6 * np.pi * x))


def _gram(params: SelfDistillationParams, x: Floats, z: Floats) -> Floats:
    return np.asarray(np.exp(-(((x[:, None] - z) / params.length) ** 2) / 2))


def _distil(params: SelfDistillationParams, data: Data, penalty: float) -> Distilled:
    """Identities, best weights and test errors."""
    K = _gram(params, data.x, data.x)
    ridge = np.linalg.inv(K + penalty * np.eye(_POINTS))
    smoother = K @ ridge
    paths = {alpha: _path(smoother, data.y, alpha) for alpha in ALPHAS}
    size = np.linalg.norm(data.y)
    limits = [
        paths[alpha][-1] - K @ np.linalg.solve(K + penalty / alpha * np.eye(_POINTS), data.y)
        for alpha in ALPHAS
        if alpha > 0
    ]
    closed = [paths[alpha] - _closed_form(K, data.y, penalty, alpha) for alpha in ALPHAS]
    to_validation = _gram(params, data.x_validation, data.x) @ ridge
    to_test = _gram(params, _TEST, data.x) @ ridge
    alphas, cells, best = _best(params, data, smoother, to_validation)
    last = params.distillations - 1  # what the last distillation is fitted to
    targets: dict[Choice, Floats] = {
        "alpha = 0": paths[0.0][last],
        "alpha = 1": data.y,
        "best alpha": best,
    }
    return Distilled(
        limit_error=float(max(np.linalg.norm(error) for error in limits) / size),
        recursion_error=float(max(np.linalg.norm(e, axis=1).max() for e in closed) / size),
        norms={alpha: np.linalg.norm(path, axis=1) for alpha, path in paths.items()},
        alphas=alphas,
        cells=cells,
        test_error={
            choice: float(((to_test @ target - _truth(_TEST)) ** 2).mean())
            for choice, target in targets.items()
        },
    )


def _path(smoother: Floats, y: Floats, alpha: float) -> Floats:
    """Predictions at the training points by step, shape (steps, points)."""
    steps = [smoother @ y]
    for _ in range(_LONG - 1):
        steps.append(smoother @ (alpha * y + (1 - alpha) * steps[-1]))
    return np.array(steps)


def _closed_form(K: Floats, y: Floats, penalty: float, alpha: float) -> Floats:
    """The same by the eigenvalues of the kernel matrix, every step from the first."""
    values, vectors = np.linalg.eigh(K)
    s = values / (values + penalty)
    r = (1 - alpha) * s
    powers = r ** np.arange(_LONG)[:, None]
    factors = alpha * (1 - powers) / (1 - r) + powers
    return np.asarray((factors * s * (vectors.T @ y)) @ vectors.T)


def _best(
    params: SelfDistillationParams, data: Data, smoother: Floats, to_validation: Floats
) -> tuple[list[float], float, Floats]:
    """Distil with the best weights.

    Returns:
        The weights before they are cut, their largest distance from the best of the grid in its
        cells, and the target of the last distillation.
    """
    alphas, cells = [], [0.0]
    from_labels = to_validation @ data.y
    target = data.y
    for _ in range(params.distillations):
        fitted = smoother @ target
        from_fitted = to_validation @ fitted
        change, wanted = from_labels - from_fitted, data.y_validation - from_fitted
        alphas.append(float(change @ wanted / (change @ change)))
        if abs(alphas[-1]) <= _GRID[-1]:
            errors = ((_GRID[:, None] * change - wanted) ** 2).sum(axis=1)
            nearest = _GRID[errors.argmin()]
            cells.append(float(abs(alphas[-1] - nearest) / (_GRID[1] - _GRID[0])))
        weight = np.clip(alphas[-1], 0, 1)
        target = weight * data.y + (1 - weight) * fitted
    return alphas, max(cells), target


def _mean_error(found: Found, penalty: float, choice: Choice) -> float:
    return float(np.mean([item.test_error[choice] for item in found[penalty]]))


def _checks(found: Found) -> list[Check]:
    items = [item for by_data in found.values() for item in by_data]
    ratios = [
        _mean_error(found, penalty, "best alpha")
        / min(_mean_error(found, penalty, choice) for choice in CHOICES[:2])
        for penalty in found
    ]
    largest = max(found)
    gain = _mean_error(found, largest, "alpha = 0") / _mean_error(found, largest, "best alpha")
    at = f"lambda = {largest:g}"
    limit = max(item.limit_error for item in items)
    recursion = max(item.recursion_error for item in items)
    cells = max(item.cells for item in items)
    return [
        Check("test error relative to the better baseline, worst", max(ratios), "<=", 1.03),
        Check(f"test error of alpha = 0 relative to the best alpha, {at}", gain, ">=", 1.5),
        Check("identity: error of the limit, largest", limit, "<", 1e-8, claimed=False),
        Check("identity: error of the closed form, largest", recursion, "<", 1e-8, claimed=False),
        Check("identity: best alpha, cells from that of a grid", cells, "<=", 1, claimed=False),
    ]


def _metrics(found: Found) -> Iterator[Metric]:
    for penalty, items in found.items():
        label = f"lambda = {penalty:g}"
        for seed, item in enumerate(items):
            yield Metric(f"best alpha, first, {label}", item.alphas[0], seed=seed)
            for choice, error in item.test_error.items():
                yield Metric(f"test error, {choice}, {label}", error, seed=seed)
        for alpha in ALPHAS:
            norm = float(np.mean([item.norms[alpha][-1] for item in items]))
            yield Metric(f"norm after {_LONG} steps, alpha = {alpha:g}, {label}", norm)


def _table(found: Found) -> Table:
    rows = []
    for penalty, items in found.items():
        first = [item.alphas[0] for item in items]
        norms = [item.norms[0.0] for item in items]
        rows.append([
            penalty,
            *(_mean_error(found, penalty, choice) for choice in CHOICES),
            float(np.mean(np.clip(first, 0, 1))),
            float(np.mean([norm[0] for norm in norms])),
            float(np.mean([norm[-1] for norm in norms])),
        ])
    columns = ["lambda", *CHOICES, "first best alpha, cut", "norm of f_1", f"f_{_LONG}, alpha = 0"]
    return Table("Mean test error by choice of alpha; how self-distillation shrinks", columns, rows)


def _draw(figure: Figure, found: Found) -> None:
    left, right = figure.subplots(1, 2)
    shown = min(found, key=lambda penalty: abs(penalty - 0.2))
    steps = np.arange(1, _LONG + 1)
    for place, (alpha, style) in enumerate(zip(ALPHAS, (":", "--", "-.", "-"), strict=True)):
        mean = np.mean([item.norms[alpha] for item in found[shown]], axis=0)
        left.plot(steps, mean, style, color=f"C{place}", label=f"α = {alpha:g}")
    left.set(xscale="log", xlabel="step t", ylabel="norm of the predictions $f_t$")
    left.set_ylim(bottom=0)
    left.set_title(f"λ = {shown:g}", fontsize=10)
    left.legend(fontsize=8, title="weight of the true labels")
    penalties = list(found)
    for choice, marker, name in zip(
        CHOICES, "osD", ("α = 0, self-distillation", "α = 1, none", "best α"), strict=True
    ):
        errors = [_mean_error(found, penalty, choice) for penalty in penalties]
        right.plot(penalties, errors, marker=marker, fillstyle="none", label=name)
    right.set(xscale="log", xlabel="penalty λ", ylabel="mean squared test error")
    right.set_ylim(bottom=0)
    right.set_title(f"mean of {len(found[shown])} data sets", fontsize=10)
    right.legend(fontsize=8)
