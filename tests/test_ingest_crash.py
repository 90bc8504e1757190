"""Kill -9 at any moment of a refresh loses nothing and needs no cleaning up by hand.

Refreshes run in forks of one process that has imported everything (``python -m
tests.test_ingest_crash``): a fork starts in no time, and may kill itself at a chosen moment. Then,
in another fork, what was published before is opened and the refresh is run again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingest.registry import BUNDLED, SOURCES
from mathgloss.graph.snapshot import BUILDING, KEPT_SNAPSHOTS
from mathgloss.io.stages import code_digest
from mathgloss.io.state import read_state
from tests.conftest import make_mirror
from tests.test_ingest_refresh import GIZMO, World, copy_of, few_bundled, scratch_folder

REPOSITORY = Path(__file__).parent.parent
# the command takes some two seconds; later ones find it at work, or done
DELAYS_S = (0.5, 1.1, 1.8)
# events of Python's audit that change something on the disk; "open" is told by its flags
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "sqlite3.connect")
# those after which something is there under its own name, or gone
VISIBLE = ("os.rename", "os.link", "os.rmdir")
SOME_STEPS = ("parsing Wikidata", "aligning terms", "loading the store", "checking the graph")
FOREVER = 1 << 30


@dataclass(frozen=True)
class Kill:
    """When a refresh is killed: as the n-th step is announced, or before the n-th change.

    Attributes:
        delay_s: another process kills, that long after the step was announced.
        full: the refresh is a full one.
        vanish: before the refresh is run again, the mirror is gone.
    """

    step: int = FOREVER
    change: int = FOREVER
    delay_s: float = 0.0
    full: bool = False
    vanish: bool = False


# ------------------------------------------------------------------------- in the forking process


@dataclass
class Recorder:
    """Counts steps and changes, and kills its own process at the moment asked for."""

    kill: Kill
    home: str
    steps: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) - 1 == self.kill.step:
            self._die()

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event in CHANGES or (
            event == "open"
            and isinstance(arguments[2], int)
            and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if not writes or not str(arguments[0]).startswith(self.home):
            return
        self.changes.append(f"{event} {str(arguments[0]).removeprefix(self.home)}")
        if len(self.changes) - 1 == self.kill.change:
            self._die()

    def _die(self) -> None:
        victim = os.getpid()
        if self.kill.delay_s and os.fork():
            return
        time.sleep(self.kill.delay_s)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        os._exit(0)


def refresh_and_die(world: World, kill: Kill) -> None:
    recorder = Recorder(kill, str(world.settings.home))
    if kill.change < FOREVER or kill.step == FOREVER:
        sys.addaudithook(recorder.audit)
    from ingest.refresh import refresh

    refresh(world.settings, full=kill.full, progress=recorder.step)
    (world.folder / "moments.json").write_text(
        json.dumps({"steps": recorder.steps, "changes": recorder.changes}), encoding="utf-8"
    )


def state_of(world: World) -> dict[str, Any]:
    """What is published: its identifier, an answer, and whether the new noun is in it."""
    if not world.settings.layout.current.exists():
        return {"id": None}
    answers = world.answers()
    return {
        "id": answers.snapshot.id,
        "broader": [row["id"] for row in answers.concept("wd:Q181296")["broader"]],
        "names": [hit.concept for hit in answers.index.search("gizmo", limit=1)],
    }


def timeless(path: Path) -> bytes:
    """A stage's content without the times at which files were retrieved."""
    data = path.read_bytes()
    if path.name.endswith(".nt.gz"):
        return re.sub(rb'"[0-9:T+-]{25}"', b"", gzip.decompress(data))
    return data


