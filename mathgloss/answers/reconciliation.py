"""Reconciliation: from rows of somebody's table to concepts, with scores that mean something.

A score is 100 times the probability that the candidate is the one meant, by the linker's calibrated
judgement of the name. Properties given beside the name shift the odds by fixed factors. ``match``
is said only of the best candidate, and only where the linker would take it without asking.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mathgloss import ids
from mathgloss.answers.extension import Suggested, Wanted, extend, propose, suggest
from mathgloss.answers.kinds import Kinds, read_kinds
from mathgloss.answers.languages import Shown, language_chain, shown_names
from mathgloss.answers.matching import MAX_MATCHES, Feature, Match, TermMatcher
from mathgloss.answers.paging import Answer
from mathgloss.answers.properties import PROPERTIES, PropertyIndex
from mathgloss.errors import NotFoundError
from mathgloss.linking.candidates import Query
from mathgloss.linking.pools import POOLS, Pool, read_pool

if TYPE_CHECKING:
    from mathgloss.answers.service import Answers

Quantifier: TypeAlias = Literal["any", "all", "none"]
TypeRule: TypeAlias = Literal["any", "all", "should"]

DEFAULT_LIMIT: Final = 5
MAX_DESCRIPTION_CHARS: Final = 300
# By how much the odds of a candidate rise if it has the value that was given: for a property whose
# value belongs to one concept alone, and for any other. By the latter they fall if it has others.
IDENTIFYING_FACTOR: Final = 1_000.0
FACTOR: Final = 10.0
# of a candidate that nothing but a property speaks for
_BY_PROPERTY: Final = 0.02
_MOST: Final = 0.9999
_FEATURE_NAMES: Final = {
    "same_name": "Has exactly this name",
    "preferred_name": "It is the preferred name",
    "same_words": "Has a name of the same words",
    "shared_name": "Other concepts have this name, too",
    "qualifier_agrees": "The word in parentheses fits",
    "encyclopedic": "English Wikipedia has an article on it",
    "spelling": "Share of letter trigrams in common",
    "word_overlap": "Share of words in common, rare ones count more",
    "identifier": "The query is its identifier",
}


@dataclass(frozen=True, slots=True)
class NameCondition:
    """Names of which any, all or none is to be the candidate's."""

    values: tuple[str, ...]
    quantifier: Quantifier = "any"


@dataclass(frozen=True, slots=True)
class PropertyCondition:
    """Values of which any, all or none is to be the candidate's."""

    property: str
    values: tuple[str, ...]
    quantifier: Quantifier = "any"
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TermQuery:
    """What one row of a table says of the concept that is looked for.

    Attributes:
        lang: of the names; empty if it is not known.
        types: candidates must have one of them, all of them, or need not, as ``type_rule`` says.
    """

    names: tuple[NameCondition, ...] = ()
    properties: tuple[PropertyCondition, ...] = ()
    types: tuple[str, ...] = ()
    type_rule: TypeRule = "any"
    lang: str = ""
    limit: int = DEFAULT_LIMIT


@dataclass(slots=True)
class _Held:
    """A candidate while evidence is gathered."""

    probability: float
    certain: bool
    features: dict[str, Feature] = field(default_factory=dict)


