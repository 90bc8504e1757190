r"""A recurrent network with one unit that is not linear reconstructs a chaotic attractor.

Claim: a recurrent network that is linear but for very few rectifiers reconstructs chaotic
attractors about as well as one with rectifiers everywhere, with a minimal number of linear regions,
whose labels are a usable symbolic code.

Formula: :math:`z' = a \circ z + W \varphi(z) + h` with :math:`M` units, where :math:`\varphi` is
the identity but for the last :math:`P` units, which are rectifiers. The first three units are the
state that is observed. Between the hyperplanes :math:`z_i = 0` of the rectifiers the map is affine;
which of them are positive is the symbol of a state, one of at most :math:`2^P`.

Set-up: orbits of the Rössler system (0.2, 0.2, 5.7), every 0.1 units of time, one for training and
one for the test, standardised. Back-propagation through 100 steps; every :math:`\tau` steps the
first three units are set to the data and the gradient is cut there. Adam with a rate that falls
geometrically, gradients cut to norm 1; the same number of steps for all. Baselines: no rectifier,
and rectifiers everywhere.

Measured: networks run freely. The Kullback-Leibler divergence :math:`D` of the histogram of 15
bins a side of the test orbit from that of the free one (with 0.001 added to each count; what leaves
the box counts in the bins at its edge), the Hellinger distance of smoothed power spectra, the
number of symbols visited, and the entropy that the next symbol adds to a block. The claim held if,
in the median of the repetitions, one rectifier has a small :math:`D`, a fifth of that without and
at most twice that of rectifiers everywhere plus 0.2, and if one rectifier always visits exactly two
regions and rectifiers everywhere at least twenty. Training is noisy: the table also shows the best
of the snapshots on the way, which no check uses.

Reference: M. Brenner, C. J. Hemmer, Z. Monfared, D. Durstewitz, Almost-Linear RNNs Yield Highly
Interpretable Symbolic Codes in Dynamical Systems Reconstruction, NeurIPS 2024, arXiv 2410.14240.

Deviation: one simulated system; the Lorenz attractor took earlier trials minutes and is left out.
Bounds from earlier trials with other seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from pydantic import Field, model_validator

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
from mathgloss.experiments._numerics import Adam, Floats, Integers, parts_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OBSERVED: Final = 3
_STEP: Final = 0.1
_SUBSTEPS: Final = 2
_TRANSIENT: Final = 500
_LENGTH: Final = 100
_BATCH: Final = 16
_RATES: Final = (5e-3, 2e-4)
_BINS: Final = 15
_EMPTY: Final = 1e-3
_FAR: Final = 1e6  # where a free orbit that diverges is held
_SMOOTHING: Final = 20.0
_BLOCKS: Final = 8


class AlmostLinearParams(Params):
    """Networks, training and orbits."""

    units: int = Field(20, ge=4, le=30, description="Units M of a network")
    rectifiers: Annotated[tuple[int, ...], RISING] = Field(
        (0, 1, 20),
        min_length=3,
        max_length=8,
        description="Numbers P of rectifiers, rising from 0 and 1 to the number of units",
    )
    forcing: int = Field(16, ge=5, le=30, description="Steps tau between settings to the data")
    iterations: int = Field(2_500, ge=20, le=10_000, description="Steps of training")
    snapshots: int = Field(8, ge=1, le=20, description="Free runs on the way, with the last one")
    points: int = Field(20_000, ge=1_000, le=50_000, description="Points of the training orbit")
    free: int = Field(10_000, ge=500, le=20_000, description="Points of a free run and of the test")
    repeats: int = Field(3, ge=1, le=5, description="Number of orbits and networks of each kind")

    @model_validator(mode="after")
    def _rectifiers_fit(self) -> AlmostLinearParams:
        got = list(self.rectifiers)
        if got[:2] != [0, 1] or got[-1] != self.units:
            raise ValueError(
                f"expected numbers of rectifiers from 0 and 1 to the {self.units} units, got {got}"
            )
        if self.free > self.points:
            raise ValueError(f"expected free <= points = {self.points}, got {self.free}")
        return self


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What one trained network does when it runs freely.

    Attributes:
        divergence: D after training.
        best: the smallest D of all snapshots.
        spectral: Hellinger distance of the power spectra, mean of the coordinates.
        symbols: of the free run, numbered by how often they occur; shape (free,).
        orbit: observed part of the free run, shape (free, 3).
    """

    divergence: float
    best: float
    spectral: float
    symbols: Integers
    orbit: Floats

    @property
    def regions(self) -> int:
        """Number of symbols visited."""
        return int(self.symbols.max()) + 1


