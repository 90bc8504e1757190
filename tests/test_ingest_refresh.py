"""Refreshing: only what changed is done again, and a broken source costs nothing but itself."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from click.testing import CliRunner, Result

from ingest import core
from ingest.refresh import Outcome, paper_file_options, refresh
from ingest.registry import BUNDLED, SOURCES, added_source
from mathgloss import vocab
from mathgloss.answers.service import Answers
from mathgloss.cli import root
from mathgloss.config import Settings
from mathgloss.errors import CheckError, InputError, MathGlossError, NotFoundError
from mathgloss.graph import checks
from mathgloss.graph.build import build_snapshot
from mathgloss.graph.plan import source_inputs
from mathgloss.graph.snapshot import (
    BUILDING,
    KEPT_SNAPSHOTS,
    current_path,
    open_current,
    read_manifest,
)
from mathgloss.io.stages import Stages
from mathgloss.io.state import forget, read_state, writing
from mathgloss.linking.setup import linking_setup
from mathgloss.paths import bundled_dir
from tests.conftest import ARCHIVES, make_mirror

ROOM_BYTES = 256 << 20
RAW = "raw.githubusercontent.com"
DOCS = f"{RAW}/leanprover-community/mathlib4/master/docs"
NOUNS = f"{RAW}/thosgood/maths-dictionary/main/data/nouns.json"
TAC = f"{RAW}/ToposInstitute/tac-corpus/main/tac_metadata.json"
GIZMO = "mulima:0badcafe"
GROUP = "mulima:0677022e"
WIKIDATA = "wikidata/wikidata-slice.nt.gz"
NLAB_PAGES, CHICAGO_PAGES = ARCHIVES.values()
# every file that is fetched -> the source that it belongs to
FILES = {
    "bundled/concepts.tsv": "core",
    "bundled/names-en.tsv": "core",
    "bundled/names-fr-de-es.tsv": "core",
    "bundled/names-it-pt.tsv": "core",
    "bundled/relations.tsv": "core",
    "bundled/syllabus.tsv": "core",
    "bundled/papers.tsv": "bundled-papers",
    f"mirror/{WIKIDATA}": "wikidata",
    f"mirror/{NLAB_PAGES}": "nlab",
    f"mirror/{RAW}/MathGloss/MathGloss/main/data/nlab.csv": "nlab",
    f"mirror/{NOUNS}": "mulima",
    f"mirror/{CHICAGO_PAGES}": "chicago",
    f"mirror/{DOCS}/undergrad.yaml": "syllabus",
    f"mirror/{DOCS}/overview.yaml": "overview",
    f"mirror/{DOCS}/100.yaml": "theorems",
    f"mirror/{DOCS}/1000.yaml": "theorems",
    f"mirror/{TAC}": "tac",
}


@dataclass(frozen=True)
class World:
    """A folder with a home, a mirror and few bundled facts, all of which a test may change."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.folder / "home", mirror=self.folder / "mirror")

    def refresh(self, *names: str, **options: Any) -> Outcome:
        return refresh(self.settings, names, progress=lambda _: None, **options)

    def answers(self) -> Answers:
        return Answers(open_current(self.settings.layout))

    def command(self, *arguments: str) -> Result:
        options = ["--home", str(self.settings.home), "--mirror", str(self.settings.mirror)]
        return CliRunner().invoke(root, [*options, *arguments])

    def listing(self) -> dict[str, tuple[int, int, bytes]]:
        """Path, inode, time of change and bytes of every file below the home folder."""
        home = self.settings.home
        return {
            str(path.relative_to(home)): (
                path.stat().st_ino,
                path.stat().st_mtime_ns,
                path.read_bytes(),
            )
            for path in home.rglob("*")
            if path.is_file()
        }

    def report(self) -> dict[str, Any]:
        path = self.answers().snapshot.path / "report.json"
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return report

    def edit(self, path: str, old: str, new: str) -> None:
        target = self.folder / path
        text = target.read_text(encoding="utf-8")
        assert old in text
        target.write_text(text.replace(old, new), encoding="utf-8")

    def add_noun(self, name: str = "gizmo", key: str = "0badcafe") -> None:
        """A change of one source: MuLiMa has one noun more."""
        target = self.folder / "mirror" / NOUNS
        nouns = json.loads(target.read_text(encoding="utf-8"))
        nouns[key] = {"EN": {"atom": name, "gend": ""}, "refs": {}}
        target.write_text(json.dumps(nouns), encoding="utf-8")


