r"""Modified Bessel functions of any size, by working on the scale of their logarithms.

Claim: expansions chosen by region and evaluated on the log scale give :math:`\log I_v(x)` and
:math:`\log K_v(x)` near machine precision, also where libraries overflow or underflow, and faster
for orders from 13 to 150; so von Mises-Fisher distributions can be fitted in tens of thousands of
dimensions.

Formula: the logarithm turns products, which overflow, into sums. For :math:`v \ge 13`, with
:math:`r = \sqrt{v^2 + x^2}`, :math:`p = v / r` and :math:`\eta = r + v \log(x / (v + r))`, Debye's
expansion is :math:`\log I_v(x) = \eta - \frac12 \log 2 \pi r + \log(1 + \sum_k u_k(p) / v^k)` and
:math:`\log K_v(x) = -\eta + \frac12 \log(\pi / 2r) + \log(1 + \sum_k (-1)^k u_k(p) / v^k)`; the
polynomials :math:`u_k` come from their recurrence in exact fractions. For smaller :math:`v` and
:math:`x \ge \max(35, v^2)` it is Hankel's expansion; in the rest the power series of :math:`I_v`
relative to its first term, and the trapezoidal rule for
:math:`K_v(x) = \int_0^\infty e^{-x \cosh t} \cosh vt\,dt` relative to its peak.

Set-up: random points in three regions: :math:`v` and :math:`x` uniform below 150, below 1,000, and
log-uniform from 0.01 to 3,000. The reference is our own, in decimal arithmetic of 45 digits: the
power series of :math:`I_v` and the trapezoidal rule. From :math:`10^4` to :math:`10^7` the identity
:math:`I_v K_{v+1} + I_{v+1} K_v = 1/x` takes its place. Then von Mises-Fisher samples with
:math:`\kappa = p` in :math:`p` dimensions: Newton's method solves
:math:`I_{p/2}(\kappa) / I_{p/2-1}(\kappa) = \bar R` for the length :math:`\bar R` of the mean.
Baseline: SciPy's exponentially scaled functions, whose logarithm is corrected.

Measured: error relative to the reference, or absolute where that is below one; residuals;
time. The claim held if the error is below :math:`10^{-12}` in every region, nothing is
lost and the identity holds for huge arguments, every fit succeeds while one of SciPy's fails, and
for :math:`13 < v < 150` and :math:`x < 150`, mostly without overflow, the time is at most half of
SciPy's. Times for smaller :math:`v` are shown without a bound: there ours is slower. No seed fixes
the times; they can be left out, and then speed is not checked.

Reference: A. Plesner, H. H. Brandenborg Sørensen, S. Hauberg, Accurate Computation of the Logarithm
of Modified Bessel Functions on GPUs, arXiv 2409.08729.

Deviation: vectorised numpy in place of C++ and CUDA; synthetic samples in place of image features;
regions and numbers of terms are ours; bounds from earlier trials with other seeds.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from pydantic import Field

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

LogBessel = Callable[[Floats, Floats, int], Floats]  # order, argument, 1 for I and -1 for K

REGIONS: Final = ("below 150", "below 1,000", "0.01 to 3,000")
_DEBYE_FROM: Final = 13.0
_DEBYE_TERMS: Final = 14
_HANKEL_TERMS: Final = 20
_NODES: Final = 100
_FALL: Final = 45.0  # the integrand of K is cut where it is exp(-45) of its peak
_DIGITS: Final = 45
_NEGLIGIBLE: Final = Decimal("1e-36")
_SAMPLE: Final = 500
_SOLVED: Final = 1e-9
_TIMED_POINTS: Final = 4_000


class BesselParams(Params):
    """Points, fits and timing."""

    points: int = Field(60, ge=5, le=1_000, description="Points of each region and repetition")
    huge_points: int = Field(
        20_000, ge=100, le=200_000, description="Points from 1e4 to 1e7 of each repetition"
    )
    dimensions: Annotated[tuple[Annotated[int, Field(ge=4, le=65_536)], ...], DISTINCT] = Field(
        (256, 2_048, 8_192, 32_768),
        min_length=1,
        max_length=8,
        description="Dimensions p of the von Mises-Fisher distributions",
    )
    timed: bool = Field(default=True, description="Whether to measure time, which no seed fixes")
    repeats: int = Field(3, ge=1, le=10, description="Number of random sets of points and samples")


@dataclass(frozen=True, slots=True)
class Repetition:
    """What one repetition measured.

    Attributes:
        regions: for each, shape (6, points): v, x, then the errors of log I and log K, ours and
            SciPy's; not a number where not finite.
        lost: share of results for huge arguments that are not finite, ours and SciPy's.
        wronskian: largest residual of the identity relative to log I.
        kappas: fitted concentrations, ours and SciPy's, shape (dimensions, 2).
        residuals: how far they are from solving their equation; not a number where lost.
    """

    regions: list[Floats]
    lost: tuple[float, float]
    wronskian: float
    kappas: Floats
    residuals: Floats


def run(params: BesselParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Errors, huge arguments and fits for every repetition, then the times."""
    found = []
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(0.9 * repeat / params.repeats, f"repetition {repeat + 1}: errors")
        regions = [_errors(name, params.points, stream) for name in REGIONS]
        progress(0.9 * (repeat + 0.7) / params.repeats, f"repetition {repeat + 1}: huge, fits")
        lost, wronskian = _huge(params, stream)
        fits = np.array([_fits(p, stream) for p in params.dimensions])
        found.append(Repetition(regions, lost, wronskian, fits[..., 0], fits[..., 1]))
    progress(0.9, "times")
    gains = _gains(rng) if params.timed else {}
    return Outcome(
        metrics=list(_metrics(params, found, gains)),
        checks=_checks(found, gains),
        tables=[_error_table(found), _fit_table(params, found)],
        draw=lambda figure: _draw(figure, found, gains),
    )


