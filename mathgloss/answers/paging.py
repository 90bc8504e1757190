"""The shape of answers, and lists a page at a time: limits and opaque cursors."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable
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


def sorted_page(
    items: list[Answer],
    *,
    key: Callable[[Answer], list[Any]],
    cursor: str,
    limit: int,
    snapshot: str,
) -> Answer:
    """A page of a list that is short enough to be sorted as a whole.

    Args:
        items: all of them.
        key: by what they are ordered, as a list of JSON values that no two items share.
        cursor: ``next`` of the page before; empty for the first.
        limit: how many to give.
        snapshot: identifier of the snapshot that answers.

    Raises:
        InputError: the limit is out of range, or the cursor none of this list's.
    """
    checked_limit(limit)
    ordered = sorted(items, key=key)
    start = 0
    if cursor and ordered:
        start = bisect_right(ordered, _last_key(cursor, like=key(ordered[0])), key=key)
    shown = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return {
        "items": shown,
        "total": len(ordered),
        "next": cursor_after(json.dumps(key(shown[-1]), ensure_ascii=False)) if more else None,
        "snapshot": snapshot,
    }


def _last_key(cursor: str, *, like: list[Any]) -> list[Any]:
    """The sort key in a cursor, which must have the shape of the list's own keys."""
    try:
        last = json.loads(key_of(cursor))
        fits = [type(value) for value in last] == [type(value) for value in like]
    except (ValueError, TypeError):
        fits = False
    if not fits:
        raise InputError(f"cursor: expected the 'next' of this list, got {cursor[:100]!r}")
    return list(last)


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
