"""What to learn before a concept: the concepts that its definition builds on, in an order.

A concept builds on those that its definitions name, and, with less weight, on what it is a kind of,
on its parts and on its characteristics, as far as these are the more basic ones. *Basic* is
measured: the number of concepts whose definitions name it. Where sources define things in a circle
("a vector space is a module over a field", "a module is like a vector space over a ring"), the
best supported statements are kept, and those that would close the circle are left out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from mathgloss.answers.languages import Chain, reference, shown_names
from mathgloss.answers.network import Network
from mathgloss.answers.paging import Answer, checked_limit

if TYPE_CHECKING:
    import networkx as nx

    from mathgloss.answers.service import Answers

MAX_STEPS: Final = 25
TAUGHT_BEFORE: Final = 10

# how much a statement counts for "builds on", between 0 and 1
_NAMED: Final = 0.7  # by one source's definition; each further source halves what is missing to 1
# ... and by a relation, if what is built on is so many times as basic: sources state a hierarchy
# upwards through what one learns later (abelian groups are FC-groups)
_STATED: Final = {
    "broader": (0.5, 0.2),
    "facet_of": (0.5, 0.2),
    "has_part": (0.4, 0.5),
    "has_characteristic": (0.4, 1.0),
    "instance_of": (0.3, 0.5),
}
# a class of so many things says nothing of any of them: theorem, conjecture, mathematical concept
_CLASS_SIZE: Final = 100
# mathematical object, mathematical concept: so is everything
_GENERAL: Final = ("wd:Q246672", "wd:Q24034552")
# what one source alone names counts only if it is at least so many times as basic: groups are not
# learned as categories with one object
_LEAST_LEAD: Final = 0.15
_DEPTH: Final = 4
# what is learned for a prerequisite counts less than what is learned for the concept itself
_FADING: Final = 0.6
_WORTH: Final = 0.035


class Reason(NamedTuple):
    """Why one concept comes before another.

    Attributes:
        relation: what the earlier one is to the later one.
        sources: whose definitions name it, for ``defined_with``.
        strength: how much the statement counts.
    """

    relation: str
    sources: tuple[str, ...]
    strength: float


class BuildsOn:
    """For each concept of a snapshot what it builds on, without circles."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._left_out = {*_GENERAL, *_fields_of_study(network), *_large_classes(network)}
        self.graph = self._without_circles()

    def reasons(self, concept: str, other: str) -> list[Reason]:
        """Why ``other`` comes before ``concept``."""
        edge: list[Reason] = self.graph.edges[concept, other]["reasons"]
        return edge

    def _candidates(self, concept: str) -> dict[str, list[Reason]]:
        """What a concept may build on, and why."""
        found: dict[str, list[Reason]] = defaultdict(list)
        for step in self._network.steps[concept]:
            if step.other in self._left_out:
                continue
            lead = self._basic(step.other) / max(self._basic(concept), 1)
            if step.relation == "defined_with":
                sources = tuple(self._network.definers[concept, step.other])
                if len(sources) > 1 or lead >= _LEAST_LEAD:
                    strength = 1 - (1 - _NAMED) * 0.5 ** (len(sources) - 1)
                    found[step.other].append(Reason(step.relation, sources, strength))
            elif step.relation in _STATED:
                strength, least = _STATED[step.relation]
                if lead >= least:
                    found[step.other].append(Reason(step.relation, (), strength))
        return {
            other: sorted(set(reasons), key=lambda reason: -reason.strength)
            for other, reasons in found.items()
        }

    def _basic(self, concept: str) -> int:
        """How many concepts' definitions name it."""
        return self._network.used_in.get(concept, 0)

    def _without_circles(self) -> nx.DiGraph[str]:
        """All candidates but those that would close a circle of better supported ones."""
        import networkx  # slow to import, seldom needed

        graph: nx.DiGraph[str] = networkx.DiGraph()
        for concept in self._network.steps:
            for other, reasons in self._candidates(concept).items():
                missing = math.prod(1 - reason.strength for reason in reasons)
                graph.add_edge(concept, other, reasons=reasons, strength=1 - missing)
        for knot in list(networkx.strongly_connected_components(graph)):
            if len(knot) > 1:
                self._untie(graph, knot)
        return graph

    def _untie(self, graph: nx.DiGraph[str], knot: Iterable[str]) -> None:
        """Take the edges among these nodes out, and put back the best that close no circle."""
        import networkx

        inner = list(graph.subgraph(knot).edges(data=True))
        graph.remove_edges_from(inner)
        kept: nx.DiGraph[str] = networkx.DiGraph()
        kept.add_nodes_from(knot)

        def rank(edge: tuple[str, str, Answer]) -> tuple[float, int, str, str]:
            concept, other, data = edge
            lead = self._basic(other) - self._basic(concept)
            return (-data["strength"], -lead, concept, other)

        for concept, other, data in sorted(inner, key=rank):
            if not networkx.has_path(kept, other, concept):
                kept.add_edge(concept, other)
                graph.add_edge(concept, other, **data)


