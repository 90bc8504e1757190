"""Arrays in files, and what is packed into them: what is read is what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathgloss.errors import DataNotFoundError
from mathgloss.io.arrays import Arrays, put_under, read_arrays, take_under, write_arrays
from mathgloss.linking.packed import Key, Phrases, Postings, Strings

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
KEYS = st.tuples(st.sampled_from(["en", "fr", "zh"]), st.lists(WORDS.filter(bool)).map(tuple))


def test_arrays_are_read_as_written(tmp_path: Path) -> None:
    arrays: Arrays = {
        "numbers": np.arange(6, dtype=np.int32).reshape(2, 3),
        "none": np.empty(0, np.uint64),
        "shares": np.array([0.1, 1e-300]),
        "flags": np.array([True, False, True]),
    }
    write_arrays(tmp_path / "a.bin", arrays)
    read = read_arrays(tmp_path / "a.bin")
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)
        assert not read[name].flags.writeable
        assert read[name].flags.aligned


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    one, other = np.arange(3), np.ones(2)
    write_arrays(tmp_path / "a.bin", {"one": one, "other": other})
    write_arrays(tmp_path / "b.bin", {"other": other, "one": one})
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_a_group_is_apart_from_others() -> None:
    arrays = put_under("a", {"x": np.zeros(1)}) | put_under("ab", {"x": np.ones(1)})
    assert take_under("a", arrays) == {"x": np.zeros(1)}
    assert take_under("b", arrays) == {}


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "ValueError"),
        (b"\xff" * 200, "UnicodeDecodeError"),
        (b"\x02\0\0\0\0\0\0\0{}", "KeyError"),
        (b'\x12\0\0\0\0\0\0\0{"format":"other"}', "'other'"),
    ],
)
def test_what_is_no_file_of_arrays_is_refused(tmp_path: Path, content: bytes, got: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(DataNotFoundError, match=rf"a\.bin.*{got}.*mathgloss refresh --full"):
        read_arrays(path)


def test_a_file_cut_short_is_refused_and_so_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_arrays(path, {"numbers": np.arange(1_000)})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataNotFoundError, match=r"8,127 bytes of 8,128|bytes of"):
        read_arrays(path)
    with pytest.raises(DataNotFoundError, match="FileNotFoundError"):
        read_arrays(tmp_path / "other.bin")


@given(st.lists(WORDS))
def test_strings_hold_any_texts(texts: list[str]) -> None:
    held = Strings(Strings.of(texts))
    assert list(held) == texts
    assert len(held) == len(texts)


@given(st.lists(st.lists(WORDS).map(tuple)))
def test_phrases_hold_any_words_also_empty_ones(phrases: list[tuple[str, ...]]) -> None:
    places: dict[str, int] = {}
    arrays = Phrases.of(phrases, places)
    held = Phrases(list(places), arrays)
    assert list(held) == phrases
    assert len(held) == len(phrases)


@given(st.dictionaries(KEYS, st.lists(st.integers(0, 10**6), min_size=1)), KEYS)
def test_postings_give_the_rows_of_each_key_and_none_for_others(
    rows: dict[Key, list[int]], other: Key
) -> None:
    held = Postings(Postings.of(rows))
    for key, expected in rows.items():
        assert key in held
        assert held[key] == expected
    assert (other in held) == (other in rows)
    assert held[other] == rows.get(other, [])
