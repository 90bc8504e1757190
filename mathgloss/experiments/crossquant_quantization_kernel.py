r"""What is rounded to zero explains what quantised activations lose, and mixed scales restore it.

Claim: the accuracy lost by quantising activations comes from the entries that are not zero and
are rounded to zero (the paper's *quantization kernel*); scaling by a mix of row and column maxima
shrinks that set and restores the accuracy.

Formula: an entry :math:`x_{ij}` of the activations becomes :math:`s_{ij} \lfloor x_{ij} / s_{ij}
\rceil`, cut at :math:`\pm q` steps, :math:`q = 2^{b-1} - 1`. Per token :math:`s_{ij} = t_i / q`
with the row's largest absolute value :math:`t_i`; CrossQuant :math:`s_{ij} = t_i^\alpha
c_j^{1-\alpha} / q` with that of the column, :math:`c_j`, taken from the training data, and
:math:`\alpha = 0.15`. The set in question is the preimage of zero under rounding, less zero
itself. The paper calls it a kernel; rounding is not linear and the set no subspace, so this
experiment does not hang on the kernel of a linear map.

Set-up: scikit-learn's handwritten digits, a ReLU network 64-128-128-10. Outliers as large language
models have them are made without changing the function: 5 % of the hidden units are multiplied by
:math:`c` and what they feed is divided by it. The activations of both hidden layers are quantised.
Probes for the cause: *zeroed alone* sets the entries of that set to zero and keeps everything else
exact; *all but zeroed* quantises everything else and keeps them exact. Baseline: per-token scales,
with as many bits.

Measured: test accuracy and the share of hidden activations that are rounded to zero. The claim
held if, at the largest :math:`c` and in the worst repetition, zeroing alone loses what per-token
scales lose, quantising all but those entries loses little, and CrossQuant restores the accuracy
with a tenth of the share. At smaller :math:`c` the little that is lost may come from the ordinary
rounding of the other entries; the table shows how much each probe explains.

Reference: W. Liu, X. Ma, P. Zhang, Y. Wang, CrossQuant: A Post-Training Quantization Method with
Smaller Quantization Kernel for Precise Large Language Model Compression, arXiv 2410.07505.

Deviation: a small network with made outliers in place of language models and their perplexity;
weights are not quantised; bounds from earlier trials with other seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

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
from mathgloss.experiments._numerics import DigitsNetwork, Floats, train_on_digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Method = Literal["exact", "per token", "CrossQuant", "zeroed alone", "all but zeroed"]

METHODS: Final[tuple[Method, ...]] = (
    "exact",
    "per token",
    "CrossQuant",
    "zeroed alone",
    "all but zeroed",
)
_HIDDEN: Final = (128, 128)
_TEST_SHARE: Final = 0.4


class CrossQuantParams(Params):
    """Outliers, quantisation and network."""

    factors: Annotated[tuple[Annotated[float, Field(ge=1, le=1_000)], ...], RISING] = Field(
        (1, 10, 30, 100, 300),
        min_length=1,
        max_length=10,
        description="Factors c of the outlier units, rising; the checks look at the last",
    )
    outlier_share: float = Field(
        0.05, ge=0.01, le=0.5, description="Share of hidden units that are outliers"
    )
    alpha: float = Field(
        0.15, ge=0.0, le=1.0, description="Weight of the row in CrossQuant; 0: column, 1: row"
    )
    bits: int = Field(8, ge=4, le=8, description="Bits of a quantised activation")
    training_passes: int = Field(300, ge=5, le=500, description="Passes over the training digits")
    repeats: int = Field(3, ge=1, le=10, description="Number of networks")


@dataclass(frozen=True, slots=True)
class Loss:
    """One network at one factor.

    Attributes:
        accuracy: by method.
        zeroed: share of hidden activations that are rounded to zero, by method.
    """

    factor: float
    accuracy: dict[Method, float]
    zeroed: dict[Method, float]


def run(params: CrossQuantParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Train networks; quantise each with outliers of every factor."""
    losses: list[list[Loss]] = []
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(repeat / params.repeats, f"network {repeat + 1}: training")
        network = train_on_digits(_HIDDEN, params.training_passes, _TEST_SHARE, stream)
        units = [
            stream.choice(size, round(params.outlier_share * size), replace=False)
            for size in _HIDDEN
        ]
        progress((repeat + 0.9) / params.repeats, f"network {repeat + 1}: quantising")
        losses.append([
            _lose(params, _with_outliers(network, units, factor), factor)
            for factor in params.factors
        ])
    return Outcome(
        metrics=list(_metrics(losses)),
        checks=_checks(losses),
        tables=[_table(losses)],
        draw=lambda figure: _draw(figure, params, losses),
    )


