"""``mathgloss experiment``: list, show, run and sweep the runnable experiments."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mathgloss.commands._shared import (
    echo_json,
    echo_table,
    json_option,
    settings_of,
    writing_whole,
)

if TYPE_CHECKING:
    from mathgloss.graph.snapshot import Snapshot
    from mathgloss.paths import Home

_LISTED: Final = ("id", "title", "paper", "concepts", "claim")
_seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all randomness."
)
_quick_option = click.option("--quick", is_flag=True, help="Start from the quick preset.")
_param_option = click.option(
    "--param",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter; lists as in JSON (repeatable).",
)


@click.group(name="experiment")
def command() -> None:
    """List, show, run and sweep the experiments that test the claims of papers."""


@command.command(name="list")
@json_option
@click.pass_context
def list_command(ctx: click.Context, *, as_json: bool) -> None:
    """List the experiments."""
    from mathgloss.answers.experiments import list_experiments  # slow to import

    found = list_experiments(*_place(ctx))
    if as_json:
        echo_json([{name: item[name] for name in _LISTED} for item in found["items"]])
    else:
        rows = [
            [item["id"], item["claim"], item["verdict"] or "not run"] for item in found["items"]
        ]
        echo_table("", ("experiment", "claim", "last verdict"), rows)
    for item in found["broken"]:
        click.secho(f"broken: {item['id']}: {item['reason']}", fg="red", err=True)
    if found["broken"]:
        sys.exit(1)


@command.command(name="show")
@click.argument("identifier", metavar="ID")
@json_option
@click.pass_context
def show_command(ctx: click.Context, identifier: str, *, as_json: bool) -> None:
    """Show an experiment: claim, set-up, parameters, concepts, last runs."""
    from mathgloss.answers.experiments import read_experiment

    found = read_experiment(*_place(ctx), identifier)
    if as_json:
        echo_json(found)
        return
    click.secho(f"{found['title']}  {found['id']}", bold=True)
    click.echo(f"\n{found['description']}\n")
    click.echo(f"Gives up: {found['gives_up']}")
    click.echo(f"Not tested: {'; '.join(found['not_tested'])}")
    if found["falls_short"]:
        click.echo(f"Falls short: {found['falls_short']}")
    click.echo(f"Paper: {found['paper_title'] or found['reference']}  {found['paper']}")
    for concept in found["concepts"]:
        click.echo(f"{concept['role'].capitalize()}: {concept['label'] or '?'}  {concept['id']}")
    columns = ("name", "default", "allowed", "meaning")
    echo_table("\nParameters", columns, _parameter_rows(found))
    rows = [
        [item["run"], item["verdict"] or item["state"], item["preset"], item["duration_s"]]
        for item in found["runs"]
    ]
    echo_table("Last runs", ("run", "result", "parameters", "seconds"), rows)


@command.command(name="run")
@click.argument("identifier", metavar="ID")
@_param_option
@_seed_option
@_quick_option
@json_option
@click.pass_context
def run_command(
    ctx: click.Context,
    identifier: str,
    given: tuple[str, ...],
    seed: int,
    *,
    quick: bool,
    as_json: bool,
) -> None:
    """Run an experiment and say whether the claim held; exit status 1 if the run failed."""
    from mathgloss.answers.experiments import start_run

    snapshot, home = _place(ctx)
    with _showing(identifier) as progress:
        record = start_run(
            snapshot, home, identifier, _params(given), seed=seed, quick=quick, progress=progress
        )
    if as_json:
        echo_json(record)
    else:
        _show_run(record, home)
    if record["state"] != "finished":
        click.secho(f"Error: {record['failure']['message']}", fg="red", err=True)
        sys.exit(1)


@command.command(name="sweep")
@click.argument("identifier", metavar="ID")
@click.option("--over", required=True, metavar="NAME=V1,V2,...", help="Parameter and its values.")
@_param_option
@_seed_option
@_quick_option
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the plot (SVG, PNG or PDF) if not below the home folder.",
)
@json_option
@click.pass_context
def sweep_command(
    ctx: click.Context,
    identifier: str,
    over: str,
    given: tuple[str, ...],
    seed: int,
    *,
    quick: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Run an experiment at each value of a parameter and plot it; exit status 1 if a run failed."""
    from mathgloss.answers.experiments import run_sweep
    from mathgloss.experiments import PLOT_FORMATS, draw_sweep

    snapshot, home = _place(ctx)
    name, values = _over(over)
    params = _params(given)
    if name in params:
        raise click.UsageError(f"--over and --param both set {name!r}: drop one of them")
    if plot is not None and plot.suffix not in PLOT_FORMATS:
        raise click.UsageError(f"--plot: expected a file of {', '.join(PLOT_FORMATS)}, got {plot}")
    with _showing(identifier) as progress:
        records = run_sweep(
            snapshot,
            home,
            identifier,
            params,
            over=name,
            values=values,
            seed=seed,
            quick=quick,
            progress=progress,
        )
    if as_json:
        echo_json(records)
    else:
        _show_sweep(name, records)
    if plot is None:
        plot = home.sweeps / f"{records[0]['run']}-{name}.svg"
    draw_sweep(name, records, plot)
    click.echo(f"plot: {plot}", err=True)
    if any(record["state"] != "finished" for record in records):
        sys.exit(1)


