"""Aligning by references: what sources themselves say of identity."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from mathgloss import vocab
from mathgloss.ids import split_curie
from mathgloss.linking.labels import first_title
from mathgloss.linking.ledger import (
    Ledger,
    add_names,
    age_of,
    in_order,
    record,
    subject_label,
    subject_source,
)
from mathgloss.linking.lexicon import Prior
from mathgloss.model import Evidence, Mapping, MappingSet

# How often a source's own reference is right when its label agrees with a name of the item, and
# when it does not; from the reading of 1,099 hand-made rows that docs/linking.md reports.
AGREEING_REFERENCE: Final = 0.99
OTHER_REFERENCE: Final = 0.90
CONTESTED_REFERENCE: Final = 0.40
# a reference less sure than this is only listed for review
ACCEPT: Final = 0.5


@dataclass(slots=True)
class Claim:
    """A source's statement that a subject is an item."""

    subject: str
    item: str
    evidence: Evidence


def claims_of(ledger: Ledger) -> list[Claim]:
    """Every statement of identity with an item: by the term itself, or by the item."""
    claims = []
    for term in in_order(ledger.terms):
        for reference in term.references:
            if reference.target.startswith("wd:"):
                evidence = Evidence(
                    justification=vocab.MANUAL,
                    source=term.source,
                    detail=f"{reference.via}: {reference.target}",
                )
                claims.append(Claim(term.id, reference.target, evidence))
    for item in in_order(ledger.items):
        for reference in item.references:
            evidence = Evidence(
                justification=vocab.MANUAL,
                source=item.source,
                detail=f"{reference.via}: {reference.target}",
            )
            claims.append(Claim(reference.target, item.id, evidence))
    return [claim for claim in claims if claim.subject not in ledger.not_concepts]


def open_lexicon(ledger: Ledger, claims: list[Claim]) -> None:
    """Put the items and their own names into the lexicon."""
    attested: dict[str, set[str]] = defaultdict(set)
    for claim in claims:
        attested[claim.item].add(split_curie(claim.subject)[0])
    for item, terms in ledger.items.items():
        prior = Prior(
            typed=any(term.types for term in terms),
            described=any(term.definition for term in terms),
            attested=len(attested[item]),
            age=age_of(item),
        )
        ledger.lexicon.add_concept(item, first_title(terms), prior)
        for term in terms:
            add_names(ledger.lexicon, item, term)


def map_by_reference(ledger: Ledger, claims: list[Claim]) -> None:
    """Terms that a source, or the item, refers to an item: curated if the names agree."""
    by_subject: dict[str, dict[str, list[Evidence]]] = defaultdict(lambda: defaultdict(list))
    rivals: dict[tuple[str, str], set[str]] = defaultdict(set)
    for claim in claims:
        by_subject[claim.subject][claim.item].append(claim.evidence)
        rivals[split_curie(claim.subject)[0], claim.item].add(claim.subject)
    for subject in sorted(by_subject):
        claimed = by_subject[subject]
        usable = [item for item in claimed if item in ledger.items]
        for item in sorted(claimed.keys() - set(usable)):
            _refuse(ledger, subject, item, claimed[item])
        agreeing = [item for item in usable if _agrees(ledger, subject, item)]
        decided = subject in ledger.target or subject in ledger.verdicts.joins
        for item in sorted(usable):
            if (subject, item) in ledger.verdicts.accepted:
                continue  # recorded with the decision
            contested = len(usable) > 1 or len(rivals[split_curie(subject)[0], item]) > 1
            confidence = AGREEING_REFERENCE if item in agreeing else OTHER_REFERENCE
            if decided or (contested and not (item in agreeing and len(agreeing) == 1)):
                confidence = CONTESTED_REFERENCE
            into = MappingSet.CURATED if confidence >= ACCEPT else MappingSet.UNSURE
            record(ledger, subject, item, confidence, claimed[item], into)
    for subject, item in list(ledger.target.items()):
        for term in ledger.terms.get(subject, ()):
            add_names(ledger.lexicon, item, term)


def _agrees(ledger: Ledger, subject: str, item: str) -> bool:
    terms = ledger.terms.get(subject)
    if terms is None:
        local = split_curie(subject)[1].replace("_", " ").rpartition(":")[2]
        names = [(local, "en")]
    else:
        names = [(label.text, label.lang) for term in terms for label in term.labels]
    return any(
        candidate.concept == item
        for text, lang in names
        for candidate in ledger.lexicon.candidates(text, lang)
    )


def _refuse(ledger: Ledger, subject: str, item: str, evidence: list[Evidence]) -> None:
    """A reference to something that is no concept is kept as a negative mapping."""
    kind = ledger.not_concepts.get(item)
    if kind is None:
        return  # the item was not read, so nothing can be said of it
    ledger.mappings.append(
        Mapping(
            subject=subject,
            subject_label=subject_label(ledger, subject),
            subject_source=subject_source(ledger, subject),
            object=item,
            object_label=f"{item} ({kind})",
            set=MappingSet.REJECTED,
            confidence=1.0,
            evidence=tuple(evidence),
        )
    )
