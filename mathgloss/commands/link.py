"""``mathgloss link``: align the terms of a file."""

from __future__ import annotations

from pathlib import Path

import click

from mathgloss.commands._shared import (
    exclude_source_option,
    report_rejected,
    settings_of,
    writing_whole,
)


@click.group(name="link")
def command() -> None:
    """Align terms to concepts."""


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@exclude_source_option
@click.option(
    "--nearest", is_flag=True, help="Give a close or broader item where there is no exact one."
)
@click.pass_context
def terms(
    ctx: click.Context, file: Path, output: Path, excluded: tuple[str, ...], *, nearest: bool
) -> None:
    """Link each term of FILE (CSV: id,label[,lang,definition]) to a Wikidata item or to none.

    Writes SSSOM: one row per term, in order. Rows without an id are left out; these, terms without
    a label and repeated ids are named, and make the exit status 1.
    """
    from mathgloss.graph.linkers import open_linker
    from mathgloss.graph.snapshot import open_manifest  # slow to import
    from mathgloss.ids import BASE
    from mathgloss.io.sssom import NO_TERM_FOUND, render
    from mathgloss.linking.terms import link_terms, read_terms

    settings = settings_of(ctx)
    manifest = open_manifest(settings.layout)
    rejected: list[str] = []
    rows = read_terms(file, rejected)
    left_out = f", without {', '.join(excluded)}" if excluded else ""
    with writing_whole(output) as stream:
        linker = open_linker(settings, manifest, excluded=excluded)
        linked = list(link_terms(linker, rows, nearest=nearest))
        stream.write(
            render(
                linked,
                set_id=f"{BASE}links/{manifest.id}",
                description=f"terms of {file.name} linked with snapshot {manifest.id}{left_out}, "
                f"by {linker.method}",
            )
        )
    found = sum(row["object_id"] != NO_TERM_FOUND for row in linked)
    click.echo(f"{len(linked)} terms, {found} linked, written to {output}", err=True)
    report_rejected(rejected)
