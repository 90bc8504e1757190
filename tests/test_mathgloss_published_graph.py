"""The published graph as a whole: SHACL, the integrity conditions of SKOS, what VoID says of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import networkx as nx
import pyoxigraph as ox
import pytest
from rdflib import Graph

from mathgloss import ids, vocab
from mathgloss.answers.service import Answers
from mathgloss.graph.shapes import SHAPES

VALIDATED = 60_000
PREFIXES = "".join(f"PREFIX {name}: <{address}>\n" for name, address in vocab.NAMESPACES.items())
CONCEPTS = f"GRAPH <{vocab.GRAPH}concepts>"
DATASET = ids.BASE + "dataset"


def rows(answers: Answers, query: str) -> list[Any]:
    """Rows of a query over the union of all graphs."""
    found = answers.snapshot.store.query(PREFIXES + query, use_default_graph_as_union=True)
    assert isinstance(found, ox.QuerySolutions)
    return list(found)


def as_graph(triples: Iterable[ox.Triple]) -> Graph:
    """The same triples for rdflib."""
    text = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    return Graph().parse(data=text or b"", format="nt")


# ------------------------------------------------------------------------------------------ SHACL


@pytest.fixture(scope="module")
def published(answers: Answers) -> Graph:
    """All triples of all graphs as one, as who loads the dump into one graph has them."""
    triples = {quad.triple for quad in answers.snapshot.store}
    assert len(triples) < VALIDATED
    return as_graph(triples)


def violations(graph: Graph) -> str:
    """pySHACL's report; empty where the graph conforms."""
    from pyshacl import validate

    shapes = Graph().parse(SHAPES, format="turtle")
    conforms, _, report = validate(graph, shacl_graph=shapes, inference="none", meta_shacl=True)
    return "" if conforms else str(report)


def test_all_graphs_together_conform_to_the_shapes(published: Graph) -> None:
    assert violations(published) == ""


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("<wd:1> a skos:Concept ; dcterms:identifier 'wd:1'", "a concept has a name"),
        (
            "<wd:1> a skos:Concept ; dcterms:identifier 'wd:1' ; skos:prefLabel 'a'@en, 'b'@en",
            "one preferred name in a language",
        ),
        ("<m:1> a owl:Axiom", "a mapping has evidence"),
        ("<p:1> a schema:ScholarlyArticle ; dcterms:identifier 'p:1'", "dcterms:title"),
        ("<m:1> a mg:Mention ; mg:start -1", "mg:start"),
    ],
)
def test_a_graph_that_breaks_a_shape_does_not_conform(broken: str, said: str) -> None:
    assert said in violations(Graph().parse(data=f"{PREFIXES}{broken} .", format="turtle"))


# ------------------------------------------------------------------------------------------- SKOS

