"""``mathgloss search``: find concepts by name."""

from __future__ import annotations

import click

from mathgloss.commands._shared import answers_of, echo_json, json_option


@click.command(name="search")
@click.argument("text")
@click.option("-n", "--limit", default=20, show_default=True)
@json_option
@click.pass_context
def command(ctx: click.Context, text: str, limit: int, *, as_json: bool) -> None:
    """Find concepts whose names hold the words of TEXT, the last perhaps unfinished."""
    found = answers_of(ctx).search(text, limit=limit)
    if as_json:
        echo_json(found)
        return
    for hit in found["results"]:
        click.echo(f"{hit['id']:24} {hit['label']}  {hit['description'] or ''}")
    if not found["results"]:
        click.echo("nothing found", err=True)