EXPERIMENT: Final = Experiment(
    id="crossquant-quantization-kernel",
    title="What is rounded to zero explains the loss of quantised activations",
    paper="paper:crossquant-a-post-training-quantization-method-with-smaller-quantization-kernel",
    about=(
        "mathgloss:quantization-kernel",
        "mathgloss:neural-network-quantization",
        "wd:Q663208",
        "wd:Q5637899",
    ),
    uses=("wd:Q120812", "wd:Q214604"),
    claim="The accuracy lost by quantising activations comes from the non-zero entries that are "
    "rounded to zero; scaling by a mix of row and column maxima shrinks that set and restores it.",
    params=CrossQuantParams,
    quick={"factors": (10, 300), "repeats": 1, "training_passes": 30},
    cost_s=10,
    packages=("scikit-learn",),
    reference="W. Liu, X. Ma, P. Zhang, Y. Wang, arXiv 2410.07505",
    gives_up="A network of 128 hidden units with made outliers in place of language models.",
    not_tested=("perplexity of language models", "the paper's thresholds of 19 % and 1 %"),
    run=run,
)


def _with_outliers(
    network: DigitsNetwork, units: Sequence[NDArray[np.int64]], factor: float
) -> DigitsNetwork:
    """The same function, some of whose hidden units are larger by a factor."""
    weights = [matrix.copy() for matrix in network.weights]
    biases = [vector.copy() for vector in network.biases]
    for layer, chosen in enumerate(units):
        weights[layer][:, chosen] *= factor
        biases[layer][chosen] *= factor
        weights[layer + 1][chosen] /= factor
    return DigitsNetwork(weights, biases, network.train, network.test, network.truth)


def _lose(params: CrossQuantParams, network: DigitsNetwork, factor: float) -> Loss:
    """What each method makes of the test digits."""
    found = {method: _test(params, network, method) for method in METHODS}
    return Loss(
        factor=factor,
        accuracy={method: accuracy for method, (accuracy, _) in found.items()},
        zeroed={method: share for method, (_, share) in found.items()},
    )


def _test(params: CrossQuantParams, network: DigitsNetwork, method: Method) -> tuple[float, float]:
    """Test accuracy, and the share of hidden activations that the method's scales zero."""
    *hidden, (last_weights, last_biases) = zip(network.weights, network.biases, strict=True)
    columns = _column_maxima(network)
    x, shares = network.test, []
    for layer, (weights, biases) in enumerate(hidden):
        x = np.maximum(x @ weights + biases, 0)
        rounded = _rounded(params, x, columns[layer] if method == "CrossQuant" else None)
        zeroed = (x != 0) & (rounded == 0)
        shares.append(zeroed.mean())
        if method in {"per token", "CrossQuant"}:
            x = rounded
        elif method == "zeroed alone":
            x = np.where(zeroed, 0.0, x)
        elif method == "all but zeroed":
            x = np.where(zeroed, x, rounded)
    guess = (x @ last_weights + last_biases).argmax(axis=1)
    return float((guess == network.truth).mean()), float(np.mean(shares))


def _column_maxima(network: DigitsNetwork) -> list[Floats]:
    """Largest activation of each hidden unit over the training digits, by layer."""
    found, x = [], network.train
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        x = np.maximum(x @ weights + biases, 0)
        found.append(x.max(axis=0))
    return found


