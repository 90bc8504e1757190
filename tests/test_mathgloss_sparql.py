"""SPARQL over a snapshot: queries are answered, everything else is refused in words."""

from __future__ import annotations

import json
import socket

import pytest

from mathgloss.answers.service import Answers
from mathgloss.errors import QueryError
from mathgloss.graph.query_guard import names_dataset, refuse_unsafe
from mathgloss.graph.sparql import GRAPH_FORMATS, RESULT_FORMATS, Query

CONCEPTS = "https://w3id.org/mathgloss/graph/concepts"
NOTHING = "https://w3id.org/mathgloss/graph/none"
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


def test_text_that_would_take_for_ever_to_read_is_refused_at_once() -> None:
    refuse_unsafe('ASK { ?s ?p "' + '\\"' * 45_000)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT * FROM <http://example.org/> { ?s ?p ?o }", True),
        ("SELECT * from named <http://example.org/> { ?s ?p ?o }", True),
        ("PREFIX a: <b> SELECT * # it's\nFROM a:b { ?s ?p ?o }", True),
        ("SELECT ?from { ?from ?p 'FROM' }", False),
        ("SELECT * { ?s <http://example.org/FROM> ?o } # FROM", False),
        ("PREFIX from: <b> ASK { from:from\\'s ?p ?o }", False),
    ],
)
def test_dataset_of_the_query_itself_is_seen(query: str, named: bool) -> None:
    assert names_dataset(query) is named


def test_rows_in_each_format(answers: Answers) -> None:
    body = answers.query(Query(text=NAME)).body
    names = [row["name"]["value"] for row in json.loads(body)["results"]["bindings"]]
    assert "abelian group" in names
    for media_type in RESULT_FORMATS:
        result = answers.query(Query(text=NAME, results=media_type))
        assert result.media_type == media_type
        assert b"abelian group" in result.body


def test_triples_in_each_format(answers: Answers) -> None:
    text = "CONSTRUCT WHERE { <http://www.wikidata.org/entity/Q181296> ?p ?o }"
    for media_type in GRAPH_FORMATS:
        result = answers.query(Query(text=text, graph=media_type))
        assert result.media_type == media_type
        assert b"Q181296" in result.body


@pytest.mark.parametrize(
    ("default_graphs", "named_graphs", "default", "named"),
    [
        (None, None, True, True),
        ([CONCEPTS], [], True, False),
        ([NOTHING], [CONCEPTS], False, True),
        ([], [CONCEPTS], False, True),
    ],
)
def test_dataset_is_all_graphs_unless_named(
    answers: Answers,
    default_graphs: list[str] | None,
    named_graphs: list[str] | None,
    default: bool,
    named: bool,
) -> None:
    item = "<http://www.wikidata.org/entity/Q181296> ?p ?o"
    for text, found in (
        (f"ASK {{ {item} }}", default),
        (f"ASK {{ GRAPH ?g {{ {item} }} }}", named),
    ):
        query = Query(text=text, default_graphs=default_graphs, named_graphs=named_graphs)
        assert json.loads(answers.query(query).body)["boolean"] is found


@pytest.mark.parametrize(("graph", "found"), [(CONCEPTS, True), (NOTHING, False)])
def test_dataset_may_be_named_by_the_query(answers: Answers, graph: str, found: bool) -> None:
    text = f"ASK FROM <{graph}> {{ <http://www.wikidata.org/entity/Q181296> ?p ?o }}"
    assert json.loads(answers.query(Query(text=text)).body)["boolean"] is found


def test_relative_address_is_ours(answers: Answers) -> None:
    result = answers.query(Query(text="SELECT ?x { VALUES ?x { <graph/concepts> } }"))
    assert CONCEPTS.encode() in result.body


@pytest.mark.parametrize("text", ["", "SELEC * {}", "SELECT ?x WHERE {", "\x00"])
def test_a_malformed_query_says_so(answers: Answers, text: str) -> None:
    with pytest.raises(QueryError, match="not well-formed"):
        answers.query(Query(text=text))


def test_a_very_long_query_is_refused(answers: Answers) -> None:
    with pytest.raises(QueryError, match="at most 100000 characters"):
        answers.query(Query(text="# " + "x" * 100_000))


def test_no_query_reaches_into_the_network(answers: Answers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for attempt in (
            "SELECT * { SERVICE <%s> { ?s ?p ?o } }",
            "SELECT * { SERVIC\\u0045 SILENT <%s> { ?s ?p ?o } }",
            "SELECT * { BIND(<%s> AS ?to) SERVICE ?to { ?s ?p ?o } }",
            "LOAD <%s>",
        ):
            with pytest.raises(QueryError, match="refused"):
                answers.query(Query(text=attempt % address))
        for attempt in ("DESCRIBE <%s>", "SELECT * FROM <%s> { ?s ?p ?o }"):
            answers.query(Query(text=attempt % address))
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
