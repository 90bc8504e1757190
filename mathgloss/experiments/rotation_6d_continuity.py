r"""Rotations written with three or four numbers jump, and networks that must predict them suffer.

Claim: no continuous representation of the rotations of space exists in four or fewer real
dimensions, so quaternions and Euler angles make learning hard; explicit representations in five
and six dimensions are continuous and are learned better.

Formula: a representation is a map :math:`g : SO(3) \to \mathbb R^d` with a map :math:`f` back,
:math:`f \circ g = \mathrm{id}`; it is continuous if :math:`g` is. In six dimensions :math:`g(R)`
is the first two columns of :math:`R` and :math:`f` the Gram-Schmidt process with the cross product
as third column. In five, those six numbers are divided by the norm of the last four, which then
lie on the unit 3-sphere, far from the pole from which they are projected to
:math:`\mathbb R^3`.

Set-up: Part 1, without learning: rotations :math:`R` and steps :math:`\varepsilon`; the jump of
:math:`g` is the largest :math:`\lVert g(e^{\varepsilon n / 2} R) - g(e^{-\varepsilon n / 2} R)
\rVert` with a random axis :math:`n`. A third of the rotations is uniform, a third has the angle
:math:`\pi`, where quaternions of positive real part and rotation vectors jump, and a third has the
first Euler angle :math:`\pi`. Part 2: a network 9-128-128-128-d with leaky rectifiers gets the
entries of :math:`R` and must give numbers from which the fixed :math:`f` makes :math:`R`; the loss
is :math:`\lVert f(y) - R \rVert_F^2`, the derivative of :math:`f` is taken by a complex step.
Baselines: quaternions, Euler angles (z, y, x) and rotation vectors, with the same network, first
weights (but for the last layer, whose size differs), batches and steps.

Measured: jumps relative to the step, and the angle between :math:`f(y)` and :math:`R` on fresh
rotations. The claim held if the jumps of the two continuous representations stay below three
steps while those of the others do not shrink, if their mean error is at most half of the best
other one's in the worst repetition, and if the others are off by more than a right angle somewhere
while six dimensions never are by ten degrees.

Reference: Y. Zhou, C. Barnes, J. Lu, J. Yang, H. Li, On the Continuity of Rotation
Representations in Neural Networks, CVPR 2019, arXiv 1812.07035.

Deviation: the sanity task alone, with 3,000 steps; no point clouds, no inverse kinematics; bounds
from earlier trials with other seeds, which had no rotations at the cut of the Euler angles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
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
from mathgloss.experiments._numerics import Adam, DenseNetwork, Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Singles = NDArray[np.float32]

NAMES: Final = ("6D", "5D", "quaternion", "Euler angles", "rotation vector")
CONTINUOUS: Final = NAMES[:2]
CUT: Final = NAMES[2:]
_DIMENSIONS: Final = {"6D": 6, "5D": 5, "quaternion": 4, "Euler angles": 3, "rotation vector": 3}
_LEAK: Final = 0.01
_RATE: Final = 1e-3
_COMPLEX_STEP: Final = 1e-20
_LARGE_DEG: Final = 10
_MARKERS: Final = "os^vD"
_LINES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


class RotationParams(Params):
    """Steps of the first part, and the learning of the second."""

    steps: Annotated[tuple[Annotated[float, Field(ge=1e-6, le=0.5)], ...], DISTINCT] = Field(
        (1e-1, 1e-2, 1e-3, 1e-4),
        min_length=1,
        max_length=8,
        description="Angles epsilon between the rotations of a pair, in radians",
    )
    rotations: int = Field(
        20_000, ge=300, le=100_000, description="Number of rotations of part 1 and of the test"
    )
    updates: int = Field(3_000, ge=100, le=10_000, description="Steps of training")
    width: int = Field(128, ge=16, le=256, description="Units of each hidden layer")
    batch: int = Field(64, ge=8, le=256, description="Rotations in one step of training")
    repeats: int = Field(3, ge=1, le=10, description="Number of networks of each representation")


@dataclass(frozen=True, slots=True)
class Repetition:
    """What one repetition measured.

    Attributes:
        jumps: largest jump for each step, by representation.
        errors: sorted angles on fresh rotations in degrees, by representation.
    """

    jumps: dict[str, Floats]
    errors: dict[str, Floats]


def run(params: RotationParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Both parts, for every repetition."""
    found = []
    for repeat, stream in enumerate(rng.spawn(params.repeats)):
        progress(repeat / params.repeats, f"repetition {repeat + 1}: jumps")
        jumps = _jumps(params, stream)
        test = _uniform(params.rotations, stream)
        seed = int(stream.integers(2**32))
        errors = {}
        for place, name in enumerate(NAMES):
            done = (repeat + (place + 0.2) / (len(NAMES) + 0.2)) / params.repeats
            progress(done, f"repetition {repeat + 1}: learning with {name}")
            # the same first weights and batches for all
            errors[name] = _learn(params, name, test, seed)
        found.append(Repetition(jumps, errors))
    return Outcome(
        metrics=list(_metrics(params, found)),
        checks=_checks(params, found),
        tables=[_jump_table(params, found), _error_table(found)],
        draw=lambda figure: _draw(figure, params, found),
    )


