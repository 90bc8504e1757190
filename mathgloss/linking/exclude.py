"""Leaving sources out, so that linking a source's terms can be measured honestly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mathgloss.ids import split_curie
from mathgloss.model import ParsedSource


def without(sources: Iterable[ParsedSource], excluded: Iterable[str]) -> list[ParsedSource]:
    """The sources as if the excluded ones had never been ingested.

    Gone are not only the excluded sources themselves but also what the others say of their terms:
    entries and references that carry an excluded source's identifiers.
    """
    names = set(excluded)
    return [
        _cleared(source, names) if names else source
        for source in sources
        if source.info.name not in names
    ]


def _cleared(source: ParsedSource, names: set[str]) -> ParsedSource:
    """The source without any mention of identifiers of the named sources."""
    terms = tuple(
        replace(
            term,
            references=tuple(
                reference
                for reference in term.references
                if split_curie(reference.target)[0] not in names
            ),
        )
        for term in source.terms
        if split_curie(term.id)[0] not in names
    )
    dropped = len(source.terms) - len(terms)
    return replace(source, terms=terms, read=source.read - dropped)
