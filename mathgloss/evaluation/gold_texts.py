"""What people marked in texts, read from files: mentions, concepts of sentences, keywords.

As with terms, the first bad row is an error with its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

from mathgloss.errors import InputError

Row = TypeVar("Row")

# the sense of words that only look like the name of a concept
EVERYDAY: Final = "none"
_CURIE: Final = re.compile(r"[A-Za-z][\w.-]*:\S+")
_DOCUMENT: Final = '{"id", "text", "mentions": [{"start", "end", "surface", "concept"}]}'
_SENTENCE: Final = '{"sentence", "concepts": [names]}'
_PAPER: Final = '{"title", "abstract", "keywords"}'


@dataclass(frozen=True, slots=True)
class GoldMention:
    """Marked words of a document; offsets count code points, ``end`` excluded.

    Attributes:
        concept: what they mean; ``None`` if nothing that has an identifier.
        sense: where there is no concept, what is meant in words; ``none`` for everyday words.
    """

    start: int
    end: int
    surface: str
    concept: str | None
    sense: str = ""

    @property
    def unlisted(self) -> bool:
        """Whether it means a concept for which the annotator found no identifier."""
        return self.concept is None and self.sense not in {"", EVERYDAY}


@dataclass(frozen=True, slots=True)
class Document:
    """A text in which every mention is marked, in order, none overlapping another."""

    id: str
    category: str
    text: str
    mentions: tuple[GoldMention, ...]


@dataclass(frozen=True, slots=True)
class GoldSentence:
    """A sentence with the names of its concepts, as written in it or in base form."""

    text: str
    concepts: tuple[str, ...]
    flag: str = ""


@dataclass(frozen=True, slots=True)
class GoldPaper:
    """A paper with the keywords that its authors chose."""

    title: str
    abstract: str
    keywords: tuple[str, ...]


class _BadRowError(Exception):
    """What is wrong with a row; the reader knows where it is."""


def read_documents(path: Path) -> list[Document]:
    """Texts with marked mentions: JSON lines with id, text, mentions, and perhaps a category.

    Raises:
        InputError: a line is no such document, its offsets do not fit, or an id comes twice.
    """
    seen: set[str] = set()

    def parse(value: object) -> Document:
        document = _document(value)
        if document.id in seen:
            raise _BadRowError(f"expected a new id, got {document.id!r} a second time")
        seen.add(document.id)
        return document

    return _read(path, parse)


def read_sentences(path: Path) -> list[GoldSentence]:
    """Sentences with the names of their concepts: JSON lines with sentence, concepts, flag.

    Raises:
        InputError: a line is no such sentence.
    """
    return _read(path, _sentence)


def read_papers(path: Path) -> list[GoldPaper]:
    """Papers with keywords: a JSON list, or JSON lines, with title, abstract, keywords.

    A missing title or abstract is empty; keywords are a list or a text with semicolons or commas.

    Raises:
        InputError: the file or one of its entries is not so.
    """
    return _read(path, _paper, may_be_list=True)


def _document(value: object) -> Document:
    row = _object(value, _DOCUMENT)
    text = _text(row, "text", _DOCUMENT)
    mentions = tuple(_mention(text, held) for held in _list(row, "mentions", _DOCUMENT))
    for one, other in pairwise(mentions):
        if other.start < one.end:
            raise _BadRowError(
                f"expected mentions in order and apart, got {other.surface!r} at {other.start} "
                f"after {one.surface!r} that ends at {one.end}"
            )
    category = _text(row, "category", _DOCUMENT, default="")
    return Document(_text(row, "id", _DOCUMENT), category, text, mentions)


def _mention(text: str, value: object) -> GoldMention:
    row = _object(value, _DOCUMENT)
    start, end, concept = row.get("start"), row.get("end"), row.get("concept", "")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise _BadRowError(
            f"expected offsets 0 <= start < end <= {len(text)}, got {start!r} and {end!r}"
        )
    if concept is not None and not (isinstance(concept, str) and _CURIE.fullmatch(concept)):
        raise _BadRowError(f"expected a concept such as wd:Q42, or null, got {concept!r}")
    surface = _text(row, "surface", _DOCUMENT)
    if surface != text[start:end]:
        raise _BadRowError(f"expected surface {text[start:end]!r} as in the text, got {surface!r}")
    return GoldMention(start, end, surface, concept, _text(row, "sense", _DOCUMENT, default=""))


def _sentence(value: object) -> GoldSentence:
    row = _object(value, _SENTENCE)
    names = _list(row, "concepts", _SENTENCE)
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise _BadRowError(f"expected names of concepts, got {names!r}")
    flag = _text(row, "flag", _SENTENCE, default="")
    return GoldSentence(_text(row, "sentence", _SENTENCE), tuple(names), flag)


def _paper(value: object) -> GoldPaper:
    row = _object(value, _PAPER)
    words = row.get("keywords") or []
    if isinstance(words, str):
        words = [piece.strip() for piece in words.split(";" if ";" in words else ",")]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _BadRowError(f"expected a list of keywords, got {words!r}")
    title, abstract = (_text(row, name, _PAPER, default="") for name in ("title", "abstract"))
    return GoldPaper(title, abstract, tuple(word for word in words if word))


# ------------------------------------------------------------------------------------------- JSON


def _read(path: Path, parse: Callable[[object], Row], *, may_be_list: bool = False) -> list[Row]:
    rows = []
    for where, value in _json_rows(path, may_be_list=may_be_list):
        try:
            rows.append(parse(value))
        except _BadRowError as error:
            raise InputError(f"{where}: {error}") from error
    return rows


def _json_rows(path: Path, *, may_be_list: bool = False) -> Iterator[tuple[str, object]]:
    """Each value with where it stands; empty lines are passed over.

    Raises:
        InputError: not UTF-8, not JSON, or no value at all.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8, got {error}") from error
    whole = may_be_list and text.lstrip().startswith("[")
    found = False
    for number, line in enumerate([text] if whole else text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            at = error.lineno if whole and isinstance(error, json.JSONDecodeError) else number
            raise InputError(f"{path}:{at}: expected JSON, got {error}") from error
        for place, one in enumerate(value, start=1) if whole else ((0, value),):
            found = True
            yield (f"{path}: entry {place}" if whole else f"{path}:{number}"), one
    if not found:
        raise InputError(f"{path}:1: expected a JSON object, got nothing")


def _object(value: object, expected: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _BadRowError(f"expected {expected}, got {json.dumps(value)[:120]}")
    return value


def _list(row: dict[str, Any], name: str, expected: str) -> list[Any]:
    value = row.get(name)
    if not isinstance(value, list):
        raise _BadRowError(f"expected {expected}, got {name} {value!r}")
    return value


def _text(row: dict[str, Any], name: str, expected: str, *, default: str | None = None) -> str:
    value = row.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (default is None and not value):
        raise _BadRowError(f"expected {expected}, got {name} {value!r}")
    return value
