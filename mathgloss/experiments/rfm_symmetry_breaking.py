r"""Feature-learning kernels complete the table of a cyclic group only once its symmetry is broken.

Claim: a kernel machine that learns its metric (a recursive feature machine) extends the table of
an abelian group to unseen cells only if the set of training cells is not itself invariant under
the group action that keeps the label, or a subgroup of it; what it learns is that action.

Formula: with :math:`K(x, z) = (x^\top M z)^2` and :math:`f` the kernel ridge regression, each
iteration replaces :math:`M` by the square root of the average gradient outer product,
:math:`M \leftarrow G^{1/2}`, :math:`G = \frac1N \sum_i \nabla f(x_i)\,\nabla f(x_i)^\top`, scaled
to a largest entry of 1. With :math:`P = X M X^\top` and coefficients :math:`\alpha`,
:math:`G = \frac4N M X^\top [(\alpha\alpha^\top) \circ (P^\top P)]\, X M`.

Set-up: :math:`\mathbb Z_n`, inputs :math:`(e_a, e_b)`, targets :math:`e_{a+b}`. The subgroup
:math:`H` of order :math:`h` acts by :math:`(a, b) \mapsto (a + g, b - g)`, which keeps the label.
The training cells are a random share of the orbits of :math:`H`. Three arms: *invariant* (these
cells), *broken* (after deleting a few of them at random: fewer data, the same test cells) and
*swapped* (as many, a few exchanged for test cells, scored on the rest). :math:`h = 1` is a plain
random split. Baseline: iteration 0, the same machine without feature learning.

Measured: test accuracy by iteration, and how circulant the learned metric is: the share of the
block of :math:`M` between :math:`a` and :math:`b` that depends on :math:`b - a` alone. The claim
held if the mean accuracy over the repetitions is low when invariant, for the odd orders above 1 and
for the even ones, and high when broken, for the odd ones, if plain random splits are solved, and if
nothing is solved at iteration 0. Our own addition, not claimed by the paper: if the training set is
invariant, so is :math:`M` at every iteration, so its mean diagonal pattern has no weight on the
characters that are not trivial on :math:`2H = \{2g : g \in H\}`, an identity. That predicts that
:math:`h = 2`, where :math:`2H` is trivial, is no trap, against the claim.

Reference: M. T. Bernal, N. R. Mallinar, M. Belkin, arXiv 2604.00316.

Deviation: one group of order 30 in place of primes from 61 to 97, one operation, no neural nets;
bounds from earlier trials with other seeds, that for even orders taken over from odd ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mathgloss.experiments._contract import (
    DISTINCT,
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

Cells = NDArray[np.bool_]
Arm = Literal["invariant", "broken", "swapped"]

ARMS: Final[tuple[Arm, ...]] = ("invariant", "broken", "swapped")


class RfmParams(Params):
    """Group, split and kernel machine."""

    n: int = Field(30, ge=12, le=36, description="Order of the cyclic group")
    orders: Annotated[tuple[int, ...], DISTINCT] = Field(
        (1, 2, 3, 5, 6),
        min_length=2,
        max_length=9,
        description="Orders of the subgroups under which the training set is invariant; "
        "divisors of n, with 1 and at least one odd order above 1 among them",
    )
    train_share: float = Field(0.7, ge=0.5, le=0.85, description="Share of orbits to train on")
    removed_share: float = Field(
        0.05, ge=0.0, le=0.2, description="Share of training cells removed or exchanged"
    )
    iterations: int = Field(25, ge=1, le=60, description="Number of metrics learned in turn")
    ridge: float = Field(1e-3, ge=1e-6, le=1e-2, description="Ridge of the kernel regression")
    repeats: int = Field(3, ge=1, le=10, description="Number of random splits")

    @model_validator(mode="after")
    def _orders_fit(self) -> RfmParams:
        wrong = [order for order in self.orders if order < 1 or self.n % order]
        if wrong or 1 not in self.orders or not _odd_above_one(self.orders):
            raise ValueError(
                f"expected orders that divide n = {self.n}, with 1 and an odd one above 1, "
                f"got {list(self.orders)}"
            )
        return self


@dataclass(frozen=True, slots=True)
class Learned:
    """What one training run gave.

    Attributes:
        accuracy: on the test cells, by iteration; the first without feature learning.
        block: the block of the metric between the two summands, shape (n, n).
    """

    accuracy: Floats
    block: Floats


Runs = dict[tuple[int, Arm], list[Learned]]


def run(params: RfmParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Train every arm at every order, on every random split."""
    runs: Runs = {(order, arm): [] for order in params.orders for arm in ARMS}
    total = params.repeats * len(params.orders)
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        for place, order in enumerate(params.orders):
            done = repeat * len(params.orders) + place
            progress(done / total, f"split {repeat + 1}, subgroup of order {order}")
            for arm, (train, test) in _splits(params, order, stream).items():
                runs[order, arm].append(_learn(params, train, test))
    return Outcome(
        metrics=_metrics(runs),
        checks=_checks(params, runs),
        tables=[_table(params, runs)],
        draw=lambda figure: _draw(figure, params, runs),
    )


