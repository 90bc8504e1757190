"""Content-addressed results of the stages of a build.

A stage's file is named by a digest of everything that it was made from, the code included. If the
file is there it is right, and is not made again; it is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_CODE_SUFFIXES: Final = frozenset({".py", ".rq", ".ttl", ".txt"})
# what a snapshot holds does not depend on how it is served or printed, and the graph of experiments
# is known by its content
_CODE_PACKAGES: Final = ("mathgloss", "ingest")
_IRRELEVANT: Final = frozenset({"answers", "commands", "experiments", "cli.py", "__pycache__"})


def digest(*parts: str) -> str:
    """Hexadecimal SHA-256 over the parts and their boundaries."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode()
        state.update(f"{len(data)}:".encode())
        state.update(data)
    return state.hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Digest of the code that makes stages, so that a change of it invalidates them."""
    parts = []
    for package in _CODE_PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root)
            if path.suffix in _CODE_SUFFIXES and not _IRRELEVANT & set(relative.parts):
                parts += [package, relative.as_posix(), path.read_text(encoding="utf-8")]
    return digest(*parts)


class Stages:
    """The folder of stage files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, kind: str, key: str, suffix: str) -> Path:
        """Where the stage's file is, or would be."""
        return self.root / kind / f"{key[:32]}{suffix}"

    def make(
        self,
        kind: str,
        key: str,
        suffix: str,
        write: Callable[[Path], None],
        *,
        again: bool = False,
    ) -> Path:
        """The stage's file; ``write`` is called with a temporary path if it is not there yet.

        With ``again`` it is made anew; the file from before stays until the new one is whole.
        """
        target = self.path(kind, key, suffix)
        if again or not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{os.getpid()}-{target.name}")
            try:
                write(temporary)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        return target

    def keep_only(self, wanted: Iterable[Path]) -> None:
        """Delete every file that is not wanted, leftovers of killed runs among them."""
        kept = set(wanted)
        for path in self.root.glob("*/*"):
            if path not in kept:
                _remove(path)

    def make_folder(
        self, kind: str, key: str, write: Callable[[Path], None], *, again: bool = False
    ) -> Path:
        """The same for a folder; ``write`` fills an empty temporary one."""
        target = self.path(kind, key, "")
        if again or not target.exists():
            temporary = target.with_name(f".{os.getpid()}-{target.name}")
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            write(temporary)
            if target.exists():
                shutil.rmtree(target)
            temporary.replace(target)
        return target

    def remove_leftovers(self) -> None:
        """Delete the temporary files of killed runs."""
        for path in self.root.glob("*/.*"):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
