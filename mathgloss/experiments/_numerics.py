"""Numerics that several experiments share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Complexes: TypeAlias = NDArray[np.complex128]
Integers: TypeAlias = NDArray[np.int64]
F = TypeVar("F", bound=np.floating[Any])


class Adam:
    """Gradient descent with moments (D. P. Kingma, J. Ba, arXiv 1412.6980), in place.

    Args:
        weights: vector that every step changes.
        betas: what is kept of the mean and of the square of the gradients in a step.
        decay: by which the weights shrink at a step, in units of its rate and apart from the
            gradient (AdamW: I. Loshchilov, F. Hutter, arXiv 1711.05101).
    """

    def __init__(
        self,
        weights: NDArray[np.floating[Any]],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        decay: float = 0,
    ) -> None:
        self._weights = weights
        self._betas = betas
        self._decay = decay
        self._mean = np.zeros_like(weights)
        self._square = np.zeros_like(weights)
        self._steps = 0

    def step(self, gradient: NDArray[np.floating[Any]], rate: float) -> None:
        """Change the weights by one step down the gradient, a vector like them."""
        self._steps += 1
        of_mean, of_square = self._betas
        self._mean += (1 - of_mean) * (gradient - self._mean)
        self._square += (1 - of_square) * (gradient**2 - self._square)
        mean = self._mean / (1 - of_mean**self._steps)
        square = self._square / (1 - of_square**self._steps)
        if self._decay:
            self._weights *= 1 - rate * self._decay
        self._weights -= rate * mean / (np.sqrt(square) + 1e-8)


class DenseNetwork:
    """Dense layers with rectifiers between them.

    Args:
        sizes: units of each layer, the inputs first and the outputs last.
        leak: slope of the rectifiers below zero.
        dtype: of the weights, and so of all that is computed.

    Attributes:
        weights: the weights and biases of all layers in one vector; zeros at first.
        slope: the derivative by them, as the last call of ``backward`` left it.
        layers: weights, shape (units below, units above), and biases of each layer, as views
            into ``weights``.
        slopes: the same of ``slope``.
    """

    def __init__(
        self, sizes: Sequence[int], *, leak: float = 0, dtype: type[np.floating[Any]] = np.float64
    ) -> None:
        shapes = [shape for below, above in pairwise(sizes) for shape in ((below, above), (above,))]
        self.weights = np.zeros(sum(map(math.prod, shapes)), dtype)
        self.slope = np.zeros_like(self.weights)
        self._leak = self.weights.dtype.type(leak)
        self.layers, self.slopes = (
            list(zip(views[::2], views[1::2], strict=True))
            for views in (parts_of(self.weights, shapes), parts_of(self.slope, shapes))
        )

    def draw(self, rng: np.random.Generator) -> None:
        """Draw weights and biases evenly within 1 / sqrt(units below) of zero."""
        for weights, bias in self.layers:
            bound = 1 / np.sqrt(len(weights))
            weights[:] = rng.uniform(-1, 1, weights.shape) * bound
            bias[:] = rng.uniform(-1, 1, bias.shape) * bound

    def forward(self, x: NDArray[F]) -> list[NDArray[F]]:
        """What each layer gets, from the inputs of shape (batch, units) on, and the outputs."""
        passed = [x]
        for weights, bias in self.layers[:-1]:
            before = passed[-1] @ weights + bias
            passed.append(np.maximum(before, self._leak * before))
        weights, bias = self.layers[-1]
        return [*passed, passed[-1] @ weights + bias]

    def backward(self, passed: Sequence[NDArray[F]], slope: NDArray[F]) -> NDArray[F]:
        """Set ``slope``, the derivative by the weights, and give the one by the inputs.

        Args:
            passed: what ``forward`` gave.
            slope: the derivative by the outputs, shape (batch, units).
        """
        one = self.weights.dtype.type(1)
        for place in reversed(range(len(self.layers))):
            np.matmul(passed[place].T, slope, out=self.slopes[place][0])
            slope.sum(axis=0, out=self.slopes[place][1])
            slope = slope @ self.layers[place][0].T
            if place:
                slope = slope * np.where(passed[place] > 0, one, self._leak)
        return slope


class Digits(NamedTuple):
    """Handwritten digits of scikit-learn.

    Attributes:
        images: scaled to [0, 1], shape (count, 64).
        truth: which digit each one is, shape (count,).
    """

    images: Floats
    truth: Integers


def draw_digits(counts: Sequence[int], rng: np.random.Generator) -> list[Digits]:
    """Parts of the digits, drawn at random without overlap, as large as these counts.

    Raises:
        ValueError: there are not so many digits.
    """
    from sklearn.datasets import load_digits

    images, truth = load_digits(return_X_y=True)
    if sum(counts) > len(truth):
        raise ValueError(f"expected counts that sum to at most {len(truth)}, got {list(counts)}")
    ends = np.cumsum(counts)
    parts = np.split(rng.permutation(len(truth)), ends)[: len(ends)]
    return [Digits(images[part] / 16, truth[part]) for part in parts]


@dataclass(frozen=True, slots=True)
class DigitsNetwork:
    """A trained ReLU network, and scikit-learn's digits scaled to [0, 1].

    Attributes:
        weights: one matrix for each layer, shape (units below, units above).
        biases: one vector for each layer.
        train: the digits it was trained on, shape (digits, 64).
        test: digits that it has not seen.
        truth: which digit each of ``test`` is.
    """

    weights: Sequence[Floats]
    biases: Sequence[Floats]
    train: Floats
    test: Floats
    truth: Integers


def train_on_digits(
    hidden: tuple[int, ...], passes: int, test_share: float, rng: np.random.Generator
) -> DigitsNetwork:
    """Train a network with these numbers of hidden units on a random part of the digits."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    digits, truth = load_digits(return_X_y=True)
    state = int(rng.integers(2**31))
    train, test, train_truth, test_truth = train_test_split(
        digits / 16, truth, test_size=test_share, random_state=state, stratify=truth
    )
    model = MLPClassifier(hidden, max_iter=passes, random_state=state)
    model.fit(train, train_truth)
    return DigitsNetwork(model.coefs_, model.intercepts_, train, test, test_truth)


