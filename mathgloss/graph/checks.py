"""What must hold before a snapshot is published: SHACL shapes, and queries over the whole graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from mathgloss.errors import CheckError

if TYPE_CHECKING:
    from rdflib import Graph

SHAPES: Final = Path(__file__).with_name("shapes.ttl")
# pySHACL needs rdflib graphs, which are large; a shape looks at one subject only, so the triples
# are validated some thousand subjects at a time
_CHUNK_TRIPLES: Final = 40_000
_SHOWN: Final = 20

# name of the check -> query whose rows are violations
GRAPH_CHECKS: Final = {
    "two preferred names in one language": """
        SELECT ?concept ?lang WHERE {
          GRAPH mgg:concepts { ?concept skos:prefLabel ?label } }
        GROUP BY ?concept (LANG(?label) AS ?lang) HAVING (COUNT(*) > 1)""",
    "relation to something that is no concept": """
        SELECT ?concept ?other WHERE {
          GRAPH mgg:concepts { ?concept ?relation ?other . FILTER(ISIRI(?other)) }
          FILTER(?relation NOT IN (rdf:type, skos:inScheme))
          FILTER NOT EXISTS { GRAPH mgg:concepts { ?other a skos:Concept } } }""",
    "accepted mapping to something that is no concept": """
        SELECT ?term ?concept WHERE {
          VALUES ?graph { <https://w3id.org/mathgloss/graph/mappings/curated>
                          <https://w3id.org/mathgloss/graph/mappings/predicted> }
          GRAPH ?graph { ?term skos:exactMatch ?concept }
          FILTER NOT EXISTS { GRAPH mgg:concepts { ?concept a skos:Concept } } }""",
    "term mapped exactly to two concepts": """
        SELECT ?term (COUNT(DISTINCT ?concept) AS ?concepts) WHERE {
          GRAPH ?graph { ?term skos:exactMatch ?concept } }
        GROUP BY ?term HAVING (COUNT(DISTINCT ?concept) > 1)""",
    "mention of something that is no concept": """
        SELECT ?mention ?concept WHERE {
          GRAPH ?graph { ?mention mg:concept ?concept }
          FILTER NOT EXISTS { GRAPH mgg:concepts { ?concept a skos:Concept } } }""",
}
_PREFIXES: Final = """
PREFIX mg: <https://w3id.org/mathgloss/vocab#>
PREFIX mgg: <https://w3id.org/mathgloss/graph/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""


@lru_cache(maxsize=1)
def _shapes() -> Graph:
    from rdflib import Graph as RdflibGraph  # slow to import, seldom needed

    return RdflibGraph().parse(SHAPES, format="turtle")


@lru_cache(maxsize=1)
def _constrained() -> frozenset[str]:
    """IRIs of the predicates that the shapes speak of; no shape is closed, so the rest is free."""
    from rdflib import RDF, SH

    return frozenset(str(path) for path in _shapes().objects(None, SH.path)) | {str(RDF.type)}


def checked_chunks(graph: str, triples: Iterable[ox.Triple]) -> Iterator[list[ox.Triple]]:
    """The triples of one named graph, grouped by subject, in chunks that satisfy the shapes.

    Raises:
        CheckError: a shape is violated; the first violations are named.
    """
    for chunk in _chunks(triples):
        _check_shapes(graph, chunk)
        yield chunk


def _check_shapes(graph: str, chunk: list[ox.Triple]) -> None:
    from pyshacl import validate  # slow to import, needed only for new graphs
    from rdflib import Graph as RdflibGraph

    constrained = _constrained()
    data = RdflibGraph()
    text = ox.serialize(
        (triple for triple in chunk if triple.predicate.value in constrained),
        format=ox.RdfFormat.N_TRIPLES,
    )
    data.parse(data=text or b"", format="nt")
    conforms, _, report = validate(data, shacl_graph=_shapes(), inference="none")
    if not conforms:
        lines = [line.strip() for line in report.splitlines() if "Message:" in line]
        nodes = [line.strip() for line in report.splitlines() if "Focus Node:" in line]
        found = [f"{graph}: {a} {b}" for a, b in zip(nodes, lines, strict=False)]
        raise CheckError(found[:_SHOWN] or [f"{graph}: {report[:500]}"])


def _chunks(triples: Iterable[ox.Triple]) -> Iterator[list[ox.Triple]]:
    """Runs of whole subjects of about ``_CHUNK_TRIPLES`` triples."""
    chunk: list[ox.Triple] = []
    for triple in triples:
        if len(chunk) >= _CHUNK_TRIPLES and triple.subject != chunk[-1].subject:
            yield chunk
            chunk = []
        chunk.append(triple)
    if chunk:
        yield chunk


def check_graph(store: ox.Store) -> None:
    """Run the checks that need the whole graph.

    Raises:
        CheckError: some query has rows; each is named with its first rows.
    """
    violations = []
    for name, query in GRAPH_CHECKS.items():
        rows = list(store.query(_PREFIXES + query))  # type: ignore[arg-type]
        violations += [f"{name}: {' '.join(str(value) for value in row)}" for row in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            violations.append(f"{name}: {len(rows) - _SHOWN} more")
    if violations:
        raise CheckError(violations)
