"""``mathgloss concept``: all that is known of one concept."""

from __future__ import annotations

from typing import Any

import click

from mathgloss.commands._shared import answers_of, echo_json, json_option


@click.command(name="concept")
@click.argument("identifier")
@json_option
@click.pass_context
def command(ctx: click.Context, identifier: str, *, as_json: bool) -> None:
    """Show a concept, named by CURIE, IRI, QID, Lean declaration or label."""
    card = answers_of(ctx).concept(identifier)
    if as_json:
        echo_json(card)
    else:
        _show(card)


def _show(card: dict[str, Any]) -> None:
    click.secho(f"{card['label']}  {card['id']}", bold=True)
    for lang, names in card["labels"].items():
        click.echo(f"  {lang:4} {'; '.join(names)}")
    for definition in card["definitions"]:
        text = definition["text"] or f"see {definition['url']}"
        click.echo(f"\n[{definition['source']}, {definition['licence']}] {text}")
    _list("Lean", [f"{item['declaration']}  {item['url']}" for item in card["lean"]])
    _list("Syllabus", [" > ".join(item["position"]) for item in card["syllabus"]])
    for name in ("broader", "narrower"):
        _list(name.capitalize(), [f"{item['label']}  {item['id']}" for item in card[name]])
    _list(
        "Links",
        [
            f"{item['id']}  {item['confidence']:.2f}  ({item['evidence'][0]['detail']})"
            for item in card["links"]
        ],
    )
    _list("Papers", [f"{item['title']}  {item['id']}" for item in card["papers"]])
    click.echo(f"\nsnapshot {card['snapshot']}")


def _list(title: str, lines: list[str], *, shown: int = 12) -> None:
    if lines:
        click.secho(f"\n{title}", bold=True)
        for line in lines[:shown]:
            click.echo(f"  {line}")
        if len(lines) > shown:
            click.echo(f"  ... and {len(lines) - shown} more (--json has all)")
