"""Which concept is meant: by CURIE, IRI, bare QID, a source's term, Lean declaration or label."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.answers.languages import ENGLISH, shown_names
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.index import LabelIndex
from mathgloss.graph.reader import Reader, node

_RDF_TYPE: Final = ox.NamedNode(vocab.expand("rdf:type"))
_CONCEPT: Final = ox.NamedNode(vocab.expand("skos:Concept"))
_CONCEPTS_GRAPH: Final = ox.NamedNode(vocab.GRAPH + "concepts")


class Lookup:
    """Finds the concepts of one snapshot by any form of their names and identifiers."""

    def __init__(self, reader: Reader, index: LabelIndex) -> None:
        self._reader = reader
        self._index = index

    def resolve(self, identifier: str) -> str:
        """The concept named by any form of identifier, or by a label.

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
            found = curie if self.is_concept(curie) else self._mapped(curie)
        if found is None:
            raise NotFoundError(
                f"no concept {identifier[:200]!r} in snapshot {self._reader.snapshot.id}"
                f"{reason}{self._near(text)}"
            )
        return found

    def is_concept(self, curie: str) -> bool:
        """Whether a concept has this very identifier."""
        pattern = (node(curie), _RDF_TYPE, _CONCEPT, _CONCEPTS_GRAPH)
        return next(self._reader.snapshot.store.quads_for_pattern(*pattern), None) is not None

    def _by_name(self, text: str) -> str | None:
        """The best known concept of that name, or the one formalised under it in Lean."""
        if named := self._index.exact(text):
            return named[0]
        return self._mapped(f"lean:{text}") if _is_word(text) else None

    def _mapped(self, term: str) -> str | None:
        """The concept that a source's term or a Lean declaration is mapped to."""
        rows = self._reader.rows("concept_of", term=term)
        return ids.curie(rows[0]["concept"].value) if rows else None

    def _near(self, text: str) -> str:
        """A hint at names that come near, for a message."""
        words = unquote_plus(text.rpartition(":")[2]).replace("_", " ")[:100]
        hits = self._index.search(words, limit=3)
        names = shown_names(self._index, (hit.concept for hit in hits), ENGLISH)
        near = [name.label for name in names.values()]
        return f"; near: {', '.join(near)}" if near else ""


def _is_curie(text: str) -> bool:
    """Whether the text was meant as an identifier with a prefix rather than as a name."""
    return ":" in text and _is_word(text)


def _is_word(text: str) -> bool:
    return bool(text) and not any(char.isspace() for char in text)
