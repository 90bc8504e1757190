"""What every parser does with a file and its rows: read text, clean names, count rejections."""

from __future__ import annotations

import html
import json
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

from mathgloss.errors import ParseError
from mathgloss.model import RawFile, Rejection

MAX_NAME_CHARS: Final = 1000
SHOWN_CHARS: Final = 200


def shown(value: object) -> str:
    """A value as it stood, short enough for a report and free of lone surrogates."""
    if isinstance(value, str):
        value = value[: SHOWN_CHARS + 1]
    try:
        text = repr(value)
    except RecursionError:
        text = f"a deeply nested {type(value).__name__}"
    return text[:SHOWN_CHARS].encode("utf-8", "backslashreplace").decode()


def is_clean(text: str) -> bool:
    """Whether the text has no lone surrogates and no control characters other than white space."""
    return not any(
        unicodedata.category(char) in {"Cc", "Cs"} and char not in "\t\n\r" for char in text
    )


def read_name(value: object) -> tuple[str, str]:
    """A name (entities decoded, NFC, white space collapsed), or why it is none; one is empty."""
    if not isinstance(value, str):
        return "", "not text"
    if len(value) > MAX_NAME_CHARS:
        return "", "name too long"
    text = html.unescape(value)
    if not is_clean(text):
        return "", "control characters"
    name = " ".join(unicodedata.normalize("NFC", text).split())
    return (name, "") if name else ("", "empty")


@dataclass(slots=True)
class Tally:
    """Counts rows as they are read and keeps those that were rejected.

    Attributes:
        file: what ``where`` begins with.
        read: rows read, and bad parts of kept rows.
    """

    file: str
    read: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    def reject(self, where: str, reason: str, got: object) -> None:
        """Note that a row, already counted as read, was not taken."""
        place = f"{self.file}: {where}".encode("utf-8", "backslashreplace").decode()
        self.rejections.append(Rejection(where=place, reason=reason, got=shown(got)))

    def reject_part(self, where: str, reason: str, got: object) -> None:
        """Note that a part of a row was not taken; the part counts as a row read."""
        self.read += 1
        self.reject(where, reason, got)


def read_text(raw: RawFile) -> str:
    """The file's text.

    Raises:
        ParseError: the file is gone, or not UTF-8.
    """
    try:
        return Path(raw.path).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        refuse(raw, "UTF-8 text", f"{type(error).__name__}: {error}", cause=error)


def parse_json(text: str) -> tuple[Any, list[tuple[str, Any]]]:
    """A JSON value, and the members whose key came before in the same object (the first stays).

    Raises:
        ValueError: not JSON (``NaN`` and ``Infinity`` are not), or nested too deeply.
    """
    repeated: list[tuple[str, Any]] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in pairs:
            if key in members:
                repeated.append((key, value))
            else:
                members[key] = value
        return members

    try:
        value = json.loads(text, object_pairs_hook=collect, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value, repeated


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def refuse(raw: RawFile, expected: str, got: str, cause: Exception | None = None) -> NoReturn:
    """Give up on a file that cannot be used as a whole.

    Raises:
        ParseError: always.
    """
    raise ParseError(
        "the file is not in the format of its source",
        where=f"{raw.path} (from {raw.url})",
        expected=expected,
        got=got[:300],
        advice="fetch it again; if that does not help, its format has changed upstream",
    ) from cause
