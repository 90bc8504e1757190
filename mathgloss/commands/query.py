"""``mathgloss query``: run a SPARQL query on the published snapshot."""

from __future__ import annotations

from typing import IO, Final

import click

from mathgloss.commands._shared import answers_of

_RESULTS: Final = {
    "json": "application/sparql-results+json",
    "xml": "application/sparql-results+xml",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
}
_GRAPHS: Final = {
    "turtle": "text/turtle",
    "ntriples": "application/n-triples",
    "rdfxml": "application/rdf+xml",
    "jsonld": "application/ld+json",
}


@click.command(name="query")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option(
    "-f",
    "--format",
    "name",
    type=click.Choice([*_RESULTS, *_GRAPHS]),
    help="Default: tsv for rows, turtle for triples.",
)
@click.pass_context
def command(ctx: click.Context, file: IO[str], name: str | None) -> None:
    """Run the SPARQL query in FILE (- reads standard input)."""
    from mathgloss.graph.sparql import Query

    query = Query(
        text=file.read(),
        results=_RESULTS.get(name or "tsv", _RESULTS["tsv"]),
        graph=_GRAPHS.get(name or "turtle", _GRAPHS["turtle"]),
    )
    result = answers_of(ctx).query(query)
    click.echo(result.body, nl=not result.body.endswith(b"\n"))
