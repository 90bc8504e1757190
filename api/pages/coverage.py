"""What the snapshot covers: which source has what, what is formalised, what is missing where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from flask import request

from api.languages import language
from api.pages.rendering import blueprint, render
from api.published import answers
from api.responses import Rendered, from_snapshot
from mathgloss.answers.facets import FLAGS, LISTS, Filters, split_names
from mathgloss.answers.paging import Answer
from mathgloss.errors import InputError

CONCEPTS_PER_PAGE: Final = 50

_BOOLEANS: Final = {"true": True, "false": False}
# flag -> what is said of a concept of which it holds, and of one of which it does not
_FLAG_TITLES: Final = {
    "in_syllabus": ("in the syllabus", "not in the syllabus"),
    "formalised": ("formalised in Lean", "not formalised"),
    "has_definition": ("with a definition", "without a definition"),
    "has_papers": ("mentioned in papers", "not mentioned in papers"),
    "has_experiment": ("with an experiment", "without an experiment"),
    "has_item": ("with a Wikidata item", "without a Wikidata item"),
}
# sizes of the figure of overlaps, in its own units
_ROW: Final = 22
_DOTS_FROM: Final = 90
_DOT_STEP: Final = 26
_BAR: Final = 300


@blueprint.get("/coverage")
@from_snapshot
def coverage() -> Rendered:
    """Sources and their overlaps, formalisation, what Wikidata and Mathlib lack, languages."""
    numbers = answers().statistics()
    return render(
        "coverage.html",
        numbers=numbers,
        overlaps=_overlap_figure(numbers),
        languages=[(language(row["lang"]), row) for row in numbers["languages"]],
        concepts_address=concepts_address,
    )


@blueprint.get("/concepts")
@from_snapshot
def concept_list() -> Rendered:
    """The concepts that pass the filters in the address, with what they could be narrowed to."""
    given = answers()
    filters = _filters()
    cursor = request.args.get("cursor", "")[:1_000]
    page = given.concepts(filters, cursor=cursor, limit=CONCEPTS_PER_PAGE)
    return render(
        "concepts.html",
        page=page,
        first=not cursor,
        chosen=_chosen(filters, given.source_titles),
        facets=_facets(page, filters, given.source_titles),
        query=filters.q,
        kept=_joined(other for other in _parameters(filters) if other[0] != "q"),
        here=_address(_parameters(filters)),
        next=_address([*_parameters(filters), ("cursor", page["next"] or "")]),
    )


def concepts_address(**parameters: object) -> str:
    """The address of a filtered list; a parameter may be a list."""
    return _address([
        (name, _text(value))
        for name, values in parameters.items()
        for value in (values if isinstance(values, list) else [values])
    ])


def _address(parameters: Iterable[tuple[str, str]]) -> str:
    query = urlencode(_joined(parameters), safe=",")
    return f"/concepts?{query}" if query else "/concepts"


def _joined(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name, several values of one between commas."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in parameters:
        values[name].append(value)
    return {name: ",".join(held) for name, held in values.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filters() -> Filters:
    """The filters in the address; a form sends empty ones too, which ask for nothing.

    Raises:
        InputError: one that is neither true nor false.
    """
    asked: dict[str, Any] = {name: split_names(request.args.get(name, "")) for name in LISTS}
    for flag in FLAGS:
        if given := request.args.get(flag, ""):
            if given not in _BOOLEANS:
                raise InputError(f"{flag}: expected true or false, got {given[:50]!r}")
            asked[flag] = _BOOLEANS[given]
    return Filters(q=request.args.get("q", "").strip(), **asked)


def _parameters(filters: Filters) -> list[tuple[str, str]]:
    """The filters as they stand in an address."""
    found = [("q", filters.q)] if filters.q else []
    found += [(name, value) for name in LISTS for value in getattr(filters, name)]
    flags = ((flag, getattr(filters, flag)) for flag in FLAGS)
    return found + [(flag, _text(value)) for flag, value in flags if value is not None]


def _chosen(filters: Filters, titles: dict[str, str]) -> list[Answer]:
    """What the list is narrowed to, each with the address of the list without it."""
    parameters = _parameters(filters)
    return [
        {
            "title": _title(name, value, titles),
            "without": _address(other for other in parameters if other != (name, value)),
        }
        for name, value in parameters
    ]


def _title(name: str, value: str, titles: dict[str, str]) -> str:
    """A filter in words."""
    if name in _FLAG_TITLES:
        return _FLAG_TITLES[name][value == "false"]
    if name == "q":
        return f"named “{value}”"
    without = "not " if name.startswith("without_") else ""
    if name.endswith("source"):
        return f"{without}in {titles.get(value, value)}"
    return f"{without}named in {language(value).name}"


def _facets(page: Answer, filters: Filters, titles: dict[str, str]) -> list[Answer]:
    """What the list can be narrowed to, with the number of concepts that would be left."""
    parameters = _parameters(filters)
    counts, total = page["facets"], page["total"]

    def options(name: str, values: Iterable[tuple[str, str, int]]) -> list[Answer]:
        return [
            {"title": title, "count": count, "address": _address([*parameters, (name, value)])}
            for value, title, count in values
            if 0 < count < total and (name, value) not in parameters
        ]

    sources = ((name, titles.get(name, name), count) for name, count in counts["source"].items())
    languages = ((tag, language(tag).name, count) for tag, count in counts["lang"].items())
    flags = [
        option
        for flag, (yes, no) in _FLAG_TITLES.items()
        for option in options(
            flag, [("true", yes, counts[flag]), ("false", no, total - counts[flag])]
        )
    ]
    groups = {
        "What is known": flags,
        "Source": options("source", sources),
        "Language": options("lang", languages),
    }
    return [{"title": title, "options": held} for title, held in groups.items() if held]


def _overlap_figure(numbers: Answer) -> Answer:
    """Places and lengths of the figure of overlaps: a row for each, dots for its sources."""
    names = [source["name"] for source in numbers["sources"]]
    rows = numbers["overlaps"]
    most = max((row["concepts"] for row in rows), default=1)
    left = _DOT_STEP * len(names)
    return {
        "width": left + _BAR + 90,
        "height": _DOTS_FROM + _ROW * len(rows) + 4,
        "columns": [
            {"x": _DOT_STEP * (at + 0.5), "y": _DOTS_FROM - 10, "source": source}
            for at, source in enumerate(numbers["sources"])
        ],
        "rows": [_overlap_row(row, at, names, most) for at, row in enumerate(rows)],
    }


def _overlap_row(row: Answer, at: int, names: list[str], most: int) -> Answer:
    y = _DOTS_FROM + _ROW * (at + 0.5)
    places = [_DOT_STEP * (names.index(name) + 0.5) for name in row["sources"]]
    length = max(round(_BAR * row["concepts"] / most, 1), 1)
    left = _DOT_STEP * len(names) + 6
    return {
        **row,
        "y": y,
        "dots": [
            {"x": _DOT_STEP * (place + 0.5), "held": name in row["sources"]}
            for place, name in enumerate(names)
        ],
        "from": min(places, default=0),
        "to": max(places, default=0),
        "bar": {"x": left, "width": length, "label": left + length + 6},
        "address": concepts_address(source=row["sources"], without_source=row["without"]),
    }
