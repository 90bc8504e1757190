r"""Light language processing links the names of glossaries to Wikidata items, and so to each other.

Claim: simple language processing is enough to link most names of glossaries of undergraduate
mathematics to Wikidata items, and so to join glossaries that were made apart into one table.

Formula: two names are the same if their normal forms are: split at inner capitals, lower-cased,
without what stands in parentheses and possessive endings, letters and digits alone, without
function words, in the singular, words in alphabetical order. A name is linked to an item if that
item alone has a name of the same form; if several have, the name is *ambiguous* and left alone.
Names linked to one item are equivalent: the items partition them.

Set-up: names with the item that their glossary (or the project, for the syllabus) gives them: the
Chicago course notes, nLab, the French undergraduate syllabus, and beside these the declarations of
Lean's Mathlib. Items: theirs and thousands of others, by the one name that comes first. Baselines:
names as they are written, and in lower case. Each repetition looks at a random part of the names.

Measured: recall (names linked to the right item, of all), precision (of those linked). The claim
held if over all names of the glossaries the normal form finds at least a tenth more than the
written names do and stays precise. Our own: whether items join pairs of names that the normal form
alone does not, and whether a word of several senses (kernel, image, field, normal, ring) is kept
from being linked to one item.

Reference: L. Horowitz, V. de Paiva, MathGloss: Building mathematical glossaries from text.

Deviation: some hundred names of each glossary, those whose item was known: stated by the Chicago
notes, by Wikidata for nLab, by hand for the syllabus. Names are compared, no text is parsed. The
declarations of Mathlib are no names of a glossary and do not count in the checks. The bounds were
set on a larger table of seven sources.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import Field

from mathgloss.experiments._contract import (
    DISTINCT,
    Cell,
    Check,
    Experiment,
    Metric,
    Outcome,
    Params,
    Progress,
    Table,
)
from mathgloss.paths import bundled_dir

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Glossary: TypeAlias = Literal["chicago", "nlab", "syllabus", "mathlib"]
Form: TypeAlias = Callable[[str], str]
Names: TypeAlias = Mapping[str, Sequence[str]]

GLOSSARIES: Final[Mapping[Glossary, str]] = {
    "chicago": "Chicago notes",
    "nlab": "nLab",
    "syllabus": "French syllabus",
    "mathlib": "Mathlib",
}
STEPS: Final = {
    "split_capitals": "split at capitals",
    "drop_qualifiers": "drop parentheses",
    "drop_function_words": "drop function words",
    "singular": "singular",
    "sort_words": "sort words",
}
AMBIGUOUS_WORDS: Final = ("kernel", "image", "field", "normal", "ring")
_FUNCTION_WORDS: Final = frozenset({"a", "an", "the", "of", "in", "for", "on"})


class LinkingParams(Params):
    """The steps of the normal form, and the names that are linked."""

    split_capitals: bool = Field(True, description="Split words at inner capitals")
    drop_qualifiers: bool = Field(True, description="Drop what stands in parentheses")
    drop_function_words: bool = Field(True, description="Drop a, an, the, of, in, for, on")
    singular: bool = Field(True, description="Put words into the singular")
    sort_words: bool = Field(True, description="Put words into alphabetical order")
    synonyms: bool = Field(False, description="Find items by their other names too")
    glossaries: Annotated[tuple[Glossary, ...], DISTINCT] = Field(
        ("chicago", "nlab", "syllabus"),
        min_length=1,
        max_length=4,
        description="Glossaries that count in the checks: chicago, nlab, syllabus, mathlib",
    )
    part: float = Field(0.5, ge=0.1, le=0.9, description="Share of the names in a repetition")
    repeats: int = Field(20, ge=1, le=200, description="Number of random parts")


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a glossary and the item that it is known to mean."""

    glossary: Glossary
    name: str
    item: str


