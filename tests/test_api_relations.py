"""REST over relations, filters, numbers and changes: routes, models, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from api import create_app
from api.schemas import concepts, relations, statistics
from mathgloss.answers.facets import Filters
from mathgloss.answers.service import Answers
from mathgloss.config import Settings

ABELIAN = "wd:Q181296"
TOPIC = "syllabus:group-theory/basic-definitions/quotient-of-views"


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def get(client: FlaskClient, path: str, status: int = 200) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.get_json(force=True)
    return found


MODELS: list[tuple[str, type[BaseModel]]] = [
    ("/api/v1/concepts/wd:Q181296/neighbours?depth=2", relations.Neighbourhood),
    ("/api/v1/concepts/wd:Q181296/broader?transitive=true&lang=fr", relations.Hierarchy),
    ("/api/v1/concepts/wd:Q83478/narrower", relations.Hierarchy),
    ("/api/v1/concepts/wd:Q181296/prerequisites", relations.Prerequisites),
    ("/api/v1/path?from=abelian%20group&to=wd:Q161172", relations.ConceptPath),
    ("/api/v1/concepts?source=nlab,mulima&in_syllabus=true", concepts.ConceptPage),
    ("/api/v1/stats", statistics.Statistics),
]


@pytest.mark.parametrize(("path", "model"), MODELS)
def test_answers_are_as_documented_and_have_validators(
    client: FlaskClient, path: str, model: type[BaseModel], answers: Answers
) -> None:
    response = client.get(path)
    assert response.status_code == 200, response.text
    model.model_validate_json(response.text, strict=True)
    assert response.get_json()["snapshot"] == answers.snapshot.id
    again = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("kind", ["neighbours", "broader", "narrower", "prerequisites"])
@pytest.mark.parametrize(
    ("identifier", "concept"),
    [
        (TOPIC, TOPIC),
        ("syllabus:group-theory/basic-definitions/group", "wd:Q83478"),
        ("abelian%20group", ABELIAN),
        ("http://www.wikidata.org/entity/Q181296", ABELIAN),
        ("http%3A%2F%2Fwww.wikidata.org%2Fentity%2FQ181296", ABELIAN),
    ],
)
def test_any_form_of_identifier_stands_before_the_kind_of_relation(
    client: FlaskClient, kind: str, identifier: str, concept: str
) -> None:
    answer = get(client, f"/api/v1/concepts/{identifier}/{kind}")
    assert answer.get("concept", answer)["id"] == concept
    assert get(client, f"/api/v1/concepts/{identifier}")["id"] == concept


def test_rest_gives_the_librarys_answers(client: FlaskClient, answers: Answers) -> None:
    assert get(client, "/api/v1/concepts/abelian%20group/prerequisites?limit=4") == (
        answers.prerequisites(ABELIAN, limit=4)
    )
    assert get(client, "/api/v1/concepts?formalised=true&without_source=nlab&limit=5") == (
        answers.concepts(Filters(formalised=True, without_source=["nlab"]), limit=5)
    )
    assert get(client, "/api/v1/stats") == json.loads(json.dumps(answers.statistics()))


def test_pages_of_a_filtered_list_follow_each_other(client: FlaskClient) -> None:
    address = "/api/v1/concepts?source=nlab&limit=2"
    first = get(client, address)
    second = get(client, f"{address}&cursor={first['next']}")
    assert first["total"] == second["total"] == 5
    assert first["items"][-1]["id"] < second["items"][0]["id"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/concepts?source=nlap", 400, "source: expected one of chicago"),
        ("/api/v1/concepts?lang=%3Cscript%3E", 400, "lang: expected one of"),
        ("/api/v1/concepts?formalised=perhaps", 400, "formalised"),
        ("/api/v1/concepts?q=" + "x" * 201, 400, "q"),
        ("/api/v1/concepts/wd:Q181296/neighbours?depth=3", 400, "depth"),
        ("/api/v1/concepts/wd:Q181296/prerequisites?limit=0", 400, "limit"),
        ("/api/v1/concepts/wd:Q181296/broader?cursor=nonsense", 400, "cursor"),
        ("/api/v1/concepts/nothing%20such/broader", 404, "no concept"),
        ("/api/v1/path?from=group", 400, "to"),
        ("/api/v1/path?from=group&to=nothing%20such", 404, "no concept"),
        ("/api/v1/changes", 400, "since"),
        ("/api/v1/changes?since=..%2F..", 404, "those that are: "),
        ("/api/v1/changes?since=x&kind=paper", 400, "kind"),
    ],
)
def test_bad_input_is_refused_with_what_is_wrong(
    client: FlaskClient, path: str, status: int, said: str
) -> None:
    response = client.get(path)
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    assert said in response.get_json()["detail"]


def test_changes_since_the_published_snapshot_are_none(
    client: FlaskClient, answers: Answers
) -> None:
    page = get(client, f"/api/v1/changes?since={answers.snapshot.id}")
    statistics.ChangePage.model_validate(page)
    assert (page["total"], page["items"]) == (0, [])


def test_openapi_documents_the_parameters_under_their_names(client: FlaskClient) -> None:
    paths = get(client, "/openapi.json")["paths"]
    names = {item["name"] for item in paths["/api/v1/path"]["get"]["parameters"]}
    assert {"from", "to", "max_steps", "lang"} <= names
    listed = {item["name"] for item in paths["/api/v1/concepts"]["get"]["parameters"]}
    assert {"source", "lang", "in_syllabus", "formalised", "has_definition", "q"} <= listed
