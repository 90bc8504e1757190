"""Keeping answers short, and saying what was left out and how to get it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from mathgloss.answers.paging import Answer

T = TypeVar("T")

_LINK: Final = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")


class Shortener:
    """Cuts lists and texts; ``cuts`` says what it left out of one answer."""

    def __init__(self) -> None:
        self.cuts: list[Answer] = []

    def items(
        self, what: str, items: Sequence[T], keep: int, *, more: str, total: int | None = None
    ) -> list[T]:
        """The first items.

        Args:
            what: name of the list in the answer.
            items: all of them, or the first where ``total`` says how many there are.
            keep: how many to give at most.
            more: how an agent gets the others.
            total: number of items, if there are more than are given here.
        """
        kept = list(items[:keep])
        self.note(what, len(kept), len(items) if total is None else total, more=more)
        return kept

    def text(self, what: str, text: str, keep: int, *, more: str) -> str:
        """The beginning of a Markdown text without its links; counts are characters."""
        words = plain(text)
        begun = beginning(words, keep)
        if begun != words:
            self.note(what, keep, len(words), more=more)
        return begun

    def note(self, what: str, shown: int, total: int, *, more: str) -> None:
        """Say that not all of something is given, if so."""
        if total > shown:
            self.cuts.append({"what": what, "shown": shown, "total": total, "more": more})


def plain(text: str) -> str:
    """A Markdown text without the addresses of its links, which cost more than they tell."""
    return _LINK.sub(r"\1", text)


def beginning(text: str, keep: int) -> str:
    """A text, cut between words if it is longer than ``keep`` characters."""
    if len(text) <= keep:
        return text
    return (text[:keep].rpartition(" ")[0] or text[:keep]) + " …"


def named(reference: Answer) -> Answer:
    """A concept by identifier and label alone."""
    return {"id": reference["id"], "label": reference["label"]}


def picked(record: Answer, *members: str) -> dict[str, Any]:
    """Some members of a record."""
    return {name: record[name] for name in members}
