"""What a reconciliation client completes its fields and extends its table with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from mathgloss import ids
from mathgloss.answers.kinds import CONCEPT, CONCEPT_NAME, Kinds
from mathgloss.answers.languages import ENGLISH, Chain, shown_names
from mathgloss.answers.paging import Answer
from mathgloss.answers.properties import LANG, PROPERTIES, Settings
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.index import MAX_QUERY_CHARS

if TYPE_CHECKING:
    from mathgloss.answers.service import Answers

Suggested: TypeAlias = Literal["entity", "property", "type"]

MAX_SUGGESTIONS: Final = 100
MAX_SKIPPED: Final = 400


@dataclass(frozen=True, slots=True)
class Wanted:
    """A property to fetch, with its settings."""

    property: str
    settings: Settings = field(default_factory=dict)


def suggest(
    answers: Answers, kinds: Kinds, what: Suggested, prefix: str, *, offset: int, limit: int
) -> Answer:
    """Entities, properties or types whose names begin with what was typed, the best first.

    An empty prefix gives all properties and types.

    Raises:
        InputError: the prefix is too long, or offset or limit out of range.
    """
    _check("limit", limit, 1, MAX_SUGGESTIONS)
    _check("offset", offset, 0, MAX_SKIPPED)
    if len(prefix) > MAX_QUERY_CHARS:
        raise InputError(
            f"prefix: expected at most {MAX_QUERY_CHARS} characters, got {len(prefix)}"
        )
    if what == "entity":
        found = _entities(answers, kinds, prefix, offset + limit)
    else:
        rows = _properties() if what == "property" else _types(kinds)
        found = [row for row in rows if _begins(row, prefix)]
    return {"result": found[offset : offset + limit], "snapshot": answers.snapshot.id}


def _entities(answers: Answers, kinds: Kinds, prefix: str, count: int) -> list[Answer]:
    hits = answers.index.search(prefix, limit=count)
    described = {hit.concept: hit.description for hit in hits}
    found = [hit.concept for hit in hits]
    if identified := _identified(answers, prefix.strip()):
        found = list(dict.fromkeys([identified, *found]))[:count]
    names = shown_names(answers.index, found, ENGLISH)
    return [
        {
            "id": concept,
            "name": names[concept].label,
            **({"description": text} if (text := described.get(concept)) else {}),
            "notable": kinds.described(concept),
        }
        for concept in found
    ]


def _identified(answers: Answers, text: str) -> str | None:
    if not (ids.is_qid(text) or ":" in text):
        return None
    try:
        return answers.resolve(text)
    except NotFoundError:
        return None


def _properties() -> list[Answer]:
    return [
        {"id": held.id, "name": held.name, "description": held.description}
        for held in PROPERTIES.values()
    ]


def _types(kinds: Kinds) -> list[Answer]:
    broader = [{"id": CONCEPT, "name": CONCEPT_NAME}]
    return [
        {
            "id": kind,
            "name": kinds.names[kind],
            "description": f"{size:,} concepts",
            **({} if kind == CONCEPT else {"broader": broader}),
        }
        for kind, size in kinds.sizes.items()
    ]


def _begins(row: Answer, prefix: str) -> bool:
    """Whether the identifier, or a word of the name, begins with the prefix."""
    typed = prefix.strip().casefold()
    name = row["name"].casefold()
    return row["id"].casefold().startswith(typed) or f" {name}".find(f" {typed}") >= 0


def propose(answers: Answers, kind: str, limit: int | None) -> Answer:
    """The properties that concepts of a type may be extended with: the same for all types.

    Raises:
        InputError: the limit is out of range.
    """
    if limit is not None:
        _check("limit", limit, 1, MAX_SUGGESTIONS)
    proposed = [{"id": held.id, "name": held.name} for held in PROPERTIES.values()]
    return {
        "properties": proposed[:limit],
        "type": kind,
        **({"limit": limit} if limit is not None else {}),
        "snapshot": answers.snapshot.id,
    }


def extend(answers: Answers, concepts: Sequence[str], wanted: Sequence[Wanted]) -> Answer:
    """The values of properties of concepts; none for an unknown concept or property."""
    return {
        "meta": [_meta(each) for each in wanted],
        "rows": [
            {"id": concept, "properties": list(_row(answers, concept, wanted))}
            for concept in concepts
        ],
        "snapshot": answers.snapshot.id,
    }


def _meta(wanted: Wanted) -> dict[str, Any]:
    known = PROPERTIES.get(wanted.property)
    meta: dict[str, Any] = {"id": wanted.property, "name": known.name if known else wanted.property}
    if known is not None and known.of_concepts:
        meta["type"] = {"id": CONCEPT, "name": CONCEPT_NAME}
    return meta


def _row(answers: Answers, concept: str, wanted: Sequence[Wanted]) -> Iterable[Answer]:
    chains: dict[str, Answer | None] = {}
    for each in wanted:
        if each.settings.get(LANG, "") not in chains:
            chains[each.settings.get(LANG, "")] = _card(answers, concept, _chain(each))
        card = chains[each.settings.get(LANG, "")]
        known = PROPERTIES.get(each.property)
        values = known.values(card, each.settings) if known and card else []
        yield {"id": each.property, "values": values}


def _chain(wanted: Wanted) -> Chain:
    lang = wanted.settings.get(LANG)
    return (lang, *ENGLISH) if lang else ENGLISH


def _card(answers: Answers, concept: str, chain: Chain) -> Answer | None:
    """The card, by the concept's identifier alone: a label here would be a mistake."""
    try:
        ids.canonical(concept)
        return answers.concept(concept, chain)
    except (InputError, NotFoundError):
        return None


def _check(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InputError(f"{name}: expected {least} to {most}, got {value}")
