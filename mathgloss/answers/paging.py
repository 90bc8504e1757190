"""The shape of answers, and lists a page at a time: limits and opaque cursors."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, TypeAlias

from mathgloss.errors import InputError

Answer: TypeAlias = dict[str, Any]

MAX_LIMIT: Final = 100


def checked_limit(limit: int, *, most: int = MAX_LIMIT) -> int:
    """The limit, if it is in its range.

    Raises:
        InputError: it is not.
    """
    if not 1 <= limit <= most:
        raise InputError(f"limit: expected 1 to {most}, got {limit}")
    return limit


def cursor_after(key: str) -> str:
    """The cursor of what comes after ``key`` in the order of a list; clients must not read it."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of(cursor: str) -> str:
    """The key that a cursor stands for; an empty cursor is the beginning.

    Raises:
        InputError: no list gave this cursor.
    """
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        return base64.b64decode(padded.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise InputError(
            f"cursor: expected the 'next' of an earlier page, got {cursor[:100]!r}"
        ) from error


def page(items: list[Answer], limit: int, *, key: str, total: int, snapshot: str) -> Answer:
    """The first ``limit`` of the items, how many there are in all, and the cursor of the rest.

    Args:
        items: at most one more than the limit, in their stable order.
        limit: how many to give.
        key: the member of an item by which the list is ordered.
        total: number of items on all pages.
        snapshot: identifier of the snapshot that answers.
    """
    more = len(items) > limit
    return {
        "items": items[:limit],
        "total": total,
        "next": cursor_after(items[limit - 1][key]) if more else None,
        "snapshot": snapshot,
    }
