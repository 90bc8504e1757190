"""Reads W3C SPARQL test suites: manifests, data, expected results, and how results compare."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pyoxigraph as ox
from rdflib import RDF, RDFS, XSD, Graph, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

MF: Final = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
QT: Final = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-query#")
UT: Final = Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
HT: Final = Namespace("http://www.w3.org/2011/http#")
RS: Final = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/result-set#")
CNT: Final = Namespace("http://www.w3.org/2011/content#")

MEDIA_TYPES: Final = {
    ".srx": "application/sparql-results+xml",
    ".srj": "application/sparql-results+json",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".ttl": "text/turtle",
}
_SRX: Final = "{http://www.w3.org/2005/sparql-results#}"
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_NUMBERS: Final = {str(XSD[name]) for name in ("integer", "decimal", "double", "float")}

Row = dict[str, ox.NamedNode | ox.BlankNode | ox.Literal]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP exchange of a protocol test."""

    method: str
    address: str
    headers: dict[str, str]
    body: bytes | None
    statuses: tuple[str, ...]
    kind: str | None
    boolean: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test of a suite."""

    name: str
    kind: str
    query: Path | None = None
    result: Path | None = None
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Suite:
    """The tests of several folders, and the graphs that they ask about."""

    cases: list[Case] = field(default_factory=list)
    graphs: dict[str, Path] = field(default_factory=dict)

    def load(self, store: Path) -> None:
        """Write all graphs into a new store, each under its name."""
        target = ox.Store(str(store))
        for name, path in self.graphs.items():
            graph = ox.NamedNode(name)
            target.add_graph(graph)
            target.load(path=str(path), base_iri=name, to_graph=graph)
        target.flush()


def read_suite(folders: list[Path]) -> Suite:
    """The tests that the manifests of these folders list."""
    suite = Suite()
    for folder in folders:
        manifest = folder / "manifest.ttl"
        graph = Graph().parse(manifest, publicID=manifest.as_uri())
        [entries] = graph.objects(None, MF.entries)
        for test in Collection(graph, entries):
            suite.cases.append(_case(graph, test, folder.name, suite.graphs))
    return suite


def _case(graph: Graph, test: Node, folder: str, graphs: dict[str, Path]) -> Case:
    action = graph.value(test, MF.action)
    name = f"{folder}/{str(test).rpartition('#')[2]}"
    kind = str(graph.value(test, RDF.type)).rpartition("#")[2]
    if kind == "ProtocolTest":
        for data in graph.objects(test, UT.graphData):
            graphs[str(graph.value(data, RDFS.label))] = _path(graph.value(data, UT.graph))
        sent = tuple(_request(graph, node) for node in _requests(graph, action))
        return Case(name=name, kind=kind, requests=sent)
    query = graph.value(action, QT.query) or action
    default = tuple(str(data) for data in graph.objects(action, QT.data))
    named = tuple(str(data) for data in graph.objects(action, QT.graphData))
    graphs |= {address: _path(URIRef(address)) for address in (*default, *named)}
    result = graph.value(test, MF.result)
    return Case(
        name=name,
        kind=kind,
        query=_path(query) if isinstance(query, URIRef) else None,
        result=_path(result) if result else None,
        default=default,
        named=named,
    )


def _path(address: Node | None) -> Path:
    return Path(unquote(urlsplit(str(address)).path))


def _requests(graph: Graph, connection: Node | None) -> Iterator[Node]:
    for entries in graph.objects(connection, HT.requests):
        yield from Collection(graph, entries)


def _request(graph: Graph, node: Node) -> Request:
    headers = {
        str(graph.value(header, HT.fieldName)): str(graph.value(header, HT.fieldValue))
        for entries in graph.objects(node, HT.headers)
        for header in Collection(graph, entries)
    }
    body = graph.value(node, HT.body)
    response = graph.value(node, HT.resp)
    boolean = graph.value(response, MF.expectedBoolean)
    kind = graph.value(response, MF.expectedFormat)
    statuses = graph.objects(response, MF.expectedStatus)
    return Request(
        method=str(graph.value(node, HT.methodName)),
        address=str(graph.value(node, HT.absolutePath)),
        headers=headers,
        body=_body(graph, body) if body else None,
        statuses=tuple(re.sub(r".*StatusCode", "", str(status))[0] for status in statuses),
        kind=str(kind) if kind else None,
        boolean=None if boolean is None else bool(boolean),
    )


def _body(graph: Graph, body: Node) -> bytes:
    encoding = str(graph.value(body, CNT.characterEncoding))
    return str(graph.value(body, CNT.chars)).encode(encoding)


# ------------------------------------------------------------------------------------ results


def read_result(content: bytes, suffix: str, base: str = "") -> bool | Counter[Any]:
    """A result in a form that compares: blank nodes by their place, numbers by their value.

    Args:
        content: the document.
        suffix: of the file's name, a key of ``MEDIA_TYPES``.
        base: what relative addresses in Turtle are relative to.
    """
    if suffix == ".ttl":
        graph = Graph().parse(content, format="turtle", publicID=base)
        described = graph.value(None, RDF.type, RS.ResultSet)
        if described is not None:
            return _rows(_from_graph(graph, described))
        return _counted(ox.parse(content, format=ox.RdfFormat.TURTLE, base_iri=base or None))
    if suffix == ".csv":
        head, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
        return _rows(
            {name: _plain_term(cell) for name, cell in zip(head, row, strict=True)} for row in rows
        )
    answer = _READERS[suffix](content)
    if isinstance(answer, bool):
        return answer
    return _rows(answer)


def _rows(rows: Iterable[Row]) -> Counter[Any]:
    return _counted(quad for number, row in enumerate(rows) for quad in _described(number, row))


def _described(number: int, row: Row) -> Iterator[ox.Quad]:
    """A row as triples about a blank node of its own, so that rows compare as graphs do."""
    subject = ox.BlankNode(f"row{number}")
    yield ox.Quad(subject, ox.NamedNode("row:is"), ox.Literal("row"))
    for name, term in row.items():
        yield ox.Quad(subject, ox.NamedNode(f"variable:{name}"), term)


def _counted(quads: Any) -> Counter[Any]:
    plain = [
        ox.Quad(quad.subject, quad.predicate, _valued(quad.object), ox.DefaultGraph())
        for quad in quads
    ]
    dataset = ox.Dataset(plain)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return Counter(str(quad) for quad in dataset)


def _valued(term: Any) -> Any:
    """A number or truth value in one form for each value."""
    if not isinstance(term, ox.Literal):
        return term
    if term.datatype.value == str(XSD.boolean):
        return ox.Literal(term.value in {"1", "true"})
    if term.datatype.value not in _NUMBERS:
        return term
    if term.datatype.value in {str(XSD.integer), str(XSD.decimal)}:
        return ox.Literal(f"{Decimal(term.value).normalize():f}", datatype=term.datatype)
    return ox.Literal(repr(float(term.value)), datatype=term.datatype)


def _from_graph(graph: Graph, described: Node) -> Iterator[Row]:
    """The rows of a result that is described in RDF."""
    for solution in graph.objects(described, RS.solution):
        yield {
            str(graph.value(binding, RS.variable)): _turtle_term(value.n3())
            for binding in graph.objects(solution, RS.binding)
            for value in graph.objects(binding, RS.value)
        }


def _from_xml(content: bytes) -> bool | list[Row]:
    root = ElementTree.fromstring(content)
    boolean = root.find(f"{_SRX}boolean")
    if boolean is not None:
        return boolean.text == "true"
    return [
        {str(binding.get("name")): _xml_term(binding[0]) for binding in result}
        for result in root.iter(f"{_SRX}result")
    ]


def _xml_term(element: ElementTree.Element) -> Any:
    kind = element.tag.removeprefix(_SRX)
    return _term(kind, element.text or "", element.get(_XML_LANG), element.get("datatype"))


def _from_json(content: bytes) -> bool | list[Row]:
    answer = json.loads(content)
    if "boolean" in answer:
        return bool(answer["boolean"])
    return [
        {
            name: _term(term["type"], term["value"], term.get("xml:lang"), term.get("datatype"))
            for name, term in row.items()
        }
        for row in answer["results"]["bindings"]
    ]


def _from_tsv(content: bytes) -> list[Row]:
    head, *rows = content.decode().rstrip("\n").split("\n")
    names = [name.removeprefix("?") for name in head.split("\t")]
    return [
        {
            name: _turtle_term(cell)
            for name, cell in zip(names, row.split("\t"), strict=True)
            if cell
        }
        for row in rows
    ]


def _turtle_term(cell: str) -> Any:
    if cell.startswith("_:"):
        return ox.BlankNode(cell[2:])
    [quad] = ox.parse(f"<row:0> <row:is> {cell} .", format=ox.RdfFormat.TURTLE)
    return quad.object


def _plain_term(cell: str) -> Any:
    """A cell of CSV, which does not tell kinds of terms: a number by its value."""
    if cell.startswith("_:"):
        return ox.BlankNode(cell[2:])
    with suppress(ValueError):
        cell = repr(float(cell))
    return ox.Literal(cell)


def _term(kind: str, value: str, lang: str | None, datatype: str | None) -> Any:
    if kind == "uri":
        return ox.NamedNode(value)
    if kind == "bnode":
        return ox.BlankNode("b" + re.sub(r"\W", "", value))
    if lang:
        return ox.Literal(value, language=lang)
    return ox.Literal(value, datatype=ox.NamedNode(datatype) if datatype else None)


_READERS: Final = {".srx": _from_xml, ".srj": _from_json, ".tsv": _from_tsv}