def run(params: AlmostLinearParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Train all networks side by side, then run them freely."""
    progress(0.0, "orbits")
    train, test = _orbits(params, rng)
    networks = _Networks(params, rng)
    optimiser = Adam(networks.weights)
    marks = np.linspace(0, params.iterations, params.snapshots + 1).astype(int)[1:]
    divergences = []
    first, last = _RATES
    for iteration in range(1, params.iterations + 1):
        networks.differentiate(_windows(train, rng))
        optimiser.step(networks.slope, first * (last / first) ** (iteration / params.iterations))
        if iteration in marks:
            free = networks.run_freely(test[:, 0], params.free)
            divergences.append(_divergences(test, free))
            progress(iteration / params.iterations, f"training, {iteration} steps")
    spectral = _spectral_distances(test, free)
    found = [
        [
            Reconstruction(
                float(divergences[-1][i, j]),
                float(np.min(divergences, axis=0)[i, j]),
                float(spectral[i, j]),
                _symbols(free[i, j], P),
                free[i, j, :, :_OBSERVED],
            )
            for j, P in enumerate(params.rectifiers)
        ]
        for i in range(params.repeats)
    ]
    return Outcome(
        metrics=list(_metrics(params, found)),
        checks=_checks(found),
        tables=[_table(params, found), _entropy_table(found)],
        draw=lambda figure: _draw(figure, params, found, test[0]),
    )


EXPERIMENT: Final = Experiment(
    id="al-rnn-symbolic-codes",
    title="One rectifier is enough for a chaotic attractor and gives it a symbolic code",
    paper="paper:almost-linear-rnns-yield-highly-interpretable-symbolic-codes-in-dynamical",
    about=("wd:Q638328", "wd:Q507187", "wd:Q166314", "wd:Q382497"),
    uses=("wd:Q657586", "wd:Q255166", "wd:Q12811862"),
    claim="A recurrent network that is linear but for very few rectifiers reconstructs chaotic "
    "attractors about as well as one with rectifiers everywhere, with a minimal number of linear "
    "regions, whose labels are a usable symbolic code.",
    params=AlmostLinearParams,
    quick={"iterations": 60, "snapshots": 1, "points": 4_000, "free": 3_000, "repeats": 1},
    cost_s=35,
    packages=("scipy",),
    reference="M. Brenner, C. J. Hemmer, Z. Monfared, D. Durstewitz, NeurIPS 2024, "
    "arXiv 2410.14240",
    gives_up="One simulated system and short training in place of measured data.",
    not_tested=(
        "the Lorenz attractor and measured data",
        "that the number of regions is minimal",
        "graphs of the symbolic dynamics",
    ),
    run=run,
)


def _orbits(params: AlmostLinearParams, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Training and test orbits, standardised by the training orbit; shape (repeats, points, 3)."""
    x = rng.uniform(-1, 1, (3, 2, params.repeats))
    h = _STEP / _SUBSTEPS
    found = np.empty((params.points, *x.shape))
    for place in range(-_TRANSIENT, params.points):
        for _ in range(_SUBSTEPS):
            k1 = _roessler(x)
            k2 = _roessler(x + h / 2 * k1)
            k3 = _roessler(x + h / 2 * k2)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + _roessler(x + h * k3))
        if place >= 0:
            found[place] = x
    train, test = found.transpose(2, 3, 0, 1)
    mean, deviation = train.mean(axis=1, keepdims=True), train.std(axis=1, keepdims=True)
    return (train - mean) / deviation, ((test - mean) / deviation)[:, : params.free]


