"""The queue: runs one after another, whatever happens to them and to whoever works on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mathgloss.answers.runs import cancel_run, read_run
from mathgloss.errors import InputError, NoRunsError, NotFoundError, RunLimitError
from mathgloss.experiments import (
    Experiment,
    RunQueue,
    RunRecords,
    checked_params,
    load_catalogue,
)
from mathgloss.experiments import _book as book_module
from mathgloss.experiments import _queue as queue_module
from mathgloss.experiments._catalogue import load_experiment
from mathgloss.paths import Home
from tests.workers import TRIALS, ended, start_worker, wait_for, working

Submit = Callable[..., str]


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Experiment[Any]:
    monkeypatch.syspath_prepend(str(TRIALS))
    return load_experiment("trials.misbehaving")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def submit(trial: Experiment[Any], home: Home) -> Submit:
    def submit(how: str = "well", *, client: str = "somebody", **options: Any) -> str:
        chosen = {"seed": 0, "snapshot": None, **options}
        params = checked_params(trial, {"how": how})
        return RunQueue(home).submit(trial, params, client=client, **chosen)

    return submit


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a process worked on the queue, which never takes anything out."""
    monkeypatch.setattr(RunQueue, "is_served", lambda self: True)


def state(home: Home, run: str) -> str:
    return str(read_run(home, run)["state"])


# ---------------------------------------------------------------------------------- who asks


def test_without_a_worker_nothing_is_taken(home: Home, submit: Submit) -> None:
    with pytest.raises(NoRunsError, match="nothing runs experiments here now; 'mathgloss serve'"):
        submit()
    assert not home.queue.exists()


@pytest.mark.usefixtures("served")
def test_a_run_that_waits_is_known(home: Home, submit: Submit) -> None:
    first, second = submit("well"), submit("sleep")
    held = read_run(home, second)
    assert (held["state"], held["waiting"]) == ("queued", 1)
    assert held["params"] == {"how": "sleep", "size": 3}
    assert (held["id"], held["preset"], held["metrics"]) == ("misbehaving", "custom", [])
    assert read_run(home, first)["waiting"] == 0
    assert RunRecords(home).newest_names(None) == []


@pytest.mark.usefixtures("served")
def test_equal_wishes_share_a_run_unless_it_must_be_fresh(submit: Submit) -> None:
    run = submit()
    assert submit(client="somebody else") == run
    assert submit(seed=1) != run
    assert submit(fresh=True) != run


@pytest.mark.usefixtures("served")
def test_a_client_may_have_only_a_few_runs(home: Home, submit: Submit) -> None:
    runs = [submit(seed=seed) for seed in range(book_module.RUNS_OF_A_CLIENT)]
    with pytest.raises(RunLimitError, match="3 runs of yours wait or go on, expected at most 3"):
        submit(seed=99)
    assert submit(seed=99, client="somebody else")
    cancel_run(home, runs[0])
    assert submit(seed=100)


@pytest.mark.usefixtures("served")
def test_the_queue_has_an_end(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "RUNS_IN_ALL", 2)
    submit(client="a")
    submit(client="b", seed=1)
    with pytest.raises(NoRunsError, match="2 runs wait already"):
        submit(client="c", seed=2)


@pytest.mark.usefixtures("served")
def test_who_asked_is_forgotten_when_the_run_has_ended(home: Home, submit: Submit) -> None:
    run = submit(client="192.0.2.7")
    assert clients(home) == ["192.0.2.7"]
    cancel_run(home, run)
    assert clients(home) == [None]


def clients(home: Home) -> list[str | None]:
    with closing(sqlite3.connect(home.queue / "runs.sqlite")) as connection:
        return [row[0] for row in connection.execute("SELECT client FROM run")]


@pytest.mark.usefixtures("served")
def test_a_seed_out_of_range_is_refused(submit: Submit) -> None:
    with pytest.raises(InputError, match="seed: expected 0 to"):
        submit(seed=-1)


@pytest.mark.usefixtures("served")
def test_a_book_that_cannot_be_written_says_so(home: Home, submit: Submit) -> None:
    home.root.mkdir()
    home.queue.write_text("not a folder", encoding="utf-8")
    with pytest.raises(NoRunsError, match="the book of runs cannot be made"):
        submit()
    home.queue.unlink()
    home.queue.mkdir()
    (home.queue / "runs.sqlite").write_text("no database at all" * 100, encoding="utf-8")
    with pytest.raises(NoRunsError, match="file is not a database"):
        submit()


@pytest.mark.usefixtures("served")
def test_a_run_that_cannot_be_queued_is_not_left_waiting(home: Home, submit: Submit) -> None:
    home.queue.mkdir(parents=True)
    (home.queue / "queue.sqlite").mkdir()
    with pytest.raises(NoRunsError, match="the queue cannot be written"):
        submit()
    assert clients(home) == []


def test_what_is_not_there_cannot_be_cancelled(home: Home) -> None:
    with pytest.raises(NotFoundError, match="no run 'nothing'"):
        cancel_run(home, "nothing")


# ---------------------------------------------------------------------------------- who works


