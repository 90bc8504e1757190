"""Aligning the terms of all sources to one concept each.

In this order: what sources themselves say (references), then the linker, then new concepts for
what is left. A term is mapped by its own evidence only; identity is never closed over a chain of
weak matches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mathgloss import vocab
from mathgloss.ids import split_curie
from mathgloss.linking.candidates import Query
from mathgloss.linking.catalogue import UNKNOWN_STANDING, Catalogue, Entry, items
from mathgloss.linking.labels import CORE, concept_labels, first_title, shown_name, source_rank
from mathgloss.linking.lexicon import ACCEPT, Lexicon, Prior
from mathgloss.linking.linker import Link, Linker, Zone
from mathgloss.linking.meaning import Meaning
from mathgloss.linking.ranking import RankingModel
from mathgloss.model import (
    Concept,
    Evidence,
    Label,
    LabelKind,
    Mapping,
    MappingSet,
    ParsedSource,
    Term,
    TermKind,
)
from mathgloss.normalize import normalize

# A concept without a Wikidata item is minted from the first of these that has a term for it.
MINT_ORDER: Final = ("nlab", "chicago", "syllabus", "overview", "theorems", "mulima")

# How often a source's own reference is right when its label agrees with a name of the item, and
# when it does not; from the reading of 1,099 hand-made rows that docs/linking.md reports.
AGREEING_REFERENCE: Final = 0.99
OTHER_REFERENCE: Final = 0.90
CONTESTED_REFERENCE: Final = 0.40
# whose identifiers are concepts of their own, never another name for one
AUTHORITIES: Final = ("wd:", "mathgloss:")
# what an encoder reads of a definition
MAX_DEFINITION_CHARS: Final = 600
OWN_AGE: Final = 1 << 39
# minted concepts come after all items
FIRST_MINTED_AGE: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Alignment:
    """Concepts and mappings, each sorted by identifier, and the lexicon that they give."""

    concepts: tuple[Concept, ...]
    mappings: tuple[Mapping, ...]
    lexicon: Lexicon


@dataclass(slots=True)
class _Claim:
    """A source's statement that a subject is an item."""

    subject: str
    item: str
    evidence: Evidence


@dataclass(slots=True)
class _State:
    items: dict[str, list[Term]] = field(default_factory=dict)
    not_concepts: dict[str, TermKind] = field(default_factory=dict)
    terms: dict[str, list[Term]] = field(default_factory=dict)
    mappings: list[Mapping] = field(default_factory=list)
    target: dict[str, str] = field(default_factory=dict)
    lexicon: Lexicon = field(default_factory=Lexicon)


def align(
    sources: Sequence[ParsedSource], model: RankingModel, meaning: Meaning | None = None
) -> Alignment:
    """One concept for each term, or none: concepts, mappings with evidence, and the lexicon.

    Raises:
        EmbeddingError: the encoder behind ``meaning`` failed.
    """
    linker = Linker(items(sources), model, meaning)
    state = _State()
    _sort_terms(state, sources)
    claims = _claims(state)
    _open_lexicon(state, claims)
    _map_by_reference(state, claims)
    _map_by_linking(state, linker)
    _mint(state, linker)
    concepts = _concepts(state)
    for concept in concepts:
        state.lexicon.retitle(concept.id, shown_name(concept))
    return Alignment(
        concepts=concepts,
        mappings=tuple(_titled(state, row) for row in sorted(state.mappings, key=_mapping_order)),
        lexicon=state.lexicon,
    )


def _mapping_order(mapping: Mapping) -> tuple[str, str, str]:
    return (mapping.subject, mapping.object, mapping.set)


def _titled(state: _State, mapping: Mapping) -> Mapping:
    """The mapping with the name under which its concept is shown."""
    if mapping.object not in state.lexicon:
        return mapping
    return replace(mapping, object_label=state.lexicon.title(mapping.object))


def _sort_terms(state: _State, sources: Sequence[ParsedSource]) -> None:
    for source in sources:
        for term in source.terms:
            is_item = term.id.startswith(AUTHORITIES)
            if term.kind is TermKind.CONCEPT:
                (state.items if is_item else state.terms).setdefault(term.id, []).append(term)
            else:
                state.not_concepts[term.id] = term.kind
    for item in state.items.keys() & state.not_concepts.keys():
        del state.items[item]


