r"""A network is a convergent series of networks of very few bits, summed in any order.

Claim: a network equals a convergent sum of networks of the same shape with weights and activations
of very few bits; it needs no data for calibration, and since the terms live in an abelian group
they can be computed in any order or side by side.

Formula: with :math:`b` bits and :math:`q = 2^{b-1} - 1`, each column of a weight matrix starts
from :math:`R_1 = W`, :math:`s_1 = \max |W| / q`; then
:math:`Q_k = \lfloor R_k / s_k \rceil`, cut at :math:`\pm q`, :math:`R_{k+1} = R_k - s_k Q_k` and
:math:`s_{k+1} = s_k / 2q`, so that :math:`W \approx \sum_{k \le t} s_k Q_k` with an error that
falls by :math:`2q` with every term. Rows of activations alike. The sum is taken in every layer,
before the nonlinearity; the paper calls this addition of models *AbelianAdd*.

Set-up: scikit-learn's handwritten digits, a ReLU network 64-64-64-10, :math:`b = 2, 3, 4`, up to
:math:`t` terms. Baselines: one rounding to :math:`b` bits, which is :math:`t = 1`; *one quantiser*
with as many bits in all as the :math:`t` terms have; and the *sum of outputs* of :math:`t`
networks, each with its own nonlinearities and a share of the biases. For the order of the terms:
the accumulators of the first layer as integers on the scale of the last term, added in all
:math:`t!` orders, and in single precision for comparison. For the group: random triples under
exact, wrapping (mod 16), saturating 4-bit and single-precision addition.

Measured: the slope of the logarithm of the relative weight error by terms, test accuracy, orders
that give other bits, triples that violate a law. The claim held if the slope is
:math:`-\log_2 2q`, if three terms of 3 bits are as accurate as the network itself, if the terms of
2 bits make good what one of them loses, and if the sum of outputs does not. That all orders give
the same bits is an identity, since integers are an abelian group; it verifies the code and does not
touch the verdict. Our own addition: integers that saturate, as some hardware has them, are no
group. That the series beats one quantiser of as many bits is not claimed; with 2 bits it does not,
as the table shows.

Reference: B. Zhang, D. Cheng, Y. Zhang, F. Liu, FP=xINT: A Low-Bit Series Expansion Algorithm for
Post-Training Quantization, arXiv 2412.06865.

Deviation: a small network and digits in place of ResNet and ImageNet; biases are not expanded;
bounds from earlier trials with other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final, TypeAlias

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
from mathgloss.experiments._numerics import (
    DigitsNetwork,
    Floats,
    Integers,
    train_on_digits,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers: TypeAlias = NDArray[np.number[Any]]
Addition: TypeAlias = Callable[[Any, Any], Any]

BITS: Final = (2, 3, 4)
_HIDDEN: Final = (64, 64)
_TEST_SHARE: Final = 0.4
_TRIPLES: Final = 100_000


class SeriesParams(Params):
    """Series and network."""

    terms: int = Field(5, ge=3, le=6, description="Largest number of terms t of a series")
    activations: bool = Field(True, description="Whether activations are expanded too")
    training_passes: int = Field(300, ge=5, le=500, description="Passes over the training digits")
    repeats: int = Field(3, ge=1, le=10, description="Number of networks")


@dataclass(frozen=True, slots=True)
class Expanded:
    """One network by number of bits; arrays by number of terms, from 1.

    Attributes:
        error: of the weights, relative, shape (terms,).
        series: test accuracy of the series.
        single: test accuracy of one quantiser with as many bits in all.
        outputs: test accuracy of the sum of outputs.
    """

    error: Floats
    series: Floats
    single: Floats
    outputs: Floats


@dataclass(frozen=True, slots=True)
class Repetition:
    """Everything measured on one network.

    Attributes:
        exact: its own test accuracy.
        orders: number of orders of the terms.
        other: by arithmetic, how many of them give other bits than the first.
        violations: by addition, shares of triples that are not associative, not commutative.
    """

    exact: float
    expanded: dict[int, Expanded]
    orders: int
    other: dict[str, int]
    violations: dict[str, tuple[float, float]]


def run(params: SeriesParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Train each network and expand it with every number of bits."""
    found = []
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(repeat / params.repeats, f"network {repeat + 1}: training")
        network = train_on_digits(_HIDDEN, params.training_passes, _TEST_SHARE, stream)
        progress((repeat + 0.5) / params.repeats, f"network {repeat + 1}: expanding")
        orders, other = _reorder(network, params.terms)
        found.append(
            Repetition(
                exact=_accuracy(network, _forward(network, network.weights, network.biases)),
                expanded={bits: _expand(params, network, bits) for bits in BITS},
                orders=orders,
                other=other,
                violations=_violations(stream),
            )
        )
    return Outcome(
        metrics=list(_metrics(found)),
        checks=_checks(params, found),
        tables=[_accuracy_table(params, found), _law_table(found)],
        draw=lambda figure: _draw(figure, params, found),
    )