class Reconciler:
    """Reconciles against one snapshot; what it needs is loaded when it is first needed.

    Attributes:
        is_ready: whether what matching needs is loaded.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.is_ready = False
        self._lock = threading.RLock()

    @cached_property
    def _matcher(self) -> TermMatcher:
        path = self._answers.snapshot.path / POOLS
        return TermMatcher(read_pool(path, Pool.ITEMS), read_pool(path, Pool.MINTED))

    @cached_property
    def _values(self) -> PropertyIndex:
        return PropertyIndex(self._answers.reader, self._answers.index)

    @cached_property
    def kinds(self) -> Kinds:
        """The types of all concepts."""
        answers = self._answers
        return read_kinds(answers.reader, answers.index)

    def warm(self) -> None:
        """Load what matching needs; takes a second the first time.

        Raises:
            DataNotFoundError: the snapshot has no catalogues.
        """
        with self._lock:
            _ = self._matcher, self.kinds
            self.is_ready = True

    def reconcile(self, queries: Sequence[TermQuery]) -> Answer:
        """The candidates of each query, in order, the likeliest first."""
        self.warm()
        texts = [
            Query(name, query.lang)
            for query in queries
            for condition in query.names
            for name in condition.values
        ]
        found = dict(zip(texts, self._matcher.match(texts), strict=True))
        chosen = [self._choose(query, found) for query in queries]
        names = self._shown(queries, chosen)
        return {
            "results": [
                {
                    "candidates": [
                        self._candidate(concept, held, names[query.lang][concept])
                        for concept, held in candidates
                    ]
                }
                for query, candidates in zip(queries, chosen, strict=True)
            ],
            "snapshot": self._answers.snapshot.id,
        }

    def suggest(self, what: Suggested, prefix: str, *, offset: int, limit: int) -> Answer:
        """Entities, properties or types whose names begin so; see :mod:`.extension`."""
        return suggest(self._answers, self.kinds, what, prefix, offset=offset, limit=limit)

    def propose(self, kind: str, limit: int | None) -> Answer:
        """Properties to extend concepts of a type with; see :mod:`.extension`."""
        return propose(self._answers, kind, limit)

    def extend(self, concepts: Sequence[str], wanted: Sequence[Wanted]) -> Answer:
        """Values of properties of concepts; see :mod:`.extension`."""
        return extend(self._answers, concepts, wanted)

    # --------------------------------------------------------------------------------- evidence

    def _choose(
        self, query: TermQuery, found: Mapping[Query, Sequence[Match]]
    ) -> list[tuple[str, _Held]]:
        candidates = self._by_name(query, found)
        for condition in query.properties:
            self._weigh(candidates, condition, named=bool(query.names))
        ordered = sorted(
            (item for item in candidates.items() if self._has_type(item[0], query)),
            key=lambda item: (-item[1].probability, item[0]),
        )
        for _, held in ordered[1:]:
            held.certain = False
        return ordered[: min(query.limit, MAX_MATCHES)]

    def _by_name(
        self, query: TermQuery, found: Mapping[Query, Sequence[Match]]
    ) -> dict[str, _Held]:
        """The candidates that the names give; several conditions must all hold."""
        merged: dict[str, _Held] | None = None
        for condition in query.names:
            each = [self._of_name(Query(name, query.lang), found) for name in condition.values]
            held = _quantified(each, condition.quantifier, merged)
            merged = held if merged is None else _both(merged, held)
        return merged or {}

    def _of_name(self, query: Query, found: Mapping[Query, Sequence[Match]]) -> dict[str, _Held]:
        if concept := self._identified(query.label):
            return {concept: _Held(1.0, certain=True, features={"identifier": True})}
        return {
            match.concept: _Held(match.probability, match.certain, dict(match.features))
            for match in found[query]
        }

    def _identified(self, text: str) -> str | None:
        """The concept, if the text is an identifier and one answers to it."""
        if not (ids.is_qid(text) or ":" in text) or any(char.isspace() for char in text):
            return None
        try:
            return self._answers.resolve(text)
        except NotFoundError:
            return None

    def _weigh(
        self, candidates: dict[str, _Held], condition: PropertyCondition, *, named: bool
    ) -> None:
        """Let a property speak for and against the candidates, and perhaps bring in more."""
        with self._lock:
            values = self._values
        holders = [values.holders(condition.property, value) for value in condition.values]
        agreeing = (
            set.intersection(*holders) if condition.quantifier == "all" else set().union(*holders)
        )
        known = PROPERTIES.get(condition.property)
        identifies = known is not None and known.identifies
        if condition.quantifier != "none" and (identifies or not (named or candidates)):
            self._bring_in(candidates, agreeing, identifies=identifies, named=named)
        factor = IDENTIFYING_FACTOR if identifies else FACTOR
        for concept, held in list(candidates.items()):
            agrees = (concept in agreeing) != (condition.quantifier == "none")
            held.features[f"property:{condition.property}"] = agrees
            if agrees and named:
                held.probability = _shifted(held.probability, factor)
                sure = held.probability >= self._matcher.accept
                held.certain = held.certain or (sure and identifies and len(agreeing) == 1)
            elif not agrees and condition.required:
                del candidates[concept]
            elif not agrees and values.has_any(condition.property, concept):
                held.probability = _shifted(held.probability, 1 / FACTOR)
                held.certain = False

    @staticmethod
    def _bring_in(
        candidates: dict[str, _Held], concepts: set[str], *, identifies: bool, named: bool
    ) -> None:
        """Candidates that a property alone speaks for: certain if it can be no other."""
        alone = min(_MOST, 1 / max(1, len(concepts)))
        for concept in sorted(concepts, key=lambda name: (len(name), name))[:MAX_MATCHES]:
            if concept not in candidates:
                certain = identifies and not named and len(concepts) == 1
                candidates[concept] = _Held(_BY_PROPERTY if named else alone, certain)

    def _has_type(self, concept: str, query: TermQuery) -> bool:
        if not query.types or query.type_rule == "should":
            return True
        own = self.kinds.of(concept)
        rule: Callable[[Iterable[bool]], bool] = all if query.type_rule == "all" else any
        return rule(kind in own for kind in query.types)

    # -------------------------------------------------------------------------------- rendering

    def _shown(
        self, queries: Sequence[TermQuery], chosen: Sequence[list[tuple[str, _Held]]]
    ) -> dict[str, dict[str, Shown]]:
        by_lang: dict[str, list[str]] = defaultdict(list)
        for query, candidates in zip(queries, chosen, strict=True):
            by_lang[query.lang] += [concept for concept, _ in candidates]
        index = self._answers.index
        return {
            lang: shown_names(index, concepts, language_chain(lang))
            for lang, concepts in by_lang.items()
        }

    def _candidate(self, concept: str, held: _Held, shown: Shown) -> Answer:
        description = self._matcher.description(concept)
        return {
            "id": concept,
            "name": shown.label,
            **({"lang": shown.lang} if shown.lang not in {"und", "mul"} else {}),
            **({"description": description[:MAX_DESCRIPTION_CHARS]} if description else {}),
            "type": self.kinds.described(concept),
            "score": round(100 * held.probability, 2),
            "match": held.certain,
            "features": [
                {"id": name, "name": _feature_name(name), "value": value}
                for name, value in held.features.items()
            ],
        }


def _feature_name(name: str) -> str:
    kind, _, of = name.partition(":")
    if kind != "property" or not of:
        return _FEATURE_NAMES[name]
    return f"{PROPERTIES[of].name if of in PROPERTIES else of} agrees"


def _shifted(probability: float, factor: float) -> float:
    held = min(probability, _MOST)
    odds = held / (1 - held) * factor
    return odds / (1 + odds)


def _both(first: dict[str, _Held], second: dict[str, _Held]) -> dict[str, _Held]:
    """The candidates of two conditions that must hold together."""
    return {
        concept: replace(
            held,
            probability=min(held.probability, second[concept].probability),
            certain=held.certain and second[concept].certain,
        )
        for concept, held in first.items()
        if concept in second
    }


def _quantified(
    each: Sequence[dict[str, _Held]], quantifier: Quantifier, others: dict[str, _Held] | None
) -> dict[str, _Held]:
    """The candidates of one condition: any of its names, all of them, or none."""
    if quantifier == "none":
        named = {concept for held in each for concept, one in held.items() if one.certain}
        return {name: held for name, held in (others or {}).items() if name not in named}
    if quantifier == "all":
        merged = each[0]
        for held in each[1:]:
            merged = _both(merged, held)
        return merged
    best: dict[str, _Held] = {}
    for held in each:
        for concept, one in held.items():
            if concept not in best or one.probability > best[concept].probability:
                best[concept] = one
    return best