def test_runs_end_each_in_its_way_and_the_queue_goes_on(home: Home, submit: Submit) -> None:
    with working(home.root, "trials"):
        runs = {how: submit(how, client=how) for how in ("raise", "kill", "well")}
        held = {how: ended(home, run) for how, run in runs.items()}
        again = submit("well")
    assert {how: run["state"] for how, run in held.items()} == {
        "raise": "failed",
        "kill": "failed",
        "well": "finished",
    }
    assert held["raise"]["failure"]["message"] == "ZeroDivisionError: as told"
    assert held["kill"]["failure"]["kind"] == "killed"
    assert held["well"]["progress"]["fraction"] == 1.0
    assert held["well"]["verdict"] == "held"
    assert again == runs["well"]
    assert set(RunRecords(home).newest_names("misbehaving")) == set(runs.values())


def test_a_run_is_stopped_and_one_that_waits_never_begins(home: Home, submit: Submit) -> None:
    with working(home.root, "trials"):
        going, waiting = submit("sleep"), submit("sleep", seed=1)
        wait_for(lambda: read_run(home, going)["progress"]["fraction"])
        assert state(home, waiting) == "queued"
        assert cancel_run(home, waiting)["state"] == "cancelled"
        cancel_run(home, going)
        held = ended(home, going)
        after = ended(home, submit("well"))
    assert held["state"] == "cancelled"
    assert held["failure"]["kind"] == "stopped"
    assert after["state"] == "finished"
    assert read_run(home, waiting)["started"] is None
    assert cancel_run(home, going)["state"] == "cancelled"


def test_a_run_tells_how_far_it_is_and_what_it_printed(home: Home, submit: Submit) -> None:
    with working(home.root, "trials"):
        run = submit("sleep")
        held = wait_for(lambda: h if (h := read_run(home, run))["progress"]["fraction"] else None)
        assert held["progress"]["fraction"] == 0.25
        assert held["progress"]["message"].startswith("pid ")
        assert (held["state"], held["machine"]) == ("running", None)


def test_a_killed_worker_loses_one_run_and_the_next_worker_goes_on(
    home: Home, submit: Submit
) -> None:
    with working(home.root, "trials") as worker:
        lost = submit("sleep")
        wait_for(lambda: read_run(home, lost)["progress"]["fraction"])
        waits = submit("well")
        worker.kill()
        worker.wait()
    assert (state(home, lost), state(home, waits)) == ("running", "queued")
    with working(home.root, "trials"):
        held = ended(home, lost)
        after = ended(home, waits)
    assert held["state"] == "failed"
    assert held["failure"]["kind"] == "killed"
    assert "whoever ran it was ended" in held["failure"]["message"]
    assert after["state"] == "finished"
    assert sorted(path.name for path in home.runs.iterdir()) == [waits]


def test_old_trials_are_forgotten(home: Home, submit: Submit) -> None:
    (home.runs / "20260101T000000-abcdef-misbehaving").mkdir(parents=True)
    by_hand = home.runs / "20260101T000000-abcdef-misbehaving" / "run.json"
    by_hand.write_text("{}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunQueue, "is_served", lambda self: True)
        patch.setattr(queue_module, "KEPT_RUNS", 1)
        designed = submit("well")
        trials = [submit("raise", seed=seed) for seed in (1, 2)]
        worker = queue_module.Worker(home, load_catalogue("trials"))
        for run in (designed, *trials):
            worker.execute(run)
    kept = {trials[1], designed, by_hand.parent.name}
    assert set(RunRecords(home).newest_names(None)) == kept
    with pytest.raises(NotFoundError):
        read_run(home, trials[0])


def test_a_run_entered_but_never_queued_is_found(home: Home, submit: Submit) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunQueue, "is_served", lambda self: True)
        patch.setattr(RunQueue, "_hand_over", lambda self, run: None)
        run = submit("well")
    with working(home.root, "trials"):
        assert ended(home, run)["state"] == "finished"


def test_an_experiment_that_is_gone_is_a_failure(home: Home, submit: Submit) -> None:
    with working(home.root, "mathgloss.experiments"):
        held = ended(home, submit("well"))
    assert held["state"] == "failed"
    assert "no experiment 'misbehaving'; known: " in held["failure"]["message"]


def test_a_second_worker_waits_for_the_end_of_the_first(home: Home, submit: Submit) -> None:
    with working(home.root, "trials") as first, start_worker(home.root, "trials") as second:
        run = submit("sleep")
        wait_for(lambda: read_run(home, run)["progress"]["fraction"])
        assert second.poll() is None
        first.kill()
        first.wait()
        assert ended(home, run)["failure"]["kind"] == "killed"
        assert second.stdin is not None
        second.stdin.close()
        second.wait()
    assert not RunQueue(home).is_served()


def test_a_shared_result_that_was_removed_is_made_again(home: Home, submit: Submit) -> None:
    with working(home.root, "trials"):
        run = submit("well")
        ended(home, run)
        wait_for(lambda: RunQueue(home).book.find(run).state == "finished")  # type: ignore[union-attr]
        for path in (home.runs / run).iterdir():
            path.unlink()
        (home.runs / run).rmdir()
        assert submit("well") != run