@command.command(name="report")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of stdout."
)
@click.pass_context
def report_command(ctx: click.Context, *, output: Path | None) -> None:
    """Tell in Markdown what the last run of each experiment as designed gave."""
    from mathgloss.answers.run_report import write_report

    text = write_report(settings_of(ctx).layout)
    if output is None:
        click.echo(text, nl=False)
        return
    with writing_whole(output) as stream:
        stream.write(text)


@command.command(name="worker")
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Runs at the same time.",
)
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
@click.pass_context
def worker_command(ctx: click.Context, *, at_once: int, until_stdin_closes: bool) -> None:
    """Run what is asked for through the service; 'mathgloss serve' starts one of these itself.

    There is one for each home: a second one waits until the first has ended.
    """
    from mathgloss.experiments import load_catalogue, work

    if until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    work(settings_of(ctx).layout, load_catalogue(), at_once=at_once)


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


def _place(ctx: click.Context) -> tuple[Snapshot | None, Home]:
    """The published snapshot, if there is one, and the home; experiments run without a snapshot."""
    from mathgloss.graph.snapshot import current_path, open_current

    home = settings_of(ctx).layout
    return (open_current(home) if current_path(home) else None), home


def _params(given: tuple[str, ...]) -> dict[str, object]:
    return dict(_name_and_value(text, "--param") for text in given)


def _name_and_value(text: str, option: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{option}: expected NAME=VALUE, got {text!r}")
    return name, _value(value)


def _value(text: str) -> object:
    """A number, a list or a truth value as JSON writes it, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _over(text: str) -> tuple[str, list[object]]:
    name, equals, values = text.partition("=")
    if not equals or not name or not values:
        raise click.UsageError(f"--over: expected NAME=V1,V2,..., got {text!r}")
    whole = _value(f"[{values}]")  # values may be lists themselves
    return name, whole if isinstance(whole, list) else [_value(item) for item in values.split(",")]


@contextmanager
def _showing(title: str) -> Iterator[Callable[[float, str], None]]:
    """A progress bar on a terminal; nothing where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[title]}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("starting", total=1.0, title=title)
        yield lambda fraction, message: bar.update(task, completed=fraction, description=message)


def _parameter_rows(found: dict[str, Any]) -> list[list[str]]:
    from mathgloss.experiments import allowed_values

    return [
        [
            name,
            json.dumps(field["default"]),
            allowed_values(field),
            field["description"],
        ]
        for name, field in found["parameters"]["properties"].items()
    ]


def _show_run(record: dict[str, Any], home: Home) -> None:
    if record["state"] != "finished":
        return
    for table in record["tables"]:
        rows = [[_cell(cell) for cell in row] for row in table["rows"]]
        echo_table(table["title"], table["columns"], rows)
    rows = [
        [
            "held" if check["held"] else "did not hold",
            check["criterion"] + ("" if check["claimed"] else " (not in the verdict)"),
            _cell(check["value"]),
            f"{check['relation']} {check['bound']:g}",
        ]
        for check in record["checks"]
    ]
    echo_table("Checks", ("", "criterion", "value", "bound"), rows)
    click.secho(f"The claim {record['verdict']} here", bold=True, nl=False)
    click.echo(f" ({record['preset']} parameters, seed {record['seed']}, {record['duration_s']} s)")
    click.echo(f"{home.runs / record['run']}")


def _show_sweep(name: str, records: list[dict[str, Any]]) -> None:
    from mathgloss.experiments import swept_checks

    by_criterion = swept_checks(records)
    rows = []
    for record, *checks in zip(records, *by_criterion.values(), strict=True):
        result = record["verdict"] or record["failure"]["message"]
        cells = [_cell(check and check["value"]) for check in checks]
        rows.append([json.dumps(record["params"][name]), result, *cells])
    echo_table("", (name, "result", *by_criterion), rows)


def _cell(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else value
