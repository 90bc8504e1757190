"""Training the linker: from alignments made by hand to the numbers of :mod:`ranking`.

Deterministic: folds are cut by a hash of the item, the optimiser starts at zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mathgloss.errors import InputError
from mathgloss.linking.candidates import Query, read_query
from mathgloss.linking.catalogue import Catalogue
from mathgloss.linking.features import FEATURES
from mathgloss.linking.gold import GoldTerm
from mathgloss.linking.linker import Linker
from mathgloss.linking.meaning import Meaning
from mathgloss.linking.ranking import (
    SECOND,
    Logistic,
    Profile,
    RankingModel,
    Zones,
    columns,
    evidence_kind,
    profile_name,
    second_values,
)

FOLDS: Final = 5
MIN_EXAMPLES: Final = 30
# share of nLab's concepts that have no item (random sample, judged by hand)
NATURAL_NONE: Final = 0.61
ACCEPT_PRECISION: Final = 0.98
# never ask about, or link, what is likelier wrong than right
REVIEW_LIMIT: Final = 0.5
FIRST_STRENGTH: Final = 0.3
SECOND_STRENGTH: Final = 0.1

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """The candidates of one term whose right answer is known.

    Attributes:
        group: examples of one group never stand on both sides of a fold.
        values: (m, len(FEATURES)).
        right: (m,) whether each candidate is the item; all false if the term has none.
        weight: how much it counts.
    """

    group: str
    values: Matrix
    right: NDArray[np.bool_]
    weight: float = 1.0


def fold(group: str, folds: int = FOLDS) -> int:
    """The fold of a group: the same in every run."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") % folds


def outer_fold(group: str) -> int:
    """The fold of a group in cross-validation; the folds inside training are cut otherwise."""
    return fold(group + "/cv")


def group_of(term: GoldTerm) -> str:
    """Terms of one item, or without one but of one name, are never on both sides of a fold."""
    return term.item or f"none/{read_query(Query(term.label, term.lang)).text}"


def train_profile(examples: Sequence[Example], *, dense: bool) -> Profile:
    """Both stages; the second learns from first stages that had not seen its examples."""
    usable = [example for example in examples if len(example.values)]
    first = _first(usable, dense=dense)
    rows, right, weights = [], [], []
    for place in range(FOLDS):
        seen = [example for example in usable if fold(example.group) != place]
        held_out = [example for example in usable if fold(example.group) == place]
        if not held_out:
            continue
        partial = _first(seen, dense=dense)
        for example in held_out:
            values, is_right = _second_example(partial, example, dense=dense)
            rows.append(values)
            right.append(is_right)
            weights.append(example.weight)
    second = _fit(SECOND, np.array(rows), np.array(right), np.array(weights), SECOND_STRENGTH)
    return Profile(first, second, dense)


def _first(examples: Sequence[Example], *, dense: bool) -> Logistic:
    used = columns(dense=dense)
    names = tuple(FEATURES[place] for place in used)
    values = np.vstack([example.values[:, used] for example in examples])
    right = np.concatenate([example.right for example in examples])
    weights = np.concatenate([np.full(len(e.right), e.weight) for e in examples])
    return _fit(names, values, right, weights, FIRST_STRENGTH)


def _second_example(first: Logistic, example: Example, *, dense: bool) -> tuple[list[float], bool]:
    chances = first(example.values[:, columns(dense=dense)])
    order = np.argsort(-chances, kind="stable")
    return second_values(chances[order], example.values[order]), bool(example.right[order[0]])


def _fit(
    names: tuple[str, ...],
    values: Matrix,
    right: NDArray[np.bool_],
    weights: Matrix,
    strength: float,
) -> Logistic:
    from sklearn.linear_model import LogisticRegression  # slow to import, needed only here

    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale == 0] = 1.0
    model = LogisticRegression(C=strength, max_iter=3000, tol=1e-6)
    model.fit((values - mean) / scale, right, sample_weight=weights)
    return Logistic(names, mean, scale, model.coef_[0].astype(float), float(model.intercept_[0]))


def judge(profile: Profile, example: Example) -> tuple[float, bool]:
    """The probability that the best candidate is right, and whether it is."""
    if not len(example.values):
        return 0.0, False
    values, is_right = _second_example(profile.first, example, dense=profile.dense)
    return float(profile.second(np.array([values]))[0]), is_right


def cross_validated(examples: Sequence[Example], *, dense: bool) -> list[tuple[float, bool]]:
    """For each example, in order, what a profile says that has not seen its group."""
    out: list[tuple[float, bool]] = [(0.0, False)] * len(examples)
    for place in range(FOLDS):
        mine = [n for n, example in enumerate(examples) if outer_fold(example.group) == place]
        if not mine:
            continue
        seen = [example for example in examples if outer_fold(example.group) != place]
        profile = train_profile(seen, dense=dense)
        for n in mine:
            out[n] = judge(profile, examples[n])
    return out


# ---------------------------------------------------------------------------------- from the gold


