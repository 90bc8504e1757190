"""Runs through the service: asked for, followed, cancelled; by REST, the form and agents."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from mcp.client.client import Client

from api import create_app, runs
from api.agents import runs as agent_runs
from api.app import build_app
from api.command import command
from api.problems import ProblemError
from api.run_forms import form_fields, given_parameters
from api.runs import follow, text_of_events
from api.schemas.experiments import RunAnswer, RunList
from mathgloss.config import Settings
from mathgloss.experiments import RunQueue
from mathgloss.paths import Home
from tests.live import live
from tests.workers import copy_home, ended, wait_for, working

# the one whose quick run is the shortest
SCORES = "kernel-scores-on-groups"
RFM = "rfm-symmetry-breaking"
SMALL = {"params": {"tests": 5, "forecasts": 50}, "preset": "quick"}


@pytest.fixture(scope="module")
def own_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_home(home, tmp_path_factory.mktemp("runs") / "home")


@pytest.fixture(scope="module")
def worker(own_home: Path) -> Iterator[None]:
    with working(own_home):
        yield


@pytest.fixture
def client(own_home: Path) -> FlaskClient:
    return create_app(Settings(home=own_home)).test_client()


@pytest.fixture
def idle(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A service whose queue is taken for worked on, although nothing takes anything out."""
    monkeypatch.setattr(RunQueue, "is_served", lambda self: True)
    return create_app(Settings(home=copy_home(home, tmp_path / "home"))).test_client()


@pytest.fixture(scope="module")
def done(own_home: Path, worker: None) -> dict[str, Any]:
    """A quick run that was asked for and has ended."""
    client = create_app(Settings(home=own_home)).test_client()
    response = client.post(f"/api/v1/experiments/{SCORES}/runs", json=SMALL)
    assert response.status_code == 202, response.text
    return ended(Home(own_home), response.get_json()["run"])


def asked(client: FlaskClient, body: object = SMALL, name: str = SCORES, **options: Any) -> Any:
    return client.post(f"/api/v1/experiments/{name}/runs", json=body, **options)


# ------------------------------------------------------------------------------------------ asking


def test_a_run_is_taken_and_found_at_its_address(idle: FlaskClient) -> None:
    response = asked(idle)
    assert response.status_code == 202
    assert response.headers["Cache-Control"] == "no-store"
    held = response.get_json()
    assert response.headers["Location"] == f"/api/v1/runs/{held['run']}"
    assert (held["state"], held["waiting"], held["params"]["tests"]) == ("queued", 0, 5)
    assert RunAnswer.model_validate(held).model_dump(mode="json") == held
    assert idle.get(response.headers["Location"]).get_json() == held
    assert asked(idle).get_json()["run"] == held["run"]
    assert asked(idle, {**SMALL, "fresh": True}).get_json()["run"] != held["run"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"params": {"n": 5}}, 400, "parameter 'n': expected greater than or equal to 12, got 5"),
        ({"params": {"m": 5}}, 400, "parameter 'm' is unknown; expected one of n, forecasts"),
        ({"params": {"frequencies": [3, 1]}}, 400, "got [3, 1]"),
        ({"seed": -1}, 400, "seed"),
        ({"seed": 2**32}, 400, "seed"),
        ({"preset": "long"}, 400, "preset"),
        ({"speed": 1}, 400, "speed"),
        ([], 400, ""),
    ],
)
def test_what_cannot_be_run_is_refused(
    idle: FlaskClient, body: object, status: int, message: str
) -> None:
    response = asked(idle, body)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert message in response.get_json()["detail"]
    assert idle.get("/api/v1/runs").get_json()["items"] == []


def test_an_unknown_experiment_is_not_found(idle: FlaskClient) -> None:
    assert asked(idle, name="nothing").status_code == 404
    assert idle.get("/api/v1/runs?experiment=nothing").status_code == 404


def test_too_many_of_one_address_are_refused(idle: FlaskClient) -> None:
    for seed in range(3):
        assert asked(idle, {**SMALL, "seed": seed}).status_code == 202
    refused = asked(idle, {**SMALL, "seed": 3})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert asked(idle, {**SMALL, "seed": 3}, environ_base=elsewhere).status_code == 202


def test_without_a_worker_none_is_taken(home: Path, tmp_path: Path) -> None:
    app = create_app(Settings(home=copy_home(home, tmp_path / "home")))
    response = asked(app.test_client())
    assert response.status_code == 503
    assert response.get_json()["type"].endswith("/no-runs-now")
    assert "Retry-After" in response.headers


