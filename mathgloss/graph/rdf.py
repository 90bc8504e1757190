"""Records as RDF: one function for each kind of named graph, each yielding triples.

The vocabulary is SKOS, DCTERMS, schema.org, PROV-O, SSSOM and a small one of our own, documented in
``ontology.ttl``.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox

from mathgloss import vocab
from mathgloss.ids import BASE, iri
from mathgloss.model import (
    Concept,
    LabelKind,
    Mapping,
    MappingSet,
    Mention,
    Paper,
    ParsedSource,
    RawFile,
    Relation,
    SourceInfo,
    Term,
    TermKind,
)

POSITION_SEPARATOR: Final = " > "


def name(curie: str) -> ox.NamedNode:
    """The node of an identifier such as ``wd:Q181296``."""
    return ox.NamedNode(iri(curie))


def word(term: str) -> ox.NamedNode:
    """The node of a vocabulary term such as ``skos:broader``."""
    return _WORDS.setdefault(term, ox.NamedNode(vocab.expand(term)))


_WORDS: dict[str, ox.NamedNode] = {}
TYPE: Final = ox.NamedNode(vocab.expand("rdf:type"))


def literal(text: str, lang: str | None = None) -> ox.Literal:
    """A plain or language-tagged literal; Wikidata's ``mul`` stays a tag."""
    return ox.Literal(text, language=lang) if lang else ox.Literal(text)


def decimal(value: float) -> ox.Literal:
    """A probability as ``xsd:decimal`` with four places."""
    return ox.Literal(f"{value:.4f}", datatype=word("xsd:decimal"))


def integer(value: int) -> ox.Literal:
    """An ``xsd:integer``."""
    return ox.Literal(value)


def source_node(source: str) -> ox.NamedNode:
    """The node of a source."""
    return ox.NamedNode(f"{BASE}source/{source}")


def graph_node(graph: str) -> ox.NamedNode:
    """The node of a named graph, for example ``source/nlab`` or ``mappings/curated``."""
    return ox.NamedNode(vocab.GRAPH + graph)


# --------------------------------------------------------------------------------------- concepts


def concept_triples(concepts: Iterable[Concept]) -> Iterator[ox.Triple]:
    """Concepts with one preferred name in each language, the others as alternatives."""
    scheme = ox.NamedNode(BASE + "concepts")
    yield ox.Triple(scheme, TYPE, word("skos:ConceptScheme"))
    yield ox.Triple(scheme, word("dcterms:title"), literal("MathGloss concepts", "en"))
    for concept in concepts:
        node = name(concept.id)
        yield ox.Triple(node, TYPE, word("skos:Concept"))
        yield ox.Triple(node, word("skos:inScheme"), scheme)
        yield ox.Triple(node, word("dcterms:identifier"), literal(concept.id))
        for lang, names in concept.labels.items():
            for place, text in enumerate(names):
                role = word("skos:prefLabel" if place == 0 else "skos:altLabel")
                yield ox.Triple(node, role, literal(text, lang))


def relation_triples(
    relations: Iterable[Relation], concept_of: MappingOf[str, str]
) -> Iterator[ox.Triple]:
    """Relations between terms, carried over to the concepts that they name.

    One whose end names no concept, or the same as the other end, is left out.
    """
    for relation in relations:
        subject = concept_of.get(relation.subject)
        target = concept_of.get(relation.object)
        if subject is not None and target is not None and subject != target:
            yield ox.Triple(name(subject), word(relation.predicate), name(target))


# ---------------------------------------------------------------------------------------- sources


def source_triples(source: ParsedSource) -> Iterator[ox.Triple]:
    """What one source says about its own terms; entries that are no concepts are left out."""
    owner = source_node(source.info.name)
    for term in source.terms:
        if term.kind is TermKind.CONCEPT:
            yield from _term_triples(term, owner, served=source.info.licence.redistributable)


