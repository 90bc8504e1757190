"""A mention finder as a file of a snapshot, so that whoever reads texts need not align anew.

Stored is what comes from the sources: the names of one language with their concepts, what is known
of each concept, which concepts are related; and the language's function words, so that no NLP
library is loaded where texts are read. The senses are bundled facts and are not stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from mathgloss.io.records import read_records, write_records
from mathgloss.linking.lexicon import Lexicon, StoredLexicon
from mathgloss.linking.mentions import MentionFinder, function_words
from mathgloss.linking.senses import load_senses

FINDER: Final = "finder.json.gz"
LANG: Final = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinder:
    """What a finder needs beside the senses.

    Attributes:
        related: the concepts related to each concept, sorted.
        function_words: words that carry no meaning of their own, sorted.
    """

    lexicon: StoredLexicon
    related: dict[str, list[str]]
    function_words: list[str]


@cache
def _adapter() -> TypeAdapter[StoredFinder]:
    return TypeAdapter(StoredFinder)


def write_finder(path: Path, lexicon: Lexicon, related: Mapping[str, Collection[str]]) -> None:
    """Write what the finder of a lexicon's names needs; equal contents give equal bytes."""
    stored = StoredFinder(
        lexicon=lexicon.stored(LANG),
        related={concept: sorted(related[concept]) for concept in sorted(related)},
        function_words=sorted(function_words(LANG)),
    )
    write_records(path, _adapter(), stored)


def read_finder(path: Path) -> MentionFinder:
    """The finder of a file that :func:`write_finder` wrote, with the bundled senses.

    Raises:
        DataNotFoundError: the file is missing or cut short; a refresh writes it anew.
    """
    stored = read_records(path, _adapter())
    return MentionFinder(
        Lexicon.from_stored(stored.lexicon),
        load_senses(),
        stored.related,
        lang=LANG,
        function=frozenset(stored.function_words),
    )
