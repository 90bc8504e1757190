"""REST, SPARQL and the page say the same of a concept."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from mathgloss import ids
from mathgloss.config import Settings

PREFIXES = """
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX mg: <https://w3id.org/mathgloss/vocab#>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
# the graph of a source holds what that source calls it; the concept's names are in their own graph
NAMES = """SELECT DISTINCT ?name {
  GRAPH <https://w3id.org/mathgloss/graph/concepts> { <%s> skos:prefLabel|skos:altLabel ?name }
}"""
LINKS = """SELECT DISTINCT ?term {
  ?link owl:annotatedTarget <%s> ; owl:annotatedSource ?term ; mg:mappingSet ?set .
  FILTER(?set IN ("curated", "predicted"))
}"""
DEFINITIONS = """SELECT DISTINCT ?text {
  { <%s> skos:definition ?text } UNION { ?term skos:exactMatch <%s> ; skos:definition ?text }
}"""
PAPERS = """SELECT ?title (COUNT(DISTINCT ?mention) AS ?mentions) {
  ?mention mg:concept <%s> ; mg:paper ?paper . ?paper dcterms:title ?title
} GROUP BY ?paper ?title"""


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


@pytest.fixture(params=["wd:Q181296", "wd:Q83478"])
def concept(request: pytest.FixtureRequest, client: FlaskClient) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(client.get(f"/api/v1/concepts/{request.param}").data)
    return answer


@pytest.fixture
def page(client: FlaskClient, concept: dict[str, Any]) -> str:
    return client.get(f"/concept/{concept['id']}").text


def rows(client: FlaskClient, query: str, concept: dict[str, Any]) -> list[dict[str, Any]]:
    text = PREFIXES + query.replace("%s", ids.iri(concept["id"]))
    response = client.post("/sparql", data={"query": text})
    found: list[dict[str, Any]] = json.loads(response.data)["results"]["bindings"]
    return found


def words(fragment: str) -> list[str]:
    """Words a reader sees, without tags, formulas' dollars and Markdown's signs."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", fragment)
    return re.findall(r"\w+", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def test_names_agree(client: FlaskClient, concept: dict[str, Any], page: str) -> None:
    told = {(lang, name) for lang, names in concept["labels"].items() for name in names}
    asked = {
        (row["name"].get("xml:lang", "mul"), row["name"]["value"])
        for row in rows(client, NAMES, concept)
    }
    assert told == asked
    assert all(html.escape(name) in page for _, name in told)


def test_links_agree(client: FlaskClient, concept: dict[str, Any], page: str) -> None:
    told = {link["id"] for link in concept["links"]}
    assert told == {ids.curie(row["term"]["value"]) for row in rows(client, LINKS, concept)}
    for link in concept["links"]:
        assert f'href="{html.escape(link["url"])}"' in page
        assert all(
            html.escape(item["detail"], quote=False) in html.unescape(page).replace("&", "&amp;")
            for item in link["evidence"]
        )


def test_definitions_agree(client: FlaskClient, concept: dict[str, Any], page: str) -> None:
    told = {item["text"] for item in concept["definitions"] if item["text"]}
    assert told == {row["text"]["value"] for row in rows(client, DEFINITIONS, concept)}
    shown = " ".join(words(page))
    assert all(" ".join(words(text)) in shown for text in told)
    assert all(html.escape(item["url"]) in page for item in concept["definitions"])


def test_papers_agree(client: FlaskClient, concept: dict[str, Any], page: str) -> None:
    told = {(paper["title"], paper["mentions"]) for paper in concept["papers"]}
    asked = {
        (row["title"]["value"], int(row["mentions"]["value"]))
        for row in rows(client, PAPERS, concept)
    }
    assert told == asked
    assert all(html.escape(title) in page for title, _ in told)
