"""Recorded runs: one folder each below ``<home>/runs``, written whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from mathgloss.errors import NotFoundError
from mathgloss.experiments._rdf import run_ntriples
from mathgloss.paths import Home

logger = logging.getLogger(__name__)

RunRecord: TypeAlias = dict[str, Any]

RECORD: Final = "run.json"
LOG: Final = "log.txt"
TRIPLES: Final = "run.nt"
_WORKING: Final = ".running-"
_LEFT_AFTER_S: Final = 86_400
_RUN_ID: Final = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}-[a-z0-9-]{1,100}")


def new_run_id(experiment: str, started: dt.datetime) -> str:
    """A new identifier; in their order, the runs of an experiment are in that of time."""
    return f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}-{experiment}"


class RunRecords:
    """The recorded runs of one home folder."""

    def __init__(self, home: Home) -> None:
        self.folder = home.runs

    def working_folder(self, run: str) -> Path:
        """A folder for a run that is going on; those that killed ones left are removed.

        Raises:
            OSError: it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(f"{_WORKING}*"):
            if time.time() - path.stat().st_mtime > _LEFT_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)
        path = self.folder / f"{_WORKING}{run}"
        path.mkdir()
        return path

    def has(self, run: str) -> bool:
        """Whether a run of this identifier is recorded."""
        return bool(_RUN_ID.fullmatch(run)) and (self.folder / run / RECORD).is_file()

    def remove(self, run: str) -> None:
        """Remove a recorded run, if it is there."""
        if self.has(run):
            shutil.rmtree(self.folder / run)

    def clear(self, run: str) -> None:
        """Remove what a run left that will never end."""
        shutil.rmtree(self.folder / f"{_WORKING}{run}", ignore_errors=True)

    def log_so_far(self, run: str, *, chars: int) -> str:
        """The last that a run printed which is going on; empty if there is none."""
        path = self.folder / f"{_WORKING}{run}" / LOG
        if not _RUN_ID.fullmatch(run):
            return ""
        try:
            with path.open("rb") as stream:
                stream.seek(max(0, path.stat().st_size - 4 * chars))
                return stream.read().decode(errors="replace")[-chars:]
        except FileNotFoundError:
            return ""

    def figure(self, run: str, name: str) -> Path:
        """The file of a figure of a run.

        Raises:
            NotFoundError: there is no such run, or it has no such figure.
        """
        if name not in self.read(run)["figures"]:
            raise NotFoundError(f"run {run} has no figure {name!r}: it did not finish")
        return self.folder / run / name

    def newest_names(self, experiment: str | None) -> list[str]:
        """Identifiers of the recorded runs of an experiment, or of all, the newest first."""
        names = (path.parent.name for path in self.folder.glob(f"*-{experiment or '*'}/{RECORD}"))
        return sorted(
            (
                name
                for name in names
                # another experiment's name may end in this one's
                if _RUN_ID.fullmatch(name) and experiment in {None, name.split("-", 2)[2]}
            ),
            reverse=True,
        )

    def keep(self, record: RunRecord, working: Path) -> None:
        """Write the record beside the figures and give the folder its name.

        Raises:
            OSError: it cannot be written; nothing is kept.
        """
        (working / RECORD).write_text(
            json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        (working / TRIPLES).write_bytes(run_ntriples(record))
        working.rename(self.folder / record["run"])

    def read(self, run: str) -> RunRecord:
        """The record of a run.

        Raises:
            NotFoundError: there is none of this identifier, or it cannot be read.
        """
        if not self.has(run):
            raise NotFoundError(f"no run {run[:200]!r} is recorded here")
        path = self.folder / run / RECORD
        try:
            record: RunRecord = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise NotFoundError(f"{path}: expected the record of a run, got {error}") from error
        return record

    def iter_newest(self, experiment: str) -> Iterator[RunRecord]:
        """The runs of an experiment, the newest first; those that cannot be read are logged."""
        for name in self.newest_names(experiment):
            try:
                yield self.read(name)
            except NotFoundError as error:
                logger.warning("%s", error)

    def iter_designed(self, experiment: str) -> Iterator[RunRecord]:
        """The finished runs with the designed parameters, the newest first.

        Those with other parameters are no evidence about the claim.
        """
        for record in self.iter_newest(experiment):
            if (record["state"], record["preset"]) == ("finished", "default"):
                yield record
