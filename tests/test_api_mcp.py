"""Agents: the MCP server over stdio and HTTP, by the official client."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent, Tool

from api import create_app
from api.agents.outline import outline
from api.agents.server import LOCAL_TOOLS, TOOLS, build_server
from api.agents.shorten import Shortener
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from tests.live import live

ROOT = Path(__file__).parent.parent
TEXT = "Every abelian group is a module over the integers; a Hilbert space is complete."
CLAIMS = [
    {"term": "nlab:abelian+group", "concept": "wd:Q181296"},
    {"term": "abelian group", "concept": "wd:Q83478"},
    {"term": "frobnitz", "concept": "wd:Q83478"},
]
NAMES = "SELECT ?name { <http://www.wikidata.org/entity/Q181296> <http://www.w3.org/2004/02/skos/core#prefLabel> ?name } ORDER BY ?name"  # noqa: E501
# the golden list: every tool, with a call of it
CALLS: dict[str, dict[str, Any]] = {
    "search_concepts": {"query": "abelian group"},
    "get_concept": {"concept": "abelian group"},
    "verify_links": {"claims": CLAIMS},
    "concept_neighbours": {"concept": "wd:Q181296"},
    "path_between": {"start": "abelian group", "end": "vector space"},
    "learn_before": {"concept": "abelian group"},
    "link_text": {"text": TEXT},
    "papers_for_concept": {"concept": "wd:Q181296"},
    "get_paper": {"paper": "tac:1-01"},
    "experiments_for_concept": {"concept": "abelian group"},
    "get_experiment": {"experiment": "kernel-scores-on-groups"},
    "sparql_query": {"query": NAMES},
}
# what an agent reads of one answer, if it did not ask for more: some 2,000 tokens
MAX_CHARS = 8_000

Results = dict[str, CallToolResult]
Ask = Callable[..., CallToolResult]


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def ask_all(client: Client) -> tuple[list[Tool], Results]:
    async with client:
        tools = (await client.list_tools()).tools
        return tools, {
            name: await client.call_tool(name, arguments) for name, arguments in CALLS.items()
        }


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Where the whole application answers, on a real socket."""
    with live(create_app(Settings(home=home))) as address:
        yield address


@pytest.fixture(scope="module")
def over_http(address: str) -> tuple[list[Tool], Results]:
    return asyncio.run(ask_all(Client(f"{address}/mcp")))


@pytest.fixture(scope="module")
def over_stdio(home: Path) -> tuple[list[Tool], Results]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mathgloss", "--home", str(home), "mcp"],
        cwd=ROOT,
        env={"MATHGLOSS_ENCODER": "none", "MATHGLOSS_DATA": os.environ.get("MATHGLOSS_DATA", "")},
    )
    return asyncio.run(ask_all(Client(stdio_client(server))))


@pytest.fixture
def ask(answers: Answers) -> Ask:
    """Call a tool of a server in this process."""

    async def call(name: str, arguments: dict[str, Any]) -> CallToolResult:
        async with Client(build_server(lambda: answers, LOCAL_TOOLS)) as client:
            return await client.call_tool(name, arguments)

    return lambda name, **arguments: asyncio.run(call(name, arguments))


