"""REST gives the library's answers, with validators, paging and a true OpenAPI document."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from pydantic import BaseModel

from api import create_app
from api.schemas import concepts, papers, service
from mathgloss.answers.paging import cursor_after
from mathgloss.answers.service import Answers
from mathgloss.config import Settings

ABELIAN = "wd:Q181296"
GROUP = "wd:Q83478"


@pytest.fixture
def app(home: Path) -> APIFlask:
    return create_app(Settings(home=home))


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def movable_home(home: Path, tmp_path: Path) -> Path:
    """A copy of the home whose published snapshot a test may replace."""
    copy = tmp_path / "home"
    name = (home / "current").read_text(encoding="utf-8").strip()
    shutil.copytree(home / "snapshots" / name, copy / "snapshots" / name)
    shutil.copy(home / "current", copy / "current")
    return copy


def publish_as(home: Path, name: str) -> None:
    """Publish a copy of the current snapshot under another identifier."""
    old = (home / "current").read_text(encoding="utf-8").strip()
    target = home / "snapshots" / name
    shutil.copytree(home / "snapshots" / old, target)
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    (target / "manifest.json").write_text(json.dumps({**manifest, "id": name}), encoding="utf-8")
    point_at(home, name)


def point_at(home: Path, name: str) -> None:
    part = home / "current.part"
    part.write_text(f"{name}\n", encoding="utf-8")
    part.replace(home / "current")


def get(client: FlaskClient, path: str, **headers: str) -> Any:
    response = client.get(path, headers={name.replace("_", "-"): headers[name] for name in headers})
    assert response.status_code == 200, response.text
    return response.json


# ----------------------------------------------------------------------------------------- answers


def test_concept_is_what_the_library_answers(client: FlaskClient, answers: Answers) -> None:
    assert get(client, f"/api/v1/concepts/{ABELIAN}") == answers.concept(ABELIAN)


@pytest.mark.parametrize(
    "identifier",
    [
        "Q181296",
        "http://www.wikidata.org/entity/Q181296",
        "https://www.wikidata.org/wiki/Q181296",
        quote("http://www.wikidata.org/entity/Q181296", safe=""),
        "abelian%20group",
        "Abelian group",
    ],
)
def test_any_form_of_an_identifier_finds_the_concept(client: FlaskClient, identifier: str) -> None:
    assert get(client, f"/api/v1/concepts/{identifier}")["id"] == ABELIAN


def test_every_form_of_answer_fits_its_model(client: FlaskClient) -> None:
    paper = get(client, "/api/v1/papers?limit=1")["items"][0]["id"]
    expected: dict[str, type[BaseModel]] = {
        f"/api/v1/concepts/{ABELIAN}": concepts.Concept,
        f"/api/v1/concepts/{GROUP}": concepts.Concept,
        "/api/v1/concepts?limit=3": concepts.ConceptPage,
        "/api/v1/search?q=group": concepts.SearchResults,
        "/api/v1/papers": papers.PaperPage,
        f"/api/v1/papers/{paper}": papers.Paper,
        "/api/v1/sources": service.Sources,
        "/health": service.Health,
    }
    for path, model in expected.items():
        answer = get(client, path)
        assert model.model_validate(answer, strict=True).model_dump() == answer, path


def test_every_answer_carries_the_snapshot(client: FlaskClient, answers: Answers) -> None:
    for path in (f"concepts/{ABELIAN}", "concepts", "search?q=group", "papers", "sources"):
        assert get(client, f"/api/v1/{path}")["snapshot"] == answers.snapshot.id


def test_search_finds_an_unfinished_word(client: FlaskClient) -> None:
    found = get(client, "/api/v1/search?q=abelian+gr&limit=5")
    assert ABELIAN in [result["id"] for result in found["results"]]


@pytest.mark.parametrize("path", ["/api/v1/concepts", "/api/v1/papers"])
def test_pages_of_a_list_follow_each_other_without_gap_or_repeat(
    client: FlaskClient, path: str
) -> None:
    whole = [item["id"] for item in get(client, f"{path}?limit=7")["items"]]
    walked: list[str] = []
    cursor: str | None = ""
    while cursor is not None and len(walked) < len(whole):
        page = get(client, f"{path}?limit=2&cursor={cursor}")
        walked += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert walked[: len(whole)] == whole
    assert whole == sorted(set(whole))


def test_last_page_has_no_next(client: FlaskClient) -> None:
    page = get(client, f"/api/v1/concepts?cursor={cursor_after('zzz')}")
    assert (page["items"], page["next"]) == ([], None)


# -------------------------------------------------------------------------------------- validators


def test_known_answer_is_not_sent_again(client: FlaskClient) -> None:
    path = f"/api/v1/concepts/{ABELIAN}"
    first = client.get(path)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    again = client.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_answer_is_computed_once_for_a_snapshot(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    compute = Answers.concept

    def counting(self: Answers, identifier: str, *chain: Any) -> dict[str, Any]:
        calls.append(identifier)
        return compute(self, identifier, *chain)

    monkeypatch.setattr(Answers, "concept", counting)
    bodies = {client.get(f"/api/v1/concepts/{ABELIAN}").data for _ in range(3)}
    assert (len(bodies), len(calls)) == (1, 1)


def test_gzipped_answer_is_another_representation_of_the_same(client: FlaskClient) -> None:
    path = f"/api/v1/concepts/{ABELIAN}"
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_head_gives_headers_alone(client: FlaskClient) -> None:
    response = client.head(f"/api/v1/concepts/{ABELIAN}")
    assert (response.status_code, response.data) == (200, b"")
    assert "ETag" in response.headers


def test_any_site_may_read_the_api(client: FlaskClient) -> None:
    response = client.get("/api/v1/sources", headers={"Origin": "https://example.org"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    asked = client.options("/sparql", headers={"Origin": "https://example.org"})
    assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in client.get("/").headers


# ----------------------------------------------------------------------------------------- refresh


def test_snapshot_published_later_is_served_without_a_restart(movable_home: Path) -> None:
    client = create_app(Settings(home=movable_home)).test_client()
    path = f"/api/v1/concepts/{ABELIAN}"
    before = client.get(path)
    publish_as(movable_home, "20990101-0000000000")
    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.json["snapshot"] == "20990101-0000000000"  # type: ignore[index]


def test_first_snapshot_is_served_without_a_restart(movable_home: Path) -> None:
    name = (movable_home / "current").read_text(encoding="utf-8")
    (movable_home / "current").unlink()
    client = create_app(Settings(home=movable_home)).test_client()
    assert client.get("/api/v1/sources").status_code == 503
    point_at(movable_home, name.strip())
    assert client.get("/api/v1/sources").status_code == 200


def test_snapshot_that_cannot_be_opened_leaves_the_one_before(movable_home: Path) -> None:
    client = create_app(Settings(home=movable_home)).test_client()
    before = get(client, "/api/v1/sources")["snapshot"]
    (movable_home / "snapshots" / "broken").mkdir()
    point_at(movable_home, "broken")
    assert get(client, "/api/v1/sources")["snapshot"] == before
    health = get(client, "/health")
    assert (health["status"], health["snapshot"]) == ("degraded", before)
    assert "manifest.json" in health["problems"][0]


def test_given_answers_are_served_whatever_is_published(answers: Answers, tmp_path: Path) -> None:
    client = create_app(Settings(home=tmp_path), answers=answers).test_client()
    assert get(client, "/api/v1/sources")["snapshot"] == answers.snapshot.id


def test_health_says_what_is_served(client: FlaskClient, answers: Answers) -> None:
    health = get(client, "/health")
    assert health["snapshot"] == answers.snapshot.id
    assert health["created"] == answers.snapshot.manifest.created
    assert health["counts"] == answers.snapshot.manifest.counts


# ----------------------------------------------------------------------------------------- OpenAPI


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "$ref":
                yield member
            else:
                yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def test_openapi_documents_every_route_and_no_other(app: APIFlask, client: FlaskClient) -> None:
    documented = {
        (path, method)
        for path, item in get(client, "/openapi.json")["paths"].items()
        for method in item
    }
    routed = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/sparql", "/reconcile", "/health"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == routed


def test_openapi_is_whole(client: FlaskClient) -> None:
    document = get(client, "/openapi.json")
    assert document["openapi"] == "3.1.0"
    for reference in references(document):
        part: Any = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


def test_openapi_says_how_each_route_fails(client: FlaskClient) -> None:
    for path, item in get(client, "/openapi.json")["paths"].items():
        for operation in item.values():
            assert operation["summary"]
            failures = {key: value for key, value in operation["responses"].items() if key >= "400"}
            assert failures or path == "/health"
            for response in failures.values():
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema["$ref"].endswith("/Problem")
