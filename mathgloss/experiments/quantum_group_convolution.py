r"""A quantum circuit convolves over a group with few gates if the filter is well conditioned.

Claim: a quantum circuit convolves a state with a filter over any finite group :math:`G`; where
the group has a Fourier transform of few gates, as :math:`\mathbb Z_{2^m}` has, the number of gates
is polynomial in :math:`\log |G|` if the filter is well conditioned, against :math:`|G|^2` products
for the sum itself and :math:`|G| \log |G|` for the fast Fourier transform.

Formula: :math:`(f * g)(x) = \sum_y f(y)\, g(y^{-1} x) = \sum_y f(y)\, (L_y g)(x)` with the left
translations :math:`L_y`. *Sum of unitaries*, any group: prepare :math:`\sum_y \sqrt{|f(y)| /
\lVert f \rVert_1}\, |y\rangle` beside :math:`g`, apply :math:`e^{i \arg f(y)} L_y` where the first
register is :math:`y`, undo the preparation; if the first register then reads 0, the second holds
:math:`f * g`, with probability :math:`\lVert f * g \rVert^2 / (\lVert f \rVert_1 \lVert g
\rVert)^2`. *Fourier*, :math:`\mathbb Z_{2^m}`: Fourier transform by Hadamard gates, controlled
phases and swaps, multiply by :math:`\lambda / \max |\lambda|` (the filter's eigenvalues
:math:`\lambda`) with a flag qubit, transform back; the flag reads success with probability
:math:`\lVert f * g \rVert^2 / (\max |\lambda| \lVert g \rVert)^2`.

Set-up: both are simulated as vectors of amplitudes. Random complex filters and states on
:math:`\mathbb Z_8, S_3, D_4, S_4`; on :math:`\mathbb Z_{2^m}` random states and the filter
:math:`2^{-x}`, whose condition number is 3 at every size, then Gaussian filters of rising width,
which are badly conditioned and pass ever fewer frequencies. Baselines: the sum itself and the fast
Fourier transform; their operations are counted, and they give the reference.

Measured: fidelity with the sum, probability of success against its formula, whether the circuit
commutes with right translations, gates by :math:`m`, and gates for one expected success. The claim
held if fidelity and probability are exact up to rounding, if one success takes fewer gates than the
fast transform takes operations at the largest size, and if success gets rarer with each wider
Gaussian. Identities verify the code and do not touch the verdict: the circuit commutes with right
translations; its gates are counted by the loop that applies them, so that they are a quadratic in
:math:`m` but for the rounding of :math:`m / 2`; in a basis of irreducible subspaces the convolution
has :math:`\sum_\rho d_\rho^3` entries that are not zero.

Reference: G. Castelazo, Q. T. Nguyen, G. De Palma, D. Englund, S. Lloyd, B. T. Kiani, Quantum
algorithms for group convolution, cross-correlation, and equivariant transformations, Physical
Review A 106 (2022), arXiv 2109.11330.

Deviation: the simulation needs memory for :math:`|G|` amplitudes, so that the speed-up appears in
counted gates alone; as in the paper, loading :math:`f` and multiplying by its eigenvalues are
taken as given and not counted. Gates are counted on :math:`\mathbb Z_{2^m}` only, not for the sum
of unitaries. Bounds from earlier trials with other seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from pydantic import Field

from mathgloss.experiments._contract import (
    DISTINCT,
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
    Complexes,
    Floats,
    GroupName,
    Integers,
    group_table,
    irreducible_subspaces,
    left_translations,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEWEST_QUBITS: Final = 2
_WIDTH_QUBITS: Final = 8  # of the group that the Gaussian filters act on
_DECAY: Final = 0.5
_ENTRY: Final = 1e-9  # entries of the convolution are of order 1, rounding errors far below this
_RESOLVED: Final = 1e15  # larger condition numbers are rounding errors


class QuantumConvolutionParams(Params):
    """Groups and filters."""

    groups: Annotated[tuple[GroupName, ...], DISTINCT] = Field(
        ("Z_8", "S_3", "D_4", "S_4"), min_length=1, max_length=7, description="Groups of part 1"
    )
    qubits: int = Field(14, ge=5, le=16, description="Largest m of the cyclic groups of order 2^m")
    widths: Annotated[tuple[Annotated[float, Field(ge=0.2, le=100)], ...], RISING] = Field(
        (0.3, 1, 3, 10, 30),
        min_length=2,
        max_length=12,
        description="Widths of the Gaussian filters in elements of the group, rising",
    )
    repeats: int = Field(3, ge=1, le=10, description="Number of random filters and states")


@dataclass(frozen=True, slots=True)
class Convolved:
    """One convolution by a circuit.

    Attributes:
        infidelity: one minus the fidelity with the sum itself.
        success: probability that the register that is measured reads success.
        predicted: what the formula says of it.
        gates: those of both Fourier transforms; 0 for the sum of unitaries: not counted.
    """

    infidelity: float
    success: float
    predicted: float
    gates: int


@dataclass(frozen=True, slots=True)
class OnGroup:
    """The sum of unitaries on one group.

    Attributes:
        equivariance: largest relative error of commuting with a right translation.
        entries: entries of the convolution in the Fourier basis that are not zero.
        dimensions: of the irreducible representations.
    """

    convolved: Convolved
    equivariance: float
    entries: int
    dimensions: list[int]


@dataclass(frozen=True, slots=True)
class Repetition:
    """Everything measured with one stream of random numbers."""

    groups: dict[str, OnGroup]
    sizes: dict[int, Convolved]
    widths: dict[float, Convolved]


def run(params: QuantumConvolutionParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Convolve on every group, size and width, on every repetition."""
    tables = {name: group_table(name) for name in params.groups}
    sizes = range(_FEWEST_QUBITS, params.qubits + 1)
    found = []
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(repeat / params.repeats, f"repetition {repeat + 1}")
        N = 2**_WIDTH_QUBITS
        state = _random_state(N, stream)
        found.append(
            Repetition(
                groups={name: _on_group(table, stream) for name, table in tables.items()},
                sizes={m: _by_fourier(_decaying(2**m), _random_state(2**m, stream)) for m in sizes},
                widths={width: _by_fourier(_gaussian(N, width), state) for width in params.widths},
            )
        )
    return Outcome(
        metrics=list(_metrics(found)),
        checks=_checks(params, found),
        tables=[_group_table(tables, found), _size_table(found), _width_table(params, found)],
        draw=lambda figure: _draw(figure, params, found),
    )


