"""SPARQL over a snapshot: queries are answered, everything else is refused in words."""

from __future__ import annotations

import json

import pytest

from mathgloss.answers.service import Answers
from mathgloss.errors import QueryError
from mathgloss.graph.sparql import refuse_unsafe, run_query

NAME = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?name WHERE { <http://www.wikidata.org/entity/Q181296> skos:prefLabel ?name }"""


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * WHERE { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { service silent ?x { ?s ?p ?o } }",
        "SELECT * { SERVIC\\u0045 <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "# harmless\nPREFIX a: <b>\nINSERT DATA { <a> <b> <c> }",
        'SELECT * { FILTER("\\u0022"="") SERVICE <http://127.0.0.1:9/x> {?s ?p ?o} } # """',
        "SELECT * { ?s ?p 1SERVICE<http://127.0.0.1:9/>{?a ?b ?c} }",
        "SELECT * { <http://a/\\u0041#> ?p ?o . SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { { SELECT * { OPTIONAL { SERVICE SILENT <http://127.0.0.1:9/> {} } } } }",
        "LOAD <http://127.0.0.1:9/>",
        "DELETE WHERE { ?s ?p ?o }",
        "CLEAR ALL",
        "WITH <g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
    ],
)
def test_updates_and_federation_are_refused(query: str) -> None:
    with pytest.raises(QueryError, match="refused"):
        refuse_unsafe(query)


@pytest.mark.parametrize(
    "query",
    [
        'SELECT * { ?s ?p "SERVICE" }',
        "SELECT ?service { ?service ?p ?o } # SERVICE",
        "SELECT * { ?s <http://example.org/SERVICE> ?o }",
        "PREFIX service: <http://example.org/> SELECT * { ?s service:SERVICE ?o }",
        "SELECT * { ?s ?p '''it's\nSERVICE''' }",
        "ASK { ?load ?insert ?delete }",
    ],
)
def test_words_that_only_look_like_keywords_are_allowed(query: str) -> None:
    refuse_unsafe(query)


def test_rows_in_each_format(answers: Answers) -> None:
    body = run_query(answers.snapshot, NAME).body
    names = [row["name"]["value"] for row in json.loads(body)["results"]["bindings"]]
    assert "abelian group" in names
    for media_type in ("application/sparql-results+xml", "text/csv", "text/tab-separated-values"):
        result = run_query(answers.snapshot, NAME, results=media_type)
        assert result.media_type == media_type
        assert b"abelian group" in result.body


def test_triples_in_each_format(answers: Answers) -> None:
    query = "CONSTRUCT WHERE { <http://www.wikidata.org/entity/Q181296> ?p ?o }"
    for media_type in (
        "text/turtle",
        "application/n-triples",
        "application/rdf+xml",
        "application/ld+json",
    ):
        assert b"Q181296" in run_query(answers.snapshot, query, graph=media_type).body


def test_default_graph_is_the_union_unless_named(answers: Answers) -> None:
    ask = "ASK { <http://www.wikidata.org/entity/Q181296> ?p ?o }"
    assert b"true" in run_query(answers.snapshot, ask).body
    concepts = "https://w3id.org/mathgloss/graph/concepts"
    assert b"true" in run_query(answers.snapshot, ask, default_graphs=[concepts]).body
    empty = "https://w3id.org/mathgloss/graph/none"
    assert b"false" in run_query(answers.snapshot, ask, default_graphs=[empty]).body


@pytest.mark.parametrize("query", ["", "SELEC * {}", "SELECT ?x WHERE {", "\x00"])
def test_a_malformed_query_says_so(answers: Answers, query: str) -> None:
    with pytest.raises(QueryError, match="not well-formed"):
        run_query(answers.snapshot, query)


def test_a_very_long_query_is_refused(answers: Answers) -> None:
    with pytest.raises(QueryError, match="at most 100000 characters"):
        run_query(answers.snapshot, "# " + "x" * 100_000)
