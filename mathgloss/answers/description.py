"""What the service and its data are, for machines: SPARQL Service Description and VoID.

https://www.w3.org/TR/sparql11-service-description/ and https://www.w3.org/TR/void/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.answers.paging import Answer
from mathgloss.graph.rdf import TYPE, graph_node, integer, literal, source_node, word
from mathgloss.graph.snapshot import Manifest, Snapshot
from mathgloss.graph.stored_examples import Example, example_queries
from mathgloss.graph.usage import Usage, UsedTerm
from mathgloss.io.sssom import LICENCE as MAPPINGS_LICENCE

DATASET: Final = ids.BASE + "dataset"
# where a dump of all graphs lies below the service's address
NQUADS_DUMP: Final = "dumps/mathgloss.nq.gz"
_FORMATS: Final = "http://www.w3.org/ns/formats/"
_RESULT_FORMATS: Final = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "N-Triples",
    "RDF_XML",
    "JSON-LD",
)
_EXAMPLE_CONCEPTS: Final = ("wd:Q83478", "wd:Q181296", "wd:Q161172")


def describe(snapshot: Snapshot, usage: Usage, base_url: str) -> list[ox.Triple]:
    """The triples that describe the endpoint, the dataset, its graphs and example queries.

    Args:
        snapshot: what is served.
        usage: the classes and properties of that snapshot.
        base_url: address of the service, ending in a slash.

    Returns:
        Triples without any order of meaning; blank nodes have the same names every time.
    """
    manifest = snapshot.manifest
    endpoint = ox.NamedNode(base_url + "sparql")
    return [
        *_service(endpoint, manifest),
        *_dataset(manifest, usage, base_url, endpoint),
        *_partitions(usage),
        *_graphs(manifest),
        *(triple for item in example_queries() for triple in _example(item, endpoint)),
    ]


def vocabulary(usage: Usage, snapshot_id: str) -> Answer:
    """Prefixes, classes and properties with their counts: what an editor completes from."""
    return {
        "prefixes": vocab.NAMESPACES | {"wd": ids.PREFIXES["wd"].namespace, "mgg": vocab.GRAPH},
        "classes": [_term(term) for term in usage.classes],
        "properties": [_term(term) for term in usage.properties],
        "snapshot": snapshot_id,
    }


def _term(term: UsedTerm) -> Answer:
    return {"iri": term.iri, "label": term.label, "count": term.count}


# ---------------------------------------------------------------------------------- the endpoint


def _service(endpoint: ox.NamedNode, manifest: Manifest) -> Iterator[ox.Triple]:
    service, default = ox.BlankNode("service"), ox.BlankNode("defaultGraph")
    dataset = ox.BlankNode("defaultDataset")
    yield ox.Triple(service, TYPE, word("sd:Service"))
    yield ox.Triple(service, word("sd:endpoint"), endpoint)
    yield ox.Triple(service, word("sd:supportedLanguage"), word("sd:SPARQL11Query"))
    yield ox.Triple(service, word("sd:feature"), word("sd:UnionDefaultGraph"))
    for name in _RESULT_FORMATS:
        yield ox.Triple(service, word("sd:resultFormat"), ox.NamedNode(_FORMATS + name))
    yield ox.Triple(service, word("sd:defaultDataset"), dataset)
    yield ox.Triple(dataset, TYPE, word("sd:Dataset"))
    yield ox.Triple(dataset, word("sd:defaultGraph"), default)
    yield ox.Triple(default, TYPE, word("sd:Graph"))
    yield ox.Triple(default, word("void:triples"), integer(_triples(manifest)))
    for name in sorted(manifest.counts["triples"]):
        named = ox.BlankNode("graph-" + name.replace("/", "-"))
        yield ox.Triple(dataset, word("sd:namedGraph"), named)
        yield ox.Triple(named, TYPE, word("sd:NamedGraph"))
        yield ox.Triple(named, word("sd:name"), graph_node(name))
        yield ox.Triple(named, word("sd:graph"), graph_node(name))


def _triples(manifest: Manifest) -> int:
    return sum(manifest.counts["triples"].values())


# ----------------------------------------------------------------------------------- the dataset


def _dataset(
    manifest: Manifest, usage: Usage, base_url: str, endpoint: ox.NamedNode
) -> Iterator[ox.Triple]:
    node = ox.NamedNode(DATASET)
    document = ox.NamedNode(base_url + "void")
    yield ox.Triple(document, TYPE, word("void:DatasetDescription"))
    yield ox.Triple(document, word("foaf:primaryTopic"), node)
    yield ox.Triple(node, TYPE, word("void:Dataset"))
    yield ox.Triple(node, word("dcterms:title"), literal("MathGloss", "en"))
    yield ox.Triple(
        node,
        word("dcterms:description"),
        literal("Mathematical concepts, aligned across sources, and papers on them", "en"),
    )
    yield ox.Triple(node, word("dcterms:identifier"), literal(manifest.id))
    yield ox.Triple(
        node,
        word("dcterms:issued"),
        ox.Literal(manifest.created, datatype=word("xsd:dateTime")),
    )
    yield ox.Triple(node, word("foaf:homepage"), ox.NamedNode(base_url))
    yield ox.Triple(node, word("void:sparqlEndpoint"), endpoint)
    yield ox.Triple(node, word("void:dataDump"), ox.NamedNode(base_url + NQUADS_DUMP))
    yield ox.Triple(node, word("void:rootResource"), ox.NamedNode(ids.BASE + "concepts"))
    for space in (ids.BASE, ids.PREFIXES["wd"].namespace):
        yield ox.Triple(node, word("void:uriSpace"), literal(space))
    for concept in _EXAMPLE_CONCEPTS:
        yield ox.Triple(node, word("void:exampleResource"), ox.NamedNode(ids.iri(concept)))
    for address in usage.vocabularies:
        yield ox.Triple(node, word("void:vocabulary"), ox.NamedNode(address))
    yield from _sizes(node, manifest, usage)
    for licence in _licences(manifest, "concepts"):
        yield ox.Triple(node, word("dcterms:license"), licence)


def _sizes(node: ox.NamedNode, manifest: Manifest, usage: Usage) -> Iterator[ox.Triple]:
    counts = manifest.counts
    for name, value in (
        ("triples", _triples(manifest)),
        # what has a page and a document of its own
        ("entities", counts["concepts"] + counts["papers"]),
        ("distinctSubjects", usage.subjects),
        ("classes", len(usage.classes)),
        ("properties", len(usage.properties)),
    ):
        yield ox.Triple(node, word(f"void:{name}"), integer(value))


def _partitions(usage: Usage) -> Iterator[ox.Triple]:
    node = ox.NamedNode(DATASET)
    kinds: Iterable[tuple[str, str, tuple[UsedTerm, ...]]] = (
        ("class", "entities", usage.classes),
        ("property", "triples", usage.properties),
    )
    for kind, counted, terms in kinds:
        for place, term in enumerate(terms):
            part = ox.BlankNode(f"{kind}{place}")
            yield ox.Triple(node, word(f"void:{kind}Partition"), part)
            yield ox.Triple(part, word(f"void:{kind}"), ox.NamedNode(term.iri))
            yield ox.Triple(part, word(f"void:{counted}"), integer(term.count))


# ------------------------------------------------------------------------------------ its graphs


def _graphs(manifest: Manifest) -> Iterator[ox.Triple]:
    for name, triples in sorted(manifest.counts["triples"].items()):
        node = graph_node(name)
        yield ox.Triple(ox.NamedNode(DATASET), word("void:subset"), node)
        yield ox.Triple(node, TYPE, word("void:Dataset"))
        yield ox.Triple(node, word("dcterms:title"), literal(name))
        yield ox.Triple(node, word("void:triples"), integer(triples))
        for source in graph_sources(manifest, name):
            entry = manifest.sources[source]
            yield ox.Triple(node, word("dcterms:source"), source_node(source))
            yield ox.Triple(source_node(source), word("dcterms:title"), literal(entry["title"]))
        for licence in _licences(manifest, name):
            yield ox.Triple(node, word("dcterms:license"), licence)


def graph_sources(manifest: Manifest, graph: str) -> list[str]:
    """Names of the sources that a named graph holds the words of."""
    kind, _, name = graph.partition("/")
    if kind in {"source", "papers"}:
        return [name]
    return sorted(manifest.sources) if kind == "concepts" else []


def _licences(manifest: Manifest, graph: str) -> list[ox.NamedNode | ox.Literal]:
    """The licences of a graph's sources; mappings and the description itself are our own."""
    sources = graph_sources(manifest, graph)
    if not sources:
        return [ox.NamedNode(MAPPINGS_LICENCE)]
    entries = [manifest.sources[source]["licence"] for source in sources]
    addresses = sorted({entry["url"] for entry in entries if entry["url"]})
    names = sorted({entry["name"] for entry in entries if not entry["url"]})
    return [*map(ox.NamedNode, addresses), *map(literal, names)]


# ---------------------------------------------------------------------------------- the examples


def _example(item: Example, endpoint: ox.NamedNode) -> Iterator[ox.Triple]:
    """An example query as SHACL's executables, by the convention of ``sparql-examples``."""
    node = ox.NamedNode(f"{ids.BASE}query/{item.name}")
    yield ox.Triple(node, TYPE, word("sh:SPARQLExecutable"))
    yield ox.Triple(node, TYPE, word("sh:SPARQLSelectExecutable"))
    yield ox.Triple(node, word("rdfs:label"), literal(item.title, "en"))
    yield ox.Triple(node, word("rdfs:comment"), literal(item.about, "en"))
    yield ox.Triple(node, word("sh:select"), literal(item.query))
    yield ox.Triple(node, word("schema:keywords"), literal(item.theme))
    yield ox.Triple(node, word("schema:target"), endpoint)