def _fields_of_study(network: Network) -> Iterator[str]:
    """Group theory and the like: one learns them by learning what they study."""
    for steps in network.steps.values():
        yield from (step.other for step in steps if step.relation == "studied_by")


def _large_classes(network: Network) -> Iterator[str]:
    """Theorem, conjecture and the like."""
    for concept, steps in network.steps.items():
        if sum(step.relation == "instances" for step in steps) > _CLASS_SIZE:
            yield concept


def prerequisites(answers: Answers, concept: str, *, limit: int, chain: Chain) -> Answer:
    """A reading list: what to learn before a concept, each step after all that it builds on.

    Raises:
        InputError: the limit is out of range.
    """
    checked_limit(limit, most=MAX_STEPS)
    builds_on = answers.builds_on
    chosen = _chosen(answers, builds_on, concept, limit)
    order = list(_order(builds_on.graph, [*chosen, concept]))
    names = shown_names(answers.index, order, chain)
    level: dict[str, int] = {}
    steps = []
    for node in order:
        before = [other for other in order if builds_on.graph.has_edge(node, other)]
        level[node] = 1 + max((level[other] for other in before), default=0)
        if node != concept:
            steps.append({
                **reference(node, names[node]),
                "level": level[node],
                "weight": round(chosen[node], 3),
                "for": list(_uses(builds_on, node, order)),
                "syllabus": answers.syllabus.positions(node),
            })
    return {
        **reference(concept, names[concept]),
        "steps": steps,
        "syllabus": answers.syllabus.positions(concept),
        "taught_before": answers.syllabus.taught_before(concept, TAUGHT_BEFORE),
        "snapshot": answers.snapshot.id,
    }


def _uses(builds_on: BuildsOn, node: str, order: Iterable[str]) -> Iterator[Answer]:
    """What of the list builds on the node, and why."""
    for later in order:
        if builds_on.graph.has_edge(later, node):
            for reason in builds_on.reasons(later, node):
                yield {"id": later, "relation": reason.relation, "sources": list(reason.sources)}


def _chosen(answers: Answers, builds_on: BuildsOn, concept: str, limit: int) -> dict[str, float]:
    """The concepts that count most, and how much; of several with one name the best."""
    weights = _weights(builds_on.graph, concept)
    ranked = sorted(weights, key=lambda other: (-weights[other], other))
    worth = [other for other in ranked if weights[other] >= _WORTH]
    names = shown_names(answers.index, [concept, *worth], ("en", "mul"))
    taken = {names[concept].label.casefold()}
    chosen: dict[str, float] = {}
    for other in worth:
        label = names[other].label.casefold()
        if label not in taken and len(chosen) < limit:
            taken.add(label)
            chosen[other] = weights[other]
    return chosen


def _weights(graph: nx.DiGraph[str], concept: str) -> dict[str, float]:
    """How much each concept that is built on counts, over all ways that lead to it."""
    total: dict[str, float] = defaultdict(float)
    ring = {concept: 1.0}
    for depth in range(_DEPTH):
        following: dict[str, float] = defaultdict(float)
        for node, weight in ring.items():
            edges = graph.adj[node] if node in graph else {}
            shared = max(sum(edge["strength"] for edge in edges.values()), 2.0)
            for other, edge in edges.items():
                following[other] += weight * edge["strength"] / shared * _FADING ** (depth > 0)
        for other, weight in following.items():
            total[other] += weight
        ring = following
    return dict(total)


def _order(graph: nx.DiGraph[str], nodes: list[str]) -> Iterator[str]:
    """The nodes, each after all that it builds on; otherwise those that count more first."""
    import networkx

    held: nx.DiGraph[str] = networkx.DiGraph(graph.subgraph(nodes).reverse())
    held.add_nodes_from(nodes)
    place = {node: at for at, node in enumerate(nodes)}
    return iter(networkx.lexicographical_topological_sort(held, key=place.__getitem__))
