"""The Reconciliation API as its clients use it: both versions, from manifest to extension."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from api import create_app
from api.reconcile.bodies import FORM
from api.schemas import reconcile as schemas
from api.schemas.service import Health
from mathgloss import ids
from mathgloss.answers.properties import PROPERTIES
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.graph.snapshot import current_path, make_current
from mathgloss.linking.pools import POOLS
from mathgloss.paths import Home

ABELIAN = "wd:Q181296"
DRAFT = "/reconcile/1.0-draft"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def ask(client: FlaskClient, **queries: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Candidates by key, asked for as OpenRefine does: a form with the field queries."""
    response = client.post("/reconcile", data={"queries": json.dumps(queries)})
    assert response.status_code == 200, response.get_data(as_text=True)
    TypeAdapter(schemas.ResultsV02).validate_json(response.data)
    return {key: each["result"] for key, each in response.get_json().items()}


def match(client: FlaskClient, *queries: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Candidates in the order of the queries, by version 1.0."""
    response = client.post(f"{DRAFT}/match", json={"queries": queries})
    assert response.status_code == 200, response.get_data(as_text=True)
    schemas.ResultsV1.model_validate_json(response.data)
    return [each["candidates"] for each in response.get_json()["results"]]


def name(value: object, **more: object) -> dict[str, Any]:
    return {"matchType": "name", "propertyValue": value, **more}


def prop(identifier: str, value: object, **more: object) -> dict[str, Any]:
    return {"matchType": "property", "propertyId": identifier, "propertyValue": value, **more}


# ------------------------------------------------------------------------------------- manifests


def test_each_version_has_its_own_manifest(client: FlaskClient) -> None:
    old, new = client.get("/reconcile").get_json(), client.get(DRAFT).get_json()
    assert old["versions"] == ["0.2"]
    assert new["versions"] == ["1.0-draft"]
    assert "{{id}}" in old["view"]["url"]
    assert "{+id}" in new["view"]["url"]
    assert new["standardizedScore"] is True


def test_the_manifest_leads_to_services_that_answer(client: FlaskClient) -> None:
    manifest = client.get("/reconcile").get_json()
    for service in manifest["suggest"].values():
        address = service["service_url"] + service["service_path"]
        assert client.get(address, query_string={"prefix": ""}).status_code == 200
    propose = manifest["extend"]["propose_properties"]
    assert client.get(propose["service_url"] + propose["service_path"]).status_code == 200
    for template in (manifest["preview"]["url"], manifest["view"]["url"]):
        assert client.get(template.replace("{{id}}", ABELIAN)).status_code == 200


def test_the_manifest_is_kept_for_no_other_host(client: FlaskClient) -> None:
    assert client.get("/reconcile").headers["Cache-Control"] == "no-store"
    there = client.get("/reconcile", headers={"Host": "terms.example.org"}).get_json()
    assert there["view"]["url"].startswith("http://terms.example.org/")
    assert "example.org" not in client.get("/reconcile").get_data(as_text=True)


@pytest.mark.parametrize("path", ["/reconcile", DRAFT, "/reconcile/suggest/type?prefix="])
def test_other_sites_may_ask(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Origin": "https://refine.example.org"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"


# --------------------------------------------------------------------------------------- matching


def test_a_batch_is_answered_by_key(client: FlaskClient) -> None:
    found = ask(client, q0={"query": "abelian group"}, q1={"query": "zzz qqq"}, q2={"query": ""})
    assert list(found) == ["q0", "q1", "q2"]
    best = found["q0"][0]
    assert (best["id"], best["name"], best["match"]) == (ABELIAN, "abelian group", True)
    assert 90 < best["score"] <= 100
    assert {"id": "concept", "name": "mathematical concept"} in best["type"]
    assert found["q1"] == []
    assert found["q2"] == []


def test_the_features_say_why(client: FlaskClient) -> None:
    exact = ask(client, q={"query": "Abelian groups"})["q"][0]
    features = {feature["id"]: feature["value"] for feature in exact["features"]}
    assert features["same_name"] is True
    assert features["spelling"] == 1.0
    near = ask(client, q={"query": "abelian gruop"})["q"][0]
    features = {feature["id"]: feature["value"] for feature in near["features"]}
    assert features["same_name"] is False
    assert 0 < features["spelling"] < 1
    assert near["match"] is False


def test_scores_fall_and_one_match_at_most_is_given(client: FlaskClient) -> None:
    for candidates in ask(client, a={"query": "group"}, b={"query": "ring"}).values():
        scores = [candidate["score"] for candidate in candidates]
        assert scores == sorted(scores, reverse=True)
        assert sum(candidate["match"] for candidate in candidates) <= 1


@pytest.mark.parametrize(
    "text", ["wd:Q181296", "Q181296", "http://www.wikidata.org/entity/Q181296"]
)
def test_an_identifier_is_its_own_concept(client: FlaskClient, text: str) -> None:
    best = ask(client, q={"query": text})["q"][0]
    assert (best["id"], best["score"], best["match"]) == (ABELIAN, 100, True)


def test_every_concept_is_found_by_its_own_name(client: FlaskClient, answers: Answers) -> None:
    items = [item for item in answers.concepts(limit=100)["items"] if item["label_lang"] == "en"]
    batch = {item["id"]: {"query": item["label"], "limit": 50} for item in items}
    found = ask(client, **batch)
    lost = [key for key, held in found.items() if key not in {each["id"] for each in held}]
    assert len(items) > 20
    assert lost == []


def test_concepts_without_an_item_are_found(client: FlaskClient, answers: Answers) -> None:
    names = ("null space", "attention mechanism")
    found = ask(client, **{each: {"query": each} for each in names})
    assert found["null space"][0]["id"] == answers.resolve("chicago:null_space")
    assert found["attention mechanism"][0]["id"] == "mathgloss:attention-mechanism"
    assert found["attention mechanism"][0]["match"] is True


def test_the_language_counts_and_need_not_be_said(client: FlaskClient) -> None:
    said, unsaid = match(
        client,
        {"conditions": [name("groupe abélien")], "lang": "fr"},
        {"conditions": [name("groupe abélien")]},
    )
    assert said[0]["id"] == unsaid[0]["id"] == ABELIAN
    assert said[0]["lang"] == "fr"
    assert unsaid[0]["lang"] == "en"


def test_the_limit_holds(client: FlaskClient) -> None:
    assert len(ask(client, q={"query": "group", "limit": 1})["q"]) == 1


def test_types_restrict(client: FlaskClient) -> None:
    found = ask(
        client,
        concept={"query": "abelian group", "type": "concept"},
        other={"query": "abelian group", "type": ["Q5"]},
        both={"query": "abelian group", "type": ["Q5", "concept"], "type_strict": "all"},
        soft={"query": "abelian group", "type": "Q5", "type_strict": "should"},
    )
    assert [bool(found[key]) for key in found] == [True, False, False, True]


def test_properties_speak_for_and_against(client: FlaskClient) -> None:
    plain, agreeing, against, required = match(
        client,
        {"conditions": [name("abelian group")]},
        {"conditions": [name("abelian group"), prop("wikidata", "Q181296")]},
        {"conditions": [name("abelian group"), prop("wikidata", "Q83478")], "limit": 20},
        {"conditions": [name("abelian group"), prop("wikidata", "Q83478", required=True)]},
    )
    score = {"plain": plain[0]["score"], "agreeing": agreeing[0]["score"]}
    assert score["agreeing"] > score["plain"]
    held = {each["id"]: each for each in against}
    assert held[ABELIAN]["score"] < score["plain"]
    assert held[ABELIAN]["match"] is False
    assert "wd:Q83478" in held
    assert [each["id"] for each in required] == ["wd:Q83478"]


def test_a_property_may_stand_alone(client: FlaskClient) -> None:
    (by_item,), nothing = match(
        client,
        {"conditions": [prop("wikidata", {"id": "wd:Q181296", "name": "x"})]},
        {"conditions": [prop("unheard-of", "x")]},
    )
    assert (by_item["id"], by_item["match"]) == (ABELIAN, True)
    assert nothing == []


def test_quantifiers_hold(client: FlaskClient) -> None:
    any_of, all_of, none_of = match(
        client,
        {"conditions": [name(["zzz", "abelian group"])]},
        {"conditions": [name(["commutative group", "abelian group"], matchQuantifier="all")]},
        {"conditions": [name("abelian group"), name("abelian group", matchQuantifier="none")]},
    )
    assert any_of[0]["id"] == all_of[0]["id"] == ABELIAN
    assert ABELIAN not in {each["id"] for each in none_of}


def test_a_single_query_may_be_text_or_json(client: FlaskClient) -> None:
    plain = client.get("/reconcile", query_string={"query": "abelian group"}).get_json()
    encoded = json.dumps({"query": "abelian group", "limit": 1})
    whole = client.get("/reconcile", query_string={"query": encoded}).get_json()
    assert plain["result"][0] == whole["result"][0]
    schemas.ResultV02.model_validate(plain)


def test_both_versions_agree(client: FlaskClient) -> None:
    old = ask(client, q={"query": "ring"})["q"]
    (new,) = match(client, {"conditions": [name("ring")]})
    assert old == [{key: each[key] for key in each if key not in {"lang", "dir"}} for each in new]


def test_the_snapshot_is_named(client: FlaskClient, answers: Answers) -> None:
    response = client.post("/reconcile", data={"queries": "{}"})
    assert response.headers["MathGloss-Snapshot"] == answers.snapshot.id


# ----------------------------------------------------------------------------- suggest and preview


@pytest.mark.parametrize("root", ["/reconcile", DRAFT])
def test_suggestions_begin_as_typed(client: FlaskClient, root: str) -> None:
    def suggest(kind: str, **parameters: object) -> list[dict[str, Any]]:
        response = client.get(f"{root}/suggest/{kind}", query_string=parameters)
        schemas.Suggestions.model_validate_json(response.data)
        found: list[dict[str, Any]] = response.get_json()["result"]
        return found

    assert suggest("entity", prefix="abelian gr")[0]["id"] == ABELIAN
    assert suggest("entity", prefix="Q181296")[0]["id"] == ABELIAN
    assert suggest("entity", prefix="") == []
    assert [each["id"] for each in suggest("property", prefix="lean")] == ["lean"]
    assert len(suggest("property", prefix="")) == len(PROPERTIES)
    assert suggest("type", prefix="math")[0]["id"] == "concept"
    first = suggest("property", prefix="", limit=2)
    second = suggest("property", prefix="", limit=1, cursor=1)
    assert first[1:] == second


def test_the_preview_alone_may_be_framed(client: FlaskClient) -> None:
    for root in ("/reconcile", DRAFT):
        shown = client.get(f"{root}/preview", query_string={"id": ABELIAN})
        assert "frame-ancestors *" in shown.headers["Content-Security-Policy"]
        assert "script-src 'self'" in shown.headers["Content-Security-Policy"]
        assert "abelian group" in shown.get_data(as_text=True)
    for path in ("/reconcile", f"/concept/{ABELIAN}", "/reconcile/suggest/type?prefix="):
        assert "frame-ancestors 'none'" in client.get(path).headers["Content-Security-Policy"]


def test_the_preview_shows_no_source_text_of_a_definition(client: FlaskClient) -> None:
    page = client.get("/reconcile/preview", query_string={"id": ABELIAN}).get_data(as_text=True)
    assert '<a href="https://mathgloss.github.io/MathGloss/chicago/group"' in page
    assert '<span class="tex display">$$a b = b a.$$</span>' in page
    assert "](" not in page


def test_the_preview_of_nothing_is_a_problem(client: FlaskClient) -> None:
    response = client.get("/reconcile/preview", query_string={"id": SCRIPT})
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


# -------------------------------------------------------------------------------------- extension


def test_extension_gives_what_the_card_gives(client: FlaskClient, answers: Answers) -> None:
    wanted = [{"id": each} for each in PROPERTIES]
    query = {"ids": [ABELIAN, "nlab:no+such+page", SCRIPT], "properties": wanted}
    response = client.post(f"{DRAFT}/extend", json=query)
    schemas.Extended.model_validate_json(response.data)
    known, *unknown = response.get_json()["rows"]
    values = {each["id"]: each["values"] for each in known["properties"]}
    card = answers.concept(ABELIAN)
    assert [value["str"] for value in values["name"]] == card["labels"]["en"]
    assert values["wikidata"] == [{"str": "Q181296"}]
    assert values["papers"] == [{"int": card["counts"]["papers"]}]
    assert [value["id"] for value in values["broader"]] == [each["id"] for each in card["broader"]]
    assert any("CC0" in value["str"] for value in values["definition"])
    assert all(each["values"] == [] for row in unknown for each in row["properties"])


def test_extension_by_form_is_the_older_shape(client: FlaskClient) -> None:
    query = {"ids": [ABELIAN], "properties": [{"id": "name", "settings": {"lang": "fr"}}]}
    response = client.post("/reconcile", data={"extend": json.dumps(query)})
    assert response.get_json() == {
        "meta": [{"id": "name", "name": "Name"}],
        "rows": {ABELIAN: {"name": [{"str": "groupe abélien"}, {"str": "groupe commutatif"}]}},
    }
    schemas.ExtendedV02.model_validate(response.get_json())


def test_properties_are_proposed(client: FlaskClient) -> None:
    response = client.get("/reconcile/extend/propose", query_string={"type": "concept", "limit": 2})
    schemas.Proposals.model_validate_json(response.data)
    assert [each["id"] for each in response.get_json()["properties"]] == list(PROPERTIES)[:2]


def test_right_to_left_names_say_so(client: FlaskClient, answers: Answers) -> None:
    row = next(
        row for row in answers.reader.run("concept_names", {}) if row["name"].language == "ar"
    )
    concept, lang = ids.curie(row["concept"].value), "ar"
    query = {"ids": [concept], "properties": [{"id": "name", "settings": {"lang": lang}}]}
    rows = client.post(f"{DRAFT}/extend", json=query).get_json()["rows"]
    value = rows[0]["properties"][0]["values"][0]
    assert (value["lang"], value["dir"]) == (lang, "rtl")
    (found,) = match(client, {"conditions": [name(value["str"])], "lang": lang})
    assert (found[0]["name"], found[0]["dir"]) == (value["str"], "rtl")


# --------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "queries: invalid JSON"),
        ("[]", "queries: "),
        ('{"q0": {}}', "queries.q0: "),
        ('{"q0": {"query": 5}}', "queries.q0.query: "),
        ('{"q0": {"query": "a", "limit": 0}}', "queries.q0.limit: "),
        ('{"q0": {"query": "a", "limit": 1e400}}', "queries.q0.limit: "),
        ('{"q0": {"query": "a", "limit": 10000000000000000000000}}', "queries.q0.limit: "),
        ('{"q0": {"query": "a", "nonsense": 1}}', "queries.q0.nonsense: "),
        ('{"q0": {"query": "a", "properties": [{"pid": "x"}]}}', "queries.q0.properties[0].v: "),
        ('{"q0": {"query": "a", "type_strict": "perhaps"}}', "queries.q0.type_strict: "),
        ("[" * 5_000, "queries: invalid JSON: recursion limit"),
        (json.dumps({"q0": {"query": "x" * 1_001}}), "queries.q0.query: "),
    ],
)
def test_a_bad_batch_is_refused_with_the_place(client: FlaskClient, text: str, place: str) -> None:
    response = client.post("/reconcile", data={"queries": text})
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["detail"].startswith(place)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"\xff\xfe", "body: invalid JSON"),
        (b'{"queries": [{"conditions": []}]}', "body.queries[0].conditions: "),
        (b'{"queries": [{"conditions": [{"matchType": "property", "propertyValue": "x"}]}]}',
         "body.queries[0].conditions[0]: "),
        (b'{"queries": [{"conditions": [], "lang": "<b>"}]}', "body.queries[0].conditions: "),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_with_the_place(client: FlaskClient, body: bytes, place: str) -> None:
    response = client.post(f"{DRAFT}/match", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.get_json()["detail"].startswith(place)


def test_limits_hold(client: FlaskClient) -> None:
    many = {f"q{n}": {"query": "a"} for n in range(schemas.MAX_QUERIES + 1)}
    assert client.post("/reconcile", data={"queries": json.dumps(many)}).status_code == 413
    query = {"ids": ["wd:Q1"] * (schemas.MAX_IDS + 1), "properties": []}
    assert client.post(f"{DRAFT}/extend", json=query).status_code == 400
    assert client.post(f"{DRAFT}/match", data="{}").status_code == 415
    big = json.dumps({"queries": [], "more": "x" * 2_000_000})
    response = client.post(f"{DRAFT}/match", data=big, content_type="application/json")
    assert response.status_code == 413


@pytest.mark.parametrize(
    "parameters",
    ["prefix=a&limit=0", "prefix=a&limit=101", "prefix=a&offset=-1", "prefix=" + "x" * 201],
)
def test_suggestions_have_limits(client: FlaskClient, parameters: str) -> None:
    assert client.get(f"/reconcile/suggest/entity?{parameters}").status_code == 400


def test_nothing_to_answer_is_said(client: FlaskClient) -> None:
    response = client.post("/reconcile", data={"nonsense": "1"})
    assert response.status_code == 400
    assert "queries, query or extend" in response.get_json()["detail"]


def test_scripts_are_never_run_by_us(client: FlaskClient) -> None:
    refused = client.get("/reconcile", query_string={"callback": "alert", "queries": "{}"})
    assert refused.status_code == 400
    assert refused.mimetype == "application/problem+json"
    answered = client.post(
        "/reconcile", data={"queries": json.dumps({SCRIPT: {"query": SCRIPT, "type": SCRIPT}})}
    )
    assert answered.mimetype == "application/json"
    assert answered.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("text", ["\x00", "‮groupe", "𝔸belian", "a\u0301" * 200, "💥", " ", "a:b"])
def test_any_text_is_answered(client: FlaskClient, text: str) -> None:
    assert isinstance(ask(client, q={"query": text})["q"], list)


def test_it_is_loaded_for_a_manifest_and_again_for_a_new_snapshot(
    home: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    other = create_app(Settings(home=copy)).test_client()

    def state() -> str:
        return Health.model_validate(other.get("/health").get_json()).reconciliation

    assert state() == "not loaded"
    assert other.get("/reconcile").status_code == 200
    for thread in threading.enumerate():
        if thread.name == "reconciler":
            thread.join()
    assert state() == "ready"
    published = current_path(Home(copy))
    assert published is not None
    shutil.copytree(published, published.with_name("20990101-another"))
    make_current(Home(copy), "20990101-another")
    assert state() == "ready"


def test_without_catalogues_it_is_said_and_all_else_is_answered(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    published = current_path(Home(copy))
    assert published is not None
    (published / POOLS).unlink()
    other = create_app(Settings(home=copy)).test_client()
    assert other.get("/reconcile").status_code == 200
    response = other.post("/reconcile", data={"queries": json.dumps({"q": {"query": "group"}})})
    assert response.status_code == 503
    assert POOLS in response.get_json()["detail"]
    assert other.get(f"/concept/{ABELIAN}").status_code == 200


# --------------------------------------------------------------------------------------- document


def test_the_document_says_what_is_sent(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    paths, components = document["paths"], document["components"]["schemas"]
    form = paths["/reconcile"]["post"]["requestBody"]["content"][FORM]["schema"]
    assert form["properties"].keys() == {"queries", "query", "extend"}
    for path, member in (("match", "queries"), ("extend", "ids")):
        body = paths[f"{DRAFT}/{path}"]["post"]["requestBody"]["content"]["application/json"]
        model = components[body["schema"]["$ref"].rpartition("/")[2]]
        assert member in model["properties"]
    for root in ("/reconcile", DRAFT):
        shown = paths[f"{root}/preview"]["get"]["responses"]["200"]["content"]
        assert list(shown) == ["text/html"]
