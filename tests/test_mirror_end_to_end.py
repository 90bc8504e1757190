"""The whole way of the data on the real upstream files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyoxigraph as ox
import pytest

from api import create_app
from ingest.refresh import Outcome, paper_file_options, refresh
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.experiments import checked_params, load_catalogue, run_experiment
from mathgloss.graph.snapshot import REPORT, open_current
from mathgloss.graph.stored_examples import Example, example_queries

pytestmark = pytest.mark.mirror


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Outcome]:
    """An experiment run, and the real sources refreshed."""
    settings = Settings(
        home=tmp_path_factory.mktemp("real"), mirror=Path(os.environ["MATHGLOSS_MIRROR"])
    )
    scores = load_catalogue().get("kernel-scores-on-groups")
    run_experiment(scores, checked_params(scores, {}), seed=0, home=settings.layout, snapshot=None)
    papers = os.environ.get("MATHGLOSS_TEST_PAPERS")
    added = paper_file_options([Path(papers)]) if papers else {}
    return settings, refresh(settings, added=added)


@pytest.fixture(scope="module")
def cards(real: tuple[Settings, Outcome]) -> Answers:
    return Answers(open_current(real[0].layout))


def test_every_source_is_read_and_published(real: tuple[Settings, Outcome]) -> None:
    _, outcome = real
    assert outcome.failures == {}
    assert outcome.result.changed
    counts = outcome.result.manifest.counts
    assert counts["concepts"] > 20_000
    assert counts["papers"] == 754 + 81
    assert counts["mappings"]["curated"] > 13_000
    report = json.loads((outcome.result.path / REPORT).read_text(encoding="utf-8"))
    for source in report["sources"].values():
        assert source["read"] == source["terms"] + source["papers"] + sum(
            source["rejected"].values()
        )


def test_group_has_what_all_sources_say(cards: Answers) -> None:
    card = cards.concept("wd:Q83478")
    assert card["labels"]["ca"] == ["grup"]
    assert card["labels"]["ja"] == ["群"]
    links = {link["id"]: link for link in card["links"]}
    assert {"mulima:0677022e", "nlab:group", "chicago:group", "lmfdb:group"} <= links.keys()
    assert "syllabus:group-theory/basic-definitions/group" in links
    assert all(link["evidence"] for link in links.values())
    assert [item["declaration"] for item in card["lean"]] == ["Group"]
    assert ["Group Theory", "Basic definitions", "group"] in [
        item["position"] for item in card["syllabus"]
    ]
    assert "monoid" in [item["label"] for item in card["broader"]]
    assert card["counts"]["papers"] > 20
    assert {"chicago", "core", "nlab", "wikidata"} == {
        item["source"] for item in card["definitions"]
    }


def test_abelian_group_is_the_same_over_rest_and_sparql(
    real: tuple[Settings, Outcome], cards: Answers
) -> None:
    client = create_app(answers=cards).test_client()
    card = client.get("/api/v1/concepts/wd:Q181296").get_json()
    assert card == json.loads(json.dumps(cards.concept("wd:Q181296")))
    query = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
    SELECT DISTINCT ?term WHERE {
      ?term skos:exactMatch <http://www.wikidata.org/entity/Q181296> }"""
    rows = client.get("/sparql", query_string={"query": query}).get_json()["results"]["bindings"]
    assert len(rows) == len(card["links"]) >= 7
    assert len(card["papers"]) == card["counts"]["papers"] > 10
    page = client.get("/concept/wd:Q181296/papers").get_data(as_text=True)
    for paper in card["papers"]:
        assert paper["id"] in page


def test_mappings_lead_to_no_page_person_or_list(cards: Answers) -> None:
    for name in ("Orbit (disambiguation)", "Leonhard Euler", "List of trigonometric identities"):
        results = cards.search(name)["results"]
        assert name not in [row["label"] for row in results if row["id"].startswith("wd:")]


@pytest.mark.parametrize("example", example_queries(), ids=lambda example: example.name)
def test_a_stored_query_has_rows(cards: Answers, example: Example) -> None:
    rows = cards.snapshot.store.query(example.query, use_default_graph_as_union=True)
    assert isinstance(rows, ox.QuerySolutions)
    assert next(rows, None) is not None


def test_the_same_again_writes_nothing(real: tuple[Settings, Outcome]) -> None:
    settings, _ = real

    def listing() -> dict[str, int]:
        files = (path for path in settings.home.rglob("*") if path.is_file())
        return {str(path): path.stat().st_mtime_ns for path in files}

    before = listing()
    outcome = refresh(settings)
    assert (outcome.failures, outcome.parsed, outcome.result.changed) == ({}, (), False)
    assert listing() == before
