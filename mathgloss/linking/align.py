"""Aligning the terms of all sources to one concept each.

In this order: what curators decided, what sources themselves say (references), then the linker,
then new concepts for what is left. A term is mapped by its own evidence only; identity is never
closed over a chain of weak matches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mathgloss.ids import AUTHORITIES
from mathgloss.io.decisions import Decisions
from mathgloss.linking.catalogue import Catalogue, items
from mathgloss.linking.decided import (
    map_by_decision,
    release_joins,
    settle_joins,
    sort_decisions,
)
from mathgloss.linking.labels import concept_labels, shown_name
from mathgloss.linking.ledger import Ledger
from mathgloss.linking.lexicon import Lexicon
from mathgloss.linking.linker import Linker
from mathgloss.linking.meaning import Meaning
from mathgloss.linking.prediction import map_by_linking, mint
from mathgloss.linking.ranking import RankingModel
from mathgloss.linking.references import claims_of, map_by_reference, open_lexicon
from mathgloss.model import Concept, Mapping, MappingSet, ParsedSource, Term, TermKind

_STRENGTH: Final = (
    MappingSet.CURATED,
    MappingSet.REJECTED,
    MappingSet.PREDICTED,
    MappingSet.UNSURE,
)
NO_DECISIONS: Final = Decisions()


@dataclass(frozen=True, slots=True)
class Alignment:
    """What aligning gives.

    Attributes:
        concepts: sorted by identifier.
        mappings: sorted by term.
        lexicon: the names of the concepts.
        items: the items that terms were linked to, by their own names alone.
    """

    concepts: tuple[Concept, ...]
    mappings: tuple[Mapping, ...]
    lexicon: Lexicon
    items: Catalogue


def align(
    sources: Sequence[ParsedSource],
    model: RankingModel,
    meaning: Meaning | None = None,
    decisions: Decisions = NO_DECISIONS,
) -> Alignment:
    """One concept for each term, or none: concepts, mappings with evidence, and the lexicon.

    Args:
        sources: what each source says.
        model: the trained linker.
        meaning: the encoder's vectors; default: names alone.
        decisions: what curators decided; what they say goes before everything else.

    Raises:
        EmbeddingError: the encoder behind ``meaning`` failed.
    """
    known = items(sources)
    linker = Linker(known, model, meaning)
    ledger = Ledger()
    _sort_terms(ledger, sources)
    sort_decisions(ledger, decisions)
    said = claims_of(ledger)
    claims = [row for row in said if (row.subject, row.item) not in ledger.verdicts.rejected]
    open_lexicon(ledger, claims)
    map_by_decision(ledger, said)
    map_by_reference(ledger, claims)
    release_joins(ledger)
    map_by_linking(ledger, linker)
    mint(ledger, linker)
    settle_joins(ledger)
    concepts = _concepts(ledger)
    for concept in concepts:
        ledger.lexicon.retitle(concept.id, shown_name(concept))
    return Alignment(
        concepts=concepts,
        mappings=tuple(
            _titled(ledger, row) for row in sorted(_merged(ledger.mappings), key=_mapping_order)
        ),
        lexicon=ledger.lexicon,
        items=known,
    )


def _merged(mappings: Iterable[Mapping]) -> Iterable[Mapping]:
    """Of several mappings that say the same, the strongest, with the evidence of all."""
    alike: dict[str, list[Mapping]] = defaultdict(list)
    for mapping in mappings:
        alike[mapping.id].append(mapping)
    for held in alike.values():
        strongest = min(held, key=lambda row: (_STRENGTH.index(row.set), -row.confidence))
        others = [item for row in held if row is not strongest for item in row.evidence]
        yield replace(strongest, evidence=(*strongest.evidence, *others))


def _mapping_order(mapping: Mapping) -> tuple[str, str, str]:
    return (mapping.subject, mapping.object, mapping.set)


def _titled(ledger: Ledger, mapping: Mapping) -> Mapping:
    """The mapping with the name under which its concept is shown."""
    if mapping.object not in ledger.lexicon:
        return mapping
    return replace(mapping, object_label=ledger.lexicon.title(mapping.object))


def _sort_terms(ledger: Ledger, sources: Sequence[ParsedSource]) -> None:
    for source in sources:
        for term in source.terms:
            is_item = term.id.startswith(AUTHORITIES)
            if term.kind is TermKind.CONCEPT:
                (ledger.items if is_item else ledger.terms).setdefault(term.id, []).append(term)
            else:
                ledger.not_concepts[term.id] = term.kind
    for item in ledger.items.keys() & ledger.not_concepts.keys():
        del ledger.items[item]


def _concepts(ledger: Ledger) -> tuple[Concept, ...]:
    members: dict[str, list[Term]] = defaultdict(list)
    for item, terms in ledger.items.items():
        members[item].extend(terms)
    for subject, terms in ledger.terms.items():
        members[ledger.target.get(subject, subject)].extend(terms)
    return tuple(
        Concept(
            id=concept,
            labels=concept_labels(concept, members[concept]),
            terms=tuple(dict.fromkeys([concept, *(term.id for term in members[concept])])),
        )
        for concept in sorted(members)
    )


def related_concepts(
    sources: Sequence[ParsedSource], concepts: Sequence[Concept]
) -> dict[str, set[str]]:
    """The concepts that some source relates to each concept, in either direction."""
    concept_of = {term: row.id for row in concepts for term in row.terms}
    related: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        for relation in source.relations:
            one = concept_of.get(relation.subject)
            other = concept_of.get(relation.object)
            if one is not None and other is not None and one != other:
                related[one].add(other)
                related[other].add(one)
    return dict(related)
