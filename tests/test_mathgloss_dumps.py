"""Dumps: whole, listed with their hashes, and with a licence on every row."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyoxigraph as ox
import pytest

from mathgloss.answers.service import Answers
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.dumps import DUMPS, LISTING, NQUADS, SQLITE, list_dumps, write_dumps
from mathgloss.graph.export import export
from mathgloss.graph.snapshot import Snapshot

SETS = ("curated", "predicted", "rejected", "unsure")


@pytest.fixture(scope="module")
def folder(answers: Answers) -> Path:
    return answers.snapshot.path / DUMPS


@pytest.fixture
def tables(folder: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "dump.sqlite"
    path.write_bytes(gzip.decompress((folder / SQLITE).read_bytes()))
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_a_build_writes_every_dump_and_lists_it_with_its_hash(
    answers: Answers, folder: Path
) -> None:
    listed = {entry["name"]: entry for entry in list_dumps(answers.snapshot)}
    assert set(listed) == {NQUADS, SQLITE, *(f"{name}.sssom.tsv" for name in SETS)}
    assert {path.name for path in folder.iterdir()} == {*listed, LISTING}
    for name, entry in listed.items():
        content = (folder / name).read_bytes()
        assert entry["size_bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["licence"]


def test_nquads_hold_every_triple_in_its_graph(answers: Answers, folder: Path) -> None:
    quads = ox.parse(gzip.decompress((folder / NQUADS).read_bytes()), format=ox.RdfFormat.N_QUADS)
    assert set(quads) == set(answers.snapshot.store)


@pytest.mark.parametrize("table", ["name", "mapping", "definition"])
def test_every_row_of_the_tables_has_a_source_and_a_licence(
    tables: sqlite3.Connection, table: str
) -> None:
    rows = tables.execute(f"SELECT source, licence FROM {table}").fetchall()
    assert rows
    assert all(source and licence for source, licence in rows)


def test_a_name_that_several_sources_give_stands_under_the_freest_licence(
    tables: sqlite3.Connection,
) -> None:
    query = "SELECT source, licence FROM name WHERE concept = ? AND text = ? AND lang = ?"
    assert tables.execute(query, ("wd:Q83478", "group", "en")).fetchall() == [("core", "CC0-1.0")]
    assert tables.execute(
        "SELECT DISTINCT licence FROM mapping WHERE source = 'mathgloss'"
    ).fetchall() in ([("CC0-1.0",)], [])


# the reference tool uses what pandas now deprecates
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sssom_rows_name_their_licence_and_stay_valid(folder: Path) -> None:
    from sssom.parsers import parse_sssom_table
    from sssom.validators import validate

    for name in SETS:
        held = parse_sssom_table(folder / f"{name}.sssom.tsv")
        validate(held)
        if len(held.df):
            assert set(held.df.license) <= {
                "https://creativecommons.org/publicdomain/zero/1.0/",
                "https://github.com/MathGloss/MathGloss/blob/main/LICENSE",
                "https://www.gnu.org/licenses/gpl-3.0.html",
                "https://www.apache.org/licenses/LICENSE-2.0",
            }


def test_equal_snapshots_give_equal_dumps(answers: Answers, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "snapshot"
    shutil.copytree(answers.snapshot.path, copy, ignore=shutil.ignore_patterns(DUMPS))
    write_dumps(Snapshot(copy))
    for name in (NQUADS, *(f"{name}.sssom.tsv" for name in SETS)):
        assert (copy / DUMPS / name).read_bytes() == (folder / name).read_bytes()


def test_a_snapshot_of_an_earlier_version_says_that_it_has_none(
    answers: Answers, tmp_path: Path
) -> None:
    copy = tmp_path / "snapshot"
    shutil.copytree(answers.snapshot.path, copy, ignore=shutil.ignore_patterns(DUMPS))
    with pytest.raises(NotFoundError, match="the next 'mathgloss refresh' makes them"):
        list_dumps(Snapshot(copy))


def test_a_dump_that_cannot_be_written_leaves_nothing(answers: Answers, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        export(answers.snapshot, "nquads", tmp_path / "missing" / "x.nq.gz")
    assert list(tmp_path.iterdir()) == []
