"""``mathgloss export``: write the published graph to files."""

from __future__ import annotations

from pathlib import Path

import click

from mathgloss.commands._shared import settings_of


@click.command(name="export")
@click.option(
    "-f",
    "--format",
    "name",
    type=click.Choice(["nquads", "turtle", "sssom", "sqlite"]),
    default="nquads",
    show_default=True,
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.pass_context
def command(ctx: click.Context, name: str, output: Path) -> None:
    """Write the graph as N-Quads, Turtle, SQLite (one file) or SSSOM (a folder of four)."""
    from mathgloss.graph.export import export  # slow to import
    from mathgloss.graph.snapshot import open_current

    snapshot = open_current(settings_of(ctx).layout)
    export(snapshot, name, output)
    click.echo(f"snapshot {snapshot.id} written to {output}", err=True)
