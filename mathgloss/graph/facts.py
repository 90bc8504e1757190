"""Facts about concepts by which lists are filtered and counted, beside the label index.

They are few bits for each concept, so a reader holds each fact as one integer with a bit for each
concept: filters are conjunctions of integers, counts are numbers of their bits.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from mathgloss.model import Concept, ParsedSource, TermKind

SYLLABUS: Final = "syllabus"
FORMALISED: Final = "formalised"
DEFINED: Final = "has_definition"
ITEM: Final = "has_item"
PAPERS: Final = "has_papers"
EXPERIMENTS: Final = "has_experiment"
IN_SYLLABUS: Final = "in_syllabus"

_SCHEMA: Final = """
CREATE TABLE fact (concept TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
                   PRIMARY KEY (kind, value, concept)) WITHOUT ROWID;
CREATE TABLE topic (place INTEGER PRIMARY KEY, term TEXT NOT NULL, concept TEXT,
                    position TEXT NOT NULL, formalised INTEGER NOT NULL);
"""
_SEPARATOR: Final = "\x1f"


class Topic(NamedTuple):
    """A topic of the syllabus, in its order.

    Attributes:
        concept: what the topic is mapped to, if anything.
        position: headings from the outermost to the topic.
    """

    term: str
    concept: str | None
    position: tuple[str, ...]
    formalised: bool


def write_facts(
    path: Path,
    concepts: Sequence[Concept],
    sources: Iterable[ParsedSource],
    concept_of: Mapping[str, str],
) -> None:
    """Add the facts to the label index at ``path``."""
    held = list(sources)
    facts = {fact for source in held for fact in _said(source, concept_of)}
    for concept in concepts:
        facts.update((concept.id, "lang", lang) for lang in concept.labels)
        if concept.id.startswith("wd:"):
            facts.add((concept.id, ITEM, ""))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.executemany("INSERT INTO fact VALUES (?, ?, ?)", sorted(facts))
        connection.executemany(
            "INSERT INTO topic (term, concept, position, formalised) VALUES (?, ?, ?, ?)",
            (
                row
                for source in held
                if source.info.name == SYLLABUS
                for row in _topics(source, concept_of)
            ),
        )


def _said(source: ParsedSource, concept_of: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for term in source.terms:
        concept = concept_of.get(term.id)
        if concept is None:
            continue
        yield concept, "source", source.info.name
        if any(link.declaration for link in term.formal):
            yield concept, FORMALISED, ""
        if term.definition is not None:
            yield concept, DEFINED, ""


def _topics(
    source: ParsedSource, concept_of: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str, bool]]:
    for term in source.terms:
        if term.position and term.kind is TermKind.CONCEPT:
            formalised = any(link.declaration for link in term.formal)
            yield term.id, concept_of.get(term.id), _SEPARATOR.join(term.position), formalised


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of a snapshot.

    Attributes:
        concepts: identifiers in their order.
        places: identifier -> its place in that order, which is the place of its bit.
        bits: (kind, value) -> an integer with the bits of the concepts of which it holds.
        topics: the syllabus in its order.
        named: key of a name in the label index -> place of the concept whose name it is.
    """

    concepts: tuple[str, ...]
    places: dict[str, int]
    bits: dict[tuple[str, str], int]
    topics: tuple[Topic, ...]
    named: Sequence[int] = ()

    @property
    def all(self) -> int:
        """The bits of all concepts."""
        return (1 << len(self.concepts)) - 1

    def values(self, kind: str) -> list[str]:
        """The values that a kind of fact has, sorted."""
        return sorted(value for held, value in self.bits if held == kind)

    def of(self, kind: str, value: str = "") -> int:
        """The bits of the concepts of which the fact holds."""
        return self.bits.get((kind, value), 0)

    def bits_of(self, concepts: Iterable[str]) -> int:
        """The bits of these concepts."""
        return _bits(self.places[concept] for concept in concepts)

    def bits_of_names(self, keys: Iterable[int]) -> int:
        """The bits of the concepts that have these names."""
        return _bits(map(self.named.__getitem__, keys))

    def listed(self, bits: int, *, start: int = 0) -> Iterator[str]:
        """The concepts of these bits in their order, from a place on."""
        rest = bits >> start
        while rest:
            step = (rest & -rest).bit_length()
            start += step
            rest >>= step
            yield self.concepts[start - 1]


def read_facts(path: Path, more: Mapping[str, Iterable[str]]) -> Facts:
    """The facts in a snapshot's label index, and more that stand elsewhere.

    Args:
        path: the label index.
        more: kind of fact -> the concepts of which it holds; those of other snapshots are left out.
    """
    uri = f"{path.as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        concepts = tuple(row[0] for row in connection.execute("SELECT id FROM concept ORDER BY id"))
        places = {concept: at for at, concept in enumerate(concepts)}
        held: dict[tuple[str, str], list[int]] = defaultdict(list)
        for concept, kind, value in connection.execute("SELECT concept, kind, value FROM fact"):
            held[kind, value].append(places[concept])
        topics = tuple(
            Topic(term, concept, tuple(position.split(_SEPARATOR)), bool(formalised))
            for term, concept, position, formalised in connection.execute(
                "SELECT term, concept, position, formalised FROM topic ORDER BY place"
            )
        )
        names = connection.execute("SELECT key, concept FROM name ORDER BY key").fetchall()
    named = array("i", bytes(4 * (names[-1][0] + 1 if names else 0)))
    for key, concept in names:
        named[key] = places[concept]
    for kind, having in more.items():
        held[kind, ""] = [places[concept] for concept in having if concept in places]
    held[IN_SYLLABUS, ""] = [places[topic.concept] for topic in topics if topic.concept]
    bits = {fact: _bits(at) for fact, at in held.items()}
    return Facts(concepts, places, bits, topics, named)


def _bits(places: Iterable[int]) -> int:
    """An integer with a bit at each of the places."""
    packed = bytearray()
    for place in places:
        if place >> 3 >= len(packed):
            packed.extend(bytes((place >> 3) + 1 - len(packed)))
        packed[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(packed, "little")
