"""The answers that every interface gives: one function for each, over one opened snapshot.

REST, the pages, the command line and agents call these and nothing else, so they cannot disagree.
Every answer carries the snapshot's identifier.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final
from urllib.parse import unquote_plus

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.answers.card import concept_card
from mathgloss.answers.paging import Answer, checked_limit, key_of, page
from mathgloss.answers.papers import list_papers, read_paper
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.index import INDEX, LabelIndex
from mathgloss.graph.reader import Reader, node
from mathgloss.graph.snapshot import Snapshot


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
        hits = self.index.search(text, limit=checked_limit(limit))
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

    def concepts(self, *, cursor: str = "", limit: int = 50) -> Answer:
        """A page of all concepts in the order of their identifiers.

        Raises:
            InputError: the limit is out of range, or the cursor none of ours.
        """
        rows = self.index.page(after=key_of(cursor), limit=checked_limit(limit) + 1)
        items = [{"id": concept, "label": label or concept} for concept, label in rows]
        total = self.snapshot.manifest.counts["concepts"]
        return page(items, limit, key="id", total=total, snapshot=self.snapshot.id)

    def papers(self, *, cursor: str = "", limit: int = 50) -> Answer:
        """A page of all papers in the order of their identifiers; see :mod:`.papers`."""
        return list_papers(self.reader, cursor=cursor, limit=limit)

    def paper(self, identifier: str) -> Answer:
        """A paper's record and the concepts mentioned in it; see :mod:`.papers`."""
        return read_paper(self.reader, identifier)

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