def _roessler(x: Floats) -> Floats:
    return np.array([-x[1] - x[2], x[0] + 0.2 * x[1], 0.2 + x[2] * (x[0] - 5.7)])


def _windows(train: Floats, rng: np.random.Generator) -> Floats:
    """Random pieces of the training orbits, shape (repeats, batch, length + 1, 3)."""
    repeats, points, _ = train.shape
    starts = rng.integers(points - _LENGTH, size=(repeats, _BATCH))
    places = starts[..., None] + np.arange(_LENGTH + 1)
    return np.asarray(train[np.arange(repeats)[:, None, None], places])


class _Networks:
    """Networks for every repetition and number of rectifiers, with the slope of their losses."""

    def __init__(self, params: AlmostLinearParams, rng: np.random.Generator) -> None:
        M = params.units
        self._shape = (params.repeats, len(params.rectifiers))
        count = math.prod(self._shape)
        shapes = [(count, 1, M), (count, M, M), (count, 1, M)]
        self.weights = np.zeros(sum(map(math.prod, shapes)))
        self.slope = np.zeros_like(self.weights)
        self._a, self._W, self._h = parts_of(self.weights, shapes)
        self._slopes = parts_of(self.slope, shapes)
        self._a[:] = 0.8
        # the same first weights for all numbers of rectifiers
        start = 0.1 / np.sqrt(M) * rng.standard_normal((params.repeats, 1, M, M))
        self._W[:] = np.broadcast_to(start, (*self._shape, M, M)).reshape(count, M, M)
        linear = np.arange(M) < M - np.array(params.rectifiers)[:, None]
        floors = np.where(linear, -np.inf, 0.0)  # below which a unit is cut
        self._floor = np.tile(floors, (params.repeats, 1))[:, None]
        self._forcing = params.forcing

    def _after(self, z: Floats, cut: Floats) -> Floats:
        return np.asarray(cut @ self._W.swapaxes(1, 2) + self._a * z + self._h)

    def _started(self, observed: Floats) -> Floats:
        """States whose units that are not observed are zero."""
        z = np.zeros((*observed.shape[:-1], self._a.shape[-1]))
        z[..., :_OBSERVED] = observed
        return z

    def differentiate(self, windows: Floats) -> None:
        """Write the derivatives of the mean squared error on windows into the slope, cut."""
        data = np.repeat(windows, self._shape[1], axis=0).swapaxes(1, 2)
        states = np.empty((len(data), _LENGTH, _BATCH, self._a.shape[-1]))
        errors = np.empty((len(data), _LENGTH, _BATCH, _OBSERVED))
        z = self._started(data[:, 0])
        for t in range(_LENGTH):
            states[:, t] = z
            z = self._after(z, np.maximum(z, self._floor))
            errors[:, t] = z[..., :_OBSERVED] - data[:, t + 1]
            if (t + 1) % self._forcing == 0:
                z[..., :_OBSERVED] = data[:, t + 1]
        self._propagate(states, errors * (2 / errors[0].size))

    def _propagate(self, states: Floats, errors: Floats) -> None:
        """Back through time, from the derivatives by each prediction."""
        active = states > self._floor[:, None]
        G = np.zeros_like(states)
        G[..., :_OBSERVED] = errors
        for t in range(_LENGTH - 1, 0, -1):
            back = (G[:, t] @ self._W) * active[:, t] + self._a * G[:, t]
            if t % self._forcing == 0:
                back[..., :_OBSERVED] = 0
            G[:, t - 1] += back
        flat = (len(states), -1, states.shape[-1])
        cut = np.maximum(states, self._floor[:, None])
        by_a, by_W, by_h = self._slopes
        by_a[:] = (G * states).sum(axis=(1, 2))[:, None]
        by_W[:] = G.reshape(flat).swapaxes(1, 2) @ cut.reshape(flat)
        by_h[:] = G.sum(axis=(1, 2))[:, None]
        squares = sum((slope**2).sum(axis=(1, 2)) for slope in self._slopes)
        shrink = 1 / np.maximum(np.sqrt(squares), 1)
        for slope in self._slopes:
            slope *= shrink[:, None, None]

    def run_freely(self, observed: Floats, steps: int) -> Floats:
        """States after a transient, from observed ones; shape (repeats, kinds, steps, units)."""
        z = self._started(np.repeat(observed, self._shape[1], axis=0)[:, None])
        states = np.empty((steps, *z.shape))
        for t in range(-_TRANSIENT, steps):
            z = self._after(z, np.maximum(z, self._floor)).clip(-_FAR, _FAR)
            if t >= 0:
                states[t] = z
        return states[:, :, 0].swapaxes(0, 1).reshape(*self._shape, steps, -1)


