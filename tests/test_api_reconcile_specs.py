"""Our answers and refusals against the specifications' own JSON Schemas and examples.

The schemas and examples are not ours to pass on: ``MATHGLOSS_RECONCILIATION_SPECS`` names a clone
of https://github.com/reconciliation-api/specs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from api import create_app
from mathgloss.answers.properties import PROPERTIES
from mathgloss.config import Settings

VARIABLE = "MATHGLOSS_RECONCILIATION_SPECS"
SPECS = Path(os.environ.get(VARIABLE, "/nonexistent"))
ROOTS = {"0.2": "/reconcile", "1.0-draft": "/reconcile/1.0-draft"}
ABELIAN = "wd:Q181296"
NAMES = ["abelian group", "ring", "groupe abélien", "Q181296", "zzz", "kernel (algebra)"]
# what the schemas say of authentication stands in a schema of others; we have none
AUTHENTICATION = "http://swagger.io/v2/schema.json"

pytestmark = pytest.mark.skipif(
    not SPECS.is_dir(), reason=f"{VARIABLE} names no clone of reconciliation-api/specs"
)


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def validator(version: str, name: str) -> Draft7Validator:
    """The validator of one official schema; their references to each other are by file name."""
    folder = SPECS / version / "schemas"
    schemas = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    said: dict[str, Any] = {"definitions": {"securityDefinitions": {"additionalProperties": {}}}}
    resources = [(AUTHENTICATION, said)]
    for key, schema in schemas.items():
        base = schemas[f"{name}.json"]["$id"].rpartition("/")[0]
        schema.pop("$schema", None)
        resources += [(f"{base}/{key}", schema), (schema.get("$id", key), schema)]
    registry: Registry[Any] = Registry().with_resources(
        (key, DRAFT7.create_resource(held)) for key, held in resources
    )
    return Draft7Validator(schemas[f"{name}.json"], registry=registry)


def examples(validity: str) -> list[Any]:
    folders = {
        version: SPECS / version / "examples" / "reconciliation-query-batch" / validity
        for version in ROOTS
    }
    return [
        pytest.param(version, path, id=f"{version}-{path.stem}")
        for version, folder in folders.items()
        for path in sorted(folder.glob("*.json"))
    ]


def ask(client: FlaskClient, version: str, batch: str) -> Any:
    if version == "0.2":
        return client.post(ROOTS[version], data={"queries": batch})
    return client.post(f"{ROOTS[version]}/match", data=batch, content_type="application/json")


@pytest.mark.parametrize(("version", "path"), examples("valid"))
def test_valid_examples_are_answered(client: FlaskClient, version: str, path: Path) -> None:
    validator(version, "reconciliation-query-batch").validate(json.loads(path.read_text("utf-8")))
    response = ask(client, version, path.read_text("utf-8"))
    assert response.status_code == 200, response.get_data(as_text=True)
    validator(version, "reconciliation-result-batch").validate(response.get_json())


@pytest.mark.parametrize(("version", "path"), examples("invalid"))
def test_invalid_examples_are_refused(client: FlaskClient, version: str, path: Path) -> None:
    batch = json.loads(path.read_text("utf-8"))
    assert not validator(version, "reconciliation-query-batch").is_valid(batch)
    assert ask(client, version, path.read_text("utf-8")).status_code == 400


@pytest.mark.parametrize("version", ROOTS)
def test_our_manifest_is_valid(client: FlaskClient, version: str) -> None:
    validator(version, "manifest").validate(client.get(ROOTS[version]).get_json())


@pytest.mark.parametrize("version", ROOTS)
def test_our_candidates_are_valid(client: FlaskClient, version: str) -> None:
    batch: Any = {f"q{n}": {"query": text} for n, text in enumerate(NAMES)}
    if version != "0.2":
        batch = {
            "queries": [
                {"conditions": [{"matchType": "name", "propertyValue": text}]} for text in NAMES
            ]
        }
    validator(version, "reconciliation-query-batch").validate(batch)
    response = ask(client, version, json.dumps(batch)).get_json()
    validator(version, "reconciliation-result-batch").validate(response)


@pytest.mark.parametrize("version", ROOTS)
@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("entity", "suggest-entities-response"),
        ("property", "suggest-properties-response"),
        ("type", "suggest-types-response"),
    ],
)
def test_our_suggestions_are_valid(
    client: FlaskClient, version: str, kind: str, schema: str
) -> None:
    if not (SPECS / version / "schemas" / f"{schema}.json").is_file():
        pytest.skip(f"{SPECS} has no {schema} of {version}")
    prefix = "gr" if kind == "entity" else ""
    response = client.get(f"{ROOTS[version]}/suggest/{kind}", query_string={"prefix": prefix})
    assert response.get_json()["result"]
    validator(version, schema).validate(response.get_json())


@pytest.mark.parametrize("version", ROOTS)
def test_our_extension_is_valid(client: FlaskClient, version: str) -> None:
    properties = [{"id": each} for each in PROPERTIES]
    query = {"ids": [ABELIAN, "wd:Q83478", "nothing"], "properties": properties}
    if version == "0.2":
        response = client.post(ROOTS[version], data={"extend": json.dumps(query)})
    else:
        response = client.post(f"{ROOTS[version]}/extend", json=query)
    assert response.status_code == 200
    validator(version, "data-extension-response").validate(response.get_json())


def test_our_proposals_are_valid(client: FlaskClient) -> None:
    response = client.get(f"{ROOTS['1.0-draft']}/extend/propose", query_string={"type": "concept"})
    validator("1.0-draft", "data-extension-property-proposal").validate(response.get_json())