def test_a_run_that_waits_is_cancelled(idle: FlaskClient) -> None:
    run = asked(idle).get_json()["run"]
    held = idle.post(f"/api/v1/runs/{run}/cancel").get_json()
    assert held["state"] == "cancelled"
    assert RunAnswer.model_validate(held).model_dump(mode="json") == held
    assert idle.post("/api/v1/runs/nothing/cancel").status_code == 404


def test_runs_are_listed_newest_first_a_page_at_a_time(idle: FlaskClient) -> None:
    names = [asked(idle, {**SMALL, "seed": seed}).get_json()["run"] for seed in range(3)]
    listed: list[str] = []
    address = f"/api/v1/runs?experiment={SCORES}&limit=2"
    while address:
        page = idle.get(address).get_json()
        assert RunList.model_validate(page).model_dump(mode="json") == page
        assert page["total"] == 3
        listed += [item["run"] for item in page["items"]]
        address = page["next"] and f"/api/v1/runs?limit=2&cursor={page['next']}"
    assert listed == sorted(names, reverse=True)
    assert idle.get(f"/api/v1/runs?experiment={RFM}").get_json()["items"] == []
    assert idle.get("/api/v1/runs?cursor=!").status_code == 400


# --------------------------------------------------------------------------------------- following


def test_a_run_that_has_ended_says_what_it_found(client: FlaskClient, done: dict[str, Any]) -> None:
    response = client.get(f"/api/v1/runs/{done['run']}")
    assert response.headers["Cache-Control"] == "no-store"
    held = response.get_json()
    assert held == json.loads(json.dumps(done))
    assert RunAnswer.model_validate(held).model_dump(mode="json") == held
    assert (held["state"], held["preset"]) == ("finished", "custom")
    assert held["checks"]
    assert held["machine"]


@pytest.mark.parametrize(
    ("form", "media_type", "begin"),
    [("", "image/svg+xml", b"<?xml"), ("?format=png", "image/png", b"\x89PNG")],
)
def test_a_figure_is_shown_and_can_do_nothing_else(
    client: FlaskClient, done: dict[str, Any], form: str, media_type: str, begin: bytes
) -> None:
    response = client.get(f"/api/v1/runs/{done['run']}/figure{form}")
    assert response.mimetype == media_type
    assert response.data.startswith(begin)
    policy = response.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    tag = {"If-None-Match": response.headers["ETag"]}
    assert client.get(f"/api/v1/runs/{done['run']}/figure{form}", headers=tag).status_code == 304


