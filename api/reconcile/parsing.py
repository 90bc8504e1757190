"""Reads requests: JSON into models, models into queries; every refusal names the place."""

from __future__ import annotations

import json
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from api.problems import ProblemError
from api.schemas.reconcile import (
    MAX_QUERIES,
    BatchV02,
    BatchV1,
    Condition,
    EntityValue,
    Extension,
    QueryV02,
    QueryV1,
    Value,
    Values,
)
from mathgloss.answers.extension import Wanted
from mathgloss.answers.reconciliation import (
    DEFAULT_LIMIT,
    NameCondition,
    PropertyCondition,
    TermQuery,
)

ModelT = TypeVar("ModelT", bound=BaseModel)

_SHOWN_ERRORS: Final = 3
_SHOWN_CHARS: Final = 100


def read(model: type[ModelT], text: str | bytes, what: str) -> ModelT:
    """The model that a JSON text is.

    Raises:
        ProblemError: it is none; the first few places are named.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise ProblemError(400, f"{what}{_places(error)}") from error


def _places(error: ValidationError) -> str:
    said = []
    for each in error.errors(include_url=False, include_context=False)[:_SHOWN_ERRORS]:
        parts = (f".{part}" if isinstance(part, str) else f"[{part}]" for part in each["loc"])
        place = "".join(parts)[:_SHOWN_CHARS]
        said.append(f"{place}: {each['msg'][0].lower()}{each['msg'][1:]}")
    more = error.error_count() - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def check_size(queries: int) -> None:
    """Refuse a batch that is larger than the manifest allows.

    Raises:
        ProblemError: it is.
    """
    if queries > MAX_QUERIES:
        raise ProblemError(413, f"queries: expected at most {MAX_QUERIES}, got {queries}")


def from_v02(query: QueryV02) -> TermQuery:
    """A query of version 0.2: its properties count, but none is required."""
    types = [query.type] if isinstance(query.type, str) else query.type or []
    name = (query.query or "").strip()
    return TermQuery(
        names=(NameCondition((name,)),) if name else (),
        properties=tuple(PropertyCondition(each.pid, _texts(each.v)) for each in query.properties),
        types=tuple(types),
        type_rule=query.type_strict,
        limit=query.limit or DEFAULT_LIMIT,
    )


def from_v1(query: QueryV1) -> TermQuery:
    """A query of version 1.0; a condition's language is that of the first name that says one."""
    named = [each for each in query.conditions if each.match_type == "name"]
    others = [each for each in query.conditions if each.match_type == "property"]
    langs = [each.lang for each in named if each.lang] + [query.lang or ""]
    return TermQuery(
        names=tuple(NameCondition(_texts(each.property_value), each.quantifier) for each in named),
        properties=tuple(map(_property, others)),
        types=(query.type,) if query.type else (),
        lang=langs[0],
        limit=query.limit or DEFAULT_LIMIT,
    )


def _property(condition: Condition) -> PropertyCondition:
    return PropertyCondition(
        condition.property_id or "",
        _texts(condition.property_value),
        condition.quantifier,
        condition.required,
    )


def _texts(values: Values) -> tuple[str, ...]:
    return tuple(map(_text, values if isinstance(values, list) else [values]))


def _text(value: Value) -> str:
    return value.id if isinstance(value, EntityValue) else str(value).strip()


def as_query(name: str) -> str:
    """A query of version 0.2 that has nothing but a name."""
    return json.dumps({"query": name})


def batch_v02(text: str) -> dict[str, TermQuery]:
    """The queries of a batch of version 0.2, by key.

    Raises:
        ProblemError: it is none, or too large.
    """
    batch = read(BatchV02, text, "queries").root
    check_size(len(batch))
    return {key: from_v02(query) for key, query in batch.items()}


def batch_v1(body: bytes) -> list[TermQuery]:
    """The queries of a batch of version 1.0, in order.

    Raises:
        ProblemError: it is none, or too large.
    """
    batch = read(BatchV1, body, "body").queries
    check_size(len(batch))
    return [from_v1(query) for query in batch]


def extension(text: str | bytes) -> tuple[list[str], list[Wanted]]:
    """The identifiers and the properties of a data extension query.

    Raises:
        ProblemError: it is none, or too large.
    """
    query = read(Extension, text, "extend")
    wanted = [
        Wanted(each.id, each.settings.model_dump(exclude_none=True)) for each in query.properties
    ]
    return query.ids, wanted
