"""The W3C's SPARQL 1.1 tests against our endpoint, over HTTP.

The suite itself is not part of this repository: a small one of our own in the same format runs
always, the W3C's where ``MATHGLOSS_W3C_TESTS`` names its folder ``sparql`` (default: beside
the folder that ``MATHGLOSS_MIRROR`` names).
"""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import pytest

from api import create_app
from mathgloss.answers.service import Answers
from mathgloss.graph.index import INDEX, write_index
from mathgloss.graph.snapshot import Manifest, Snapshot, write_manifest
from tests.live import live
from tests.w3c_suite import MEDIA_TYPES, Case, Request, Suite, read_result, read_suite

OWN: Final = Path(__file__).parent / "fixtures" / "w3c"
FOLDERS: Final = (
    *("aggregates", "bind", "bindings", "cast", "construct", "csv-tsv-res", "exists", "functions"),
    *("grouping", "json-res", "negation", "project-expression", "property-path", "protocol"),
    *("subquery", "syntax-query"),
)
NOTHING: Final = "http://example.org/empty"

# the name of a test -> why we do otherwise than it expects
_UPDATE: Final = "policy: the endpoint is for queries only, updates are refused"
_EMPTY_PATH: Final = (
    "engine: a path of length zero finds a constant only where it occurs in the graph"
)
_LATE_GRAPH: Final = (
    "engine: inside GRAPH ?g the variable is joined early, so a part that does not use it (VALUES, "
    "a subquery, MINUS) is not evaluated once for each graph"
)
_LANGUAGES: Final = (
    "engine: GROUP_CONCAT gives the language tag that all its values share; the test, "
    "newer than SPARQL 1.1, compares with a plain literal"
)
EXCEPTIONS: Final = {
    "aggregates/agg-groupconcat-04": _LANGUAGES,
    "aggregates/agg-groupconcat-06": _LANGUAGES,
    "aggregates/agg-empty-group-count-graph": _LATE_GRAPH,
    "bindings/graph": _LATE_GRAPH,
    "negation/graph-minus": _LATE_GRAPH,
    "csv-tsv-res/tsv03": "engine: the store keeps types derived from integer as integer",
    "functions/bnode01": "engine: BNODE(text) gives the same node for the text in all solutions",
    "property-path/zero_or_more_set_start": _EMPTY_PATH,
    "property-path/zero_or_more_set_end": _EMPTY_PATH,
    "property-path/zero_or_one_set_start": _EMPTY_PATH,
    "property-path/zero_or_one_set_end": _EMPTY_PATH,
    "syntax-query/test_4": "engine: a function that it does not know is an error before any row",
    "protocol/update_dataset_default_graph": _UPDATE,
    "protocol/update_dataset_default_graphs": _UPDATE,
    "protocol/update_dataset_named_graphs": _UPDATE,
    "protocol/update_dataset_full": _UPDATE,
    "protocol/update_post_form": _UPDATE,
    "protocol/update_post_direct": _UPDATE,
    "protocol/update_base_uri": _UPDATE,
}

RESULT_KINDS: Final = {
    "tabular": {kind for suffix, kind in MEDIA_TYPES.items() if suffix != ".ttl"},
    "boolean": {"application/sparql-results+json", "application/sparql-results+xml"},
    "RDF": {"text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json"},
}


def w3c_folder() -> Path | None:
    """Where the W3C's suite lies, if it is there."""
    named = os.environ.get("MATHGLOSS_W3C_TESTS")
    mirror = os.environ.get("MATHGLOSS_MIRROR")
    folder = Path(named) if named else Path(mirror).parent / "sparql" if mirror else None
    return folder / "sparql11" if folder and (folder / "sparql11").is_dir() else None


def read() -> tuple[Suite, list[object]]:
    """Our own tests, and the W3C's where they are; each as a parameter."""
    folder = w3c_folder()
    own = read_suite([OWN])
    theirs = read_suite([folder / name for name in FOLDERS] if folder else [])
    parameters = [
        *(pytest.param(case, id=case.name) for case in own.cases),
        *(pytest.param(case, id=case.name, marks=pytest.mark.mirror) for case in theirs.cases),
    ]
    own.graphs |= theirs.graphs
    own.cases += theirs.cases
    return own, list(parameters)


