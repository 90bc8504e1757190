"""Properties of the project as a whole: tables that name code, queries, vocabulary, docs."""

from __future__ import annotations

import re
from pathlib import Path

import pyoxigraph as ox
import pytest

from ingest.registry import SOURCES, get_source
from mathgloss import vocab
from mathgloss.cli import COMMANDS
from mathgloss.errors import InputError
from mathgloss.graph.plan import ONTOLOGY
from mathgloss.ids import PREFIXES

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("mathgloss", "ingest", "api")
QUERIES = sorted((ROOT / "mathgloss" / "graph" / "queries").glob("*.rq"))

# what is registered; a source or command that gets lost must fail here, not vanish
GOLDEN_SOURCES = "core bundled-papers wikidata nlab mulima chicago syllabus overview theorems tac"
GOLDEN_COMMANDS = (
    "refresh build serve mcp sources concept search link annotate evaluate train "
    "experiment query export doctor"
)


def python_files() -> list[Path]:
    return [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]


def test_sources_and_commands_are_all_there() -> None:
    assert list(SOURCES) == GOLDEN_SOURCES.split()
    assert list(COMMANDS) == GOLDEN_COMMANDS.split()


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_source_says_who_it_is(name: str) -> None:
    info = get_source(name).info
    assert info.name == name
    assert info.homepage.startswith(("https://", "http://"))
    assert info.licence.name


def test_an_unknown_source_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="known sources: core, bundled-papers, wikidata"):
        get_source("nlap")


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_stored_query_is_well_formed_and_says_what_it_asks(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    ox.Store().query(text)


def test_every_word_of_our_vocabulary_is_documented() -> None:
    ours = vocab.NAMESPACES["mg"]
    triples = ox.parse(path=str(ONTOLOGY), format=ox.RdfFormat.TURTLE)
    documented = {
        triple.subject.value.removeprefix(ours)
        for triple in triples
        if isinstance(triple.subject, ox.NamedNode)
    }
    used = {
        word
        for path in [*python_files(), *QUERIES]
        for word in re.findall(r"\bmg:([a-zA-Z]+)\b", path.read_text(encoding="utf-8"))
    }
    assert used <= documented


def test_prefixes_do_not_clash() -> None:
    assert not PREFIXES.keys() & vocab.NAMESPACES.keys()
    namespaces = [row.namespace for row in PREFIXES.values()]
    assert len(namespaces) == len(set(namespaces))


def test_modules_stay_small() -> None:
    long = {
        path.name: count
        for path in python_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert long == {}


def test_commands_of_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"bin/mathgloss ([a-z]+)", readme))
    assert named <= COMMANDS.keys()
    targets = re.findall(r"^make ([a-z]+)", readme, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets
    assert all(f"\n{target}:" in makefile for target in targets)
