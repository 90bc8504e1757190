"""What must hold of a whole graph before it is published, beyond the shapes of single subjects."""

from __future__ import annotations

from typing import Final

import pyoxigraph as ox

from mathgloss.errors import CheckError

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
