"""RDF namespaces and the predicates that MathGloss uses, as CURIE-like constants.

The terms of MathGloss's own vocabulary are documented in ``graph/ontology.ttl``.
"""

from __future__ import annotations

from mathgloss.ids import BASE

NAMESPACES: dict[str, str] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "mg": BASE + "vocab#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "https://schema.org/",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "semapv": "https://w3id.org/semapv/vocab/",
    "sh": "http://www.w3.org/ns/shacl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "sssom": "https://w3id.org/sssom/",
    "void": "http://rdfs.org/ns/void#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

GRAPH = BASE + "graph/"

# relations between concepts
BROADER = "skos:broader"
INSTANCE_OF = "mg:instanceOf"
PART_OF = "mg:partOf"
HAS_PART = "mg:hasPart"
FACET_OF = "mg:facetOf"
OPPOSITE_OF = "mg:oppositeOf"
DIFFERENT_FROM = "mg:differentFrom"
STUDIED_BY = "mg:studiedBy"
STUDIES = "mg:studies"
HAS_CHARACTERISTIC = "mg:hasCharacteristic"
LINKS_TO = "mg:linksTo"
INCLUDES = "mg:includes"
DEFINED_WITH = "mg:definedWith"

# mappings of a source's term to a concept
EXACT_MATCH = "skos:exactMatch"
CLOSE_MATCH = "skos:closeMatch"
BROAD_MATCH = "skos:broadMatch"

# how a mapping came about (SEMAPV)
MANUAL = "semapv:ManualMappingCuration"
LEXICAL = "semapv:LexicalMatching"
COMPOSITE = "semapv:CompositeMatching"


def expand(name: str) -> str:
    """The IRI of a vocabulary term written ``prefix:local``."""
    prefix, _, local = name.partition(":")
    return NAMESPACES[prefix] + local
