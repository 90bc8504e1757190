"""What several commands share: settings, opened answers, tables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from mathgloss.answers.service import Answers
    from mathgloss.config import Settings

SHOWN_REJECTIONS: Final = 10
PIPED_WIDTH: Final = 160

exclude_source_option = click.option(
    "--exclude-source",
    "excluded",
    multiple=True,
    metavar="NAME",
    help="Link as if this source had never been ingested (repeatable).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings_of(ctx: click.Context, **more: object) -> Settings:
    """Settings from the environment and the root options, with a command's own on top."""
    from mathgloss.config import load_settings  # slow to import

    return load_settings(**{**(ctx.obj or {}), **more})


def answers_of(ctx: click.Context) -> Answers:
    """Answers from the published snapshot."""
    from mathgloss.answers.service import Answers  # slow to import
    from mathgloss.graph.snapshot import open_current

    settings = settings_of(ctx)
    return Answers(open_current(settings.layout), settings.query)


@contextmanager
def writing_whole(output: Path) -> Iterator[IO[str]]:
    """A text file that appears whole at the end, or not at all.

    Raises:
        InputError: it cannot be written there; found out before the work begins.
    """
    from mathgloss.errors import InputError

    temporary = output.with_name(f".{os.getpid()}-{output.name}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        temporary.replace(output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def report_rejected(rejected: Sequence[str]) -> None:
    """Name the rows that were not taken on standard error; the exit status is then 1."""
    if not rejected:
        return
    for line in rejected[:SHOWN_REJECTIONS]:
        click.secho(f"rejected: {line}", fg="red", err=True)
    if len(rejected) > SHOWN_REJECTIONS:
        click.secho(f"rejected: {len(rejected) - SHOWN_REJECTIONS} more", fg="red", err=True)
    sys.exit(1)


def echo_json(value: object) -> None:
    """Print a value as JSON, readable and unescaped."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def echo_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; columns whose cells are all numbers are aligned to the right."""
    from rich import box  # slow to import
    from rich.console import Console
    from rich.table import Table

    held = [list(row) for row in rows]
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for place, column in enumerate(columns):
        numeric = bool(held) and all(isinstance(row[place], int | float) for row in held)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in held:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    # a pipe has no width of its own; folding every cell would make the table unreadable
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)