EXPERIMENT: Final = Experiment(
    id="log-bessel-logscale",
    title="Logarithms of Bessel functions where the functions themselves overflow",
    paper="paper:accurate-computation-of-the-logarithm-of-modified-bessel-functions-on-gpus",
    about=("wd:Q219637", "wd:Q11197", "wd:Q752726"),
    uses=("wd:Q206925", "wd:Q124743", "wd:Q190573"),
    claim="Expansions by region on the log scale give the logarithms of modified Bessel functions "
    "near machine precision, also where libraries overflow, and for orders from 13 to 150 in at "
    "most half of SciPy's time, so that von Mises-Fisher distributions can be fitted in high "
    "dimensions.",
    params=BesselParams,
    quick={"points": 20, "huge_points": 2_000, "timed": False, "repeats": 1},
    cost_s=10,
    packages=("scipy",),
    reference="A. Plesner, H. H. Brandenborg Sørensen, S. Hauberg, arXiv 2409.08729",
    gives_up="Vectorised numpy in place of C++ and CUDA, synthetic samples.",
    not_tested=(
        "speed on a GPU, and of compiled code",
        "speed where libraries overflow",
        "features of images",
        "gradients",
    ),
    falls_short="Speed is checked where SciPy mostly gives a number too, not where it overflows. "
    "For orders below 13 ours is slower: K at about 0.2 of SciPy's speed, I at about 0.9.",
    run=run,
)


def _ours(v: Floats, x: Floats, sign: int) -> Floats:
    """By region, for v >= 0 and x > 0 of the same shape (points,)."""
    out = np.empty_like(x)
    debye = v >= _DEBYE_FROM
    hankel = ~debye & (x >= np.maximum(35, v**2))
    rest = ~debye & ~hankel
    out[debye] = _debye(v[debye], x[debye], sign)
    out[hankel] = _hankel(v[hankel], x[hankel], sign)
    out[rest] = (_series if sign == 1 else _trapezoid)(v[rest], x[rest])
    return out


def _scipy(v: Floats, x: Floats, sign: int) -> Floats:
    from scipy.special import ive, kve

    with np.errstate(all="ignore"):
        return np.asarray(np.log((ive if sign == 1 else kve)(v, x)) + sign * x)


@cache
def _debye_polynomials() -> list[list[float]]:
    """Coefficients of u_k(p) / p^k by powers of p^2, for k = 1, 2, ..."""
    u = {0: Fraction(1)}  # power of p -> coefficient
    found = []
    for _ in range(_DEBYE_TERMS):
        after: dict[int, Fraction] = {}
        for n, c in u.items():
            up = Fraction(n, 2) + Fraction(1, 8 * (n + 1))
            down = Fraction(n, 2) + Fraction(5, 8 * (n + 3))
            after[n + 1] = after.get(n + 1, Fraction()) + c * up
            after[n + 3] = after.get(n + 3, Fraction()) - c * down
        u = after
        found.append([float(u[n]) for n in sorted(u)])
    return found


