"""What is concluded while terms are aligned, and from what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from mathgloss import vocab
from mathgloss.ids import split_curie
from mathgloss.io.decisions import Decision
from mathgloss.linking.labels import CORE
from mathgloss.linking.lexicon import Lexicon
from mathgloss.model import Candidate, Evidence, LabelKind, Mapping, MappingSet, Term, TermKind

# the core's own senses come after all items, what is minted after these
OWN_AGE: Final = 1 << 39


@dataclass(slots=True)
class Verdicts:
    """What curators decided, sorted by what each decision means for the stages.

    Attributes:
        accepted: mappings that hold, by term and concept.
        rejected: mappings that do not.
        joins: of the accepted ones, those of a term with what is no item but another term.
        closed: for each term the concepts that nothing else may map it to.
    """

    accepted: dict[tuple[str, str], Decision] = field(default_factory=dict)
    rejected: dict[tuple[str, str], Decision] = field(default_factory=dict)
    joins: dict[str, str] = field(default_factory=dict)
    closed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(slots=True)
class Ledger:
    """The terms, and what was concluded of them so far.

    Attributes:
        items: terms that are concepts of their own, by identifier.
        not_concepts: entries that may not name a concept, and why.
        terms: all other terms.
        target: the concept of each term that has one.
        lexicon: names of all concepts so far.
        verdicts: what curators decided, which goes before everything else.
    """

    items: dict[str, list[Term]] = field(default_factory=dict)
    not_concepts: dict[str, TermKind] = field(default_factory=dict)
    terms: dict[str, list[Term]] = field(default_factory=dict)
    mappings: list[Mapping] = field(default_factory=list)
    target: dict[str, str] = field(default_factory=dict)
    lexicon: Lexicon = field(default_factory=Lexicon)
    verdicts: Verdicts = field(default_factory=Verdicts)

    def open_terms(self) -> list[str]:
        """Terms without a concept so far, in the order of their identifiers."""
        return sorted(self.terms.keys() - self.target.keys() - self.verdicts.joins.keys())


def in_order(terms: MappingOf[str, list[Term]]) -> list[Term]:
    """All terms, in the order of their identifiers."""
    return [term for name in sorted(terms) for term in terms[name]]


def age_of(item: str) -> int:
    """Rank among the identifiers of its authority; the core's own senses come after all items."""
    number = item.removeprefix("wd:Q")
    return int(number) if number.isdigit() else OWN_AGE


def add_names(lexicon: Lexicon, concept: str, term: Term) -> None:
    """Make the names of a term names of the concept that it is mapped to."""
    for label in term.labels:
        # another source's name for an item is never stronger than an alternative of its own
        own = term.id == concept
        kind = label.kind if own else LabelKind.ALTERNATIVE
        lexicon.add_name(concept, label.text, label.lang, kind)


def record(
    ledger: Ledger,
    subject: str,
    concept: str,
    confidence: float,
    evidence: Sequence[Evidence],
    into: MappingSet,
    *,
    predicate: str = vocab.EXACT_MATCH,
    runners_up: Sequence[Candidate] = (),
) -> None:
    """Write a mapping down; an exact one that is believed is the subject's concept from now on."""
    believed = into in {MappingSet.CURATED, MappingSet.PREDICTED}
    if believed and predicate == vocab.EXACT_MATCH:
        ledger.target.setdefault(subject, concept)
    ledger.mappings.append(
        Mapping(
            subject=subject,
            subject_label=subject_label(ledger, subject),
            subject_source=subject_source(ledger, subject),
            object=concept,
            object_label=ledger.lexicon.title(concept),
            set=into,
            confidence=confidence,
            evidence=tuple(evidence),
            predicate=predicate,
            runners_up=tuple(runners_up),
        )
    )


def subject_label(ledger: Ledger, subject: str) -> str:
    """The name under which a term is shown, in English if it has one."""
    terms = ledger.terms.get(subject)
    if terms:
        labels = [label for term in terms for label in term.labels]
        return next((label for label in labels if label.lang == "en"), labels[0]).text
    return split_curie(subject)[1].replace("_", " ").replace("+", " ")


def subject_source(ledger: Ledger, subject: str) -> str:
    """The source whose entry it is; the bundled core only repeats other sources' topics."""
    sources = [term.source for term in ledger.terms.get(subject, ())] or [split_curie(subject)[0]]
    return next((source for source in sources if source != CORE), CORE)
