"""The card of a concept: all that a snapshot knows of it, as one answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.answers.languages import Chain, Shown, choose, reference, shown_names
from mathgloss.answers.paging import Answer
from mathgloss.graph.index import LabelIndex
from mathgloss.graph.rdf import POSITION_SEPARATOR
from mathgloss.graph.reader import Reader, short_name
from mathgloss.model import mapping_id

# a card holds at most so many of each relation, and papers; "counts" says how many there are
LISTED: Final = 100
LISTED_PAPERS: Final = 20

_SOURCE: Final = ids.BASE + "source/"

# name of a relation as an answer calls it: (predicate, direction) -> name
RELATION_NAMES: Final = {
    (vocab.BROADER, "out"): "broader",
    (vocab.BROADER, "in"): "narrower",
    (vocab.INSTANCE_OF, "out"): "instance_of",
    (vocab.INSTANCE_OF, "in"): "instances",
    (vocab.PART_OF, "out"): "part_of",
    (vocab.PART_OF, "in"): "has_part",
    (vocab.HAS_PART, "out"): "has_part",
    (vocab.HAS_PART, "in"): "part_of",
    (vocab.FACET_OF, "out"): "facet_of",
    (vocab.FACET_OF, "in"): "facets",
    (vocab.OPPOSITE_OF, "out"): "opposite_of",
    (vocab.OPPOSITE_OF, "in"): "opposite_of",
    (vocab.DIFFERENT_FROM, "out"): "different_from",
    (vocab.DIFFERENT_FROM, "in"): "different_from",
    (vocab.STUDIED_BY, "out"): "studied_by",
    (vocab.STUDIED_BY, "in"): "studies",
    (vocab.STUDIES, "out"): "studies",
    (vocab.STUDIES, "in"): "studied_by",
    (vocab.HAS_CHARACTERISTIC, "out"): "has_characteristic",
    (vocab.HAS_CHARACTERISTIC, "in"): "characteristic_of",
    (vocab.DEFINED_WITH, "out"): "defined_with",
    (vocab.DEFINED_WITH, "in"): "used_to_define",
}


def concept_card(
    reader: Reader, index: LabelIndex, concept: str, papers: Sequence[Answer], chain: Chain
) -> Answer:
    """All that is known of the concept with this identifier, its names in the chain's languages.

    ``papers`` are those that mention it, see :func:`.papers.papers_of`.
    """
    labels = _labels(reader, concept)
    shown = choose(labels, chain) or Shown(concept, "und")
    related = _related(reader, index, concept, chain)
    return {
        "id": concept,
        "iri": ids.iri(concept),
        "url": ids.page_url(concept),
        "label": shown.label,
        "label_lang": shown.lang,
        "labels": labels,
        **_said(reader, concept),
        "links": _links(reader, concept),
        "broader": related.get("broader", [])[:LISTED],
        "narrower": related.get("narrower", [])[:LISTED],
        "relations": {
            name: others[:LISTED]
            for name, others in related.items()
            if name not in {"broader", "narrower"}
        },
        "papers": [_without_places(paper) for paper in papers[:LISTED_PAPERS]],
        "counts": {"papers": len(papers)} | {name: len(related[name]) for name in related},
        "snapshot": reader.snapshot.id,
    }


def _labels(reader: Reader, concept: str) -> dict[str, list[str]]:
    preferred: dict[str, list[str]] = defaultdict(list)
    alternative: dict[str, list[str]] = defaultdict(list)
    for row in reader.rows("concept_names", concept=concept):
        role = preferred if row["role"].value.endswith("prefLabel") else alternative
        role[row["name"].language or "mul"].append(row["name"].value)
    return {
        lang: preferred[lang] + sorted(alternative[lang])
        for lang in sorted(preferred.keys() | alternative.keys())
    }


def _said(reader: Reader, concept: str) -> Answer:
    """Definitions, Lean declarations and syllabus positions, each with who says it."""
    by_term: dict[tuple[str, str], dict[str, list[ox.Literal]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in reader.rows("concept_terms", concept=concept):
        term = ids.curie(row["term"].value) if row["term"] else concept
        key = (term, row["source"].value.removeprefix(_SOURCE))
        by_term[key][short_name(row["property"].value)].append(row["value"])
    definitions: list[Answer] = []
    lean: dict[str, Answer] = {}
    syllabus: dict[str, Answer] = {}
    msc: set[str] = set()
    for (term, source), said in sorted(by_term.items()):
        pages = said.get("foaf:page", ())
        page = pages[0].value if pages else ids.page_url(term)
        definitions += _definitions(reader, source, page, said)
        for value in said.get("mg:formalisedAs", ()):
            declaration = ids.curie(value.value)
            lean.setdefault(declaration, _lean(declaration, term, source))
        for value in said.get("mg:syllabusPosition", ()):
            syllabus.setdefault(term, _position(term, value.value, said))
        msc.update(value.value for value in said.get("mg:msc", ()))
    return {
        "definitions": definitions,
        "lean": [lean[name] for name in sorted(lean)],
        "syllabus": [syllabus[name] for name in sorted(syllabus)],
        "msc": sorted(msc),
    }


def _definitions(
    reader: Reader, source: str, page: str, said: dict[str, list[ox.Literal]]
) -> Iterable[Answer]:
    licence = reader.snapshot.manifest.sources[source]["licence"]["name"]
    for value in said.get("skos:definition", ()):
        yield _definition(source, value.value, value.language, licence, page)
    for value in said.get("mg:definedAt", ()):
        yield _definition(source, None, None, licence, value.value)


def _links(reader: Reader, concept: str) -> list[Answer]:
    links: dict[str, Answer] = {}
    for row in reader.rows("concept_links", concept=concept):
        if row["set"].value not in {"curated", "predicted"}:
            continue
        term = ids.curie(row["term"].value)
        link = links.setdefault(
            term,
            {
                "source": row["source"].value,
                "id": term,
                "label": row["label"].value,
                "url": ids.page_url(term),
                "predicate": short_name(row["predicate"].value),
                "mapping": mapping_id(term, short_name(row["predicate"].value), concept),
                "set": row["set"].value,
                "confidence": float(row["confidence"].value),
                "evidence": [],
            },
        )
        link["evidence"].append({
            "source": row["evidence_source"].value.removeprefix(_SOURCE),
            "justification": short_name(row["justification"].value),
            "detail": row["detail"].value,
        })
    for link in links.values():
        link["evidence"].sort(key=lambda item: (item["source"], item["detail"]))
    return [links[term] for term in sorted(links)]


def _related(
    reader: Reader, index: LabelIndex, concept: str, chain: Chain
) -> dict[str, list[Answer]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in reader.rows("concept_relations", concept=concept):
        name = RELATION_NAMES[short_name(row["relation"].value), row["direction"].value]
        found[name].add(ids.curie(row["other"].value))
    names = shown_names(index, set().union(*found.values()), chain)
    return {
        name: sorted(
            (reference(other, names[other]) for other in others),
            key=lambda item: (item["label"].casefold(), item["id"]),
        )
        for name, others in sorted(found.items())
    }


def _without_places(paper: Answer) -> Answer:
    return {name: value for name, value in paper.items() if name != "places"}


def _definition(source: str, text: str | None, lang: str | None, licence: str, url: str) -> Answer:
    return {"source": source, "text": text, "lang": lang, "licence": licence, "url": url}


def _lean(declaration: str, term: str, source: str) -> Answer:
    return {
        "declaration": declaration.removeprefix("lean:"),
        "url": ids.page_url(declaration) + "#doc",
        "source": source,
        "term": term,
    }


def _position(term: str, position: str, said: dict[str, list[ox.Literal]]) -> Answer:
    pages = [value.value for value in said.get("mg:formalisedAt", ())]
    return {
        "id": term,
        "position": position.split(POSITION_SEPARATOR),
        "formalised": bool(said.get("mg:formalisedAs")),
        "page": pages[0] if pages else None,
    }