def _debye(v: Floats, x: Floats, sign: int) -> Floats:
    r = np.hypot(v, x)
    square = (v / r) ** 2
    total = np.zeros_like(r)
    for polynomial in reversed(_debye_polynomials()):
        value = np.full_like(r, polynomial[-1])
        for coefficient in polynomial[-2::-1]:
            value *= square
            value += coefficient
        total += value
        total *= sign / r
    eta = r + v * np.log(x / (v + r))
    scale = 2 * np.pi * r if sign == 1 else 2 * r / np.pi
    return np.asarray(sign * eta - 0.5 * np.log(scale) + np.log1p(total))


def _hankel(v: Floats, x: Floats, sign: int) -> Floats:
    term, total = np.ones_like(x), np.zeros_like(x)
    for k in range(1, _HANKEL_TERMS):
        term *= -sign * (4 * v**2 - (2 * k - 1) ** 2) / (8 * k * x)
        total += term
    scale = 2 * np.pi * x if sign == 1 else 2 * x / np.pi
    return np.asarray(sign * x - 0.5 * np.log(scale) + np.log1p(total))


def _series(v: Floats, x: Floats) -> Floats:
    """Log I from its power series relative to the first term, which keeps the sum in range."""
    from scipy.special import gammaln

    square = x**2 / 4
    term, total = np.ones_like(x), np.ones_like(x)
    # beyond, terms are below rounding errors
    for k in range(1, 30 + int(0.8 * x.max(initial=0.0))):
        term *= square / (k * (v + k))
        total += term
    return np.asarray(v * np.log(x / 2) - gammaln(v + 1) + np.log(total))


def _trapezoid(v: Floats, x: Floats) -> Floats:
    """Log K from the logarithm of its integrand, on nodes from zero to where it has vanished."""
    r = np.hypot(v, x)
    upper = np.arcsinh(v / x) + np.arccosh(1 + _FALL / r)
    step = upper / _NODES
    t = np.linspace(0, upper, _NODES + 1, axis=1)
    v, x = v[:, None], x[:, None]
    exponents = v * t + np.log1p(np.exp(-2 * v * t)) - np.log(2) - x * np.cosh(t)
    peak = exponents.max(axis=1, keepdims=True)
    values = np.exp(exponents - peak)
    values[:, 0] /= 2
    return np.asarray(peak[:, 0] + np.log(step * values.sum(axis=1)))


def _errors(region: str, count: int, rng: np.random.Generator) -> Floats:
    """Random points of a region and the errors there, shape (6, count)."""
    if region == "0.01 to 3,000":
        v, x = np.exp(rng.uniform(np.log(1e-2), np.log(3e3), (2, count)))
    else:
        # not zero: K has no value there
        v, x = rng.uniform(1e-3, 150 if region == "below 150" else 1_000, (2, count))
    pairs = zip(v.tolist(), x.tolist(), strict=True)
    exact = np.array([(_exact_log_i(*pair), _exact_log_k(*pair)) for pair in pairs]).T
    given = np.array([[f(v, x, 1), f(v, x, -1)] for f in (_ours, _scipy)])
    errors = np.abs(given - exact) / np.maximum(1, np.abs(exact))
    errors[~np.isfinite(errors)] = np.nan
    return np.vstack([v, x, *errors])


def _exact_log_i(v: float, x: float) -> float:
    """Log I by its power series in decimal arithmetic."""
    with localcontext(prec=_DIGITS):
        V, X = Decimal(v), Decimal(x)
        term = total = Decimal(1)
        k = 0
        while term > total * _NEGLIGIBLE:
            k += 1
            term *= X * X / 4 / (k * (V + k))
            total += term
        # the gamma function of z is the integral of exp(zt - e^t), with its peak at log z
        z = V + 1
        gamma = _exact_integral(lambda s, growth: z * (growth - 1 - s), z.sqrt())
        return float(V * (X / 2).ln() - z * z.ln() + z - gamma.ln() + total.ln())


