"""The sets of terms that are scored: sources, named unions of them, languages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from mathgloss.evaluation.bootstrap import RESAMPLES
from mathgloss.evaluation.terms import Case, TermScores, score
from mathgloss.linking.gold import GoldTerm

HAND: Final = "HAND"
TITLES: Final = "TITLES"
NATURAL: Final = "NATURAL"
UNIONS: Final = (HAND, TITLES, NATURAL)
HAND_SOURCES: Final = frozenset({"mulima", "chicago", "france", "smglom", "mathcomp"})
# titles that carry an item because Wikidata says so
TITLES_PREFIX: Final = "wd_"
NATURAL_SOURCE: Final = "nlab_sample"
ENGLISH: Final = "en"
# The source of a snapshot that a source of gold is made of: its terms are linked without it.
SNAPSHOT_SOURCES: Final = {
    "mulima": "mulima",
    "chicago": "chicago",
    "france": "syllabus",
    "wd_nlab": "nlab",
    NATURAL_SOURCE: "nlab",
}


def union_of(gold: GoldTerm) -> str | None:
    """The named union that an English term belongs to.

    HAND: aligned by hand. TITLES: titles with identifiers in Wikidata. NATURAL: a random sample of
    titles, with as many terms without an item as there are.
    """
    if gold.lang != ENGLISH:
        return None
    if gold.source in HAND_SOURCES:
        return HAND
    if gold.source.startswith(TITLES_PREFIX):
        return TITLES
    return NATURAL if gold.source == NATURAL_SOURCE else None


def cut(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The sets that are not empty, each under its name.

    First the unions; then each source's English terms under the name of the source; then each other
    language under its code, and, if several sources have it, each of them as ``SOURCE CODE``.
    """
    unions: dict[str, list[Case]] = defaultdict(list)
    sources: dict[str, list[Case]] = defaultdict(list)
    langs: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        union = union_of(case.gold)
        if union is not None:
            unions[union].append(case)
        if case.gold.lang == ENGLISH:
            sources[case.gold.source].append(case)
        else:
            langs[case.gold.lang][case.gold.source].append(case)
    sets: dict[str, list[Case]] = {name: unions[name] for name in UNIONS if name in unions}
    sets.update((name, sources[name]) for name in sorted(sources))
    for lang in sorted(langs):
        held = langs[lang]
        sets[lang] = [case for source in sorted(held) for case in held[source]]
        if len(held) > 1:
            sets.update((f"{source} {lang}", held[source]) for source in sorted(held))
    return sets


def score_sets(cases: Iterable[Case], *, resamples: int = RESAMPLES) -> dict[str, TermScores]:
    """The scores of each set, see :func:`cut`."""
    return {name: score(held, resamples=resamples) for name, held in cut(cases).items()}
