"""``mathgloss annotate``: find concepts in texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mathgloss.commands._shared import (
    answers_of,
    exclude_source_option,
    report_rejected,
    settings_of,
    writing_whole,
)

if TYPE_CHECKING:
    from mathgloss.answers.texts import TextLinker

_MEMBERS: Final = ("title", "text", "categories")


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
    from mathgloss.answers.texts import Document  # slow imports only when run
    from mathgloss.errors import InputError
    from mathgloss.io.texts import read_texts

    rejected: list[str] = []
    texts = mentions = 0
    with writing_whole(output) as stream:
        linker = _linker(ctx, excluded)
        for record in read_texts(file, rejected):
            document = Document(**{name: record[name] for name in _MEMBERS})
            try:
                found = linker.link(document)
            except InputError as error:
                rejected.append(f"{file}: the text with id {record['id']!r}: {error}")
                continue
            texts += 1
            mentions += len(found)
            line = {"id": record["id"], "mentions": found}
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    click.echo(f"{texts} texts, {mentions} mentions, written to {output}", err=True)
    report_rejected(rejected)


def _linker(ctx: click.Context, excluded: tuple[str, ...]) -> TextLinker:
    """That of the published snapshot, or one as if some of its sources had never been ingested."""
    answers = answers_of(ctx)
    if not excluded:
        return answers.texts
    from mathgloss.answers.texts import TextLinker  # slow imports only when run
    from mathgloss.graph.linkers import open_finder

    finder = open_finder(settings_of(ctx), answers.snapshot.manifest, excluded=excluded)
    return TextLinker(lambda: finder, answers.index)
