"""The trained part of the linker: two logistic regressions, kept as plain numbers.

The first gives each candidate the probability that it is the one; the second, the probability that
the best of them is right. It knows what the first cannot: how far the runner-up is behind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathgloss.errors import DataNotFoundError, InputError
from mathgloss.linking.features import DENSE, FEATURES, Table

FORMAT: Final = 1
BUNDLED_MODEL: Final = Path(__file__).with_name("linker.json")
_FLOOR: Final = 1e-4

Matrix = NDArray[np.float64]

# what the second stage looks at besides the first stage's probabilities
_OF_FIRST: Final = (
    "same_preferred", "same_alternative", "same_english", "same_related", "same_among_several",
    "same_word", "meaning", "spelling", "term_words_missing", "name_words_extra", "other_is_same",
    "in_core", "best_known_same", "qualifier_only_in_name", "qualifier_only_in_term",
    "same_word_among_several", "alternative_word", "same_words", "lacks_generic_head", "sitelink",
    "changes_kind", "overlap", "standing_gap", "named", "description",
)  # fmt: skip
SECOND: Final = ("first", "second", "lead", "sum", "same_name_behind", *_OF_FIRST)
_SAME: Final = FEATURES.index("same_related") + 1
_PLACES: Final = [FEATURES.index(name) for name in _OF_FIRST]


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """A logistic regression on standardised features."""

    features: tuple[str, ...]
    mean: Matrix
    scale: Matrix
    weights: Matrix
    bias: float

    def __call__(self, values: Matrix) -> Matrix:
        """Probability of each row; (n,) for (n, len(features))."""
        logit = ((values - self.mean) / self.scale) @ self.weights + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -30, 30))))


@dataclass(frozen=True, slots=True)
class Profile:
    """Both stages, for terms of one kind with or without an encoder."""

    first: Logistic
    second: Logistic
    dense: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ranking of one term's candidates.

    Attributes:
        order: rows of the table, the likeliest first.
        probabilities: that each of these is the one, the first from the second stage.
    """

    order: NDArray[np.int64]
    probabilities: Matrix


class Zones(NamedTuple):
    """From which probability on a link is taken without asking anybody, and from which it is shown.

    Below ``review`` there is no link.
    """

    accept: float
    review: float


@dataclass(frozen=True, slots=True)
class RankingModel:
    """The trained artefact.

    Attributes:
        profiles: by name, see :func:`profile_name`.
        zones: where the zones begin, with an encoder ("dense") and without ("lexical").
        encoder: fingerprint of the encoder whose cosines it was trained on, empty if none.
        latin_only: whether that encoder reads Latin script alone.
        made: what it was trained from, with what code and scores.
    """

    profiles: dict[str, Profile]
    zones: dict[str, Zones]
    encoder: str
    latin_only: bool
    made: dict[str, Any]


def evidence_kind(*, dense: bool) -> str:
    """With what terms are compared: names and meaning, or names alone."""
    return "dense" if dense else "lexical"


def profile_name(lang: str, *, dense: bool) -> str:
    """Which profile is for terms of a language."""
    return f"{'english' if lang == 'en' else 'other'}-{evidence_kind(dense=dense)}"


def columns(*, dense: bool) -> list[int]:
    """The feature columns that a first stage uses."""
    return [place for place, name in enumerate(FEATURES) if dense or name not in DENSE]


def second_values(first: Matrix, values: Matrix) -> list[float]:
    """The second stage's features of one term.

    Args:
        first: its candidates' probabilities by the first stage, falling.
        values: their features, in that order.
    """
    best = first[0]
    next_best = first[1] if len(first) > 1 else _FLOOR
    a, b = _logit(best), _logit(next_best)
    same = float(values[1:, :_SAME].max()) if len(first) > 1 else 0.0
    return [a, b, a - b, float(min(first.sum(), 2.0)), same, *values[0, _PLACES]]


def _logit(probability: float) -> float:
    held = min(max(float(probability), _FLOOR), 1 - _FLOOR)
    return math.log(held / (1 - held))


