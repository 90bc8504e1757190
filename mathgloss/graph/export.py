"""Dumps of a snapshot: N-Quads, Turtle, SSSOM, SQLite; a licence on every row that has one."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import IO, Final, cast

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.errors import InputError
from mathgloss.graph.index import INDEX
from mathgloss.graph.licences import licence_name, licence_url, name_sources
from mathgloss.graph.snapshot import Snapshot

_TABLES: Final = """
CREATE TABLE snapshot (id TEXT, created TEXT);
CREATE TABLE source (name TEXT PRIMARY KEY, title TEXT, homepage TEXT, licence TEXT);
CREATE TABLE relation (subject TEXT, predicate TEXT, object TEXT);
CREATE TABLE mapping (
  subject TEXT, subject_label TEXT, predicate TEXT, object TEXT, mapping_set TEXT,
  confidence REAL, source TEXT, licence TEXT
);
CREATE TABLE definition (term TEXT, source TEXT, text TEXT, lang TEXT, licence TEXT);
CREATE TABLE paper (id TEXT PRIMARY KEY, title TEXT);
ALTER TABLE name ADD COLUMN source TEXT;
ALTER TABLE name ADD COLUMN licence TEXT;
CREATE TABLE mention (
  paper TEXT, field TEXT, start INTEGER, "end" INTEGER, surface TEXT, concept TEXT, confidence REAL
);
"""
_GZIP_LEVEL: Final = 6
_PREFIXES: Final = "".join(
    f"PREFIX {name}: <{vocab.NAMESPACES[name]}>\n"
    for name in ("dcterms", "mg", "owl", "rdf", "schema", "skos", "sssom")
)
# table -> query whose variables are columns of the table
_ROWS: Final = {
    "relation": """SELECT ?subject ?predicate ?object WHERE {
        GRAPH <https://w3id.org/mathgloss/graph/concepts> { ?subject ?predicate ?object .
        FILTER(ISIRI(?object) && ?predicate NOT IN (rdf:type, skos:inScheme)) } }""",
    "mapping": """SELECT ?subject ?subject_label ?predicate ?object ?mapping_set ?confidence ?source
        WHERE { GRAPH ?g {
        ?m owl:annotatedSource ?subject ; owl:annotatedProperty ?predicate ;
           owl:annotatedTarget ?object ; sssom:subject_label ?subject_label ;
           mg:mappingSet ?mapping_set ; sssom:confidence ?confidence ; mg:evidence ?first .
        ?first mg:source ?source . FILTER(STRENDS(STR(?first), "/0")) } }""",
    "definition": """SELECT ?term ?source ?text (LANG(?text) AS ?lang) WHERE { GRAPH ?g {
        ?term skos:definition ?text ; mg:source ?source } }""",
    "paper": """SELECT ?id (MIN(?t) AS ?title) WHERE { GRAPH ?g {
        ?id a schema:ScholarlyArticle ; dcterms:title ?t } } GROUP BY ?id""",
    "mention": """SELECT ?paper ?field ?start ?end ?surface ?concept ?confidence WHERE { GRAPH ?g {
        ?m mg:paper ?paper ; mg:field ?field ; mg:start ?start ; mg:end ?end ;
           mg:surface ?surface ; mg:concept ?concept ; mg:confidence ?confidence } }""",
}


def export(snapshot: Snapshot, name: str, output: Path) -> None:
    """Write a dump; a file appears whole or not at all.

    Args:
        snapshot: what is written.
        name: ``nquads`` (gzipped where the file's name ends in ``.gz``), ``turtle`` (all graphs
            as one), ``sqlite``, or ``sssom`` (a folder).
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
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            snapshot.store.dump(raw, format=ox.RdfFormat.N_QUADS)
            return
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as stream:
            snapshot.store.dump(cast("IO[bytes]", stream), format=ox.RdfFormat.N_QUADS)


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
    """The four sets, each row with the licence of the source that states the mapping."""
    path.mkdir()
    for held in sorted((snapshot.path / "sssom").iterdir()):
        text = held.read_text(encoding="utf-8")
        head = [line for line in text.splitlines(keepends=True) if line.startswith("#")]
        rows = list(csv.DictReader(text.splitlines()[len(head) :], delimiter="\t"))
        columns = [*rows[0], "license"] if rows else []
        with (path / held.name).open("w", encoding="utf-8", newline="") as out:
            if not rows:
                out.write(text)
                continue
            out.writelines(head)
            writer = csv.DictWriter(out, columns, delimiter="\t", lineterminator="\n")
            writer.writeheader()
            for row in rows:
                source = row["mapping_source"].removeprefix("mg:source/")
                writer.writerow(row | {"license": licence_url(snapshot.manifest, source)})


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
            columns = ", ".join(f'"{variable.value}"' for variable in solutions.variables)
            connection.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608 - our own names
                ([_cell(value) for value in row] for row in solutions),
            )
        _add_licences(snapshot, connection)


def _add_licences(snapshot: Snapshot, connection: sqlite3.Connection) -> None:
    """Fill the columns that say where a row comes from and under which licence it stands."""
    connection.create_function(
        "licence_of", 1, lambda source: licence_name(snapshot.manifest, source), deterministic=True
    )
    sources = name_sources(snapshot)

    def source_of(concept: str, text: str, lang: str) -> str | None:
        return sources.get((concept, text, lang)) or sources.get((concept, "", ""))

    connection.create_function("source_of", 3, source_of)
    connection.execute("UPDATE name SET source = source_of(concept, text, lang)")
    for table in ("name", "mapping", "definition"):
        connection.execute(
            f"UPDATE {table} SET licence = licence_of(source)"  # noqa: S608 - our own names
            " WHERE source IS NOT NULL"
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
