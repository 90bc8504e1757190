"""Reading a ``.tar.gz`` as a stream, with limits: nothing is ever unpacked to the disk."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from mathgloss.errors import ParseError

MAX_MEMBER_BYTES: Final = 16 << 20
MAX_TOTAL_BYTES: Final = 4 << 30


def iter_members(
    path: Path,
    *,
    max_member_bytes: int = MAX_MEMBER_BYTES,
    max_total_bytes: int = MAX_TOTAL_BYTES,
) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each regular file in the archive, in archive order.

    Names are as stored. Folders are passed over.

    Raises:
        ParseError: not a gzipped tar, cut short, a link or device, a name that leads outside, or
            more bytes than allowed (a member, or all of them together).
    """
    total = 0
    try:
        with tarfile.open(path, mode="r|gz") as archive:
            for member in archive:
                if member.isdir() or member.type == tarfile.XGLTYPE:
                    continue
                _refuse_unsafe(path, member)
                total += member.size
                if member.size > max_member_bytes or total > max_total_bytes:
                    raise ParseError(
                        "the archive holds too much",
                        where=f"{path}: {member.name}",
                        expected=f"at most {max_member_bytes} bytes a file, "
                        f"{max_total_bytes} together",
                        got=f"{member.size} bytes, {total} together",
                        advice="check that this is the archive that the source publishes",
                    )
                stream = archive.extractfile(member)
                yield member.name, stream.read() if stream is not None else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ParseError(
            "the archive cannot be read to its end",
            where=str(path),
            expected="a whole gzipped tar archive",
            got=f"{type(error).__name__}: {error}",
            advice="fetch it again; the data read before stay in use",
        ) from error


def _refuse_unsafe(path: Path, member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    if not member.isreg() or name.is_absolute() or ".." in name.parts:
        kind = "a link or device" if not member.isreg() else "a name that leads outside"
        raise ParseError(
            "the archive is not safe to read",
            where=f"{path}: {member.name}",
            expected="regular files below the archive's own folder",
            got=kind,
            advice="check that this is the archive that the source publishes",
        )
