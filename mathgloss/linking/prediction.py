"""Aligning by the linker: terms without a reference, and the concepts minted for the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mathgloss import vocab
from mathgloss.linking.candidates import Query
from mathgloss.linking.catalogue import UNKNOWN_STANDING, Catalogue, Entry
from mathgloss.linking.labels import first_title, source_rank
from mathgloss.linking.ledger import Ledger, add_names, record, subject_label, subject_source
from mathgloss.linking.lexicon import Prior
from mathgloss.linking.linker import Link, Linker, Zone
from mathgloss.linking.references import CONTESTED_REFERENCE
from mathgloss.model import Evidence, Label, MappingSet
from mathgloss.normalize import normalize

# A concept without a Wikidata item is minted from the first of these that has a term for it.
MINT_ORDER: Final = ("nlab", "chicago", "syllabus", "overview", "theorems", "mulima")
# what an encoder reads of a definition
MAX_DEFINITION_CHARS: Final = 600
# minted concepts come after all items
FIRST_MINTED_AGE: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class _Found:
    """The best answer for a term over all its names."""

    link: Link
    label: Label


def map_by_linking(ledger: Ledger, linker: Linker) -> None:
    """Terms that no source refers to an item, by their names and what is said of them."""
    found = _best_links(ledger, ledger.open_terms(), linker)
    outdone = _outdone(ledger, found)
    # recorded only now, so that no term is matched by way of another term's weak match
    for subject, best in found.items():
        exact = best.link.exact
        if exact is not None:
            taken = best.link.zone is Zone.ACCEPT and subject not in outdone
            chance = CONTESTED_REFERENCE if subject in outdone else exact.confidence
            into = MappingSet.PREDICTED if taken else MappingSet.UNSURE
            record(
                ledger,
                subject,
                exact.concept,
                chance,
                [_evidence(best, linker)],
                into,
                runners_up=best.link.candidates[1:],
            )
        elif best.link.nearest is not None:
            near = best.link.nearest
            record(
                ledger,
                subject,
                near.concept,
                near.confidence,
                [_evidence(best, linker)],
                MappingSet.PREDICTED,
                predicate=best.link.predicate,
                runners_up=best.link.candidates,
            )


def _best_links(ledger: Ledger, subjects: Sequence[str], linker: Linker) -> dict[str, _Found]:
    """For each term the most probable answer over all its names; all names in one batch."""
    asked: list[tuple[str, Label, Query]] = []
    for subject in subjects:
        closed = frozenset(ledger.verdicts.closed.get(subject, ()))
        for term in ledger.terms[subject]:
            definition = term.definition.text[:MAX_DEFINITION_CHARS] if term.definition else ""
            asked.extend(
                (subject, label, Query(label.text, label.lang, definition, closed))
                for label in term.labels
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


def _outdone(ledger: Ledger, found: MappingOf[str, _Found]) -> set[str]:
    """Terms whose item another term of their source has the better claim to.

    A source seldom has two entries for one thing. The better claim is the source's own reference,
    then the surer match, then the spelling of the item's name. Terms whose names have one normal
    form do not compete.
    """
    claims: dict[tuple[str, str], list[tuple[bool, float, bool, str]]] = defaultdict(list)
    for subject, concept in ledger.target.items():
        key = (subject_source(ledger, subject), concept)
        claims[key].append((True, 1.0, True, subject_label(ledger, subject)))
    exact = {name: best.link.exact for name, best in found.items() if best.link.exact is not None}
    for subject, candidate in exact.items():
        label = subject_label(ledger, subject)
        key = (subject_source(ledger, subject), candidate.concept)
        claims[key].append((False, candidate.confidence, label == candidate.label, label))
    best_of = {key: normalize(max(held)[3]) for key, held in claims.items()}
    return {
        subject
        for subject, candidate in exact.items()
        if best_of[subject_source(ledger, subject), candidate.concept]
        != normalize(subject_label(ledger, subject))
    }


def mint(ledger: Ledger, linker: Linker) -> None:
    """New concepts for the terms left over; terms of later sources that are surely the same join.

    Source by source: each one's terms are linked to what the sources before it left, by the same
    linker, and never to each other. So nothing joins by way of a third.
    """
    by_source: dict[str, list[str]] = defaultdict(list)
    for subject in ledger.open_terms():
        by_source[ledger.terms[subject][0].source].append(subject)
    minted: list[Entry] = []
    pools: list[Linker] = []
    joined: list[tuple[str, str, float, Evidence]] = []
    for source in sorted(by_source, key=lambda name: source_rank(MINT_ORDER, name)):
        taken: dict[str, tuple[float, str, Evidence]] = {}
        for pool in pools:
            for subject, best in _best_links(ledger, by_source[source], pool).items():
                exact = best.link.exact
                if best.link.zone is Zone.ACCEPT and exact is not None:
                    found = (exact.confidence, exact.concept, _evidence(best, pool))
                    taken[subject] = max(taken.get(subject, found), found, key=lambda row: row[0])
        joined += [(name, concept, chance, why) for name, (chance, concept, why) in taken.items()]
        new = [
            Entry(subject, tuple(ledger.terms[subject]))
            for subject in by_source[source]
            if subject not in taken
        ]
        minted += new
        pools.append(linker.over(Catalogue.of(new, standing=UNKNOWN_STANDING)))
    for age, entry in enumerate(minted):
        described = any(term.definition for term in entry.terms)
        prior = Prior(described=described, age=FIRST_MINTED_AGE + age)
        ledger.lexicon.add_concept(entry.id, first_title(entry.terms), prior)
        for term in entry.terms:
            add_names(ledger.lexicon, entry.id, term)
    for subject, concept, chance, evidence in joined:
        record(ledger, subject, concept, chance, [evidence], MappingSet.PREDICTED)
