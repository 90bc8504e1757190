"""What the values of a parameter may be, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_LOWS: Final = ("minimum", "exclusiveMinimum")
_HIGHS: Final = ("maximum", "exclusiveMaximum")
_WORDS: Final = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "up to",
    "exclusiveMaximum": "below",
}


def bounds_of(schema: Mapping[str, Any]) -> tuple[str, str]:
    """Least and largest value by a parameter's JSON Schema; empty where there is none."""
    low, high = (
        next((f"{schema[name]:g}" for name in names if name in schema), "")
        for names in (_LOWS, _HIGHS)
    )
    return low, high


def allowed_values(schema: Mapping[str, Any]) -> str:
    """The values that a parameter's JSON Schema allows; empty if it says nothing of them."""
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "array":
            least, most = schema.get("minItems", 0), schema.get("maxItems")
            count = f"{least} to {most}" if most is not None else f"at least {least}"
            each = allowed_values(schema.get("items", {}))
            return f"{count} values, each {each}" if each else f"{count} values"
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']:g} to {schema['maximum']:g}"
    return ", ".join(f"{word} {schema[name]:g}" for name, word in _WORDS.items() if name in schema)