# ------------------------------------------------------------------------------------- references


def _claims(state: _State) -> list[_Claim]:
    """Every statement of identity with an item: by the term itself, or by the item."""
    claims = []
    for term in _all(state.terms):
        for reference in term.references:
            if reference.target.startswith("wd:"):
                evidence = Evidence(
                    justification=vocab.MANUAL,
                    source=term.source,
                    detail=f"{reference.via}: {reference.target}",
                )
                claims.append(_Claim(term.id, reference.target, evidence))
    for item in _all(state.items):
        for reference in item.references:
            evidence = Evidence(
                justification=vocab.MANUAL,
                source=item.source,
                detail=f"{reference.via}: {reference.target}",
            )
            claims.append(_Claim(reference.target, item.id, evidence))
    return [claim for claim in claims if claim.subject not in state.not_concepts]


def _all(terms: MappingOf[str, list[Term]]) -> list[Term]:
    return [term for name in sorted(terms) for term in terms[name]]


def _open_lexicon(state: _State, claims: list[_Claim]) -> None:
    """Put the items and their own names into the lexicon."""
    attested: dict[str, set[str]] = defaultdict(set)
    for claim in claims:
        attested[claim.item].add(split_curie(claim.subject)[0])
    for item, terms in state.items.items():
        prior = Prior(
            typed=any(term.types for term in terms),
            described=any(term.definition for term in terms),
            attested=len(attested[item]),
            age=_age(item),
        )
        state.lexicon.add_concept(item, first_title(terms), prior)
        for term in terms:
            _add_names(state.lexicon, item, term)


def _age(item: str) -> int:
    """Rank among the identifiers of its authority; the core's own senses come after all items."""
    number = item.removeprefix("wd:Q")
    return int(number) if number.isdigit() else OWN_AGE


def _add_names(lexicon: Lexicon, concept: str, term: Term) -> None:
    for label in term.labels:
        # another source's name for an item is never stronger than an alternative of its own
        own = term.id == concept
        kind = label.kind if own else LabelKind.ALTERNATIVE
        lexicon.add_name(concept, label.text, label.lang, kind)


def _map_by_reference(state: _State, claims: list[_Claim]) -> None:
    by_subject: dict[str, dict[str, list[Evidence]]] = defaultdict(lambda: defaultdict(list))
    rivals: dict[tuple[str, str], set[str]] = defaultdict(set)
    for claim in claims:
        by_subject[claim.subject][claim.item].append(claim.evidence)
        rivals[split_curie(claim.subject)[0], claim.item].add(claim.subject)
    for subject in sorted(by_subject):
        claimed = by_subject[subject]
        usable = [item for item in claimed if item in state.items]
        for item in sorted(claimed.keys() - set(usable)):
            _refuse(state, subject, item, claimed[item])
        agreeing = [item for item in usable if _agrees(state, subject, item)]
        for item in sorted(usable):
            contested = len(usable) > 1 or len(rivals[split_curie(subject)[0], item]) > 1
            confidence = AGREEING_REFERENCE if item in agreeing else OTHER_REFERENCE
            if contested and not (item in agreeing and len(agreeing) == 1):
                confidence = CONTESTED_REFERENCE
            _record(state, subject, item, confidence, claimed[item], MappingSet.CURATED)
    for subject, item in list(state.target.items()):
        for term in state.terms.get(subject, ()):
            _add_names(state.lexicon, item, term)


def _agrees(state: _State, subject: str, item: str) -> bool:
    terms = state.terms.get(subject)
    if terms is None:
        local = split_curie(subject)[1].replace("_", " ").rpartition(":")[2]
        names = [(local, "en")]
    else:
        names = [(label.text, label.lang) for term in terms for label in term.labels]
    return any(
        candidate.concept == item
        for text, lang in names
        for candidate in state.lexicon.candidates(text, lang)
    )