EXPERIMENT: Final = Experiment(
    id="rotation-6d-continuity",
    title="Rotations in five or six numbers are continuous and easier to learn",
    paper="paper:on-the-continuity-of-rotation-representations-in-neural-networks",
    about=("wd:Q1256500", "wd:Q173853", "wd:Q751290", "wd:Q980509"),
    uses=("wd:Q475239", "wd:Q866099", "wd:Q1256564", "wd:Q1162676"),
    claim="No representation of the rotations of space in four or fewer real dimensions is "
    "continuous, so quaternions and Euler angles hurt learning, while explicit ones in five and "
    "six dimensions are continuous and are learned better.",
    params=RotationParams,
    quick={"rotations": 3_000, "updates": 300, "repeats": 1},
    cost_s=50,
    packages=("scipy",),
    reference="Y. Zhou, C. Barnes, J. Lu, J. Yang, H. Li, CVPR 2019, arXiv 1812.07035",
    gives_up="The sanity task with short training, in place of poses of point clouds and inverse "
    "kinematics.",
    not_tested=(
        "that no continuous representation in four dimensions exists (three usual ones are tried)",
        "poses of point clouds and inverse kinematics",
        "SO(n) for n above 3",
    ),
    run=run,
)


def _uniform(count: int, rng: np.random.Generator) -> Floats:
    """Rotations from the Haar measure, shape (count, 3, 3)."""
    return _from_quaternion(rng.standard_normal((count, 4)))


def _axes(count: int, rng: np.random.Generator) -> Floats:
    vectors = rng.standard_normal((count, 3))
    return np.asarray(vectors / _norm(vectors))


def _jumps(params: RotationParams, rng: np.random.Generator) -> dict[str, Floats]:
    """Largest jump over the rotations for each step, by representation."""
    third = params.rotations // 3
    angles = np.column_stack([
        np.full(third, np.pi),
        rng.uniform(-np.pi / 2, np.pi / 2, third),
        rng.uniform(-np.pi, np.pi, third),
    ])
    R = np.concatenate([
        _uniform(params.rotations - 2 * third, rng),
        _from_rotation_vector(np.pi * _axes(third, rng)),
        _from_euler(angles),
    ])
    n = _axes(len(R), rng)
    pairs = [
        (_from_rotation_vector(step / 2 * n) @ R, _from_rotation_vector(-step / 2 * n) @ R)
        for step in params.steps
    ]
    return {
        name: np.array([
            _norm(_represent(name, above) - _represent(name, below)).max() for above, below in pairs
        ])
        for name in NAMES
    }


