"""The parameters of an experiment as a form: its fields, and what a sent form asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mathgloss.experiments import allowed_values, bounds_of

Schema = Mapping[str, Any]

PREFIX: Final = "parameter-"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A parameter as an element of a form.

    Attributes:
        name: of the parameter.
        value: what the element holds.
        about: what it means, with its unit.
        range: what it may be, in words.
        low: least value, for elements that hold a number.
    """

    name: str
    kind: Literal["number", "checkbox", "choice", "text"]
    value: str
    default: str
    about: str
    range: str
    low: str = ""
    high: str = ""
    step: str = "any"
    choices: tuple[str, ...] = ()


def form_fields(parameters: Schema, sent: Mapping[str, str] | None = None) -> list[FormField]:
    """The fields of a form, with the defaults or with what was sent before.

    Args:
        parameters: JSON Schema of the experiment's parameters.
        sent: the form as it was sent, if it has to be shown again.
    """
    return [_field(name, schema, sent) for name, schema in parameters["properties"].items()]


def _field(name: str, schema: Schema, sent: Mapping[str, str] | None) -> FormField:
    default = _text(schema["default"])
    kind = _kind(schema)
    absent = "" if kind == "checkbox" else default
    value = default if sent is None else sent.get(PREFIX + name, absent)
    low, high = bounds_of(schema)
    return FormField(
        name=name,
        kind=kind,
        value=value,
        default=default,
        about=schema.get("description", ""),
        range=_range(schema),
        low=low,
        high=high,
        step="1" if schema.get("type") == "integer" else "any",
        choices=tuple(map(str, schema.get("enum", ()))),
    )


def _kind(schema: Schema) -> Literal["number", "checkbox", "choice", "text"]:
    if "enum" in schema:
        return "choice"
    match schema.get("type"):
        case "integer" | "number":
            return "number"
        case "boolean":
            return "checkbox"
    return "text"


def _range(schema: Schema) -> str:
    if _kind(schema) in {"checkbox", "choice"}:
        return ""  # the element shows it
    said = allowed_values(schema)
    return f"{said}; between commas" if schema.get("type") == "array" else said


def _text(value: Any) -> str:
    """A value as it stands in a form."""
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, list):
        return ", ".join(json.dumps(item) if not isinstance(item, str) else item for item in value)
    return value if isinstance(value, str) else f"{value:g}" if value else "0"


def given_parameters(parameters: Schema, sent: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a sent form that are not the defaults, as the experiment's model reads."""
    given = {}
    for name, schema in parameters["properties"].items():
        default = _text(schema["default"])
        if _kind(schema) == "checkbox":  # one that is not checked is not sent
            text = "on" if PREFIX + name in sent else ""
        else:
            text = sent.get(PREFIX + name, default).strip()
        if text != default:
            given[name] = _value(schema, text)
    return given


def _value(schema: Schema, text: str) -> Any:
    """What the text means to the parameter, else the text itself, which the model then explains."""
    match schema.get("type"):
        case "boolean":
            return bool(text)
        case "string":
            return text
        case "array":
            items = schema.get("items", {})
            return [_value(items, part.strip()) for part in text.split(",")] if text else []
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
