"""Mappings over REST: lists, reasons, and decisions that need the token."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, SecretStr, ValidationError

from api import create_app
from api.curators import Curators
from api.schemas.mappings import DecisionAnswer, DecisionPage, ExplainedMapping, MappingPage
from mathgloss.config import Settings, load_settings
from mathgloss.errors import ConfigError
from mathgloss.io.decisions import DecisionFiles
from tests.test_api_errors import problem

TOKEN = "correct horse báttery"
HEADERS = {"Authorization": f"Bearer {TOKEN}".encode().decode("latin-1")}


@pytest.fixture(scope="module")
def scratch(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the small world, on which this module's tests decide."""
    folder = tmp_path_factory.mktemp("curated") / "home"
    shutil.copytree(home, folder)
    return Settings(home=folder, curation_token=SecretStr(TOKEN))


@pytest.fixture
def client(scratch: Settings) -> Iterator[FlaskClient]:
    yield create_app(scratch).test_client()
    shutil.rmtree(scratch.layout.decisions, ignore_errors=True)


def answer(client: FlaskClient, path: str, model: type[BaseModel]) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    model.model_validate_json(response.data)
    held: dict[str, Any] = json.loads(response.data)
    return held


@pytest.fixture
def unsure(client: FlaskClient) -> str:
    page = answer(client, "/api/v1/mappings?set=unsure&sort=doubt", MappingPage)
    return str(page["items"][0]["id"])


def decide(client: FlaskClient, mapping: str, choice: str, **more: str) -> Any:
    body = {"decision": choice, **more}
    return client.post(f"/api/v1/mappings/{mapping}/decision", json=body, headers=HEADERS)


def test_the_list_and_one_mapping_are_as_described(client: FlaskClient) -> None:
    page = answer(client, "/api/v1/mappings?limit=100", MappingPage)
    for item in page["items"][::10]:
        held = answer(client, f"/api/v1/mappings/{item['id']}", ExplainedMapping)
        assert {key: held[key] for key in item} == item


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("set=sure", "set"),
        ("sort=size", "sort"),
        ("predicate=skos%3Abroader", "predicate"),
        ("min_confidence=2", "min_confidence"),
        ("min_confidence=nan", "min_confidence"),
        ("min_confidence=.9&max_confidence=.1", "confidence"),
        ("limit=101", "limit"),
        ("cursor=%21", "cursor"),
        ("term=group", "identifier"),
        ("source=" + "x" * 101, "source"),
    ],
)
def test_a_bad_parameter_is_named(client: FlaskClient, query: str, named: str) -> None:
    body = problem(client.get(f"/api/v1/mappings?{query}"), 400, "bad-input")
    assert named in body["detail"]


@pytest.mark.parametrize("mapping", ["0" * 16, "x", "..%2F..%2Fcurrent", "%00", "'--"])
def test_no_such_mapping(client: FlaskClient, mapping: str) -> None:
    assert client.get(f"/api/v1/mappings/{mapping}").status_code == 404
    assert decide(client, mapping, "accept").status_code == 404


def test_an_answer_is_validated_by_what_it_says(client: FlaskClient, unsure: str) -> None:
    path = f"/api/v1/mappings/{unsure}"
    first = client.get(path)
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=known).status_code == 304
    decide(client, unsure, "accept")
    changed = client.get(path, headers=known)
    assert changed.status_code == 200
    assert json.loads(changed.data)["decision"]["pending"] is True
    decide(client, unsure, "undo")
    assert client.get(path, headers=known).status_code == 304


def test_a_decision_is_kept_and_taken_back(
    client: FlaskClient, unsure: str, scratch: Settings
) -> None:
    response = decide(client, unsure, "reject", curator="Ada <b>L</b>", comment="no")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    told = json.loads(response.data)
    DecisionAnswer.model_validate(told)
    page = answer(client, "/api/v1/decisions", DecisionPage)
    assert [row["decision"] for row in page["items"]] == [told["decision"]]
    assert "Ada &lt;b&gt;L&lt;/b&gt;" in client.get(f"/review/{unsure}").text
    (kept,) = DecisionFiles(scratch.layout).read()
    assert (kept.verdict, kept.curator, kept.comment) == ("reject", "Ada <b>L</b>", "no")
    assert json.loads(decide(client, unsure, "undo").data)["decision"] is None
    assert answer(client, "/api/v1/decisions", DecisionPage)["items"] == []
    problem(decide(client, unsure, "undo"), 404, "not-found")


def test_a_mapping_is_added(client: FlaskClient) -> None:
    body = {"term": "mulima:3c4d5e6f", "concept": "abelian group", "comment": "seen"}
    response = client.post("/api/v1/mappings", json=body, headers=HEADERS)
    assert response.status_code == 201
    told = json.loads(response.data)
    assert (told["concept"]["id"], told["predicate"]) == ("wd:Q181296", "skos:exactMatch")
    body["term"] = "mulima:nothing"
    problem(client.post("/api/v1/mappings", json=body, headers=HEADERS), 404, "not-found")


