"""``mathgloss annotate``: find concepts in texts."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mathgloss.commands._shared import (
    exclude_source_option,
    report_rejected,
    settings_of,
    writing_whole,
)


@click.command(name="annotate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@exclude_source_option
@click.pass_context
def command(ctx: click.Context, file: Path, output: Path, excluded: tuple[str, ...]) -> None:
    """Find concepts in FILE (JSON lines with id, title, text and perhaps categories).

    Writes JSON lines with the mentions of each; offsets count Unicode code points. A mention whose
    concept is null looks like a concept, but it is unsure which, or the graph has none. Lines that
    cannot be read are left out, named, and make the exit status 1.
    """
    from dataclasses import asdict  # slow imports only when run

    from mathgloss.graph.linkers import open_finder
    from mathgloss.graph.snapshot import open_manifest
    from mathgloss.io.texts import TEXT_FIELDS, read_texts

    settings = settings_of(ctx)
    manifest = open_manifest(settings.layout)
    rejected: list[str] = []
    texts = mentions = 0
    with writing_whole(output) as stream:
        finder = open_finder(settings, manifest, excluded=excluded)
        for record in read_texts(file, rejected):
            fields = {field: record[field] for field in TEXT_FIELDS}
            found = [asdict(held) for held in finder.find(fields, record["categories"])]
            texts += 1
            mentions += len(found)
            line = {"id": record["id"], "mentions": found}
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    click.echo(f"{texts} texts, {mentions} mentions, written to {output}", err=True)
    report_rejected(rejected)
