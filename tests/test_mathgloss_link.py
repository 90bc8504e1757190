"""``mathgloss link terms``: a row for each term, whole files, and nothing of what sources say."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.refresh import Outcome, refresh
from mathgloss import vocab
from mathgloss.config import Settings
from mathgloss.embedding import EmbeddingError
from mathgloss.embedding.contract import Vectors
from mathgloss.errors import DataNotFoundError, InputError
from mathgloss.graph.linkers import open_linker
from mathgloss.graph.snapshot import open_manifest
from mathgloss.linking import setup as linking
from mathgloss.linking.candidates import Query
from mathgloss.linking.ranking import BUNDLED_MODEL, load_model
from tests.conftest import FIXTURES, make_mirror, small_bundle

Run = Callable[..., str]
TERMS = (
    ("t:1", "Abelian groups", "en"),
    ("t:2", "groupe abélien", "fr"),
    ("t:3", "left coset", "en"),
    ("t:4", "gadget of no kind", "en"),
    ("t:5", "grup", "ca"),
    ("t:6", "orbit", "en"),
)


def write_terms(path: Path, rows: Sequence[Sequence[str]] = TERMS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "label", "lang", "definition")[: len(rows[0])])
        writer.writerows(rows)
    return path


def sssom(path: Path) -> tuple[str, list[dict[str, str]]]:
    """The metadata and the rows."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    return "\n".join(head), list(csv.DictReader(lines[len(head) :], delimiter="\t"))


def link(mathgloss: Run, folder: Path, *options: str) -> tuple[str, list[dict[str, str]]]:
    out = folder / "out.sssom.tsv"
    mathgloss("link", "terms", str(write_terms(folder / "terms.csv")), "-o", str(out), *options)
    return sssom(out)


def test_each_term_has_a_row_in_order_with_how_and_how_sure(mathgloss: Run, tmp_path: Path) -> None:
    head, rows = link(mathgloss, tmp_path)
    assert [row["subject_id"] for row in rows] == [row[0] for row in TERMS]
    by_id = {row["subject_id"]: row for row in rows}
    assert by_id["t:1"]["object_id"] == by_id["t:2"]["object_id"] == "wd:Q181296"
    assert by_id["t:3"]["object_id"] == by_id["t:4"]["object_id"] == "sssom:NoTermFound"
    assert {row["predicate_id"] for row in rows} == {vocab.EXACT_MATCH}
    assert {row["mapping_tool"] for row in rows} == {"mathgloss"}
    assert {row["mapping_justification"] for row in rows} == {vocab.LEXICAL}
    assert all(re.match("(accept|review|none): .", row["comment"]) for row in rows)
    assert head.count("linked with snapshot") == 1
    assert re.search(r"terms of terms.csv linked with snapshot [^ ,]+, by names", head)


def test_a_page_of_no_concept_is_never_an_answer(mathgloss: Run, tmp_path: Path) -> None:
    _, rows = link(mathgloss, tmp_path, "--nearest")
    assert "wd:Q230664" not in {row["object_id"] for row in rows}


def test_nearest_adds_the_broader_item_and_changes_nothing_else(
    mathgloss: Run, tmp_path: Path
) -> None:
    _, plain = link(mathgloss, tmp_path)
    _, nearest = link(mathgloss, tmp_path, "--nearest")
    changed = [row["subject_id"] for row, other in zip(plain, nearest, strict=True) if row != other]
    assert changed == ["t:3"]
    assert nearest[2]["predicate_id"] == vocab.BROAD_MATCH
    assert nearest[2]["object_label"] == "coset"