EXPERIMENT: Final = Experiment(
    id="quantum-group-convolution",
    title="Convolution over a group by a quantum circuit, and what a smoothing filter costs it",
    paper="paper:quantum-algorithms-for-group-convolution-cross-correlation-and-equivariant",
    about=("wd:Q210857", "wd:Q1057968", "wd:Q1464944", "wd:Q2122210"),
    uses=("wd:Q1555242", "wd:Q13690522", "wd:Q256355", "wd:Q727103", "wd:Q1147936", "wd:Q623950"),
    claim="Convolution over a finite group can be applied to a quantum state by a circuit, and "
    "over the cyclic groups of order 2^m with a number of gates polynomial in m if the filter is "
    "well conditioned.",
    params=QuantumConvolutionParams,
    quick={"qubits": 8, "repeats": 1},
    cost_s=5,
    reference="G. Castelazo, Q. T. Nguyen, G. De Palma, D. Englund, S. Lloyd, B. T. Kiani, "
    "Physical Review A 106 (2022), arXiv 2109.11330",
    gives_up="Circuits are simulated with as many numbers as the group has elements: the speed-up "
    "appears in counted gates, not in time; loading the filter is taken as given.",
    not_tested=(
        "the gates over groups other than the cyclic ones of order 2^m",
        "the speed-up in time",
        "the cost of loading the filter",
    ),
    run=run,
)