def rank(table: Table, profiles: Sequence[Profile], kinds: NDArray[np.int64]) -> list[Verdict]:
    """The verdict on each term of a table.

    Args:
        table: candidates and features of n terms.
        profiles: the profiles in use.
        kinds: (n,) which of them each term takes.
    """
    terms = len(kinds)
    term = np.repeat(np.arange(terms), np.diff(table.starts))
    first = np.zeros(len(table.concepts))
    for kind, profile in enumerate(profiles):
        mine = kinds[term] == kind
        first[mine] = profile.first(table.values[mine][:, columns(dense=profile.dense)])
    order = np.lexsort((np.arange(len(first)), -first, term))
    orders = [order[table.starts[n] : table.starts[n + 1]] for n in range(terms)]
    asked = np.flatnonzero(np.diff(table.starts))
    seconds = np.array([
        second_values(first[orders[n]], table.values[orders[n]]) for n in asked
    ]).reshape(len(asked), len(SECOND))
    sure = np.zeros(terms)
    for kind, profile in enumerate(profiles):
        mine = kinds[asked] == kind
        sure[asked[mine]] = profile.second(seconds[mine])
    verdicts = []
    for n, held in enumerate(orders):
        # the others share what the first leaves
        others = np.minimum(first[held[1:]], min(sure[n], 1.0 - sure[n]))
        verdicts.append(Verdict(held, np.concatenate([sure[n : n + 1][: len(held)], others])))
    return verdicts


def load_model(path: Path = BUNDLED_MODEL) -> RankingModel:
    """Read a trained artefact.

    Raises:
        DataNotFoundError: it is not there.
        InputError: it is not an artefact of this version's features.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataNotFoundError(
            f"{path}: expected a trained linker; make one with 'mathgloss train linker'"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a trained linker (JSON), got {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"{path}: expected a trained linker of format {FORMAT}; train it again")
    try:
        profiles = {name: _profile(name, held) for name, held in data["profiles"].items()}
        model = RankingModel(
            profiles=profiles,
            zones={name: Zones(**held) for name, held in data["zones"].items()},
            encoder=data["encoder"],
            latin_only=bool(data["latin_only"]),
            made=data["made"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a whole trained linker: {error!r}; train it again"
        ) from error
    _check(path, model)
    return model


def _check(path: Path, model: RankingModel) -> None:
    kinds = (False, True) if model.encoder else (False,)
    needed = {profile_name(lang, dense=dense) for lang in ("en", "mul") for dense in kinds}
    if missing := sorted(needed - model.profiles.keys()):
        raise InputError(f"{path}: expected the profiles {', '.join(missing)}; train it again")
    for name, profile in model.profiles.items():
        wanted = tuple(FEATURES[place] for place in columns(dense=profile.dense))
        if profile.first.features != wanted or profile.second.features != SECOND:
            raise InputError(f"{path}: {name}: made for other features; train it again")


def _profile(name: str, data: dict[str, Any]) -> Profile:
    dense = name.endswith("dense")
    return Profile(_logistic(data["first"]), _logistic(data["second"]), dense)


def _logistic(data: dict[str, Any]) -> Logistic:
    weights = data["weights"]
    return Logistic(
        features=tuple(weights),
        mean=np.array([row["mean"] for row in weights.values()], np.float64),
        scale=np.array([row["scale"] for row in weights.values()], np.float64),
        weights=np.array([row["weight"] for row in weights.values()], np.float64),
        bias=float(data["bias"]),
    )


def dump_model(model: RankingModel) -> str:
    """The artefact as JSON text, one weight a line."""

    def logistic(held: Logistic) -> dict[str, Any]:
        rows = zip(held.features, held.mean, held.scale, held.weights, strict=True)
        return {
            "bias": round(held.bias, 6),
            "weights": {
                name: {"weight": _short(w), "mean": _short(m), "scale": _short(s)}
                for name, m, s, w in rows
            },
        }

    data = {
        "format": FORMAT,
        "made": model.made,
        "encoder": model.encoder,
        "latin_only": model.latin_only,
        "zones": {name: held._asdict() for name, held in model.zones.items()},
        "profiles": {
            name: {"first": logistic(held.first), "second": logistic(held.second)}
            for name, held in model.profiles.items()
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _short(value: float) -> float:
    return round(float(value), 6)