EXPERIMENT: Final = Experiment(
    id="fpxint-abelian-series",
    title="A network as a series of 2-bit networks, summed in any order",
    paper="paper:fp-xint-a-low-bit-series-expansion-algorithm-for-post-training-quantization",
    about=(
        "wd:Q181296",
        "wd:Q170198",
        "wd:Q1783502",
        "wd:Q663208",
        "mathgloss:neural-network-quantization",
    ),
    uses=("wd:Q165474", "wd:Q177251"),
    claim="A network equals a convergent sum of networks of the same shape and very few bits, "
    "without calibration data, and as the terms live in an abelian group they can be computed in "
    "any order.",
    params=SeriesParams,
    quick={"repeats": 1, "training_passes": 60},
    cost_s=10,
    packages=("scikit-learn",),
    reference="B. Zhang, D. Cheng, Y. Zhang, F. Liu, arXiv 2412.06865",
    gives_up="A network of 64 hidden units on digits in place of ResNet on ImageNet.",
    not_tested=("accuracy above that of the network itself", "the speed of terms side by side"),
    run=run,
)


def _series(matrix: Floats, bits: int, terms: int, axis: int) -> tuple[Integers, Floats]:
    """Expand a matrix with one scale for each of its columns (axis 0) or rows (axis 1).

    Returns:
        The integers Q_k, shape (terms, rows, columns), and the scales s_k, which broadcast
        against them.
    """
    q = 2 ** (bits - 1) - 1
    largest = np.abs(matrix).max(axis=axis, keepdims=True)
    # a unit that is never active stays zero with any scale
    scale = np.where(largest > 0, largest, 1.0) / q
    rest, integers, scales = matrix, [], []
    for _ in range(terms):
        integers.append(np.clip(np.rint(rest / scale), -q, q).astype(np.int64))
        scales.append(scale)
        rest = rest - scale * integers[-1]
        scale = scale / (2 * q)
    return np.array(integers), np.array(scales)


def _sum(matrix: Floats, bits: int, terms: int, axis: int) -> Floats:
    integers, scales = _series(matrix, bits, terms, axis)
    return np.asarray((scales * integers).sum(axis=0))


def _forward(
    network: DigitsNetwork,
    weights: Sequence[Floats],
    biases: Sequence[Floats],
    rounded: Callable[[Floats], Floats] = lambda x: x,
) -> Floats:
    """Outputs for the test digits, shape (digits, 10); activations are rounded in every layer."""
    x = network.test
    for layer, (matrix, bias) in enumerate(zip(weights, biases, strict=True)):
        x = rounded(np.maximum(x, 0) if layer else x) @ matrix + bias
    return x


def _accuracy(network: DigitsNetwork, outputs: Floats) -> float:
    return float((outputs.argmax(axis=1) == network.truth).mean())


def _expand(params: SeriesParams, network: DigitsNetwork, bits: int) -> Expanded:
    """The series and its baselines, for every number of terms."""
    counts = range(1, params.terms + 1)
    return Expanded(
        error=np.array([_weight_error(network, bits, terms) for terms in counts]),
        series=np.array([_quantised(params, network, bits, terms) for terms in counts]),
        single=np.array([_quantised(params, network, bits * terms, 1) for terms in counts]),
        outputs=np.array([_sum_of_outputs(params, network, bits, terms) for terms in counts]),
    )


