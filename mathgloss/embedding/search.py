"""Exact nearest neighbours by inner product, on the CPU or a GPU.

A blocked matrix product in single precision proposes candidates, with a bound on its rounding
error; the candidates' products are then computed in double precision. So the result depends
neither on the device nor on the size of the blocks, and equal rows are tied exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mathgloss.embedding.contract import EmbeddingError, Vectors
from mathgloss.embedding.loading import library
from mathgloss.errors import InputError

Indices = NDArray[np.int64]
# scores of a block of queries with a block of rows, best first or not: (indices, scores)
_Product = Callable[[Vectors, int], tuple[Indices, Vectors]]

# rows of the matrix, and queries, in one product: 16 MB of scores; a GPU takes 512 MB
_ROWS, _QUERIES = 16_384, 256
_DEVICE_ROWS, _DEVICE_QUERIES = 65_536, 2_048
# candidates beyond k, so that rounding rarely leaves the k-th in doubt
_SPARE: Final = 16
# pairs whose product is computed in double precision at a time
_PAIRS: Final = 8_192


def nearest(
    queries: ArrayLike,
    matrix: ArrayLike,
    k: int,
    *,
    device: str | None = None,
    block: int | None = None,
) -> tuple[Indices, Vectors]:
    """For each query the k rows of the matrix with the largest inner product.

    Args:
        queries: shape (q, d).
        matrix: shape (n, d). Rows of length one make the scores cosines.
        k: how many; if n is less, all n are returned.
        device: as PyTorch names it, ``cuda`` for instance; by default NumPy on the CPU.
        block: rows of the matrix in one product; bounds the memory, not the result.

    Returns:
        Indices into the matrix and scores, both of shape (q, min(k, n)), scores falling; of rows
        with equal scores the one with the lower index comes first.

    Raises:
        InputError: shapes do not fit, k or the block is not positive, or a number is not finite.
        EmbeddingError: the device is not there or has too little memory.
    """
    wanted, rows = _as_rows(queries, "queries"), _as_rows(matrix, "matrix")
    if wanted.shape[1] != rows.shape[1]:
        raise InputError(
            "expected queries and matrix of the same dimension, got "
            f"{wanted.shape[1]} and {rows.shape[1]}; they come from different models"
        )
    if k < 1 or (block is not None and block < 1):
        raise InputError(f"expected k and block of at least 1, got k={k}, block={block}")
    k = min(k, len(rows))
    if not k or not len(wanted):
        return np.empty((len(wanted), k), np.int64), np.empty((len(wanted), k), np.float32)
    try:
        candidates, cutoff = _candidates(wanted, rows, min(k + _SPARE, len(rows)), device, block)
    except (RuntimeError, AssertionError) as error:  # PyTorch's, for a device or its memory
        raise EmbeddingError(
            f"the search fails on {device!r}: {error}; use a smaller block or no device"
        ) from error
    bound = _rounding_error(wanted, rows, device)
    return _exact_best(wanted, rows, k, candidates, cutoff, bound)


def _as_rows(values: ArrayLike, what: str) -> Vectors:
    rows = np.ascontiguousarray(values, dtype=np.float32)
    if rows.ndim != 2:
        raise InputError(f"expected {what} of two dimensions, got shape {rows.shape}")
    with np.errstate(invalid="ignore"):
        total = rows.sum(dtype=np.float64)
    if not np.isfinite(total):
        raise InputError(f"expected finite numbers, got NaN or infinity in the {what}")
    return rows


def _rounding_error(queries: Vectors, rows: Vectors, device: str | None) -> NDArray[np.float64]:
    """Bound on the error of a single-precision product, shape (q,): twice the usual d·u·|x|·|y|.

    The factor two also covers the rounding of the result.
    """
    relative = (rows.shape[1] + 2) * 2.0**-24
    if device and library("torch").get_float32_matmul_precision() != "highest":
        relative += 2.0**-7  # factors may be rounded to bfloat16
    longest = np.sqrt(np.einsum("nd,nd->n", rows, rows).max(initial=0.0))
    lengths = np.sqrt(np.einsum("qd,qd->q", queries, queries)).astype(np.float64)
    return np.asarray(2 * relative * longest * lengths, dtype=np.float64)


def _candidates(
    queries: Vectors, rows: Vectors, count: int, device: str | None, block: int | None
) -> tuple[Indices, NDArray[np.float64]]:
    """The best by single-precision scores, in no order, and the score that the others stay under.

    Indices have shape (q, count), the cutoffs (q,): minus infinity where there are no others.
    """
    size = block or (_DEVICE_ROWS if device else _ROWS)
    many = _DEVICE_QUERIES if device else _QUERIES
    indices = np.empty((len(queries), 0), dtype=np.int64)
    scores = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(rows), size):
        product = _product(rows[start : start + size], device)
        parts = [product(queries[at : at + many], count) for at in range(0, len(queries), many)]
        indices = np.hstack([indices, np.vstack([part[0] for part in parts]) + start])
        scores = np.hstack([scores, np.vstack([part[1] for part in parts])])
        if scores.shape[1] > count:
            kept = np.argpartition(scores, -count, axis=1)[:, -count:]
            indices = np.take_along_axis(indices, kept, axis=1)
            scores = np.take_along_axis(scores, kept, axis=1)
    if count == len(rows):
        return indices, np.full(len(queries), -np.inf)
    return indices, scores.min(axis=1).astype(np.float64)


def _product(rows: Vectors, device: str | None) -> _Product:
    if device is None:
        return lambda queries, count: _numpy_best(queries @ rows.T, count)
    torch = library("torch")
    placed: Any = torch.tensor(rows, device=device)

    def best(queries: Vectors, count: int) -> tuple[Indices, Vectors]:
        scores = torch.tensor(queries, device=device) @ placed.T
        top = torch.topk(scores, min(count, scores.shape[1]), dim=1, sorted=False)
        return top.indices.cpu().numpy(), top.values.cpu().numpy()

    return best


def _numpy_best(scores: Vectors, count: int) -> tuple[Indices, Vectors]:
    if count >= scores.shape[1]:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape), scores
    kept = np.argpartition(scores, -count, axis=1)[:, -count:]
    return kept, np.take_along_axis(scores, kept, axis=1)


def _exact_best(
    queries: Vectors,
    rows: Vectors,
    k: int,
    candidates: Indices,
    cutoff: NDArray[np.float64],
    error: NDArray[np.float64],
) -> tuple[Indices, Vectors]:
    """Order the candidates by their exact scores; look again where one outside may belong in."""
    asked = np.repeat(np.arange(len(queries)), candidates.shape[1])
    scores = _exact(queries, asked, rows, candidates.ravel()).reshape(candidates.shape)
    order = np.lexsort((candidates, -scores), axis=1)[:, :k]
    indices = np.take_along_axis(candidates, order, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    for query in np.flatnonzero(cutoff + error >= scores[:, -1]):
        if not queries[query].any():  # all rows are tied
            indices[query] = np.arange(k)
            continue
        rough = rows @ queries[query]
        close = np.flatnonzero(rough >= scores[query, -1] - error[query])
        exact = _exact(queries, np.full(len(close), query), rows, close)
        order = np.argsort(-exact, kind="stable")[:k]
        indices[query], scores[query] = close[order], exact[order]
    return indices, scores


def _exact(queries: Vectors, asked: Indices, rows: Vectors, chosen: Indices) -> Vectors:
    """Inner products of ``queries[asked]`` and ``rows[chosen]``, pair by pair: shape (len,).

    Products are exact in double precision and added up in one order, wherever the row stands.
    """
    scores = np.empty(len(asked), dtype=np.float32)
    for start in range(0, len(asked), _PAIRS):
        part = slice(start, start + _PAIRS)
        left = queries[asked[part]].astype(np.float64)
        scores[part] = (left * rows[chosen[part]]).sum(axis=1)
    return scores
