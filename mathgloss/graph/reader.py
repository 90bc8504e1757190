"""Running the stored queries (``queries/*.rq``) on a snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.errors import QueryError
from mathgloss.graph.snapshot import Snapshot

# pyoxigraph's solutions are indexed by variable name; its stubs give unions of all kinds of terms
Row: TypeAlias = Any

_SHORT: Final = {address: prefix for prefix, address in vocab.NAMESPACES.items()}


@lru_cache(maxsize=64)
def stored_query(name: str) -> str:
    """The text of a stored query, ``queries/<name>.rq``."""
    return (files("mathgloss.graph") / "queries" / f"{name}.rq").read_text(encoding="utf-8")


class Reader:
    """Reads rows from one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def rows(self, name: str, **nodes: str) -> list[Row]:
        """Rows of a stored query whose variables are bound to the given identifiers."""
        return list(self.run(name, {ox.Variable(key): node(value) for key, value in nodes.items()}))

    def run(
        self, name: str, variables: Mapping[ox.Variable, ox.NamedNode | ox.Literal]
    ) -> Iterator[Row]:
        """Rows of a stored query with some of its variables bound, one at a time."""
        solutions = self.snapshot.store.query(
            stored_query(name),
            substitutions=dict(variables),
        )
        assert isinstance(solutions, ox.QuerySolutions)
        yield from solutions

    def triples(self, name: str, **nodes: str) -> list[ox.Triple]:
        """Triples of a stored CONSTRUCT query, each once, in the order of their N-Triples."""
        constructed = self.snapshot.store.query(
            stored_query(name),
            substitutions={ox.Variable(key): node(value) for key, value in nodes.items()},
        )
        assert isinstance(constructed, ox.QueryTriples)
        return sorted(set(constructed), key=str)


def node(curie: str) -> ox.NamedNode:
    """The node of an identifier.

    Raises:
        QueryError: it cannot be written as an IRI.
    """
    try:
        return ox.NamedNode(ids.iri(curie))
    except ValueError as error:
        raise QueryError(f"{curie!r} is no identifier: {error}") from error


@lru_cache(maxsize=1_000)
def short_name(iri: str) -> str:
    """A vocabulary term as ``prefix:local``; an unknown one as it is."""
    for address, prefix in _SHORT.items():
        if iri.startswith(address):
            return f"{prefix}:{iri.removeprefix(address)}"
    return iri