def train(
    gold: Sequence[GoldTerm],
    catalogue: Catalogue,
    meaning: Meaning | None,
    *,
    made: dict[str, Any],
) -> RankingModel:
    """Train all profiles, choose the thresholds, and measure by cross-validation.

    Raises:
        InputError: not enough gold to learn from.
    """
    profiles: dict[str, Profile] = {}
    scores: dict[str, dict[str, float]] = {}
    zones: dict[str, Zones] = {}
    for dense in (False, True) if meaning is not None else (False,):
        examples = _examples(gold, catalogue, meaning if dense else None)
        for english in (True, False):
            mine = [n for n, term in enumerate(gold) if (term.lang == "en") == english]
            kind = profile_name("en" if english else "mul", dense=dense)
            held = [examples[n] for n in mine]
            _check_enough(kind, held)
            profiles[kind] = train_profile(held, dense=dense)
            judged = cross_validated(held, dense=dense)
            terms = [gold[n] for n in mine]
            scores |= _scores(kind, terms, judged)
            if english:
                zones[evidence_kind(dense=dense)] = _zones(terms, judged)
    return RankingModel(
        profiles=profiles,
        zones=zones,
        encoder=meaning.encoder.fingerprint if meaning is not None else "",
        latin_only=meaning.latin_only if meaning is not None else True,
        made={**made, "scores": scores},
    )


def cross_fitted(
    gold: Sequence[GoldTerm], catalogue: Catalogue, meaning: Meaning | None, like: RankingModel
) -> list[RankingModel]:
    """For each outer fold the model that has not seen its terms, with the thresholds of ``like``.

    Raises:
        InputError: not enough gold to learn from.
    """
    dense = meaning is not None
    examples = _examples(gold, catalogue, meaning)
    models = []
    for place in range(FOLDS):
        profiles = {}
        for lang in ("en", "mul"):
            held = [
                example
                for example, term in zip(examples, gold, strict=True)
                if (term.lang == "en") == (lang == "en") and outer_fold(example.group) != place
            ]
            kind = profile_name(lang, dense=dense)
            if any(term.lang != "en" for term in gold) or lang == "en":
                _check_enough(kind, held)
                profiles[kind] = train_profile(held, dense=dense)
        models.append(replace(like, profiles=like.profiles | profiles))
    return models


def _examples(
    gold: Sequence[GoldTerm], catalogue: Catalogue, meaning: Meaning | None
) -> list[Example]:
    blank = RankingModel({}, {}, meaning.encoder.fingerprint if meaning else "", True, {})
    linker = Linker(catalogue, blank, meaning)
    queries = [Query(term.label, term.lang, term.definition) for term in gold]
    _, table = linker.table(queries)
    place = {name: n for n, name in enumerate(catalogue.ids)}
    examples = []
    for n, term in enumerate(gold):
        rows = slice(*table.starts[n : n + 2])
        examples.append(
            Example(
                group=group_of(term),
                values=table.values[rows],
                right=table.concepts[rows] == place.get(term.item or "", -1),
            )
        )
    return examples


def _check_enough(kind: str, examples: Sequence[Example]) -> None:
    right = sum(bool(example.right.any()) for example in examples)
    if right < MIN_EXAMPLES:
        raise InputError(
            f"{kind}: expected at least {MIN_EXAMPLES} terms whose item is in the snapshot, "
            f"got {right}; use more gold, or a snapshot with the items"
        )


def _zones(terms: Sequence[GoldTerm], judged: Sequence[tuple[float, bool]]) -> Zones:
    """From where to accept and from where to ask, at the natural share of terms without an item."""
    chance = np.array([row[0] for row in judged])
    right = np.array([row[1] for row in judged], float)
    none = np.array([not term.item for term in terms])
    weight = np.where(none, NATURAL_NONE / none.mean(), (1 - NATURAL_NONE) / (1 - none.mean()))
    order = np.argsort(-chance, kind="stable")
    linked = np.cumsum(weight[order])
    good = np.cumsum((weight * right)[order])
    precise = np.flatnonzero(good / linked >= ACCEPT_PRECISION)
    accept = float(chance[order[precise[-1]]]) if len(precise) else 1.0
    wanted = float(weight[~none].sum())
    f1 = 2 * good / (linked + wanted)
    review = min(float(chance[order[int(f1.argmax())]]), accept, REVIEW_LIMIT)
    return Zones(accept=round(accept, 4), review=round(review, 4))


def _scores(
    kind: str, terms: Sequence[GoldTerm], judged: Sequence[tuple[float, bool]]
) -> dict[str, dict[str, float]]:
    """P, R, F1 at one half and calibration error, of each source and language."""
    groups: dict[str, list[int]] = {}
    for n, term in enumerate(terms):
        groups.setdefault(f"{kind}/{term.source}/{term.lang}", []).append(n)
    out = {}
    for name, held in sorted(groups.items()):
        linked = [n for n in held if judged[n][0] >= REVIEW_LIMIT]
        good = sum(judged[n][1] for n in linked)
        wanted = sum(bool(terms[n].item) for n in held)
        out[name] = {
            "terms": len(held),
            "without_item": len(held) - wanted,
            "precision": round(good / max(1, len(linked)), 3),
            "recall": round(good / max(1, wanted), 3),
            "f1": round(2 * good / max(1, len(linked) + wanted), 3),
        }
    return out