SUITE, CASES = read()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[http.client.HTTPConnection]:
    """A connection to a service whose snapshot holds all graphs of the suites, by their names."""
    folder = tmp_path_factory.mktemp("w3c")
    SUITE.load(folder / "store")
    write_index(folder / INDEX, [], weights={}, descriptions={})
    manifest = Manifest(id="w3c", digest="0", created="2026-01-01T00:00:00+00:00")
    write_manifest(folder, manifest)
    with live(create_app(answers=Answers(Snapshot(folder)))) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        yield connection
        connection.close()


@pytest.mark.mirror
def test_w3c_suite_is_there() -> None:
    if w3c_folder() is None:
        pytest.skip("the W3C's tests are not here: MATHGLOSS_W3C_TESTS names their folder")
    assert len(CASES) > 300
    assert set(EXCEPTIONS) <= {case.name for case in SUITE.cases}, "an exception names no test"


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case, endpoint: http.client.HTTPConnection) -> None:
    if case.name not in EXCEPTIONS:
        check(case, endpoint)
        return
    with pytest.raises(AssertionError):
        check(case, endpoint)
    pytest.xfail(EXCEPTIONS[case.name])


def check(case: Case, endpoint: http.client.HTTPConnection) -> None:
    """Run a test.

    Raises:
        AssertionError: the endpoint does not do what the test expects.
    """
    if case.kind == "ProtocolTest":
        for request in case.requests:
            check_exchange(request, endpoint)
        return
    suffix = case.result.suffix if case.result else ".srj"
    status, kind, body = ask(case, suffix, endpoint)
    if case.kind.startswith("NegativeSyntaxTest"):
        assert status == 400, body
        assert b"not well-formed" in body
        return
    assert status == 200, body
    if case.result is not None:
        expected = read_result(case.result.read_bytes(), suffix, case.result.as_uri())
        assert read_result(body, suffix_of(kind)) == expected


def ask(case: Case, suffix: str, endpoint: http.client.HTTPConnection) -> tuple[int, str, bytes]:
    """Send the query of a test with its dataset: its status, media type and body."""
    assert case.query is not None
    # the tests resolve relative addresses against the query's own, which HTTP does not tell
    text = f"BASE <{case.query.as_uri()}>\n".encode() + case.query.read_bytes()
    dataset = [("default-graph-uri", name) for name in case.default]
    dataset += [("named-graph-uri", name) for name in case.named]
    if re.search(rb"\bFROM\b", text):  # its own dataset, which the protocol's would replace
        dataset = []
    elif not dataset:
        dataset = [("default-graph-uri", NOTHING)]
    headers = {"Content-Type": "application/sparql-query", "Accept": accepted(suffix)}
    endpoint.request("POST", f"/sparql?{urlencode(dataset)}", text, headers)
    with endpoint.getresponse() as response:
        return response.status, response.headers.get_content_type(), response.read()


def accepted(suffix: str) -> str:
    """What to ask for so that a result comes in the format of the expected one."""
    # a result described in Turtle may be of rows, and a test of syntax has no result
    others = {".srj": ", text/turtle;q=0.5", ".ttl": f", {MEDIA_TYPES['.srj']};q=0.5"}
    return MEDIA_TYPES[suffix] + others.get(suffix, "")


def check_exchange(request: Request, endpoint: http.client.HTTPConnection) -> None:
    """Send a request as it stands, and hold the response against what is expected.

    Raises:
        AssertionError: it is another.
    """
    address = "/sparql" + request.address.removeprefix("/sparql/")
    endpoint.request(request.method, address, request.body, request.headers)
    with endpoint.getresponse() as response:
        body, kind = response.read(), response.headers.get_content_type()
        assert str(response.status)[0] in request.statuses, body
    if request.kind is not None:
        assert kind in RESULT_KINDS[request.kind]
    if request.boolean is not None:
        assert read_result(body, suffix_of(kind)) is request.boolean


def suffix_of(media_type: str) -> str:
    """The suffix of files of a media type."""
    return next(suffix for suffix, name in MEDIA_TYPES.items() if name == media_type)
