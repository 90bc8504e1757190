"""The curated inventory of what ambiguous words mean in mathematical texts.

``senses.tsv`` lists, for words such as "kernel", every sense met in abstracts, the everyday one
among them, with the fields where it is usual and words that stand near it; ``phrases.tsv`` lists
phrases that name nothing ("in addition"). Both are bundled facts; see ``data/README.md``.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mathgloss.errors import DataNotFoundError, ParseError
from mathgloss.normalize import normalize
from mathgloss.paths import bundled_dir

SENSES: Final = "senses.tsv"
PHRASES: Final = "phrases.tsv"
COLUMNS: Final = ("id", "name", "synonyms", "words", "fields", "cues", "summary", "check")
EVERYDAY: Final = "none:"
ANY_FIELD: Final = "any"

Norm = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a word.

    Attributes:
        concept: CURIE; ``None`` if the sense is no concept of mathematics or computing.
        words: normal forms under which it occurs: short ones, and longer ones that tell it.
        fields: arXiv categories where it is usual, the most usual first.
        cues: normal forms of words and pairs that stand near it.
    """

    concept: str | None
    name: str
    words: tuple[Norm, ...]
    fields: tuple[str, ...]
    cues: frozenset[Norm]


class SenseInventory:
    """Senses by word, and phrases that name nothing.

    Attributes:
        by_word: the senses of each ambiguous word, in the order of the file.
        phrases: normal forms of phrases whose words are not to be linked.
        rarity: of each cue, the logarithm of how few senses have it.
        fields: of each cue, how much it speaks for each field.
        known_fields: every field that some sense is usual in.
    """

    def __init__(self, senses: Iterable[Sense], phrases: Iterable[Norm] = ()) -> None:
        held = list(senses)
        self.phrases = frozenset(phrases)
        by_word: dict[Norm, list[Sense]] = defaultdict(list)
        for sense in held:
            for word in sense.words:
                by_word[word].append(sense)
        self.by_word = {word: tuple(found) for word, found in by_word.items() if len(found) > 1}
        frequency = Counter(cue for sense in held for cue in sense.cues)
        total = math.log(1.0 + len(held))
        self.rarity = {cue: total - math.log(n) for cue, n in frequency.items()}
        self.fields = self._fields(held)
        self.known_fields = {field for sense in held for field in sense.fields} - {ANY_FIELD}

    def _fields(self, senses: Iterable[Sense]) -> dict[Norm, dict[str, float]]:
        counts: dict[Norm, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        total: dict[str, float] = defaultdict(float)
        for sense in senses:
            for place, field in enumerate(sense.fields):
                if field == ANY_FIELD:
                    continue
                weight = 1.0 / (1.0 + place)
                total[field] += weight
                for cue in sense.cues:
                    counts[cue][field] += weight
        # relative to how many senses the field has, so that large fields do not win by size
        return {
            cue: {field: n / math.sqrt(total[field]) for field, n in held.items()}
            for cue, held in counts.items()
        }

    def field_weights(self, words: Iterable[Norm]) -> dict[str, float]:
        """How much the words of a text speak for each field; sums to 1, or empty."""
        score: dict[str, float] = defaultdict(float)
        for word in words:
            for field, weight in self.fields.get(word, {}).items():
                score[field] += weight * self.rarity[word]
        top = sum(value * value for value in score.values())
        return {field: value * value / top for field, value in score.items()} if top else {}


def load_senses(folder: Path | None = None) -> SenseInventory:
    """The bundled inventory, or that of another folder.

    Raises:
        ParseError: a table is not in its format.
        DataNotFoundError: a table is not there.
    """
    place = folder or bundled_dir()
    senses = [_sense(row) for row in _rows(place / SENSES, COLUMNS)]
    phrases = [normalize(row["phrase"]) for row in _rows(place / PHRASES, ("phrase", "why"))]
    return SenseInventory(senses, [phrase for phrase in phrases if len(phrase) > 1])


def senses_digest(folder: Path | None = None) -> str:
    """SHA-256 over both tables.

    Raises:
        DataNotFoundError: a table is not there.
    """
    place = folder or bundled_dir()
    state = hashlib.sha256()
    for name in (SENSES, PHRASES):
        try:
            state.update((place / name).read_bytes())
        except FileNotFoundError as error:
            raise DataNotFoundError(_missing(place / name)) from error
    return state.hexdigest()


def _missing(path: Path) -> str:
    return f"{path}: not found; restore it from the release"


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise DataNotFoundError(_missing(path)) from error
    except UnicodeDecodeError as error:
        raise ParseError(
            "the table is not UTF-8",
            where=str(path),
            expected="UTF-8",
            got=str(error),
            advice="restore the file from the release",
        ) from error
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, restkey="more")
    if tuple(reader.fieldnames or ()) != columns:
        raise ParseError(
            "the table has other columns",
            where=f"{path}:1",
            expected=" ".join(columns),
            got=" ".join(reader.fieldnames or ()) or "an empty file",
            advice="restore the file from the release",
        )
    rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if "more" in row or any(value is None for value in row.values()):
            raise ParseError(
                "a row has too many or too few cells",
                where=f"{path}:{number}",
                expected=f"{len(columns)} cells",
                got=repr(row)[:200],
                advice="restore the file from the release",
            )
    return rows


def _sense(row: dict[str, str]) -> Sense:
    def cells(cell: str) -> list[str]:
        return [part.strip() for part in cell.split(";") if part.strip()]

    return Sense(
        concept=None if row["id"].startswith(EVERYDAY) else row["id"],
        name=row["name"],
        words=tuple(dict.fromkeys(normalize(word) for word in cells(row["words"]))),
        fields=tuple(cells(row["fields"])),
        cues=frozenset(normalize(cue) for cue in cells(row["cues"])) - {()},
    )
