"""Linked data: pages and documents by Accept, descriptions, crawlers, dumps."""

from __future__ import annotations

import hashlib
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterable

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import create_app
from mathgloss import ids, vocab
from mathgloss.answers.service import Answers
from mathgloss.graph.stored_examples import example_queries

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
DOCUMENTS = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
}
GROUP = ox.NamedNode("http://www.wikidata.org/entity/Q83478")
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


@pytest.fixture(scope="module")
def client(answers: Answers) -> FlaskClient:
    return create_app(answers=answers).test_client()


def get(client: FlaskClient, path: str, accept: str | None = None) -> TestResponse:
    return client.get(path, headers={"Accept": accept} if accept else {})


def triples(response: TestResponse) -> set[ox.Triple]:
    assert response.status_code == 200, response.text
    parsed = ox.parse(
        io.BytesIO(response.data), format=ox.RdfFormat.from_media_type(response.mimetype or "")
    )
    return {quad.triple for quad in parsed}


def objects(graph: Iterable[ox.Triple | ox.Quad], subject: str, predicate: str) -> set[str]:
    node = ox.NamedNode(subject)
    return values((triple for triple in graph if triple.subject == node), predicate)


def values(graph: Iterable[ox.Triple | ox.Quad], predicate: str) -> set[str]:
    name = ox.NamedNode(vocab.expand(predicate))
    return {
        triple.object.value
        for triple in graph
        if triple.predicate == name and not isinstance(triple.object, ox.Triple)
    }


# ----------------------------------------------------------------------------------- negotiation


@pytest.mark.parametrize("thing", ["/concept/wd:Q83478", "/paper/tac:1-01"])
@pytest.mark.parametrize(
    ("accept", "ending"),
    [
        *((media_type, ending) for ending, media_type in DOCUMENTS.items()),
        ("text/turtle;q=0.9, text/html;q=0.5", "ttl"),
        ("application/rdf+xml;q=0.4, text/turtle;q=0.9, */*;q=0.1", "ttl"),
    ],
)
def test_who_likes_rdf_best_is_sent_to_the_document(
    client: FlaskClient, thing: str, accept: str, ending: str
) -> None:
    response = get(client, thing, accept)
    assert response.status_code == 303
    assert response.headers["Location"] == f"/data{thing}.{ending}"
    assert "Accept" in response.headers["Vary"]
    document = client.get(response.headers["Location"])
    assert (document.status_code, document.mimetype) == (200, DOCUMENTS[ending])


@pytest.mark.parametrize("thing", ["/concept/wd:Q83478", "/paper/tac:1-01"])
@pytest.mark.parametrize("accept", [None, "*/*", BROWSER, "text/html;q=0.9, text/turtle;q=0.2"])
def test_everybody_else_gets_the_page_which_names_the_documents(
    client: FlaskClient, thing: str, accept: str | None
) -> None:
    response = get(client, thing, accept)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "Accept" in response.headers["Vary"]
    assert f'<{thing}>; rel="canonical"' in response.headers["Link"]
    assert f'<link rel="canonical" href="{thing}">' in response.text
    for ending, media_type in DOCUMENTS.items():
        address = f"/data{thing}.{ending}"
        assert f'<{address}>; rel="alternate"; type="{media_type}"' in response.headers["Link"]
        assert f'<link rel="alternate" type="{media_type}" href="{address}">' in response.text


def test_one_address_after_the_other_is_never_given_the_wrong_kind(client: FlaskClient) -> None:
    for accept, status in [(BROWSER, 200), ("text/turtle", 303), (BROWSER, 200)]:
        assert get(client, "/concept/wd:Q181296", accept).status_code == status


@pytest.mark.parametrize("name", ["group", "nlab:group", "Q83478", "lean:Group"])
def test_any_form_of_the_identifier_leads_to_the_one_document(
    client: FlaskClient, name: str
) -> None:
    for path in (f"/concept/{name}", f"/data/concept/{name}.ttl"):
        response = get(client, path, "text/turtle")
        assert response.status_code == 303
        assert response.headers["Location"] == "/data/concept/wd:Q83478.ttl"


