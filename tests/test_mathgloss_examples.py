"""The stored example queries: each is well-formed, answers, and has the columns it promises."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from mathgloss.answers.service import Answers
from mathgloss.graph.query_guard import refuse_unsafe
from mathgloss.graph.stored_examples import THEMES, Example, example_queries

EXAMPLES = example_queries()


def run(answers: Answers, example: Example) -> ox.QuerySolutions:
    solutions = answers.snapshot.store.query(example.query, use_default_graph_as_union=True)
    assert isinstance(solutions, ox.QuerySolutions)
    return solutions


def test_there_are_twenty_in_all_themes() -> None:
    assert len(EXAMPLES) >= 20
    assert {example.theme for example in EXAMPLES} == set(THEMES)
    assert len({example.title for example in EXAMPLES}) == len(EXAMPLES)
    assert all(example.about.endswith(".") for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_query_is_allowed_and_has_the_columns_it_promises(
    answers: Answers, example: Example
) -> None:
    refuse_unsafe(example.query)
    solutions = run(answers, example)
    assert tuple(variable.value for variable in solutions.variables) == example.columns
    list(solutions)


@pytest.mark.parametrize(
    ("name", "column", "found"),
    [
        ("names-of-a-concept", "name", "abelian group"),
        ("definitions-side-by-side", "licence", "CC0-1.0"),
        ("why-is-this-linked", "set", "curated"),
        ("graph-sizes", "graph", "https://w3id.org/mathgloss/graph/concepts"),
        ("classes-and-properties", "class", "http://www.w3.org/2004/02/skos/core#Concept"),
    ],
)
def test_query_finds_what_the_small_world_holds(
    answers: Answers, name: str, column: str, found: str
) -> None:
    example = next(example for example in EXAMPLES if example.name == name)
    assert found in {row[column].value for row in run(answers, example)}