def _random_state(size: int, rng: np.random.Generator) -> Complexes:
    """Complex amplitudes of norm 1."""
    amplitudes = rng.normal(size=size) + 1j * rng.normal(size=size)
    return np.asarray(amplitudes / np.linalg.norm(amplitudes))


def _decaying(N: int) -> Complexes:
    return np.asarray(_DECAY ** np.arange(N, dtype=float) + 0j)


def _gaussian(N: int, width: float) -> Complexes:
    distance = np.minimum(np.arange(N), N - np.arange(N))
    return np.asarray(np.exp(-((distance / width) ** 2) / 2) + 0j)


def _direct(table: Integers, f: Complexes, g: Complexes) -> Complexes:
    """The convolution by its sum: g(z) goes to yz with the weight f(y)."""
    result = np.zeros_like(g)
    for weight, row in zip(f, table, strict=True):
        result[row] += weight * g
    return result


def _compare(result: Complexes, reference: Complexes, predicted: float, gates: int) -> Convolved:
    """A state before it is scaled to norm 1, held against what it should be."""
    success = float(np.linalg.norm(result) ** 2)
    overlap = abs(np.vdot(result, reference)) ** 2
    fidelity = overlap / (success * np.linalg.norm(reference) ** 2)
    return Convolved(float(1 - fidelity), success, predicted, gates)


def _on_group(table: Integers, rng: np.random.Generator) -> OnGroup:
    """The sum of unitaries with a random filter, and what it does with translated states."""
    f, g = (_random_state(len(table), rng) for _ in range(2))
    result = _sum_of_unitaries(table, f, g)
    reference = _direct(table, f, g)
    predicted = float((np.linalg.norm(reference) / np.abs(f).sum()) ** 2)
    errors = [
        np.linalg.norm(_sum_of_unitaries(table, f, g[right]) - result[right])
        for right in table.T  # column z holds x z for every x: a right translation
    ]
    spaces = irreducible_subspaces(table, rng)
    basis = np.hstack([space for same in spaces for space in same])
    matrix = np.tensordot(f, left_translations(table), axes=1)
    entries = np.abs(basis.conj().T @ matrix @ basis) > _ENTRY
    return OnGroup(
        convolved=_compare(result, reference, predicted, gates=0),
        equivariance=float(max(errors) / np.linalg.norm(result)),
        entries=int(entries.sum()),
        dimensions=[same[0].shape[1] for same in spaces],
    )


def _sum_of_unitaries(table: Integers, f: Complexes, g: Complexes) -> Complexes:
    """Amplitudes of the second register where the first reads 0; their norm is not 1."""
    prepare = _reflection_to(np.sqrt(np.abs(f) / np.abs(f).sum()))
    amplitudes = np.outer(prepare[:, 0], g)
    for y, row in enumerate(table):
        translated = np.empty_like(g)
        translated[row] = amplitudes[y]
        amplitudes[y] = np.exp(1j * np.angle(f[y])) * translated
    return np.asarray((prepare.T @ amplitudes)[0])


def _reflection_to(target: Floats) -> Floats:
    """An orthogonal matrix whose first column is the target, of norm 1."""
    axis = target.copy()
    axis[0] -= 1.0
    # the reflection that exchanges the target and the first basis vector
    return np.asarray(np.eye(len(target)) - 2 * np.outer(axis, axis) / (axis @ axis))


def _by_fourier(f: Complexes, g: Complexes) -> Convolved:
    """Convolution on the cyclic group of order 2^m, gate by gate but for the diagonal."""
    eigenvalues = np.fft.fft(f)
    scaled = eigenvalues / np.abs(eigenvalues).max()
    transformed, there = _fourier_circuit(g, 1)
    result, back = _fourier_circuit(scaled * transformed, -1)
    # the reference by numpy's transform: the sum itself is too slow for the largest sizes
    reference = np.fft.ifft(eigenvalues * np.fft.fft(g))
    predicted = (np.linalg.norm(reference) / np.abs(eigenvalues).max()) ** 2
    return _compare(result, reference, float(predicted), there + back)


