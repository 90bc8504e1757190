r"""Attention with kernel features and relative positions in n log n, since these are Toeplitz.

Claim: attention whose exponential is replaced by an inner product of features can be evaluated
with a bias for relative positions, exactly and in :math:`O(n \log n)`, because the factors of the
positions form a Toeplitz matrix; and relative positions make up for what such attention lacks.

Formula: with random features :math:`\varphi(x) = e^{\Omega x - \lVert x \rVert^2 / 2} / \sqrt m`,
whose inner product estimates :math:`e^{q^\top k}` (the *kernel* of a kernel method), and
:math:`c_t = e^{b_t}`, position :math:`i` gets
:math:`z_i = \sum_j c_{j-i}\, \varphi(q_i)^\top \varphi(k_j)\, v_j`, divided by the same with
:math:`v_j = 1`. Each column :math:`g` of :math:`\varphi(k) \otimes (v, 1)` asks for
:math:`\sum_j c_{j-i} g_j`, a convolution (:math:`c` is a kernel in that other sense): a Toeplitz
matrix is part of a circulant one of twice its size, which the discrete Fourier transform
diagonalises.

Set-up: Part 1, random queries and keys of norm 1, :math:`\log c` normal with deviation 1 and 5:
the transform against the sum itself. Baselines in time: that sum and softmax attention with
the same bias; all three in blocks that stay in the cache. Part 2: the error of the features against
softmax attention by the norm of queries and keys. Part 3: one layer with learned absolute positions
must give, at each position, the symbol five places before, cyclically. Arms: features of normalised
queries and keys, and softmax attention of queries and keys as they are, each without a bias and
with one; the same data, first weights and steps of Adam. In part 3 the sums are over all pairs;
part 1 shows that to be the same.

Measured: the largest difference; time, and its exponent from 1,024 on; relative error; accuracy on
fresh sequences. The claim held if the difference is no more than rounding, the exponents are near
one and two and the transform is much the faster at the largest length, the error grows with the
norm (why queries and keys are normalised), and the features learn the task with the bias alone
while softmax attention, which they stand in for, learns it without. No seed fixes the times; they
can be left out, and then speed is not checked.

Reference: S. Luo, S. Li, T. Cai, D. He, D. Peng, S. Zheng, G. Ke, L. Wang, T.-Y. Liu, Stable, Fast
and Accurate: Kernelized Attention with Relative Positional Encoding, NeurIPS 2021,
arXiv 2106.12566.

Deviation: a toy task in place of language, vision and translation; training without normalisation,
which the paper saw diverge, did not in earlier trials of this size and is left out. Bounds are from
those trials, with other seeds, that for softmax attention without a bias taken over from features
with one; there the sum held the whole matrix in memory and took ten times as long as ours in
blocks, which makes the bound on speed harder to keep. A first version of ours had blocks for the
sums alone and a gain of 3.5; the transform got them for fairness.
"""

from __future__ import annotations

