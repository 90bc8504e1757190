"""The example queries that come with the graph, ``examples/*.rq``.

Each file begins with a header of comments: ``# title:``, ``# theme:``, ``# about:`` (a sentence,
which may go on in further comment lines) and ``# columns:``; the query follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

THEMES: Final = (
    "Concepts",
    "Names",
    "Formalisation",
    "Papers",
    "Experiments",
    "Links",
    "The graph itself",
)
_FIELDS: Final = ("title", "theme", "about", "columns")


@dataclass(frozen=True, slots=True)
class Example:
    """A query that shows what can be asked.

    Attributes:
        name: the file's name without its ending, stable.
        about: what it shows, a sentence.
        columns: names of the result's variables, in their order.
        query: the SPARQL text without the header.
    """

    name: str
    title: str
    theme: str
    about: str
    columns: tuple[str, ...]
    query: str


@cache
def example_queries() -> tuple[Example, ...]:
    """All examples, by theme in the order of ``THEMES``, then by file name.

    Raises:
        ValueError: a file lacks a part of its header; the message names both.
    """
    folder = files("mathgloss.graph") / "examples"
    found = [
        _parse(entry.name.removesuffix(".rq"), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".rq")
    ]
    return tuple(sorted(found, key=lambda item: (THEMES.index(item.theme), item.name)))


def _parse(name: str, text: str) -> Example:
    header: dict[str, str] = {}
    lines = text.splitlines()
    current = ""
    while lines and lines[0].startswith("#"):
        said = lines.pop(0).lstrip("# ")
        field, colon, value = said.partition(":")
        if colon and field in _FIELDS:
            current, header[field] = field, value.strip()
        else:
            header[current] += f" {said}"
    missing = [field for field in _FIELDS if not header.get(field)]
    if missing:
        raise ValueError(f"examples/{name}.rq: expected {', '.join(missing)} in its header")
    return Example(
        name=name,
        title=header["title"],
        theme=header["theme"],
        about=header["about"],
        columns=tuple(header["columns"].split()),
        query="\n".join(lines).strip() + "\n",
    )
