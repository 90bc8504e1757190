"""An answer as text that a model reads with few tokens: one line for each fact."""

from __future__ import annotations

from typing import Any, Final

from mathgloss.answers.paging import Answer

# lists whose absence says nothing
_QUIET: Final = frozenset({"cut", "nearest", "same_name", "columns", "rows", "reason"})


def outline(answer: Answer) -> str:
    """All that an answer holds as indented lines; an empty list is ``none``, ``null`` left out."""
    said = {
        name: "none" if value in ([], {}) and name not in _QUIET else value
        for name, value in answer.items()
    }
    return "\n".join(_lines(said, ""))


def _lines(members: Answer, indent: str) -> list[str]:
    lines: list[str] = []
    for name, value in members.items():
        if _is_empty(value):
            continue
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list) and isinstance(value[0], dict | list):
            lines += [f"{indent}{name}:", *(f"{indent}- {_inline(item)}" for item in value)]
        elif isinstance(value, str) and "\n" in value:
            lines += [f"{indent}{name}:", *(f"{indent}  {line}" for line in value.splitlines())]
        else:
            lines.append(f"{indent}{name}: {_inline(value)}")
    return lines


def _inline(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        if value.keys() == {"id", "label"}:
            return f"{value['id']} {value['label']}"
        held = {name: item for name, item in value.items() if not _is_empty(item)}
        return ", ".join(f"{name}: {_inline(item)}" for name, item in held.items())
    if isinstance(value, list):
        return "; ".join("–" if item is None else _inline(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(str(value).split())


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
