"""The list of concepts, filtered, with the counts of what the selection holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from mathgloss.answers.languages import Chain, reference, shown_names
from mathgloss.answers.paging import Answer, checked_limit, key_of, page
from mathgloss.errors import InputError
from mathgloss.graph.facts import (
    DEFINED,
    EXPERIMENTS,
    FORMALISED,
    IN_SYLLABUS,
    ITEM,
    PAPERS,
    Facts,
)

if TYPE_CHECKING:
    from mathgloss.answers.service import Answers

# facts that hold of a concept or do not, by the name of their filter
FLAGS: Final = (IN_SYLLABUS, FORMALISED, DEFINED, PAPERS, EXPERIMENTS, ITEM)

# filters that are lists of names
LISTS: Final = ("source", "without_source", "lang", "without_lang")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which concepts are wanted: those of which everything that is given holds.

    Attributes:
        q: words of a name, the last one perhaps unfinished.
        source: sources that all have the concept.
        without_source: sources none of which has it.
        lang: languages in all of which it has a name.
        without_lang: languages in none of which it has one.
        has_item: whether it is a Wikidata item.
    """

    q: str = ""
    source: Sequence[str] = ()
    without_source: Sequence[str] = ()
    lang: Sequence[str] = ()
    without_lang: Sequence[str] = ()
    in_syllabus: bool | None = None
    formalised: bool | None = None
    has_definition: bool | None = None
    has_papers: bool | None = None
    has_experiment: bool | None = None
    has_item: bool | None = None


EVERYTHING: Final = Filters()


def split_names(text: str) -> list[str]:
    """The names between the commas of a filter as it stands in an address."""
    return [name for part in text.split(",") if (name := part.strip())]


def list_concepts(
    answers: Answers, filters: Filters, *, cursor: str, limit: int, chain: Chain
) -> Answer:
    """A page of the concepts that pass the filters, in the order of their identifiers.

    Raises:
        InputError: the limit is out of range, the cursor none of ours, or a filter names a source
            or language that there is not.
    """
    checked_limit(limit)
    facts = answers.facts
    start = bisect_right(facts.concepts, key_of(cursor))
    selected = select(answers, filters)
    found = list(islice(facts.listed(selected, start=start), limit + 1))
    names = shown_names(answers.index, found, chain)
    return page(
        [reference(concept, names[concept]) for concept in found],
        limit,
        key="id",
        total=selected.bit_count(),
        snapshot=answers.snapshot.id,
    ) | {"facets": facets(facts, selected)}


def select(answers: Answers, filters: Filters) -> int:
    """The bits of the concepts that pass the filters.

    Raises:
        InputError: a filter names a source or language that there is not.
    """
    facts = answers.facts
    selected = facts.all
    for wanted, bits in _conditions(facts, filters):
        selected &= bits if wanted else ~bits
    if filters.q.strip():
        selected &= facts.bits_of_names(answers.index.matching(filters.q))
    return selected


def _conditions(facts: Facts, filters: Filters) -> Iterator[tuple[bool, int]]:
    """Bits of each fact that is asked for, and whether it must hold or must not."""
    for kind, wanted, values in (
        ("source", True, filters.source),
        ("source", False, filters.without_source),
        ("lang", True, filters.lang),
        ("lang", False, filters.without_lang),
    ):
        for value in values:
            yield wanted, _known(facts, kind, value)
    for flag in FLAGS:
        if (must := getattr(filters, flag)) is not None:
            yield must, facts.of(flag)


def _known(facts: Facts, kind: str, value: str) -> int:
    """The bits of a fact's value.

    Raises:
        InputError: no concept has this value; some that there are are named.
    """
    bits = facts.of(kind, value)
    if not bits:
        values = facts.values(kind)
        known = ", ".join(values[:40]) + (", ..." if len(values) > 40 else "")
        raise InputError(f"{kind}: expected one of {known}; got {value[:50]!r}")
    return bits


def facets(facts: Facts, selected: int) -> Answer:
    """How many of the selected concepts each source has, have names in each language, and so on."""
    return {
        "source": _counts(facts, "source", selected),
        "lang": _counts(facts, "lang", selected),
        **{flag: (selected & facts.of(flag)).bit_count() for flag in FLAGS},
    }


def _counts(facts: Facts, kind: str, selected: int) -> dict[str, int]:
    """Counts by value, the largest first; values that no selected concept has are left out."""
    counts = {
        value: count
        for value in facts.values(kind)
        if (count := (selected & facts.of(kind, value)).bit_count())
    }
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