def _exact_log_k(v: float, x: float) -> float:
    """Log K by half of the integral of exp(vt - x cosh t), decimal arithmetic."""
    with localcontext(prec=_DIGITS):
        V, X = Decimal(v), Decimal(x)
        r = (V * V + X * X).sqrt()

        def fall(s: Decimal, growth: Decimal) -> Decimal:
            cosh, sinh = (growth + 1 / growth) / 2, (growth - 1 / growth) / 2
            return r * (cosh - 1) + V * (sinh - s)

        total = _exact_integral(fall, r.sqrt())
        return float(V * ((V + r) / X).ln() - r + (total / 2).ln())


def _exact_integral(fall: Callable[[Decimal, Decimal], Decimal], sharpness: Decimal) -> Decimal:
    """Integral of exp(-fall(s, e^s)), whose peak is 1 at s = 0, by the trapezoidal rule.

    The rule converges geometrically for a function that is analytic in a strip.
    """
    step = min(Decimal("0.1"), 1 / (2 * sharpness))
    total = Decimal(1)
    for signed in (step, -step):
        s, growth, value = Decimal(0), Decimal(1), Decimal(1)
        while value > _NEGLIGIBLE:
            s += signed
            growth *= signed.exp()
            value = (-fall(s, growth)).exp()
            total += value
    return step * total