def _represent(name: str, R: Floats) -> Floats:
    """The usual g of a representation, shape (count, d)."""
    from scipy.spatial.transform import Rotation

    if name == "6D":
        return _columns(R)
    if name == "5D":
        scaled = _columns(R) / _norm(_columns(R)[:, 2:])
        return np.hstack([scaled[:, :2], scaled[:, 3:] / (1 - scaled[:, 2:3])])
    rotations = Rotation.from_matrix(R)
    if name == "quaternion":
        return np.asarray(rotations.as_quat(canonical=True))
    if name == "Euler angles":
        return np.asarray(rotations.as_euler("ZYX"))
    return np.asarray(rotations.as_rotvec())


def _norm(x: Array) -> Array:
    """Root of the sum of squares over the last axis, kept; analytic, so good for complex x."""
    return np.asarray(np.sqrt((x**2).sum(axis=-1, keepdims=True)))


def _from_six(y: Array) -> Array:
    """Gram-Schmidt process with the cross product as third column."""
    first = y[..., :3] / _norm(y[..., :3])
    second = y[..., 3:] - (first * y[..., 3:]).sum(axis=-1, keepdims=True) * first
    second = second / _norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def _from_five(y: Array) -> Array:
    square = (y[..., 2:] ** 2).sum(axis=-1, keepdims=True)
    sphere = np.concatenate([square - 1, 2 * y[..., 2:]], axis=-1) / (square + 1)
    return _from_six(np.concatenate([y[..., :2], sphere], axis=-1))


def _from_quaternion(y: Array) -> Array:
    """Of any length; real part first."""
    w, x, y, z = np.moveaxis(y / _norm(y), -1, 0)
    first = [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)]
    second = [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)]
    a, b = np.stack(first, axis=-1), np.stack(second, axis=-1)
    return np.stack([a, b, np.cross(a, b)], axis=-1)


def _from_euler(y: Array) -> Array:
    """Turns about z, then the new y, then the new x, by these angles."""
    yaw, pitch, roll = (
        _from_rotation_vector(y[..., place, None] * np.eye(3)[axis])
        for place, axis in enumerate((2, 1, 0))
    )
    return np.asarray(yaw @ pitch @ roll)


def _from_rotation_vector(y: Array) -> Array:
    angle = np.sqrt((y**2).sum(axis=-1, keepdims=True) + 1e-300)  # zero has no axis, needs none
    return _from_quaternion(np.concatenate([np.cos(angle / 2), np.sin(angle / 2) * y / angle], -1))


_DECODERS: Final[dict[str, Callable[[Array], Array]]] = {
    "6D": _from_six,
    "5D": _from_five,
    "quaternion": _from_quaternion,
    "Euler angles": _from_euler,
    "rotation vector": _from_rotation_vector,
}


def _learn(params: RotationParams, name: str, test: Floats, seed: int) -> Floats:
    """Sorted angles in degrees between the test rotations and what a trained network gives."""
    sizes = (9, params.width, params.width, params.width, _DIMENSIONS[name])
    network = DenseNetwork(sizes, leak=_LEAK, dtype=np.float32)
    # streams apart, or the last layer's size would change the batches
    rng, batches = np.random.default_rng(seed).spawn(2)
    network.draw(rng)
    optimiser = Adam(network.weights)
    decode = _DECODERS[name]
    for update in range(params.updates):
        R = _uniform(params.batch, batches)
        passed = network.forward(_flat(R))
        network.backward(passed, _loss_slope(decode, passed[-1], R))
        optimiser.step(network.slope, _RATE * (1 + np.cos(np.pi * update / params.updates)) / 2)
    guess = decode(network.forward(_flat(test))[-1].astype(np.float64))
    chord = np.sqrt(((guess - test) ** 2).sum(axis=(1, 2))) / np.sqrt(8)
    return np.sort(np.degrees(2 * np.arcsin(chord.clip(max=1))))


def _flat(R: Floats) -> Singles:
    return R.reshape(len(R), 9).astype(np.float32)


def _loss_slope(decode: Callable[[Array], Array], y: Singles, R: Floats) -> Singles:
    """Derivative of the mean loss by the network's output, exact by a complex step."""
    count, d = y.shape
    moved = np.tile(y.astype(np.complex128), (d, 1, 1))
    moved[np.arange(d), :, np.arange(d)] += 1j * _COMPLEX_STEP
    losses = ((decode(moved) - R) ** 2).sum(axis=(-2, -1))
    return np.asarray(losses.imag.T / _COMPLEX_STEP / count, np.float32)


