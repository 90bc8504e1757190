r"""The structure of an arithmetic table, put to use, brings its sudden generalisation forward.

Claim: tables of arithmetic operations have the form of the Kolmogorov-Arnold theorem, an outer
function of a sum of inner ones; a network with that structure, with the commutative symmetry of
the table in its data, or with an embedding taken over from another operation passes from memory to
generalisation much earlier.

Formula: with an embedding :math:`E : \mathbb Z_p \to \mathbb R^{64}` and a network :math:`g` of one
hidden layer, a cell :math:`(a, b)` of the table has the logits :math:`g(E_a, E_b)`
(*concatenated*), or :math:`g(E_a + E_b)` (*summed*, the inner function :math:`E` and the outer
function :math:`g`). The latter is symmetric in :math:`a` and :math:`b` by construction.

Set-up: the table of :math:`a + b` modulo 29, a random 55 % of its cells to train on, cross-entropy,
full batch, AdamW with a decay of 1. Arms on :math:`a + b`: *concatenated*, the baseline;
*mirrored*, concatenated with each training cell :math:`(a, b)` joined by :math:`(b, a)`; *summed*.
Arms on :math:`a - b`, all concatenated and with the same cells: *scratch*, the baseline;
*transferred*, with the embedding of the trained *summed* network as first one; *memorised*, the
control, with its embedding of the moment when it had the training cells but not yet the rest. All
arms share the split, the first embedding and, where the shapes agree, the other first weights.

Measured: the first step, of every tenth, with 95 % of the *novel* cells right: those of which
neither the cell nor its mirror image is in the training set, or mirroring would give answers away.
Training goes on for 100 steps after that. A network that does not get there counts with all the
steps that it had. The claim held if the median steps of *summed* and *mirrored* are at most 0.7 of
*concatenated*, those of *transferred* at most 0.6 of *scratch* and below those of *memorised*. Our
own comparison, not claimed by the paper: whether the inner sum is faster than mirroring, or gains
from the built-in symmetry alone. The steps of the first task are not counted in the medians of the
transfer; the table adds them, and then little or nothing is saved.

Reference: Y. Park, M. Kim, Y. Kim, Acceleration of Grokking in Learning Arithmetic Operations via
Kolmogorov-Arnold Representation, Neurocomputing 640 (2025), arXiv 2405.16658.

Deviation: an embedding and one hidden layer in place of a transformer's decoder; bounds from
earlier trials with other seeds, in which the control took over the embedding after 30 steps. There
is no gain from every operation to every other: with :math:`ab` or :math:`a^2 + b^2` in place of
:math:`a - b`, whose tables are not those of the same group, the transfer saved nothing in trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray
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
from mathgloss.experiments._numerics import Adam, DenseNetwork, Floats, Integers, softmax

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cells = NDArray[np.bool_]
Singles = NDArray[np.float32]
Arm = Literal["concatenated", "mirrored", "summed", "scratch", "transferred", "memorised"]
Operation = Literal["a - b", "ab", "a² + b²"]

FIRST: Final[tuple[Arm, ...]] = ("concatenated", "mirrored", "summed")
SECOND: Final[tuple[Arm, ...]] = ("scratch", "transferred", "memorised")
_WIDTH: Final = 64  # of the embedding
_HIDDEN: Final = 128
_BETAS: Final = (0.9, 0.98)
_EVERY: Final = 10
_SOLVED: Final = 0.95
_FITTED: Final = 0.99
_AFTER: Final = 100
_STYLES: Final[Mapping[Arm, tuple[str, str]]] = {
    "concatenated": ("black", ":"),
    "mirrored": ("#e69f00", "--"),
    "summed": ("#0072b2", "-"),
    "scratch": ("black", ":"),
    "transferred": ("#0072b2", "-"),
    "memorised": ("#d55e00", "--"),
}


class KaParams(Params):
    """Table, split and training."""

    p: int = Field(29, ge=17, le=37, description="Modulus p of the tables")
    train_share: float = Field(0.55, ge=0.4, le=0.7, description="Share of cells to train on")
    second: Operation = Field("a - b", description="Operation to which the embedding is taken")
    rate: float = Field(0.01, ge=3e-3, le=2e-2, description="Learning rate of AdamW")
    decay: float = Field(1.0, ge=0.1, le=2, description="Weight decay of AdamW")
    steps: int = Field(2_500, ge=100, le=5_000, description="Steps of training, at most")
    repeats: int = Field(3, ge=1, le=10, description="Number of splits, with new networks each")


@dataclass(frozen=True, slots=True)
class Split:
    """Cells (a, b) of a table, number a p + b, and what all networks start from.

    Attributes:
        a, b: rows and columns of the cells as unit vectors, shape (cells, p).
        train: cells to train on.
        mirrored: their mirror images.
        embedding: the first one, shape (p, width).
        seed: of the other first weights.
    """

    a: Singles
    b: Singles
    train: Cells
    mirrored: Cells
    embedding: Singles
    seed: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What one training run gave.

    Attributes:
        accuracy: on the novel cells, at every tenth step from 0 on.
        solved: first step with nearly all novel cells right, if there was one.
        fitted: the same for the training cells.
        embedding: the last one.
        memorised: the one at the step ``fitted``.
    """

    accuracy: list[float]
    solved: int | None
    fitted: int | None
    embedding: Singles
    memorised: Singles