def test_without_an_encoder_pytorch_is_not_loaded(
    world: tuple[Settings, Outcome], tmp_path: Path
) -> None:
    terms = write_terms(tmp_path / "terms.csv")
    arguments = ["--home", str(world[0].home), "link", "terms", str(terms), "-o"]
    code = (
        "import sys\nfrom mathgloss.cli import root\n"
        f"root({[*arguments, str(tmp_path / 'out.tsv')]!r}, standalone_mode=False)\n"
        "heavy = {'torch', 'sentence_transformers', 'sklearn', 'spacy'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_the_same_terms_give_the_same_bytes(mathgloss: Run, tmp_path: Path) -> None:
    link(mathgloss, tmp_path)
    first = (tmp_path / "out.sssom.tsv").read_bytes()
    link(mathgloss, tmp_path)
    assert (tmp_path / "out.sssom.tsv").read_bytes() == first


def test_without_a_source_the_names_that_it_alone_gave_items_are_gone(
    mathgloss: Run, tmp_path: Path
) -> None:
    by_core = write_terms(tmp_path / "terms.csv", [("t:1", "gruppo", "it")])
    out = tmp_path / "out.tsv"
    mathgloss("link", "terms", str(by_core), "-o", str(out))
    assert sssom(out)[1][0]["object_id"] == "wd:Q83478"
    mathgloss("link", "terms", str(by_core), "-o", str(out), "--exclude-source", "core")
    head, (row,) = sssom(out)
    assert row["object_id"] == "sssom:NoTermFound"
    assert ", without core, by names" in head


def test_what_other_sources_say_of_items_is_not_used_with_or_without_them(
    mathgloss: Run, tmp_path: Path
) -> None:
    """MuLiMa calls Q83478 "grup" in Catalan, and says so by a reference; Wikidata does not."""
    _, rows = link(mathgloss, tmp_path)
    for source in ("mulima", "nlab", "chicago"):
        head, without = link(mathgloss, tmp_path, "--exclude-source", source)
        assert without == rows
        assert f", without {source}, by names" in head


def test_an_unknown_source_cannot_be_left_out(mathgloss: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--exclude-source 'nlap': the snapshot's sources are"):
        link(mathgloss, tmp_path, "--exclude-source", "nlap")
    assert [path.name for path in tmp_path.iterdir()] == ["terms.csv"]


# ------------------------------------------------------------------ no reference reaches a score


def without_references(mirror: Path) -> None:
    """Take away, or change, everything that the sources of the world say of identity."""
    for path in mirror.rglob("nouns.json"):
        nouns = json.loads(path.read_text(encoding="utf-8"))
        for row in nouns.values():
            row["refs"] = {"wikidata": "Q161172"} if row["refs"] else {}
        path.write_text(json.dumps(nouns), encoding="utf-8")
    slice_path = mirror / "wikidata" / "slice.nt"
    lines = slice_path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "/prop/direct/P4215>" not in line]
    assert len(kept) < len(lines), "the world has identifiers of nLab pages"
    slice_path.write_text("".join(kept), encoding="utf-8")
    changed = 0
    for path in (mirror / "archives" / "MathGloss-main").rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        new = re.sub(r"Q\d+", "Q161172", text)
        changed += new != text
        path.write_text(new, encoding="utf-8")
    for path in mirror.rglob("nlab.csv"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"Q\d+", "Q161172", text), encoding="utf-8")
    assert changed, "the world has Chicago pages that name items"