def _huge(params: BesselParams, rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    """Shares that are not finite, ours and SciPy's, and the residual of the identity."""
    v, x = np.exp(rng.uniform(np.log(1e4), np.log(1e7), (2, params.huge_points)))
    ours, scipy = (
        float(np.mean([~np.isfinite(function(v, x, sign)) for sign in (1, -1)]))
        for function in (_ours, _scipy)
    )
    i, i_next = _ours(v, x, 1), _ours(v + 1, x, 1)
    sums = np.logaddexp(i + _ours(v + 1, x, -1), i_next + _ours(v, x, -1))
    return (ours, scipy), float((np.abs(sums + np.log(x)) / np.abs(i)).max())


def _fits(p: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Ours and SciPy's to a sample with concentration p in p dimensions."""
    length = _mean_length(p, rng)
    return [_fit(p, length, _ours), _fit(p, length, _scipy)]


def _mean_length(p: int, rng: np.random.Generator) -> float:
    """Length of the mean of a von Mises-Fisher sample, by A. T. A. Wood's rejection method."""
    b = (p - 1) / (2 * p + np.sqrt(4.0 * p**2 + (p - 1) ** 2))
    mode = (1 - b) / (1 + b)
    offset = p * mode + (p - 1) * np.log(1 - mode**2)
    along = np.empty(0)
    while len(along) < _SAMPLE:
        z = rng.beta((p - 1) / 2, (p - 1) / 2, _SAMPLE)
        w = (1 - (1 + b) * z) / (1 - (1 - b) * z)
        accepted = p * w + (p - 1) * np.log(1 - mode * w) - offset >= np.log(rng.random(_SAMPLE))
        along = np.append(along, w[accepted])
    along = along[:_SAMPLE]
    across = np.zeros(p - 1)
    for w in along:
        direction = rng.standard_normal(p - 1)
        across += np.sqrt((1 - w**2) / (direction @ direction)) * direction
    return float(np.hypot(along.sum(), np.linalg.norm(across)) / _SAMPLE)


def _fit(p: int, length: float, log_bessel: LogBessel) -> tuple[float, float]:
    """Concentration and residual; Newton's method from the estimate of A. Banerjee and others."""

    def ratio(kappa: float) -> float:
        above, below = log_bessel(np.array([p / 2, p / 2 - 1]), np.full(2, kappa), 1)
        return float(np.exp(above - below))

    kappa = length * (p - length**2) / (1 - length**2)
    with np.errstate(invalid="ignore"):
        for _ in range(10):
            value = ratio(kappa)
            kappa -= (value - length) / (1 - value**2 - (p - 1) / kappa * value)
        return kappa, abs(ratio(kappa) - length)


def _gains(rng: np.random.Generator) -> dict[str, float]:
    """SciPy's time relative to ours, the fastest of nine, by function and orders."""
    found = {}
    for label, low, high in (("v < 13", 0, 13), ("13 < v < 150", 13, 150)):
        v = rng.uniform(low, high, _TIMED_POINTS)
        x = rng.uniform(1e-3, 150, _TIMED_POINTS)
        for letter, sign in (("I", 1), ("K", -1)):
            scipy, ours = (
                min(timeit.repeat(partial(function, v, x, sign), number=1, repeat=9))
                for function in (_scipy, _ours)
            )
            found[f"{letter}, {label}"] = scipy / ours
    return found


def _checks(found: list[Repetition], gains: dict[str, float]) -> list[Check]:
    worst = max(float(region[2:4].max()) for item in found for region in item.regions)
    lost = max(item.lost[0] for item in found)
    wronskian = max(item.wronskian for item in found)
    failed = (~(np.array([item.residuals for item in found]) < _SOLVED)).sum(axis=(0, 1))
    checks = [
        Check("largest error in the three regions", worst, "<", 1e-12),
        Check("share not finite for huge arguments", lost, "<=", 0),
        Check("largest residual of the identity for huge arguments", wronskian, "<", 1e-10),
        Check("fits that fail", int(failed[0]), "<=", 0),
        Check("fits that fail with SciPy", int(failed[1]), ">=", 1),
    ]
    if gains:
        least = min(gain for name, gain in gains.items() if name.endswith("13 < v < 150"))
        checks.append(Check("time of SciPy relative to ours, 13 < v < 150", least, ">=", 2))
    return checks


def _metrics(
    params: BesselParams, found: list[Repetition], gains: dict[str, float]
) -> Iterator[Metric]:
    for seed, item in enumerate(found):
        for name, region in zip(REGIONS, item.regions, strict=True):
            yield Metric(f"largest error, {name}", float(region[2:4].max()), seed=seed)
        yield Metric("share not finite with SciPy, huge", item.lost[1], seed=seed)
        yield Metric("largest residual of the identity", item.wronskian, seed=seed)
        for p, (kappa, _) in zip(params.dimensions, item.kappas, strict=True):
            yield Metric(
                f"concentration relative to the truth, p = {p}", float(kappa / p), seed=seed
            )
    for name, gain in gains.items():
        yield Metric(f"time of SciPy relative to ours, {name}", gain)


def _error_table(found: list[Repetition]) -> Table:
    rows: list[list[str | float]] = []
    for place, name in enumerate(REGIONS):
        region = np.hstack([item.regions[place] for item in found])
        lost = float(np.isnan(region).any(axis=0).mean())
        rows.append([name, *np.nanmax(region[2:], axis=1).tolist(), lost])
    columns = ["v and x", "log I", "log K", "log I, SciPy", "log K, SciPy", "lost by SciPy"]
    return Table("Largest errors, and share of points that SciPy loses", columns, rows)


def _fit_table(params: BesselParams, found: list[Repetition]) -> Table:
    residuals = np.array([item.residuals for item in found])
    failed = (~(residuals < _SOLVED)).sum(axis=0)
    rows: list[list[float]] = []
    for place, p in enumerate(params.dimensions):
        apart = max(abs(float(item.kappas[place, 0]) / p - 1) for item in found)
        rows.append([p, float(residuals[:, place, 0].max()), apart, *failed[place].tolist()])
    columns = ["p", "largest residual", "concentration off by", "failed", "failed with SciPy"]
    return Table(f"Fits of von Mises-Fisher distributions, {len(found)} each", columns, rows)


def _draw(figure: Figure, found: list[Repetition], gains: dict[str, float]) -> None:
    widths = [1.4, 1.4, 1] if gains else [1, 1]
    ours, scipy, *rest = figure.subplots(1, len(widths), width_ratios=widths)
    v, x, *errors = np.hstack([region for item in found for region in item.regions])
    for axes, (of_i, of_k) in ((ours, errors[:2]), (scipy, errors[2:])):
        powers = np.log10(np.maximum(np.maximum(of_i, of_k), 1e-17))
        lost = np.isnan(powers)
        dots = axes.scatter(v[~lost], x[~lost], c=powers[~lost], s=9, vmin=-17, vmax=-12)
        axes.plot(v[lost], x[lost], "x", color="0.2", markersize=4)
        axes.set(xscale="log", yscale="log", xlabel="order v", ylabel="argument x")
    ours.set_title("ours", fontsize=10)
    scipy.set_title("SciPy; crosses: not finite", fontsize=10)
    figure.colorbar(dots, ax=scipy, label="error, power of ten")
    for axes in rest:
        axes.barh(list(gains), list(gains.values()), color="C0")
        axes.axvline(1, color="0.3", linewidth=1)
        axes.set(xlabel="time, SciPy / ours")
        axes.set_title("ours faster above 1", fontsize=10)
        axes.tick_params(axis="y", labelsize=8)
        axes.invert_yaxis()
