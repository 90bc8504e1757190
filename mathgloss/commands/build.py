"""``mathgloss build``: build and publish a snapshot from the records at hand."""

from __future__ import annotations

import click

from mathgloss.commands._shared import settings_of


@click.command(name="build")
@click.option("--full", is_flag=True, help="Make every stage anew.")
@click.pass_context
def command(ctx: click.Context, *, full: bool) -> None:
    """Build a snapshot from the sources as they were last fetched and parsed."""
    from mathgloss.errors import DataNotFoundError  # slow imports only when run
    from mathgloss.experiments import experiments_graph
    from mathgloss.graph.build import build_snapshot
    from mathgloss.graph.plan import source_inputs
    from mathgloss.io.state import read_state, writing
    from mathgloss.linking.setup import linking_setup

    settings = settings_of(ctx)
    home = settings.layout
    with writing(home):
        inputs = source_inputs(home, read_state(home))
        if not inputs:
            raise DataNotFoundError(f"{home.root}: no source has data; run 'mathgloss refresh'")
        result = build_snapshot(
            home,
            inputs,
            linking_setup(settings),
            given=[experiments_graph(home)],
            full=full,
            progress=lambda _: None,
        )
    word = "published" if result.changed else "unchanged"
    click.echo(f"snapshot {result.manifest.id} {word}")