def _rounded(params: CrossQuantParams, x: Floats, columns: Floats | None) -> Floats:
    """Activations rounded to the steps of their scales; per token if there are no columns."""
    steps = 2 ** (params.bits - 1) - 1
    scale = x.max(axis=1, keepdims=True)
    if columns is not None:
        scale = scale**params.alpha * columns ** (1 - params.alpha)
    # a row or a unit that is never active stays zero with any scale
    scale = np.where(scale > 0, scale, 1.0) / steps
    return np.asarray(np.clip(np.round(x / scale), -steps, steps) * scale)


def _checks(losses: list[list[Loss]]) -> list[Check]:
    hardest = [by_factor[-1] for by_factor in losses]
    at = f"at c = {hardest[0].factor:g}, worst network"

    def worst(first: Method, second: Method) -> list[float]:
        return [loss.accuracy[first] - loss.accuracy[second] for loss in hardest]

    apart = max(map(abs, worst("zeroed alone", "per token")))
    lost = max(worst("exact", "all but zeroed"))
    gained = min(worst("CrossQuant", "per token"))
    shrunk = max(loss.zeroed["CrossQuant"] / loss.zeroed["per token"] for loss in hardest)
    return [
        Check(f"accuracy of zeroing alone apart from that per token, {at}", apart, "<=", 0.05),
        Check(f"accuracy lost by rounding all but the zeroed entries, {at}", lost, "<=", 0.03),
        Check(f"accuracy gained by CrossQuant over per token, {at}", gained, ">=", 0.2),
        Check(f"share zeroed by CrossQuant relative to per token, {at}", shrunk, "<", 0.1),
    ]


def _metrics(losses: list[list[Loss]]) -> Iterator[Metric]:
    for seed, by_factor in enumerate(losses):
        for loss in by_factor:
            for method in METHODS:
                name = f"accuracy, c = {loss.factor:g}, {method}"
                yield Metric(name, loss.accuracy[method], seed=seed)
            for method in ("per token", "CrossQuant"):
                name = f"share zeroed, c = {loss.factor:g}, {method}"
                yield Metric(name, loss.zeroed[method], seed=seed)


def _table(losses: list[list[Loss]]) -> Table:
    """Means over the networks, one row for each factor."""
    rows: list[list[float]] = []
    for same_factor in zip(*losses, strict=True):
        accuracy = [float(np.mean([loss.accuracy[m] for loss in same_factor])) for m in METHODS]
        zeroed = [
            float(np.mean([loss.zeroed[m] for loss in same_factor]))
            for m in ("per token", "CrossQuant")
        ]
        rows.append([same_factor[0].factor, *accuracy, *zeroed])
    columns = ["c", *METHODS, "zeroed, per token", "zeroed, CrossQuant"]
    return Table("Mean test accuracy by method, and share of activations zeroed", columns, rows)


def _draw(figure: Figure, params: CrossQuantParams, losses: list[list[Loss]]) -> None:
    accuracy, zeroed = figure.subplots(1, 2)
    by_factor = list(zip(*losses, strict=True))
    for place, (method, marker) in enumerate(zip(METHODS, "_osxD", strict=True)):
        style = {"color": f"C{place}", "marker": marker, "fillstyle": "none", "linewidth": 1}
        means = [np.mean([loss.accuracy[method] for loss in losses]) for losses in by_factor]
        accuracy.plot(params.factors, means, label=method, markersize=11 - place, **style)
        if method in {"per token", "CrossQuant"}:
            shares = [np.mean([loss.zeroed[method] for loss in losses]) for losses in by_factor]
            zeroed.plot(params.factors, shares, label=method, **style)
    accuracy.set(ylabel="test accuracy", ylim=(0, 1.05))
    zeroed.set(yscale="log", ylabel="share of activations rounded to zero")
    for axes in (accuracy, zeroed):
        axes.set(xscale="log", xlabel="factor c of the outlier units")
        axes.legend(fontsize=8)
    figure.suptitle(f"Means of {len(losses)} networks", fontsize=10)
