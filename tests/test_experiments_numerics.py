"""What experiments share: numerics against what is known of them, and words for parameters."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import Field, ValidationError

from mathgloss.experiments import Params, allowed_values
from mathgloss.experiments._contract import DISTINCT, RISING
from mathgloss.experiments._numerics import (
    Adam,
    DenseNetwork,
    arc_cosine_0,
    arc_cosine_1,
    descent_filter,
    draw_digits,
    fitted_exponent,
    group_table,
    irreducible_subspaces,
    softmax,
    tangent_kernel,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("leak", [0.0, 0.1])
def test_slopes_of_a_network_are_its_derivatives(rng: np.random.Generator, leak: float) -> None:
    network = DenseNetwork((3, 5, 4, 2), leak=leak)
    network.draw(rng)
    x, target = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))

    def loss(inputs: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        return float(((network.forward(inputs)[-1] - target) ** 2).sum() / 2)

    passed = network.forward(x)
    by_inputs = network.backward(passed, passed[-1] - target)
    slope = network.slope.copy()
    for place in rng.choice(len(slope), 10, replace=False):
        network.weights[place] += 1e-6
        above = loss(x)
        network.weights[place] -= 2e-6
        below = loss(x)
        network.weights[place] += 1e-6
        assert slope[place] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-7)
    moved = np.zeros_like(x)
    moved[2, 1] = 1e-6
    measured = (loss(x + moved) - loss(x - moved)) / 2e-6
    assert by_inputs[2, 1] == pytest.approx(measured, rel=1e-5)


def test_layers_are_views_into_the_weights() -> None:
    network = DenseNetwork((2, 3, 1), dtype=np.float32)
    assert [(w.shape, b.shape) for w, b in network.layers] == [((2, 3), (3,)), ((3, 1), (1,))]
    network.weights[:] = 1
    assert all((part == 1).all() for layer in network.layers for part in layer)
    assert network.forward(np.ones((4, 2), np.float32))[-1].dtype == np.float32


def test_adam_goes_by_its_rate_at_first_and_decay_shrinks_apart_from_the_gradient() -> None:
    weights = np.array([1.0, -2.0])
    Adam(weights).step(np.array([5.0, -0.1]), 0.01)
    assert weights == pytest.approx([0.99, -1.99], abs=1e-6)
    weights = np.array([1.0])
    Adam(weights, decay=0.5).step(np.zeros(1), 0.1)
    assert weights == pytest.approx([0.95])


def test_kernels_are_those_of_random_rectifiers(rng: np.random.Generator) -> None:
    u = np.array([-0.3, 0.5])
    first = rng.normal(size=400_000)
    for place, correlation in enumerate(u):
        second = correlation * first + np.sqrt(1 - correlation**2) * rng.normal(size=len(first))
        both = (first > 0) & (second > 0)
        assert arc_cosine_0(u)[place] == pytest.approx(2 * both.mean(), abs=0.01)
        product = 2 * (first.clip(min=0) * second.clip(min=0)).mean()
        assert arc_cosine_1(u)[place] == pytest.approx(product, abs=0.01)
    assert tangent_kernel(np.ones(1)) == pytest.approx([2])


def test_the_filter_is_what_gradient_descent_does() -> None:
    eigenvalues, found = np.array([0.1, 2.0]), np.zeros(2)
    for _ in range(7):
        found += 0.3 * (1 - eigenvalues * found)
    assert descent_filter(eigenvalues, 0.3, 7) == pytest.approx(found)


def test_softmax_sums_to_one_however_large_the_logits() -> None:
    shares = softmax(np.array([[1e4, 1e4, -1e4]]))
    assert shares == pytest.approx(np.array([[0.5, 0.5, 0]]))


def test_the_exponent_of_a_power_law_is_found() -> None:
    assert fitted_exponent([1, 2, 4], [3, 3 / 4, 3 / 16]) == pytest.approx(-2)


def test_parts_of_the_digits_do_not_overlap(rng: np.random.Generator) -> None:
    train, test = draw_digits((1_000, 797), rng)
    assert train.images.shape == (1_000, 64)
    assert test.images.max() == 1
    assert np.bincount(np.append(train.truth, test.truth)).sum() == 1_797
    with pytest.raises(ValueError, match="at most 1797"):
        draw_digits((1_797, 1), rng)


def test_the_regular_representation_has_each_irreducible_one_by_its_dimension(
    rng: np.random.Generator,
) -> None:
    dimensions = [copies[0].shape[1] for copies in irreducible_subspaces(group_table("S_4"), rng)]
    assert sorted(dimensions) == [1, 1, 2, 3, 3]


class Lists(Params):
    """Parameters that are lists."""

    widths: Annotated[tuple[int, ...], RISING] = Field((1, 2), description="Widths")
    names: Annotated[tuple[str, ...], DISTINCT] = Field(("a",), description="Names")


@pytest.mark.parametrize(
    ("given", "message"),
    [({"widths": (2, 1)}, "values that rise"), ({"widths": (1, 1)}, "values that rise"),
     ({"names": ("a", "b", "a")}, "each at most once")],
)  # fmt: skip
def test_lists_that_must_rise_or_be_distinct_are_refused(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Lists.model_validate(given)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, "1 to 9"),
        ({"type": "number", "exclusiveMinimum": 0}, "above 0"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "above 0, up to 1"),
        ({"type": "number", "maximum": 2.5}, "up to 2.5"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "string", "enum": ["a", "b"]}, "one of a, b"),
        (
            {"type": "array", "minItems": 1, "maxItems": 3, "items": {"minimum": 0, "maximum": 1}},
            "1 to 3 values, each 0 to 1",
        ),
        ({"type": "array", "items": {"type": "string"}}, "at least 0 values"),
        ({"type": "string"}, ""),
    ],
)
def test_allowed_values_are_told_in_words(schema: dict[str, Any], words: str) -> None:
    assert allowed_values(schema) == words
