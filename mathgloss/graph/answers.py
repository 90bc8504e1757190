"""The answers that every interface gives: one function for each, over one opened snapshot.

REST, the pages, the command line and agents call these and nothing else, so they cannot disagree.
Every answer carries the snapshot's identifier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.errors import InputError, NotFoundError, QueryError
from mathgloss.graph.index import INDEX, LabelIndex
from mathgloss.graph.rdf import POSITION_SEPARATOR
from mathgloss.graph.snapshot import Snapshot

Answer: TypeAlias = dict[str, Any]

MAX_LIMIT: Final = 100
_SOURCE: Final = ids.BASE + "source/"
_SHORT: Final = {address: prefix for prefix, address in vocab.NAMESPACES.items()}


@lru_cache(maxsize=64)
def stored_query(name: str) -> str:
    """The text of a stored query, ``queries/<name>.rq``."""
    return (files("mathgloss.graph") / "queries" / f"{name}.rq").read_text(encoding="utf-8")


class Answers:
    """Answers from one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.index = LabelIndex(snapshot.path / INDEX)

    # ----------------------------------------------------------------------------------- lookup

    def resolve(self, identifier: str) -> str:
        """The concept named by a CURIE, IRI, bare QID, term, Lean declaration or label.

        A label that several concepts carry gives the best known of them.

        Raises:
            NotFoundError: nothing of that name; names that come near are listed.
        """
        text = identifier.strip()
        try:
            curie = ids.canonical(text)
        except InputError:
            curie = ""
        if curie:
            if self._is_concept(curie):
                return curie
            rows = self._rows("concept_of", term=curie)
            if rows:
                return ids.curie(rows[0]["concept"].value)
        elif found := self.index.exact(text):
            return found[0]
        elif rows := self._rows("concept_of", term=f"lean:{text}") if _is_word(text) else []:
            return ids.curie(rows[0]["concept"].value)
        near = [hit.name for hit in self.index.search(text[:100], limit=3)] if not curie else []
        hint = f"; near: {', '.join(near)}" if near else ""
        raise NotFoundError(f"no concept {identifier[:200]!r} in snapshot {self.snapshot.id}{hint}")

    def _is_concept(self, curie: str) -> bool:
        pattern = (_node(curie), _RDF_TYPE, _CONCEPT, _CONCEPTS_GRAPH)
        return next(self.snapshot.store.quads_for_pattern(*pattern), None) is not None

    def concept(self, identifier: str) -> Answer:
        """All that is known of a concept.

        Raises:
            NotFoundError: no concept of that name.
        """
        concept = self.resolve(identifier)
        labels = self._labels(concept)
        related = self._related(concept)
        return {
            "id": concept,
            "iri": ids.iri(concept),
            "url": ids.page_url(concept),
            "label": _first_label(labels, concept),
            "labels": labels,
            **self._said(concept),
            "links": self._links(concept),
            "broader": related.pop("broader", []),
            "narrower": related.pop("narrower", []),
            "relations": related,
            "papers": self._papers(concept),
            "snapshot": self.snapshot.id,
        }

    def _labels(self, concept: str) -> dict[str, list[str]]:
        preferred: dict[str, list[str]] = defaultdict(list)
        alternative: dict[str, list[str]] = defaultdict(list)
        for row in self._rows("concept_names", concept=concept):
            role = preferred if row["role"].value.endswith("prefLabel") else alternative
            role[row["name"].language or "mul"].append(row["name"].value)
        return {
            lang: preferred[lang] + sorted(alternative[lang])
            for lang in sorted(preferred.keys() | alternative.keys())
        }

    def _said(self, concept: str) -> Answer:
        """Definitions, Lean declarations and syllabus positions, each with who says it."""
        by_term: dict[tuple[str, str], dict[str, list[ox.Literal]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for row in self._rows("concept_terms", concept=concept):
            term = ids.curie(row["term"].value) if row["term"] else concept
            key = (term, row["source"].value.removeprefix(_SOURCE))
            by_term[key][_short(row["property"].value)].append(row["value"])
        definitions: list[Answer] = []
        lean: dict[str, Answer] = {}
        syllabus: dict[str, Answer] = {}
        msc: set[str] = set()
        for (term, source), said in sorted(by_term.items()):
            pages = said.get("foaf:page", ())
            page = pages[0].value if pages else ids.page_url(term)
            definitions += self._definitions(source, page, said)
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
        self, source: str, page: str, said: dict[str, list[ox.Literal]]
    ) -> Iterable[Answer]:
        licence = self.snapshot.manifest.sources[source]["licence"]["name"]
        for value in said.get("skos:definition", ()):
            yield _definition(source, value.value, value.language, licence, page)
        for value in said.get("mg:definedAt", ()):
            yield _definition(source, None, None, licence, value.value)

    def _links(self, concept: str) -> list[Answer]:
        links: dict[str, Answer] = {}
        for row in self._rows("concept_links", concept=concept):
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
                    "predicate": _short(row["predicate"].value),
                    "set": row["set"].value,
                    "confidence": float(row["confidence"].value),
                    "evidence": [],
                },
            )
            link["evidence"].append({
                "source": row["evidence_source"].value.removeprefix(_SOURCE),
                "justification": _short(row["justification"].value),
                "detail": row["detail"].value,
            })
        for link in links.values():
            link["evidence"].sort(key=lambda item: (item["source"], item["detail"]))
        return [links[term] for term in sorted(links)]

    def _related(self, concept: str) -> dict[str, list[Answer]]:
        found: dict[str, dict[str, Answer]] = defaultdict(dict)
        for row in self._rows("concept_relations", concept=concept):
            other = ids.curie(row["other"].value)
            label = row["label"]
            name = _RELATION_NAMES[_short(row["relation"].value), row["direction"].value]
            found[name][other] = {"id": other, "label": label.value if label else other}
        return {
            name: sorted(others.values(), key=lambda item: (item["label"].casefold(), item["id"]))
            for name, others in sorted(found.items())
        }

    def _papers(self, concept: str) -> list[Answer]:
        papers = [
            {
                "id": ids.curie(row["paper"].value),
                "title": row["title"].value,
                "url": row["url"].value if row["url"] else None,
                "mentions": int(row["mentions"].value),
                "confidence": float(row["confidence"].value),
            }
            for row in self._rows("concept_papers", concept=concept)
        ]
        papers = list({paper["id"]: paper for paper in papers}.values())
        return sorted(papers, key=lambda paper: (-paper["mentions"], paper["title"], paper["id"]))

    # ------------------------------------------------------------------------------------ lists

    def search(self, text: str, *, limit: int = 20) -> Answer:
        """Concepts by name, the best first.

        Raises:
            InputError: the text is too long or the limit out of range.
        """
        hits = self.index.search(text, limit=_limit(limit))
        return {
            "query": text,
            "results": [
                {
                    "id": hit.concept,
                    "label": hit.label,
                    "matched": hit.name,
                    "lang": hit.lang,
                    "description": hit.description,
                }
                for hit in hits
            ],
            "snapshot": self.snapshot.id,
        }

    def concepts(self, *, after: str = "", limit: int = 50) -> Answer:
        """A page of all concepts in the order of their identifiers.

        Raises:
            InputError: the limit is out of range.
        """
        rows = self.index.page(after=after, limit=_limit(limit) + 1)
        items = [{"id": concept, "label": label or concept} for concept, label in rows]
        return self._paged(items, limit, self.snapshot.manifest.counts["concepts"])

    def papers(self, *, after: str = "", limit: int = 50) -> Answer:
        """A page of all papers in the order of their identifiers.

        Raises:
            InputError: the limit is out of range.
        """
        rows = self._page("paper_list", after, limit)
        items = [{"id": row["id"].value, "title": row["title"].value} for row in rows]
        return self._paged(items, limit, self.snapshot.manifest.counts["papers"])

    def paper(self, identifier: str) -> Answer:
        """A paper's record and the concepts mentioned in it, with their places.

        The abstract is given only if its licence allows it.

        Raises:
            NotFoundError: no paper of that identifier.
        """
        try:
            paper = ids.canonical(identifier)
        except InputError as error:
            raise NotFoundError(f"no paper {identifier[:200]!r}: {error}") from error
        said: dict[str, list[str]] = defaultdict(list)
        for row in self._rows("paper", paper=paper):
            value = row["value"].value
            if value not in said[_short(row["property"].value)]:
                said[_short(row["property"].value)].append(value)
        if not said:
            raise NotFoundError(f"no paper {paper!r} in snapshot {self.snapshot.id}")
        return {
            "id": paper,
            "title": said["dcterms:title"][0],
            "authors": said["dcterms:creator"],
            "venue": _one(said["schema:isPartOf"]),
            "published": _one(said["dcterms:issued"]),
            "url": _one(said["schema:url"]),
            "keywords": sorted(said["schema:keywords"]),
            "categories": sorted(said["mg:arxivCategory"]),
            "abstract": _one(said["dcterms:abstract"]),
            "licence": _one(said["dcterms:license"]),
            "mentions": self._mentions(paper),
            "snapshot": self.snapshot.id,
        }

    def _mentions(self, paper: str) -> list[Answer]:
        mentions = {}
        for row in self._rows("paper_mentions", paper=paper):
            concept = ids.curie(row["concept"].value)
            place = (row["field"].value, int(row["start"].value), int(row["end"].value), concept)
            mentions[place] = {
                "field": place[0],
                "start": place[1],
                "end": place[2],
                "surface": row["surface"].value,
                "concept": concept,
                "label": row["label"].value if row["label"] else concept,
                "confidence": float(row["confidence"].value),
            }
        order = {"title": 0, "text": 1}
        return [mentions[key] for key in sorted(mentions, key=lambda k: (order[k[0]], *k[1:]))]

    def sources(self) -> Answer:
        """What each source is, under which licence, what was read, kept and rejected, and when."""
        return {
            "sources": [
                {"name": name, **entry} for name, entry in self.snapshot.manifest.sources.items()
            ],
            "counts": self.snapshot.manifest.counts,
            "created": self.snapshot.manifest.created,
            "snapshot": self.snapshot.id,
        }

    # ------------------------------------------------------------------------------- plumbing

    def _page(self, name: str, after: str, limit: int) -> list[Row]:
        _limit(limit)
        variables = {ox.Variable("after"): ox.Literal(after)}
        return self._run(name, variables)[: limit + 1]

    def _paged(self, items: list[Answer], limit: int, total: int) -> Answer:
        more = len(items) > limit
        return {
            "items": items[:limit],
            "total": total,
            "next": items[limit - 1]["id"] if more else None,
            "snapshot": self.snapshot.id,
        }

    def _rows(self, name: str, **nodes: str) -> list[Row]:
        """Rows of a stored query whose variables are bound to the given identifiers."""
        return self._run(name, {ox.Variable(key): _node(value) for key, value in nodes.items()})

    def _run(
        self, name: str, variables: Mapping[ox.Variable, ox.NamedNode | ox.Literal]
    ) -> list[Row]:
        solutions = self.snapshot.store.query(
            stored_query(name),
            substitutions=dict(variables),
        )
        assert isinstance(solutions, ox.QuerySolutions)
        return list(solutions)

    @cached_property
    def source_titles(self) -> dict[str, str]:
        """Title by source name, for people to read."""
        authorities = {name: row.title for name, row in ids.PREFIXES.items()}
        sources = {name: row["title"] for name, row in self.snapshot.manifest.sources.items()}
        return authorities | sources