def _columns(A: Floats) -> Floats:
    """The entries of the first two columns, one after the other, shape (count, 6)."""
    return np.concatenate([A[..., 0], A[..., 1]], axis=-1)


def _checks(params: RotationParams, found: list[Repetition]) -> list[Check]:
    last = int(np.argmin(params.steps))
    relative = max(
        float((item.jumps[name] / params.steps).max()) for item in found for name in CONTINUOUS
    )
    kept = min(float(item.jumps[name][last]) for item in found for name in CUT)
    ratio = max(
        max(item.errors[name].mean() for name in CONTINUOUS)
        / min(item.errors[name].mean() for name in CUT)
        for item in found
    )
    largest = max(float(item.errors["6D"][-1]) for item in found)
    wrong = min(float(item.errors[name][-1]) for item in found for name in CUT)
    return [
        Check("jump of 6D and 5D relative to the step, largest", relative, "<=", 3),
        Check("jump of the others at the smallest step, smallest", kept, ">=", 1.9),
        Check("mean error of 6D and 5D relative to the best other, worst", float(ratio), "<=", 0.5),
        Check("largest error of 6D, in degrees", largest, "<", 10),
        Check("largest error of each of the others, in degrees, the smallest", wrong, ">", 90),
    ]


def _metrics(params: RotationParams, found: list[Repetition]) -> Iterator[Metric]:
    for seed, item in enumerate(found):
        for name in NAMES:
            for step, jump in zip(params.steps, item.jumps[name], strict=True):
                yield Metric(f"jump, {name}, step {step:g}", float(jump), seed=seed)
            errors = item.errors[name]
            yield Metric(f"mean error, {name}", float(errors.mean()), "degree", seed)
            yield Metric(f"largest error, {name}", float(errors[-1]), "degree", seed)


def _jump_table(params: RotationParams, found: list[Repetition]) -> Table:
    rows = [
        [name, *(float(jump) for jump in np.max([item.jumps[name] for item in found], axis=0))]
        for name in NAMES
    ]
    columns = ["representation", *(f"step {step:g}" for step in params.steps)]
    return Table("Largest jump between rotations that are a small step apart", columns, rows)


def _error_table(found: list[Repetition]) -> Table:
    rows: list[list[str | float]] = []
    for name in NAMES:
        errors = np.array([item.errors[name] for item in found])
        rows.append([
            name,
            float(errors.mean()),
            float(np.median(errors)),
            float(np.quantile(errors, 0.99)),
            float(errors.max()),
            float((errors > _LARGE_DEG).mean()),
        ])
    columns = ["representation", "mean", "median", "99 %", "largest", f"share above {_LARGE_DEG}"]
    return Table("Error on fresh rotations in degrees, all repetitions together", columns, rows)


def _draw(figure: Figure, params: RotationParams, found: list[Repetition]) -> None:
    left, right = figure.subplots(1, 2)
    percentiles = np.linspace(0, 100, 1_001)
    for place, (name, marker, line) in enumerate(zip(NAMES, _MARKERS, _LINES, strict=True)):
        jumps = np.max([item.jumps[name] for item in found], axis=0)
        style = {"color": f"C{place}", "label": name}
        left.loglog(params.steps, jumps, marker=marker, markersize=10 - place, mfc="none", **style)
        errors = np.concatenate([item.errors[name] for item in found])
        right.semilogy(percentiles, np.percentile(errors, percentiles), ls=line, **style)
    left.set(xlabel="step between two rotations (rad)", ylabel="largest jump of the representation")
    left.set_title("continuous: the jump shrinks with the step", fontsize=10)
    right.set(xlabel="percentile of fresh rotations", ylabel="error of the network (degrees)")
    right.set_title(f"after training, {len(found)} networks each", fontsize=10)
    for axes in (left, right):
        axes.legend(fontsize=8)
