"""The command line: one root group whose commands are imported only when they are run."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import click

from mathgloss import __version__
from mathgloss.errors import MathGlossError


class CommandEntry(NamedTuple):
    """Where a command is, and the line that the overview shows for it."""

    target: str
    summary: str


# ``ingest`` and ``api`` are known to the library only as strings in this table
COMMANDS: Final = {
    "refresh": CommandEntry("ingest.command:command", "Fetch sources, build and publish."),
    "build": CommandEntry("mathgloss.commands.build:command", "Build from what was fetched."),
    "serve": CommandEntry("api.command:command", "Serve the published snapshot over HTTP."),
    "mcp": CommandEntry("api.agents.command:command", "Speak MCP to an agent on this machine."),
    "sources": CommandEntry("mathgloss.commands.sources:command", "What each source holds."),
    "concept": CommandEntry("mathgloss.commands.concept:command", "All that is known of one."),
    "search": CommandEntry("mathgloss.commands.search:command", "Find concepts by name."),
    "link": CommandEntry("mathgloss.commands.link:command", "Align terms to Wikidata items."),
    "annotate": CommandEntry("mathgloss.commands.annotate:command", "Find concepts in texts."),
    "evaluate": CommandEntry("mathgloss.commands.evaluate:command", "Measure against gold."),
    "train": CommandEntry("mathgloss.commands.train:command", "Train the linker on gold."),
    "experiment": CommandEntry(
        "mathgloss.commands.experiment:command", "Test the claims of papers."
    ),
    "query": CommandEntry("mathgloss.commands.query:command", "Run a SPARQL query."),
    "export": CommandEntry("mathgloss.commands.export:command", "Write the graph to a file."),
    "doctor": CommandEntry("mathgloss.commands.doctor:command", "What is installed and found."),
}


class LazyGroup(click.Group):
    """A group that shows its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module_name, _, attribute = COMMANDS[cmd_name].target.partition(":")
        try:
            command: click.Command = getattr(import_module(module_name), attribute)
        except ImportError as error:
            raise click.ClickException(_explain_import(module_name, error)) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


def _explain_import(module_name: str, error: ImportError) -> str:
    """A foreign package of the name ``api`` or ``ingest`` is the likeliest reason."""
    package = sys.modules.get(module_name.partition(".")[0])
    here = Path(__file__).resolve().parent.parent
    found = getattr(package, "__file__", None)
    if found and Path(found).resolve().parent.parent != here:
        return f"{found} shadows MathGloss's own package in {here}; uninstall or move it ({error})"
    return f"{module_name} cannot be imported: {error}"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mathgloss")
@click.option("--home", type=click.Path(path_type=Path), help="Folder for snapshots and caches.")
@click.option("--mirror", type=click.Path(path_type=Path), help="Read files here, not the network.")
@click.option("-v", "--verbose", is_flag=True, help="Say more of what is done.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def root(
    ctx: click.Context, home: Path | None, mirror: Path | None, *, verbose: bool, debug: bool
) -> None:
    """MathGloss: an open knowledge graph of mathematical concepts."""
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    ctx.obj = {"home": home, "mirror": mirror}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a MathGloss error becomes one line and exit status 1."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        root.main(args=given, prog_name="mathgloss")
    except MathGlossError as error:
        if "--debug" in given:
            raise
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(1)
