"""Graphs held against the SHACL shapes, in this process and by several."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from mathgloss import vocab
from mathgloss.errors import CheckError
from mathgloss.graph import shapes
from mathgloss.graph.shapes import ShapeChecker

TITLE = ox.NamedNode(vocab.expand("dcterms:title"))
IDENTIFIER = ox.NamedNode(vocab.expand("dcterms:identifier"))
TYPE = ox.NamedNode(vocab.expand("rdf:type"))
PAPER = ox.NamedNode(vocab.expand("schema:ScholarlyArticle"))


def papers(count: int, *, nameless: int | None = None) -> Iterator[ox.Triple]:
    """Papers, one of them perhaps without a title, which the shapes ask for."""
    for number in range(count):
        node = ox.NamedNode(f"http://example.org/{number}")
        yield ox.Triple(node, TYPE, PAPER)
        yield ox.Triple(node, IDENTIFIER, ox.Literal(str(number)))
        if number != nameless:
            yield ox.Triple(node, TITLE, ox.Literal("A title"))


@pytest.fixture(params=[40_000, 10], ids=["in this process", "in processes of their own"])
def _chunk_size(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(shapes, "_CHUNK_TRIPLES", request.param)


@pytest.mark.usefixtures("_chunk_size")
def test_a_graph_that_conforms_is_given_whole() -> None:
    with ShapeChecker() as checker:
        chunks = list(checker.checked_chunks("papers", papers(30)))
    assert [triple for chunk in chunks for triple in chunk] == [*papers(30)]


@pytest.mark.usefixtures("_chunk_size")
@pytest.mark.parametrize("nameless", [0, 15, 29])
def test_a_violation_anywhere_is_named(nameless: int) -> None:
    with (
        ShapeChecker() as checker,
        pytest.raises(CheckError, match=f"papers: .*example.org/{nameless}>?"),
    ):
        list(checker.checked_chunks("papers", papers(30, nameless=nameless)))


def test_nothing_is_right() -> None:
    with ShapeChecker() as checker:
        assert list(checker.checked_chunks("papers", [])) == []


def test_a_process_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "_CHUNK_TRIPLES", 10)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with ShapeChecker() as checker, pytest.raises(CheckError, match="ended with 1"):
        list(checker.checked_chunks("papers", papers(30)))
