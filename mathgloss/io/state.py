"""What is known of each source between runs: ``state.json`` below the home folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mathgloss.errors import ConfigError, DataNotFoundError, InputError
from mathgloss.model import RawFile, SourceInfo
from mathgloss.paths import Home


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class SourceState:
    """The last good state of one source.

    Attributes:
        key: digest of its files and of the code that parsed them; names the parsed stage.
        options: how a source that the user added is made again; empty for a built-in one.
        report: rows read, kept, rejected by reason, the first rejections.
    """

    info: SourceInfo
    key: str
    files: tuple[RawFile, ...]
    terms: int
    papers: int
    report: dict[str, Any]
    options: dict[str, Any]


State = dict[str, SourceState]
_ADAPTER: Final = TypeAdapter(State)


def read_state(home: Home) -> State:
    """The state by source name; empty before the first refresh.

    Raises:
        DataNotFoundError: the file is there but is not what this version writes.
    """
    try:
        return _ADAPTER.validate_json(home.state.read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        first = error.errors()[0]
        raise DataNotFoundError(
            f"{home.state}: expected the state that this version writes, got at "
            f"{'/'.join(map(str, first['loc']))}: {first['msg']}; "
            "delete the file and run 'mathgloss refresh' (snapshots stay)"
        ) from error


def write_state(home: Home, state: State) -> None:
    """Write the state, whole or not at all; nothing is written if nothing changed."""
    data = _ADAPTER.dump_json(state, indent=1)
    if home.state.is_file() and home.state.read_bytes() == data:
        return
    temporary = home.state.with_name(f".{home.state.name}.part")
    temporary.write_bytes(data)
    temporary.replace(home.state)


@contextmanager
def writing(home: Home) -> Iterator[None]:
    """Hold the lock that the one writing process holds; a killed process holds it no more.

    Raises:
        InputError: another process is writing.
        ConfigError: the home folder cannot be made.
    """
    try:
        home.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the home folder cannot be made: {error}; set MATHGLOSS_HOME or --home to another"
        ) from error
    try:
        with FileLock(home.lock, timeout=0):
            yield
    except Timeout as error:
        raise InputError(
            f"{home.lock}: another mathgloss process is writing below {home.root}; "
            "wait until it has finished"
        ) from error


def forget(home: Home, name: str) -> None:
    """Drop a source; the next build is made without it.

    Raises:
        InputError: nothing is known of such a source.
    """
    with writing(home):
        state = read_state(home)
        if name not in state:
            raise InputError(
                f"no data of {name!r}; sources with data: {', '.join(state) or 'none'}"
            )
        write_state(home, {key: value for key, value in state.items() if key != name})


def parsed_path(home: Home, state: SourceState) -> Path:
    """Where the parsed records of a source lie."""
    return home.stages / "parsed" / f"{state.key[:32]}.json.gz"