def _divergences(test: Floats, free: Floats) -> Floats:
    """D of each network, shape (repeats, kinds)."""
    found = np.empty(free.shape[:2])
    for i, j in np.ndindex(*found.shape):
        box = test[i].min(axis=0), test[i].max(axis=0)
        truth, given = (_histogram(orbit, *box) for orbit in (test[i], free[i, j, :, :_OBSERVED]))
        found[i, j] = (truth * np.log(truth / given)).sum()
    return found


def _histogram(orbit: Floats, low: Floats, high: Floats) -> Floats:
    """Share of each bin of the box; what is outside counts in the bins at the edge."""
    bins = ((orbit - low) / (high - low) * _BINS).clip(0, _BINS - 1).astype(int)
    numbers = bins @ [_BINS**2, _BINS, 1]
    counts = np.bincount(numbers, minlength=_BINS**3) + _EMPTY
    return np.asarray(counts / counts.sum())


def _spectral_distances(test: Floats, free: Floats) -> Floats:
    """Hellinger distance of smoothed power spectra, mean of the coordinates."""
    truth = _spectra(test)[:, None]
    given = _spectra(free[..., :_OBSERVED])
    overlap = np.sqrt(truth * given).sum(axis=-2).clip(max=1)
    return np.asarray(np.sqrt(1 - overlap).mean(axis=-1))


def _spectra(orbits: Floats) -> Floats:
    """Smoothed power of each frequency, with sum 1, over the last axis but one."""
    from scipy.ndimage import gaussian_filter1d

    centred = orbits - orbits.mean(axis=-2, keepdims=True)
    power = np.abs(np.fft.rfft(centred, axis=-2)) ** 2 + np.finfo(float).tiny
    smooth = gaussian_filter1d(power, _SMOOTHING, axis=-2)
    return np.asarray(smooth / smooth.sum(axis=-2, keepdims=True))


def _symbols(states: Floats, rectifiers: int) -> Integers:
    """Which rectifiers are positive, as numbers; 0 for the pattern that occurs most often."""
    patterns = states[:, states.shape[1] - rectifiers :] > 0
    _, numbers, counts = np.unique(patterns, axis=0, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-counts, kind="stable"))
    return np.asarray(rank[numbers.ravel()])


def _next_entropies(symbols: Integers) -> list[float]:
    """Bits that the next symbol adds to a block of 0, 1, ... symbols before it."""
    entropies = [0.0]
    for length in range(1, _BLOCKS + 1):
        blocks = np.lib.stride_tricks.sliding_window_view(symbols, length)
        _, counts = np.unique(blocks, axis=0, return_counts=True)
        shares = counts / counts.sum()
        entropies.append(float(-(shares * np.log2(shares)).sum()))
    return np.diff(entropies).tolist()