class EmbeddedNetwork:
    """A network on the embeddings of one or more points, one after the other.

    Args:
        points: number of points.
        start: the first embedding.
        seed: of the network's first weights.
    """

    def __init__(self, params: KaParams, points: int, start: Singles, seed: int) -> None:
        self.embedding = start.copy()
        self._points = points
        self._rate = params.rate
        self._network = DenseNetwork((points * _WIDTH, _HIDDEN, params.p), dtype=np.float32)
        self._network.draw(np.random.default_rng(seed))
        weights = (self._network.weights, self.embedding.reshape(-1))
        self._optimisers = [Adam(part, betas=_BETAS, decay=params.decay) for part in weights]

    def guess(self, units: Sequence[Singles]) -> Integers:
        """The most probable entry of each cell.

        Args:
            units: the points as unit vectors, or sums of them, shape (cells, p) each.
        """
        return np.asarray(self._network.forward(self._embed(units))[-1].argmax(axis=1))

    def step(self, units: Sequence[Singles], labels: Integers) -> None:
        """One step down the mean cross-entropy."""
        passed = self._network.forward(self._embed(units))
        share = softmax(passed[-1])
        share[np.arange(len(labels)), labels] -= 1
        slope = self._network.backward(passed, share / np.float32(len(labels)))
        parts = zip(units, np.hsplit(slope, self._points), strict=True)
        of_embedding = np.sum([vectors.T @ part for vectors, part in parts], axis=0)
        for optimiser, gradient in zip(
            self._optimisers, (self._network.slope, of_embedding.reshape(-1)), strict=True
        ):
            optimiser.step(gradient, self._rate)

    def _embed(self, units: Sequence[Singles]) -> Singles:
        return np.hstack([vectors @ self.embedding for vectors in units])


Runs = dict[Arm, list[Learned]]


