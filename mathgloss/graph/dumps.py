"""The dumps that lie in a snapshot's folder, made with it and listed with size, hash and licence.

They are made once, when the snapshot is built (measured: 15 s for 860,000 triples), so that whoever
downloads one never waits and no request has to make one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mathgloss.errors import NotFoundError
from mathgloss.graph.export import export
from mathgloss.graph.snapshot import Snapshot, write_json

DUMPS: Final = "dumps"
LISTING: Final = "dumps.json"
NQUADS: Final = "mathgloss.nq.gz"
SQLITE: Final = "mathgloss.sqlite.gz"
_GZIP_LEVEL: Final = 6

_PER_GRAPH: Final = "of each named graph's source; see the description"
_PER_ROW: Final = "in the column 'licence' of each row"
_PER_SSSOM_ROW: Final = "in the column 'license' of each row; of the set as a whole CC0-1.0"


def write_dumps(snapshot: Snapshot) -> None:
    """Write all dumps and their listing into the snapshot's folder.

    Raises:
        InputError: one cannot be written, for example because the disk is full.
    """
    folder = snapshot.path / DUMPS
    folder.mkdir()
    export(snapshot, "nquads", folder / NQUADS)
    plain = folder / SQLITE.removesuffix(".gz")
    export(snapshot, "sqlite", plain)
    _compress(plain)
    export(snapshot, "sssom", folder)
    write_json(folder / LISTING, list(_entries(folder)))


def list_dumps(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Each dump's name, title, media type, size, SHA-256 and licence.

    Raises:
        NotFoundError: the snapshot was made by a version that wrote no dumps.
    """
    try:
        text = (snapshot.path / DUMPS / LISTING).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"snapshot {snapshot.id} has no dumps: an earlier version of MathGloss made it; "
            "the next 'mathgloss refresh' makes them"
        ) from error
    listed: list[dict[str, Any]] = json.loads(text)
    return listed


def _entries(folder: Path) -> Iterator[dict[str, Any]]:
    sets = sorted(path.name for path in folder.glob("*.sssom.tsv"))
    described = [
        (NQUADS, "All triples with their named graphs (N-Quads)", "application/gzip", _PER_GRAPH),
        (SQLITE, "All tables (SQLite)", "application/gzip", _PER_ROW),
        *(
            (
                name,
                f"The {name.partition('.')[0]} mappings (SSSOM)",
                "text/tab-separated-values",
                _PER_SSSOM_ROW,
            )
            for name in sets
        ),
    ]
    for name, title, media_type, licence in described:
        path = folder / name
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        yield {
            "name": name,
            "title": title,
            "media_type": media_type,
            "size_bytes": path.stat().st_size,
            "sha256": sha256,
            "licence": licence,
        }


def _compress(path: Path) -> None:
    """Replace a file by its gzipped form, ``<name>.gz``."""
    packed = path.with_name(f"{path.name}.gz")
    with (
        path.open("rb") as plain,
        packed.open("wb") as raw,
        gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as stream,
    ):
        shutil.copyfileobj(plain, stream)
    path.unlink()
