"""Scores as tables, Markdown and JSON; the same scores give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Final, NamedTuple

from mathgloss.evaluation.bootstrap import Interval
from mathgloss.evaluation.mentions import WordScores
from mathgloss.evaluation.sets import UNIONS
from mathgloss.evaluation.terms import TermScores
from mathgloss.evaluation.text_scores import TextScores

LINKER: Final = "linker"
NOTHING: Final = "–"
_DECIMALS: Final = 6
_NOTES: Final = (
    "A link says that a term names exactly that item; any other than the gold's is wrong, also on "
    "a term that has none. R is over all terms with an item, also those that cannot be found. "
    "R@P98: best recall at a realised precision of .98 or more. acc@1, hits@5: of the terms with "
    "an item, linked or not. ECE, Brier: of the probability of the first candidate. In brackets: "
    "95 % intervals by bootstrap over terms with one item or one normal form."
)
_TERM_COLUMNS: Final = (
    "terms", "n", "none", "not reachable", "links", "P", "R", "F1", "F1 95 %", "R@P98",
    "R@P98 95 %", "acc@1", "hits@5", "links on none", "ECE", "Brier",
)  # fmt: skip
_SYSTEM_COLUMNS: Final = ("terms", "system", "P", "R", "F1", "F1 95 %", "R@P98", "acc@1", "hits@5")


class Table(NamedTuple):
    """A table as people read it."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[str | int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one evaluation found.

    Attributes:
        about: what was evaluated on what, in the order to show.
        terms: system -> set -> scores; the linker is ``linker``, the others are baselines.
        documents: of the marked texts as a whole; ``categories`` of those of each category.
    """

    about: Mapping[str, str | int]
    terms: Mapping[str, Mapping[str, TermScores]] = field(default_factory=dict)
    documents: TextScores | None = None
    categories: Mapping[str, TextScores] = field(default_factory=dict)
    word: WordScores | None = None
    sentences: TextScores | None = None
    keywords: TextScores | None = None


def tables(report: Report) -> list[Table]:
    """A table for each task that was evaluated."""
    found = []
    if LINKER in report.terms:
        found.append(Table("Terms", _TERM_COLUMNS, _term_rows(report.terms[LINKER])))
    if len(report.terms) > 1:
        found.append(Table("Baselines", _SYSTEM_COLUMNS, list(_system_rows(report.terms))))
    texts = (
        ("Mentions in documents", report.documents),
        ("Concepts of sentences", report.sentences),
        ("Keywords of papers", report.keywords),
    )
    for title, scores in texts:
        if scores is not None:
            found.append(_text_table(title, scores))
    if len(report.categories) > 1:
        found.append(_category_table(report.categories))
    if report.word is not None:
        found.append(_word_table(report.word))
    return found


def as_markdown(report: Report) -> str:
    """The tables, under what was evaluated."""
    lines = ["# Evaluation", "", *(f"* {name}: {said}" for name, said in report.about.items())]
    for table in tables(report):
        lines += ["", f"## {table.title}", ""]
        lines += [_line(table.columns), _line(["---"] * len(table.columns))]
        lines += [_line(row) for row in table.rows]
        if table.title == "Terms":
            lines += ["", _NOTES]
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """Everything, numbers to six decimals, keys in a fixed order."""
    return json.dumps(as_data(report), ensure_ascii=False, indent=1) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """Everything as plain dictionaries and lists."""
    data: dict[str, Any] = _plain(report)
    if report.word is not None:
        shares = {"accuracy": report.word.accuracy, "accuracy_alone": report.word.accuracy_alone}
        data["word"] |= _plain(shares)
    return data


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {held.name: _plain(getattr(value, held.name)) for held in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _line(cells: Sequence[str | int]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _share(value: float | None) -> str:
    if value is None:
        return NOTHING
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def _interval(bounds: Interval | None) -> str:
    return NOTHING if bounds is None else f"[{_share(bounds[0])}, {_share(bounds[1])}]"


def _term_rows(sets: Mapping[str, TermScores]) -> list[list[str | int]]:
    return [
        [
            name,
            held.n,
            held.none,
            held.unreachable,
            held.links,
            _share(held.precision),
            _share(held.recall),
            _share(held.f1),
            _interval(held.intervals["f1"]),
            _share(held.recall_at_high_precision),
            _interval(held.intervals["recall_at_high_precision"]),
            _share(held.accuracy_at_1),
            _share(held.hits_at_5),
            held.links_on_none,
            _share(held.ece),
            _share(held.brier),
        ]
        for name, held in sets.items()
    ]


def _system_rows(systems: Mapping[str, Mapping[str, TermScores]]) -> Iterator[list[str | int]]:
    """The unions, system by system, or all sets if there is none; the rest is in the JSON."""
    names = list(dict.fromkeys(name for sets in systems.values() for name in sets))
    for name in [name for name in names if name in UNIONS] or names:
        for system, sets in systems.items():
            if name in sets:
                held = sets[name]
                yield [
                    name,
                    system,
                    _share(held.precision),
                    _share(held.recall),
                    _share(held.f1),
                    _interval(held.intervals["f1"]),
                    _share(held.recall_at_high_precision),
                    _share(held.accuracy_at_1),
                    _share(held.hits_at_5),
                ]


def _text_table(title: str, scores: TextScores) -> Table:
    rows: list[list[str | int]] = [
        [name.replace("_", " "), count, ""] for name, count in scores.counts.items()
    ]
    rows += [
        [name.replace("_", " "), _share(held.value), _interval(held.interval)]
        for name, held in scores.measures.items()
    ]
    return Table(title, ("what", "value", "95 %"), rows)


def _category_table(categories: Mapping[str, TextScores]) -> Table:
    shares = ("precision", "precision_without_unlisted", "recall_exact", "recall_overlap")
    counted = ("texts", "mentions", "links")
    columns = ("category", *counted, *(name.replace("_", " ") for name in shares))
    return Table(
        "Mentions by category",
        columns,
        [
            [
                name,
                *(held.counts[count] for count in counted),
                *(_share(held.measures[share].value) for share in shares),
            ]
            for name, held in categories.items()
        ],
    )


def _word_table(word: WordScores) -> Table:
    rows: list[list[str | int]] = [
        ["all", word.mentions, word.right, _share(word.accuracy)],
        ["the word alone", word.alone, word.right_alone, _share(word.accuracy_alone)],
    ]
    rows += [[sense, n, right, _share(right / n)] for sense, (n, right) in word.by_sense.items()]
    return Table(f"Sense of {word.word!r}", ("meant", "mentions", "right", "accuracy"), rows)
