"""``mathgloss train``: make the trained parts anew."""

from __future__ import annotations

from pathlib import Path

import click

from mathgloss.commands._shared import echo_table, settings_of, writing_whole


@click.group(name="train")
def command() -> None:
    """Train what is learned, from alignments made by hand."""


@command.command()
@click.argument("gold", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option(
    "--multilingual", is_flag=True, help="The encoder reads every script, not Latin alone."
)
@click.pass_context
def linker(ctx: click.Context, gold: Path, output: Path, *, multilingual: bool) -> None:
    """Train the linker of terms on GOLD (CSV: source,term,lang,qid; an empty qid is none).

    Uses the published snapshot's items and the encoder of MATHGLOSS_ENCODER. Writes JSON that
    MATHGLOSS_LINKER can name. The same input gives the same numbers.
    """
    from mathgloss.graph.linkers import train_linker  # slow to import
    from mathgloss.graph.snapshot import open_manifest
    from mathgloss.linking.ranking import dump_model

    settings = settings_of(ctx)
    manifest = open_manifest(settings.layout)
    with writing_whole(output) as stream:
        model = train_linker(settings, manifest, gold, latin_only=not multilingual)
        stream.write(dump_model(model))
    rows = [
        (name, row["terms"], row["without_item"], row["precision"], row["recall"], row["f1"])
        for name, row in model.made["scores"].items()
    ]
    columns = ("profile/source/language", "terms", "none", "P", "R", "F1")
    echo_table("cross-validated, links of probability .5 and more", columns, rows)
    for kind, zones in model.zones.items():
        click.echo(f"{kind}: accept from {zones.accept}, ask from {zones.review}", err=True)
    click.echo(f"written to {output}", err=True)
