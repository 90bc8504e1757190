"""The SPARQL protocol: how a query comes in, how its result goes out, what is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest
import SPARQLWrapper
from flask.testing import FlaskClient
from rdflib import RDF, SKOS, Graph, Literal, Namespace, URIRef, Variable
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from werkzeug.test import TestResponse

from api import create_app
from mathgloss.answers.service import Answers
from mathgloss.config import QueryLimits, Settings
from mathgloss.graph import query_pool
from mathgloss.graph.sparql import GRAPH_FORMATS, RESULT_FORMATS
from tests.live import live

SELECT = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?name { <http://www.wikidata.org/entity/Q181296> skos:prefLabel ?name
FILTER(LANG(?name) = "en") }"""
CONSTRUCT = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
CONSTRUCT { <http://www.wikidata.org/entity/Q181296> skos:prefLabel ?name }
{ <http://www.wikidata.org/entity/Q181296> skos:prefLabel ?name }"""
RUNAWAY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
MANY_ROWS = "SELECT * { ?a ?b ?c . ?d ?e ?f }"
GREEDY = "SELECT DISTINCT ?a ?c ?d ?f ?g { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } LIMIT 9999999"
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
CONCEPTS_GRAPH = "https://w3id.org/mathgloss/graph/concepts"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
JSON = "application/sparql-results+json"

# SPARQLWrapper and rdflib's reader of JSON-LD use what rdflib calls deprecated
OLD_WAYS = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")


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


def test_form_without_a_query_is_400(client: FlaskClient) -> None:
    response = client.post("/sparql", data="", content_type=FORM)
    assert "expected exactly one, got 0" in problem(response, 400)


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


# ------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("query", "limits", "status", "said"),
    [
        (RUNAWAY, {"seconds": 0.3}, 504, "after 0.3 s, its time limit"),
        (MANY_ROWS, {"seconds": 60, "result_mb": 1}, 422, "at most 1 MB"),
        (GREEDY, {"seconds": 60, "memory_mb": 64}, 422, "more than the 64 MB"),
    ],
)
def test_query_past_its_limits_says_which(
    home: Path, query: str, limits: dict[str, float], status: int, said: str
) -> None:
    client = create_app(Settings(home=home, query=QueryLimits(**limits))).test_client()
    assert said in problem(ask(client, query), status)
    assert names(ask(client, SELECT)) == ["abelian group"]


def test_too_many_long_queries_are_told_when_to_come_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_pool, "LONG_S", 0.1)
    app = create_app(Settings(home=home, query=QueryLimits(seconds=1.5, long=1)))
    with ThreadPoolExecutor() as threads:
        responses = list(threads.map(lambda _: ask(app.test_client(), RUNAWAY), range(2)))
    assert sorted(response.status_code for response in responses) == [503, 504]
    for response in responses:
        assert ("Retry-After" in response.headers) == (response.status_code == 503)


# --------------------------------------------------------------------------- validators and headers


def test_client_that_has_the_result_is_told_so(client: FlaskClient) -> None:
    first = ask(client, SELECT)
    tag = first.headers["ETag"]
    assert tag.startswith("W/")
    assert first.headers["Cache-Control"] == "public, no-cache"
    parameters = {"query": SELECT}
    again = client.get("/sparql", query_string=parameters, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    headers = {"If-None-Match": tag, "Accept": "text/csv"}
    assert client.get("/sparql", query_string=parameters, headers=headers).status_code == 200
    other = ask(client, SELECT.replace("name", "label"))
    assert other.headers["ETag"] != tag


def test_result_that_changes_by_itself_has_no_validator(client: FlaskClient) -> None:
    assert "ETag" not in ask(client, "SELECT (NOW() AS ?now) {}").headers
    assert "ETag" not in ask(client, "SELECT (rand() AS ?x) {}").headers
    assert "ETag" not in client.post("/sparql", data={"query": SELECT}).headers


def test_any_validator_does_not_make_a_bad_query_good(client: FlaskClient) -> None:
    headers = {"If-None-Match": "*"}
    response = client.get("/sparql", query_string={"query": "SELEC"}, headers=headers)
    problem(response, 400)


def test_every_answer_names_its_snapshot(client: FlaskClient, answers: Answers) -> None:
    responses = [
        ask(client, SELECT),
        client.post("/sparql", data={"query": CONSTRUCT}),
        client.get("/sparql"),
        client.get("/sparql", headers={"Accept": "text/html"}),
    ]
    for response in responses:
        assert response.headers["MathGloss-Snapshot"] == answers.snapshot.id
        assert "MathGloss-Snapshot" in response.headers["Access-Control-Expose-Headers"]


def test_head_is_get_without_the_body(client: FlaskClient) -> None:
    get = ask(client, SELECT)
    head = client.head("/sparql", query_string={"query": SELECT})
    assert (head.status_code, head.data) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag"):
        assert head.headers[name] == get.headers[name]


def test_options_allow_other_sites(client: FlaskClient) -> None:
    response = client.options("/sparql")
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]


def test_preflight_needs_no_snapshot(tmp_path: Path) -> None:
    client = create_app(Settings(home=tmp_path)).test_client()
    assert client.options("/sparql").status_code == 200
    problem(client.get("/sparql"), 503)


# ------------------------------------------------------------------------------ service description


