"""``mathgloss refresh``: fetch sources, parse what changed, build and publish."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mathgloss.commands._shared import echo_json, echo_table, json_option, settings_of

if TYPE_CHECKING:
    from ingest.refresh import Outcome


@click.command(name="refresh")
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@click.option("--full", is_flag=True, help="Parse and build everything anew.")
@click.option("--wikidata-endpoint", metavar="URL|FILE", help="SPARQL endpoint or RDF file.")
@click.option(
    "--papers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Add a JSON or JSONL file of papers (repeatable; remembered).",
)
@click.option("--arxiv-id", multiple=True, help="Add a paper from arXiv (repeatable; remembered).")
@click.option("--arxiv-query", multiple=True, help="Add the papers of an arXiv query.")
@click.option("--accept-shrink", is_flag=True, help="Take a source that became much smaller.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    papers: tuple[Path, ...],
    arxiv_id: tuple[str, ...],
    arxiv_query: tuple[str, ...],
    wikidata_endpoint: str | None,
    *,
    full: bool,
    accept_shrink: bool,
    as_json: bool,
) -> None:
    """Refresh the named sources, or all of them, and publish a snapshot.

    A source that fails keeps the data it had; the exit status is then 1.
    """
    from ingest.refresh import arxiv_option, paper_file_options, refresh  # slow

    settings = settings_of(ctx, wikidata_endpoint=wikidata_endpoint)
    added = paper_file_options(papers)
    if arxiv_id or arxiv_query:
        added |= [arxiv_option(arxiv_id, arxiv_query)]
    started = time.perf_counter()
    outcome = refresh(
        settings,
        names,
        added=added,
        full=full,
        accept_shrink=accept_shrink,
        progress=_progress,
    )
    _progress("")
    elapsed_s = time.perf_counter() - started
    if as_json:
        echo_json(_summary(outcome, elapsed_s))
    else:
        _show(outcome, elapsed_s)
    for name, why in outcome.failures.items():
        click.secho(f"Error: {name}: {why}", fg="red", err=True)
    if outcome.failures:
        sys.exit(1)


def _progress(step: str) -> None:
    """One line on a terminal's standard error, overwritten by the next step."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{step}", nl=False, err=True)


def _summary(outcome: Outcome, elapsed_s: float) -> dict[str, Any]:
    return {
        "snapshot": outcome.result.manifest.id,
        "changed": outcome.result.changed,
        "parsed": list(outcome.parsed),
        "failures": outcome.failures,
        "sources": {name: state.report for name, state in outcome.state.items()},
        "counts": outcome.result.manifest.counts,
        "report": str(outcome.result.path / "report.json"),
        "elapsed_s": round(elapsed_s, 3),
    }


def _show(outcome: Outcome, elapsed_s: float) -> None:
    echo_table(
        "",
        ["source", "read", "terms", "papers", "relations", "rejected", ""],
        [
            [
                name,
                state.report["read"],
                state.report["terms"],
                state.report["papers"],
                state.report["relations"],
                sum(state.report["rejected"].values()),
                _note(name, outcome),
            ]
            for name, state in outcome.state.items()
        ],
    )
    manifest = outcome.result.manifest
    counts = manifest.counts
    mappings = ", ".join(f"{number:,} {name}" for name, number in counts["mappings"].items())
    click.echo(
        f"{counts['concepts']:,} concepts; mappings: {mappings}; {counts['papers']:,} papers with "
        f"{counts['mentions']:,} mentions; {sum(counts['triples'].values()):,} triples"
    )
    word = "published" if outcome.result.changed else "unchanged"
    click.echo(f"snapshot {manifest.id} {word} in {elapsed_s:.1f} s")
    if outcome.result.changed:
        click.echo(f"report: {outcome.result.path / 'report.json'}")


def _note(name: str, outcome: Outcome) -> str:
    if name in outcome.failures:
        return "failed, kept as it was"
    return "parsed" if name in outcome.parsed else "unchanged"
