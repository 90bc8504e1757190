"""What curators decided about mappings: two SSSOM/TSV files below the home folder.

``curated.sssom.tsv`` has the mappings that were accepted, ``negative.sssom.tsv`` those that were
rejected. Of several rows on one pair of term and concept the latest holds. Each change replaces one
file by an atomic rename, and leaves every other line of it as it was.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from mathgloss import vocab
from mathgloss.errors import DecisionsError, InputError
from mathgloss.ids import BASE, PREFIXES, canonical
from mathgloss.io.sssom import LICENCE
from mathgloss.io.stages import digest
from mathgloss.paths import Home

PREDICATES: Final = (vocab.EXACT_MATCH, vocab.CLOSE_MATCH, vocab.BROAD_MATCH)
MAX_COMMENT_CHARS: Final = 2_000
MAX_CURATOR_CHARS: Final = 200
LOCK_TIMEOUT_S: Final = 10.0

_REQUIRED: Final = ("subject_id", "predicate_id", "object_id")
_COLUMNS: Final = (
    "subject_id", "subject_label", "predicate_id", "predicate_modifier", "object_id",
    "object_label", "mapping_justification", "author_id", "author_label", "mapping_date",
    "comment", "decided_at",
)  # fmt: skip
_ORCID: Final = "orcid:"
_NEGATIVE: Final = "Not"
# a row that somebody wrote by hand, without a date
_LONG_AGO: Final = "0001-01-01T00:00:00+00:00"


class Verdict(StrEnum):
    """What a curator says of a mapping."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A curator's word on whether a term is mapped to a concept.

    Attributes:
        decided_at: ISO 8601, in UTC, given when it is written down; the latest on a pair holds.
        curator: an ORCID with its prefix, or a name; empty if it was not given.
    """

    subject: str
    predicate: str
    object: str
    verdict: Verdict
    decided_at: str = ""
    subject_label: str = ""
    object_label: str = ""
    curator: str = ""
    comment: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """Term and concept."""
        return self.subject, self.object


class Decisions:
    """The decisions that hold, the earliest first.

    The latest on a pair holds; and as a term names one concept, of what was accepted as its exact
    match the latest.
    """

    def __init__(self, rows: Iterable[Decision] = ()) -> None:
        self._by_pair: dict[tuple[str, str], Decision] = {}
        named: set[str] = set()
        seen: set[tuple[str, str]] = set()
        for row in sorted(rows, key=lambda row: row.decided_at, reverse=True):
            if row.pair in seen:
                continue
            seen.add(row.pair)
            if row.verdict is Verdict.ACCEPT and row.predicate == vocab.EXACT_MATCH:
                if row.subject in named:
                    continue
                named.add(row.subject)
            self._by_pair[row.pair] = row
        self._by_pair = dict(reversed(self._by_pair.items()))

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._by_pair.values())

    def __len__(self) -> int:
        return len(self._by_pair)

    def find(self, subject: str, target: str) -> Decision | None:
        """The decision on a pair of term and concept, if there is one."""
        return self._by_pair.get((subject, target))

    @property
    def key(self) -> str:
        """Changes exactly when some decision does."""
        return digest(*(value for row in self for value in asdict(row).values()))


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a file: its place there and what it says."""

    place: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class _File:
    """One of the two files as it was read."""

    path: Path
    lines: list[str]
    columns: tuple[str, ...]
    rows: list[_Line]


Signature = tuple[tuple[int, int, int] | None, ...]