import math
import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
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
from mathgloss.experiments._numerics import (
    Adam,
    Floats,
    Integers,
    fitted_exponent,
    parts_of,
    softmax,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Arm = Literal["features", "features and bias", "softmax", "softmax and bias"]
Attention = Callable[[Floats, Floats, Floats, Floats], Floats]
Back = Callable[[Floats], tuple[Floats, Floats]]

ARMS: Final[tuple[Arm, ...]] = ("features", "features and bias", "softmax", "softmax and bias")
METHODS: Final = ("transform", "sum", "softmax")
_DIMENSION: Final = 16  # of queries, keys and values in parts 1 and 2
_LENGTHS_1: Final = (256, 512, 1_024)
_FEATURES_1: Final = 16
_BLOCK: Final = 512
_BIAS_DEVIATIONS: Final = (1.0, 5.0)
_FEATURES_2: Final = 64
_LENGTH_2: Final = 256
_DRAWS_2: Final = 5
_LENGTH: Final = 64
_WIDTH: Final = 32
_SYMBOLS: Final = 8
_SHIFT: Final = 5
_RATE: Final = 5e-3
_TEST: Final = 64
_LONG: Final = 1_024  # from here on the exponents are fitted


class ToeplitzParams(Params):
    """All three parts."""

    timed: bool = Field(default=True, description="Whether to measure time, which no seed fixes")
    timed_lengths: Annotated[tuple[Annotated[int, Field(ge=256, le=16_384)], ...], RISING] = Field(
        (512, 1_024, 2_048, 4_096, 8_192),
        min_length=2,
        max_length=8,
        description="Lengths n for time, rising; the exponents are fitted from 1,024 on",
    )
    norms: Annotated[tuple[Annotated[float, Field(ge=0.1, le=4)], ...], RISING] = Field(
        (0.5, 1.0, 1.5, 2.0, 3.0),
        min_length=2,
        max_length=8,
        description="Norms of queries and keys in part 2, rising; the check compares both ends",
    )
    steps: int = Field(250, ge=10, le=2_000, description="Steps of training")
    batch: int = Field(8, ge=1, le=64, description="Sequences in one step")
    repeats: int = Field(3, ge=1, le=10, description="Number of networks and of random draws")


@dataclass(frozen=True, slots=True)
class Repetition:
    """What one repetition measured.

    Attributes:
        difference: largest difference of the transform and the sum.
        errors: relative error of the features, by norm.
        accuracy: on fresh sequences, by arm.
        losses: by arm, loss at each step.
    """

    difference: float
    errors: Floats
    accuracy: dict[Arm, float]
    losses: dict[Arm, Floats]


def run(params: ToeplitzParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """All parts for every repetition, then the times."""
    found = []
    share = 0.6 if params.timed else 1.0
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(share * repeat / params.repeats, f"repetition {repeat + 1}")
        difference = _difference(stream)
        errors = np.array([_feature_error(norm, stream) for norm in params.norms])
        seed = int(stream.integers(2**32))
        trained = {arm: _train(params, arm, np.random.default_rng(seed)) for arm in ARMS}
        accuracy = {arm: right for arm, (right, _) in trained.items()}
        losses = {arm: loss for arm, (_, loss) in trained.items()}
        found.append(Repetition(difference, errors, accuracy, losses))
    times = None
    if params.timed:
        progress(share, "times")
        times = np.array([_times(n, rng) for n in params.timed_lengths])
    return Outcome(
        metrics=list(_metrics(params, found, times)),
        checks=_checks(params, found, times),
        tables=_tables(params, found, times),
        draw=lambda figure: _draw(figure, params, found, times),
    )


EXPERIMENT: Final = Experiment(
    id="toeplitz-fft-kernel-attention",
    title="Attention with relative positions in n log n by a Toeplitz matrix",
    paper="paper:stable-fast-and-accurate-kernelized-attention-with-relative-positional-encoding",
    about=(
        "wd:Q849428",
        "wd:Q245457",
        "wd:Q623950",
        "wd:Q620622",
        "mathgloss:attention-mechanism",
    ),
    uses=("wd:Q210857", "wd:Q2878", "wd:Q245462", "wd:Q168698"),
    claim="Attention with kernel features and a bias for relative positions can be evaluated "
    "exactly in n log n steps, as the positions' factors form a Toeplitz matrix, and relative "
    "positions make up for what such attention lacks.",
    params=ToeplitzParams,
    quick={"timed": False, "steps": 40, "repeats": 1},
    cost_s=10,
    packages=("scipy",),
    reference="S. Luo and others, NeurIPS 2021, arXiv 2106.12566",
    gives_up="One layer and a toy task in place of language, vision and translation.",
    not_tested=(
        "that training without relative positions diverges",
        "language models, image classification and translation",
    ),
    run=run,
)


def _features(x: Floats, Omega: Floats) -> Floats:
    """Positive random features, shape (..., m)."""
    half_square = (x**2).sum(axis=-1, keepdims=True) / 2
    return np.asarray(np.exp(x @ Omega.T - half_square) / np.sqrt(len(Omega)))


def _by_transform(fq: Floats, fk: Floats, v: Floats, c: Floats) -> Floats:
    """Attention from features of queries and keys; c from offset -(n - 1) to n - 1."""
    from scipy.fft import irfft, next_fast_len, rfft

    n, d = v.shape
    size = next_fast_len(2 * n - 1, real=True)
    column = np.zeros(size)
    column[:n] = c[n - 1 :: -1]  # offsets 0, -1, ...
    column[size - n + 1 :] = c[: n - 1 : -1]  # offsets n - 1, ..., 1
    spectrum = rfft(column)
    ones = np.vstack([v.T, np.ones(n)])
    z = np.zeros((d + 1, n))
    for left, right in zip(fq.T, fk.T, strict=True):  # one feature at a time stays in the cache
        z += left * irfft(spectrum * rfft(right * ones, size), size)[:, :n]
    return np.asarray((z[:d] / z[d]).T)


def _by_sum(fq: Floats, fk: Floats, v: Floats, c: Floats) -> Floats:
    """The same from the matrix of weights, in blocks of rows."""
    return _dense(lambda rows: fq[rows] @ fk.T, v, c)


def _softmax(q: Floats, k: Floats, v: Floats, c: Floats) -> Floats:
    """Softmax attention with the bias log c, from queries and keys."""
    return _dense(lambda rows: np.exp(q[rows] @ k.T), v, c)


def _dense(weights: Callable[[slice], Floats], v: Floats, c: Floats) -> Floats:
    n = len(v)
    toeplitz = np.lib.stride_tricks.sliding_window_view(c, n)[::-1]  # row i: offsets from -i
    out = np.empty_like(v)
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        A = weights(rows) * toeplitz[rows]
        out[rows] = A @ v / A.sum(axis=1, keepdims=True)
    return out


def _inputs(
    n: int, m: int, norm: float, deviation: float, rng: np.random.Generator
) -> tuple[Floats, ...]:
    """Queries and keys of a norm, their features, values, and factors c."""
    q, k = rng.standard_normal((2, n, _DIMENSION))
    q *= norm / np.linalg.norm(q, axis=1, keepdims=True)
    k *= norm / np.linalg.norm(k, axis=1, keepdims=True)
    Omega = rng.standard_normal((m, _DIMENSION))
    v = rng.standard_normal((n, _DIMENSION))
    c = np.exp(deviation * rng.standard_normal(2 * n - 1))
    return q, k, _features(q, Omega), _features(k, Omega), v, c


def _difference(rng: np.random.Generator) -> float:
    """Largest difference of the transform and the sum."""
    found = []
    for n, deviation in product(_LENGTHS_1, _BIAS_DEVIATIONS):
        _, _, fq, fk, v, c = _inputs(n, _FEATURES_1, 1.0, deviation, rng)
        found.append(np.abs(_by_transform(fq, fk, v, c) - _by_sum(fq, fk, v, c)).max())
    return float(max(found))


def _times(n: int, rng: np.random.Generator) -> list[float]:
    """Seconds of each method, the faster of two runs."""
    q, k, fq, fk, v, c = _inputs(n, _FEATURES_1, 1.0, 1.0, rng)
    methods: tuple[tuple[Attention, Floats, Floats], ...] = (
        (_by_transform, fq, fk),
        (_by_sum, fq, fk),
        (_softmax, q, k),
    )
    return [
        min(timeit.repeat(partial(attention, left, right, v, c), number=1, repeat=2))
        for attention, left, right in methods
    ]


def _feature_error(norm: float, rng: np.random.Generator) -> float:
    """Relative error of attention by features against softmax attention, mean of some draws."""
    errors = []
    for _ in range(_DRAWS_2):
        q, k, fq, fk, v, c = _inputs(_LENGTH_2, _FEATURES_2, norm, 1.0, rng)
        exact, given = _softmax(q, k, v, c), _by_sum(fq, fk, v, c)
        errors.append(np.linalg.norm(given - exact) / np.linalg.norm(exact))
    return float(np.mean(errors))


@dataclass(frozen=True, slots=True)
class Pass:
    """What a layer made of sequences; arrays by sequence and position.

    Attributes:
        h: embedded symbols.
        values: their values.
        W: weights of attention.
        z: what attention gives.
        p: probabilities of the symbols.
        back: derivatives by embedded symbols' queries and keys, from those by log W before it is
            normalised.
    """

    h: Floats
    values: Floats
    W: Floats
    z: Floats
    p: Floats
    back: Back


class _Layer:
    """Embedding, one head of attention, read-out; all weights and the slope in one vector each."""

    def __init__(self, arm: Arm, rng: np.random.Generator) -> None:
        d = _WIDTH
        shapes = [(_SYMBOLS, d), (_LENGTH, d), *[(d, d)] * 3, (d, _SYMBOLS), (2 * _LENGTH - 1,)]
        self._biased = arm.endswith("bias")
        self._scores = _softmax_scores if arm.startswith("softmax") else self._feature_scores
        self.weights = np.zeros(sum(map(math.prod, shapes)))
        self.slope = np.zeros_like(self.weights)
        self._parts = parts_of(self.weights, shapes)
        self._slopes = parts_of(self.slope, shapes)
        for part, scale in zip(self._parts[:-1], (1, 1, *[d**-0.5] * 4), strict=True):
            part[:] = scale * rng.standard_normal(part.shape)
        self._Omega = rng.standard_normal((d, d))
        self._offsets = np.arange(_LENGTH) - np.arange(_LENGTH)[:, None] + _LENGTH - 1

    def read(self, tokens: Integers) -> Pass:
        """Run on sequences, shape (count, length)."""
        E, P, Wq, Wk, Wv, U, b = self._parts
        h = E[tokens] + P
        v = h @ Wv
        A, back = self._scores(h @ Wq, h @ Wk)
        if self._biased:
            A = A * np.exp(b)[self._offsets]
        W = A / A.sum(axis=-1, keepdims=True)
        z = W @ v
        return Pass(h, v, W, z, softmax(z @ U), back)

    def differentiate(self, tokens: Integers, made: Pass) -> None:
        """Write the derivatives of the mean cross-entropy into the slope."""
        _, _, Wq, Wk, Wv, U, _ = self._parts
        error = (made.p - np.eye(_SYMBOLS)[_truth(tokens)]) / tokens.size
        dz = error @ U.T
        towards = dz @ made.values.swapaxes(1, 2)
        dS = made.W * (towards - (dz * made.z).sum(axis=-1, keepdims=True))
        dq, dk = made.back(dS)
        dv = made.W.swapaxes(1, 2) @ dz
        dh = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
        h = made.h.reshape(-1, _WIDTH)
        slopes = [
            np.eye(_SYMBOLS)[tokens.ravel()].T @ dh.reshape(-1, _WIDTH),
            dh.sum(axis=0),
            *(h.T @ derivative.reshape(-1, _WIDTH) for derivative in (dq, dk, dv)),
            made.z.reshape(-1, _WIDTH).T @ error.reshape(-1, _SYMBOLS),
        ]
        if self._biased:
            slopes.append(np.bincount(self._offsets.ravel(), weights=dS.sum(axis=0).ravel()))
        for part, slope in zip(self._slopes, slopes, strict=False):
            part[:] = slope

    def _feature_scores(self, q: Floats, k: Floats) -> tuple[Floats, Back]:
        norms = [np.linalg.norm(x, axis=-1, keepdims=True) for x in (q, k)]
        units = [x / norm for x, norm in zip((q, k), norms, strict=True)]
        fq, fk = (_features(unit, self._Omega) for unit in units)
        S = fq @ fk.swapaxes(1, 2)

        def back(dS: Floats) -> tuple[Floats, Floats]:
            ratio = dS / S
            found = []
            by_features = (ratio @ fk * fq, ratio.swapaxes(1, 2) @ fq * fk)
            for slope, unit, norm in zip(by_features, units, norms, strict=True):
                g = slope @ self._Omega
                found.append((g - (g * unit).sum(axis=-1, keepdims=True) * unit) / norm)
            return found[0], found[1]

        return S, back


def _softmax_scores(q: Floats, k: Floats) -> tuple[Floats, Back]:
    scale = _WIDTH**-0.5
    S = scale * q @ k.swapaxes(1, 2)

    def back(dS: Floats) -> tuple[Floats, Floats]:
        return scale * dS @ k, scale * dS.swapaxes(1, 2) @ q

    return np.exp(S - S.max(axis=-1, keepdims=True)), back


def _truth(tokens: Integers) -> Integers:
    return np.roll(tokens, _SHIFT, axis=1)


def _train(params: ToeplitzParams, arm: Arm, rng: np.random.Generator) -> tuple[float, Floats]:
    """Accuracy on fresh sequences, and the loss at each step."""
    layer = _Layer(arm, rng)
    optimiser = Adam(layer.weights)
    losses = []
    for _ in range(params.steps):
        tokens = rng.integers(_SYMBOLS, size=(params.batch, _LENGTH))
        made = layer.read(tokens)
        losses.append(-np.log(np.take_along_axis(made.p, _truth(tokens)[..., None], -1)).mean())
        layer.differentiate(tokens, made)
        optimiser.step(layer.slope, _RATE)
    fresh = rng.integers(_SYMBOLS, size=(_TEST, _LENGTH))
    right = layer.read(fresh).p.argmax(axis=-1) == _truth(fresh)
    return float(right.mean()), np.array(losses)


def _exponents(params: ToeplitzParams, times: Floats) -> list[float]:
    """Of power laws fitted to the times, by method."""
    n = np.array(params.timed_lengths)
    long = n >= min(_LONG, n[-2])
    return [fitted_exponent(n[long], t[long]) for t in times.T]


def _checks(params: ToeplitzParams, found: list[Repetition], times: Floats | None) -> list[Check]:
    difference = max(item.difference for item in found)
    errors = np.mean([item.errors for item in found], axis=0)
    worst = min(item.accuracy["features and bias"] for item in found)
    without = max(item.accuracy["features"] for item in found)
    stood_for = min(item.accuracy["softmax"] for item in found)
    low, high = params.norms[0], params.norms[-1]
    checks = [
        Check("largest difference of the transform and the sum", difference, "<", 1e-10),
        Check(
            f"error at norm {low:g} relative to that at {high:g}", errors[0] / errors[-1], "<=", 0.2
        ),
        Check("accuracy of features with relative positions, worst", worst, ">=", 0.95),
        Check("accuracy of features without, best", without, "<=", 0.7),
        Check("accuracy of softmax attention without, worst", stood_for, ">=", 0.95),
    ]
    if times is not None:
        transform, dense, _ = _exponents(params, times)
        gain = float(times[-1, 1] / times[-1, 0])
        checks += [
            Check("exponent of the time of the transform", transform, "<", 1.4),
            Check("exponent of the time of the sum", dense, ">", 1.7),
            Check(
                f"time of the sum relative to the transform, n = {params.timed_lengths[-1]}",
                gain,
                ">=",
                5,
            ),
        ]
    return checks


def _metrics(
    params: ToeplitzParams, found: list[Repetition], times: Floats | None
) -> Iterator[Metric]:
    for seed, item in enumerate(found):
        yield Metric("largest difference", item.difference, seed=seed)
        for norm, error in zip(params.norms, item.errors, strict=True):
            yield Metric(f"relative error, norm {norm:g}", float(error), seed=seed)
        for arm in ARMS:
            yield Metric(f"accuracy, {arm}", item.accuracy[arm], seed=seed)
    if times is not None:
        for n, row in zip(params.timed_lengths, times, strict=True):
            for method, seconds in zip(METHODS, row, strict=True):
                yield Metric(f"time, n = {n}, {method}", float(seconds), "s")


def _tables(params: ToeplitzParams, found: list[Repetition], times: Floats | None) -> list[Table]:
    rows: list[list[str | float]] = [[arm, *(item.accuracy[arm] for item in found)] for arm in ARMS]
    columns = ["attention", *(f"network {seed + 1}" for seed in range(len(found)))]
    tables = [Table("Accuracy on fresh sequences", columns, rows)]
    if times is not None:
        timed = [[n, *row.tolist()] for n, row in zip(params.timed_lengths, times, strict=True)]
        tables.append(Table("Time in seconds", ["n", *METHODS], timed))
    return tables


def _draw(
    figure: Figure, params: ToeplitzParams, found: list[Repetition], times: Floats | None
) -> None:
    learning, error, *rest = figure.subplots(1, 2 if times is None else 3)
    for place, (arm, line) in enumerate(zip(ARMS, ("-", "--", "-.", ":"), strict=True)):
        loss = np.mean([item.losses[arm] for item in found], axis=0)
        learning.plot(loss, line, color=f"C{place}", label=arm)
    learning.set(xlabel="step of training", ylabel="cross-entropy (nats)")
    learning.legend(fontsize=8)
    error.semilogy(params.norms, np.mean([item.errors for item in found], axis=0), "ko-")
    error.set(xlabel="norm of queries and keys", ylabel="relative error of the features")
    for axes in rest:
        assert times is not None
        for place, (method, marker) in enumerate(zip(METHODS, "os^", strict=True)):
            axes.loglog(params.timed_lengths, times[:, place], f"C{place}{marker}-", label=method)
        axes.set_xscale("log", base=2)
        axes.set(xlabel="length n", ylabel="time (s)")
        axes.legend(fontsize=8)
