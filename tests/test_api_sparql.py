"""The SPARQL protocol: how a query comes in, how its result goes out, what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import create_app
from mathgloss.config import Settings
from mathgloss.graph.sparql import GRAPH_FORMATS, RESULT_FORMATS

SELECT = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?name { <http://www.wikidata.org/entity/Q181296> skos:prefLabel ?name
FILTER(LANG(?name) = "en") }"""
CONSTRUCT = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
CONSTRUCT { <http://www.wikidata.org/entity/Q181296> skos:prefLabel ?name }
{ <http://www.wikidata.org/entity/Q181296> skos:prefLabel ?name }"""
CONCEPTS_GRAPH = "https://w3id.org/mathgloss/graph/concepts"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
JSON = "application/sparql-results+json"


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def ask(client: FlaskClient, query: str, accept: str | None = None) -> TestResponse:
    headers = {"Accept": accept} if accept is not None else {}
    return client.get("/sparql", query_string={"query": query}, headers=headers)


def names(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.text
    return [row["name"]["value"] for row in json.loads(response.data)["results"]["bindings"]]


def problem(response: TestResponse, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    return str(json.loads(response.data)["detail"])


# --------------------------------------------------------------------------------------- operations


def test_query_by_get(client: FlaskClient) -> None:
    assert names(ask(client, SELECT)) == ["abelian group"]


def test_query_by_form(client: FlaskClient) -> None:
    assert names(client.post("/sparql", data={"query": SELECT})) == ["abelian group"]


@pytest.mark.parametrize("content_type", [QUERY, f"{QUERY}; charset=UTF-8"])
def test_query_as_body(client: FlaskClient, content_type: str) -> None:
    response = client.post("/sparql", data=SELECT.encode(), content_type=content_type)
    assert names(response) == ["abelian group"]


def test_query_in_any_script(client: FlaskClient) -> None:
    query = 'ASK { ?s ?p "アーベル群"@ja }'
    assert json.loads(ask(client, query).data) == {"head": {}, "boolean": True}


@pytest.mark.parametrize("method", ["get", "form", "direct"])
@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ([("default-graph-uri", CONCEPTS_GRAPH)], True),
        ([("default-graph-uri", "http://example.org/none")], False),
        ([("named-graph-uri", CONCEPTS_GRAPH)], False),
    ],
)
def test_dataset_is_what_the_request_names(
    client: FlaskClient, method: str, parameters: list[tuple[str, str]], found: bool
) -> None:
    if method == "get":
        response = client.get(f"/sparql?{urlencode([('query', SELECT), *parameters])}")
    elif method == "form":
        body = urlencode([("query", SELECT), *parameters])
        response = client.post("/sparql", data=body, content_type=FORM)
    else:
        address = f"/sparql?{urlencode(parameters)}"
        response = client.post(address, data=SELECT, content_type=QUERY)
    assert bool(names(response)) is found


def test_named_graph_is_reached_by_graph(client: FlaskClient) -> None:
    query = SELECT.replace("{ <", "{ GRAPH ?g { <", 1).replace("?name\nFILTER", "?name }\nFILTER")
    response = client.get(
        "/sparql", query_string={"query": query, "named-graph-uri": CONCEPTS_GRAPH}
    )
    assert names(response) == ["abelian group"]


# ------------------------------------------------------------------------------------------ formats


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/*", "text/csv"),
        ("application/json", "application/json"),
        ("application/xml", "application/xml"),
        ("text/csv;q=0.5, text/tab-separated-values", "text/tab-separated-values"),
        ("text/csv;q=0.5, */*;q=0.1", "text/csv"),
        (f"{JSON};q=0, */*", "application/sparql-results+xml"),
        ("text/turtle, text/csv;q=0.1", "text/csv"),
        ("text/html;q=0.1, text/csv", "text/csv"),
        *((media_type, media_type) for media_type in RESULT_FORMATS),
    ],
)
def test_rows_come_in_the_format_liked_best(
    client: FlaskClient, accept: str | None, given: str
) -> None:
    response = ask(client, SELECT, accept)
    assert (response.status_code, response.mimetype) == (200, given)
    assert "abelian group" in response.text
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (None, "text/turtle"),
        ("*/*", "text/turtle"),
        ("application/json", "application/json"),
        ("application/rdf+xml;q=0.9, text/turtle;q=0.3", "application/rdf+xml"),
        *((media_type, media_type) for media_type in GRAPH_FORMATS),
    ],
)
def test_triples_come_in_the_format_liked_best(
    client: FlaskClient, accept: str | None, given: str
) -> None:
    response = ask(client, CONSTRUCT, accept)
    assert (response.status_code, response.mimetype) == (200, given)
    assert "abelian group" in response.text


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        (SELECT, "image/png"),
        (SELECT, "text/turtle"),
        (CONSTRUCT, "text/csv"),
        (SELECT, "*/*;q=0"),
    ],
)
def test_format_that_is_not_offered_is_406(client: FlaskClient, query: str, accept: str) -> None:
    assert "expected one of" in problem(ask(client, query, accept), 406)


