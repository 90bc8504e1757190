"""The answers that every interface gives: one function for each, over one opened snapshot.

REST, the pages, the command line and agents call these and nothing else, so they cannot disagree.
Every answer carries the snapshot's identifier.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Final
from urllib.parse import unquote_plus

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.card import Answer, concept_card
from mathgloss.graph.index import INDEX, LabelIndex
from mathgloss.graph.reader import Reader, Row, node, short_name
from mathgloss.graph.snapshot import Snapshot

MAX_LIMIT: Final = 100


class Answers:
    """Answers from one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.index = LabelIndex(snapshot.path / INDEX)
        self.reader = Reader(snapshot)

    # ----------------------------------------------------------------------------------- lookup

    def resolve(self, identifier: str) -> str:
        """The concept named by a CURIE, IRI, bare QID, term, Lean declaration or label.

        A label that several concepts carry gives the best known of them.

        Raises:
            NotFoundError: nothing of that name; names that come near are listed.
        """
        text = identifier.strip()
        reason = ""
        try:
            curie = ids.canonical(text)
        except InputError as error:
            found = self._by_name(text)
            if _is_curie(text):
                reason = f" ({error})"
        else:
            found = curie if self._is_concept(curie) else self._mapped(curie)
        if found is None:
            raise NotFoundError(
                f"no concept {identifier[:200]!r} in snapshot {self.snapshot.id}"
                f"{reason}{self._near(text)}"
            )
        return found

    def _by_name(self, text: str) -> str | None:
        """The best known concept of that name, or the one formalised under it in Lean."""
        if named := self.index.exact(text):
            return named[0]
        return self._mapped(f"lean:{text}") if _is_word(text) else None

    def _mapped(self, term: str) -> str | None:
        """The concept that a source's term or a Lean declaration is mapped to."""
        rows = self.reader.rows("concept_of", term=term)
        return ids.curie(rows[0]["concept"].value) if rows else None

    def _near(self, text: str) -> str:
        """A hint at names that come near, for a message."""
        words = unquote_plus(text.rpartition(":")[2]).replace("_", " ")[:100]
        near = [hit.label for hit in self.index.search(words, limit=3)]
        return f"; near: {', '.join(near)}" if near else ""

    def _is_concept(self, curie: str) -> bool:
        pattern = (node(curie), _RDF_TYPE, _CONCEPT, _CONCEPTS_GRAPH)
        return next(self.snapshot.store.quads_for_pattern(*pattern), None) is not None

    def concept(self, identifier: str) -> Answer:
        """All that is known of a concept.

        Raises:
            NotFoundError: no concept of that name.
        """
        return concept_card(self.reader, self.resolve(identifier))

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
        for row in self.reader.rows("paper", paper=paper):
            value = row["value"].value
            if value not in said[short_name(row["property"].value)]:
                said[short_name(row["property"].value)].append(value)
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
        for row in self.reader.rows("paper_mentions", paper=paper):
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
        return self.reader.run(name, variables)[: limit + 1]

    def _paged(self, items: list[Answer], limit: int, total: int) -> Answer:
        more = len(items) > limit
        return {
            "items": items[:limit],
            "total": total,
            "next": items[limit - 1]["id"] if more else None,
            "snapshot": self.snapshot.id,
        }

    @cached_property
    def source_titles(self) -> dict[str, str]:
        """Title by source name, for people to read."""
        authorities = {name: row.title for name, row in ids.PREFIXES.items()}
        sources = {name: row["title"] for name, row in self.snapshot.manifest.sources.items()}
        return authorities | sources


_RDF_TYPE: Final = ox.NamedNode(vocab.expand("rdf:type"))
_CONCEPT: Final = ox.NamedNode(vocab.expand("skos:Concept"))
_CONCEPTS_GRAPH: Final = ox.NamedNode(vocab.GRAPH + "concepts")


def _is_curie(text: str) -> bool:
    """Whether the text was meant as an identifier with a prefix rather than as a name."""
    return ":" in text and _is_word(text)


def _is_word(text: str) -> bool:
    return bool(text) and not any(char.isspace() for char in text)


def _one(values: list[str]) -> str | None:
    return values[0] if values else None


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise InputError(f"limit: expected 1 to {MAX_LIMIT}, got {limit}")
    return limit