EXPERIMENT: Final = Experiment(
    id="rfm-symmetry-breaking",
    title="Breaking the symmetry of a group table lets a feature-learning kernel complete it",
    paper="paper:breaking-data-symmetry-is-needed-for-generalization-in-feature-learning-kernels",
    about=("wd:Q181296", "wd:Q245462", "wd:Q288465", "wd:Q620622"),
    uses=("wd:Q466109", "wd:Q245457", "wd:Q173582"),
    claim="A kernel machine that learns its metric extends a cyclic group's table to unseen cells "
    "only if the training cells are not invariant under the group action that keeps the label, or "
    "a subgroup of it above order 1.",
    params=RfmParams,
    quick={"orders": (1, 2, 3), "repeats": 1, "iterations": 13},
    cost_s=25,
    reference="M. T. Bernal, N. R. Mallinar, M. Belkin, arXiv 2604.00316",
    gives_up="One cyclic group of order 30 in place of primes up to 97; addition alone.",
    not_tested=("groups that are not cyclic", "the paper's other tables", "neural networks"),
    falls_short="Invariance under the subgroup of order 2 is no trap: such training sets are "
    "completed nearly always (0.98), no worse than after the symmetry is broken. Our own identity "
    "foretells it: what invariance takes from the metric hangs on the doubled elements of the "
    "subgroup alone, and those of order 2 double to zero.",
    run=run,
)


def _odd_above_one(orders: tuple[int, ...]) -> list[int]:
    return [order for order in orders if order > 1 and order % 2 == 1]


def _splits(
    params: RfmParams, order: int, rng: np.random.Generator
) -> dict[Arm, tuple[Cells, Cells]]:
    """Training and test cells of each arm, shape (n * n,); cell (a, b) is number a * n + b."""
    n = params.n
    a, b = np.divmod(np.arange(n * n), n)
    step = n // order  # a generator of the subgroup
    _, orbit = np.unique((a + b) % n * step + a % step, return_inverse=True)
    orbits = rng.permutation(orbit.max() + 1)
    chosen = orbits[: round(params.train_share * len(orbits))]
    train = np.isin(orbit, chosen)
    test = ~train
    count = round(params.removed_share * train.sum())
    removed = rng.choice(np.flatnonzero(train), count, replace=False)
    added = rng.choice(np.flatnonzero(test), count, replace=False)
    broken = train.copy()
    broken[removed] = False
    swapped, rest = broken.copy(), test.copy()
    swapped[added], rest[added] = True, False
    return {"invariant": (train, test), "broken": (broken, test), "swapped": (swapped, rest)}


def _learn(params: RfmParams, train: Cells, test: Cells) -> Learned:
    """The recursive feature machine, from the metric that treats all coordinates alike."""
    n = params.n
    a, b = np.divmod(np.arange(n * n), n)
    points = np.hstack([np.eye(n)[a], np.eye(n)[b]])
    labels = (a + b) % n
    X, Y = points[train], np.eye(n)[labels[train]]
    Z, truth = points[test], labels[test]
    M = np.eye(2 * n)
    accuracy = []
    for step in range(params.iterations + 1):
        P = X @ M @ X.T
        alpha = np.linalg.solve(P**2 + params.ridge * np.eye(len(X)), Y)
        guess = ((Z @ M @ X.T) ** 2 @ alpha).argmax(axis=1)
        accuracy.append(float((guess == truth).mean()))
        if step < params.iterations:
            XM = X @ M
            # P^T P is X (M X^T X M) X^T, much cheaper in this order
            weights = (alpha @ alpha.T) * (X @ (XM.T @ XM) @ X.T)
            M = _square_root(4 / len(X) * XM.T @ weights @ XM)
            M /= M.max()
    return Learned(np.array(accuracy), M[:n, n:])


def _square_root(G: Floats) -> Floats:
    """The square root of a positive semidefinite matrix; what rounding made negative is cut."""
    values, vectors = np.linalg.eigh((G + G.T) / 2)
    root: Floats = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


def _diagonal_pattern(block: Floats) -> Floats:
    """Mean over the entries with the same b - a, by b - a, with its own mean removed."""
    n = len(block)
    rows = np.arange(n)
    pattern: Floats = np.array([block[rows, (rows + d) % n].mean() for d in range(n)])
    return np.asarray(pattern - pattern.mean())


