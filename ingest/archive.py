"""Reading a ``.tar.gz`` as a stream, with limits: nothing is ever unpacked to the disk."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

from mathgloss.errors import ParseError

MAX_MEMBER_BYTES: Final = 16 << 20
MAX_TOTAL_BYTES: Final = 4 << 30
# what may stand between two members: extended headers, padding, tarfile's read-ahead
OVERHEAD_BYTES: Final = 1 << 20


def iter_members(
    path: Path,
    *,
    wanted: str = "*",
    max_member_bytes: int = MAX_MEMBER_BYTES,
    max_total_bytes: int = MAX_TOTAL_BYTES,
) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each wanted regular file in the archive, in archive order.

    Names are as stored. Folders are passed over.

    Args:
        path: a gzipped tar archive.
        wanted: shell pattern for names; other members are passed over unread, whatever they are.
        max_member_bytes: most bytes of a wanted member.
        max_total_bytes: most bytes of all members together, wanted or not.

    Raises:
        ParseError: not a gzipped tar, cut short, a link or device, a name that leads outside, or
            more bytes than allowed (a member, or all of them together).
    """
    total = 0
    try:
        # tarfile's own "r|gz" takes an archive cut off at a header for a whole one
        with (
            _Meter(path, max_member_bytes + OVERHEAD_BYTES) as meter,
            tarfile.open(fileobj=meter, mode="r|") as archive,
        ):
            for member in archive:
                total += member.size
                taken = not member.isdir() and fnmatchcase(member.name, wanted)
                # what is passed over is read too, though never held
                meter.restart(0 if taken else min(member.size, max_total_bytes))
                if (taken and member.size > max_member_bytes) or total > max_total_bytes:
                    raise ParseError(
                        "the archive holds too much",
                        where=f"{path}: {_shown(member)}",
                        expected=f"at most {max_member_bytes} bytes a file, "
                        f"{max_total_bytes} together",
                        got=f"{member.size} bytes, {total} together",
                        advice="check that this is the archive that the source publishes",
                    )
                if not taken:
                    continue
                _refuse_unsafe(path, member)
                stream = archive.extractfile(member)
                yield member.name, stream.read() if stream is not None else b""
            meter.restart()
            _read_padding(archive)
    # ValueError: numbers in extended headers that are none
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise ParseError(
            "the archive cannot be read to its end",
            where=str(path),
            expected="a whole gzipped tar archive",
            got=f"{type(error).__name__}: {error}",
            advice="fetch it again; the data read before stay in use",
        ) from error


class _Meter(gzip.GzipFile):
    """A gzipped file that fails when too much is read of it between two restarts.

    tarfile reads an extended header into memory whatever its size, before a member is known.
    """

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "rb")
        self._limit = limit
        self._left = limit

    def restart(self, more: int = 0) -> None:
        self._left = self._limit + more

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.ReadError(f"more than {self._limit} bytes in one entry")
        return data


def _read_padding(archive: tarfile.TarFile) -> None:
    """Read what follows the last member, so that gzip checks its length and sum.

    Only zeros may follow: tarfile takes a damaged header for the end of the archive.

    Raises:
        ReadError: something else follows.
    """
    while archive.fileobj is not None and (rest := archive.fileobj.read(tarfile.RECORDSIZE)):
        if rest.strip(b"\0"):
            raise tarfile.ReadError("a damaged header, or bytes after the end")


def _shown(member: tarfile.TarInfo) -> str:
    return member.name.encode("utf-8", "backslashreplace").decode("utf-8")


def _refuse_unsafe(path: Path, member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    if not member.isreg() or name.is_absolute() or ".." in name.parts:
        kind = "a link or device" if not member.isreg() else "a name that leads outside"
        raise ParseError(
            "the archive is not safe to read",
            where=f"{path}: {_shown(member)}",
            expected="regular files below the archive's own folder",
            got=kind,
            advice="check that this is the archive that the source publishes",
        )
