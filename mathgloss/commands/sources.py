"""``mathgloss sources``: what each source holds."""

from __future__ import annotations

import click

from mathgloss.commands._shared import answers_of, echo_json, echo_table, json_option, settings_of


@click.command(name="sources")
@click.option("--forget", metavar="NAME", help="Drop a source; the next build is without it.")
@json_option
@click.pass_context
def command(ctx: click.Context, forget: str | None, *, as_json: bool) -> None:
    """List the sources of the published snapshot with licence, counts and retrieval time."""
    if forget is not None:
        from mathgloss.io.state import forget as drop  # slow to import

        drop(settings_of(ctx).layout, forget)
        click.echo(f"{forget} is forgotten; run 'mathgloss build' to publish without it")
        return
    found = answers_of(ctx).sources()
    if as_json:
        echo_json(found)
        return
    echo_table(
        f"snapshot {found['snapshot']}",
        ["source", "title", "licence", "read", "terms", "papers", "rejected", "retrieved"],
        [
            [
                row["name"],
                row["title"],
                row["licence"]["name"],
                row["read"],
                row["terms"],
                row["papers"],
                sum(row["rejected"].values()),
                max((file["retrieved"] for file in row["files"]), default="")[:10],
            ]
            for row in found["sources"]
        ],
    )
