"""Named arrays in one file, mapped into memory when read.

Processes that read the same file share its pages, and nothing is copied or parsed. The file is a
header (its length as eight bytes, then JSON) and the arrays, each at a multiple of 64 bytes.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mathgloss.errors import DataNotFoundError

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

MAGIC: Final = "mathgloss arrays 1"
_ALIGNED: Final = 64
_LENGTH_BYTES: Final = 8


def put_under(group: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays with the name of a group before their own."""
    return {f"{group}/{name}": array for name, array in arrays.items()}


def take_under(group: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays of a group by their own names; none if there is no such group."""
    begin = f"{group}/"
    return {
        name.removeprefix(begin): array for name, array in arrays.items() if name.startswith(begin)
    }


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays; equal ones give equal bytes."""
    held = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    described: dict[str, Any] = {}
    end = 0
    for name, array in held.items():
        start = _aligned(end)
        described[name] = {"type": array.dtype.str, "shape": array.shape, "start": start}
        end = start + array.nbytes
    header = json.dumps({"format": MAGIC, "bytes": end, "arrays": described}).encode()
    with path.open("wb") as stream:
        stream.write(len(header).to_bytes(_LENGTH_BYTES, "little") + header)
        begin = _aligned(_LENGTH_BYTES + len(header))
        for name, array in held.items():
            stream.write(bytes(begin + described[name]["start"] - stream.tell()))
            stream.write(array.tobytes())


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file, read-only.

    Raises:
        DataNotFoundError: the file is missing, cut short or none that :func:`write_arrays` wrote.
    """
    try:
        with path.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return _arrays(mapped)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataNotFoundError(
            f"{path}: expected arrays written by this version of MathGloss, got "
            f"{type(error).__name__}: {error}; run 'mathgloss refresh --full' to write them anew"
        ) from error


def _arrays(mapped: mmap.mmap) -> dict[str, NDArray[Any]]:
    length = int.from_bytes(mapped[:_LENGTH_BYTES], "little")
    header = json.loads(mapped[_LENGTH_BYTES : _LENGTH_BYTES + length])
    if header["format"] != MAGIC:
        raise ValueError(f"format {header['format']!r}")
    begin = _aligned(_LENGTH_BYTES + length)
    if len(mapped) < begin + header["bytes"]:
        raise ValueError(f"{len(mapped):,} bytes of {begin + header['bytes']:,}")
    return {
        name: np.ndarray(held["shape"], np.dtype(held["type"]), mapped, begin + held["start"])
        for name, held in header["arrays"].items()
    }


def _aligned(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED
