"""Texts to annotate: JSON lines with identifier, title, text, perhaps arXiv categories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

TEXT_FIELDS: Final = ("title", "text")


def read_texts(path: Path, rejected: list[str]) -> Iterator[dict[str, Any]]:
    """The records of the file, line by line; empty lines are passed over.

    Args:
        path: UTF-8 with or without a byte order mark; only line feeds end a line.
        rejected: gets a sentence for each line that is not taken.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            record, problem = _record(line)
            if record is None:
                rejected.append(f"{path}:{number}: {problem}")
            else:
                yield record


def _record(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """The record, or what is wrong with the line."""
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return None, f"expected UTF-8, got {error}"
    except (ValueError, RecursionError) as error:
        return None, f"expected a JSON object, got {error}"
    if isinstance(value, dict):
        record = {"title": "", "text": "", "categories": [], **value}
        identifier = record.get("id")
        if (
            isinstance(identifier, str | int)
            and not isinstance(identifier, bool)
            and all(isinstance(record[field], str) for field in TEXT_FIELDS)
            and isinstance(record["categories"], list)
            and all(isinstance(name, str) for name in record["categories"])
        ):
            return record, ""
    shown = line[:120].decode("utf-8", "replace").strip()
    return None, (
        'expected {"id", "title", "text"} with text values, perhaps "categories" with a list, '
        f"got {shown!r}"
    )
