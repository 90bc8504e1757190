"""What an encoder promises, and the check that it keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mathgloss.errors import InputError, MathGlossError

Vectors = NDArray[np.float32]
# called with what is done and the total
Progress = Callable[[int, int], None]

# how far the length of a row may be from one: half precision rounds by 2^-11
_LENGTH_TOLERANCE: Final = 1e-3


class EmbeddingError(MathGlossError):
    """A model cannot be loaded or used, or its vectors cannot be kept."""


class Encoder(Protocol):
    """Anything that turns texts into vectors.

    Attributes:
        name: what people call the model; stands in messages and provenance.
        fingerprint: identifies model, weights and precision; letters, digits, ``.``, ``_``, ``-``.
        dimension: length of a vector.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - the class says it

    @property
    def fingerprint(self) -> str: ...  # noqa: D102

    @property
    def dimension(self) -> int: ...  # noqa: D102

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (n, dimension), rows of length one; zero for a text with no content."""
        ...


def as_texts(texts: Sequence[str]) -> list[str]:
    """The texts as a list.

    Raises:
        InputError: a single string, which would be taken for its characters.
    """
    if isinstance(texts, str):
        raise InputError(f"expected a list of texts, got one string {texts[:40]!r}; use [text]")
    return list(texts)


def check_vectors(vectors: object, count: int, encoder: Encoder) -> Vectors:
    """The vectors, if they are what an encoder promises.

    Raises:
        EmbeddingError: another shape than (count, dimension), not finite, or not of length one
            (or zero); the message names the model.
    """
    rows = np.asarray(vectors, dtype=np.float32)
    expected = (count, encoder.dimension)
    if rows.shape != expected:
        raise EmbeddingError(
            f"{encoder.name}: expected vectors of shape {expected}, got {rows.shape}; "
            "the model or its encoder is not usable"
        )
    lengths = np.linalg.norm(rows, axis=1)
    if bad := int(np.count_nonzero(~np.isfinite(lengths))):
        raise EmbeddingError(
            f"{encoder.name}: expected finite numbers, got NaN or infinity in {bad} of {count} "
            "vectors; half precision may be too small for this model, try device 'cpu'"
        )
    off = (np.abs(lengths - 1) > _LENGTH_TOLERANCE) & (lengths > 0)
    if off.any():
        raise EmbeddingError(
            f"{encoder.name}: expected vectors of length one, got length {lengths[off][0]:.4g}; "
            "normalize them in the encoder"
        )
    return rows