@pytest.fixture
def rest(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def structured(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


# --------------------------------------------------------------------------------- both transports


def test_the_tools_are_these(
    over_http: tuple[list[Tool], Results], over_stdio: tuple[list[Tool], Results]
) -> None:
    # over HTTP a run waits for its turn
    assert [tool.name for tool in over_http[0]] == [*CALLS, "run_experiment"]
    assert [tool.name for tool in over_stdio[0]] == [*CALLS, "run_experiment"]


def test_every_tool_says_what_it_is(over_stdio: tuple[list[Tool], Results]) -> None:
    for tool in over_stdio[0]:
        assert tool.title
        assert tool.description
        assert len(tool.description) < 500
        assert "Raises" not in tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (tool.name != "run_experiment")
        assert tool.annotations.destructive_hint is False
        assert "answers" not in tool.input_schema["properties"]
        assert tool.output_schema is not None
        assert "snapshot" in tool.output_schema["required"]
        for name, member in tool.input_schema["properties"].items():
            assert "description" in member or "$ref" in str(member), (tool.name, name)


@pytest.mark.parametrize("tool", CALLS)
def test_every_tool_answers_the_same_over_both(
    tool: str,
    answers: Answers,
    over_http: tuple[list[Tool], Results],
    over_stdio: tuple[list[Tool], Results],
) -> None:
    held = structured(over_http[1][tool])
    assert held == structured(over_stdio[1][tool])
    assert held["snapshot"] == answers.snapshot.id
    text = text_of(over_http[1][tool])
    assert text == text_of(over_stdio[1][tool]) == outline(held)
    assert len(text) <= MAX_CHARS


def test_a_client_of_the_earlier_protocol(
    address: str, over_http: tuple[list[Tool], Results]
) -> None:
    tools, results = asyncio.run(ask_all(Client(f"{address}/mcp", mode="legacy")))
    assert [tool.name for tool in tools] == [*CALLS, "run_experiment"]
    assert {name: structured(result) for name, result in results.items()} == {
        name: structured(result) for name, result in over_http[1].items()
    }


def test_many_agents_at_once(address: str) -> None:
    async def ask_at_once() -> list[bool]:
        async with Client(f"{address}/mcp") as client:
            calls = (client.call_tool("search_concepts", {"query": "group"}) for _ in range(20))
            return [result.is_error for result in await asyncio.gather(*calls)]

    assert asyncio.run(ask_at_once()) == [False] * 20


# ------------------------------------------------------------------------------ agreement with REST


def fetch(rest: FlaskClient, address: str, **parameters: Any) -> Any:
    response = rest.get(f"/api/v1/{address}", query_string=parameters)
    assert response.status_code == 200, response.text
    return response.json


def test_search_agrees_with_rest(ask: Ask, rest: FlaskClient) -> None:
    ours = structured(ask("search_concepts", query="group", limit=5))
    theirs = fetch(rest, "search", q="group", limit=5)["results"]
    assert [hit["id"] for hit in ours["results"]] == [hit["id"] for hit in theirs]
    assert [hit["label"] for hit in ours["results"]] == [hit["label"] for hit in theirs]


@pytest.mark.parametrize("concept", ["wd:Q181296", "group", "nlab:group", "lean:Group"])
def test_a_concept_agrees_with_rest(ask: Ask, rest: FlaskClient, concept: str) -> None:
    sections = ["names", "definitions", "lean", "links", "broader", "narrower", "papers"]
    ours = structured(ask("get_concept", concept=concept, detail=sections))
    theirs = fetch(rest, f"concepts/{concept}")
    assert ours["concept"] == {"id": theirs["id"], "label": theirs["label"]}
    assert ours["names"] == theirs["labels"]
    assert ours["lean"] == [held["declaration"] for held in theirs["lean"]]
    for members, names in {
        "links": ("id", "predicate", "set", "confidence"),
        "broader": ("id", "label"),
        "narrower": ("id", "label"),
        "papers": ("id", "title", "mentions"),
    }.items():
        given = ours[members]
        assert given == [
            {**held, **{name: whole[name] for name in names}}
            for held, whole in zip(given, theirs[members], strict=False)
        ]
        assert len(given) == min(len(theirs[members]), len(given))
    assert {said["url"] for said in ours["definitions"]} <= {
        said["url"] for said in theirs["definitions"]
    }


def test_papers_agree_with_rest(ask: Ask, rest: FlaskClient) -> None:
    ours = structured(ask("papers_for_concept", concept="group", limit=3))
    theirs = fetch(rest, "concepts/wd:Q83478/papers", limit=3)
    assert [paper["id"] for paper in ours["papers"]] == [paper["id"] for paper in theirs["items"]]
    assert (ours["total"], ours["next"]) == (theirs["total"], theirs["next"])
    paper = structured(ask("get_paper", paper="tac:1-01", limit=100))
    mentions = fetch(rest, "papers/tac:1-01")["mentions"]
    assert {held["id"] for held in paper["concepts"]} == {held["concept"] for held in mentions}
    assert sum(held["mentions"] for held in paper["concepts"]) == len(mentions)


def test_claims_agree_with_rest(ask: Ask, rest: FlaskClient) -> None:
    ours = structured(ask("verify_links", claims=CLAIMS))
    theirs = rest.post("/api/v1/links/verify", json={"claims": CLAIMS}).json
    assert theirs is not None
    for members in ("verdict", "reason", "term", "concept"):
        assert [held[members] for held in ours["claims"]] == [
            held[members] for held in theirs["claims"]
        ]
    assert ours["counts"] == theirs["counts"] == {"confirmed": 1, "contradicted": 1, "unknown": 1}


def test_texts_agree_with_rest(ask: Ask, rest: FlaskClient) -> None:
    ours = structured(ask("link_text", text=TEXT))["mentions"]
    response = rest.post("/api/v1/link", json={"text": TEXT})
    assert response.status_code == 200, response.text
    theirs = response.json
    assert theirs is not None
    members = ("start", "end", "surface", "concept", "confidence")
    assert [[held[name] for name in members] for held in ours] == [
        [held[name] for name in members] for held in theirs["mentions"]
    ]
    assert "wd:Q181296" in {held["concept"] for held in ours}


def test_relations_agree_with_rest(ask: Ask, rest: FlaskClient) -> None:
    path = structured(ask("path_between", start="abelian group", end="group"))
    theirs = fetch(rest, "path", **{"from": "abelian group", "to": "group"})
    assert path["found"]
    assert [step["relation"] for step in path["steps"]] == [
        step["relation"] for step in theirs["steps"]
    ]
    around = structured(ask("concept_neighbours", concept="wd:Q181296", limit=10))
    nodes = fetch(rest, "concepts/wd:Q181296/neighbours", limit=10)["nodes"]
    listed = {other["id"] for others in around["relations"].values() for other in others}
    assert listed == {node["id"] for node in nodes[1:]}
    card = fetch(rest, "concepts/wd:Q181296")
    assert {other["id"] for other in around["relations"]["broader"]} <= {
        other["id"] for other in card["broader"]
    }
    reading = structured(ask("learn_before", concept="wd:Q181296", limit=5))["steps"]
    steps = fetch(rest, "concepts/wd:Q181296/prerequisites", limit=5)["steps"]
    assert [step["id"] for step in reading] == [step["id"] for step in steps]


def test_sparql_agrees_with_the_endpoint(ask: Ask, rest: FlaskClient) -> None:
    ours = structured(ask("sparql_query", query=NAMES, limit=200))
    theirs = rest.post("/sparql", data={"query": NAMES}).json
    assert theirs is not None
    assert [[f"{row['name']['value']}@{row['name']['xml:lang']}"] for row in rows_of(theirs)] == (
        ours["rows"]
    )


def rows_of(results: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = results["results"]["bindings"]
    return found


# ------------------------------------------------------------------------------ short and honest


def test_what_nothing_is_called_has_no_match(ask: Ask) -> None:
    answer = structured(ask("get_concept", concept="frobnitz group"))
    assert (answer["match"], answer["concept"]) == ("none", None)
    assert "wd:Q83478" in {other["id"] for other in answer["nearest"]}
    found = structured(ask("search_concepts", query="frobnitz"))
    assert (found["match"], found["results"], found["nearest"]) == ("none", [], [])
    for tool in ("papers_for_concept", "concept_neighbours", "learn_before"):
        assert structured(ask(tool, concept="frobnitz"))["match"] == "none"
    path = structured(ask("path_between", start="group", end="frobnitz"))
    assert (path["found"], path["reason"]) == (False, "there is no concept 'frobnitz'")


def test_a_name_that_is_shared_lists_the_others(ask: Ask) -> None:
    answer = structured(ask("get_concept", concept="kernel"))
    assert answer["match"] == "name"
    assert answer["concept"]["id"] not in {other["id"] for other in answer["same_name"]}
    assert answer["same_name"]
    assert structured(ask("get_concept", concept="wd:Q83478"))["same_name"] == []


def test_what_is_cut_is_said(ask: Ask, answers: Answers) -> None:
    short = structured(ask("get_concept", concept="group"))
    cuts = {cut["what"]: cut for cut in short["cut"]}
    whole = answers.concept("group")
    assert len(short["links"]) == cuts["links"]["shown"] < cuts["links"]["total"]
    assert cuts["links"]["total"] == len(whole["links"])
    assert cuts["links"]["more"] == "detail: links"
    longer = structured(ask("get_concept", concept="group", detail=["links"]))
    assert len(longer["links"]) == len(whole["links"])
    rows = structured(ask("sparql_query", query="SELECT ?s { ?s ?p ?o } LIMIT 50", limit=3))
    assert len(rows["rows"]) == 3
    assert (rows["cut"][0]["shown"], rows["cut"][0]["total"]) == (3, 50)


def test_large_answers_stay_short(ask: Ask) -> None:
    graph = "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 2000"
    for call in (
        ask("sparql_query", query="SELECT * { ?s ?p ?o } LIMIT 2000", limit=200),
        ask("sparql_query", query=graph),
        ask("link_text", text=TEXT * 50),
        ask("verify_links", claims=[CLAIMS[0]] * 50),
    ):
        assert structured(call)["cut"]
        assert len(text_of(call)) <= 1.5 * MAX_CHARS


def test_the_kinds_of_sparql_answers(ask: Ask) -> None:
    assert structured(ask("sparql_query", query="ASK { ?s ?p ?o }"))["boolean"] is True
    assert structured(ask("sparql_query", query="ASK { ?s ?p 42.5 }"))["boolean"] is False
    unbound = "SELECT ?a ?b { VALUES (?a ?b) { (1 UNDEF) } }"
    assert structured(ask("sparql_query", query=unbound))["rows"] == [["1", None]]
    graph = structured(ask("sparql_query", query="CONSTRUCT { <x:a> <x:b> 1 } {}"))
    assert "<x:a> <x:b>" in graph["triples"]


def test_an_ambiguous_word_is_left_open(ask: Ask) -> None:
    (mention,) = structured(ask("link_text", text="This is the kernel."))["mentions"]
    assert mention["concept"] is None
    assert {"id", "label", "confidence"} == mention["nearest"][0].keys()


def test_a_run_of_an_experiment(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    record: dict[str, Any] = {
        "run": "r1", "id": "x", "state": "failed", "verdict": None, "preset": "quick", "seed": 3,
        "duration_s": 0.5, "failure": {"kind": "time", "message": "took too long"},
        "metrics": [], "checks": [],
    }  # fmt: skip
    given: list[Any] = []

    def run(self: Answers, name: str, params: Any, *, seed: int, quick: bool) -> Any:
        given.append((name, params, seed, quick))
        return record

    monkeypatch.setattr(Answers, "run_experiment", run)
    answer = structured(ask("run_experiment", experiment="x", parameters={"n": 2}, seed=3))
    assert given == [("x", {"n": 2}, 3, True)]
    assert answer["failure"] == {"kind": "time", "message": "took too long"}


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("no_such_tool", {}, "no tool 'no_such_tool'; there are search_concepts, get_concept"),
        ("search_concepts", {}, "search_concepts: query: Field required"),
        ("search_concepts", {"query": "x", "limit": 99}, "limit: Input should be less than or"),
        ("get_concept", {"concept": "x", "detail": ["all"]}, "detail.0: Input should be 'names'"),
        ("get_concept", {"concept": "group", "language": "!"}, "lang: expected tags such as fr"),
        ("get_paper", {"paper": "tac:0-00"}, "no paper 'tac:0-00'"),
        ("get_experiment", {"experiment": "x"}, "no experiment 'x'; known: "),
        ("papers_for_concept", {"concept": "group", "cursor": "%"}, "cursor: expected"),
        ("verify_links", {"claims": []}, "claims: List should have at least 1 item"),
        ("link_text", {"text": "a\x00b"}, "U+0000"),
        ("sparql_query", {"query": "SELEC"}, "the query is not well-formed"),
        ("sparql_query", {"query": "DROP ALL"}, "updates are refused"),
        (
            "sparql_query",
            {"query": "ASK { SERVICE <x:y> { ?s ?p ?o } }"},
            "SERVICE is refused",
        ),
    ],
)
def test_errors_say_what_to_do(
    ask: Ask, tool: str, arguments: dict[str, Any], message: str
) -> None:
    result = ask(tool, **arguments)
    assert result.is_error
    assert message in text_of(result)
    assert "Traceback" not in text_of(result)
    assert "pydantic" not in text_of(result)


def test_a_bug_is_an_error_without_its_details(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(Answers, "search", fail)
    result = ask("search_concepts", query="group")
    assert result.is_error
    assert text_of(result) == (
        "search_concepts failed to answer; the cause is in the service's log"
    )


def test_without_a_snapshot_agents_are_told(tmp_path: Path) -> None:
    async def call(address: str) -> CallToolResult:
        async with Client(f"{address}/mcp") as client:
            return await client.call_tool("search_concepts", {"query": "group"})

    with live(create_app(Settings(home=tmp_path))) as address:
        result = asyncio.run(call(address))
    assert result.is_error
    assert "run 'mathgloss refresh'" in text_of(result)


# ------------------------------------------------------------------------------------------- HTTP

LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_are_no_streams_and_sessions(rest: FlaskClient, method: str) -> None:
    response = rest.open("/mcp", method=method)
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (LIST, JSON, 200),
        (LIST, {**JSON, "Host": "other.example", "Origin": "https://other.example"}, 200),
        (LIST, {**JSON, "Content-Type": "text/plain"}, 415),
        (LIST, {**JSON, "Accept": "text/html"}, 406),
        (b"{", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[" * 50_000, JSON, 400),
        (b"[]", JSON, 400),
        (b" " * 1_000_001, JSON, 413),
    ],
)
def test_what_is_posted(
    rest: FlaskClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    response = rest.post("/mcp", data=body, headers=headers)
    assert response.status_code == status
    assert response.mimetype in {"application/json", "application/problem+json"}
    assert response.headers["Cache-Control"] == "no-store"


def test_pages_of_other_sites_may_ask(rest: FlaskClient) -> None:
    response = rest.options("/mcp")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "MCP-Protocol-Version" in response.headers["Access-Control-Allow-Headers"]


def test_it_is_no_part_of_the_rest_description(rest: FlaskClient) -> None:
    spec = rest.get("/openapi.json").json
    assert spec is not None
    assert "/mcp" not in spec["paths"]


@pytest.mark.parametrize(
    "code", ["import api; api.create_app()", "import mathgloss.cli, api.agents.command"]
)
def test_nothing_of_it_is_loaded_before_an_agent_calls(tmp_path: Path, code: str) -> None:
    loaded = "import sys; print(sorted({'mcp', 'starlette', 'a2wsgi', 'anyio'} & {*sys.modules}))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; {loaded}"],
        env={**os.environ, "MATHGLOSS_HOME": str(tmp_path)},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------- the outline


def test_the_outline_of_an_answer() -> None:
    answer = {
        "match": "name",
        "concept": {"id": "wd:Q1", "label": "group"},
        "names": {"en": ["group", "abstract\n group"], "fr": []},
        "broader": [{"id": "wd:Q2", "label": "monoid"}],
        "rows": [["a", None], ["b", "c"]],
        "found": True,
        "share": 0.123456789,
        "triples": "a .\nb .",
        "lean": [],
        "cut": [],
        "abstract": None,
    }
    assert outline(answer).splitlines() == [
        "match: name",
        "concept:",
        "  id: wd:Q1",
        "  label: group",
        "names:",
        "  en: group; abstract group",
        "broader:",
        "- wd:Q2 monoid",
        "rows:",
        "- a; –",
        "- b; c",
        "found: yes",
        "share: 0.123457",
        "triples:",
        "  a .",
        "  b .",
        "lean: none",
    ]


def test_texts_are_cut_between_words_and_lose_their_links() -> None:
    short = Shortener()
    assert short.text("it", "A [group](https://x.org/a) is", 40, more="there") == "A group is"
    assert short.cuts == []
    assert short.text("it", "one two three", 9, more="there") == "one two …"
    assert short.cuts == [{"what": "it", "shown": 9, "total": 13, "more": "there"}]


def test_every_local_tool_is_listed_once() -> None:
    names = [tool.run.__name__ for tool in LOCAL_TOOLS]
    assert len(names) == len(set(names))
    assert [tool.run.__name__ for tool in TOOLS] == names
