"""The catalogues in which any name is looked up, made by a build and read from its snapshot.

A concept is one of Wikidata's items, for which the linker was trained, or was minted for terms
without an item. The items are there twice: with and without the names of the terms mapped to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from mathgloss import ids
from mathgloss.errors import DataNotFoundError
from mathgloss.io.arrays import put_under, read_arrays, take_under, write_arrays
from mathgloss.linking.catalogue import UNKNOWN_STANDING, WIKIDATA, Catalogue, Entry, items
from mathgloss.linking.labels import CORE
from mathgloss.model import Concept, Label, LabelKind, ParsedSource, Term
from mathgloss.normalize import split_qualifier

POOLS: Final = "catalogues.bin"
# stands for all sources of terms that are mapped to items
_MAPPED: Final = "mapped"


class Pool(StrEnum):
    """Which concepts, and by which of their names.

    ``BARE_ITEMS`` are the items as their own authority and the core name them, to link as the build
    links: without what is said of identity.
    """

    ITEMS = "items"
    MINTED = "minted"
    BARE_ITEMS = "bare_items"


def make_pools(
    sources: Sequence[ParsedSource], concepts: Sequence[Concept], bare: Catalogue
) -> dict[Pool, Catalogue]:
    """The catalogues of some concepts.

    Args:
        sources: what they were aligned from.
        concepts: with all their names.
        bare: the items by their own names, to which terms were aligned.
    """
    own = [source for source in sources if source.info.name in {WIKIDATA, CORE}]
    known = items(own, _other_names(own, concepts))
    held = set(known.ids)
    minted = (concept for concept in concepts if concept.id not in held)
    entries = map(_entry, sorted(minted, key=lambda concept: concept.id))
    return {
        Pool.ITEMS: known,
        Pool.MINTED: Catalogue.of(entries, standing=UNKNOWN_STANDING),
        Pool.BARE_ITEMS: bare,
    }


def write_pools(path: Path, pools: Mapping[Pool, Catalogue]) -> None:
    """Write all that linking to the catalogues needs; equal ones give equal bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    for pool, catalogue in pools.items():
        arrays |= put_under(pool, catalogue.stored())
    write_arrays(path, arrays)


def read_pool(path: Path, pool: Pool) -> Catalogue:
    """One of the catalogues in a file that :func:`write_pools` wrote.

    Raises:
        DataNotFoundError: the file is missing, cut short or of another version; a refresh writes
            it anew.
    """
    try:
        return Catalogue(take_under(pool, read_arrays(path)))
    except KeyError as error:
        raise DataNotFoundError(
            f"{path}: expected the catalogue {pool} of this version of MathGloss, got one "
            f"without {error}; run 'mathgloss refresh --full' to write it anew"
        ) from error


def _other_names(sources: Iterable[ParsedSource], concepts: Iterable[Concept]) -> Iterator[Term]:
    """The names that items have from the terms that are mapped to them."""
    own: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for source in sources:
        for term in source.terms:
            # a concept's names have no qualifiers
            own[term.id].update((split_qualifier(name.text)[0], name.lang) for name in term.labels)
    for concept in concepts:
        if concept.id.startswith("wd:") and concept.id in own:
            more = [
                name for name in _names(concept) if (name.text, name.lang) not in own[concept.id]
            ]
            if more:
                yield Term(id=concept.id, source=_MAPPED, labels=tuple(more))


def _entry(concept: Concept) -> Entry:
    prefix, _ = ids.split_curie(concept.id)
    return Entry(concept.id, (Term(id=concept.id, source=prefix, labels=tuple(_names(concept))),))


def _names(concept: Concept) -> Iterator[Label]:
    for lang, names in concept.labels.items():
        for place, text in enumerate(names):
            kind = LabelKind.ALTERNATIVE if place else LabelKind.PREFERRED
            yield Label(text=text, lang=lang, kind=kind)