@dataclass(frozen=True, slots=True)
class Linked:
    """What one method makes of the entries.

    Attributes:
        items: for each entry, those that have a name of the same form.
        words: the same for the words of several senses.
    """

    items: Sequence[frozenset[str]]
    words: Sequence[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """How many entries were linked, rightly linked, and ambiguous."""

    entries: int
    linked: int
    right: int
    ambiguous: int

    @property
    def recall(self) -> float:
        """Rightly linked, of all."""
        return self.right / self.entries

    @property
    def precision(self) -> float:
        """Rightly linked, of those linked; 1 if none is."""
        return self.right / self.linked if self.linked else 1.0


class Joined(NamedTuple):
    """Pairs of names of two glossaries, by their places among all entries.

    Attributes:
        same: that mean one item.
        by_name: of the same normal form.
        through_items: linked to one item.
    """

    glossaries: tuple[Glossary, Glossary]
    same: set[tuple[int, int]]
    by_name: set[tuple[int, int]]
    through_items: set[tuple[int, int]]


def run(params: LinkingParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Link all names with every method, then with one step less each."""
    entries, names = _entries(), _names(params)
    counted = _counted(params, entries)
    linked = {}
    for done, (method, form) in enumerate(_methods(params).items()):
        progress(0.8 * done / (3 + len(STEPS)), f"linking: {method}")
        linked[method] = _link(entries, names, form)
    progress(0.9, "joining the glossaries")
    joined = _join(entries, linked["normal form"], lambda name: normal_form(name, params))
    parts = [
        stream.permutation(counted)[: max(1, round(params.part * len(counted)))].tolist()
        for stream in rng.spawn(params.repeats)
    ]
    return Outcome(
        metrics=list(_metrics(entries, linked, parts)),
        checks=_checks(params, entries, linked, joined, parts),
        tables=[
            _score_table(entries, linked),
            _join_table(joined),
            _wrong_table(entries, linked, counted),
            _word_table(linked),
        ],
        draw=lambda figure: _draw(figure, entries, linked, counted),
    )


EXPERIMENT: Final = Experiment(
    id="mathgloss-term-linking",
    title="Normal forms join glossaries through Wikidata",
    paper="paper:mathgloss-building-mathematical-glossaries-from-text",
    about=("wd:Q130998", "wd:Q1211071"),
    uses=("wd:Q381060",),
    claim="Simple language processing is enough to link most names of undergraduate glossaries "
    "to Wikidata items, and so to join glossaries that were made apart from each other.",
    params=LinkingParams,
    quick={"repeats": 3},
    cost_s=2,
    reference="L. Horowitz, V. de Paiva, MathGloss: Building mathematical glossaries from text",
    gives_up="Hundreds of names whose items are known, in place of all names of all sources.",
    not_tested=(
        "extraction of terms from course notes by a tagger",
        "the German, Chinese and other names of the multilingual dictionary",
        "whether the links that the glossaries state are right",
    ),
    falls_short="Of the gain most is the singular, in the French syllabus (0.31; Chicago 0.04, "
    "nLab 0.03). Items join no more pairs than the normal form does alone: they add an identifier, "
    "not a synonym, as long as each has one name. And image, field, normal and ring have one item "
    "each among these, all from mathematics, so a name alone cannot tell that they are ambiguous.",
    run=run,
)


def normal_form(name: str, params: LinkingParams) -> str:
    """What two names have in common if this experiment takes them for the same."""
    if params.split_capitals:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    if params.drop_qualifiers:
        name = re.sub(r"\(.*?\)", " ", name)
    name = re.sub(r"['’]s\b", "", name.lower())
    words = re.sub(r"[\W_]+", " ", name).split()
    if params.drop_function_words:
        words = [word for word in words if word not in _FUNCTION_WORDS]
    if params.singular:
        words = [_singular(word) for word in words]
    return " ".join(sorted(words) if params.sort_words else words)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ices"):
        return word[:-4] + "ix"
    if word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _methods(params: LinkingParams) -> dict[str, Form]:
    """The baselines, the normal form, and the normal form without each of its steps."""

    def form(used: LinkingParams) -> Form:
        return lambda name: normal_form(name, used)

    shorter = {
        f"without: {title}": form(params.model_copy(update={step: False}))
        for step, title in STEPS.items()
        if getattr(params, step)
    }
    return {"as written": str, "lower case": str.lower, "normal form": form(params), **shorter}


def _rows(name: str) -> list[dict[str, str]]:
    with (bundled_dir() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _entries() -> list[Entry]:
    known: dict[str, Glossary] = {glossary: glossary for glossary in GLOSSARIES}
    return [
        Entry(known[row["glossary"]], row["name"], row["concept"])
        for row in _rows("glossaries.tsv")
    ]


def _names(params: LinkingParams) -> Names:
    """The names of every item, one each unless synonyms count."""
    names: dict[str, list[str]] = {}
    for row in _rows("glossaries.tsv"):
        names.setdefault(row["concept"], [row["label"]])
    for row in _rows("concepts.tsv"):
        names.setdefault(row["id"], [row["en"]]).extend(_split(row["en_alt"]))
    for row in _rows("names-en.tsv"):
        names.setdefault(row["id"], []).extend(_split(row["en"]))
    return names if params.synonyms else {item: own[:1] for item, own in names.items()}


def _split(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(";") if name.strip()]


def _link(entries: Sequence[Entry], names: Names, form: Form) -> Linked:
    holders: dict[str, set[str]] = defaultdict(set)
    for item, own in names.items():
        for name in own:
            holders[form(name)].add(item)

    def found(name: str) -> frozenset[str]:
        return frozenset(holders.get(form(name), ()))

    return Linked([found(entry.name) for entry in entries], [found(w) for w in AMBIGUOUS_WORDS])


def _score(entries: Sequence[Entry], linked: Linked, places: Sequence[int]) -> Score:
    pairs = [(entries[place].item, linked.items[place]) for place in places]
    return Score(
        entries=len(pairs),
        linked=sum(len(found) == 1 for _, found in pairs),
        right=sum(found == {item} for item, found in pairs),
        ambiguous=sum(len(found) > 1 for _, found in pairs),
    )


def _checks(
    params: LinkingParams,
    entries: Sequence[Entry],
    linked: Mapping[str, Linked],
    joined: Sequence[Joined],
    parts: Sequence[Sequence[int]],
) -> list[Check]:
    def gain(places: Sequence[int]) -> float:
        written = _score(entries, linked["as written"], places)
        return _score(entries, linked["normal form"], places).recall - written.recall

    counted = _counted(params, entries)
    precision = _score(entries, linked["normal form"], counted).precision
    wanted = [join for join in joined if {*join.glossaries} <= {*params.glossaries}]
    more = sum(len(j.through_items & j.same) - len(j.by_name & j.same) for j in wanted)
    silent = sum(len(found) == 1 for found in linked["normal form"].words)
    over = f"{len(counted)} names"
    words = f"words of several senses linked to one item, of {len(AMBIGUOUS_WORDS)}"
    worst = min(map(gain, parts))
    return [
        Check(f"recall gained by the normal form, {over}", gain(counted), ">=", 0.1),
        Check(f"precision of the normal form, {over}", precision, ">=", 0.98),
        Check("smallest gain in recall over the random parts", worst, ">", 0, claimed=False),
        Check("pairs joined through items beyond those by name", more, ">", 0, claimed=False),
        Check(words, silent, "<=", 0, claimed=False),
    ]


def _metrics(
    entries: Sequence[Entry], linked: Mapping[str, Linked], parts: Sequence[Sequence[int]]
) -> Iterator[Metric]:
    for seed, places in enumerate(parts):
        for method in ("as written", "lower case", "normal form"):
            score = _score(entries, linked[method], places)
            yield Metric(f"recall, {method}", score.recall, seed=seed)
            yield Metric(f"precision, {method}", score.precision, seed=seed)


def _counted(params: LinkingParams, entries: Sequence[Entry]) -> list[int]:
    """Places of the entries that count in the checks."""
    return [place for place, entry in enumerate(entries) if entry.glossary in params.glossaries]


def _of(entries: Sequence[Entry], glossary: Glossary) -> list[int]:
    return [place for place, entry in enumerate(entries) if entry.glossary == glossary]


def _score_table(entries: Sequence[Entry], linked: Mapping[str, Linked]) -> Table:
    rows: list[list[Cell]] = []
    for glossary, title in GLOSSARIES.items():
        for method in ("as written", "lower case", "normal form"):
            score = _score(entries, linked[method], _of(entries, glossary))
            precision = score.precision if score.linked else None
            rows.append([title, method, score.entries, score.recall, precision, score.ambiguous])
    columns = ["glossary", "method", "names", "recall", "precision", "ambiguous"]
    return Table("Names linked to the item that the glossary gives", columns, rows)


def _join(entries: Sequence[Entry], linked: Linked, form: Form) -> list[Joined]:
    """What is joined of every two glossaries."""
    forms, items = [form(entry.name) for entry in entries], linked.items
    found = []
    for both in combinations(GLOSSARIES, 2):
        pairs = list(product(*(_of(entries, glossary) for glossary in both)))
        same = {(a, b) for a, b in pairs if entries[a].item == entries[b].item}
        by_name = {(a, b) for a, b in pairs if forms[a] == forms[b]}
        through = {(a, b) for a, b in pairs if len(items[a]) == 1 and items[a] == items[b]}
        found.append(Joined(both, same, by_name, through))
    return found


def _join_table(joined: Sequence[Joined]) -> Table:
    rows: list[list[Cell]] = []
    for both, same, by_name, through in joined:
        counts = [len(pairs) for p in (by_name, through) for pairs in (p & same, p - same)]
        rows.append([", ".join(GLOSSARIES[glossary] for glossary in both), len(same), *counts])
    columns = ["glossaries", "pairs", "by name", "wrong", "through items", "wrong through items"]
    return Table("Pairs of names joined by normal form, directly and through items", columns, rows)


def _wrong_table(
    entries: Sequence[Entry], linked: Mapping[str, Linked], counted: Sequence[int]
) -> Table:
    found = linked["normal form"].items
    rows = [
        [GLOSSARIES[entry.glossary], entry.name, entry.item, *found[place]]
        for place in counted
        if len(found[place]) == 1 and (entry := entries[place]).item not in found[place]
    ]
    columns = ["glossary", "name", "item of the glossary", "item linked"]
    return Table("Linked to another item than the glossary's", columns, rows)


def _word_table(linked: Mapping[str, Linked]) -> Table:
    rows: list[list[Cell]] = [
        [word, len(found), ", ".join(sorted(found))]
        for word, found in zip(AMBIGUOUS_WORDS, linked["normal form"].words, strict=True)
    ]
    return Table("Words of several senses", ["word", "items", "which"], rows)


def _draw(
    figure: Figure,
    entries: Sequence[Entry],
    linked: Mapping[str, Linked],
    counted: Sequence[int],
) -> None:
    by_glossary, by_step = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_glossaries(by_glossary, entries, linked)
    whole = _score(entries, linked["normal form"], counted).recall
    steps = [method for method in linked if method.startswith("without: ")]
    lost = [whole - _score(entries, linked[method], counted).recall for method in steps]
    by_step.barh([method.removeprefix("without: ") for method in steps], lost, color="C0")
    by_step.bar_label(by_step.containers[0], fmt="%.3f", fontsize=8, padding=2)
    by_step.axvline(0, color="0.3", linewidth=0.8)
    by_step.margins(x=0.25)
    by_step.locator_params(axis="x", nbins=4)
    by_step.set(xlabel="recall lost without the step", title="Steps of the normal form")


def _draw_glossaries(axes: Axes, entries: Sequence[Entry], linked: Mapping[str, Linked]) -> None:
    places = np.arange(len(GLOSSARIES))
    for shift, method in enumerate(("as written", "lower case", "normal form")):
        scores = [_score(entries, linked[method], _of(entries, g)) for g in GLOSSARIES]
        x = places + (shift - 1) * 0.27
        axes.bar(x, [s.recall for s in scores], 0.25, color=f"C{shift}", label=f"recall, {method}")
        known = [(at, score.precision) for at, score in zip(x, scores, strict=True) if score.linked]
        label = "precision" if shift == 0 else None
        axes.plot(*zip(*known, strict=True), "k_", markersize=12, label=label)
    axes.set_xticks(places, GLOSSARIES.values())
    axes.set(ylabel="share of names", ylim=(0, 1.35), title="Names linked to the right item")
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.legend(fontsize=8, ncols=2, loc="upper center")
