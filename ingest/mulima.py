"""MuLiMa: names of mathematical notions in sixteen languages.

Homepage: https://github.com/thosgood/maths-dictionary. Licence: GPL-3.0; the file holds names and
identifiers only, not a single sentence, so nothing in it is kept from being served.

Quirks handled: a key is ``noun`` or ``noun/adjective``, eight hexadecimal digits each, and a
compound's noun is the broader notion; one entry is nested inside another by mistake and is taken as
a row of its own; names are empty where nobody has translated yet; a gender is ``?`` where it is not
known. Names are kept whether or not they are marked as unverified (``vrfd``). An atom is one name
in all of today's data; if one ever lists several, they are split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ingest.fetch import MEBIBYTE, Fetcher
from ingest.rows import Tally, parse_json, read_name, read_text, refuse
from ingest.source import Source
from mathgloss import ids, vocab
from mathgloss.errors import InputError
from mathgloss.model import (
    Label,
    LabelKind,
    Licence,
    ParsedSource,
    RawFile,
    Reference,
    Relation,
    SourceInfo,
    Term,
)

INFO: Final = SourceInfo(
    name="mulima",
    title="MuLiMa, the multilingual dictionary of mathematics",
    homepage="https://github.com/thosgood/maths-dictionary",
    licence=Licence(
        name="GPL-3.0-only",
        url="https://www.gnu.org/licenses/gpl-3.0.html",
        redistributable=True,
    ),
)
URL: Final = "https://raw.githubusercontent.com/thosgood/maths-dictionary/main/data/nouns.json"

_KEY: Final = re.compile(r"[0-9a-f]{8}(?:/[0-9a-f]{8})?")
_LANGUAGE: Final = re.compile(r"[A-Z]{2,3}")
_REFS: Final = "refs"
# MuLiMa's name of an authority -> prefix
_AUTHORITIES: Final = {
    "wikidata": "wd",
    "eom": "eom",
    "pm": "planetmath",
    "nlab": "nlab",
    "mathworld": "mathworld",
}
_UNKNOWN_GENDERS: Final = frozenset({"", "?"})
_SEPARATOR: Final = re.compile(r"\s*[;；،、]\s*|,\s+|\s+/\s+")


def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
    """The one file of nouns.

    Raises:
        SourceError: it cannot be had.
    """
    return (fetcher.fetch(URL, source=INFO.name, max_bytes=32 * MEBIBYTE),)


def parse(files: Sequence[RawFile]) -> ParsedSource:
    """A term for each entry, in file order.

    Raises:
        ParseError: not JSON, or not an object of entries.
    """
    (raw,) = files
    tally = Tally(Path(raw.path).name)
    members, repeated = _read_members(raw)
    terms: dict[str, Term] = {}
    for key, entry in _rows(members):
        tally.read += 1
        term = _term(key, entry, tally)
        if term is not None and term.id in terms:
            tally.reject(key, "duplicate key", entry)
        elif term is not None:
            terms[term.id] = term
    for key, value in repeated:
        tally.reject_part(key, "duplicate key", value)
    return ParsedSource(
        info=INFO,
        read=tally.read,
        terms=tuple(terms.values()),
        relations=tuple(_relations(terms)),
        rejections=tuple(tally.rejections),
    )


def _read_members(raw: RawFile) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    expected = "a JSON object of entries keyed by eight hexadecimal digits"
    try:
        members, repeated = parse_json(read_text(raw))
    except ValueError as error:
        refuse(raw, expected, f"{type(error).__name__}: {error}", cause=error)
    if not isinstance(members, dict):
        refuse(raw, expected, f"a JSON {type(members).__name__}")
    if not any(_KEY.fullmatch(key) and isinstance(members[key], dict) for key in members):
        refuse(raw, expected, f"{len(members)} member(s), none of that kind")
    return members, repeated


def _rows(members: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each entry, with an entry that lies inside it directly after it."""
    for key, entry in members.items():
        yield key, entry
        if isinstance(entry, dict):
            yield from ((name, part) for name, part in entry.items() if _is_nested(name, part))


def _is_nested(name: str, part: object) -> bool:
    return _KEY.fullmatch(name) is not None and isinstance(part, dict)


def _term(key: str, entry: object, tally: Tally) -> Term | None:
    if not _KEY.fullmatch(key):
        tally.reject(key[:80], "malformed key", key)
        return None
    if not isinstance(entry, dict):
        tally.reject(key, "not an entry", entry)
        return None
    labels = tuple(_labels(key, entry, tally))
    references = tuple(_references(key, entry.get(_REFS, {}), tally))
    if not labels:
        tally.reject(key, "no label", entry)
        return None
    curie = f"mulima:{key}"
    return Term(
        id=curie,
        source=INFO.name,
        labels=labels,
        url=ids.page_url(curie),
        references=references,
    )


def _labels(key: str, entry: dict[str, Any], tally: Tally) -> Iterator[Label]:
    for code, value in entry.items():
        if code == _REFS or _is_nested(code, value):
            continue
        where = f"{key} {code[:20]}"
        if not _LANGUAGE.fullmatch(code):
            tally.reject_part(where, "unknown field", value)
        elif not isinstance(value, dict) or "atom" not in value:
            tally.reject_part(where, "not a name with gender", value)
        else:
            yield from _labels_in(code.lower(), value, where, tally)


def _labels_in(lang: str, value: dict[str, Any], where: str, tally: Tally) -> Iterator[Label]:
    name, problem = read_name(value["atom"])
    if problem == "empty":
        return
    gender, gender_problem = read_name(value.get("gend", ""))
    if gender_problem not in {"", "empty"}:
        tally.reject_part(where, f"gender: {gender_problem}", value["gend"])
    if problem:
        tally.reject_part(where, f"name: {problem}", value["atom"])
        return
    # brackets hold separators that belong to the name: "(∞,1)-category"
    split = [name] if re.search(r"[(\[{$]", name) else _SEPARATOR.split(name)
    for position, text in enumerate(dict.fromkeys(part for part in split if part)):
        yield Label(
            text=text,
            lang=lang,
            kind=LabelKind.ALTERNATIVE if position else LabelKind.PREFERRED,
            gender=None if gender in _UNKNOWN_GENDERS else gender,
        )


def _references(key: str, refs: object, tally: Tally) -> Iterator[Reference]:
    if not isinstance(refs, dict):
        tally.reject_part(f"{key} refs", "references are not an object", refs)
        return
    for authority, value in refs.items():
        where = f"{key} refs.{authority[:20]}"
        if value in ("", None):
            continue
        if authority not in _AUTHORITIES:
            tally.reject_part(where, "reference to an unknown authority", value)
        elif (target := _target(_AUTHORITIES[authority], value)) is not None:
            yield Reference(target=target, via=f"refs.{authority}")
        elif authority == "wikidata":
            tally.reject_part(where, "reference is no Wikidata item", value)
        else:
            tally.reject_part(where, "malformed reference", value)


def _target(prefix: str, value: object) -> str | None:
    name, problem = read_name(value)
    if problem or "://" in name:
        return None
    try:
        target = ids.canonical(f"{prefix}:{name}").replace(" ", "_")
        return target if ids.canonical(target) == target else None
    except InputError:
        return None


def _relations(terms: dict[str, Term]) -> Iterator[Relation]:
    for curie in terms:
        noun, slash, _ = curie.partition("/")
        if slash and noun in terms:
            yield Relation(subject=curie, predicate=vocab.BROADER, object=noun, via="compound key")


SOURCE: Final = Source(info=INFO, fetch=fetch, parse=parse)