def _circulant_share(block: Floats) -> float:
    """Share of the block's variance that a circulant matrix explains, in [0, 1]."""
    pattern = _diagonal_pattern(block)
    return float(len(block) * (pattern**2).sum() / ((block - block.mean()) ** 2).sum())


def _leakage(block: Floats, order: int) -> float:
    """Share of the pattern's energy on characters that are not trivial on 2H, in [0, 1]."""
    n = len(block)
    energy = np.abs(np.fft.fft(_diagonal_pattern(block))) ** 2
    outside = np.arange(n) * (2 * n // order) % n != 0
    return float(energy[outside].sum() / energy.sum())


def _mean_accuracy(runs: Runs, order: int, arm: Arm) -> float:
    return float(np.mean([learned.accuracy[-1] for learned in runs[order, arm]]))


def _metrics(runs: Runs) -> list[Metric]:
    found = []
    for (order, arm), repeats in runs.items():
        for seed, learned in enumerate(repeats):
            accuracy = float(learned.accuracy[-1])
            found.append(Metric(f"test accuracy, h = {order}, {arm}", accuracy, seed=seed))
            share = _circulant_share(learned.block)
            found.append(Metric(f"circulant share, h = {order}, {arm}", share, seed=seed))
    return found


def _checks(params: RfmParams, runs: Runs) -> list[Check]:
    odd = _odd_above_one(params.orders)
    even = [order for order in params.orders if order % 2 == 0]
    trapped = [_mean_accuracy(runs, order, "invariant") for order in odd]
    broken = [_mean_accuracy(runs, order, "broken") for order in odd]
    gains = [high - low for high, low in zip(broken, trapped, strict=True)]
    start = max(learned.accuracy[0] for repeats in runs.values() for learned in repeats)
    leaks = [_leakage(item.block, order) for order in odd for item in runs[order, "invariant"]]
    plain = _mean_accuracy(runs, 1, "invariant")
    orders = ", ".join(map(str, odd))
    low = "accuracy of invariant training sets, worst of h ="
    checks = [Check(f"{low} {orders}", max(trapped), "<=", 0.15)]
    if even:
        highest = max(_mean_accuracy(runs, order, "invariant") for order in even)
        checks.append(Check(f"{low} {', '.join(map(str, even))}", highest, "<=", 0.15))
    return [
        *checks,
        Check(f"accuracy of broken training sets, worst of h = {orders}", min(broken), ">=", 0.75),
        Check(f"gain from breaking the symmetry, worst of h = {orders}", min(gains), ">=", 0.6),
        Check("accuracy on a plain random split (h = 1)", plain, ">=", 0.9),
        Check("accuracy without feature learning, best of all", float(start), "<=", 0.05),
        Check(
            "identity: no energy on characters not trivial on 2H, invariant sets",
            max(leaks),
            "<",
            1e-12,
            claimed=False,
        ),
    ]


def _table(params: RfmParams, runs: Runs) -> Table:
    columns = ["h", "order of 2H", *ARMS, "circulant share, invariant", "circulant share, broken"]
    rows: list[list[float | int]] = []
    for order in params.orders:
        shares = [
            float(np.mean([_circulant_share(learned.block) for learned in runs[order, arm]]))
            for arm in ARMS[:2]
        ]
        accuracies = [_mean_accuracy(runs, order, arm) for arm in ARMS]
        doubled = order // 2 if order % 2 == 0 else order
        rows.append([order, doubled, *accuracies, *shares])
    return Table(
        "Mean test accuracy by arm, and how circulant the learned metric is", columns, rows
    )


def _draw(figure: Figure, params: RfmParams, runs: Runs) -> None:
    curves, invariant, broken = figure.subplots(1, 3, width_ratios=[1.7, 1, 1])
    for place, order in enumerate(params.orders):
        for arm, style in zip(ARMS[:2], ("-", "--"), strict=True):
            mean = np.mean([learned.accuracy for learned in runs[order, arm]], axis=0)
            label = f"h = {order}" if arm == "invariant" else None
            curves.plot(mean, style, color=f"C{place}", label=label)
    curves.set(xlabel="iteration", ylabel="accuracy on unseen cells", ylim=(-0.03, 1.03))
    curves.set_title("solid: invariant, dashed: symmetry broken", fontsize=10)
    curves.legend(title="subgroup", fontsize=8)
    shown = _odd_above_one(params.orders)[0]
    for axes, arm in zip((invariant, broken), ARMS[:2], strict=True):
        axes.imshow(runs[shown, arm][0].block, cmap="viridis", interpolation="nearest")
        axes.set(title=f"metric, h = {shown}, {arm}", xlabel="b", ylabel="a")
        axes.title.set_fontsize(10)