def _fourier_circuit(state: Complexes, sign: int) -> tuple[Complexes, int]:
    """The transform with e^(-2 pi i sign xk / N) / sqrt(N), one gate after the other.

    The inverse is the same circuit with conjugate phases: the transform's matrix is symmetric.

    Returns:
        The state, and the number of gates.
    """
    m = len(state).bit_length() - 1
    gates = 0
    amplitudes = state.reshape((2,) * m).copy()
    for qubit in range(m):
        amplitudes = _hadamard(amplitudes, qubit)
        gates += 1
        for other in range(qubit + 1, m):
            both = [slice(None)] * m
            both[qubit] = both[other] = slice(1, 2)
            amplitudes[tuple(both)] *= np.exp(-1j * np.pi * sign / 2 ** (other - qubit))
            gates += 1
    for qubit in range(m // 2):
        amplitudes = amplitudes.swapaxes(qubit, m - 1 - qubit)
        gates += 1
    return np.asarray(amplitudes.reshape(-1)), gates


def _hadamard(amplitudes: Complexes, qubit: int) -> Complexes:
    zero, one = np.moveaxis(amplitudes, qubit, 0)
    return np.asarray(np.stack([zero + one, zero - one], axis=qubit) / np.sqrt(2))


def _repetitions(found: list[Convolved]) -> float:
    """Expected runs until one succeeds, mean over the repetitions."""
    return float(np.mean([1 / item.success for item in found]))


def _quadratic_fit(sizes: dict[int, Convolved]) -> float:
    """Share of the variance of the gates by size that a quadratic explains."""
    gates = np.array([item.gates for item in sizes.values()])
    rest = gates - np.polyval(np.polyfit(list(sizes), gates, 2), list(sizes))
    return float(1 - rest.var() / gates.var())


def _checks(params: QuantumConvolutionParams, found: list[Repetition]) -> list[Check]:
    on_groups = [item for repetition in found for item in repetition.groups.values()]
    convolved = [item.convolved for item in on_groups]
    for repetition in found:
        convolved += [*repetition.sizes.values(), *repetition.widths.values()]
    lost = max(item.infidelity for item in convolved)
    apart = max(abs(item.success - item.predicted) for item in convolved)
    moved = max(item.equivariance for item in on_groups)
    m = params.qubits
    gates = found[0].sizes[m].gates * _repetitions([item.sizes[m] for item in found])
    successes = np.array([[item.success for item in r.widths.values()] for r in found])
    wider = float((successes[:, 1:] / successes[:, :-1]).max())
    quadratic = _quadratic_fit(found[0].sizes)
    entries = max(abs(item.entries - sum(d**3 for d in item.dimensions)) for item in on_groups)
    counted = f"gates for one success relative to operations of the fast transform, m = {m}"
    verify = partial(Check, claimed=False)
    return [
        Check("one minus the fidelity with the convolution, largest", lost, "<", 1e-10),
        Check("probability of success apart from its formula, largest", apart, "<", 1e-10),
        Check(counted, gates / (m * 2**m), "<", 1),
        Check("success relative to that at the next narrower Gaussian, largest", wider, "<", 1),
        verify("identity: relative error of commuting with right translations", moved, "<", 1e-10),
        verify("identity: share of the gates' variance a quadratic explains", quadratic, ">", 0.99),
        verify("identity: entries in the Fourier basis, less the sum of d^3", entries, "<=", 0),
    ]


def _metrics(found: list[Repetition]) -> Iterator[Metric]:
    for seed, repetition in enumerate(found):
        for name, item in repetition.groups.items():
            yield Metric(f"probability of success, {name}", item.convolved.success, seed=seed)
            yield Metric(f"one minus fidelity, {name}", item.convolved.infidelity, seed=seed)
        for m, convolved in repetition.sizes.items():
            yield Metric(f"probability of success, m = {m}", convolved.success, seed=seed)
        for width, convolved in repetition.widths.items():
            yield Metric(f"probability of success, width {width:g}", convolved.success, seed=seed)
    for m, convolved in found[0].sizes.items():
        yield Metric(f"gates, m = {m}", convolved.gates)


def _group_table(tables: dict[GroupName, Integers], found: list[Repetition]) -> Table:
    rows: list[list[str | int | float]] = []
    for name, table in tables.items():
        items = [repetition.groups[name] for repetition in found]
        rows.append([
            name,
            len(table),
            ", ".join(map(str, items[0].dimensions)),
            items[0].entries,
            len(table) ** 2,
            max(item.convolved.infidelity for item in items),
            float(np.mean([item.convolved.success for item in items])),
            max(abs(item.convolved.success - item.convolved.predicted) for item in items),
        ])
    columns = ["group", "order", "d", "entries", "of", "1 - fidelity", "success", "error"]
    title = "Sum of unitaries: entries in the Fourier basis, worst fidelity, mean success"
    return Table(title, columns, rows)


def _size_table(found: list[Repetition]) -> Table:
    rows = []
    for m, convolved in found[0].sizes.items():
        runs = _repetitions([item.sizes[m] for item in found])
        gates = convolved.gates
        rows.append([m, 2**m, gates, runs, gates * runs, m * 2**m, 4**m])
    columns = ["m", "order", "gates", "runs", "gates in all", "fast transform", "sum"]
    title = "Cyclic groups: gates and runs for one success, operations of the baselines"
    return Table(title, columns, rows)


def _width_table(params: QuantumConvolutionParams, found: list[Repetition]) -> Table:
    rows: list[list[str | float]] = []
    for width in params.widths:
        sizes = np.abs(np.fft.fft(_gaussian(2**_WIDTH_QUBITS, width)))
        condition = sizes.max() / max(sizes.min(), np.finfo(float).tiny)
        shown = float(condition) if condition < _RESOLVED else f"> {_RESOLVED:.0e}"
        runs = [1 / repetition.widths[width].success for repetition in found]
        rows.append([width, shown, float(np.mean(runs)), min(runs), max(runs)])
    columns = ["width", "condition number", "runs for a success, mean", "fewest", "most"]
    return Table(f"Gaussian filters, m = {_WIDTH_QUBITS}", columns, rows)


def _draw(figure: Figure, params: QuantumConvolutionParams, found: list[Repetition]) -> None:
    left, right = figure.subplots(1, 2)
    sizes = np.array(list(found[0].sizes))
    gates = np.array([item.gates for item in found[0].sizes.values()])
    runs = np.array([_repetitions([item.sizes[m] for item in found]) for m in sizes])
    left.plot(sizes, 4.0**sizes, "C7:", label="sum itself: N²")
    left.plot(sizes, sizes * 2.0**sizes, "C1s--", fillstyle="none", label="fast transform: N log N")
    left.plot(sizes, gates * runs, "C0o-", label="circuit, gates for one success")
    left.plot(sizes, gates, "C0-", linewidth=0.8, label="circuit, gates of one run")
    left.set(yscale="log", xlabel="m, order of the group N = 2^m", ylabel="operations")
    left.set_title("a filter of condition number 3", fontsize=10)
    left.legend(fontsize=8)
    needed = np.array([[1 / item.success for item in r.widths.values()] for r in found])
    right.plot(params.widths, needed.T, "C0-", linewidth=0.6, alpha=0.6)
    right.plot(params.widths, needed.mean(axis=0), "C0o-", label="circuit, mean")
    right.set(xscale="log", yscale="log", xlabel="width of the Gaussian filter, elements")
    right.set_ylabel("expected runs for one success")
    right.set_title(f"wider: fewer frequencies pass (N = {2**_WIDTH_QUBITS})", fontsize=10)
    right.legend(fontsize=8)
