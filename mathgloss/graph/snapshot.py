"""Snapshots on disk: immutable folders, one of which is published by an atomic switch."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from mathgloss.errors import ConfigError, DataNotFoundError
from mathgloss.paths import Home

BUILDING: Final = ".building-"
KEPT_SNAPSHOTS: Final = 3
DIGEST_CHARS: Final = 10
MANIFEST: Final = "manifest.json"
REPORT: Final = "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a snapshot was made from and holds.

    Attributes:
        digest: over all inputs and the code; equal digests mean equal snapshots.
        sources: for each source its title, homepage, licence, stage, files and counts.
        counts: triples by named graph, concepts, mappings by set, papers, mentions.
    """

    id: str
    digest: str
    created: str
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)


class Snapshot:
    """An opened snapshot: its store (read-only), label index and manifest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = read_manifest(path)
        try:
            self.store = ox.Store.read_only(str(self.store_path))
        except OSError as error:
            raise DataNotFoundError(
                f"{path}: the snapshot's store cannot be opened ({error}); "
                "run 'mathgloss refresh --full'"
            ) from error

    @property
    def store_path(self) -> Path:
        """The folder of the store, for a process that opens it too."""
        return self.path / "store"

    @property
    def home(self) -> Home:
        """The home folder that it lies in."""
        return Home(self.path.parent.parent)

    @property
    def id(self) -> str:
        """The identifier that every answer carries."""
        return self.manifest.id


def read_manifest(path: Path) -> Manifest:
    """The manifest of the snapshot in a folder.

    Raises:
        DataNotFoundError: there is none, or it cannot be read.
    """
    try:
        return Manifest(**json.loads((path / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataNotFoundError(
            f"{path}: expected a snapshot with {MANIFEST}, got {type(error).__name__}: {error}; "
            "run 'mathgloss refresh'"
        ) from error


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest into a snapshot's folder."""
    write_json(path / MANIFEST, asdict(manifest))


def write_json(path: Path, value: object) -> None:
    """Indented, sorted JSON, written whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)


def current_path(home: Home) -> Path | None:
    """The folder of the published snapshot, or ``None`` before the first is published.

    Raises:
        ConfigError: the home is no folder, or nobody may read it.
    """
    try:
        name = home.current.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{home.root}: expected a folder that can be read and written, got {error}; "
            "set MATHGLOSS_HOME or --home to another"
        ) from error
    path = home.snapshots / name
    return path if name and path.is_dir() else None


def published_path(home: Home) -> Path:
    """The folder of the published snapshot.

    Raises:
        DataNotFoundError: none has been published below this home.
    """
    path = current_path(home)
    if path is None:
        raise DataNotFoundError(
            f"{home.root}: no snapshot has been published yet; run 'mathgloss refresh' "
            "(or 'mathgloss refresh core bundled-papers' for the bundled facts alone)"
        )
    return path


def open_manifest(home: Home) -> Manifest:
    """The manifest of the published snapshot, without opening its store."""
    return read_manifest(published_path(home))


def open_current(home: Home) -> Snapshot:
    """The published snapshot, opened."""
    return Snapshot(published_path(home))


def find_complete(home: Home, digest: str) -> Path | None:
    """A snapshot of this digest that is there already: an earlier one, or one never published."""
    for path in sorted(home.snapshots.glob(f"*-{digest[:DIGEST_CHARS]}*")):
        if path.name.startswith(BUILDING):
            continue
        with suppress(DataNotFoundError):
            if read_manifest(path).digest == digest:
                return path
    return None


def publish(home: Home, building: Path, snapshot_id: str) -> Path:
    """Give a finished folder its name and make it current, each by one atomic rename."""
    target = home.snapshots / snapshot_id
    building.replace(target)
    make_current(home, snapshot_id)
    return target


def make_current(home: Home, snapshot_id: str) -> None:
    """The atomic switch: from now on readers open this snapshot."""
    temporary = home.current.with_name(f".{home.current.name}.part")
    temporary.write_text(snapshot_id + "\n", encoding="utf-8")
    temporary.replace(home.current)


def remove_leftovers(home: Home) -> None:
    """Delete what killed builds left, and all but the newest snapshots and the current one."""
    for path in home.snapshots.glob(f"{BUILDING}*"):
        shutil.rmtree(path)
    current = current_path(home)
    others = [path for path in home.snapshots.iterdir() if path != current]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT_SNAPSHOTS - 1 :]:
        # under this name the next run finishes what a kill interrupts
        shutil.rmtree(path.replace(path.with_name(f"{BUILDING}{path.name}")))