def _weight_error(network: DigitsNetwork, bits: int, terms: int) -> float:
    """Norm of the error of all weights relative to theirs."""
    whole = np.concatenate([W.ravel() for W in network.weights])
    sums = np.concatenate([_sum(W, bits, terms, axis=0).ravel() for W in network.weights])
    return float(np.linalg.norm(whole - sums) / np.linalg.norm(whole))


def _quantised(params: SeriesParams, network: DigitsNetwork, bits: int, terms: int) -> float:
    """Test accuracy with sums of series in place of weights and activations."""
    weights = [_sum(W, bits, terms, axis=0) for W in network.weights]
    rounded = _activations(params, bits, terms)
    return _accuracy(network, _forward(network, weights, network.biases, rounded))


def _activations(params: SeriesParams, bits: int, terms: int) -> Callable[[Floats], Floats]:
    return lambda x: _sum(x, bits, terms, axis=1) if params.activations else x


def _sum_of_outputs(params: SeriesParams, network: DigitsNetwork, bits: int, terms: int) -> float:
    """Test accuracy of the summed outputs of one network for each term."""
    series = [_series(W, bits, terms, axis=0) for W in network.weights]
    biases = [bias / terms for bias in network.biases]
    rounded = _activations(params, bits, terms)
    outputs = np.zeros((len(network.test), len(biases[-1])))
    for k in range(terms):
        weights = [scales[k] * integers[k] for integers, scales in series]
        outputs += _forward(network, weights, biases, rounded)
    return _accuracy(network, outputs)


def _reorder(network: DigitsNetwork, terms: int) -> tuple[int, dict[str, int]]:
    """Add the first layer's terms of 2 bits in every order; how many give other bits."""
    integers, scales = _series(network.weights[0], 2, terms, axis=0)
    (digits,), _ = _series(network.test, 4, 1, axis=1)
    products = digits @ integers
    # with 2 bits, each scale is twice the next one
    whole = products * 2 ** np.arange(terms)[::-1, None, None]
    single = (products * scales).astype(np.float32)
    orders = list(permutations(range(terms)))
    other = {}
    for name, parts in (("integers", whole), ("single precision", single)):
        first = _added(parts, orders[0])
        other[name] = sum(_added(parts, order) != first for order in orders)
    return len(orders), other


def _added(parts: Numbers, order: Sequence[int]) -> bytes:
    """The bits of the sum of the parts, one after the other."""
    total = parts[order[0]].copy()
    for k in order[1:]:
        total += parts[k]
    return bytes(total.tobytes())


