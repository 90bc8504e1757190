"""Claims that a term means a concept, held against the graph: confirmed, contradicted or unknown.

A term is an identifier (a source's term, a Lean declaration, a concept) or a name. The graph is
asked, not a model: what neither a mapping nor a name speaks for or against stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mathgloss import ids, vocab
from mathgloss.answers.languages import ENGLISH, reference, shown_names
from mathgloss.answers.paging import Answer
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.index import LabelIndex
from mathgloss.graph.reader import Reader, Row, short_name
from mathgloss.normalize import normalize

MAX_CLAIMS: Final = 100
MAX_CLAIM_CHARS: Final = 500
_SHOWN_OTHERS: Final = 5
_SOURCE: Final = ids.BASE + "source/"
_ACCEPTED: Final = frozenset({"curated", "predicted"})

CONFIRMED: Final = "confirmed"
CONTRADICTED: Final = "contradicted"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Claim:
    """That ``term`` means ``concept``; each an identifier or a name."""

    term: str
    concept: str


@dataclass(frozen=True, slots=True)
class Known:
    """One row of a mapping of a term."""

    term: str
    concept: str
    predicate: str
    set: str
    confidence: float
    evidence: Answer

    @property
    def means(self) -> bool:
        """Whether the row says that the term means the concept, exactly or nearly."""
        return self.set in _ACCEPTED and self.predicate != vocab.BROAD_MATCH


@dataclass(slots=True)
class Finding:
    """What the graph says of one claim."""

    verdict: str
    reason: str
    rows: Sequence[Known] = ()
    instead: Sequence[str] = field(default=())


def verify(
    reader: Reader, index: LabelIndex, resolve: Callable[[str], str], claims: Sequence[Claim]
) -> Answer:
    """Each claim with its verdict, the evidence, and what the graph says instead.

    Args:
        reader: reads the snapshot.
        index: its names.
        resolve: the concept that an identifier or name stands for.
        claims: at most ``MAX_CLAIMS``.

    Raises:
        InputError: no claim, too many, or one that is empty or too long.
    """
    if not 1 <= len(claims) <= MAX_CLAIMS:
        raise InputError(f"claims: expected 1 to {MAX_CLAIMS}, got {len(claims)}")
    for place, claim in enumerate(claims):
        for name, text in (("term", claim.term), ("concept", claim.concept)):
            if not 1 <= len(text.strip()) <= MAX_CLAIM_CHARS:
                raise InputError(
                    f"claims[{place}].{name}: expected 1 to {MAX_CLAIM_CHARS} characters, "
                    f"got {len(text.strip())}"
                )
    judge = _Judge(reader, index, resolve)
    verified = [judge.verify(claim) for claim in claims]
    return {
        "claims": verified,
        "counts": {
            verdict: sum(claim["verdict"] == verdict for claim in verified)
            for verdict in (CONFIRMED, CONTRADICTED, UNKNOWN)
        },
        "snapshot": reader.snapshot.id,
    }


class _Judge:
    """Holds claims against one snapshot."""

    def __init__(self, reader: Reader, index: LabelIndex, resolve: Callable[[str], str]) -> None:
        self._reader = reader
        self._index = index
        self._resolve = resolve

    def verify(self, claim: Claim) -> Answer:
        identifier = _identifier(claim.term)
        try:
            concept = self._resolve(claim.concept)
        except NotFoundError as error:
            finding = Finding(UNKNOWN, str(error))
            target = _identifier(claim.concept)
            if identifier is not None and target is not None:
                # a term may be mapped elsewhere, or rejected for what is no concept here
                mapped = self._of_identifier(identifier, target)
                finding = mapped if mapped.verdict == CONTRADICTED and mapped.rows else finding
            return self._answer(claim, None, finding)
        if identifier is None:
            finding = self._of_name(claim.term, concept)
        else:
            finding = self._of_identifier(identifier, concept)
        return self._answer(claim, concept, finding)

    # ------------------------------------------------------------------------ by identifier

    def _of_identifier(self, term: str, concept: str) -> Finding:
        if term == concept:
            return Finding(CONFIRMED, f"{term} is the concept itself")
        topics = self._topics(term)
        rows = [row for topic in topics for row in self._rows_of_term(topic)]
        finding = _from_rows(term, concept, rows)
        if finding.verdict == CONTRADICTED or finding.rows:
            return finding
        themselves = [topic for topic in topics if self._is_concept(topic)]
        if concept in themselves:
            return Finding(CONFIRMED, f"{concept} is formalised as {term}")
        if themselves:
            return Finding(
                CONTRADICTED, f"{themselves[0]} is a concept of its own", instead=themselves
            )
        return finding

    def _topics(self, term: str) -> list[str]:
        """The terms that speak for an identifier: itself, or what a declaration formalises."""
        if not term.startswith("lean:"):
            return [term]
        rows = self._reader.rows("formalised_topics", declaration=term)
        return [ids.curie(row["topic"].value) for row in rows]

    def _is_concept(self, identifier: str) -> bool:
        return bool(self._index.preferred([identifier]))

    def _rows_of_term(self, term: str) -> list[Known]:
        rows = self._reader.rows("term_mappings", term=term)
        return sorted((_known(row) for row in rows), key=_order)

    # ------------------------------------------------------------------------------ by name

    def _of_name(self, name: str, concept: str) -> Finding:
        words = normalize(name)
        rows = [
            _known(row)
            for row in self._reader.rows("concept_links", concept=concept)
            if normalize(row["label"].value) == words
        ]
        finding = _from_rows(repr(name), concept, sorted(rows, key=_order))
        if finding.rows and finding.verdict != UNKNOWN:
            return finding
        carriers = self._index.exact(name)
        others = [carrier for carrier in carriers if carrier != concept]
        if concept in carriers:
            reason = f"{name!r} is a name of {concept}"
            if others:
                reason += f"; {len(others)} other concept(s) have that name too"
            return Finding(CONFIRMED, reason, finding.rows, others)
        if others:
            reason = f"{name!r} is a name of other concepts, not of {concept}"
            return Finding(CONTRADICTED, reason, finding.rows, others)
        if not finding.rows and not any(char.isspace() for char in name.strip()):
            formal = self._of_identifier(f"lean:{name.strip()}", concept)
            if formal.rows or formal.verdict != UNKNOWN:
                return formal
        return finding

    # ------------------------------------------------------------------------------- answer

    def _answer(self, claim: Claim, concept: str | None, finding: Finding) -> Answer:
        others = list(finding.instead)[:_SHOWN_OTHERS]
        near = self._near(claim) if finding.verdict == UNKNOWN else []
        meant = [] if concept is None else [concept]
        names = shown_names(self._index, [*meant, *others, *near], ENGLISH)
        return {
            "term": claim.term,
            "concept": claim.concept,
            "means": reference(concept, names[concept]) if concept is not None else None,
            "verdict": finding.verdict,
            "reason": finding.reason,
            "evidence": [_evidence(row) for row in finding.rows],
            "instead": [reference(other, names[other]) for other in others],
            "nearest": [reference(other, names[other]) for other in near],
        }

    def _near(self, claim: Claim) -> list[str]:
        """Concepts whose names come near a term of which nothing is known."""
        text = claim.term.rpartition(":")[2].replace("+", " ").replace("_", " ")[:100]
        return [hit.concept for hit in self._index.search(text, limit=_SHOWN_OTHERS)]


def _from_rows(term: str, concept: str, rows: Iterable[Known]) -> Finding:
    """The verdict of a term's mappings alone; a rejection outweighs all else."""
    about = [row for row in rows if row.concept == concept]
    elsewhere = [row for row in rows if row.concept != concept and row.means]
    instead = list(dict.fromkeys(row.concept for row in elsewhere))
    if rejected := [row for row in about if row.set == "rejected"]:
        return Finding(CONTRADICTED, f"{term} was rejected for {concept}", rejected, instead)
    if meant := [row for row in about if row.means]:
        return Finding(CONFIRMED, f"{term} is mapped to {concept}", meant)
    if elsewhere:
        reason = f"{term} is mapped to another concept"
        return Finding(CONTRADICTED, reason, elsewhere, instead)
    if kinds := [row for row in about if row.set in _ACCEPTED]:
        return Finding(CONTRADICTED, f"{term} is only a kind of {concept}", kinds)
    if about:
        return Finding(UNKNOWN, f"{term} may mean {concept}: nobody is sure", about)
    return Finding(UNKNOWN, f"the graph says nothing of {term}")


def _known(row: Row) -> Known:
    return Known(
        term=ids.curie(row["term"].value),
        concept=ids.curie(row["concept"].value),
        predicate=short_name(row["predicate"].value),
        set=row["set"].value,
        confidence=float(row["confidence"].value),
        evidence={
            "source": row["evidence_source"].value.removeprefix(_SOURCE),
            "justification": short_name(row["justification"].value),
            "detail": row["detail"].value,
        },
    )


def _order(row: Known) -> tuple[str, str, str, str, str]:
    return (row.set, row.term, row.concept, row.evidence["source"], row.evidence["detail"])


def _evidence(row: Known) -> Answer:
    return {
        "term": row.term,
        "concept": row.concept,
        "predicate": row.predicate,
        "set": row.set,
        "confidence": row.confidence,
        **row.evidence,
    }


def _identifier(text: str) -> str | None:
    """The identifier that a text is; ``None`` if it is a name."""
    try:
        return ids.canonical(text)
    except InputError:
        return None