GroupName: TypeAlias = Literal["Z_8", "Z_12", "S_3", "D_4", "A_4", "S_4", "F_21"]

# permutations that generate each group; F_21 is the semidirect product of Z_7 and Z_3
_GENERATORS: Final[Mapping[GroupName, Sequence[tuple[int, ...]]]] = {
    "Z_8": [(1, 2, 3, 4, 5, 6, 7, 0)],
    "Z_12": [(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0)],
    "S_3": [(1, 2, 0), (1, 0, 2)],
    "D_4": [(1, 2, 3, 0), (0, 3, 2, 1)],
    "A_4": [(1, 2, 0, 3), (1, 0, 3, 2)],
    "S_4": [(1, 2, 3, 0), (1, 0, 2, 3)],
    "F_21": [(1, 2, 3, 4, 5, 6, 0), (0, 2, 4, 6, 1, 3, 5)],
}


def group_table(name: GroupName) -> Integers:
    """Cayley table of a small group.

    Returns:
        Shape (order, order); the entry in row x and column y is the number of the product xy,
        and 0 that of the identity.
    """
    generators = _GENERATORS[name]
    elements = [tuple(range(len(generators[0])))]
    for element in elements:  # grows while it is read, until it is closed
        products = (tuple(element[i] for i in generator) for generator in generators)
        elements += [product for product in products if product not in elements]
    place = {element: number for number, element in enumerate(elements)}
    return np.array([[place[tuple(x[i] for i in y)] for y in elements] for x in elements])


def left_translations(table: Integers) -> Floats:
    """The left regular representation: row x of the table sends basis vector y to xy.

    Returns:
        Shape (order, order, order), a permutation matrix for each element of the group.
    """
    return np.asarray(np.eye(len(table))[table].transpose(0, 2, 1))


def irreducible_subspaces(table: Integers, rng: np.random.Generator) -> list[list[Complexes]]:
    """Split the left regular representation into irreducible ones.

    A random Hermitian element of the right regular algebra commutes with all left translations,
    and its eigenspaces are irreducible. It must be complex: the eigenspaces of a real one join
    each representation with its conjugate.

    Returns:
        For each irreducible representation its copies, as many as its dimension d; each an
        orthonormal basis of a subspace, shape (order, d).

    Raises:
        ArithmeticError: the numbers drawn are too near to each other to tell the spaces apart.
    """
    order = len(table)
    weights = rng.normal(size=order) + 1j * rng.normal(size=order)
    element = np.zeros((order, order), dtype=complex)
    for y, weight in enumerate(weights):
        element[table[:, y], np.arange(order)] += weight
    values, vectors = np.linalg.eigh(element + element.conj().T)
    starts = np.flatnonzero(np.diff(values) > 1e-9 * np.abs(values).max()) + 1
    left = left_translations(table)
    copies: dict[bytes, list[Complexes]] = {}
    for space in np.split(vectors, starts, axis=1):
        character = np.einsum("xi,gxy,yi->g", space.conj(), left, space, optimize=True)
        # + 0: no negative zeros among the rounded numbers
        copies.setdefault((character.round(6) + 0).tobytes(), []).append(space)
    found = list(copies.values())
    if any(len(same) != same[0].shape[1] for same in found):
        shapes = [(len(same), same[0].shape[1]) for same in found]
        raise ArithmeticError(f"expected as many copies as dimensions, got {shapes}")
    return found


def arc_cosine_0(u: Floats) -> Floats:
    """Kernel of the rectifier's derivative for inputs of correlation u, in [0, 1]."""
    return np.asarray(1 - np.arccos(np.clip(u, -1, 1)) / np.pi)


def arc_cosine_1(u: Floats) -> Floats:
    """Correlation behind a wide layer of rectifiers for inputs of correlation u, in [0, 1]."""
    u = np.clip(u, -1, 1)
    return np.asarray(u * arc_cosine_0(u) + np.sqrt(1 - u**2) / np.pi)


def tangent_kernel(u: Floats) -> Floats:
    """Tangent kernel of one wide hidden layer of rectifiers, both layers trained, no biases.

    Args:
        u: correlation of two inputs on the sphere of radius 1.

    Returns:
        So scaled that it is 2 at u = 1.
    """
    return np.asarray(arc_cosine_1(u) + u * arc_cosine_0(u))


def descent_filter(eigenvalues: Floats, rate: float, steps: int) -> Floats:
    """What gradient descent from zero has put in place of 1 / eigenvalue after some steps."""
    return np.asarray((1 - (1 - rate * eigenvalues) ** steps) / eigenvalues)


def softmax(logits: NDArray[F]) -> NDArray[F]:
    """Exponentials scaled to sum to one over the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def fitted_exponent(x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> float:
    """Exponent of the power law that is nearest to the points in their logarithms."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def parts_of(vector: NDArray[F], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[F]]:
    """Views into a vector, one after the other, with these shapes, which fill it."""
    sizes = [math.prod(shape) for shape in shapes]
    pieces = np.split(vector, np.cumsum(sizes)[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]