@OLD_WAYS
@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (None, "text/turtle"),
        ("*/*", "text/turtle"),
        ("application/json", "application/json"),
        *((media_type, media_type) for media_type in GRAPH_FORMATS),
    ],
)
def test_endpoint_describes_itself(client: FlaskClient, accept: str | None, given: str) -> None:
    """The three tests of the W3C's suite: it returns RDF, names itself, and fits the schema."""
    response = client.get("/sparql", headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.mimetype) == (200, given)
    syntax = "application/ld+json" if given == "application/json" else given
    graph = Graph().parse(response.data, format=syntax)
    [service] = graph.subjects(RDF.type, SD.Service)
    assert list(graph.objects(service, SD.endpoint)) == [URIRef("http://localhost/sparql")]
    assert SD.SPARQL11Query in graph.objects(service, SD.supportedLanguage)
    assert len(set(graph.objects(service, SD.resultFormat))) == 8
    [dataset] = graph.objects(service, SD.defaultDataset)
    assert (dataset, RDF.type, SD.Dataset) in graph
    assert SD.BasicFederatedQuery not in graph.objects(service, SD.feature)
    defined = {SD[name] for name in ("endpoint", "resultFormat", "feature", "supportedLanguage")}
    assert all(isinstance(value, URIRef) for word in defined for value in graph.objects(None, word))


@pytest.mark.parametrize("host", ['a"b', "a b", "<script>", "a\\b", ""])
def test_endpoint_of_a_strange_name_is_no_fault_of_ours(client: FlaskClient, host: str) -> None:
    assert client.get("/sparql", headers={"Host": host}).status_code in {200, 400}


@pytest.mark.parametrize("accept", ["image/png", "text/csv"])
def test_description_in_no_format_of_rdf_is_406(client: FlaskClient, accept: str) -> None:
    problem(client.get("/sparql", headers={"Accept": accept}), 406)


def test_update_by_get_is_refused(client: FlaskClient) -> None:
    assert "updates are refused" in problem(client.get("/sparql?update=CLEAR%20ALL"), 400)


# ------------------------------------------------------------------------- clients that people have


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    with live(create_app(Settings(home=home))) as address:
        yield f"{address}/sparql"


@OLD_WAYS
@pytest.mark.parametrize("method", [SPARQLWrapper.GET, SPARQLWrapper.POST])
@pytest.mark.parametrize("way", [SPARQLWrapper.URLENCODED, SPARQLWrapper.POSTDIRECTLY])
def test_sparqlwrapper(address: str, method: str, way: str) -> None:
    if (method, way) == (SPARQLWrapper.GET, SPARQLWrapper.POSTDIRECTLY):
        pytest.skip("there is no body to a GET")
    client = SPARQLWrapper.SPARQLWrapper(address)
    client.setMethod(method)
    client.setRequestMethod(way)
    client.setQuery(SELECT)
    for kind in (SPARQLWrapper.JSON, SPARQLWrapper.XML, SPARQLWrapper.CSV, SPARQLWrapper.TSV):
        client.setReturnFormat(kind)
        with closing(client.query().response) as response:
            assert b"abelian group" in response.read()
    client.setReturnFormat(SPARQLWrapper.JSON)
    client.addDefaultGraph("http://example.org/none")
    answer = client.queryAndConvert()
    assert isinstance(answer, dict)
    assert answer["results"]["bindings"] == []
    client.setQuery(CONSTRUCT)
    client.clearParameter("default-graph-uri")
    for kind in (SPARQLWrapper.TURTLE, SPARQLWrapper.RDFXML, SPARQLWrapper.JSONLD):
        client.setReturnFormat(kind)
        assert client.queryAndConvert()


def test_sparqlwrapper_is_told_what_is_wrong(address: str) -> None:
    client = SPARQLWrapper.SPARQLWrapper(address, returnFormat=SPARQLWrapper.JSON)
    client.setQuery("SELECT ?x")
    with pytest.raises(SPARQLWrapper.SPARQLExceptions.QueryBadFormed, match="not well-formed"):
        client.query()


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
@pytest.mark.parametrize("kind", ["xml", "json", "csv", "tsv"])
def test_remote_store_of_rdflib(address: str, method: str, kind: str) -> None:
    store = SPARQLStore(address, method=method, returnFormat=kind, context_aware=False)
    graph = Graph(store)
    item = URIRef("http://www.wikidata.org/entity/Q181296")
    assert [str(row[Variable("name")]) for row in graph.query(SELECT).bindings] == ["abelian group"]
    if kind in {"xml", "json"}:  # csv and tsv of rdflib cannot tell terms apart in triples
        assert Literal("abelian group", "en") in graph.objects(item, SKOS.prefLabel)
        assert (item, RDF.type, SKOS.Concept) in graph
        assert graph.query("ASK { ?s ?p ?o }").askAnswer


# ------------------------------------------------------------------------------------- in a browser

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_browser_gets_a_form_and_a_table(client: FlaskClient) -> None:
    form = client.get("/sparql", headers={"Accept": BROWSER})
    assert (form.status_code, form.mimetype) == (200, "text/html")
    table = ask(client, SELECT, BROWSER)
    assert ">abelian group</span>" in table.text


def test_browser_is_told_what_is_wrong_and_keeps_the_query(client: FlaskClient) -> None:
    page = ask(client, "SELECT <script>alert(1)</script>", BROWSER)
    assert page.status_code == 400
    assert "not well-formed" in page.text
    assert "<script>alert" not in page.text
    assert "SELECT &lt;script&gt;" in page.text
