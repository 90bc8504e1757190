"""The built-in sources, by name, and how a source that the user added is made again."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from ingest.source import Source
from mathgloss.errors import InputError

# name -> where its Source object is; imported only when it is used
SOURCES: Final = {
    "core": "ingest.core:SOURCE",
    "bundled-papers": "ingest.papers:BUNDLED",
    "wikidata": "ingest.wikidata:SOURCE",
    "nlab": "ingest.nlab:SOURCE",
    "mulima": "ingest.mulima:SOURCE",
    "chicago": "ingest.chicago:SOURCE",
    "syllabus": "ingest.syllabus:SOURCE",
    "overview": "ingest.syllabus:OVERVIEW",
    "theorems": "ingest.theorems:SOURCE",
    "tac": "ingest.papers:TAC",
}
BUNDLED: Final = ("core", "bundled-papers")


def get_source(name: str) -> Source:
    """A built-in source.

    Raises:
        InputError: there is none of that name; the known ones are listed.
    """
    if name not in SOURCES:
        raise InputError(f"unknown source {name!r}; known sources: {', '.join(SOURCES)}")
    module, _, attribute = SOURCES[name].partition(":")
    source: Source = getattr(import_module(module), attribute)
    return source


def added_source(options: dict[str, Any]) -> Source:
    """A source that the user added, from the options kept in the state.

    Raises:
        InputError: the options are of no known kind.
    """
    if "papers" in options:
        from ingest.papers import file_source  # only if such a source exists

        return file_source(Path(options["papers"]))
    if "arxiv" in options:
        from ingest.arxiv import source  # only if such a source exists

        return source(**options["arxiv"])
    raise InputError(f"a source with options {options!r} cannot be made; forget it")
