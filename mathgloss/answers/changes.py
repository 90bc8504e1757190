"""What changed between an earlier snapshot that is still there and this one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mathgloss.answers.paging import Answer, sorted_page
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.difference import Change
from mathgloss.graph.snapshot import BUILDING, MANIFEST

if TYPE_CHECKING:
    from mathgloss.answers.service import Answers

KINDS: Final = ("concept", "mapping")


def list_changes(answers: Answers, since: str, *, kind: str, cursor: str, limit: int) -> Answer:
    """A page of the concepts and mappings added, removed and changed since a snapshot.

    Raises:
        InputError: the kind is none of ``KINDS``, the limit is out of range, or the cursor none of
            this list's.
        NotFoundError: no such snapshot is kept; those that are are named.
    """
    if kind and kind not in KINDS:
        raise InputError(f"kind: expected {' or '.join(KINDS)}, got {kind[:50]!r}")
    changes = answers.changes_since(since)
    items = [_answer(change) for change in changes if kind in {"", change.kind}]
    counts: dict[str, dict[str, int]] = {name: dict.fromkeys(_WHAT, 0) for name in KINDS}
    for change in changes:
        counts[change.kind][change.what] += 1
    found = sorted_page(items, key=_order, cursor=cursor, limit=limit, snapshot=answers.snapshot.id)
    return {"since": since, "counts": counts, **found}


_WHAT: Final = ("added", "changed", "removed")


def _answer(change: Change) -> Answer:
    return {
        "kind": change.kind,
        "change": change.what,
        "id": change.id,
        "object": change.object,
        "before": change.before,
        "after": change.after,
    }


def _order(item: Answer) -> list[Any]:
    return [item["kind"], item["id"], item["object"] or ""]


def kept_snapshot(published: Path, name: str) -> Path:
    """The folder of a snapshot kept beside the published one.

    Raises:
        NotFoundError: it is not there (any more); those that are are named.
    """
    kept = sorted(
        path.name
        for path in published.parent.iterdir()
        if not path.name.startswith(BUILDING) and (path / MANIFEST).is_file()
    )
    if name not in kept:
        raise NotFoundError(
            f"no snapshot {name[:100]!r} is kept; those that are: {', '.join(kept)}"
        )
    return published.parent / name
