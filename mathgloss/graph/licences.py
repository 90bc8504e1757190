"""Under which licence each row of a dump stands: that of the source whose words it holds."""

from __future__ import annotations

from typing import Final, TypeAlias

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.graph.snapshot import Manifest, Snapshot
from mathgloss.io.sssom import LICENCE

NameKey: TypeAlias = tuple[str, str, str]

_SOURCE: Final = ids.BASE + "source/"
_OWN: Final = {"name": "CC0-1.0", "url": LICENCE, "redistributable": True}

# each name that a source gives to a term, with the concept that the term is or is mapped to
_NAMES: Final = f"""
PREFIX mg: <{vocab.NAMESPACES["mg"]}>
PREFIX rdfs: <{vocab.NAMESPACES["rdfs"]}>
PREFIX skos: <{vocab.NAMESPACES["skos"]}>
SELECT ?concept ?name ?source WHERE {{
  GRAPH ?said {{ ?term mg:source ?source ; rdfs:label|skos:altLabel ?name }}
  {{ GRAPH <{vocab.GRAPH}concepts> {{ ?term a skos:Concept }} BIND(?term AS ?concept) }}
  UNION
  {{ VALUES ?set {{ <{vocab.GRAPH}mappings/curated> <{vocab.GRAPH}mappings/predicted> }}
    GRAPH ?set {{ ?term skos:exactMatch ?concept }} }}
}}"""


def licence_name(manifest: Manifest, source: str) -> str:
    """The name of a source's licence; what MathGloss itself says is CC0."""
    return str(_licence(manifest, source)["name"])


def licence_url(manifest: Manifest, source: str) -> str:
    """The address of a source's licence; empty where it states none."""
    return str(_licence(manifest, source)["url"] or "")


def name_sources(snapshot: Snapshot) -> dict[NameKey, str]:
    """The source of each name: by concept, text and language.

    Of several sources that give the same name, the one with the freest licence. A name that no
    source spells so (its qualifier was cut off) stands under the concept's own key, with an empty
    text and language.
    """
    manifest = snapshot.manifest
    found: dict[NameKey, str] = {}
    solutions = snapshot.store.query(_NAMES)
    assert isinstance(solutions, ox.QuerySolutions)
    for row in solutions:
        concept, name = ids.curie(row["concept"].value), row["name"]
        source = row["source"].value.removeprefix(_SOURCE)
        for key in ((concept, name.value, name.language or "mul"), (concept, "", "")):
            known = found.get(key)
            if known is None or _rank(manifest, source) < _rank(manifest, known):
                found[key] = source
    return found


def _rank(manifest: Manifest, source: str) -> tuple[bool, bool, str]:
    licence = _licence(manifest, source)
    return not licence["redistributable"], licence["name"] != _OWN["name"], source


def _licence(manifest: Manifest, source: str) -> dict[str, object]:
    entry = manifest.sources.get(source)
    return entry["licence"] if entry is not None else _OWN
