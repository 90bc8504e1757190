"""Which of a concept's names an answer shows: an explicit chain of languages, never chance.

The languages asked for come first, each with its base language after it (``fr-ca``, then ``fr``);
then English, then names that hold in every language (``mul``), then the first language by tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from mathgloss.answers.paging import Answer
from mathgloss.errors import InputError
from mathgloss.graph.index import LabelIndex

Chain: TypeAlias = tuple[str, ...]

MAX_LANGUAGES: Final = 10
_LAST: Final = ("en", "mul")
_TAG: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
ENGLISH: Final[Chain] = _LAST


class Shown(NamedTuple):
    """A name and the language that it is in."""

    label: str
    lang: str


def language_chain(asked: str) -> Chain:
    """The languages to look for, best first, for tags between commas (``fr-CA, de``).

    Raises:
        InputError: a tag is none, or there are too many.
    """
    tags = [tag.strip().lower() for tag in asked.split(",") if tag.strip()]
    if len(tags) > MAX_LANGUAGES:
        raise InputError(f"lang: expected at most {MAX_LANGUAGES} languages, got {len(tags)}")
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise InputError(f"lang: expected tags such as fr or pt-br, got {tag[:50]!r}")
    wanted = [part for tag in tags for part in (tag, tag.partition("-")[0])]
    return tuple(dict.fromkeys([*wanted, *_LAST]))


def choose(labels: Mapping[str, Sequence[str]], chain: Chain) -> Shown | None:
    """The name to show of names by language, the preferred one first; ``None`` if there is none."""
    for lang in (*chain, *sorted(labels)):
        if labels.get(lang):
            return Shown(labels[lang][0], lang)
    return None


def shown_names(index: LabelIndex, concepts: Iterable[str], chain: Chain) -> dict[str, Shown]:
    """The name to show of each concept; one without any name is shown as its identifier."""
    wanted = list(dict.fromkeys(concepts))
    found = {
        concept: choose({lang: [text] for lang, text in names.items()}, chain)
        for concept, names in index.preferred(wanted).items()
    }
    return {concept: found.get(concept) or Shown(concept, "und") for concept in wanted}


def reference(concept: str, shown: Shown) -> Answer:
    """A concept as other answers refer to it."""
    return {"id": concept, "label": shown.label, "label_lang": shown.lang}
