"""The types of concepts: "concept" for all, and the classes that have many instances."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.answers.languages import ENGLISH, shown_names
from mathgloss.answers.paging import Answer
from mathgloss.graph.index import LabelIndex
from mathgloss.graph.reader import Reader

CONCEPT: Final = "concept"
CONCEPT_NAME: Final = "mathematical concept"
# a class is offered as a type if at least so many concepts are instances of it
INSTANCES_OF_TYPE: Final = 20
_INSTANCE_OF: Final = ox.NamedNode(vocab.expand("mg:instanceOf"))
_CONCEPTS: Final = ox.NamedNode(vocab.GRAPH + "concepts")


@dataclass(frozen=True, slots=True)
class Kinds:
    """The types of each concept, and the name and size of each type, the largest first."""

    of_concept: Mapping[str, Sequence[str]]
    names: Mapping[str, str]
    sizes: Mapping[str, int]

    def of(self, concept: str) -> list[str]:
        """The types of a concept."""
        return [CONCEPT, *self.of_concept.get(concept, ())]

    def described(self, concept: str) -> list[Answer]:
        """The types of a concept by identifier and name."""
        return [{"id": kind, "name": self.names[kind]} for kind in self.of(concept)]


def classes(reader: Reader) -> list[tuple[str, str]]:
    """Each concept with each class that it is an instance of, sorted.

    Not by SPARQL: a query that sorts and joins so many rows leaves the process 40 MB larger.
    """
    quads = reader.snapshot.store.quads_for_pattern(None, _INSTANCE_OF, None, _CONCEPTS)
    return sorted(
        (ids.curie(quad.subject.value), ids.curie(quad.object.value))
        for quad in quads
        if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.NamedNode)
    )


def read_kinds(reader: Reader, index: LabelIndex) -> Kinds:
    """The types of a snapshot's concepts."""
    by_concept: dict[str, list[str]] = defaultdict(list)
    for concept, kind in classes(reader):
        by_concept[concept].append(kind)
    sizes = Counter(kind for kinds in by_concept.values() for kind in kinds)
    kept = {kind: size for kind, size in sizes.most_common() if size >= INSTANCES_OF_TYPE}
    shown = shown_names(index, kept, ENGLISH)
    return Kinds(
        {name: [kind for kind in kinds if kind in kept] for name, kinds in by_concept.items()},
        {CONCEPT: CONCEPT_NAME} | {kind: shown[kind].label for kind in kept},
        {CONCEPT: reader.snapshot.manifest.counts["concepts"]} | kept,
    )