def _refuse(state: _State, subject: str, item: str, evidence: list[Evidence]) -> None:
    """A reference to something that is no concept is kept as a negative mapping."""
    kind = state.not_concepts.get(item)
    if kind is None:
        return  # the item was not read, so nothing can be said of it
    state.mappings.append(
        Mapping(
            subject=subject,
            subject_label=_subject_label(state, subject),
            subject_source=_subject_source(state, subject),
            object=item,
            object_label=f"{item} ({kind})",
            set=MappingSet.REJECTED,
            confidence=1.0,
            evidence=tuple(evidence),
        )
    )


def _record(
    state: _State,
    subject: str,
    concept: str,
    confidence: float,
    evidence: list[Evidence],
    accepted: MappingSet,
) -> None:
    sure = confidence >= ACCEPT
    if sure and subject not in state.target:
        state.target[subject] = concept
    state.mappings.append(
        Mapping(
            subject=subject,
            subject_label=_subject_label(state, subject),
            subject_source=_subject_source(state, subject),
            object=concept,
            object_label=state.lexicon.title(concept),
            set=accepted if sure else MappingSet.UNSURE,
            confidence=confidence,
            evidence=tuple(evidence),
        )
    )


def _subject_label(state: _State, subject: str) -> str:
    terms = state.terms.get(subject)
    if terms:
        labels = [label for term in terms for label in term.labels]
        return next((label for label in labels if label.lang == "en"), labels[0]).text
    return split_curie(subject)[1].replace("_", " ").replace("+", " ")


def _subject_source(state: _State, subject: str) -> str:
    """The source whose entry it is; the bundled core only repeats other sources' topics."""
    sources = [term.source for term in state.terms.get(subject, ())] or [split_curie(subject)[0]]
    return next((source for source in sources if source != CORE), CORE)


# ---------------------------------------------------------------------------------------- linking


@dataclass(frozen=True, slots=True)
class _Found:
    """The best answer for a term over all its names."""

    link: Link
    label: Label

    @property
    def chance(self) -> float:
        return self.link.probability


def _map_by_linking(state: _State, linker: Linker) -> None:
    """Terms that no source refers to an item, by their names and what is said of them."""
    left = sorted(state.terms.keys() - state.target.keys())
    found = _best_links(state, left, linker)
    outdone = _outdone(state, found)
    # recorded only now, so that no term is matched by way of another term's weak match
    for subject, best in found.items():
        exact = best.link.exact
        if exact is not None:
            taken = best.link.zone is Zone.ACCEPT and subject not in outdone
            chance = CONTESTED_REFERENCE if subject in outdone else exact.confidence
            into = MappingSet.PREDICTED if taken else MappingSet.UNSURE
            _predict(state, subject, exact.concept, chance, _evidence(best, linker), into)
        elif best.link.nearest is not None:
            near = best.link.nearest
            _predict(
                state,
                subject,
                near.concept,
                near.confidence,
                _evidence(best, linker),
                MappingSet.PREDICTED,
                predicate=best.link.predicate,
            )


def _best_links(state: _State, subjects: Sequence[str], linker: Linker) -> dict[str, _Found]:
    """For each term the most probable answer over all its names; all names in one batch."""
    asked: list[tuple[str, Label, Query]] = []
    for subject in subjects:
        for term in state.terms[subject]:
            definition = term.definition.text[:MAX_DEFINITION_CHARS] if term.definition else ""
            asked.extend(
                (subject, label, Query(label.text, label.lang, definition)) for label in term.labels
            )
    links = linker.link([query for _, _, query in asked])
    best: dict[str, _Found] = {}
    for (subject, label, _), link in zip(asked, links, strict=True):
        held = best.get(subject)
        if held is None or _worth(link) > _worth(held.link):
            best[subject] = _Found(link, label)
    return best


def _worth(link: Link) -> tuple[float, float]:
    return link.probability, link.nearest.confidence if link.nearest else 0.0


def _evidence(best: _Found, linker: Linker) -> Evidence:
    detail = best.link.reason
    if best.link.exact is not None and len(best.link.candidates) > 1:
        other = best.link.candidates[1]
        detail += f"; next best: {other.label!r} {other.concept} {other.confidence:.2f}"
    return Evidence(
        justification=vocab.COMPOSITE if linker.uses_meaning else vocab.LEXICAL,
        source="mathgloss",
        detail=f"{best.label.text!r} ({best.label.lang}) by {linker.method}: {detail}",
    )


