"""The two outlines of Mathlib: the format's quirks, broken files, and the real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest import syllabus
from ingest.fetch import Fetcher
from mathgloss import ids, vocab
from mathgloss.config import Settings
from mathgloss.errors import ParseError
from mathgloss.model import FormalLink, ParsedSource, Term, TermKind
from tests.conftest import raw_file

FIXTURE = Path(__file__).parent / "fixtures" / "mathlib" / "undergrad.yaml"
SMALL = "Widget theory:\n  widget: 'Widget'\n"


def parse(tmp_path: Path, content: str) -> ParsedSource:
    path = tmp_path / "undergrad.yaml"
    path.write_text(content, encoding="utf-8")
    return syllabus.parse([raw_file(path)])


@pytest.fixture(scope="module")
def parsed() -> ParsedSource:
    return syllabus.parse([raw_file(FIXTURE)])


def term(parsed: ParsedSource, path: str) -> Term:
    return next(term for term in parsed.terms if term.id == f"syllabus:widget-theory{path}")


def test_headings_and_topics_are_terms_and_only_a_stale_path_is_rejected(
    parsed: ParsedSource,
) -> None:
    assert len(parsed.terms) == 15
    assert parsed.read == 16
    (rejection,) = parsed.rejections
    assert rejection.reason == "stale path instead of a declaration"
    assert rejection.where == "undergrad.yaml: line 11"
    assert rejection.got == "'widget_theory/widget.html'"


def test_a_heading_is_a_list_and_a_topic_a_concept(parsed: ParsedSource) -> None:
    assert term(parsed, "").kind is TermKind.LIST
    assert term(parsed, "/fundamentals").kind is TermKind.LIST
    assert term(parsed, "/spaces/series").kind is TermKind.LIST
    assert term(parsed, "/fundamentals/widget").kind is TermKind.CONCEPT


def test_position_is_the_path_of_headings_with_the_topic(parsed: ParsedSource) -> None:
    assert term(parsed, "/spaces/series/cos").position == (
        "Widget theory",
        "Spaces",
        "series",
        "cos",
    )


def test_tex_stays_in_the_label(parsed: ParsedSource) -> None:
    found = term(parsed, "/fundamentals/orientation-of-a-r-widget")
    assert found.labels[0].text == r"orientation of a $\R$-widget"
    assert found.labels[0].lang == "en"


def test_a_topic_that_recurs_elsewhere_is_another_term(parsed: ParsedSource) -> None:
    assert term(parsed, "/fundamentals/widget") != term(parsed, "/fourier-friends/widget")


def test_of_two_topics_with_one_slug_the_later_is_numbered(parsed: ParsedSource) -> None:
    assert term(parsed, "/spaces/space-l-2").labels[0].text == "space $l^2$"
    assert term(parsed, "/spaces/space-l-2-2").labels[0].text == "space $L^2$"


def test_a_declaration_is_linked_into_the_documentation(parsed: ParsedSource) -> None:
    assert term(parsed, "/fundamentals/widget").formal == (
        FormalLink(
            declaration="Widget",
            url="https://leanprover-community.github.io/mathlib4_docs/find/?pattern=Widget#doc",
        ),
    )


def test_a_url_is_a_link_without_declaration_and_no_reference(parsed: ParsedSource) -> None:
    found = term(parsed, "/fundamentals/dual-widget")
    assert found.formal == (
        FormalLink(declaration=None, url="https://en.wikipedia.org/wiki/Dual_space#Widgets"),
    )
    assert found.references == ()


@pytest.mark.parametrize(
    "path", ["/fundamentals/unfinished-widget", "/spaces/stale-widget", "/spaces/series/sin"]
)
def test_what_is_not_formalised_has_no_link(parsed: ParsedSource, path: str) -> None:
    assert term(parsed, path).formal == ()


def test_each_term_is_part_of_the_heading_above(parsed: ParsedSource) -> None:
    assert len(parsed.relations) == len(parsed.terms) - 1
    above = {relation.subject: relation.object for relation in parsed.relations}
    assert above["syllabus:widget-theory/spaces/series/cos"] == (
        "syllabus:widget-theory/spaces/series"
    )
    assert {(row.predicate, row.via) for row in parsed.relations} == {(vocab.PART_OF, "syllabus")}


def test_entities_in_a_heading_are_decoded_and_identifiers_round_trip(
    parsed: ParsedSource,
) -> None:
    assert term(parsed, "/fourier-friends").labels[0].text == "Fourier & friends"
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)


def test_the_overview_has_identifiers_and_a_name_of_its_own() -> None:
    parsed = syllabus.OVERVIEW.parse([raw_file(FIXTURE)])
    assert parsed.info.name == "overview"
    assert {term.id.partition(":")[0] for term in parsed.terms} == {"overview"}
    assert {term.source for term in parsed.terms} == {"overview"}


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("  widget: 'Again'\n", "duplicate key"),
        ("  '!!!': 'Bang'\n", "name without a letter or digit"),
        ("  '': 'Empty'\n", "no label"),
        (f"  ? {'x' * 1100}\n  : 'Long'\n", "name: name too long"),
        ("  two: ['A', 'B']\n", "neither a heading nor a topic"),
        ("  odd: 'not a declaration'\n", "neither a declaration nor a URL"),
        (r'  odd: "Wid\ud800get"' + "\n", "control characters"),
        (r'  odd: "https://example.org/\x07"' + "\n", "control characters"),
        ("  odd: 'https://'\n", "neither a declaration nor a URL"),
        ("  odd: 'javascript:alert(1)'\n", "neither a declaration nor a URL"),
        (r'  "\x07bell": "Bell"' + "\n", "name: control characters"),
    ],
)
def test_each_kind_of_bad_row_is_counted(tmp_path: Path, extra: str, reason: str) -> None:
    parsed = parse(tmp_path, SMALL + extra)
    assert parsed.rejected_by_reason() == {reason: 1}
    assert parsed.rejections[0].where == "undergrad.yaml: line 3"


def test_headings_nested_too_deeply_are_rejected(tmp_path: Path) -> None:
    deep = "".join(f"{'  ' * depth}level {depth}:\n" for depth in range(12))
    parsed = parse(tmp_path, deep + "  " * 12 + "topic: 'Topic'\n")
    assert parsed.rejected_by_reason() == {"nested too deeply": 1}
    assert max(len(term.position) for term in parsed.terms) == syllabus.MAX_DEPTH


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("<!DOCTYPE html>\n<html><body>", "a scalar"),
        ("", "a scalar"),
        ("- a\n- b\n", "a listing"),
        ("widget: 'Widget'\ngadget: 'Gadget'\n", "a table"),
        ("Widgets:\n  widget: 'Wid", "ScannerError"),
        ("Widgets:\n\twidget: x\n", "ScannerError"),
        ("Widgets: {widget: a\x00b}\n", "ReaderError"),
        ("a: &x {b: c}\nd: *x\n", "an alias of the node in line 1"),
        ("? [a, b]\n: c\n", "a key that is not a plain value in line 1"),
        ("a: 1\n---\nb: 2\n", "ComposerError"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_an_unusable_file_is_refused_with_what_was_found(
    tmp_path: Path, content: str, got: str
) -> None:
    with pytest.raises(ParseError) as caught:
        parse(tmp_path, content)
    assert got in caught.value.got
    assert "fetch it again" in caught.value.advice


def test_a_tag_of_python_is_never_acted_on(tmp_path: Path) -> None:
    parsed = parse(tmp_path, "a: {b: !!python/object/apply:os.getcwd []}\nc: {d: E}\n")
    assert parsed.rejected_by_reason() == {"neither a heading nor a topic": 1}


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    lines = ["a0: &a0 {x: y}"]
    lines += [f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 60)]
    with pytest.raises(ParseError, match="an alias of the node"):
        parse(tmp_path, "\n".join(lines))


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "undergrad.yaml"
    path.write_bytes(b"Widgets:\n  \xff: 'Widget'\n")
    with pytest.raises(ParseError, match="expected UTF-8 text"):
        syllabus.parse([raw_file(path)])


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="FileNotFoundError"):
        syllabus.parse([raw_file(tmp_path / "undergrad.yaml")])


def mirror() -> Fetcher:
    return Fetcher(Settings(mirror=Path(os.environ["MATHGLOSS_MIRROR"])))


@pytest.mark.mirror
def test_the_real_syllabus() -> None:
    parsed = syllabus.SOURCE.parse(syllabus.SOURCE.fetch(mirror()))
    kinds = [term.kind for term in parsed.terms]
    assert (kinds.count(TermKind.CONCEPT), kinds.count(TermKind.LIST)) == (565, 83)
    assert parsed.rejected_by_reason() == {"stale path instead of a declaration": 4}
    assert (parsed.read, len(parsed.relations)) == (652, 635)
    links = [link for term in parsed.terms for link in term.formal]
    assert sum(link.declaration is None for link in links) == 49
    assert sum(link.declaration is not None for link in links) == 565 - 154 - 49 - 4
    topics = [term for term in parsed.terms if term.kind is TermKind.CONCEPT]
    assert [len(term.position) for term in topics].count(4) == 7
    assert sum("$" in term.labels[0].text for term in topics) == 53
    assert len({term.id for term in parsed.terms}) == 648
    assert {term.id for term in parsed.terms if term.id.endswith("-l-2-2")} == {
        "syllabus:topology/hilbert-spaces/inner-product-space-l-2-2",
        "syllabus:topology/hilbert-spaces/completeness-of-l-2-2",
    }


@pytest.mark.mirror
def test_the_real_overview() -> None:
    parsed = syllabus.OVERVIEW.parse(syllabus.OVERVIEW.fetch(mirror()))
    kinds = [term.kind for term in parsed.terms]
    assert (kinds.count(TermKind.CONCEPT), kinds.count(TermKind.LIST)) == (481, 76)
    assert parsed.rejected_by_reason() == {"stale path instead of a declaration": 3}
    links = [link for term in parsed.terms for link in term.formal]
    assert (len(links), sum(link.declaration is None for link in links)) == (478, 0)
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)
