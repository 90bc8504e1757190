"""``mathgloss doctor``: what is installed, found, missing; which device embeddings would use."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mathgloss.commands._shared import echo_json, json_option, settings_of

if TYPE_CHECKING:
    from mathgloss.config import Settings

_REQUIRED: Final = ("pyoxigraph", "spacy", "rdflib", "pyshacl", "flask", "apiflask", "gunicorn")
_OPTIONAL: Final = ("torch", "sentence-transformers")


@click.command(name="doctor")
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Say what is installed, found and missing; exit status 1 if something needed is missing."""
    rows = list(_findings(ctx))
    if as_json:
        echo_json(rows)
    else:
        for row in rows:
            mark = click.style("ok  ", "green") if row["ok"] else click.style("MISS", "red")
            if row["ok"] is None:
                mark = click.style("--  ", "yellow")
            click.echo(f"{mark} {row['what']:22} {row['found']}")
    if any(row["ok"] is False for row in rows):
        sys.exit(1)


def _finding(what: str, found: str, *, ok: bool | None) -> dict[str, Any]:
    """One line; ``ok`` is ``None`` for what is optional and not there."""
    return {"what": what, "found": found, "ok": ok}


def _findings(ctx: click.Context) -> Iterator[dict[str, Any]]:
    yield _finding("python", platform.python_version(), ok=sys.version_info >= (3, 11))
    for package in _REQUIRED:
        version = _version(package)
        yield _finding(package, version or "not installed", ok=version is not None)
    for package in _OPTIONAL:
        version = _version(package)
        text = version or "not installed (extra: embedding)"
        yield _finding(package, text, ok=True if version else None)
    yield _finding("embedding device", _device(), ok=True if util.find_spec("torch") else None)
    yield _vendor()
    yield from _places(ctx)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _device() -> str:
    if util.find_spec("torch") is None:
        return "none: torch is not installed"
    import torch  # takes seconds

    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _vendor() -> dict[str, Any]:
    spec = util.find_spec("api")
    folder = (
        Path(spec.origin).parent / "static" / "vendor" / "katex" if spec and spec.origin else None
    )
    if folder is not None and folder.is_dir():
        return _finding("KaTeX", "bundled", ok=True)
    return _finding("KaTeX", "missing: pages show TeX source; run 'make web'", ok=None)


def _linker(settings: Settings) -> str:
    """With what terms are linked."""
    from mathgloss.linking.setup import linking_setup

    setup = linking_setup(settings)
    encoder = f"names and meaning by {setup.encoder.name}" if setup.encoder else "names alone"
    return f"{encoder}; trained on {setup.model.made['gold_terms']:,} terms"


def _places(ctx: click.Context) -> Iterator[dict[str, Any]]:
    from mathgloss.errors import MathGlossError  # slow imports only when run
    from mathgloss.graph.snapshot import open_manifest
    from mathgloss.io.decisions import DecisionFiles
    from mathgloss.io.state import read_state
    from mathgloss.paths import bundled_dir

    settings = settings_of(ctx)
    looks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("linker", lambda: _linker(settings)),
        ("bundled data", lambda: str(bundled_dir())),
        ("sources with data", lambda: ", ".join(read_state(settings.layout)) or "none yet"),
        ("curators' decisions", lambda: str(len(DecisionFiles(settings.layout).read()))),
        ("published snapshot", lambda: open_manifest(settings.layout).id),
    )
    for what, look in looks:
        try:
            yield _finding(what, look(), ok=True)
        except MathGlossError as error:
            yield _finding(what, str(error), ok=None if what == "published snapshot" else False)
    yield _finding("home", str(settings.home), ok=True)
    yield _finding("mirror", str(settings.mirror or "none: the network is used"), ok=True)
    root = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(root).free
    yield _finding("free disk space", f"{free / 1e9:.1f} GB", ok=free > 500e6)
