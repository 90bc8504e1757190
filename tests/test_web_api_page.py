"""The documentation of the API: all operations, examples that answer, the promise."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.pages.docs import STABILITY
from mathgloss.answers.service import Answers

DOCS = Path(__file__).parent.parent / "docs" / "api.md"


@pytest.fixture(scope="module")
def client(answers: Answers) -> FlaskClient:
    return create_app(answers=answers).test_client()


@pytest.fixture(scope="module")
def page(client: FlaskClient) -> str:
    response = client.get("/api")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    return response.text


def test_every_operation_is_there_with_its_parameters(client: FlaskClient, page: str) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    assert len(paths) > 10
    for path, operations in paths.items():
        for operation in operations.values():
            _, _, rest = page.partition(f'id="{operation["operationId"]}"')
            shown = html.unescape(rest.partition("</details>")[0])
            assert path in shown
            for parameter in operation.get("parameters", ()):
                assert f"<code>{parameter['name']}</code>" in shown
            for status in operation["responses"]:
                assert f"<dd>{status}</dd>" in shown


def test_examples_answer(client: FlaskClient, page: str) -> None:
    addresses = [html.unescape(found) for found in re.findall(r'Try it: <a href="([^"]+)"', page)]
    assert len(addresses) > 10
    for address in addresses:
        status = client.get(address).status_code
        assert status in {200, 404}, address  # the small world does not hold every example
    assert client.get("/api/v1/concepts/wd:Q181296").status_code == 200


def test_promise_is_the_same_on_the_page_and_in_the_documentation(page: str) -> None:
    text = STABILITY.read_text(encoding="utf-8")
    assert DOCS.read_text(encoding="utf-8").endswith(text)
    assert "<strong>What may be added at any time.</strong>" in page
    assert "Deprecation" in page
    assert "twelve months" in page


def test_every_page_leads_to_it(client: FlaskClient) -> None:
    assert 'href="/api"' in client.get("/").text