@pytest.mark.parametrize("path", ["nothing/figure", "nothing/events", "..%2Fqueue/figure"])
def test_what_is_not_there_has_no_figure_and_no_events(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1/runs/{path}").status_code == 404


def test_a_run_that_waits_has_no_figure(idle: FlaskClient) -> None:
    run = asked(idle).get_json()["run"]
    assert idle.get(f"/api/v1/runs/{run}/figure").status_code == 404


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of each event of a stream."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("event: ")]
    return [(name[7:], json.loads(data[6:])) for name, data in blocks]


@pytest.mark.usefixtures("worker")
def test_events_come_as_a_run_goes_on(own_home: Path) -> None:
    app = create_app(Settings(home=own_home))
    run = asked(app.test_client(), {"preset": "quick", "seed": 77}, RFM).get_json()["run"]
    with (
        live(app) as address,
        urllib.request.urlopen(f"{address}/api/v1/runs/{run}/events", timeout=60) as response,
    ):
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        events = events_of(response.read().decode())
    assert [name for name, _ in events][-1] == "end"
    assert {name for name, _ in events[:-1]} == {"progress"}
    states = [data["state"] for _, data in events]
    assert states == sorted(states, key=["queued", "running", "finished"].index)
    assert "running" in states
    assert events[-1][1]["verdict"] is not None
    fractions = [data["progress"]["fraction"] for _, data in events]
    assert fractions == sorted(fractions)


def progress(state: str = "running", fraction: float = 0.5) -> dict[str, Any]:
    return {"run": "r", "state": state, "progress": {"fraction": fraction, "message": "so far"}}


def test_only_a_few_may_follow_at_a_time_and_places_are_given_back() -> None:
    held = [follow(progress) for _ in range(runs.STREAMS)]
    with pytest.raises(ProblemError, match="ask for the run itself once a second"):
        follow(progress)
    for following in held:
        following.close()
        following.close()
    follow(progress).close()


def test_a_stream_beats_while_nothing_changes_and_ends_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("api.runs.time.sleep", sleep)
    with closing(follow(progress, clock=lambda: now[0])) as following:
        text = "".join(text_of_events(following))
    assert text.startswith("retry: 1000\n\nevent: progress\n")
    assert text.count("event: ") == 1
    assert text.count(": still there\n\n") == int(runs.STREAM_S / runs.HEARTBEAT_S) - 1
    assert now[0] >= runs.STREAM_S


# ------------------------------------------------------------------------------------------- pages


def test_the_form_leads_to_the_page_of_the_run(idle: FlaskClient) -> None:
    form = {"parameter-tests": "5", "parameter-frequencies": "1, 3", "preset": "quick", "seed": "4"}
    response = idle.post(f"/experiment/{SCORES}", data=form)
    assert response.status_code == 303
    run = response.headers["Location"].removeprefix("/run/")
    held = idle.get(f"/api/v1/runs/{run}").get_json()
    assert (held["params"]["tests"], held["params"]["frequencies"]) == (5, [1, 3])
    assert (held["params"]["repeats"], held["seed"]) == (1, 4)
    page = idle.get(f"/run/{run}")
    assert page.headers["Cache-Control"] == "no-store"
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert 'data-state="queued"' in page.text
    cancelled = idle.post(f"/run/{run}/cancel")
    assert cancelled.headers["Location"] == f"/run/{run}"
    assert "It was cancelled before its end" in idle.get(f"/run/{run}").text


def test_a_form_that_is_refused_is_shown_again_as_it_was(idle: FlaskClient) -> None:
    form = {"parameter-n": "5", "parameter-frequencies": '"><script>', "seed": "1"}
    response = idle.post(f"/experiment/{SCORES}", data=form)
    assert response.status_code == 400
    assert "parameter &#39;n&#39;: expected greater than or equal to 12, got 5" in response.text
    assert 'name="parameter-n" value="5"' in response.text
    assert "<script>" not in response.text.partition("<main")[2]
    assert idle.post(f"/experiment/{SCORES}", data={"seed": "x"}).status_code == 400


def test_too_many_by_the_form_are_told(idle: FlaskClient) -> None:
    for seed in range(3):
        assert idle.post(f"/experiment/{SCORES}", data={"seed": seed}).status_code == 303
    refused = idle.post(f"/experiment/{SCORES}", data={"seed": 3})
    assert refused.status_code == 429
    assert "3 runs of yours wait or go on" in refused.text


def test_pages_say_what_an_experiment_is_and_what_came_out(
    client: FlaskClient, done: dict[str, Any]
) -> None:
    listed = client.get("/experiments").text
    assert f'href="/experiment/{SCORES}"' in listed
    page = client.get(f"/experiment/{SCORES}").text
    for words in (
        'href="/concept/wd:Q181296"',
        "What the small scale gives up",
        "Not tested",
        "It has not been run here with the designed parameters yet",
        f'href="/run/{done["run"]}"',
    ):
        assert words in page
    run = client.get(f"/run/{done['run']}").text
    assert "held here" in run
    assert f'src="/api/v1/runs/{done["run"]}/figure"' in run
    assert "These are not the designed parameters" in run
    assert f'href="/run/{done["run"]}"' in client.get(f"/experiment/{SCORES}/runs").text
    assert client.get(f"/experiment/experiment:{SCORES}").headers["Location"].endswith(SCORES)


def test_the_code_is_shown_as_it_is(client: FlaskClient) -> None:
    page = client.get(f"/experiment/{SCORES}/code")
    assert "kernel_scores_on_groups.py" in page.text
    assert "EXPERIMENT: Final = Experiment(" in page.text


def test_the_notebook_runs(client: FlaskClient) -> None:
    response = client.get(f"/experiment/{SCORES}.ipynb")
    assert response.mimetype == "application/x-ipynb+json"
    notebook = response.get_json(force=True)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and not cell["source"].startswith("%"):
            exec(cell["source"], names)
    assert names["outcome"].checks
    assert names["figure"].axes


@pytest.mark.parametrize(
    "path", ["experiment/x", "experiment/x/code", "experiment/x.ipynb", "run/x"]
)
def test_there_is_no_page_of_what_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(f"/{path}").status_code == 404


PARAMETERS = {
    "properties": {
        "n": {"type": "integer", "default": 3, "minimum": 1, "maximum": 9},
        "ridge": {"type": "number", "default": 0.5, "exclusiveMinimum": 0},
        "on": {"type": "boolean", "default": True},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "many": {"type": "array", "default": [1, 2], "items": {"type": "integer"}, "minItems": 1},
        "words": {
            "type": "array",
            "default": ["a", "b"],
            "items": {"enum": ["a", "b", "1"], "type": "string"},
        },
    }
}


def test_a_form_has_an_element_for_each_kind_of_parameter() -> None:
    fields = {field.name: field for field in form_fields(PARAMETERS)}
    assert [fields[name].kind for name in ("n", "ridge", "on", "kind", "many")] == [
        "number", "number", "checkbox", "choice", "text",
    ]  # fmt: skip
    assert (fields["n"].low, fields["n"].high, fields["n"].step) == ("1", "9", "1")
    assert (fields["ridge"].range, fields["ridge"].step) == ("above 0", "any")
    assert (fields["many"].value, fields["many"].range) == (
        "1, 2",
        "at least 1 values; between commas",
    )
    assert fields["kind"].choices == ("a", "b")


def test_a_form_gives_what_is_not_the_default() -> None:
    same = {
        "parameter-on": "on",
        "parameter-n": " 3 ",
        "parameter-many": "1, 2",
        "parameter-words": "a, b",
    }
    assert given_parameters(PARAMETERS, same) == {}
    sent = {
        "parameter-n": "x",
        "parameter-kind": "b",
        "parameter-many": "4, 5,x",
        "parameter-ridge": "1e-3",
        "parameter-words": "b, 1",
    }
    assert given_parameters(PARAMETERS, sent) == {
        "n": "x",
        "kind": "b",
        "many": [4, 5, "x"],
        "ridge": 0.001,
        "on": False,
        "words": ["b", "1"],
    }


# ------------------------------------------------------------------------------------------ agents


def call_tool(address: str, **arguments: Any) -> Any:
    async def call() -> Any:
        async with Client(f"{address}/mcp") as client:
            return await client.call_tool("run_experiment", arguments)

    return asyncio.run(call())


def test_an_agent_gets_the_result_of_a_run(own_home: Path, done: dict[str, Any]) -> None:
    with live(build_app(Settings(home=own_home))) as address:
        result = call_tool(address, experiment=SCORES, parameters=SMALL["params"])
    assert not result.is_error, result
    assert result.structured_content["run"] == done["run"]
    assert result.structured_content["state"] == "finished"
    assert result.structured_content["checks"]


def test_an_agent_does_not_wait_for_ever_and_counts_as_its_address(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunQueue, "is_served", lambda self: True)
    monkeypatch.setattr(agent_runs, "AGENT_WAIT_S", 0.1)
    own = copy_home(home, tmp_path / "home")
    with live(build_app(Settings(home=own))) as address:
        results = [call_tool(address, experiment=SCORES, seed=seed) for seed in range(4)]
    assert [result.structured_content["state"] for result in results[:3]] == ["queued"] * 3
    assert results[3].is_error
    assert "3 runs of yours" in results[3].content[0].text
    with closing(sqlite3.connect(own / "queue" / "runs.sqlite")) as connection:
        assert set(connection.execute("SELECT client FROM run")) == {("127.0.0.1",)}


# -------------------------------------------------------------------------------------- the server


def test_the_process_beside_the_server_is_started_again_and_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_RESTART_AFTER_S", 0.0)
    queue = RunQueue(Home(tmp_path))
    worker = runs.WorkerProcess(Settings(home=tmp_path), at_once=1)
    worker.keep_alive()
    wait_for(queue.is_served)
    process = worker._process
    assert process is not None
    process.kill()
    process.wait()
    wait_for(lambda: not queue.is_served())
    worker.keep_alive()
    wait_for(queue.is_served)
    worker.end()
    assert not queue.is_served()
    worker.end()


def test_requests_must_have_the_time_that_agents_wait() -> None:
    result = CliRunner().invoke(command, ["--timeout", "20"], obj={})
    assert result.exit_code == 2
    assert "--timeout: expected more than the 20 s that an agent may wait" in result.output


def test_a_server_that_runs_none_starts_nothing(tmp_path: Path) -> None:
    worker = runs.WorkerProcess(Settings(home=tmp_path), at_once=0)
    worker.keep_alive()
    assert worker._process is None