def _predict(
    state: _State,
    subject: str,
    concept: str,
    chance: float,
    evidence: Evidence,
    into: MappingSet,
    *,
    predicate: str = vocab.EXACT_MATCH,
) -> None:
    if into is MappingSet.PREDICTED and predicate == vocab.EXACT_MATCH:
        state.target[subject] = concept
    state.mappings.append(
        Mapping(
            subject=subject,
            subject_label=_subject_label(state, subject),
            subject_source=_subject_source(state, subject),
            object=concept,
            object_label=state.lexicon.title(concept),
            set=into,
            confidence=chance,
            evidence=(evidence,),
            predicate=predicate,
        )
    )


def _outdone(state: _State, found: MappingOf[str, _Found]) -> set[str]:
    """Terms whose item another term of their source has the better claim to.

    A source seldom has two entries for one thing. The better claim is the source's own reference,
    then the surer match, then the spelling of the item's name. Terms whose names have one normal
    form do not compete.
    """
    claims: dict[tuple[str, str], list[tuple[bool, float, bool, str]]] = defaultdict(list)
    for subject, concept in state.target.items():
        key = (_subject_source(state, subject), concept)
        claims[key].append((True, 1.0, True, _subject_label(state, subject)))
    exact = {name: best.link.exact for name, best in found.items() if best.link.exact is not None}
    for subject, candidate in exact.items():
        label = _subject_label(state, subject)
        key = (_subject_source(state, subject), candidate.concept)
        claims[key].append((False, candidate.confidence, label == candidate.label, label))
    best_of = {key: normalize(max(held)[3]) for key, held in claims.items()}
    return {
        subject
        for subject, candidate in exact.items()
        if best_of[_subject_source(state, subject), candidate.concept]
        != normalize(_subject_label(state, subject))
    }


# ---------------------------------------------------------------------------------------- minting


def _mint(state: _State, linker: Linker) -> None:
    """New concepts for the terms left over; terms of later sources that are surely the same join.

    Source by source: each one's terms are linked to what the sources before it left, by the same
    linker, and never to each other. So nothing joins by way of a third.
    """
    left = state.terms.keys() - state.target.keys()
    by_source: dict[str, list[str]] = defaultdict(list)
    for subject in sorted(left):
        by_source[state.terms[subject][0].source].append(subject)
    minted: list[Entry] = []
    pools: list[Linker] = []
    joined: list[tuple[str, str, float, Evidence]] = []
    for source in sorted(by_source, key=lambda name: source_rank(MINT_ORDER, name)):
        taken: dict[str, tuple[float, str, Evidence]] = {}
        for pool in pools:
            for subject, best in _best_links(state, by_source[source], pool).items():
                exact = best.link.exact
                if best.link.zone is Zone.ACCEPT and exact is not None:
                    found = (exact.confidence, exact.concept, _evidence(best, pool))
                    taken[subject] = max(taken.get(subject, found), found, key=lambda row: row[0])
        joined += [(name, concept, chance, why) for name, (chance, concept, why) in taken.items()]
        new = [
            Entry(subject, tuple(state.terms[subject]))
            for subject in by_source[source]
            if subject not in taken
        ]
        minted += new
        pools.append(linker.over(Catalogue(new, standing=UNKNOWN_STANDING)))
    for age, entry in enumerate(minted):
        described = any(term.definition for term in entry.terms)
        prior = Prior(described=described, age=FIRST_MINTED_AGE + age)
        state.lexicon.add_concept(entry.id, first_title(entry.terms), prior)
        for term in entry.terms:
            _add_names(state.lexicon, entry.id, term)
    for subject, concept, chance, evidence in joined:
        _predict(state, subject, concept, chance, evidence, MappingSet.PREDICTED)


def _concepts(state: _State) -> tuple[Concept, ...]:
    members: dict[str, list[Term]] = defaultdict(list)
    for item, terms in state.items.items():
        members[item].extend(terms)
    for subject, terms in state.terms.items():
        members[state.target.get(subject, subject)].extend(terms)
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
