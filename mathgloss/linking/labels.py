"""Which of a concept's names are shown: one preferred name in a language, no repetitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from mathgloss.model import Concept, LabelKind, Term
from mathgloss.normalize import normalize, split_qualifier

CORE: Final = "core"

# Who chooses the preferred name of a concept in a language, best first.
LABEL_ORDER: Final = (CORE, "wikidata", "mulima", "nlab", "chicago", "syllabus", "overview")


def source_rank(order: Sequence[str], source: str) -> tuple[int, str]:
    """Place of a source in an order of preference; those not in it come last, by name."""
    return (order.index(source) if source in order else len(order), source)


def first_title(terms: Sequence[Term]) -> str:
    """The name of the best source's first label, in English if there is one."""
    ordered = sorted(terms, key=lambda term: source_rank(LABEL_ORDER, term.source))
    labels = [label for term in ordered for label in term.labels]
    english = [label for label in labels if label.lang in {"en", "mul"}] or labels
    return split_qualifier(english[0].text)[0]


def concept_labels(concept: str, terms: Sequence[Term]) -> dict[str, tuple[str, ...]]:
    """Names by language, the preferred first: own names before those of mapped terms."""
    ordered = sorted(
        terms, key=lambda term: (source_rank(LABEL_ORDER, term.source), term.id != concept, term.id)
    )
    names: dict[str, list[str]] = defaultdict(list)
    for kind in LabelKind:
        for term in ordered:
            for label in term.labels:
                if label.kind is kind:
                    names[label.lang].append(split_qualifier(label.text)[0])
    return {lang: _distinct(names[lang], lang) for lang in sorted(names)}


def _distinct(names: Sequence[str], lang: str) -> tuple[str, ...]:
    """Names without those that differ from an earlier one only in case, plural or accents.

    Of two English spellings that differ only in the case of the first letter the lower one is
    kept: some sources capitalise titles.
    """
    seen: dict[tuple[str, ...], str] = {}
    for name in names:
        norm = normalize(name, lang) or (name,)
        kept = seen.setdefault(norm, name)
        if lang == "en" and kept == name[:1].upper() + name[1:]:
            seen[norm] = name
    return tuple(seen.values())


def shown_name(concept: Concept) -> str:
    """The preferred name in English, else in any language."""
    names = concept.labels.get("en") or concept.labels.get("mul") or min(concept.labels.items())[1]
    return names[0]