def test_large_result_is_gzipped_where_accepted(client: FlaskClient) -> None:
    query = "SELECT * { ?s ?p ?o } LIMIT 200"
    response = client.get(
        "/sparql", query_string={"query": query}, headers={"Accept-Encoding": "gzip"}
    )
    assert len(json.loads(gzip.decompress(response.data))["results"]["bindings"]) == 200


# ------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT ?x", "not well-formed"),
        ("", "not well-formed"),
        ("\x00", "not well-formed"),
        ("INSERT DATA { <a:a> <a:b> <a:c> }", "updates are refused"),
        ("LOAD <http://example.org/>", "updates are refused"),
        ("SELECT * { SERVICE <http://example.org/> { ?s ?p ?o } }", "SERVICE is refused"),
        ("SELECT * { \\u0053ERVICE <http://example.org/> { ?s ?p ?o } }", "SERVICE is refused"),
        ("SELECT * FROM <not an iri> { ?s ?p ?o }", "not well-formed"),
    ],
)
def test_bad_query_is_400(client: FlaskClient, query: str, said: str) -> None:
    assert said in problem(client.post("/sparql", data={"query": query}), 400)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "query=ASK{}&query=ASK{}",
        "update=CLEAR%20ALL",
        "query=ASK{}&update=CLEAR%20ALL",
        "query=%ff",
        "query=ASK{}&default-graph-uri=not%20an%20iri",
        "&".join(["query=ASK{}", *["x=1"] * 400]),
    ],
)
def test_bad_parameters_are_400(client: FlaskClient, encoded: str) -> None:
    assert problem(client.get(f"/sparql?{encoded}"), 400)
    assert problem(client.post("/sparql", data=encoded, content_type=FORM), 400)


def test_query_that_is_not_utf8_is_400(client: FlaskClient) -> None:
    body = SELECT.encode("utf-16")
    assert "expected UTF-8" in problem(client.post("/sparql", data=body, content_type=QUERY), 400)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/json",
        "application/sparql-update",
        "multipart/form-data; boundary=x",
        f"{QUERY}; charset=utf-16",
        None,
    ],
)
def test_body_of_another_type_is_415(client: FlaskClient, content_type: str | None) -> None:
    detail = problem(client.post("/sparql", data=b"ASK {}", content_type=content_type), 415)
    assert QUERY in detail


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(client: FlaskClient, method: str) -> None:
    response = client.open("/sparql", method=method)
    problem(response, 405)
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


# ------------------------------------------------------------------------------------- in a browser

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_browser_gets_a_form_and_a_table(client: FlaskClient) -> None:
    form = client.get("/sparql", headers={"Accept": BROWSER})
    assert (form.status_code, form.mimetype) == (200, "text/html")
    table = ask(client, SELECT, BROWSER)
    assert "<td>abelian group" in table.text


def test_browser_is_told_what_is_wrong_and_keeps_the_query(client: FlaskClient) -> None:
    page = ask(client, "SELECT <script>alert(1)</script>", BROWSER)
    assert page.status_code == 400
    assert "not well-formed" in page.text
    assert "<script>alert" not in page.text
    assert "SELECT &lt;script&gt;" in page.text