def few_bundled(folder: Path) -> Path:
    """The first rows of the bundled tables: a snapshot of them is built in a moment."""
    folder.mkdir(parents=True)
    for path in bundled_dir().glob("*.tsv"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / path.name).write_text("".join(lines[:12]), encoding="utf-8")
    (folder / "MANIFEST.toml").write_text("", encoding="utf-8")
    return folder


@contextmanager
def scratch_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory if there is room: each build has a store wait for the disk many times."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM_BYTES:
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="mathgloss-test-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with scratch_folder(tmp_path_factory.mktemp("scratch")) as folder:
        yield folder


@pytest.fixture(scope="module")
def prepared(scratch: Path) -> World:
    """A refreshed world; never changed, only copied."""
    folder = scratch / "prepared"
    make_mirror(folder / "mirror")
    few_bundled(folder / "bundled")
    world = World(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATHGLOSS_DATA", str(folder / "bundled"))
        outcome = world.refresh()
    assert outcome.failures == {}
    assert outcome.parsed == tuple(SOURCES)
    return world


def copy_of(world: World, folder: Path) -> World:
    """A copy that shares with it only the files of the store, which never change."""

    def copy(source: str, target: str) -> None:
        share = "/store/" in source
        (os.link if share else shutil.copy2)(source, target)

    shutil.copytree(world.folder, folder, copy_function=copy)
    return World(folder)


@pytest.fixture
def world(prepared: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of the refreshed world."""
    copy = copy_of(prepared, prepared.folder.parent / "world")
    monkeypatch.setenv("MATHGLOSS_DATA", str(copy.folder / "bundled"))
    yield copy
    shutil.rmtree(copy.folder)


@pytest.fixture(scope="module")
def spare(prepared: World) -> World:
    """One copy for all the tests that put back what they break."""
    return copy_of(prepared, prepared.folder.parent / "spare")


@pytest.fixture
def fresh(prepared: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same world before the first refresh."""
    copy = tmp_path / "world"
    shutil.copytree(prepared.folder / "mirror", copy / "mirror")
    shutil.copytree(prepared.folder / "bundled", copy / "bundled")
    monkeypatch.setenv("MATHGLOSS_DATA", str(copy / "bundled"))
    return World(copy)


# -------------------------------------------------------------------------------- only what changed


def test_nothing_is_written_when_nothing_changed(world: World) -> None:
    before = world.listing()
    outcome = world.refresh()
    assert outcome.parsed == ()
    assert not outcome.result.changed
    assert outcome.failures == {}
    assert world.listing() == before


def test_files_touched_but_not_changed_are_not_parsed(world: World) -> None:
    for path in (world.folder / "mirror").rglob("*"):
        os.utime(path, (1, 1))
    before = world.listing()
    assert world.refresh().parsed == ()
    assert world.listing() == before


def test_only_the_source_that_changed_is_parsed_and_written(world: World) -> None:
    before = world.listing()
    world.add_noun()
    outcome = world.refresh()
    after = world.listing()
    assert outcome.parsed == ("mulima",)
    assert outcome.result.changed
    assert world.answers().resolve("gizmo") == GIZMO

    def stages(kind: str, listing: dict[str, Any]) -> dict[str, Any]:
        return {name: row for name, row in listing.items() if name.startswith(f"stages/{kind}/")}

    parsed_before, parsed_after = stages("parsed", before), stages("parsed", after)
    assert len(parsed_before.items() - parsed_after.items()) == 1
    assert len(parsed_after.items() - parsed_before.items()) == 1
    kept = stages("graph", before).items() & stages("graph", after).items()
    other_sources = [name for name in SOURCES if name not in {"mulima", "bundled-papers", "tac"}]
    # with those of the other sources that of the experiments is the same file
    assert len(kept) == len(other_sources) + 1


def test_new_papers_leave_alignment_and_index_as_they_are(world: World) -> None:
    before = world.listing()
    world.edit(f"mirror/{TAC}", '"title": "', '"title": "New: ')
    assert world.refresh().parsed == ("tac",)
    after = world.listing()
    for kind in ("stages/index/", "stages/sssom/"):
        assert {key: row for key, row in before.items() if key.startswith(kind)} == {
            key: row for key, row in after.items() if key.startswith(kind)
        }


def test_a_stage_used_by_several_snapshots_lies_on_the_disk_once(world: World) -> None:
    world.refresh(full=True)
    (stage,) = (world.settings.layout.stages / "index").iterdir()
    assert stage.samefile(world.answers().snapshot.path / "labels.sqlite")


def test_a_source_that_changes_back_gives_the_same_snapshot_as_before(world: World) -> None:
    first = world.answers().snapshot.manifest
    nouns = (world.folder / "mirror" / NOUNS).read_bytes()
    world.add_noun()
    second = world.refresh().result.manifest
    (world.folder / "mirror" / NOUNS).write_bytes(nouns)
    third = world.refresh(accept_shrink=True).result.manifest
    assert second.digest != first.digest == third.digest
    assert third.counts == first.counts


def test_full_parses_and_builds_everything_anew(world: World) -> None:
    before = world.listing()
    outcome = world.refresh(full=True)
    after = world.listing()
    assert outcome.parsed == tuple(SOURCES)
    assert outcome.result.changed
    stages = [name for name in before if name.startswith("stages/")]
    assert [name for name in stages if before[name][1] == after[name][1]] == []
    assert {name: before[name][2] for name in stages} == {name: after[name][2] for name in stages}
    assert outcome.result.manifest.digest == read_manifest(outcome.result.path).digest


def test_a_named_source_alone_is_refreshed(world: World) -> None:
    world.add_noun()
    world.edit(f"mirror/{TAC}", '"title": "', '"title": "New: ')
    assert world.refresh("tac").parsed == ("tac",)
    assert world.refresh().parsed == ("mulima",)


def test_only_the_newest_snapshots_are_kept(world: World) -> None:
    for number in range(KEPT_SNAPSHOTS):
        world.add_noun(f"gizmo {number}")
        assert world.refresh("mulima").result.changed
    snapshots = sorted(path.name for path in world.settings.layout.snapshots.iterdir())
    assert len(snapshots) == KEPT_SNAPSHOTS
    assert world.answers().snapshot.id in snapshots


# ----------------------------------------------------------------------------- what a source may do


def damaged(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "garbage":
        path.write_bytes(b"\x00\xff\xfe garbage {[<" * 9)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "web page":
        path.write_bytes(b"<!DOCTYPE html>\n<html><title>Sign in</title>&nbsp;</html>\n")
    else:
        path.write_bytes(data[: len(data) // 2])


# a table or list that ends early at a whole row looks whole, so only these are told when cut
CUT_IS_TOLD = (WIKIDATA, NLAB_PAGES, CHICAGO_PAGES, NOUNS, TAC)
DAMAGES = [
    pytest.param(path, how, id=f"{how}-{FILES[path]}-{Path(path).name}")
    for path in FILES
    for how in ("missing", "garbage", "empty", "web page", "truncated")
    if how != "truncated" or path.endswith(CUT_IS_TOLD)
]


@pytest.mark.parametrize(("path", "how"), DAMAGES)
def test_a_broken_source_keeps_its_data_and_is_named(
    spare: World, monkeypatch: pytest.MonkeyPatch, path: str, how: str
) -> None:
    monkeypatch.setenv("MATHGLOSS_DATA", str(spare.folder / "bundled"))
    name, target = FILES[path], spare.folder / path
    before, data = spare.listing(), target.read_bytes()
    damaged(target, how)
    try:
        outcome = spare.refresh()
    finally:
        target.write_bytes(data)
    assert list(outcome.failures) == [name]
    message = outcome.failures[name]
    assert target.name in message or "too few usable rows" in message
    assert ": expected " in message
    assert ", got " in message
    assert message.rpartition("; ")[2], "advice"
    assert not outcome.result.changed
    assert spare.listing() == before


@pytest.mark.parametrize("how", ["missing", "garbage", "empty", "web page"])
def test_without_sound_senses_nothing_is_built_and_what_is_published_stays(
    spare: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """They are a table of the core, and what texts are read with: for that there is no other."""
    monkeypatch.setenv("MATHGLOSS_DATA", str(spare.folder / "bundled"))
    target = spare.folder / "bundled" / "senses.tsv"
    published, data = current_path(spare.settings.layout), target.read_bytes()
    damaged(target, how)
    try:
        with pytest.raises(MathGlossError, match=r"senses\.tsv.*restore .* from the release"):
            spare.refresh()
    finally:
        target.write_bytes(data)
    assert current_path(spare.settings.layout) == published
    assert spare.refresh().failures == {}


def test_the_other_sources_are_refreshed_although_one_is_broken(world: World) -> None:
    damaged(world.folder / "mirror" / WIKIDATA, "truncated")
    world.add_noun()
    outcome = world.refresh()
    assert list(outcome.failures) == ["wikidata"]
    assert outcome.parsed == ("mulima",)
    answers = world.answers()
    assert answers.resolve("gizmo") == GIZMO
    assert "wd:Q83478" in answers.concept("wd:Q181296")["broader"][0]["id"]
    assert answers.concept("wd:Q83478")["labels"]["de"][0] == "Gruppe"


def test_every_built_in_source_is_broken_in_some_test() -> None:
    assert set(FILES.values()) == set(SOURCES)


def test_the_command_says_which_source_failed_and_ends_with_status_one(world: World) -> None:
    damaged(world.folder / "mirror" / NOUNS, "garbage")
    result = world.command("refresh")
    assert result.exit_code == 1
    assert "Error: mulima: the file is not in the format of its source" in result.stderr
    assert "nouns.json" in result.stderr
    assert "failed, kept as it was" in " ".join(result.stdout.split())


def test_the_command_reports_failures_as_json_too(world: World) -> None:
    damaged(world.folder / "mirror" / NOUNS, "missing")
    result = world.command("refresh", "--json")
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert list(summary["failures"]) == ["mulima"]
    assert summary["parsed"] == []
    assert not summary["changed"]
    assert summary["sources"]["mulima"]["terms"] > 0


def test_a_source_that_works_again_is_refreshed(world: World) -> None:
    path = world.folder / "mirror" / NOUNS
    nouns = path.read_bytes()
    damaged(path, "garbage")
    assert world.refresh().failures
    path.write_bytes(nouns)
    assert world.refresh().failures == {}
    world.add_noun()
    assert world.refresh().parsed == ("mulima",)


def test_the_first_refresh_publishes_what_works(fresh: World) -> None:
    shutil.rmtree(fresh.folder / "mirror")
    (fresh.folder / "mirror").mkdir()
    outcome = fresh.refresh()
    assert sorted(outcome.failures) == sorted(set(SOURCES) - set(BUNDLED))
    assert sorted(outcome.state) == sorted(BUNDLED)
    assert fresh.answers().concept("wd:Q204")["label"] == "zero"
    assert "bundled" not in " ".join(outcome.failures)


def test_when_no_source_works_nothing_is_published_and_all_reasons_are_given(fresh: World) -> None:
    shutil.rmtree(fresh.folder / "mirror" / "wikidata")
    with pytest.raises(InputError, match="no source has any data") as caught:
        fresh.refresh("wikidata")
    assert "wikidata: missing Wikidata file" in str(caught.value)
    assert not fresh.settings.layout.current.exists()


def test_a_bad_row_is_counted_and_named_in_the_report(world: World) -> None:
    target = world.folder / "mirror" / NOUNS
    nouns = json.loads(target.read_text(encoding="utf-8"))
    target.write_text(json.dumps(nouns | {"gizmo": "no object"}), encoding="utf-8")
    outcome = world.refresh()
    assert outcome.failures == {}
    report = world.report()["sources"]["mulima"]
    assert sum(report["rejected"].values()) == 1
    assert "gizmo" in report["first_rejections"][0]["where"]


def test_a_file_that_is_mostly_rejected_counts_as_broken(world: World) -> None:
    path = world.folder / "bundled" / "concepts.tsv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "Q1\tno item\n" * 80, encoding="utf-8")
    message = world.refresh().failures["core"]
    assert message.startswith(
        "too few usable rows: core: expected at least one, and 50% of the rows"
    )
    assert "'not a Wikidata item': 80" in message


def fewer_concepts(world: World) -> None:
    tables = ["concepts.tsv", *(name for name in core.TABLES if "names-" in name)]
    for path in (world.folder / "bundled" / name for name in tables):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:3]), encoding="utf-8")


def test_a_source_that_has_shrunk_keeps_its_data(world: World) -> None:
    before = world.listing()
    fewer_concepts(world)
    message = world.refresh().failures["core"]
    assert "the source has shrunk: core: expected at least 80% of the 66 entries" in message
    assert "got 30 entries; if that is right, refresh it with --accept-shrink" in message
    assert world.listing() == before


def test_a_shrunk_source_is_taken_when_it_is_accepted(world: World) -> None:
    fewer_concepts(world)
    result = world.command("refresh", "core", "--accept-shrink")
    assert result.exit_code == 0, result.output
    assert read_state(world.settings.layout)["core"].terms == 30


def test_two_names_in_one_language_give_one_preferred_name(world: World) -> None:
    rdf = world.folder / "two.nt"
    slice_text = (world.folder / "mirror" / "wikidata" / "slice.nt").read_text(encoding="utf-8")
    rdf.write_text(
        slice_text
        + "<http://www.wikidata.org/entity/Q83478> "
        + '<http://www.w3.org/2000/01/rdf-schema#label> "another group"@en .\n',
        encoding="utf-8",
    )
    result = world.command("refresh", "--wikidata-endpoint", str(rdf))
    assert result.exit_code == 0, result.output
    assert "another group" in world.answers().concept("wd:Q83478")["labels"]["en"]


# -------------------------------------------------------------------------------- choice of sources


def test_an_unknown_source_is_answered_with_the_known_ones(world: World) -> None:
    before = world.listing()
    with pytest.raises(InputError) as caught:
        world.refresh("wikipedia")
    assert str(caught.value) == (f"unknown source 'wikipedia'; known sources: {', '.join(SOURCES)}")
    assert world.listing() == before


def test_a_source_with_options_of_no_known_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"options \{'ftp': 1\} cannot be made; forget it"):
        added_source({"ftp": 1})


def test_a_forgotten_source_is_gone_after_the_next_build(world: World) -> None:
    assert world.answers().resolve(GROUP) == "wd:Q83478"
    result = world.command("sources", "--forget", "mulima")
    assert result.exit_code == 0, result.output
    assert "mulima is forgotten" in result.stdout
    assert world.answers().resolve(GROUP) == "wd:Q83478", "until the build"
    assert world.command("build").exit_code == 0
    answers = world.answers()
    assert "mulima" not in answers.snapshot.manifest.sources
    with pytest.raises(NotFoundError):
        answers.resolve(GROUP)
    assert world.report()["difference"]["mappings"]["curated"]["removed"] > 0


def test_forgetting_what_is_not_there_lists_what_is(world: World) -> None:
    result = world.command("sources", "--forget", "papers-mine")
    assert result.exit_code == 1
    assert "no data of 'papers-mine'; sources with data:" in str(result.exception)


PAPERS = """{"title": "On the null space", "abstract": "A group.", "url": "https://example.org/1"}
{"title": "On abelian groups", "abstract": "Each monoid.", "url": "https://example.org/2"}
"""


@pytest.fixture
def papers(world: World) -> Path:
    path = world.folder / "my papers.jsonl"
    path.write_text(PAPERS, encoding="utf-8")
    return path


def test_a_file_of_papers_is_added_and_remembered(world: World, papers: Path) -> None:
    before = world.answers().snapshot.manifest.counts["papers"]
    result = world.command("refresh", "core", "--papers", str(papers))
    assert result.exit_code == 0, result.output
    assert world.answers().snapshot.manifest.counts["papers"] == before + 2
    titles = [row["title"] for row in world.answers().concept("wd:Q181296")["papers"]]
    assert "On abelian groups" in titles
    with papers.open("a", encoding="utf-8") as stream:
        stream.write('{"title": "On kernels"}\n')
    assert world.refresh().parsed == ("papers-my-papers",)
    assert world.answers().snapshot.manifest.counts["papers"] == before + 3


def test_a_file_of_papers_is_refreshed_by_its_name(world: World, papers: Path) -> None:
    ((name, options),) = paper_file_options([papers]).items()
    world.refresh("core", added={name: options})
    papers.write_text(PAPERS.replace("Each monoid", "No monoid"), encoding="utf-8")
    assert world.refresh(name).parsed == (name,)


def test_a_file_of_papers_that_vanishes_keeps_its_papers(world: World, papers: Path) -> None:
    ((name, options),) = paper_file_options([papers]).items()
    world.refresh("core", added={name: options})
    papers.unlink()
    before = world.listing()
    outcome = world.refresh()
    assert list(outcome.failures) == [name]
    assert "missing file" in outcome.failures[name]
    assert papers.name in outcome.failures[name]
    assert world.listing() == before
    world.add_noun()
    assert world.refresh().parsed == ("mulima",)
    assert name in world.answers().snapshot.manifest.sources


def test_a_file_of_papers_that_is_not_there_is_wrong_use(world: World) -> None:
    result = world.command("refresh", "--papers", str(world.folder / "gone.jsonl"))
    assert result.exit_code == 2
    assert "gone.jsonl" in result.stderr


# --------------------------------------------------------------------------------------- the report


def test_the_report_accounts_for_every_row(world: World) -> None:
    report = world.report()
    assert report["snapshot"] == world.answers().snapshot.id
    assert report["sources"].keys() == set(SOURCES)
    for name, entry in report["sources"].items():
        kept = entry["terms"] + entry["papers"]
        assert entry["read"] == kept + sum(entry["rejected"].values()), name
        assert sum(entry["terms_by_kind"].values()) == entry["terms"], name
        assert entry["licence"]["name"], name
        assert entry["homepage"].startswith("http"), name
        for file in entry["files"]:
            assert len(file["sha256"]) == 64, name
            assert file["retrieved"].endswith("+00:00"), name
    assert report["counts"]["concepts"] > 0
    assert report["difference"] is None, "there was no snapshot before the first"


def test_the_report_names_the_difference_to_the_snapshot_before(world: World) -> None:
    before = world.answers().snapshot
    world.add_noun()
    world.refresh()
    difference = world.report()["difference"]
    assert difference["previous"] == before.id
    assert difference["concepts"]["first_added"] == [GIZMO]
    assert difference["concepts"]["added"] == 1
    assert difference["concepts"]["removed"] == 0
    assert difference["mappings"]["rejected"]["added"] == 0


def test_unchanged_files_keep_the_time_of_their_first_retrieval(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_state(world.settings.layout)["mulima"].files
    monkeypatch.setattr("ingest.fetch.now_utc", lambda: "2099-01-01T00:00:00+00:00")
    world.refresh(full=True)
    after = read_state(world.settings.layout)["mulima"].files
    assert [file.retrieved for file in after] == [file.retrieved for file in before]


# --------------------------------------------------------------------------- one writer, and checks


def refresh_elsewhere(folder: str) -> None:
    """Runs in another process: exit status 3 if told that someone else is writing."""
    world = World(Path(folder))
    try:
        world.refresh("core")
    except InputError as error:
        message = f"{world.settings.layout.lock}: another mathgloss process is writing below"
        os._exit(3 if message in str(error) and "wait until it has finished" in str(error) else 4)
    os._exit(0)


def test_a_second_process_is_told_that_the_first_is_writing(world: World) -> None:
    before = world.listing()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=refresh_elsewhere, args=(str(world.folder),))
    with writing(world.settings.layout):
        process.start()
        process.join(60)
        assert process.exitcode == 3
    assert {name: row for name, row in world.listing().items() if name != "lock"} == {
        name: row for name, row in before.items() if name != "lock"
    }


def test_every_command_that_writes_waits_for_no_one(world: World) -> None:
    with writing(world.settings.layout):
        for command in (["refresh", "core"], ["build"], ["sources", "--forget", "mulima"]):
            result = world.command(*command)
            assert result.exit_code == 1
            assert "another mathgloss process is writing" in str(result.exception), command


def test_a_snapshot_that_fails_a_check_is_not_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.answers().snapshot.id
    query = "SELECT ?c WHERE { GRAPH mgg:concepts { ?c a skos:Concept } } ORDER BY ?c"
    world.add_noun()
    with monkeypatch.context() as patch:
        patch.setattr(checks, "GRAPH_CHECKS", {"there are concepts": query})
        with pytest.raises(CheckError) as caught:
            world.refresh()
    assert "is not published: there are concepts: <" in str(caught.value)
    assert str(caught.value).endswith("the published snapshot is untouched")
    assert world.answers().snapshot.id == before
    # the failed build's store may still be open here: the error holds its frames
    outcome = world.refresh()
    assert outcome.result.changed
    assert world.answers().resolve("gizmo") == GIZMO
    assert list(world.settings.layout.snapshots.glob(f"{BUILDING}*")) == []


def test_a_graph_that_violates_a_shape_is_not_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.answers().snapshot.id
    world.add_noun()
    nameless = ox.Triple(
        ox.NamedNode("http://www.wikidata.org/entity/Q1"),
        ox.NamedNode(vocab.expand("rdf:type")),
        ox.NamedNode(vocab.expand("skos:Concept")),
    )
    monkeypatch.setattr("mathgloss.graph.rdf.concept_triples", lambda _: iter([nameless]))
    with pytest.raises(CheckError, match="concepts: Focus Node: "):
        world.refresh()
    assert world.answers().snapshot.id == before


def test_a_damaged_stage_is_named_with_the_way_out(world: World) -> None:
    for path in (world.settings.layout.stages / "parsed").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    world.add_noun()
    result = world.command("refresh")
    assert result.exit_code == 1
    assert "run 'mathgloss refresh --full' to write them anew" in str(result.exception)
    assert world.command("refresh", "--full").exit_code == 0
    assert world.answers().resolve("gizmo") == GIZMO


def test_a_lost_stage_is_parsed_again(world: World) -> None:
    state = read_state(world.settings.layout)["mulima"]
    path = Stages(world.settings.layout.stages).path("parsed", state.key, ".json.gz")
    data = path.read_bytes()
    path.unlink()
    outcome = world.refresh()
    assert outcome.parsed == ("mulima",)
    assert not outcome.result.changed
    assert path.read_bytes() == data


def test_going_back_to_earlier_data_publishes_the_earlier_snapshot(world: World) -> None:
    settings = world.settings
    first = world.refresh().result
    forget(settings.layout, "tac")
    sources = source_inputs(settings.layout, read_state(settings.layout))
    second = build_snapshot(settings.layout, sources, linking_setup(settings))
    assert second.changed
    third = world.refresh().result
    assert (third.changed, third.path) == (True, first.path)
    assert current_path(settings.layout) == first.path


def test_two_paper_files_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "mine.jsonl" for folder in ("a", "b")]
    with pytest.raises(InputError, match=r"b/mine.jsonl: the papers of .*a/mine.jsonl are already"):
        paper_file_options(paths)