def _term_triples(term: Term, owner: ox.NamedNode, *, served: bool) -> Iterator[ox.Triple]:
    node = name(term.id)
    yield ox.Triple(node, TYPE, word("mg:Term"))
    yield ox.Triple(node, word("mg:source"), owner)
    yield from _label_triples(term, node)
    if term.url:
        yield ox.Triple(node, word("foaf:page"), ox.NamedNode(term.url))
    if term.definition is not None:
        # a text whose licence does not allow it is linked, never served
        if served:
            text = literal(term.definition.text, term.definition.lang)
            yield ox.Triple(node, word("skos:definition"), text)
        elif term.url:
            yield ox.Triple(node, word("mg:definedAt"), ox.NamedNode(term.url))
    yield from _formal_triples(term, node)
    if term.position:
        position = literal(POSITION_SEPARATOR.join(term.position))
        yield ox.Triple(node, word("mg:syllabusPosition"), position)
    for code in term.types:
        if code.startswith("msc:"):
            yield ox.Triple(node, word("mg:msc"), literal(code.removeprefix("msc:")))


def _formal_triples(term: Term, node: ox.NamedNode) -> Iterator[ox.Triple]:
    for link in term.formal:
        if link.declaration is not None:
            yield ox.Triple(node, word("mg:formalisedAs"), name(f"lean:{link.declaration}"))
        elif link.url:
            yield ox.Triple(node, word("mg:formalisedAt"), literal(link.url))


def _label_triples(term: Term, node: ox.NamedNode) -> Iterator[ox.Triple]:
    for label in term.labels:
        role = "rdfs:label" if label.kind is LabelKind.PREFERRED else "skos:altLabel"
        yield ox.Triple(node, word(role), literal(label.text, label.lang))
        if label.gender:
            gender = literal(label.gender, label.lang)
            yield ox.Triple(node, word("mg:grammaticalGender"), gender)


def definition_triples(pairs: Iterable[tuple[str, str]]) -> Iterator[ox.Triple]:
    """Concepts and the concepts that a definition of theirs names."""
    for concept, other in pairs:
        yield ox.Triple(name(concept), word(vocab.DEFINED_WITH), name(other))


# --------------------------------------------------------------------------------------- mappings


def mapping_triples(mappings: Iterable[Mapping]) -> Iterator[ox.Triple]:
    """Mappings in SSSOM's RDF form, with evidence; accepted ones also as a direct match."""
    for mapping in mappings:
        subject, target = name(mapping.subject), name(mapping.object)
        predicate = word(mapping.predicate)
        node = ox.NamedNode(f"{BASE}mapping/{mapping.id}")
        yield ox.Triple(node, TYPE, word("owl:Axiom"))
        yield ox.Triple(node, word("owl:annotatedSource"), subject)
        yield ox.Triple(node, word("owl:annotatedProperty"), predicate)
        yield ox.Triple(node, word("owl:annotatedTarget"), target)
        yield ox.Triple(node, word("sssom:subject_label"), literal(mapping.subject_label))
        yield ox.Triple(node, word("mg:subjectSource"), literal(mapping.subject_source))
        yield ox.Triple(node, word("mg:mappingSet"), literal(mapping.set))
        yield ox.Triple(node, word("sssom:confidence"), decimal(mapping.confidence))
        if mapping.set is MappingSet.REJECTED:
            yield ox.Triple(node, word("sssom:predicate_modifier"), literal("Not"))
        for place, evidence in enumerate(mapping.evidence):
            why = ox.NamedNode(f"{node.value}/evidence/{place}")
            yield ox.Triple(node, word("mg:evidence"), why)
            yield ox.Triple(why, word("mg:source"), source_node(evidence.source))
            yield ox.Triple(why, word("sssom:mapping_justification"), word(evidence.justification))
            yield ox.Triple(why, word("rdfs:comment"), literal(evidence.detail))
        if mapping.set in {MappingSet.CURATED, MappingSet.PREDICTED}:
            yield ox.Triple(subject, predicate, target)


# ----------------------------------------------------------------------------------------- papers


