"""What is asked of Wikidata: plain SPARQL 1.1 that every engine answers, and its IRIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ingest import wikidata_scope as scope
from mathgloss import vocab

ENTITY: Final = "http://www.wikidata.org/entity/"
DIRECT: Final = "http://www.wikidata.org/prop/direct/"
LABEL: Final = vocab.expand("rdfs:label")
ALIAS: Final = vocab.expand("skos:altLabel")
DESCRIPTION: Final = "http://schema.org/description"
ABOUT: Final = "http://schema.org/about"
IS_PART_OF: Final = "http://schema.org/isPartOf"
NAME: Final = "http://schema.org/name"
ENGLISH_WIKIPEDIA: Final = "https://en.wikipedia.org/"

_PREFIXES: Final = f"""PREFIX wd: <{ENTITY}>
PREFIX wdt: <{DIRECT}>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX schema: <http://schema.org/>
"""


def scope_patterns(*, everything: bool) -> list[str]:
    """Graph patterns for ``?item``: one for each class and identifier, or all labelled items."""
    if everything:
        return ["?item rdfs:label ?label ."]
    by_class = [
        f"{{ ?item wdt:P31/wdt:P279* wd:{qid} }} UNION {{ ?item wdt:P279+ wd:{qid} }}"
        for qid in scope.CLASSES
    ]
    properties = [*scope.IDENTIFIERS, scope.MATHLIB_DECLARATION, scope.MSC]
    return by_class + [f"?item wdt:{name} ?identifier ." for name in properties]


def items_query(pattern: str, *, after: str, limit: int) -> str:
    """The next page of items that fit the pattern, in the order of their IRIs, past ``after``."""
    return (
        f"{_PREFIXES}SELECT DISTINCT ?item WHERE {{ {pattern}\n"
        f'  FILTER(STRSTARTS(STR(?item), "{ENTITY}Q") && STR(?item) > "{after}")\n'
        f"}} ORDER BY STR(?item) LIMIT {limit}"
    )


def statements_query(items: Sequence[str]) -> str:
    """Labels, aliases, descriptions (in the languages read) and statements of the items."""
    values = " ".join(f"wd:{qid}" for qid in items)
    names = [*scope.RELATIONS, *scope.IDENTIFIERS, scope.MATHLIB_DECLARATION, scope.MSC]
    predicates = ", ".join(f"wdt:{name}" for name in names)
    languages = ", ".join(f'"{lang}"' for lang in scope.LANGUAGES)
    return (
        f"{_PREFIXES}SELECT ?item ?predicate ?value WHERE {{\n"
        f"  VALUES ?item {{ {values} }}\n"
        f"  ?item ?predicate ?value .\n"
        # a second VALUES here makes some engines join the two lists first: 100 times slower
        f"  FILTER(?predicate IN (rdfs:label, skos:altLabel, schema:description, {predicates}))\n"
        f'  FILTER(LANG(?value) = "" || LANG(?value) IN ({languages}) || isIRI(?value))\n'
        f"}}"
    )


def articles_query(items: Sequence[str]) -> str:
    """The English Wikipedia article of each item that has one, with its title if stated."""
    values = " ".join(f"wd:{qid}" for qid in items)
    return (
        f"{_PREFIXES}SELECT ?item ?article ?title WHERE {{\n"
        f"  VALUES ?item {{ {values} }}\n"
        f"  ?article schema:about ?item ; schema:isPartOf <{ENGLISH_WIKIPEDIA}> .\n"
        f"  OPTIONAL {{ ?article schema:name ?title }}\n"
        f"}}"
    )
