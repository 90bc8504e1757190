"""A small world in the real formats, and the snapshot that is built from it."""

from __future__ import annotations

import gzip
import shutil
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingest import core
from ingest.fetch import Fetcher
from ingest.refresh import Outcome, refresh
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.graph.snapshot import open_current
from mathgloss.linking.catalogue import Catalogue, items
from mathgloss.model import ParsedSource, RawFile, Reference, Term
from mathgloss.paths import bundled_dir
from tests import hostile

FIXTURES = Path(__file__).parent / "fixtures"
ARCHIVES = {
    "nlab-content-master": "codeload.github.com/ncatlab/nlab-content/tar.gz/refs/heads/master",
    "MathGloss-main": "codeload.github.com/MathGloss/MathGloss/tar.gz/refs/heads/main",
}
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def raw_file(path: Path, *, url: str = "https://example.org/file") -> RawFile:
    """The record of a file that a test wrote."""
    return RawFile(
        url=url,
        path=str(path),
        sha256="0" * 64,
        size_bytes=path.stat().st_size if path.exists() else 0,
        retrieved="2026-01-01T00:00:00+00:00",
    )


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A stand-in for an upstream on this machine, as long as the block lasts; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails at once, with the address in the message."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
            assert address[0] in LOOPBACK, f"a test reached for the network: {address}"
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session", autouse=True)
def _no_encoder() -> Iterator[None]:
    """A test has an encoder only if it asks for one: the import of PyTorch takes seconds.

    For the whole session, so that what fixtures of any scope and subprocesses build has none.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MATHGLOSS_ENCODER", "none")
        environment.delenv("MATHGLOSS_LINKER", raising=False)
        yield


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Settings of the person who runs the tests do not leak into them."""
    if "mirror" in request.keywords:
        return
    for name in ("HOME", "MIRROR", "WIKIDATA_ENDPOINT", "DATA", "CONTACT", "CURATION_TOKEN"):
        monkeypatch.delenv(f"MATHGLOSS_{name}", raising=False)


def make_mirror(folder: Path, change: Callable[[Path], None] | None = None) -> Path:
    """A copy of the small world, changed or not, laid out as a mirror that a test may break."""
    shutil.copytree(FIXTURES / "world", folder)
    if change is not None:
        change(folder)
    for tree, place in ARCHIVES.items():
        target = folder / place
        target.parent.mkdir(parents=True)
        with tarfile.open(target, "w:gz") as archive:
            archive.add(folder / "archives" / tree, tree)
    plain = folder / "wikidata" / "slice.nt"
    packed = folder / "wikidata" / "wikidata-slice.nt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    return folder


def small_bundle(folder: Path) -> Path:
    """The bundled data with more names for its own concepts alone, not for thousands of items."""
    shutil.copytree(bundled_dir(), folder)
    concepts = {line.partition("\t")[0] for line in _lines(folder / "concepts.tsv")}
    for path in folder.glob("names-*.tsv"):
        kept = [line for line in _lines(path) if line.partition("\t")[0] in concepts]
        path.write_text("".join(kept), encoding="utf-8")
    return folder


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


@pytest.fixture(scope="session")
def bundled_items(tmp_path_factory: pytest.TempPathFactory) -> list[ParsedSource]:
    """The bundled concepts with all their names, and Wikidata as if it held just these."""
    folder = tmp_path_factory.mktemp("items")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MATHGLOSS_DATA", str(small_bundle(folder / "bundled")))
        held = core.parse(core.fetch(Fetcher(Settings(home=folder / "home"))))
    terms = tuple(
        Term(
            id=term.id,
            source="wikidata",
            labels=tuple(label for label in term.labels if label.lang == "en")[:1],
            definition=term.definition,
            types=("wd:Q246672",),
            references=(Reference(target="enwiki:" + term.id[3:], via="sitelink"),),
        )
        for term in held.terms
        if term.id.startswith("wd:") and term.definition is not None
    )
    unique = tuple({term.id: term for term in reversed(terms)}.values())
    info = replace(held.info, name="wikidata", title="Wikidata")
    wikidata = ParsedSource(
        info=info, read=len(unique), terms=unique[::-1], relations=held.relations
    )
    return [wikidata, held]


@pytest.fixture(scope="session")
def bundled_catalogue(bundled_items: list[ParsedSource]) -> Catalogue:
    """The same as what terms may be linked to; nothing may change it."""
    return items(bundled_items)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Outcome]:
    """The small world, refreshed once for all tests that only read."""
    folder = tmp_path_factory.mktemp("world")
    settings = Settings(home=folder / "home", mirror=make_mirror(folder / "mirror"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MATHGLOSS_DATA", str(small_bundle(folder / "bundled")))
        return settings, refresh(settings)


@pytest.fixture(scope="session")
def home(world: tuple[Settings, Outcome]) -> Path:
    """The home folder with the small world's published snapshot."""
    return world[0].home


@pytest.fixture(scope="session")
def answers(world: tuple[Settings, Outcome]) -> Answers:
    """Answers from the small world's snapshot."""
    return Answers(open_current(world[0].layout))


@pytest.fixture(scope="session")
def hostile_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder with the snapshot of a world whose sources mean harm."""
    folder = tmp_path_factory.mktemp("hostile")
    mirror = make_mirror(folder / "mirror", hostile.poison)
    settings = Settings(home=folder / "home", mirror=mirror)
    assert refresh(settings, hostile.SOURCES).failures == {}
    return settings.home


@pytest.fixture
def mathgloss(world: tuple[Settings, Outcome]) -> Callable[..., str]:
    """Run a command of ``mathgloss`` on the small world; gives its standard output or error."""
    from click.testing import CliRunner

    from mathgloss.cli import root

    def run(*arguments: str, exit_code: int = 0, error: bool = False) -> str:
        options = ["--home", str(world[0].home), "--mirror", str(world[0].mirror)]
        result = CliRunner().invoke(root, [*options, *arguments], catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result.stderr if error else result.stdout

    return run