def run(params: KaParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Train every arm on every split."""
    runs: Runs = {arm: [] for arm in (*FIRST, *SECOND)}
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        split = _draw_split(params, stream)
        for place, arm in enumerate(runs):
            done = (repeat + place / len(runs)) / params.repeats
            progress(done, f"split {repeat + 1}: {arm}")
            start = split.embedding
            if arm == "transferred":
                start = runs["summed"][-1].embedding
            elif arm == "memorised":
                start = runs["summed"][-1].memorised
            runs[arm].append(_learn(params, split, arm, start))
    return Outcome(
        metrics=list(_metrics(params, runs)),
        checks=_checks(params, runs),
        tables=[_table(params, runs)],
        draw=lambda figure: _draw(figure, params, runs),
    )


EXPERIMENT: Final = Experiment(
    id="ka-grokking-acceleration",
    title="Structure brings the sudden generalisation on arithmetic tables forward",
    paper="paper:acceleration-of-grokking-in-learning-arithmetic-operations-via-kolmogorov-arnold",
    about=("wd:Q319400", "wd:Q164307", "wd:Q165474"),
    uses=("wd:Q25099402", "wd:Q181296", "wd:Q1546924", "wd:Q12811862"),
    claim="Arithmetic tables are an outer function of a sum of inner ones, and a network with that "
    "structure, with data made symmetric by commutativity or with an embedding from another "
    "operation generalises suddenly much earlier.",
    params=KaParams,
    quick={"p": 17, "steps": 500, "repeats": 1},
    cost_s=25,
    reference="Y. Park, M. Kim, Y. Kim, Neurocomputing 640 (2025), arXiv 2405.16658",
    gives_up="One hidden layer and tables modulo 29 in place of a transformer's decoder.",
    not_tested=(
        "transformers",
        "composed operations and systems of equations",
        "the theorem itself, which is on continuous functions",
    ),
    falls_short="The inner sum was slower than mirrored training cells in all runs so far, so what "
    "it gains over concatenation may be the symmetry that is built into it.",
    run=run,
)


def _labels(p: int, operation: Operation | Literal["a + b"]) -> Integers:
    """The table, cell after cell."""
    a, b = np.divmod(np.arange(p * p), p)
    tables = {"a + b": a + b, "a - b": a - b, "ab": a * b, "a² + b²": a**2 + b**2}
    return np.asarray(tables[operation] % p)


def _draw_split(params: KaParams, rng: np.random.Generator) -> Split:
    p = params.p
    a, b = np.divmod(np.arange(p * p), p)
    unit = np.eye(p, dtype=np.float32)
    train = np.zeros(p * p, dtype=bool)
    train[rng.permutation(p * p)[: round(params.train_share * p * p)]] = True
    return Split(
        a=unit[a],
        b=unit[b],
        train=train,
        mirrored=train[b * p + a],
        embedding=rng.standard_normal((p, _WIDTH), np.float32) / np.float32(np.sqrt(_WIDTH)),
        seed=int(rng.integers(2**32)),
    )


def _learn(params: KaParams, split: Split, arm: Arm, start: Singles) -> Learned:
    """Train an embedding from this start and a network on it, until shortly after it is solved."""
    labels = _labels(params.p, "a + b" if arm in FIRST else params.second)
    train = split.train | split.mirrored if arm == "mirrored" else split.train
    novel = ~(split.train | split.mirrored)
    # the embedding of the sum of two unit vectors is the sum of their embeddings
    units = [split.a + split.b] if arm == "summed" else [split.a, split.b]
    batch = [vectors[train] for vectors in units]
    network = EmbeddedNetwork(params, len(units), start, split.seed)
    accuracy: list[float] = []
    solved = fitted = None
    memorised = network.embedding
    for step in range(params.steps + 1):
        if step % _EVERY == 0:
            right = network.guess(units) == labels
            accuracy.append(float(right[novel].mean()))
            if fitted is None and right[train].mean() >= _FITTED:
                fitted, memorised = step, network.embedding.copy()
            if solved is None and accuracy[-1] >= _SOLVED:
                solved = step
        if solved is not None and step == solved + _AFTER:
            break
        network.step(batch, labels[train])
    return Learned(accuracy, solved, fitted, network.embedding, memorised)


def _steps(params: KaParams, runs: Runs, arm: Arm) -> list[int]:
    """Until solved, on each split; all that there were if it never was."""
    return [params.steps if item.solved is None else item.solved for item in runs[arm]]


def _checks(params: KaParams, runs: Runs) -> list[Check]:
    median = {arm: float(np.median(_steps(params, runs, arm))) for arm in runs}

    def ratio(arm: Arm, base: Arm) -> tuple[str, float]:
        return f"median steps of {arm} relative to {base}", median[arm] / median[base]

    return [
        Check(*ratio("summed", "concatenated"), "<=", 0.7),
        Check(*ratio("mirrored", "concatenated"), "<=", 0.7),
        Check(*ratio("transferred", "scratch"), "<=", 0.6),
        Check(*ratio("transferred", "memorised"), "<", 1),
        Check(*ratio("summed", "mirrored"), "<", 1, claimed=False),
    ]


def _metrics(params: KaParams, runs: Runs) -> Iterator[Metric]:
    for arm, repeats in runs.items():
        for seed, (steps, learned) in enumerate(
            zip(_steps(params, runs, arm), repeats, strict=True)
        ):
            yield Metric(f"steps, {arm}", steps, "step", seed)
            yield Metric(f"last accuracy on novel cells, {arm}", learned.accuracy[-1], seed=seed)


def _table(params: KaParams, runs: Runs) -> Table:
    rows: list[list[str | float | None]] = []
    for arm, repeats in runs.items():
        steps = _steps(params, runs, arm)
        fitted = [item.fitted for item in repeats if item.fitted is not None]
        solved = sum(item.solved is not None for item in repeats)
        # what the embedding had cost before it was taken over
        before = {
            "transferred": [_EVERY * (len(item.accuracy) - 1) for item in runs["summed"]],
            "memorised": [item.fitted or params.steps for item in runs["summed"]],
        }.get(arm, [0] * len(steps))
        rows.append([
            "a + b" if arm in FIRST else params.second,
            arm,
            float(np.median(fitted)) if fitted else None,
            float(np.median(steps)),
            min(steps),
            max(steps),
            float(np.median(np.add(steps, before))),
            f"{solved} of {len(repeats)}",
        ])
    columns = [
        "operation",
        "arm",
        "training cells, median",
        "novel cells, median",
        "least",
        "most",
        "with the first task, median",
        "solved",
    ]
    return Table("Steps until the training cells and the novel cells are right", columns, rows)


def _draw(figure: Figure, params: KaParams, runs: Runs) -> None:
    titles = ("a + b", f"{params.second}, with first embeddings from a + b")
    for axes, arms, title in zip(
        figure.subplots(1, 2, sharey=True), (FIRST, SECOND), titles, strict=True
    ):
        for arm in arms:
            colour, line = _STYLES[arm]
            mean = _mean_curve(runs[arm])
            steps = _EVERY * np.arange(len(mean))
            axes.plot(steps[1:], mean[1:], line, color=colour, label=arm)
        axes.axhline(_SOLVED, color="0.7", linewidth=0.8)
        axes.set(xscale="log", xlabel="step")
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, 0.93))
    figure.axes[0].set_ylabel("share of novel cells that are right")
    figure.suptitle(f"tables modulo {params.p}, means over splits: {params.repeats}", fontsize=10)


def _mean_curve(repeats: Sequence[Learned]) -> Floats:
    """Mean accuracy by evaluation; a run that has ended stays where it was."""
    longest = max(len(item.accuracy) for item in repeats)
    padded = [np.pad(item.accuracy, (0, longest - len(item.accuracy)), "edge") for item in repeats]
    return np.asarray(np.mean(padded, axis=0))