def _violations(rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """By addition, the shares of random triples that violate its laws."""
    nibbles = rng.integers(-8, 8, size=(3, _TRIPLES))
    numbers = rng.normal(size=(3, _TRIPLES)).astype(np.float32)
    return {
        "exact integers": _violated(nibbles, lambda x, y: x + y),
        "wrapping mod 16": _violated(nibbles, lambda x, y: (x + y + 8) % 16 - 8),
        "saturating at -8 and 7": _violated(nibbles, lambda x, y: np.clip(x + y, -8, 7)),
        "single precision": _violated(numbers, lambda x, y: x + y),
    }


def _violated(triples: Numbers, add: Addition) -> tuple[float, float]:
    x, y, z = triples
    associative = add(add(x, y), z) == add(x, add(y, z))
    return float(1 - associative.mean()), float(1 - (add(x, y) == add(y, x)).mean())


def _slope(error: Floats) -> float:
    """Fitted change of the binary logarithm with every term."""
    return float(np.polyfit(np.arange(len(error)), np.log2(error), 1)[0])


def _theory(bits: int) -> float:
    return float(-np.log2(2**bits - 2))


def _mean(found: list[Repetition], bits: int, member: str) -> Floats:
    """Mean over the networks of one accuracy or error, by number of terms."""
    return np.asarray(np.mean([getattr(item.expanded[bits], member) for item in found], axis=0))


def _checks(params: SeriesParams, found: list[Repetition]) -> list[Check]:
    apart = max(
        abs(_slope(item.expanded[bits].error) - _theory(bits)) for item in found for bits in BITS
    )
    exact = float(np.mean([item.exact for item in found]))
    three = float(_mean(found, 3, "series")[2])
    two = _mean(found, 2, "series")
    naive = _mean(found, 2, "outputs")
    gained, kept = float(two[-1] - two[0]), float(two[-1] - naive[-1])
    other = max(item.other["integers"] for item in found)
    broken = min(item.violations["saturating at -8 and 7"][0] for item in found)
    t = params.terms
    return [
        Check("slope of the logarithm of the weight error, less its theory", apart, "<=", 0.2),
        Check("accuracy of three 3-bit terms, less the network's own", three - exact, ">=", -0.003),
        Check(f"accuracy of {t} 2-bit terms, less that of one", gained, ">=", 0.3),
        Check(f"accuracy of {t} 2-bit terms, less that of summed outputs", kept, ">=", 0.1),
        Check("identity: orders of the terms with other bits", other, "<=", 0, claimed=False),
        Check("triples not associative when saturating, share", broken, ">", 0, claimed=False),
    ]


def _metrics(found: list[Repetition]) -> Iterator[Metric]:
    for seed, item in enumerate(found):
        yield Metric("accuracy, exact", item.exact, seed=seed)
        for bits, expanded in item.expanded.items():
            yield Metric(f"slope, b = {bits}", _slope(expanded.error), seed=seed)
            for place in range(len(expanded.error)):
                label = f"b = {bits}, t = {place + 1}"
                yield Metric(f"weight error, {label}", float(expanded.error[place]), seed=seed)
                yield Metric(f"accuracy, {label}", float(expanded.series[place]), seed=seed)
        for name, other in item.other.items():
            yield Metric(f"orders with other bits, {name}", other, seed=seed)
        for name, (associative, _) in item.violations.items():
            yield Metric(f"share not associative, {name}", associative, seed=seed)


def _accuracy_table(params: SeriesParams, found: list[Repetition]) -> Table:
    members = ("error", "series", "single", "outputs")
    rows = [
        [bits, terms, *(float(_mean(found, bits, member)[terms - 1]) for member in members)]
        for bits in BITS
        for terms in range(1, params.terms + 1)
    ]
    columns = ["b", "t", "weight error", "series", "one quantiser of bt bits", "sum of outputs"]
    exact = float(np.mean([item.exact for item in found]))
    return Table(f"Mean test accuracy; the network itself: {exact:.4f}", columns, rows)


def _law_table(found: list[Repetition]) -> Table:
    rows: list[list[str | float]] = []
    for name in found[0].violations:
        shares = np.mean([item.violations[name] for item in found], axis=0)
        rows.append([name, *map(float, shares)])
    counts = ", ".join(
        f"{name}: {max(item.other[name] for item in found)}" for name in found[0].other
    )
    title = f"Triples that violate a law. Of {found[0].orders} orders, other bits in {counts}"
    return Table(title, ["addition", "not associative", "not commutative"], rows)


def _draw(figure: Figure, params: SeriesParams, found: list[Repetition]) -> None:
    left, right = figure.subplots(1, 2)
    counts = np.arange(1, params.terms + 1)
    for place, (bits, marker) in enumerate(zip(BITS, "os^", strict=True)):
        style = {"color": f"C{place}", "marker": marker, "fillstyle": "none"}
        error = _mean(found, bits, "error")
        left.plot(counts, error, label=f"b = {bits}", **style)
        theory = error[0] * 2.0 ** (_theory(bits) * (counts - 1))
        left.plot(counts, theory, color="0.85", linewidth=7, zorder=0)
        right.plot(counts, _mean(found, bits, "series"), label=f"series, b = {bits}", **style)
    right.plot(counts, _mean(found, 2, "single"), "C0:", label="one quantiser of 2t bits")
    right.plot(counts, _mean(found, 2, "outputs"), "C0--", label="sum of outputs, b = 2")
    exact = float(np.mean([item.exact for item in found]))
    right.axhline(exact, color="0.5", linewidth=0.8, label="network itself")
    left.set(yscale="log", ylabel="relative error of the weights", xlabel="terms t", xticks=counts)
    left.set_title("grey: falls by 2q with every term", fontsize=10)
    left.legend(fontsize=8)
    right.set(ylabel="test accuracy", xlabel="terms t", xticks=counts, ylim=(0, 1.03))
    right.set_title(f"mean of {len(found)} networks", fontsize=10)
    right.legend(fontsize=8, loc="lower right")
