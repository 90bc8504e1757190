"""Texts in which the concepts are to be found, and the answer to each."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from mathgloss.answers.paging import Answer
from mathgloss.errors import InputError
from mathgloss.graph.index import LabelIndex
from mathgloss.linking.mentions import MAX_CANDIDATES, MentionFinder
from mathgloss.model import Candidate, Mention

MAX_CHARS: Final = 100_000
MAX_DOCUMENTS: Final = 64
MAX_CATEGORIES: Final = 20
MAX_CATEGORY_CHARS: Final = 100
LANGUAGES: Final = ("en",)

# what no text holds: control characters that are no white space, and halves of a character
_REFUSED: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text to read.

    Attributes:
        id: how whoever sends several knows it again.
        categories: arXiv categories or MSC codes, if known; they help with ambiguous words.
    """

    id: str | int | None = None
    text: str
    title: str = ""
    categories: Sequence[str] = ()

    @property
    def fields(self) -> dict[str, str]:
        """Its texts by the name that mentions give."""
        return {"title": self.title, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """What to tell of a text.

    Attributes:
        min_confidence: below it a link is not made, and its concept is the first candidate.
        include_unlinked: whether to give mentions without a concept.
        lang: language of the texts.
    """

    min_confidence: float = 0.0
    include_unlinked: bool = True
    lang: str = "en"


DEFAULTS: Final = LinkOptions()


class TextLinker:
    """Links texts to the concepts of one snapshot; safe to use from several threads.

    Args:
        load: opens the finder; called once, when the first text comes.
        index: the snapshot's label index.
    """

    def __init__(self, load: Callable[[], MentionFinder], index: LabelIndex) -> None:
        self._load = load
        self._index = index
        self._lock = threading.Lock()
        self._finder: MentionFinder | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the finder is open."""
        return self._finder is not None

    def warm(self) -> MentionFinder:
        """Open the finder if it is not open; whoever comes meanwhile waits.

        Raises:
            DataNotFoundError: the snapshot has none.
        """
        with self._lock:
            if self._finder is None:
                self._finder = self._load()
            return self._finder

    def link(self, document: Document, options: LinkOptions = DEFAULTS) -> list[Answer]:
        """The mentions in a document, in order of field and place.

        Raises:
            InputError: the document or an option cannot be used.
        """
        check_options(options)
        check_document(document)
        found = self.warm().find(document.fields, document.categories)
        return self._rows(found, options)

    def link_all(
        self, documents: Sequence[Document], options: LinkOptions = DEFAULTS
    ) -> list[Answer]:
        """Identifier and mentions of each document; all are checked before any is read.

        Raises:
            InputError: too many documents, or one that cannot be used; the message has its place.
        """
        check_options(options)
        if not 1 <= len(documents) <= MAX_DOCUMENTS:
            raise InputError(f"documents: expected 1 to {MAX_DOCUMENTS}, got {len(documents)}")
        for place, document in enumerate(documents):
            check_document(document, f"documents[{place}].")
        finder = self.warm()
        return [
            {
                "id": held.id,
                "mentions": self._rows(finder.find(held.fields, held.categories), options),
            }
            for held in documents
        ]

    def _rows(self, found: Iterable[Mention], options: LinkOptions) -> list[Answer]:
        held = [_unsure(mention, options.min_confidence) for mention in found]
        if not options.include_unlinked:
            held = [mention for mention in held if mention.concept is not None]
        concepts = {mention.concept for mention in held if mention.concept is not None}
        descriptions = self._index.descriptions(sorted(concepts))
        return [_row(mention, descriptions) for mention in held]


def check_document(document: Document, where: str = "") -> None:
    """Refuse what is no text of a sensible size.

    Args:
        document: to be checked.
        where: begins the names of members in messages.

    Raises:
        InputError: saying which member, what was expected and what was found.
    """
    size = len(document.title) + len(document.text)
    if size > MAX_CHARS:
        raise InputError(
            f"{where}text: expected at most {MAX_CHARS:,} characters with its title, got {size:,}; "
            "send it in parts"
        )
    for name, text in document.fields.items():
        _check_characters(text, where + name)
    if len(document.categories) > MAX_CATEGORIES:
        raise InputError(
            f"{where}categories: expected at most {MAX_CATEGORIES}, got {len(document.categories)}"
        )
    for place, category in enumerate(document.categories):
        name = f"{where}categories[{place}]"
        if len(category) > MAX_CATEGORY_CHARS:
            raise InputError(f"{name}: expected at most {MAX_CATEGORY_CHARS} characters")
        _check_characters(category, name)


def _check_characters(text: str, name: str) -> None:
    if bad := _REFUSED.search(text):
        raise InputError(
            f"{name}: expected a text, got the character U+{ord(bad.group()):04X} "
            f"at {bad.start()}; remove it"
        )


def check_options(options: LinkOptions) -> None:
    """Refuse options that cannot be followed.

    Raises:
        InputError: saying which, and what it may be.
    """
    if options.lang not in LANGUAGES:
        raise InputError(
            f"lang: expected {' or '.join(LANGUAGES)}, got {options.lang[:40]!r}; "
            "texts in other languages are not read yet"
        )
    if not 0 <= options.min_confidence <= 1:
        raise InputError(f"min_confidence: expected 0 to 1, got {options.min_confidence:g}")


def _unsure(mention: Mention, least: float) -> Mention:
    """The mention, its link taken back if that is not sure enough."""
    if mention.concept is None or mention.confidence >= least:
        return mention
    first = Candidate(concept=mention.concept, label=mention.label, confidence=mention.confidence)
    candidates = (first, *mention.candidates)[:MAX_CANDIDATES]
    none = max(0.0, 1.0 - sum(candidate.confidence for candidate in candidates))
    return replace(
        mention, concept=None, label="", confidence=round(none, 4), candidates=candidates
    )


def _row(mention: Mention, descriptions: Mapping[str, str]) -> Answer:
    return {
        "field": mention.field,
        "start": mention.start,
        "end": mention.end,
        "surface": mention.surface,
        "concept": mention.concept,
        "label": mention.label or None,
        "description": descriptions.get(mention.concept or ""),
        "confidence": mention.confidence,
        "candidates": [asdict(candidate) for candidate in mention.candidates],
    }