# ---------------------------------------------------------------------------------- who may decide


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer correct horse battery",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 60_000,
    ],
)
def test_a_missing_or_wrong_token_decides_nothing(
    client: FlaskClient, unsure: str, scratch: Settings, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    if authorization and TOKEN in authorization:
        headers = {"Authorization": authorization.encode().decode("latin-1")}
    for path in (f"/api/v1/mappings/{unsure}/decision", "/api/v1/mappings"):
        response = client.post(path, data="no JSON at all", headers=headers)
        problem(response, 401, "unauthorized")
        assert response.headers["WWW-Authenticate"].startswith("Bearer realm=")
        assert TOKEN not in response.text
    assert not scratch.layout.decisions.exists()


def test_without_a_token_in_the_settings_nobody_decides(home: Path, unsure: str) -> None:
    client = create_app(Settings(home=home)).test_client()
    for headers in ({}, HEADERS, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
        path = f"/api/v1/mappings/{unsure}/decision"
        response = client.post(path, json={"decision": "accept"}, headers=headers)
        assert "MATHGLOSS_CURATION_TOKEN" in problem(response, 403, "forbidden")["detail"]
    assert "turned off" in client.get("/review").text


def test_the_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("api.curators.hmac.compare_digest", compare)
    curators = Curators(SecretStr(TOKEN))
    for token in (b"", b"x", TOKEN.encode(), b"x" * 100_000):
        assert curators.know(token) is (token == TOKEN.encode())
    # digests of one length, whatever was sent
    assert {len(value) for pair in compared for value in pair} == {32}
    assert len(compared) == 4


@pytest.mark.parametrize("token", ["", "too short"])
def test_a_weak_token_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("MATHGLOSS_CURATION_TOKEN", token)
    with pytest.raises(ConfigError, match=r"curation_token.*at least 16") as error:
        load_settings()
    assert "got" not in str(error.value)
    with pytest.raises(ValidationError):
        Settings()


def test_the_token_comes_from_the_environment_and_is_never_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATHGLOSS_CURATION_TOKEN", TOKEN)
    settings = load_settings()
    assert settings.curation_token is not None
    assert settings.curation_token.get_secret_value() == TOKEN
    assert TOKEN not in repr(settings)


def test_no_other_site_may_send_the_token(client: FlaskClient, unsure: str) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Headers": "authorization"}
    response = client.options(f"/api/v1/mappings/{unsure}/decision", headers=headers)
    assert "authorization" not in response.headers["Access-Control-Allow-Headers"].lower()


# --------------------------------------------------------------------------------------- bad bodies


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "dictionary"),
        (b"{}", "decision"),
        (b'{"decision": "maybe"}', "decision"),
        (b'{"decision": "accept", "comment": 5}', "comment"),
        (b'{"decision": "accept", "comment": "\\ud800"}', "comment"),
        (b'{"decision": "accept", "curator": "' + b"x" * 201 + b'"}', "curator"),
        (b'{"decision": "accept", "curator": "0000-0002-1825-0098"}', "ORCID"),
    ],
)
def test_a_bad_body_is_explained_and_nothing_is_kept(
    client: FlaskClient, unsure: str, scratch: Settings, body: bytes, said: str
) -> None:
    path = f"/api/v1/mappings/{unsure}/decision"
    response = client.post(path, data=body, headers=HEADERS, content_type="application/json")
    assert response.status_code == 400, response.text
    assert said in json.loads(response.data)["detail"]
    assert not scratch.layout.decisions.exists()


def test_a_body_that_is_too_large(client: FlaskClient, unsure: str) -> None:
    assert decide(client, unsure, "accept", comment="x" * 1_100_000).status_code == 413


def test_broken_decisions_are_named_while_the_rest_is_served(
    client: FlaskClient, unsure: str, scratch: Settings
) -> None:
    decide(client, unsure, "accept")
    path = scratch.layout.decisions / "curated.sssom.tsv"
    path.write_text(path.read_text(encoding="utf-8") + "half\n", encoding="utf-8")
    for response in (decide(client, unsure, "undo"), client.get("/api/v1/decisions")):
        assert "curated.sssom.tsv:" in problem(response, 503, "decisions-unusable")["detail"]
    held = answer(client, f"/api/v1/mappings/{unsure}", ExplainedMapping)
    assert "curated.sssom.tsv:" in held["problem"]
    assert "curated.sssom.tsv:" in client.get("/review").text
    assert client.get("/api/v1/concepts/wd:Q181296").status_code == 200


# --------------------------------------------------------------------------------------- the page


def test_the_review_page_is_a_list_to_read_without_scripts(client: FlaskClient) -> None:
    page = answer(client, "/api/v1/mappings?set=unsure&sort=doubt", MappingPage)
    text = client.get("/review").text
    places = [text.index(f'id="mapping-{item["id"]}"') for item in page["items"]]
    assert places == sorted(places)
    assert f"1 to {len(places)} of {page['total']}" in text
    assert "<script>" not in text
    assert " style=" not in text


def test_the_review_page_filters_and_goes_on(client: FlaskClient) -> None:
    first = client.get("/review?set=curated")
    assert first.text.count("<article") == 20
    address = first.text.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = client.get(address.replace("&amp;", "&"))
    assert "21 to 40 of" in second.text
    assert client.get("/review?set=unsure&source=nlab").text.count("<article") == 1
    assert "Nothing to review here" in client.get("/review?from=.999&to=1").text
    assert client.get("/review?from=x").status_code == 400
    assert client.get("/review?set=x").status_code == 400
    assert client.get("/review/nothing").status_code == 404
