"""``POST /api/v1/link`` and ``/link/batch``: bodies, options, what is refused, a new snapshot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.app import MAX_BODY_BYTES
from api.schemas.service import Health
from api.schemas.texts import LinkedBatch, LinkedText
from mathgloss.answers.service import Answers
from mathgloss.answers.texts import MAX_DOCUMENTS, Document, LinkOptions
from mathgloss.config import Settings
from mathgloss.graph.snapshot import current_path, make_current
from mathgloss.paths import Home

LINK = "/api/v1/link"
BATCH = "/api/v1/link/batch"
TEXT = "Every abelian group is a 𝔸 $p$-adic thing with a kernel."


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def problem(response: Any, status: int) -> str:
    """What a refusal says."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    detail: str = response.get_json()["detail"]
    return detail


def test_json_and_plain_text_give_the_answer_of_the_library(
    client: FlaskClient, answers: Answers
) -> None:
    expected = answers.link_text(Document(text=TEXT))
    by_json = client.post(LINK, json={"text": TEXT})
    assert by_json.get_json() == expected
    for content_type in ("text/plain", "text/plain; charset=UTF-8"):
        plain = client.post(LINK, data=TEXT.encode(), content_type=content_type)
        assert plain.get_data() == by_json.get_data()
    assert LinkedText.model_validate(expected).mentions
    assert by_json.headers["Cache-Control"] == "no-store"
    assert "ETag" not in by_json.headers


def test_title_categories_and_options_are_obeyed(client: FlaskClient, answers: Answers) -> None:
    sent = {"text": TEXT, "title": "Groups", "categories": ["math.GR"]}
    options = LinkOptions(min_confidence=0.95, include_unlinked=False)
    response = client.post(f"{LINK}?min_confidence=0.95&include_unlinked=false", json=sent)
    document = Document(text=TEXT, title="Groups", categories=["math.GR"])
    assert response.get_json() == answers.link_text(document, options)
    assert all(mention["concept"] for mention in response.get_json()["mentions"])


def test_batch_gives_ids_and_mentions_in_order(client: FlaskClient, answers: Answers) -> None:
    sent: list[dict[str, Any]] = [
        {"id": "b", "text": TEXT},
        {"id": 1, "text": "", "title": "Abelian groups"},
    ]
    response = client.post(BATCH, json={"documents": sent})
    assert response.get_json() == answers.link_texts([Document(**row) for row in sent])
    batch = LinkedBatch.model_validate(response.get_json())
    assert [row.id for row in batch.results] == ["b", 1]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body: Invalid JSON"),
        (b"[", "body: Invalid JSON"),
        (b"[]", "body: "),
        (b"[" * 100_000, "body: Invalid JSON"),
        (b'{"text": "\xff"}', "body: expected UTF-8"),
        (b'{"text": "\\ud800"}', "body: Invalid JSON"),
        (b'{"text": "ring\\u0000"}', "text: expected a text, got the character U+0000 at 4"),
        (b'{"text": 5}', "text: "),
        (b'{"title": "x"}', "text: Field required"),
        (b'{"text": "x", "min_confidence": 1}', "min_confidence: Extra"),
        (b'{"text": "x", "categories": "math.GR"}', "categories: "),
        (json.dumps({"text": "x" * 100_001}).encode(), "text: expected at most 100,000"),
    ],
)
def test_bad_body_is_named(client: FlaskClient, body: bytes, said: str) -> None:
    response = client.post(LINK, data=body, content_type="application/json")
    assert problem(response, 400).startswith(said)


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([], "documents: "),
        ([{"id": 1, "text": ""}] * (MAX_DOCUMENTS + 1), "documents: "),
        ([{"id": 1, "text": ""}, {"id": 2}], "documents[1].text: Field required"),
        ([{"text": ""}], "documents[0].id"),
        ([{"id": True, "text": ""}], "documents[0].id"),
        ([{"id": 2**53 + 1, "text": ""}], "documents[0].id"),
        ([{"id": 1, "text": ""}, {"id": 2, "text": "\x00"}], "documents[1].text: expected a text"),
        ([{"id": 1, "text": "x" * 100_001}], "documents[0].text: expected at most 100,000"),
    ],
)
def test_bad_batch_names_the_document(client: FlaskClient, documents: Any, said: str) -> None:
    response = client.post(BATCH, json={"documents": documents})
    assert problem(response, 400).startswith(said)


def test_endless_number_is_refused(client: FlaskClient) -> None:
    body = '{"documents": [{"id": 1' + "0" * 5000 + ', "text": ""}]}'
    problem(client.post(BATCH, data=body, content_type="application/json"), 400)


@pytest.mark.parametrize(
    ("address", "content_type"),
    [
        (LINK, None),
        (LINK, "text/html"),
        (LINK, "text/plain; charset=latin-1"),
        (LINK, "application/json; charset=utf-16"),
        (LINK, "application/x-www-form-urlencoded"),
        (BATCH, "text/plain"),
    ],
)
def test_other_media_types_and_charsets_are_refused(
    client: FlaskClient, address: str, content_type: str | None
) -> None:
    response = client.post(address, data=b"{}", content_type=content_type)
    assert problem(response, 415).startswith("Content-Type: expected application/json")


@pytest.mark.parametrize("address", [LINK, BATCH])
def test_too_large_a_body_is_refused(client: FlaskClient, address: str) -> None:
    body = b'{"text": "' + b"x" * MAX_BODY_BYTES + b'"}'
    problem(client.post(address, data=body, content_type="application/json"), 413)


@pytest.mark.parametrize(
    "query", ["lang=fr", "min_confidence=2", "min_confidence=nan", "include_unlinked=perhaps"]
)
def test_bad_options_are_refused(client: FlaskClient, query: str) -> None:
    detail = problem(client.post(f"{LINK}?{query}", json={"text": TEXT}), 400)
    assert query.partition("=")[0] in detail


def test_document_says_what_the_bodies_are(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    link = spec["paths"][LINK]["post"]["requestBody"]["content"]
    assert set(link) == {"application/json", "text/plain"}
    schemas = spec["components"]["schemas"]
    assert schemas["TextDocument"]["required"] == ["text"]
    assert schemas["TextBatch"]["properties"]["documents"]["maxItems"] == MAX_DOCUMENTS
    assert schemas["BatchDocument"]["required"] == ["text", "id"]


def test_finder_is_loaded_for_the_first_text_and_again_for_a_new_snapshot(
    home: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    client = create_app(Settings(home=copy)).test_client()

    def health() -> Health:
        return Health.model_validate(client.get("/health").get_json())

    assert health().text_linking == "not loaded"
    first = client.post(LINK, json={"text": TEXT}).get_json()
    assert health().text_linking == "ready"
    published = current_path(Home(copy))
    assert published is not None
    shutil.copytree(published, published.with_name("20990101-another"))
    make_current(Home(copy), "20990101-another")
    assert health().text_linking == "ready"
    assert client.post(LINK, json={"text": TEXT}).get_json()["mentions"] == first["mentions"]


def test_snapshot_without_a_finder_answers_all_but_texts(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    published = current_path(Home(copy))
    assert published is not None
    (published / "finder.json.gz").unlink()
    client = create_app(Settings(home=copy)).test_client()
    assert "refresh --full" in problem(client.post(LINK, json={"text": TEXT}), 503)
    assert client.get("/api/v1/concepts/wd:Q181296").status_code == 200
