"""Mentions as pages show them: what is marked, how surely, and the card that each one opens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mathgloss import ids
from mathgloss.answers.paging import Answer

# a mention is underlined the more firmly the surer it is; see the style sheet
_FIRM_FROM: Final = ((0.97, "sure-4"), (0.9, "sure-3"), (0.75, "sure-2"))
_LEAST: Final = "sure-1"
_OPEN: Final = "open"


def strength(mention: Answer) -> str:
    """The class of a mention by its probability; of one without a concept, another."""
    if mention["concept"] is None:
        return _OPEN
    return next((name for least, name in _FIRM_FROM if mention["confidence"] >= least), _LEAST)


def marked(mentions: Iterable[Answer]) -> list[Answer]:
    """The mentions of one field that can be shown side by side, in order of place.

    A phrase without a concept is not shown where it contains a link.
    """
    held = list(mentions)
    linked = [mention for mention in held if mention["concept"] is not None]
    taken = {place for mention in linked for place in range(mention["start"], mention["end"])}
    free = (
        mention
        for mention in held
        if mention["concept"] is None and taken.isdisjoint(range(mention["start"], mention["end"]))
    )
    return sorted([*linked, *free], key=lambda mention: (mention["start"], -mention["end"]))


def with_cards(mentions: Iterable[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Mentions that name their card, and the cards, one for those that say the same.

    A card is a mention with the member ``card``, the identifier of its element on the page.
    """
    cards: dict[tuple[object, ...], Answer] = {}
    named = []
    for mention in mentions:
        candidates = [candidate["concept"] for candidate in mention.get("candidates", ())]
        said = (mention["concept"], mention["confidence"], *candidates)
        key = said if mention["concept"] is not None else (mention["surface"], *said)
        card = cards.setdefault(key, {**mention, "card": f"mention-{len(cards) + 1}"})
        named.append({**mention, "card": card["card"]})
    return named, [*cards.values()]


def to_markdown(text: str, mentions: Iterable[Answer]) -> str:
    """The text with its linked mentions as Markdown links to their concepts' IRIs."""
    parts = []
    end = 0
    for mention in marked(mentions):
        if mention["concept"] is None:
            continue
        words = text[mention["start"] : mention["end"]].replace("[", "\\[").replace("]", "\\]")
        parts += [text[end : mention["start"]], f"[{words}]({ids.iri(mention['concept'])})"]
        end = mention["end"]
    return "".join([*parts, text[end:]])
