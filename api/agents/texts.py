"""The tool that links texts: which concepts a text mentions, and where."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from api.agents.shorten import Shortener, picked
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers
from mathgloss.answers.texts import Document

_MAX_CHARS: Final = 20_000


def link_text(
    answers: Answers,
    text: Annotated[
        str, Field(min_length=1, max_length=_MAX_CHARS, description="English; TeX is welcome")
    ],
    categories: Annotated[
        list[str], Field(max_length=20, description="arXiv categories or MSC codes, if known")
    ] = [],  # noqa: B006 (pydantic copies it)
    limit: Annotated[int, Field(ge=1, le=200, description="Number of mentions")] = 25,
) -> Answer:
    """Find the mathematical concepts that a text mentions, with character offsets.

    Where the text does not tell which concept is meant, ``concept`` is null and ``nearest`` lists
    what it may be, with probabilities: take none of them for granted.
    """
    linked = answers.link_text(Document(text=text, categories=categories))
    short = Shortener()
    more = "raise limit, or send the text in parts"
    mentions = short.items("mentions", linked["mentions"], limit, more=more)
    return {
        "mentions": [
            {
                **picked(mention, "start", "end", "surface", "concept", "label", "confidence"),
                "nearest": _nearest(mention) if mention["concept"] is None else [],
            }
            for mention in mentions
        ],
        "cut": short.cuts,
        "snapshot": linked["snapshot"],
    }


def _nearest(mention: Answer) -> list[Answer]:
    return [
        {"id": held["concept"], "label": held["label"], "confidence": held["confidence"]}
        for held in mention["candidates"][:3]
    ]
