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
@click.pass_context
def terms(ctx: click.Context, file: Path, output: Path, excluded: tuple[str, ...]) -> None:
    """Link each term of FILE (CSV: id,label[,lang,definition]) to a Wikidata item or to none.

    Writes SSSOM: one row per term, in order. Rows without an id are left out; these, terms without
    a label and repeated ids are named, and make the exit status 1.
    """
    from mathgloss.graph.snapshot import open_manifest  # slow to import
    from mathgloss.graph.sources import align_snapshot
    from mathgloss.ids import BASE
    from mathgloss.io.sssom import NO_TERM_FOUND, render
    from mathgloss.linking.terms import link_terms, read_terms

    home = settings_of(ctx).layout
    manifest = open_manifest(home)
    rejected: list[str] = []
    rows = read_terms(file, rejected)
    left_out = f", without {', '.join(excluded)}" if excluded else ""
    with writing_whole(output) as stream:
        lexicon = align_snapshot(home, manifest, excluded=excluded).lexicon
        linked = list(link_terms(lexicon, rows))
        stream.write(
            render(
                linked,
                set_id=f"{BASE}links/{manifest.id}",
                description=f"terms of {file.name} linked with snapshot {manifest.id}{left_out}",
            )
        )
    found = sum(row["object_id"] != NO_TERM_FOUND for row in linked)
    click.echo(f"{len(linked)} terms, {found} linked, written to {output}", err=True)
    report_rejected(rejected)
