"""Deciding about mappings: accept, reject, take back, add; the next build obeys.

Who may decide is for the interface to know; here is only what a decision must hold.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.answers.mappings import UNDONE, Mappings
from mathgloss.answers.paging import Answer, checked_limit, cursor_after, key_of
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.reader import node
from mathgloss.io.decisions import (
    MAX_COMMENT_CHARS,
    MAX_CURATOR_CHARS,
    PREDICATES,
    Decision,
    Verdict,
)
from mathgloss.model import mapping_id

CHOICES: Final = (*(str(verdict) for verdict in Verdict), UNDONE)
_ORCID: Final = re.compile(
    r"(?:https?://orcid\.org/|orcid:)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])", re.IGNORECASE
)
_SOURCE: Final = ox.NamedNode(vocab.expand("mg:source"))
_LABEL: Final = ox.NamedNode(vocab.expand("rdfs:label"))


class _Link(NamedTuple):
    """What a decision is about."""

    subject: str
    subject_label: str
    predicate: str
    object: str
    object_label: str


def decide(
    mappings: Mappings, identifier: str, choice: str, *, curator: str = "", comment: str = ""
) -> Answer:
    """Accept or reject a mapping, or take the latest decision on it back.

    Args:
        mappings: those of the published snapshot.
        identifier: of the mapping, or of one that a decision added since.
        choice: one of ``CHOICES``.
        curator: an ORCID or a name; may be empty.
        comment: why; may be empty.

    Raises:
        NotFoundError: no such mapping, or nothing to take back.
        InputError: a value is not what it should be.
        DecisionsError: the decisions cannot be read or written; they are as they were.
    """
    if choice not in CHOICES:
        raise InputError(f"decision: expected one of {', '.join(CHOICES)}, got {choice[:100]!r}")
    link = _find(mappings, identifier)
    if choice == UNDONE:
        if mappings.files.undo(link.subject, link.object) is None:
            raise NotFoundError(f"nothing has been decided about mapping {identifier!r}")
    else:
        mappings.files.add(_decision(link, Verdict(choice), curator, comment))
    return _answer(mappings, link)


def add_mapping(
    mappings: Mappings,
    term: str,
    concept: str,
    predicate: str = vocab.EXACT_MATCH,
    *,
    curator: str = "",
    comment: str = "",
) -> Answer:
    """Accept a mapping that nobody has proposed.

    Args:
        mappings: those of the published snapshot.
        term: identifier of an entry of some source.
        concept: in any form that names a concept.
        predicate: one of ``PREDICATES``.
        curator: an ORCID or a name; may be empty.
        comment: why; may be empty.

    Raises:
        NotFoundError: no such term or concept.
        InputError: a value is not what it should be.
        DecisionsError: the decisions cannot be read or written; they are as they were.
    """
    if predicate not in PREDICATES:
        raise InputError(
            f"predicate: expected one of {', '.join(PREDICATES)}, got {predicate[:100]!r}"
        )
    subject, target = ids.canonical(term), mappings.resolve(concept)
    if subject.startswith(ids.AUTHORITIES):
        raise InputError(f"term: expected the entry of a source, got the concept {subject!r}")
    if subject == target:
        raise InputError(f"term: {subject!r} is that concept already")
    link = _Link(
        subject,
        _term_label(mappings, subject),
        predicate,
        target,
        _concept_label(mappings, target),
    )
    mappings.files.add(_decision(link, Verdict.ACCEPT, curator, comment))
    return _answer(mappings, link)


def list_decisions(mappings: Mappings, *, cursor: str = "", limit: int = 50) -> Answer:
    """A page of the decisions that hold, the earliest first.

    Raises:
        InputError: the limit is out of range, or the cursor none of ours.
        DecisionsError: the decisions cannot be read.
    """
    checked_limit(limit)
    held, after = list(mappings.files.read()), key_of(cursor)
    rows = [row for row in held if row.decided_at > after]
    return {
        "items": [_row(mappings, row) for row in rows[:limit]],
        "total": len(held),
        "next": cursor_after(rows[limit - 1].decided_at) if len(rows) > limit else None,
        "snapshot": mappings.reader.snapshot.id,
    }


def checked_curator(text: str) -> str:
    """A name as it is, or an ORCID with its prefix.

    Raises:
        InputError: too long, or an ORCID whose check digit is wrong.
    """
    name = checked_text("curator", text, MAX_CURATOR_CHARS)
    if (match := _ORCID.fullmatch(name)) is None:
        return name
    orcid = match[1].upper()
    total = 0
    for digit in orcid.replace("-", "")[:-1]:  # ISO 7064, MOD 11-2
        total = (total + int(digit)) * 2
    if "0123456789X"[(12 - total % 11) % 11] != orcid[-1]:
        raise InputError(f"curator: {orcid} is no ORCID: its last character does not fit the rest")
    return f"orcid:{orcid}"


def checked_text(name: str, text: str, limit: int) -> str:
    """The text on one line, without what cannot be printed.

    Raises:
        InputError: too long.
    """
    if len(text) > limit:
        raise InputError(f"{name}: expected at most {limit} characters, got {len(text)}")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _decision(link: _Link, verdict: Verdict, curator: str, comment: str) -> Decision:
    return Decision(
        verdict=verdict,
        curator=checked_curator(curator),
        comment=checked_text("comment", comment, MAX_COMMENT_CHARS),
        **link._asdict(),
    )


def _find(mappings: Mappings, identifier: str) -> _Link:
    """The mapping with this identifier: of the snapshot, or of a decision since."""
    card = mappings.table.find(identifier)
    if card is not None:
        term, concept = card["term"], card["concept"]
        return _Link(term["id"], term["label"], card["predicate"], concept["id"], concept["label"])
    for row in mappings.files.read():
        if mapping_id(row.subject, row.predicate, row.object) == identifier:
            return _link_of(row)
    raise NotFoundError(
        f"no mapping {identifier[:100]!r} in snapshot {mappings.reader.snapshot.id}, "
        "and none that was decided since"
    )


def _link_of(row: Decision) -> _Link:
    return _Link(row.subject, row.subject_label, row.predicate, row.object, row.object_label)


def _term_label(mappings: Mappings, term: str) -> str:
    """The name of an entry that some source has, in English if it has one."""
    quads = mappings.reader.snapshot.store.quads_for_pattern
    if next(quads(node(term), _SOURCE, None), None) is None:
        if (label := mappings.table.subject(term)) is not None:
            return label
        raise NotFoundError(
            f"term: no source has {term!r} in snapshot {mappings.reader.snapshot.id}"
        )
    names = [quad.object for quad in quads(node(term), _LABEL, None)]
    literals = sorted(
        (name for name in names if isinstance(name, ox.Literal)),
        key=lambda name: (name.language != "en", name.language or "", name.value),
    )
    return literals[0].value if literals else term


def _concept_label(mappings: Mappings, concept: str) -> str:
    names = {
        (row["role"].value.endswith("prefLabel"), row["name"].language): row["name"].value
        for row in mappings.reader.rows("concept_names", concept=concept)
    }
    return str(names.get((True, "en")) or next(iter(names.values()), concept))


def _answer(mappings: Mappings, link: _Link) -> Answer:
    """What holds for a mapping after a decision about it."""
    now = mappings.files.read().find(link.subject, link.object)
    obeyed = mappings.table.obeyed(link.subject, link.object)
    return {
        **_about(link),
        "decision": mappings.state(now, obeyed),
        "snapshot": mappings.reader.snapshot.id,
    }


def _row(mappings: Mappings, row: Decision) -> Answer:
    obeyed = mappings.table.obeyed(row.subject, row.object)
    return {**_about(_link_of(row)), "decision": mappings.state(row, obeyed)}


def _about(link: _Link) -> Answer:
    return {
        "mapping": mapping_id(link.subject, link.predicate, link.object),
        "term": {"id": link.subject, "label": link.subject_label},
        "concept": {"id": link.object, "label": link.object_label},
        "predicate": link.predicate,
    }