def _checks(found: list[list[Reconstruction]]) -> list[Check]:
    linear, one, full = (
        float(np.median([kinds[place].divergence for kinds in found])) for place in (0, 1, -1)
    )
    off_two = max(abs(kinds[1].regions - 2) for kinds in found)
    many = min(kinds[-1].regions for kinds in found)
    return [
        Check("median D with one rectifier", one, "<=", 0.6),
        Check("median D with one rectifier relative to none", one / linear, "<=", 0.2),
        Check("median D with one rectifier less twice that of all", one - 2 * full, "<=", 0.2),
        Check("regions visited with one rectifier, apart from two, worst", off_two, "<=", 0),
        Check("regions visited with rectifiers everywhere, fewest", many, ">=", 20),
    ]


def _metrics(params: AlmostLinearParams, found: list[list[Reconstruction]]) -> Iterator[Metric]:
    for seed, kinds in enumerate(found):
        for P, item in zip(params.rectifiers, kinds, strict=True):
            yield Metric(f"D, P = {P}", item.divergence, seed=seed)
            yield Metric(f"distance of spectra, P = {P}", item.spectral, seed=seed)
            yield Metric(f"regions visited, P = {P}", item.regions, seed=seed)


def _table(params: AlmostLinearParams, found: list[list[Reconstruction]]) -> Table:
    rows = [
        [
            P,
            seed + 1,
            item.divergence,
            item.best,
            item.spectral,
            item.regions,
            float((item.symbols == 0).mean()),
        ]
        for place, P in enumerate(params.rectifiers)
        for seed, item in enumerate(kinds[place] for kinds in found)
    ]
    columns = ["P", "network", "D", "best D", "spectra apart", "regions", "share of the largest"]
    return Table("Free runs after training, and the best D on the way", columns, rows)


def _entropy_table(found: list[list[Reconstruction]]) -> Table:
    rows = [[seed + 1, *_next_entropies(kinds[1].symbols)] for seed, kinds in enumerate(found)]
    columns = ["network", *(f"after {length}" for length in range(_BLOCKS))]
    return Table("P = 1: bits that a symbol adds to those before it", columns, rows)


def _draw(
    figure: Figure,
    params: AlmostLinearParams,
    found: list[list[Reconstruction]],
    test: Floats,
) -> None:
    shown = found[0][1]
    grid = figure.add_gridspec(1, 3, width_ratios=[1.3, 1.3, 1])
    views = [(test, np.zeros(len(test), dtype=int), "test orbit")]
    views.append((shown.orbit, 1 + shown.symbols, "free run, P = 1, by symbol"))
    for place, (orbit, colours, title) in enumerate(views):
        axes = figure.add_subplot(grid[place], projection="3d")
        for colour, style in ((0, "0.5"), (1, "C0"), (2, "C1")):
            axes.plot(*orbit[colours == colour].T, ".", color=style, markersize=1.5)
        axes.set_title(title, fontsize=10)
        axes.set(xlabel="x", ylabel="y", zlabel="z")
    axes = figure.add_subplot(grid[2])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    kinds = range(len(params.rectifiers))
    for item in found:
        axes.semilogy(kinds, [kind.divergence for kind in item], "ko", fillstyle="none")
    for place in kinds:
        most = max(item[place].divergence for item in found)
        regions = ", ".join(str(item[place].regions) for item in found)
        axes.annotate(regions, (place, most), (0, 8), textcoords="offset points", ha="center")
    axes.set_xticks(kinds, [str(P) for P in params.rectifiers])
    axes.margins(x=0.3, y=0.15)
    axes.set(xlabel="rectifiers P", ylabel="D of the free run")
    axes.set_title("numbers: regions visited", fontsize=10)
