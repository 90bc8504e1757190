"""What several commands share: settings, opened answers, tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mathgloss.config import Settings
    from mathgloss.graph.answers import Answers

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
    from mathgloss.graph.answers import Answers  # slow to import
    from mathgloss.graph.snapshot import open_current

    return Answers(open_current(settings_of(ctx).layout))


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
    Console().print(table)
