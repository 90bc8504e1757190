"""Which concepts a definition is written with: read by the linker, or linked by its author.

"A group is *abelian* if its operation is commutative" defines abelian groups with groups,
operations and commutativity. A word alone may be said in passing, so a name counts if the author
linked it, if it has several words, if it comes first (what is defined is a kind of it), or if the
definitions of two sources name it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from mathgloss.model import Mention, ParsedSource, Relation, Term

# how a source says that the words of a definition link to another entry
DEFINITION_LINK: Final = "definition link"
SURE: Final = 0.8


class Finder(Protocol):
    """What finds concepts in a text."""

    def find(self, fields: Mapping[str, str], categories: Sequence[str] = ()) -> list[Mention]:
        """The mentions in a document."""


class _Naming(NamedTuple):
    """A definition of a concept names another."""

    source: str
    concept: str
    other: str
    telling: bool


def definitions_name(
    sources: Iterable[ParsedSource], concept_of: Mapping[str, str], finder: Finder
) -> dict[str, list[tuple[str, str]]]:
    """For each source the pairs (concept, concept that its definition there names), sorted.

    Args:
        sources: their English definitions are read, if their licences let readers see them, and
            their authors' links taken as they are.
        concept_of: concept by term.
        finder: reads the texts.
    """
    held = list(sources)
    namings = [naming for source in held for naming in _namings(source, concept_of, finder)]
    defining: dict[str, set[str]] = defaultdict(set)
    naming_sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for naming in namings:
        defining[naming.concept].add(naming.source)
        naming_sources[naming.concept, naming.other].add(naming.source)
    found: dict[str, set[tuple[str, str]]] = {source.info.name: set() for source in held}
    for naming in namings:
        pair = naming.concept, naming.other
        agreed = len(naming_sources[pair]) > 1 or len(defining[naming.concept]) == 1
        if naming.concept != naming.other and (naming.telling or agreed):
            found[naming.source].add(pair)
    return {source: sorted(pairs) for source, pairs in found.items() if pairs}


def _namings(
    source: ParsedSource, concept_of: Mapping[str, str], finder: Finder
) -> Iterator[_Naming]:
    for term in source.terms if source.info.licence.redistributable else ():
        concept = concept_of.get(term.id)
        if concept is not None:
            yield from _read(term, concept, finder)
    for relation in source.relations:
        if relation.via == DEFINITION_LINK:
            yield from _linked(source, relation, concept_of)


def _linked(
    source: ParsedSource, relation: Relation, concept_of: Mapping[str, str]
) -> Iterator[_Naming]:
    concept, other = concept_of.get(relation.subject), concept_of.get(relation.object)
    if concept is not None and other is not None:
        yield _Naming(source.info.name, concept, other, telling=True)


def _read(term: Term, concept: str, finder: Finder) -> Iterator[_Naming]:
    if term.definition is None or term.definition.lang != "en":
        return
    first = True
    for mention in finder.find({"text": term.definition.text}):
        other = mention.concept
        if other is None or other == concept or mention.confidence < SURE:
            continue
        telling = first or len(mention.surface.split()) > 1
        yield _Naming(term.source, concept, other, telling)
        first = False