def paper_triples(
    papers: Iterable[Paper], mentions: MappingOf[str, Iterable[Mention]]
) -> Iterator[ox.Triple]:
    """Papers, what they are about, and each mention with its place in the text."""
    for paper in papers:
        node = name(paper.id)
        found = list(mentions.get(paper.id, ()))
        yield ox.Triple(node, TYPE, word("schema:ScholarlyArticle"))
        yield ox.Triple(node, word("dcterms:identifier"), literal(paper.id))
        yield ox.Triple(node, word("dcterms:title"), literal(paper.title))
        for author in paper.authors:
            yield ox.Triple(node, word("dcterms:creator"), literal(author))
        for keyword in paper.keywords:
            yield ox.Triple(node, word("schema:keywords"), literal(keyword))
        for category in paper.categories:
            yield ox.Triple(node, word("mg:arxivCategory"), literal(category))
        for property_name, value in (
            ("schema:url", paper.url),
            ("schema:isPartOf", paper.venue),
            ("dcterms:issued", paper.published),
        ):
            if value:
                yield ox.Triple(node, word(property_name), literal(value))
        if paper.abstract and paper.licence:
            yield ox.Triple(node, word("dcterms:abstract"), literal(paper.abstract))
            yield ox.Triple(node, word("dcterms:license"), literal(paper.licence))
        # what looks like a concept but names none that is known is not part of the graph
        linked = [(mention, mention.concept) for mention in found if mention.concept is not None]
        for concept in sorted({concept for _, concept in linked}):
            yield ox.Triple(node, word("dcterms:subject"), name(concept))
        for place, (mention, concept) in enumerate(linked):
            yield from _mention_triples(paper, node, mention, concept, place)


def summary_triples(papers: Iterable[Paper]) -> Iterator[ox.Triple]:
    """What papers are about, in our own words; also of those whose record is another source's."""
    for paper in papers:
        if paper.summary:
            said = literal(paper.summary, "en")
            yield ox.Triple(name(paper.id), word("dcterms:description"), said)


def _mention_triples(
    paper: Paper, paper_node: ox.NamedNode, mention: Mention, concept: str, place: int
) -> Iterator[ox.Triple]:
    node = ox.NamedNode(f"{BASE}mention/{quote(paper.id, safe=':/')}/{place}")
    yield ox.Triple(node, TYPE, word("mg:Mention"))
    yield ox.Triple(node, word("mg:paper"), paper_node)
    yield ox.Triple(node, word("mg:concept"), name(concept))
    yield ox.Triple(node, word("mg:field"), literal(mention.field))
    yield ox.Triple(node, word("mg:start"), integer(mention.start))
    yield ox.Triple(node, word("mg:end"), integer(mention.end))
    yield ox.Triple(node, word("mg:surface"), literal(mention.surface))
    yield ox.Triple(node, word("mg:confidence"), decimal(mention.confidence))


# ------------------------------------------------------------------------------------- provenance


def provenance_triples(
    info: SourceInfo, files: Iterable[RawFile], graph: str
) -> Iterator[ox.Triple]:
    """Who says what a named graph holds: homepage, licence, files with hash and retrieval time."""
    owner = source_node(info.name)
    node = graph_node(graph)
    yield ox.Triple(owner, TYPE, word("dcat:Dataset"))
    yield ox.Triple(owner, word("dcterms:identifier"), literal(info.name))
    yield ox.Triple(owner, word("dcterms:title"), literal(info.title))
    yield ox.Triple(owner, word("foaf:homepage"), ox.NamedNode(info.homepage))
    yield ox.Triple(owner, word("dcterms:license"), literal(info.licence.name))
    yield ox.Triple(node, TYPE, word("void:Dataset"))
    yield ox.Triple(node, word("dcterms:source"), owner)
    yield ox.Triple(node, word("dcterms:license"), literal(info.licence.name))
    for file in files:
        made_from = ox.NamedNode(f"{BASE}file/{file.sha256}")
        yield ox.Triple(node, word("prov:wasDerivedFrom"), made_from)
        yield ox.Triple(made_from, word("dcterms:source"), literal(file.url))
        yield ox.Triple(made_from, word("schema:sha256"), literal(file.sha256))
        yield ox.Triple(
            made_from,
            word("prov:generatedAtTime"),
            ox.Literal(file.retrieved, datatype=word("xsd:dateTime")),
        )


def write_chunks(path: Path, chunks: Iterable[Iterable[ox.Triple]]) -> None:
    """Gzipped N-Triples; equal triples in equal order give equal bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 3, raw, mtime=0) as stream:
        for chunk in chunks:
            stream.write(ox.serialize(chunk, format=ox.RdfFormat.N_TRIPLES) or b"")