def recover(world: World) -> None:
    """Look at what a kill has left, refresh again, and look at the result."""
    found: dict[str, Any] = {"left": state_of(world)}
    outcome = world.refresh()
    home = world.settings.layout
    found |= {
        "after": state_of(world),
        "failures": outcome.failures,
        "digest": outcome.result.manifest.digest,
        "counts": outcome.result.manifest.counts,
        "sources": sorted(read_state(home)),
        "stages": {
            str(path.relative_to(home.stages)): hashlib.sha256(timeless(path)).hexdigest()
            for path in sorted(home.stages.rglob("*"))
            if path.is_file()
        },
        "leftovers": [
            str(path.relative_to(home.root))
            for path in home.root.rglob("*")
            if path.name.startswith((".", BUILDING)) or path.name.endswith(".part")
        ],
        "snapshots": len(list(home.snapshots.iterdir())),
    }
    found["unchanged"] = not world.refresh().result.changed
    (world.folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


def in_fork(action: Callable[[], None]) -> int:
    """Start the action in a fork, which ends with it; gives the fork's process number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        action()
    except BaseException:  # noqa: BLE001  (nothing may return from a fork)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def run_job(folder: Path, kill: Kill | None) -> None:
    world = World(folder)
    os.environ["MATHGLOSS_DATA"] = str(folder / "bundled")
    if kill is not None:
        _, status = os.waitpid(in_fork(lambda: refresh_and_die(world, kill)), 0)
        (folder / "status").write_text(str(status), encoding="utf-8")
        if kill.vanish:
            shutil.rmtree(world.folder / "mirror")
            (world.folder / "mirror").mkdir()
    recover(world)


def import_everything() -> None:
    """Import and warm up all that a refresh uses, short of a store, which starts threads."""
    import ingest.refresh
    from mathgloss.graph.shapes import violations
    from mathgloss.linking.lexicon import Lexicon
    from mathgloss.linking.mentions import MentionFinder

    assert ingest.refresh
    code_digest()  # in all forks the same, although someone may be editing
    violations(b"")
    MentionFinder(Lexicon()).find({"title": "warm"})


def drive() -> None:
    """Run each list of jobs that comes in a line, as many at once as there are cores; answer."""
    import_everything()
    for line in sys.stdin:
        running: set[int] = set()
        for job in json.loads(line):
            if len(running) >= (os.cpu_count() or 1):
                running.discard(os.wait()[0])
            kill = Kill(**job["kill"]) if job["kill"] is not None else None
            running.add(in_fork(partial(run_job, Path(job["folder"]), kill)))
        while running:
            running.discard(os.wait()[0])
        sys.stdout.write("done\n")
        sys.stdout.flush()


# -------------------------------------------------------------------------------------- the tests


@dataclass(frozen=True)
class Driver:
    """The forking process, and a folder for worlds."""

    process: subprocess.Popen[str]
    scratch: Path

    def run(self, jobs: dict[Path, Kill | None]) -> dict[Path, dict[str, Any]]:
        """Kill a refresh in each folder as told, and recover; what was found in each."""
        given = [
            {"folder": str(folder), "kill": asdict(kill) if kill is not None else None}
            for folder, kill in jobs.items()
        ]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"
        return {
            folder: json.loads((folder / "found.json").read_text(encoding="utf-8"))
            for folder in jobs
        }


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "OPENBLAS_NUM_THREADS": "1"}
    with (
        scratch_folder(tmp_path_factory.mktemp("scratch")) as folder,
        subprocess.Popen(
            [sys.executable, "-m", "tests.test_ingest_crash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment,
        ) as process,
    ):
        yield Driver(process, folder)
        assert process.stdin is not None
        process.stdin.close()


@dataclass(frozen=True)
class Scenario:
    """A world before a refresh, and what an undisturbed refresh makes of it."""

    before: World
    published: dict[str, Any]
    steps: list[str]
    changes: list[str]
    found: dict[str, Any]

    def killed(self, driver: Driver, kills: list[Kill]) -> list[tuple[str, dict[str, Any]]]:
        """For each kill in a copy of its own: the moment in words, and what was found after it."""
        jobs: dict[Path, Kill | None] = {}
        for number, kill in enumerate(kills):
            folder = driver.scratch / f"{self.before.folder.name}-{number}"
            jobs[copy_of(self.before, folder).folder] = kill
        results = driver.run(jobs)
        named = []
        for kill, (folder, found) in zip(kills, results.items(), strict=True):
            moment = self.steps[kill.step] if kill.step < FOREVER else self.changes[kill.change]
            status = int((folder / "status").read_text(encoding="utf-8"))
            assert os.WIFSIGNALED(status) or kill.delay_s, f"not killed at {moment}"
            named.append((moment, found))
            shutil.rmtree(folder)
        return named

    def one_kill_of_each_kind(self) -> list[Kill]:
        """A kill at some steps, and before each kind of change that makes things visible."""
        kinds: dict[str, Kill] = {}
        for number, step in enumerate(self.steps):
            if step in SOME_STEPS:
                kinds[step] = Kill(step=number)
        for number, change in enumerate(self.changes):
            event, _, path = change.partition(" /")
            if event in VISIBLE:
                folder = "/".join(path.split("/")[:2]) if path.startswith("stages") else path
                kinds[f"{event} {re.sub('[0-9a-f-]{8,}', '', folder)}"] = Kill(change=number)
        return list(kinds.values())

    def every_kill(self) -> list[Kill]:
        """A kill at each step and before each change."""
        steps = [Kill(step=number) for number in range(len(self.steps))]
        return steps + [Kill(change=number) for number in range(len(self.changes))]

    def check(self, moment: str, found: dict[str, Any]) -> None:
        """What was published still answers, and the next refresh does what it would have done."""
        undisturbed = self.found
        left, new = found["left"], undisturbed["after"]
        if left["id"] != self.published["id"]:
            assert left["id"] == new["id"], moment
        assert {**left, "id": ""} in ({**self.published, "id": ""}, {**new, "id": ""}), moment
        assert {**found["after"], "id": ""} == {**new, "id": ""}, moment
        assert found["failures"] == {}, moment
        for name in ("digest", "counts", "sources"):
            assert found[name] == undisturbed[name], (moment, name)
        assert undisturbed["stages"].items() <= found["stages"].items(), moment
        assert found["leftovers"] == [], moment
        assert found["snapshots"] <= KEPT_SNAPSHOTS, moment
        assert found["unchanged"], moment


def undisturbed(driver: Driver, before: World, *, full: bool = False) -> Scenario:
    """Run the refresh once without a kill, so that its moments are known and its result."""
    folder = copy_of(before, driver.scratch / f"{before.folder.name}-undisturbed").folder
    found = driver.run({folder: Kill(full=full)})[folder]
    moments = json.loads((folder / "moments.json").read_text(encoding="utf-8"))
    return Scenario(before, state_of(before), moments["steps"], moments["changes"], found)


@pytest.fixture(scope="module")
def first(driver: Driver) -> Scenario:
    """Before the first refresh."""
    folder = driver.scratch / "first"
    make_mirror(folder / "mirror")
    few_bundled(folder / "bundled")
    return undisturbed(driver, World(folder))


@pytest.fixture(scope="module")
def again(driver: Driver, first: Scenario) -> Scenario:
    """With a published snapshot, and two sources changed since."""
    assert first.found["after"]["id"] is not None
    world = copy_of(World(driver.scratch / "first-undisturbed"), driver.scratch / "again")
    world.add_noun()
    plain = world.folder / "mirror" / "wikidata" / "slice.nt"
    packed = plain.with_name("wikidata-slice.nt.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes().replace(b"theorem", b"Theorem"), mtime=0))
    return undisturbed(driver, world)


def test_a_kill_during_the_first_refresh_needs_no_cleaning_up(
    driver: Driver, first: Scenario
) -> None:
    for moment, found in first.killed(driver, first.one_kill_of_each_kind()[::4]):
        first.check(moment, found)


@pytest.mark.slow
def test_a_kill_leaves_the_published_snapshot_and_needs_no_cleaning_up(
    driver: Driver, again: Scenario
) -> None:
    assert again.published["names"] == []
    assert again.found["after"]["names"] == [GIZMO]
    for moment, found in again.killed(driver, again.one_kill_of_each_kind()):
        again.check(moment, found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first", "again"])
def test_a_kill_at_any_moment_needs_no_cleaning_up(
    driver: Driver, name: str, request: pytest.FixtureRequest
) -> None:
    scenario: Scenario = request.getfixturevalue(name)
    kills = scenario.every_kill()
    for start in range(0, len(kills), 32):
        for moment, found in scenario.killed(driver, kills[start : start + 32]):
            scenario.check(moment, found)


def test_a_kill_while_the_store_is_loaded_needs_no_cleaning_up(
    driver: Driver, again: Scenario
) -> None:
    step = again.steps.index("loading the store")
    kills = [Kill(step=step, delay_s=delay) for delay in (0.002, 0.01, 0.03)]
    for moment, found in again.killed(driver, kills):
        again.check(moment, found)


def test_a_kill_while_records_are_replaced_keeps_those_of_a_source_that_then_vanishes(
    driver: Driver, again: Scenario
) -> None:
    world = copy_of(World(driver.scratch / "again-undisturbed"), driver.scratch / "full")
    whole = undisturbed(driver, world, full=True)
    moments = [
        number
        for number, change in enumerate(whole.changes)
        if change.startswith("os.rename /stages/parsed/")
    ]
    assert len(moments) == len(SOURCES)
    kills = [Kill(change=moment, full=True, vanish=True) for moment in (moments[2], moments[-1])]
    for moment, found in whole.killed(driver, kills):
        assert sorted(found["failures"]) == sorted(set(SOURCES) - set(BUNDLED)), moment
        for name in ("digest", "counts", "sources"):
            assert found[name] == again.found[name], (moment, name)


def test_the_command_killed_at_some_moment_needs_no_cleaning_up(
    driver: Driver, again: Scenario
) -> None:
    worlds = [
        copy_of(again.before, driver.scratch / f"command-{number}")
        for number in range(len(DELAYS_S))
    ]
    started = time.monotonic()
    running = []
    for world in worlds:
        options = ["--home", str(world.settings.home), "--mirror", str(world.settings.mirror)]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "mathgloss", *options, "refresh"],
                cwd=REPOSITORY,
                env={**os.environ, "MATHGLOSS_DATA": str(world.folder / "bundled")},
                stdout=subprocess.DEVNULL,
            )
        )
    for delay_s, process in zip(DELAYS_S, running, strict=True):
        time.sleep(max(0.0, started + delay_s - time.monotonic()))
        process.send_signal(signal.SIGKILL)
        process.wait()
    results = driver.run(dict.fromkeys((world.folder for world in worlds), None))
    for delay_s, found in zip(DELAYS_S, results.values(), strict=True):
        again.check(f"after {delay_s} s", found)


if __name__ == "__main__":
    drive()