@pytest.mark.parametrize(
    "path",
    [
        "/data/concept/no such thing.ttl",
        "/data/paper/tac:none.ttl",
        "/data/paper/wd:Q83478.ttl",
        "/data/concept/wd:Q83478.exe",
        "/data/concept/../../etc/passwd.ttl",
        "/sense/nothing",
        "/query/nothing",
        "/sitemap-concept-0.xml",
        "/sitemap-concept-99.xml",
    ],
)
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


# ------------------------------------------------------------------------------------- documents


def test_all_formats_hold_the_same_triples(client: FlaskClient) -> None:
    graphs = [triples(client.get(f"/data/concept/wd:Q83478.{ending}")) for ending in DOCUMENTS]
    assert graphs[0]
    assert all(graph == graphs[0] for graph in graphs)


def test_document_of_a_concept_holds_names_relations_mappings_and_what_sources_say(
    client: FlaskClient, answers: Answers
) -> None:
    graph = triples(client.get("/data/concept/wd:Q83478.ttl"))
    card = answers.concept("wd:Q83478")
    names = {
        triple.object
        for triple in graph
        if triple.subject == GROUP
        and triple.predicate.value
        in {vocab.expand("skos:prefLabel"), vocab.expand("skos:altLabel")}
    }
    for lang, labels in card["labels"].items():
        assert {ox.Literal(label, language=lang) for label in labels} <= names
    narrower = ox.NamedNode(vocab.expand("skos:broader"))
    for item in card["narrower"]:
        child = ox.NamedNode(ids.iri(item["id"]))
        assert ox.Triple(child, narrower, GROUP) in graph or item["id"].startswith("nlab:")
    assert card["links"]
    for link in card["links"]:
        term = ox.NamedNode(ids.iri(link["id"]))
        match = ox.NamedNode(vocab.expand(link["predicate"]))
        assert ox.Triple(term, match, GROUP) in graph
    texts = {item["text"] for item in card["definitions"] if item["text"]}
    assert texts == values(graph, "skos:definition")
    source = ids.BASE + "source/core"
    assert objects(graph, source, "dcterms:license") == {"CC0-1.0"}


def test_document_of_a_paper_holds_its_mentions(client: FlaskClient, answers: Answers) -> None:
    graph = triples(client.get("/data/paper/tac:1-01.ttl"))
    paper = answers.paper("tac:1-01")
    assert objects(graph, ids.iri("tac:1-01"), "dcterms:title") == {paper["title"]}
    surfaces = [t for t in graph if t.predicate.value == vocab.expand("mg:surface")]
    assert len(surfaces) == len(paper["mentions"]) > 0


