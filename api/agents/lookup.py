"""Finding the concept that an agent names; where there is none, what comes near."""

from __future__ import annotations

from typing import Any, Final

from api.agents.shorten import named
from mathgloss import ids
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers
from mathgloss.errors import InputError, NotFoundError

_NEAREST: Final = 5
_MAX_SEARCH_CHARS: Final = 100


def find_concept(answers: Answers, identifier: str) -> Answer:
    """``match``, ``concept`` and ``nearest``, the beginning of every answer about one concept."""
    try:
        concept = answers.refer_to(identifier)
    except NotFoundError:
        return {"match": "none", "concept": None, "nearest": nearest(answers, identifier)}
    match = "identifier" if _is_identifier(identifier) else "name"
    return {"match": match, "concept": named(concept), "nearest": []}


def nearest(answers: Answers, text: str) -> list[Answer]:
    """Concepts whose names hold the words of a text, or else one of its words, longest first."""
    words = text.rpartition(":")[2].replace("_", " ").replace("+", " ")[:_MAX_SEARCH_CHARS]
    found: dict[str, Any] = {}
    for part in (words, *sorted(words.split(), key=len, reverse=True)):
        for result in answers.search(part, limit=_NEAREST)["results"]:
            found.setdefault(result["id"], named(result))
        if found:
            break
    return list(found.values())


def _is_identifier(text: str) -> bool:
    try:
        ids.canonical(text)
    except InputError:
        return False
    return True