def test_no_reference_of_any_source_reaches_a_predicted_probability(
    world: tuple[Settings, Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tmp_path / "fixtures" / "world"
    shutil.copytree(FIXTURES / "world", changed)
    without_references(changed)
    monkeypatch.setattr("tests.conftest.FIXTURES", changed.parent)
    settings = Settings(home=tmp_path / "home", mirror=make_mirror(tmp_path / "mirror"))
    monkeypatch.setenv("MATHGLOSS_DATA", str(small_bundle(tmp_path / "bundled")))
    outcome = refresh(settings)
    assert outcome.failures == {}
    queries = [Query(label, lang) for _, label, lang in TERMS]
    queries += [Query(label) for label in ("group", "ring", "kernel", "orbit", "quasi-group")]
    before = open_linker(world[0], open_manifest(world[0].layout)).link(queries)
    after = open_linker(settings, open_manifest(settings.layout)).link(queries)
    assert after == before


# ----------------------------------------------------------------------------- encoders and faults


class Failing:
    """An encoder that stops working after some calls."""

    name = "failing"
    dimension = 8
    fingerprint = load_model().encoder

    def __init__(self, good_calls: int) -> None:
        self._left = good_calls

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not self._left:
            raise RuntimeError("out of memory")
        self._left -= 1
        rows = np.zeros((len(texts), self.dimension), np.float32)
        rows[:, 0] = 1.0
        return rows


@pytest.mark.parametrize("good_calls", [0, 1, 3])
def test_an_encoder_that_fails_leaves_no_half_written_file(
    mathgloss: Run,
    world: tuple[Settings, Outcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    good_calls: int,
) -> None:
    whole = linking.linking_setup

    def with_failing(settings: Settings) -> Any:
        return replace(
            whole(settings), encoder=Failing(good_calls), embeddings=tmp_path / "embeddings"
        )

    monkeypatch.setattr("mathgloss.graph.linkers.linking_setup", with_failing)
    folder = tmp_path / "work"
    folder.mkdir()
    out = folder / "out.sssom.tsv"
    out.write_text("what was there before", encoding="utf-8")
    with pytest.raises(EmbeddingError, match=r"failing failed on .* are kept in ") as caught:
        link(mathgloss, folder)
    assert "call again, only the rest is encoded" in str(caught.value)
    assert out.read_text(encoding="utf-8") == "what was there before"
    assert sorted(path.name for path in folder.iterdir()) == ["out.sssom.tsv", "terms.csv"]


def test_a_linker_trained_with_another_encoder_goes_by_names_and_says_so(
    mathgloss: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, by_names = link(mathgloss, tmp_path)
    whole = linking.linking_setup

    class Other(Failing):
        fingerprint = "another"

    def with_other(settings: Settings) -> Any:
        return replace(whole(settings), encoder=Other(0), embeddings=tmp_path / "embeddings")

    monkeypatch.setattr("mathgloss.graph.linkers.linking_setup", with_other)
    head, rows = link(mathgloss, tmp_path)
    assert rows == by_names
    assert {row["mapping_justification"] for row in rows} == {vocab.LEXICAL}
    assert ", by names" in head
    assert "meaning" not in head
    assert not (tmp_path / "embeddings").exists()


def test_with_an_encoder_the_file_names_it(
    mathgloss: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = linking.linking_setup

    def with_encoder(settings: Settings) -> Any:
        return replace(whole(settings), encoder=Failing(99), embeddings=tmp_path / "embeddings")

    monkeypatch.setattr("mathgloss.graph.linkers.linking_setup", with_encoder)
    head, rows = link(mathgloss, tmp_path)
    assert ", by names and meaning by failing" in head
    assert {row["mapping_justification"] for row in rows} == {vocab.COMPOSITE}


def test_the_key_of_a_setup_changes_with_model_and_encoder(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, encoder="none")
    bundled = linking.linking_setup(settings)
    assert bundled.encoder is None
    assert bundled.meaning() is None
    assert linking.linking_setup(settings).key == bundled.key
    other = tmp_path / "linker.json"
    text = BUNDLED_MODEL.read_text(encoding="utf-8")
    other.write_text(text.replace('"accept": 0.', '"accept": 0.1'), encoding="utf-8")
    assert linking.linking_setup(replace_linker(settings, other)).key != bundled.key


def replace_linker(settings: Settings, path: Path) -> Settings:
    return settings.model_copy(update={"linker": path})


def test_a_linker_that_is_not_there_is_told(
    mathgloss: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATHGLOSS_LINKER", str(tmp_path / "none.json"))
    with pytest.raises(DataNotFoundError, match=r"none\.json: expected a trained linker"):
        link(mathgloss, tmp_path)


def test_odd_terms_do_not_spoil_the_others(mathgloss: Run, tmp_path: Path) -> None:
    odd = [
        "x",
        "y" * 10_000,
        r"$\mathbb{R}$",
        "\u202e",
        "مجموعة",
        "a" + "\u0301" * 500,
        "(((",
        "🐍",
    ]
    rows = [(f"t:{n}", label, "zz") for n, label in enumerate(odd)]
    terms = write_terms(tmp_path / "terms.csv", [*rows, ("t:last", "abelian group", "en")])
    out = tmp_path / "out.tsv"
    mathgloss("link", "terms", str(terms), "-o", str(out), exit_code=1)
    _, linked = sssom(out)
    assert [row["subject_id"] for row in linked] == [*(row[0] for row in rows), "t:last"]
    assert {row["object_id"] for row in linked[:-1]} == {"sssom:NoTermFound"}
    assert linked[-1]["object_id"] == "wd:Q181296"
