"""``mathgloss annotate``: find concepts in texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from mathgloss.commands._shared import exclude_source_option, settings_of


@click.command(name="annotate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@exclude_source_option
@click.pass_context
def command(ctx: click.Context, file: Path, output: Path, excluded: tuple[str, ...]) -> None:
    """Find concepts in FILE (JSON lines with id, title, text).

    Writes JSON lines with the mentions of each; offsets count Unicode code points.
    """
    from dataclasses import asdict  # slow imports only when run

    from mathgloss.graph.snapshot import open_manifest
    from mathgloss.graph.sources import align_snapshot
    from mathgloss.linking.mentions import MentionFinder

    records = list(_read(file))
    home = settings_of(ctx).layout
    finder = MentionFinder(align_snapshot(home, open_manifest(home), excluded=excluded).lexicon)
    count = 0
    with output.open("w", encoding="utf-8") as stream:
        for record in records:
            mentions = [
                asdict(mention)
                for field in ("title", "text")
                for mention in finder.find(record[field], field=field)
            ]
            count += len(mentions)
            line = {"id": record["id"], "mentions": mentions}
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    click.echo(f"{len(records)} texts, {count} mentions, written to {output}", err=True)


def _read(file: Path) -> list[dict[str, Any]]:
    """The records of the file.

    Raises:
        InputError: a line is no JSON object with an id and texts; all such lines are counted.
    """
    from mathgloss.errors import InputError

    records = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: expected JSON lines in UTF-8, got {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file}:{number}: expected a JSON object, got {error}") from error
        record = {"id": None, "title": "", "text": ""} | value if isinstance(value, dict) else {}
        if not isinstance(record.get("id"), str | int) or not all(
            isinstance(record[field], str) for field in ("title", "text")
        ):
            raise InputError(
                f'{file}:{number}: expected {{"id", "title", "text"}} with text values, '
                f"got {line[:120]!r}"
            )
        records.append(record)
    return records
