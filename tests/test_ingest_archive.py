"""Archives are read as streams, and refused when damaged, unsafe or too large."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.archive import OVERHEAD_BYTES, iter_members
from mathgloss.errors import ParseError


def entry(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.type = kind
    return info


def write(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members:
            archive.addfile(entry(name, len(data)), io.BytesIO(data))
    return path


def link(path: Path, kind: bytes) -> Path:
    info = entry("root/link", kind=kind)
    info.linkname = "root/a"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(entry("root/a", 1), io.BytesIO(b"x"))
        archive.addfile(info)
    return path


def read(path: Path, **options: Any) -> list[tuple[str, bytes]]:
    return list(iter_members(path, **options))


def test_members_come_in_archive_order_without_folders(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", pax_headers={"comment": "0123abcd"}) as archive:
        archive.addfile(entry("root", kind=tarfile.DIRTYPE))
        for name in ("root/b", "root/é", "root/a"):
            archive.addfile(entry(name, 2), io.BytesIO(name[-1].encode().ljust(2)[:2]))
    assert [name for name, _ in read(path)] == ["root/b", "root/é", "root/a"]
    assert read(path)[0][1] == b"b "


def test_an_archive_without_files_gives_nothing(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.tar.gz")) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty file"),
        pytest.param(b"<html>not found</html>", id="web page"),
        pytest.param(gzip.compress(b"no tar " * 200), id="gzip without tar"),
        pytest.param(gzip.compress(b""), id="gzip of nothing"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    with pytest.raises(ParseError, match="a whole gzipped tar archive"):
        read(path)


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=r"gone\.tar\.gz"):
        read(tmp_path / "gone.tar.gz")


def test_an_archive_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    noise = bytes((i * i * 31 + i // 7) % 251 for i in range(700))
    whole = write(tmp_path / "a", *((f"r/{i}", noise) for i in range(4))).read_bytes()
    path = tmp_path / "cut"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ParseError, match="cannot be read to its end"):
            read(path)


def test_an_archive_cut_off_between_two_members_is_refused(tmp_path: Path) -> None:
    whole = gzip.decompress(write(tmp_path / "a", ("r/a", b"x"), ("r/b", b"y")).read_bytes())
    stream = gzip.compress(whole[:1024])
    path = tmp_path / "cut"
    path.write_bytes(stream[:-8])  # without the sum and length that gzip puts last
    with pytest.raises(ParseError, match="EOFError"):
        read(path)


def test_a_damaged_byte_is_noticed_by_the_sum(tmp_path: Path) -> None:
    path = write(tmp_path / "a", ("r/a", b"x"))
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(ParseError, match="CRC"):
        read(path)


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    data = bytearray(
        gzip.decompress(write(tmp_path / "a", ("r/a", b"x"), ("r/b", b"y")).read_bytes())
    )
    data[1024 + 150] ^= 1  # in the checksum of the second header
    path = tmp_path / "damaged"
    path.write_bytes(gzip.compress(data))
    with pytest.raises(ParseError, match="a damaged header"):
        read(path)


@pytest.mark.parametrize("name", ["../evil", "root/../../evil", "/etc/evil"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a", (name, b"x"))
    with pytest.raises(ParseError, match="a name that leads outside"):
        read(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_or_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(ParseError, match=r"root/link.*a link or device"):
        read(link(tmp_path / "a", kind))


def test_a_member_over_its_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a", ("r/small", b"x"), ("r/bomb", bytes(5000)))
    with pytest.raises(ParseError, match=r"r/bomb: expected at most 4000 bytes a file"):
        read(path, max_member_bytes=4000)


def test_members_that_are_too_much_together_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a", *((f"r/{i}", bytes(1000)) for i in range(5)))
    with pytest.raises(ParseError, match=r"r/3.*4000 together"):
        read(path, max_total_bytes=3500)
    assert len(read(path, max_total_bytes=5000)) == 5


def pad(path: Path) -> None:
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(2 * OVERHEAD_BYTES)))


def extend(path: Path) -> None:
    comment = {"comment": "x" * (2 * OVERHEAD_BYTES)}
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = entry("r/a")
        info.pax_headers = comment
        archive.addfile(info)


@pytest.mark.parametrize("inflate", [pad, extend])
def test_bombs_outside_of_members_are_refused(
    tmp_path: Path, inflate: Callable[[Path], None]
) -> None:
    path = write(tmp_path / "a", ("r/a", b"x"))
    inflate(path)
    with pytest.raises(ParseError, match="bytes in one entry"):
        read(path, max_member_bytes=100)


def test_a_broken_number_in_an_extended_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = entry("r/a")
        info.pax_headers = {"GNU.sparse.map": "a,b"}
        archive.addfile(info)
    with pytest.raises(ParseError, match="cannot be read to its end"):
        read(path)


def test_a_name_in_no_encoding_can_be_shown_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(entry("r/\udcff", kind=tarfile.FIFOTYPE))
    with pytest.raises(ParseError) as caught:
        read(path)
    assert r"r/\udcff" in str(caught.value)
    str(caught.value).encode("utf-8")


def test_only_wanted_members_are_given(tmp_path: Path) -> None:
    names = ("root/a.md", "root/pages/b.md", "root/b.txt", "other/c.md", "root/D.MD")
    path = write(tmp_path / "a", *((name, name.encode()) for name in names))
    found = read(path, wanted="root/*.md")
    assert found == [("root/a.md", b"root/a.md"), ("root/pages/b.md", b"root/pages/b.md")]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_that_is_not_wanted_is_passed_over(tmp_path: Path, kind: bytes) -> None:
    path = link(tmp_path / "a", kind)
    assert read(path, wanted="root/a") == [("root/a", b"x")]
    with pytest.raises(ParseError, match=r"root/link.*a link or device"):
        read(path, wanted="root/l*")


def test_a_large_member_that_is_not_wanted_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a", ("r/large", bytes(3 * OVERHEAD_BYTES)), ("r/small", b"x"))
    assert read(path, wanted="r/small", max_member_bytes=10) == [("r/small", b"x")]
    with pytest.raises(ParseError, match=r"r/large: expected at most 10 bytes a file"):
        read(path, wanted="r/*", max_member_bytes=10)


def test_members_that_are_not_wanted_count_towards_all_bytes_together(tmp_path: Path) -> None:
    path = write(tmp_path / "a", ("r/large", bytes(5000)), ("r/small", b"x"))
    with pytest.raises(ParseError, match=r"r/large.*4000 together"):
        read(path, wanted="r/small", max_total_bytes=4000)


def test_an_archive_cut_off_in_what_is_not_wanted_is_refused(tmp_path: Path) -> None:
    noise = bytes((i * i * 31 + i // 7) % 251 for i in range(9000))
    path = write(tmp_path / "a", ("r/a", b"x"), ("r/large", noise))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ParseError, match="cannot be read to its end"):
        read(path, wanted="r/a")
