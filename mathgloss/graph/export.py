"""Dumps of a snapshot: N-Quads, Turtle, SSSOM, SQLite."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.errors import InputError
from mathgloss.graph.index import INDEX
from mathgloss.graph.snapshot import Snapshot

_TABLES: Final = """
CREATE TABLE snapshot (id TEXT, created TEXT);
CREATE TABLE source (name TEXT PRIMARY KEY, title TEXT, homepage TEXT, licence TEXT);
CREATE TABLE relation (subject TEXT, predicate TEXT, object TEXT);
CREATE TABLE mapping (
  subject TEXT, subject_label TEXT, predicate TEXT, object TEXT, mapping_set TEXT, confidence REAL
);
CREATE TABLE definition (term TEXT, source TEXT, text TEXT, lang TEXT);
CREATE TABLE paper (id TEXT PRIMARY KEY, title TEXT);
CREATE TABLE mention (
  paper TEXT, field TEXT, start INTEGER, "end" INTEGER, surface TEXT, concept TEXT, confidence REAL
);
"""
_PREFIXES: Final = "".join(
    f"PREFIX {name}: <{vocab.NAMESPACES[name]}>\n"
    for name in ("dcterms", "mg", "owl", "rdf", "schema", "skos", "sssom")
)
# table -> query whose columns are the table's
_ROWS: Final = {
    "relation": """SELECT ?s ?p ?o WHERE { GRAPH <https://w3id.org/mathgloss/graph/concepts> {
        ?s ?p ?o . FILTER(ISIRI(?o) && ?p NOT IN (rdf:type, skos:inScheme)) } }""",
    "mapping": """SELECT ?s ?label ?p ?o ?set ?confidence WHERE { GRAPH ?g {
        ?m owl:annotatedSource ?s ; owl:annotatedProperty ?p ; owl:annotatedTarget ?o ;
           sssom:subject_label ?label ; mg:mappingSet ?set ; sssom:confidence ?confidence } }""",
    "definition": """SELECT ?term ?source ?text (LANG(?text) AS ?lang) WHERE { GRAPH ?g {
        ?term skos:definition ?text ; mg:source ?source } }""",
    "paper": """SELECT ?p (MIN(?t) AS ?title) WHERE { GRAPH ?g {
        ?p a schema:ScholarlyArticle ; dcterms:title ?t } } GROUP BY ?p""",
    "mention": """SELECT ?paper ?field ?start ?end ?surface ?concept ?confidence WHERE { GRAPH ?g {
        ?m mg:paper ?paper ; mg:field ?field ; mg:start ?start ; mg:end ?end ;
           mg:surface ?surface ; mg:concept ?concept ; mg:confidence ?confidence } }""",
}


def export(snapshot: Snapshot, name: str, output: Path) -> None:
    """Write a dump; a file appears whole or not at all.

    Args:
        snapshot: what is written.
        name: ``nquads``, ``turtle`` (all graphs as one), ``sqlite``, or ``sssom`` (a folder).
        output: the file, for ``sssom`` the folder, to write.

    Raises:
        InputError: the output cannot be written there.
    """
    writers: dict[str, Callable[[Snapshot, Path], None]] = {
        "nquads": _nquads,
        "turtle": _turtle,
        "sqlite": _sqlite,
        "sssom": _sssom,
    }
    temporary = output.with_name(f".{os.getpid()}-{output.name}")
    try:
        writers[name](snapshot, temporary)
        if name == "sssom":
            output.mkdir(exist_ok=True)
            for path in sorted(temporary.iterdir()):
                path.replace(output / path.name)
        else:
            temporary.replace(output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error}") from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)


def _nquads(snapshot: Snapshot, path: Path) -> None:
    snapshot.store.dump(str(path), format=ox.RdfFormat.N_QUADS)


def _turtle(snapshot: Snapshot, path: Path) -> None:
    triples = snapshot.store.query("CONSTRUCT WHERE { ?s ?p ?o }", use_default_graph_as_union=True)
    prefixes = vocab.NAMESPACES | {"wd": ids.PREFIXES["wd"].namespace}
    ox.serialize(
        triples,  # type: ignore[arg-type]
        str(path),
        format=ox.RdfFormat.TURTLE,
        prefixes=prefixes,
    )


def _sssom(snapshot: Snapshot, path: Path) -> None:
    shutil.copytree(snapshot.path / "sssom", path)


def _sqlite(snapshot: Snapshot, path: Path) -> None:
    shutil.copyfile(snapshot.path / INDEX, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_TABLES)
        connection.execute(
            "INSERT INTO snapshot VALUES (?, ?)", (snapshot.id, snapshot.manifest.created)
        )
        connection.executemany(
            "INSERT INTO source VALUES (?, ?, ?, ?)",
            (
                (name, entry["title"], entry["homepage"], entry["licence"]["name"])
                for name, entry in snapshot.manifest.sources.items()
            ),
        )
        for table, query in _ROWS.items():
            solutions = snapshot.store.query(_PREFIXES + query)
            assert isinstance(solutions, ox.QuerySolutions)
            marks = ", ".join("?" for _ in solutions.variables)
            connection.executemany(
                f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - a table of our own
                ([_cell(value) for value in row] for row in solutions),
            )


def _cell(value: object) -> str:
    """An identifier as CURIE where it is one, else the plain value."""
    text = str(getattr(value, "value", ""))
    if not isinstance(value, ox.NamedNode):
        return text
    for prefix, address in vocab.NAMESPACES.items():
        if prefix != "schema" and text.startswith(address):
            return f"{prefix}:{text.removeprefix(address)}"
    source = ids.BASE + "source/"
    return text.removeprefix(source) if text.startswith(source) else ids.curie(text)
