"""Walking the relations: the neighbourhood of a concept, what is broader or narrower, paths."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain as chained
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from mathgloss.answers.languages import Chain, Shown, reference, shown_names
from mathgloss.answers.network import Network, Step
from mathgloss.answers.paging import Answer, checked_limit, sorted_page
from mathgloss.errors import InputError

if TYPE_CHECKING:
    from mathgloss.answers.service import Answers

Direction: TypeAlias = Literal["broader", "narrower"]

MAX_NODES: Final = 200
MAX_DEPTH: Final = 2
MAX_STEPS: Final = 12


def neighbours(answers: Answers, concept: str, *, depth: int, limit: int, chain: Chain) -> Answer:
    """The concepts around one, and all relations between those that are shown.

    Each kind of relation gets its turn, the best connected concepts first, until ``limit`` nodes
    are there; a node says how many of its neighbours are left out, and in which relations.

    Raises:
        InputError: the depth or limit is out of range.
    """
    checked_limit(limit, most=MAX_NODES)
    if not 1 <= depth <= MAX_DEPTH:
        raise InputError(f"depth: expected 1 to {MAX_DEPTH}, got {depth}")
    network = answers.network
    distance = _around(network, concept, depth, limit)
    names = shown_names(answers.index, distance, chain)
    return {
        **reference(concept, names[concept]),
        "depth": depth,
        "nodes": [
            {
                **reference(node, names[node]),
                "distance": distance[node],
                "degree": len({step.other for step in network.steps.get(node, ())}),
                "cut": _cut(network, node, distance),
            }
            for node in distance
        ],
        "edges": list(_edges(network, distance)),
        "snapshot": answers.snapshot.id,
    }


def _around(network: Network, concept: str, depth: int, limit: int) -> dict[str, int]:
    """The nodes to show and how far each is from the concept, in the order they were taken."""
    distance = {concept: 0}
    ring = [concept]
    for far in range(1, depth + 1):
        turns = zip_longest(*(_by_turns(network, node) for node in ring))
        found = dict.fromkeys(node for node in chained.from_iterable(turns) if node is not None)
        new = [node for node in found if node not in distance]
        ring = new[: limit + 1 - len(distance)]
        distance |= dict.fromkeys(ring, far)
    return distance


def _by_turns(network: Network, concept: str) -> Iterator[str]:
    """Neighbours, one of each kind of relation in turn, the best connected first."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for step in network.steps.get(concept, ()):
        kinds[step.relation].append(step.other)
    queues = [
        sorted(others, key=lambda other: (-network.degree(other), other))
        for _, others in sorted(kinds.items())
    ]
    turns = chained.from_iterable(zip_longest(*queues))
    return iter(dict.fromkeys(other for other in turns if other is not None))


def _cut(network: Network, node: str, shown: Iterable[str]) -> dict[str, int]:
    """How many neighbours are not shown, by relation."""
    held = set(shown)
    steps = network.steps.get(node, ())
    return dict(sorted(Counter(s.relation for s in steps if s.other not in held).items()))


def _edges(network: Network, shown: dict[str, int]) -> Iterator[Answer]:
    """Relations between the nodes shown, each once and as its sources state it."""
    for node in shown:
        for step in network.steps.get(node, ()):
            if step.forward and step.other in shown:
                yield {"source": node, "target": step.other, "relation": step.relation}


def hierarchy(
    answers: Answers,
    concept: str,
    direction: Direction,
    *,
    transitive: bool,
    cursor: str,
    limit: int,
    chain: Chain,
) -> Answer:
    """A page of what is broader or narrower, directly or all the way, the nearest first.

    Each comes once, with its least distance, even where the sources' hierarchy runs in a circle.

    Raises:
        InputError: the limit is out of range, or the cursor none of this list's.
    """
    distance = _closure(answers.network, concept, direction, most=None if transitive else 1)
    names = shown_names(answers.index, [concept, *distance], chain)
    items = [{**reference(other, names[other]), "distance": far} for other, far in distance.items()]
    page = sorted_page(
        items, key=_nearest_first, cursor=cursor, limit=limit, snapshot=answers.snapshot.id
    )
    return {
        "concept": reference(concept, names[concept]),
        "direction": direction,
        "transitive": transitive,
        **page,
    }


def _nearest_first(item: Answer) -> list[Any]:
    return [item["distance"], item["label"].casefold(), item["id"]]


def _closure(
    network: Network, concept: str, relation: Direction, *, most: int | None
) -> dict[str, int]:
    """Concepts reached along one relation, in at most so many steps, with their distance."""
    distance = {concept: 0}
    ring = [concept]
    while ring and (most is None or distance[ring[0]] < most):
        far = distance[ring[0]] + 1
        found = chained.from_iterable(network.related(node, relation) for node in ring)
        ring = list(dict.fromkeys(other for other in found if other not in distance))
        distance |= dict.fromkeys(ring, far)
    del distance[concept]
    return distance


def path(answers: Answers, start: str, end: str, *, most: int, chain: Chain) -> Answer:
    """A way from one concept to another along relations that mean something.

    Steps through concepts that are related to very many others cost more, so the way may be longer
    than the shortest; ``steps`` is empty and ``found`` false if there is none of at most ``most``
    steps.

    Raises:
        InputError: the number of steps is out of range.
    """
    if not 1 <= most <= MAX_STEPS:
        raise InputError(f"max_steps: expected 1 to {MAX_STEPS}, got {most}")
    nodes = _cheapest(answers.network, start, end)
    if len(nodes) > most + 1:
        nodes = []
    names = shown_names(answers.index, [start, end, *nodes], chain)
    steps = [_step(answers.network, here, there, names) for here, there in pairwise(nodes)]
    return {
        "from": reference(start, names[start]),
        "to": reference(end, names[end]),
        "found": bool(nodes),
        "length": len(steps) if nodes else None,
        "steps": steps,
        "snapshot": answers.snapshot.id,
    }


def _cheapest(network: Network, start: str, end: str) -> list[str]:
    """The nodes of the cheapest way, both ends included; none if there is no way."""
    import networkx  # slow to import, seldom needed

    if start == end:
        return [start]
    try:
        nodes: list[str] = networkx.bidirectional_dijkstra(network.weighted, start, end)[1]
    except (networkx.NetworkXNoPath, networkx.NodeNotFound):
        return []
    return nodes


def _step(network: Network, here: str, there: str, names: dict[str, Shown]) -> Answer:
    """One step of a way: what ``there`` is to ``here``, in the way that costs least."""
    steps = [step for step in network.steps[here] if step.other == there]
    best: Step = min(steps, key=lambda step: (network.cost(here, step), step.relation))
    return {
        "from": reference(here, names[here]),
        "relation": best.relation,
        "to": reference(there, names[there]),
    }