Row: TypeAlias = Any  # pyoxigraph's solutions are indexed by variable name; its stubs give unions

_RDF_TYPE: Final = ox.NamedNode(vocab.expand("rdf:type"))
_CONCEPT: Final = ox.NamedNode(vocab.expand("skos:Concept"))
_CONCEPTS_GRAPH: Final = ox.NamedNode(vocab.GRAPH + "concepts")

# name of a relation as an answer calls it: (predicate, direction) -> name
_RELATION_NAMES: Final = {
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
}


def _node(curie: str) -> ox.NamedNode:
    try:
        return ox.NamedNode(ids.iri(curie))
    except ValueError as error:
        raise QueryError(f"{curie!r} is no identifier: {error}") from error


def _short(iri: str) -> str:
    """A vocabulary term as ``prefix:local``; an unknown one as it is."""
    for address, prefix in _SHORT.items():
        if iri.startswith(address):
            return f"{prefix}:{iri.removeprefix(address)}"
    return iri


def _is_word(text: str) -> bool:
    return bool(text) and not any(char.isspace() for char in text)


def _one(values: list[str]) -> str | None:
    return values[0] if values else None


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise InputError(f"limit: expected 1 to {MAX_LIMIT}, got {limit}")
    return limit


def _first_label(labels: dict[str, list[str]], concept: str) -> str:
    for lang in ("en", "mul", *labels):
        if labels.get(lang):
            return labels[lang][0]
    return concept


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
