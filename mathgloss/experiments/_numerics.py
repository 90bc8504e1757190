"""Numerics that several experiments share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, TypeVar

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
    """

    def __init__(self, weights: NDArray[np.floating[Any]]) -> None:
        self._weights = weights
        self._mean = np.zeros_like(weights)
        self._square = np.zeros_like(weights)
        self._steps = 0

    def step(self, gradient: NDArray[np.floating[Any]], rate: float) -> None:
        """Change the weights by one step down the gradient, a vector like them."""
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        mean = self._mean / (1 - 0.9**self._steps)
        square = self._square / (1 - 0.999**self._steps)
        self._weights -= rate * mean / (np.sqrt(square) + 1e-8)


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


def parts_of(vector: NDArray[F], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[F]]:
    """Views into a vector, one after the other, with these shapes, which fill it."""
    sizes = [math.prod(shape) for shape in shapes]
    pieces = np.split(vector, np.cumsum(sizes)[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]