# condition of the SKOS Reference (its number), or of our own -> rows that would break it
CONDITIONS = {
    "S9: a scheme is no concept": "?x a skos:Concept, skos:ConceptScheme",
    "S13: a preferred name is no alternative one": f"""
        {CONCEPTS} {{ ?x skos:prefLabel ?name ; skos:altLabel ?name }}""",
    "S14: one preferred name in a language": f"""
        {CONCEPTS} {{ ?x skos:prefLabel ?a, ?b }}
        FILTER(?a != ?b && LANG(?a) = LANG(?b))""",
    "S27: what is related is not broader": "?x skos:related ?y . ?x skos:broader+ ?y",
    "S46: an exact match is no broader one": "?x skos:exactMatch ?y ; skos:broadMatch ?y",
    "an exact match is no close one": "?x skos:exactMatch ?y ; skos:closeMatch ?y",
    "names have words": "?x skos:prefLabel|skos:altLabel ?name FILTER(STRLEN(?name) = 0)",
    "names have a language": f"""
        {CONCEPTS} {{ ?x skos:prefLabel|skos:altLabel ?name }} FILTER(LANG(?name) = "")""",
    "every concept is in the scheme": f"""
        ?x a skos:Concept FILTER NOT EXISTS {{ ?x skos:inScheme <{ids.BASE}concepts> }}""",
    "nothing is broader than itself": "?x skos:broader ?x",
    "no concept means another": "?x a skos:Concept ; skos:exactMatch ?y . ?y a skos:Concept",
    "what is rejected is no match": """
        ?row mg:mappingSet "rejected" ; owl:annotatedSource ?x ; owl:annotatedTarget ?y .
        ?x skos:exactMatch ?y""",
    "a mention lies in its order": "?x mg:start ?start ; mg:end ?end FILTER(?start >= ?end)",
    "evidence has a source": """
        ?row mg:evidence ?x FILTER NOT EXISTS { ?x mg:source ?source }""",
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_integrity(answers: Answers, condition: str) -> None:
    assert rows(answers, f"SELECT DISTINCT ?x {{ {CONDITIONS[condition]} }} LIMIT 5") == []


def test_broader_has_no_cycle_that_a_source_does_not_state(answers: Answers) -> None:
    """Sources may go round in circles; what we add to them (matches) may not close one."""
    own = nx.DiGraph(
        _pairs(rows(answers, f"SELECT ?a ?b {{ {CONCEPTS} {{ ?a skos:broader ?b }} }}"))
    )
    matched = rows(answers, "SELECT ?a ?b { ?a a skos:Concept ; skos:broadMatch ?b }")
    assert matched
    assert own.number_of_edges() > 400
    # the small world's sources state none
    assert _cycles(own) == []
    own.add_edges_from(_pairs(matched))
    assert _cycles(own) == []


def _pairs(found: list[Any]) -> list[tuple[str, str]]:
    return [(row["a"].value, row["b"].value) for row in found]


def _cycles(graph: nx.DiGraph[str]) -> list[set[str]]:
    return [part for part in nx.strongly_connected_components(graph) if len(part) > 1]


def test_every_graph_says_whose_it_is_and_under_which_licence(answers: Answers) -> None:
    described = as_graph(answers.description("https://example.org/"))
    held = {str(name) for name in answers.snapshot.store.named_graphs()}
    query = (
        PREFIXES + "SELECT ?g { ?g a void:Dataset ; dcterms:license ?licence ; dcterms:title ?t }"
    )
    licensed = {f"<{row[0]}>" for row in described.query(query)}  # type: ignore[index]
    # an empty graph is stated, and not held
    assert held <= licensed


# ------------------------------------------------------------------------------------------- VoID


def count(answers: Answers, pattern: str, what: str = "*") -> int:
    """How many there are, asked over SPARQL."""
    return int(rows(answers, f"SELECT (COUNT({what}) AS ?n) {{ {pattern} }}")[0]["n"].value)


@pytest.fixture(scope="module")
def void(answers: Answers) -> Graph:
    """The description of the dataset as a client reads it."""
    return as_graph(answers.description("https://example.org/"))


def stated(void: Graph, query: str) -> dict[str, int]:
    """Number by IRI, from the description."""
    return {str(row[0]): int(row[1]) for row in void.query(PREFIXES + query)}  # type: ignore[index,arg-type]


def test_sizes_are_as_stated(answers: Answers, void: Graph) -> None:
    said = stated(void, f"SELECT ?p ?n {{ <{DATASET}> ?p ?n FILTER(ISNUMERIC(?n)) }}")
    things = "?s a ?kind FILTER(?kind IN (skos:Concept, schema:ScholarlyArticle))"
    assert {vocab.NAMESPACES["void"] + name: number for name, number in {
        "triples": count(answers, "GRAPH ?g { ?s ?p ?o }"),
        "entities": count(answers, things, "DISTINCT ?s"),
        "distinctSubjects": count(answers, "GRAPH ?g { ?s ?p ?o }", "DISTINCT ?s"),
        "classes": count(answers, "?s a ?class", "DISTINCT ?class"),
        "properties": count(answers, "?s ?p ?o", "DISTINCT ?p"),
    }.items()} == said  # fmt: skip


def test_each_graph_has_as_many_triples_as_stated(answers: Answers, void: Graph) -> None:
    said = stated(void, f"SELECT ?g ?n {{ <{DATASET}> void:subset ?g . ?g void:triples ?n }}")
    counted = {
        row["g"].value: int(row["n"].value)
        for row in rows(answers, "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    }
    assert {graph: number for graph, number in said.items() if number} == counted


@pytest.mark.parametrize(
    ("part", "number", "query"),
    [
        ("class", "entities", "SELECT ?x (COUNT(DISTINCT ?s) AS ?n) { ?s a ?x } GROUP BY ?x"),
        ("property", "triples", "SELECT ?x (COUNT(*) AS ?n) { GRAPH ?g { ?s ?x ?o } } GROUP BY ?x"),
    ],
)
def test_partitions_are_as_stated(
    answers: Answers, void: Graph, part: str, number: str, query: str
) -> None:
    said = stated(
        void,
        f"SELECT ?x ?n {{ <{DATASET}> void:{part}Partition ?part . "
        f"?part void:{part} ?x ; void:{number} ?n }}",
    )
    assert said == {row["x"].value: int(row["n"].value) for row in rows(answers, query)}
