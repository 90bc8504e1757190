"""Records on disk: gzipped JSON, type-checked when read, byte-stable when written."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from mathgloss.errors import DataNotFoundError

T = TypeVar("T")


def write_records(path: Path, adapter: TypeAdapter[Any], value: object) -> None:
    """Write ``value`` as gzipped JSON; equal values give equal bytes."""
    data = adapter.dump_json(value, exclude_defaults=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 5, raw, mtime=0) as stream:
        stream.write(data)


def read_records(path: Path, adapter: TypeAdapter[T]) -> T:
    """The value that :func:`write_records` wrote.

    Raises:
        DataNotFoundError: the file is missing, cut short or not of this type.
    """
    try:
        with gzip.open(path) as stream:
            return adapter.validate_json(stream.read())
    except (OSError, EOFError, zlib.error, ValidationError) as error:
        raise DataNotFoundError(
            f"{path}: expected records written by this version of MathGloss, got "
            f"{type(error).__name__}: {str(error).splitlines()[0]}; "
            "run 'mathgloss refresh --full' to write them anew"
        ) from error