class DecisionFiles:
    """Reads and writes the decisions of one home; safe to use from threads and processes."""

    def __init__(self, home: Home) -> None:
        self._folder = home.decisions
        self._paths = {
            Verdict.ACCEPT: self._folder / "curated.sssom.tsv",
            Verdict.REJECT: self._folder / "negative.sssom.tsv",
        }
        self._held: tuple[Signature, Decisions] = ((), Decisions())

    def read(self) -> Decisions:
        """The decisions that hold; the files are read again only if they have changed.

        Raises:
            DecisionsError: a line cannot be read; it is named.
        """
        signature = tuple(_signature(path) for path in self._paths.values())
        held, decisions = self._held
        if held != signature:
            files = self._files().values()
            decisions = Decisions(line.decision for file in files for line in file.rows)
            self._held = (signature, decisions)
        return decisions

    def add(self, decision: Decision) -> Decision:
        """Write a decision down; it comes after all others, whatever the clock says.

        Returns:
            The decision with its time.

        Raises:
            DecisionsError: the files cannot be read or written; they are as they were.
        """
        with self._locked():
            files = self._files()
            times = [line.decision.decided_at for file in files.values() for line in file.rows]
            timed = replace(decision, decided_at=_time_after(max(times, default=_LONG_AGO)))
            file = files[decision.verdict]
            _write(file.path, [*file.lines, _rendered(timed, file)])
            return timed

    def undo(self, subject: str, target: str) -> Decision | None:
        """Take back the latest decision on a pair; the one before it, if any, holds again.

        Returns:
            What was taken back; ``None`` if nothing had been decided.

        Raises:
            DecisionsError: the files cannot be read or written; they are as they were.
        """
        with self._locked():
            found = [
                (line.decision.decided_at, line, file)
                for file in self._files().values()
                for line in file.rows
                if line.decision.pair == (subject, target)
            ]
            if not found:
                return None
            _, line, file = max(found, key=lambda row: row[0])
            _write(file.path, file.lines[: line.place] + file.lines[line.place + 1 :])
            return line.decision

    def _files(self) -> dict[Verdict, _File]:
        return {verdict: _read(path, verdict) for verdict, path in self._paths.items()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of all writers; a killed process holds it no more."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / "lock", timeout=LOCK_TIMEOUT_S):
                yield
        except Timeout as error:
            raise DecisionsError(
                f"{self._folder.name}: another process has been writing for "
                f"{LOCK_TIMEOUT_S:.0f} s; try again"
            ) from error
        except OSError as error:
            raise DecisionsError(f"{self._folder.name}: cannot be written: {error}") from error


# ---------------------------------------------------------------------------------------- reading


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(path: Path, verdict: Verdict) -> _File:
    """A file of decisions; one that is not there yet has no rows."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        text = _empty(verdict)
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(path, 0, "a text in UTF-8", str(error)) from error
    lines = text.removesuffix("\n").split("\n")
    header = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    columns = tuple(lines[header].rstrip("\r").split("\t")) if header < len(lines) else ()
    if missing := [name for name in _REQUIRED if name not in columns]:
        raise _broken(path, header, f"columns {', '.join(_REQUIRED)}", f"no {missing[0]}")
    rows = [
        _Line(place, _parsed(path, place, line, columns, verdict))
        for place, line in enumerate(lines)
        if place > header
    ]
    return _File(path, lines, columns, rows)


def _parsed(
    path: Path, place: int, line: str, columns: tuple[str, ...], verdict: Verdict
) -> Decision:
    try:
        cells = next(csv.reader([line.rstrip("\r")], delimiter="\t", strict=True), [])
        if len(cells) != len(columns):
            raise InputError(f"expected {len(columns)} cells, got {len(cells)}")
        row = dict(zip(columns, cells, strict=True))
        modifier = _NEGATIVE if verdict is Verdict.REJECT else ""
        if row.get("predicate_modifier", "") != modifier:
            raise InputError(
                f"expected predicate_modifier {modifier!r}, got {row.get('predicate_modifier')!r}"
            )
        if row["predicate_id"] not in PREDICATES:
            raise InputError(
                f"expected predicate_id {', '.join(PREDICATES)}, got {row['predicate_id']!r}"
            )
        return Decision(
            subject=canonical(row["subject_id"]),
            predicate=row["predicate_id"],
            object=canonical(row["object_id"]),
            verdict=verdict,
            decided_at=_time(row.get("decided_at") or row.get("mapping_date") or _LONG_AGO),
            subject_label=row.get("subject_label", ""),
            object_label=row.get("object_label", ""),
            curator=row.get("author_id") or row.get("author_label") or "",
            comment=row.get("comment", ""),
        )
    except (InputError, ValueError, csv.Error) as error:
        raise _broken(path, place, "a decision", f"{line[:120]!r}: {error}") from error


def _broken(path: Path, place: int, expected: str, got: str) -> DecisionsError:
    return DecisionsError(
        f"{path.parent.name}/{path.name}:{place + 1}: expected {expected}, got {got}; "
        "correct or delete that line (nothing is written or built before that)"
    )


def _time(text: str) -> str:
    """A time in ISO 8601, whose text orders as the times do."""
    time = dt.datetime.fromisoformat(text)
    known = time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
    return known.astimezone(dt.UTC).isoformat(timespec="microseconds")


# ---------------------------------------------------------------------------------------- writing


def _time_after(latest: str) -> str:
    """Now, or if the clock was set back the moment after the latest decision."""
    after = dt.datetime.fromisoformat(latest) + dt.timedelta(microseconds=1)
    return max(dt.datetime.now(dt.UTC), after).isoformat(timespec="microseconds")


def _rendered(decision: Decision, file: _File) -> str:
    """The decision as a line of the file, whose columns somebody may have changed."""
    curator = "author_id" if decision.curator.startswith(_ORCID) else "author_label"
    cells = {
        "subject_id": decision.subject,
        "subject_label": decision.subject_label,
        "predicate_id": decision.predicate,
        "predicate_modifier": _NEGATIVE if decision.verdict is Verdict.REJECT else "",
        "object_id": decision.object,
        "object_label": decision.object_label,
        "mapping_justification": vocab.MANUAL,
        curator: decision.curator,
        "mapping_date": decision.decided_at[:10],
        "comment": decision.comment,
        "decided_at": decision.decided_at,
    }
    homeless = [name for name, value in cells.items() if value and name not in file.columns]
    if homeless:
        raise DecisionsError(
            f"{file.path.parent.name}/{file.path.name}: expected a column {homeless[0]}, "
            f"got {', '.join(file.columns)}; add it"
        )
    return "\t".join(_cell(cells.get(name, "")) for name in file.columns)


def _cell(value: str) -> str:
    """A cell on one line, quoted where a reader of CSV would misread it."""
    text = " ".join(value.split())
    return '"' + text.replace('"', '""') + '"' if '"' in text else text


def _write(path: Path, lines: list[str]) -> None:
    """Write the file, whole or not at all, and not only into the machine's memory."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as stream:
        stream.write(("\n".join(lines) + "\n").encode())
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _empty(verdict: Verdict) -> str:
    """A file without rows: SSSOM's metadata and the names of the columns."""
    name = "curated" if verdict is Verdict.ACCEPT else "negative"
    spaces = {row.name: row.namespace for row in PREFIXES.values()}
    spaces |= {prefix: vocab.NAMESPACES[prefix] for prefix in ("semapv", "skos")}
    spaces["orcid"] = "https://orcid.org/"
    metadata = [
        f"mapping_set_id: {BASE}mappings/decisions/{name}",
        f'mapping_set_description: "MathGloss: mappings that curators {verdict}ed"',
        f"license: {LICENCE}",
        "extension_definitions:",
        "  - slot_name: decided_at",
        "    property: http://purl.org/dc/terms/dateSubmitted",
        "    type_hint: http://www.w3.org/2001/XMLSchema#dateTime",
        "curie_map:",
        *(f'  {prefix}: "{address}"' for prefix, address in sorted(spaces.items())),
    ]
    return "\n".join([*(f"# {line}" for line in metadata), "\t".join(_COLUMNS), ""])
