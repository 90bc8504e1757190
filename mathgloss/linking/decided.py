"""Aligning by decision: what curators accepted and rejected goes before everything else.

An accepted exact match is the term's one concept; a rejected pair is closed to references, linker
and minting alike. What is accepted between two terms waits until it is known what the other one
is, so that no mapping ends at what is no concept.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from mathgloss import vocab
from mathgloss.ids import split_curie
from mathgloss.io.decisions import Decision, Decisions, Verdict
from mathgloss.linking.ledger import (
    Ledger,
    Verdicts,
    add_names,
    record,
    subject_label,
    subject_source,
)
from mathgloss.linking.references import Claim
from mathgloss.model import Evidence, Mapping, MappingSet

logger = logging.getLogger(__name__)

# what a person has looked at is not weighed
DECIDED: Final = 1.0
CURATORS: Final = "curators"


def sort_decisions(ledger: Ledger, decisions: Decisions) -> None:
    """Sort the decisions by what they mean for the terms at hand.

    One that cannot be followed, because a source no longer has what it speaks of, is named in the
    log and waits for a build in which it can.
    """
    verdicts = ledger.verdicts
    between_terms: list[Decision] = []
    for decision in decisions:
        if decision.verdict is Verdict.REJECT:
            verdicts.rejected[decision.pair] = decision
            verdicts.closed[decision.subject].add(decision.object)
        elif reason := _obstacle(ledger, decision):
            logger.warning(
                "decision %s %s %s waits: %s",
                decision.subject,
                decision.predicate,
                decision.object,
                reason,
            )
        elif decision.predicate != vocab.EXACT_MATCH:
            verdicts.accepted[decision.pair] = decision
            # neither the same nor, once more, related in this way
            verdicts.closed[decision.subject].add(decision.object)
        elif decision.object in ledger.items:
            verdicts.accepted[decision.pair] = decision
        else:
            between_terms.append(decision)
    for decision in between_terms:
        if _end_of(verdicts, decision.object) != decision.subject:  # else it is said already
            verdicts.accepted[decision.pair] = decision
            verdicts.joins[decision.subject] = decision.object
    for subject in verdicts.joins:
        verdicts.closed[_end_of(verdicts, subject)] |= verdicts.closed[subject]


def _obstacle(ledger: Ledger, decision: Decision) -> str:
    """Why a mapping that was accepted cannot be made; empty if it can."""
    if decision.subject in ledger.items or decision.subject == decision.object:
        return f"{decision.subject} is a concept of its own"
    if kind := ledger.not_concepts.get(decision.subject):
        return f"{decision.subject} is no concept but a {kind}"
    if decision.object not in ledger.items and decision.object not in ledger.terms:
        return f"no source has {decision.object}"
    return ""


def _end_of(verdicts: Verdicts, term: str) -> str:
    """The term at the end of a chain of joins, which has no circle."""
    while term in verdicts.joins:
        term = verdicts.joins[term]
    return term


def map_by_decision(ledger: Ledger, claims: Iterable[Claim]) -> None:
    """Record what was decided of items, with the claims of sources that say the same."""
    said: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for claim in claims:
        said[claim.subject, claim.item].append(claim.evidence)
    verdicts = ledger.verdicts
    for pair, decision in verdicts.rejected.items():
        _reject(ledger, decision, [_evidence(decision), *said[pair]])
    for pair, decision in verdicts.accepted.items():
        if decision.object in ledger.items:
            _accept(ledger, decision, decision.object, said[pair])


def release_joins(ledger: Ledger) -> None:
    """Let go of joins to a term whose own source refers it to what was rejected for the other."""
    verdicts = ledger.verdicts
    for subject in list(verdicts.joins):
        end = _end_of(verdicts, subject)
        if ledger.target.get(end, end) in verdicts.closed[subject]:
            target = verdicts.joins.pop(subject)
            del verdicts.accepted[subject, target]
            logger.warning(
                "decision %s %s %s waits: %s is %s, which was rejected",
                subject,
                vocab.EXACT_MATCH,
                target,
                end,
                ledger.target[end],
            )


def settle_joins(ledger: Ledger) -> None:
    """Record what was decided of other terms, now that each has its concept."""
    for decision in ledger.verdicts.accepted.values():
        if decision.object in ledger.items:
            continue
        end = _end_of(ledger.verdicts, decision.object)
        concept = ledger.target.get(end, end)
        _accept(ledger, decision, concept, [])
        if decision.predicate == vocab.EXACT_MATCH:
            for term in ledger.terms.get(decision.subject, ()):
                add_names(ledger.lexicon, concept, term)


def _accept(ledger: Ledger, decision: Decision, concept: str, said: list[Evidence]) -> None:
    record(
        ledger,
        decision.subject,
        concept,
        DECIDED,
        [_evidence(decision), *said],
        MappingSet.CURATED,
        predicate=decision.predicate,
    )


def _reject(ledger: Ledger, decision: Decision, evidence: list[Evidence]) -> None:
    known = decision.object in ledger.lexicon
    label = ledger.lexicon.title(decision.object) if known else decision.object_label
    ledger.mappings.append(
        Mapping(
            subject=decision.subject,
            subject_label=subject_label(ledger, decision.subject),
            subject_source=subject_source(ledger, decision.subject),
            object=decision.object,
            object_label=label or split_curie(decision.object)[1],
            set=MappingSet.REJECTED,
            confidence=DECIDED,
            evidence=tuple(evidence),
            predicate=decision.predicate,
        )
    )


def _evidence(decision: Decision) -> Evidence:
    """Who decided, when and why, in words."""
    detail = f"{decision.verdict}ed on {decision.decided_at[:10]}"
    if decision.curator:
        detail += f" by {decision.curator}"
    if decision.comment:
        detail += f": {decision.comment}"
    return Evidence(justification=vocab.MANUAL, source=CURATORS, detail=detail)
