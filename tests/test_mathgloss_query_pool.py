"""The processes that run queries: what they may take, how they end, what others notice."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mathgloss.answers.service import Answers
from mathgloss.config import QueryLimits
from mathgloss.errors import (
    MathGlossError,
    QueryBusyError,
    QueryError,
    QueryLimitError,
    QueryTimeoutError,
)
from mathgloss.graph import query_pool
from mathgloss.graph.query_pool import QueryPool
from mathgloss.graph.sparql import Query

ASK = Query(text="ASK { ?s ?p ?o }")
RUNAWAY = Query(text="SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }")
GREEDY = Query(
    text="SELECT DISTINCT ?a ?c ?d ?f ?g { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } LIMIT 9999999"
)
MANY_ROWS = Query(text="SELECT * { ?a ?b ?c . ?d ?e ?f }")
PATIENCE_S = 10.0

Opener = Callable[..., QueryPool]


@pytest.fixture
def open_pool(answers: Answers) -> Iterator[Opener]:
    pools: list[QueryPool] = []

    def opener(**limits: float) -> QueryPool:
        pools.append(QueryPool(answers.snapshot.store_path, QueryLimits(**limits)))
        return pools[-1]

    yield opener
    for pool in pools:
        pool.close()


def children(pid: int | None = None) -> set[int]:
    """The query processes that a process has started, by whichever of its threads."""
    tasks = Path(f"/proc/{pid or os.getpid()}/task").glob("*/children")
    listed = {int(child) for task in tasks for child in task.read_text().split()}
    return {child for child in listed if b"query_worker" in command(child)}


def command(pid: int) -> bytes:
    """The command line of a process; nothing if it is no more, or waits to be buried."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def eventually(holds: Callable[[], object]) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_processes_are_used_again(open_pool: Opener) -> None:
    pool, before = open_pool(), children()
    assert json.loads(pool.run(ASK).body)["boolean"] is True
    # one that answered, and one that is ready for the next and begins a moment later
    assert eventually(lambda: len(children() - before) == 2)
    started = children() - before
    for _ in range(5):
        pool.run(ASK)
    assert children() - before == started


def test_bad_query_does_not_cost_a_process(open_pool: Opener) -> None:
    pool, before = open_pool(), children()
    pool.run(ASK)
    assert eventually(lambda: len(children() - before) == 2)
    started = children() - before
    with pytest.raises(QueryError, match="not well-formed"):
        pool.run(Query(text="SELEC"))
    assert children() - before == started


def test_runaway_is_killed_at_its_limit_and_others_do_not_notice(open_pool: Opener) -> None:
    pool, before = open_pool(seconds=1.0), children()
    pool.run(ASK)
    caught: list[Exception] = []

    def run_away() -> None:
        try:
            pool.run(RUNAWAY)
        except QueryError as error:
            caught.append(error)

    started = time.monotonic()
    thread = threading.Thread(target=run_away)
    thread.start()
    answered = 0
    while thread.is_alive():
        assert pool.run(ASK).body
        answered += 1
    elapsed_s = time.monotonic() - started
    assert isinstance(caught[0], QueryTimeoutError)
    assert "1 s, its time limit" in str(caught[0])
    assert answered > 10
    assert 1.0 <= elapsed_s < 1.0 + PATIENCE_S
    assert all(process.is_light for process in pool._idle)
    assert len(children() - before) == len(pool._idle), "nothing is left of the one killed"


def test_memory_is_limited(open_pool: Opener) -> None:
    pool = open_pool(seconds=60, memory_mb=64)
    with pytest.raises(QueryLimitError, match="more than the 64 MB"):
        pool.run(GREEDY)
    assert pool.run(ASK).body


def test_result_is_limited(open_pool: Opener) -> None:
    pool = open_pool(seconds=60, result_mb=1)
    with pytest.raises(QueryLimitError, match="at most 1 MB"):
        pool.run(MANY_ROWS)
    assert pool.run(ASK).body


def test_only_a_few_may_go_on_for_long(open_pool: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_pool, "LONG_S", 0.2)
    pool = open_pool(seconds=2.0, long=1)
    ended: list[type[Exception]] = []

    def run_away() -> None:
        try:
            pool.run(RUNAWAY)
        except QueryError as error:
            ended.append(type(error))

    threads = [threading.Thread(target=run_away) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [QueryBusyError, QueryTimeoutError]


def test_no_place_in_time_is_busy(open_pool: Opener) -> None:
    pool = open_pool(seconds=0.5, processes=1)
    holding = pool._places.acquire()
    assert holding
    with pytest.raises(QueryBusyError, match="try again later"):
        pool.run(ASK)


def test_query_that_ends_the_engine_ends_nothing_else(open_pool: Opener) -> None:
    pool = open_pool()
    depth = 20_000
    with pytest.raises(QueryError, match="nested too deep"):
        pool.run(Query(text=f"ASK {{ FILTER({'(' * depth}1{')' * depth}) }}"))
    assert pool.run(ASK).body


def test_query_longer_than_a_pipe_holds(open_pool: Opener) -> None:
    assert open_pool().run(Query(text="ASK {} # " + "é" * 90_000)).body


def test_store_that_is_not_there_is_no_query_of_the_user(tmp_path: Path) -> None:
    pool = QueryPool(tmp_path / "none", QueryLimits())
    with pytest.raises(MathGlossError, match="no query process can be started") as caught:
        pool.run(ASK)
    assert not isinstance(caught.value, QueryError)


def test_processes_end_with_the_pool(open_pool: Opener) -> None:
    before = children()
    pool = open_pool()
    pool.run(ASK)
    assert children() - before
    pool.close()
    assert not children() - before


def test_processes_end_when_the_pool_is_forgotten(answers: Answers) -> None:
    before = children()
    pool = QueryPool(answers.snapshot.store_path, QueryLimits())
    pool.run(ASK)
    del pool
    gc.collect()
    assert not children() - before


SERVER = """
import sys, threading
from pathlib import Path
from mathgloss.config import QueryLimits
from mathgloss.graph.query_pool import QueryPool
from mathgloss.graph.sparql import Query
pool = QueryPool(Path(sys.argv[1]), QueryLimits(seconds=60))
pool.run(Query(text="ASK {}"))
threading.Thread(target=pool.run, args=[Query(text=sys.argv[2])]).start()
print("running", flush=True)
"""


def test_processes_end_when_the_server_is_killed(answers: Answers) -> None:
    store = str(answers.snapshot.store_path)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, store, RUNAWAY.text],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"running\n"
        assert eventually(lambda: len(children(server.pid)) > 1)
        time.sleep(0.3)  # the query is under way
        orphans = children(server.pid)
        server.send_signal(signal.SIGKILL)
    assert eventually(lambda: not any(command(pid) for pid in orphans))