def test_document_is_known_by_its_tag(client: FlaskClient) -> None:
    first = client.get("/data/concept/wd:Q83478.ttl")
    again = client.get(
        "/data/concept/wd:Q83478.ttl", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    page = '</concept/wd:Q83478>; rel="alternate"; type="text/html"'
    assert page in first.headers["Link"]


@pytest.mark.parametrize(
    ("iri", "leads_to"),
    [
        ("/tac/1-01", "/paper/tac:1-01"),
        ("/mulima/0677022e", "/concept/wd:Q83478"),
    ],
)
def test_iris_that_we_minted_lead_to_a_page(client: FlaskClient, iri: str, leads_to: str) -> None:
    response = client.get(iri)
    assert (response.status_code, response.headers["Location"]) == (303, leads_to)


def test_vocabulary_is_served_where_its_iris_lead(client: FlaskClient) -> None:
    graph = triples(client.get("/vocab"))
    used = {name for name in answers_properties(client) if name.startswith(ids.BASE)}
    assert used
    assert {ox.NamedNode(name) for name in used} <= {triple.subject for triple in graph}


def answers_properties(client: FlaskClient) -> set[str]:
    terms = client.get("/api/v1/vocabulary").get_json()
    return {term["iri"] for term in (*terms["properties"], *terms["classes"])}


# ----------------------------------------------------------------------------------- description


@pytest.mark.parametrize(
    ("accept", "ending"), [(None, "ttl"), (BROWSER, "ttl"), ("application/ld+json", "jsonld")]
)
def test_void_is_found_at_its_well_known_address(
    client: FlaskClient, accept: str | None, ending: str
) -> None:
    known = client.get("/.well-known/void")
    assert (known.status_code, known.headers["Location"]) == (302, "/void")
    response = get(client, "/void", accept)
    assert (response.status_code, response.headers["Location"]) == (303, f"/data/void.{ending}")


def test_void_counts_what_is_there(client: FlaskClient, answers: Answers) -> None:
    graph = triples(client.get("/data/void.nt"))
    dataset = ids.BASE + "dataset"
    held = list(answers.snapshot.store)
    assert objects(graph, dataset, "void:triples") == {str(len(held))}
    properties = {quad.predicate.value for quad in held}
    assert objects(graph, dataset, "void:properties") == {str(len(properties))}
    said = values(graph, "void:property")
    assert said == properties
    types = values(held, "rdf:type")
    classes = values(graph, "void:class")
    assert classes == types
    graphs = {quad.graph_name.value for quad in held}
    assert graphs <= objects(graph, dataset, "void:subset")
    for name in graphs:
        count = sum(quad.graph_name.value == name for quad in held)
        assert objects(graph, name, "void:triples") == {str(count)}
        assert objects(graph, name, "dcterms:license")


def test_service_is_described_with_the_address_that_was_asked(client: FlaskClient) -> None:
    response = client.get("/data/void.nt", base_url="https://example.org")
    graph = triples(response)
    endpoints = values(graph, "sd:endpoint")
    assert endpoints == {"https://example.org/sparql"}
    assert "https://example.org/" not in client.get("/data/void.nt").text


def test_examples_are_described_so_that_editors_find_them(client: FlaskClient) -> None:
    graph = triples(client.get("/data/void.ttl"))
    described = values(graph, "sh:select")
    assert described == {example.query for example in example_queries()}
    name = example_queries()[0].name
    response = client.get(f"/query/{name}")
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/sparql?query=")


# -------------------------------------------------------------------------------------- crawlers


def test_robots_are_kept_from_what_has_no_end(client: FlaskClient) -> None:
    lines = client.get("/robots.txt").text.splitlines()
    assert "Disallow: /sparql" in lines
    assert "Disallow: /search" in lines
    assert "Disallow: /run/" in lines
    assert "Disallow: /" not in lines
    assert "Sitemap: http://localhost/sitemap.xml" in lines


def test_sitemap_names_every_page_once_and_each_answers(
    client: FlaskClient, answers: Answers
) -> None:
    places = [
        loc.text or "" for loc in ET.fromstring(client.get("/sitemap.xml").data).iter(SITEMAP)
    ]
    pages = [
        loc.text or ""
        for place in places
        for loc in ET.fromstring(client.get(place).data).iter(SITEMAP)
    ]
    counts = answers.snapshot.manifest.counts
    runnable = [item["id"] for item in answers.experiments()["items"]]
    assert len(pages) == len(set(pages)) == counts["concepts"] + counts["papers"] + len(runnable)
    assert {f"http://localhost/experiment/{name}" for name in runnable} <= set(pages)
    for address in pages[:: max(1, len(pages) // 40)]:
        assert client.get(address).status_code == 200, address


# ----------------------------------------------------------------------------------------- dumps


def test_dumps_are_listed_and_come_whole_or_in_parts(client: FlaskClient) -> None:
    listed = client.get("/api/v1/dumps").get_json()["dumps"]
    assert len(listed) == 6
    page = client.get("/dumps/").text
    for entry in listed:
        address, tag = f"/dumps/{entry['name']}", f'"{entry["sha256"]}"'
        assert f'href="{address}"' in page
        assert entry["sha256"] in page
        with client.get(address) as whole:
            content = whole.data
            assert (whole.status_code, whole.headers["ETag"]) == (200, tag)
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        with client.get(address, headers={"Range": "bytes=2-9"}) as part:
            assert (part.status_code, part.data) == (206, content[2:10])
        with client.get(address, headers={"If-None-Match": tag}) as known:
            assert (known.status_code, known.data) == (304, b"")


@pytest.mark.parametrize("name", ["no.nq", "dumps.json", "..%2fmanifest.json", "../manifest.json"])
def test_only_what_is_listed_can_be_fetched(client: FlaskClient, name: str) -> None:
    assert client.get(f"/dumps/{name}").status_code == 404
