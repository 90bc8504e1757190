"""The network of concepts: all relations of a snapshot in memory, built when first needed."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from mathgloss import ids, vocab
from mathgloss.answers.card import RELATION_NAMES
from mathgloss.graph.reader import Reader, short_name

if TYPE_CHECKING:
    import networkx as nx

_DEFINITIONS: Final = vocab.GRAPH + "definitions/"


class Step(NamedTuple):
    """A relation seen from one of its ends.

    Attributes:
        other: the concept at its other end.
        relation: what the other end is to this one, as answers call it, for example ``broader``.
        forward: whether the sources state it from this end.
    """

    other: str
    relation: str
    forward: bool


class Network:
    """Concepts and the relations between them.

    Attributes:
        steps: concept -> its relations, each once; concepts without any are not in it.
        definers: (concept, other) -> the sources whose definition of the concept names the other.
    """

    def __init__(self, reader: Reader) -> None:
        self.definers: dict[tuple[str, str], list[str]] = defaultdict(list)
        steps: dict[str, set[Step]] = defaultdict(set)
        name: dict[str, str] = {}
        for row in reader.run("relations", {}):
            subject, target = (_curie(row[end].value, name) for end in ("subject", "object"))
            relation = short_name(row["relation"].value)
            if subject == target:
                continue
            steps[subject].add(Step(target, RELATION_NAMES[relation, "out"], forward=True))
            steps[target].add(Step(subject, RELATION_NAMES[relation, "in"], forward=False))
            if row["graph"] is not None:
                source = row["graph"].value.removeprefix(_DEFINITIONS)
                self.definers[subject, target].append(source)
        for sources in self.definers.values():
            sources.sort()
        self.steps: dict[str, tuple[Step, ...]] = {
            concept: tuple(sorted(held)) for concept, held in sorted(steps.items())
        }

    def degree(self, concept: str) -> int:
        """How many relations the concept has."""
        return len(self.steps.get(concept, ()))

    def related(self, concept: str, relation: str) -> list[str]:
        """The concepts that are this to the concept, for example its ``broader`` ones."""
        steps = self.steps.get(concept, ())
        return list(dict.fromkeys(step.other for step in steps if step.relation == relation))

    @cached_property
    def used_in(self) -> dict[str, int]:
        """How many concepts' definitions name each concept: how basic it is."""
        counts: dict[str, int] = defaultdict(int)
        for _, other in self.definers:
            counts[other] += 1
        return dict(counts)

    @cached_property
    def weighted(self) -> nx.Graph[str]:
        """The network without directions; an edge weighs what a step along it costs."""
        import networkx

        graph: nx.Graph[str] = networkx.Graph()
        for concept, steps in self.steps.items():
            for step in steps:
                cost = self.cost(concept, step)
                known = graph.get_edge_data(concept, step.other)
                if known is None or cost < known["weight"]:
                    graph.add_edge(concept, step.other, weight=cost)
        return graph

    def cost(self, concept: str, step: Step) -> float:
        """What a step costs: by its relation, and by how little its two ends explain."""
        return COSTS.get(step.relation, 1.0) + (self._toll(concept) + self._toll(step.other)) / 2

    def _toll(self, concept: str) -> float:
        """What has to do with everything explains little, and so does what hardly anybody knows."""
        degree = self.degree(concept)
        return math.sqrt(degree) / 10 + 2 / degree


# what a relation costs; 1 where nothing is said
COSTS: Final = {
    "defined_with": 1.2,
    "used_to_define": 1.2,
    "instance_of": 1.5,
    "instances": 1.5,
    "studied_by": 2.0,
    "studies": 2.0,
    "different_from": 3.0,
}


def _curie(iri: str, known: dict[str, str]) -> str:
    """The identifier of an IRI; one string for all its occurrences."""
    found = known.get(iri)
    if found is None:
        found = known[iri] = ids.curie(iri)
    return found
