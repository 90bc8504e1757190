"""Every operation of the OpenAPI document, asked with what its schema allows and what it does not.

schemathesis makes the requests; an answer must have a documented status, media type and shape, and
no request may make the service fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api import create_app
from mathgloss.config import Settings

EXAMPLES = 20
# what a schema cannot say is refused with 400: text that is no query, a cursor of another list
METHODS = {"get", "post", "put", "delete"}


def operations() -> list[tuple[str, str]]:
    """Method and path of each operation; the document needs no data."""
    with create_app(Settings(home=Path("nowhere"))).test_client() as client:
        document = client.get("/openapi.json").get_json()
    return [
        (method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if method in METHODS
    ]


@pytest.fixture(scope="module")
def schema(home: Path) -> Any:
    """The document of an application that has data."""
    return schemathesis.openapi.from_wsgi("/openapi.json", create_app(Settings(home=home)))


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), operations())
def test_an_operation_answers_as_documented(schema: Any, method: str, path: str) -> None:
    @given(case=schema[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    def ask(case: Any) -> None:
        # over WSGI schemathesis does not unpack
        plain = {"Accept-Encoding": "identity"}
        case.call_and_validate(headers=plain, excluded_checks=[positive_data_acceptance])

    ask()
