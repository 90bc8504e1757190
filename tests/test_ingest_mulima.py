"""MuLiMa: the format's quirks, broken files, and the real file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ingest import mulima
from ingest.fetch import Fetcher
from mathgloss import ids, vocab
from mathgloss.config import Settings
from mathgloss.errors import ParseError
from mathgloss.model import LabelKind, ParsedSource, Reference, Term
from tests.conftest import raw_file

FIXTURE = Path(__file__).parent / "fixtures" / "mulima" / "nouns.json"
ENGLISH = {"EN": {"atom": "widget", "gend": ""}}


def parse(tmp_path: Path, content: Any) -> ParsedSource:
    path = tmp_path / "nouns.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return mulima.parse([raw_file(path, url=mulima.URL)])


@pytest.fixture(scope="module")
def parsed() -> ParsedSource:
    return mulima.parse([raw_file(FIXTURE)])


def term(parsed: ParsedSource, key: str) -> Term:
    return next(term for term in parsed.terms if term.id == f"mulima:{key}")


def test_every_entry_becomes_a_term_and_nothing_is_rejected(parsed: ParsedSource) -> None:
    assert [term.id for term in parsed.terms] == [
        "mulima:0a0a0a0a",
        "mulima:0c0c0c0c",
        "mulima:0a0a0a0a/0b0b0b0b",
    ]
    assert parsed.read == 3
    assert parsed.rejections == ()


def test_labels_have_language_gender_and_no_stray_space(parsed: ParsedSource) -> None:
    labels = {label.lang: label for label in term(parsed, "0a0a0a0a").labels}
    assert labels["de"].text == "Dingsda"
    assert labels["de"].gender == "neutral"
    assert labels["en"].gender is None
    assert labels["pl"].gender is None, "'?' means that nobody knows"


def test_an_empty_atom_gives_no_label(parsed: ParsedSource) -> None:
    assert "fr" not in {label.lang for label in term(parsed, "0a0a0a0a").labels}


def test_zero_width_non_joiner_of_persian_stays(parsed: ParsedSource) -> None:
    labels = {label.lang: label.text for label in term(parsed, "0a0a0a0a").labels}
    assert "\u200c" in labels["fa"]


def test_entry_nested_by_mistake_is_a_row_of_its_own(parsed: ParsedSource) -> None:
    nested = term(parsed, "0c0c0c0c")
    assert nested.labels[0].text == "endowidget"
    assert nested.references == (Reference(target="wd:Q1000003", via="refs.wikidata"),)


def test_names_listed_in_one_atom_are_split_but_not_inside_brackets(parsed: ParsedSource) -> None:
    labels = term(parsed, "0a0a0a0a/0b0b0b0b").labels
    italian = [(label.text, label.kind) for label in labels if label.lang == "it"]
    assert italian == [
        ("aggeggio ridotto", LabelKind.PREFERRED),
        ("arnese ridotto", LabelKind.ALTERNATIVE),
    ]
    assert [label.text for label in labels if label.lang == "de"] == ["(∞, 1)-Dingsda"]


def test_references_lead_to_pages_and_round_trip(parsed: ParsedSource) -> None:
    references = {ref.via: ref.target for ref in term(parsed, "0a0a0a0a/0b0b0b0b").references}
    pages = {via: ids.page_url(target) for via, target in references.items()}
    assert pages == {
        "refs.eom": "https://encyclopediaofmath.org/wiki/Reduced_widget",
        "refs.pm": "https://planetmath.org/reducedwidget",
        "refs.nlab": "https://ncatlab.org/nlab/show/locally+reduced+widget",
        "refs.mathworld": "https://mathworld.wolfram.com/ReducedWidget.html",
    }
    assert all(ids.canonical(target) == target for target in references.values())


def test_a_compound_is_narrower_than_its_noun(parsed: ParsedSource) -> None:
    (relation,) = parsed.relations
    assert relation.subject == "mulima:0a0a0a0a/0b0b0b0b"
    assert relation.predicate == vocab.BROADER
    assert relation.object == "mulima:0a0a0a0a"
    assert relation.via == "compound key"


def test_a_compound_without_its_noun_has_no_relation(tmp_path: Path) -> None:
    assert parse(tmp_path, {"0a0a0a0a/0b0b0b0b": ENGLISH}).relations == ()


@pytest.mark.parametrize(
    ("key", "entry", "reason"),
    [
        ("nonsense", ENGLISH, "malformed key"),
        ("0A0A0A0A", ENGLISH, "malformed key"),
        ("0b0b0b0b", {"EN": {"atom": "", "gend": ""}}, "no label"),
        ("0b0b0b0b", ["widget"], "not an entry"),
        ("0b0b0b0b", None, "not an entry"),
    ],
)
def test_a_row_that_cannot_be_taken_is_rejected(
    tmp_path: Path, key: str, entry: object, reason: str
) -> None:
    parsed = parse(tmp_path, {"0a0a0a0a": ENGLISH, key: entry})
    assert parsed.rejected_by_reason() == {reason: 1}
    assert parsed.read == 2
    assert key in parsed.rejections[0].where


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"refs": {"wikidata": "P31"}}, "reference is no Wikidata item"),
        ({"refs": {"wikidata": 7}}, "reference is no Wikidata item"),
        ({"refs": {"eom": "https://example.org"}}, "malformed reference"),
        ({"refs": {"oracle": "x"}}, "reference to an unknown authority"),
        ({"refs": "Q1"}, "references are not an object"),
        ({"DE": "Dingsda"}, "not a name with gender"),
        ({"DE": {"atom": 5}}, "name: not text"),
        ({"DE": {"atom": "a\x00b"}}, "name: control characters"),
        ({"DE": {"atom": "\ud800"}}, "name: control characters"),
        ({"DE": {"atom": "x" * 5000}}, "name: name too long"),
        ({"DE": {"atom": "Ding", "gend": []}}, "gender: not text"),
        ({"note": "hello"}, "unknown field"),
    ],
)
def test_a_bad_part_is_counted_and_the_row_kept(
    tmp_path: Path, part: dict[str, Any], reason: str
) -> None:
    parsed = parse(tmp_path, {"0a0a0a0a": {**ENGLISH, **part}})
    assert parsed.rejected_by_reason() == {reason: 1}
    assert (parsed.read, len(parsed.terms)) == (2, 1)
    assert len(parsed.rejections[0].got) <= 200


def test_an_empty_reference_is_no_fault(tmp_path: Path) -> None:
    parsed = parse(tmp_path, {"0a0a0a0a": {**ENGLISH, "refs": {"wikidata": "", "nlab": None}}})
    assert parsed.rejections == ()


def test_of_a_repeated_key_the_first_counts(tmp_path: Path) -> None:
    entry = json.dumps(ENGLISH)
    parsed = parse(tmp_path, f'{{"0a0a0a0a": {entry}, "0a0a0a0a": {entry}}}')
    assert parsed.rejected_by_reason() == {"duplicate key": 1}
    assert (parsed.read, len(parsed.terms)) == (2, 1)


def test_a_nested_entry_whose_key_exists_is_a_duplicate(tmp_path: Path) -> None:
    parsed = parse(tmp_path, {"0a0a0a0a": {**ENGLISH, "0b0b0b0b": ENGLISH}, "0b0b0b0b": ENGLISH})
    assert parsed.rejected_by_reason() == {"duplicate key": 1}


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (FIXTURE.read_text(encoding="utf-8")[:400], "JSONDecodeError"),
        ("<!DOCTYPE html><html></html>", "JSONDecodeError"),
        ("", "JSONDecodeError"),
        ('{"0a0a0a0a": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"0a0a0a0a": ' * 20_000, "nested too deeply"),
        ("9" * 10_000, "ValueError"),
        ("[]", "a JSON list"),
        ('{"nouns": {"number": {}}}', "1 member(s), none of that kind"),
        ("{}", "0 member(s)"),
    ],
)
def test_an_unusable_file_is_refused_with_what_was_found(
    tmp_path: Path, content: str, got: str
) -> None:
    with pytest.raises(ParseError) as caught:
        parse(tmp_path, content)
    assert got in caught.value.got
    assert "eight hexadecimal digits" in caught.value.expected
    assert mulima.URL in caught.value.where


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nouns.json"
    path.write_bytes(b'{"0a0a0a0a": "\xff"}')
    with pytest.raises(ParseError, match="expected UTF-8 text, got UnicodeDecodeError"):
        mulima.parse([raw_file(path, url=mulima.URL)])


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="FileNotFoundError"):
        mulima.parse([raw_file(tmp_path / "nouns.json")])


@pytest.mark.mirror
def test_the_real_file() -> None:
    fetcher = Fetcher(Settings(mirror=Path(os.environ["MATHGLOSS_MIRROR"])))
    parsed = mulima.SOURCE.parse(mulima.SOURCE.fetch(fetcher))
    assert (parsed.read, len(parsed.terms)) == (317, 317)
    assert parsed.rejected_by_reason() == {}
    assert len(parsed.relations) == 132
    targets = [ref.target for term in parsed.terms for ref in term.references]
    assert sum(target.startswith("wd:") for target in targets) == 297
    assert targets.count("wd:Q508490") == 3
    assert len(targets) == 302
    assert sum(len(term.labels) for term in parsed.terms) == 3432
    assert len({label.lang for term in parsed.terms for label in term.labels}) == 16
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)
    endomorphism = term(parsed, "20cc0516")
    assert endomorphism.references[0].target == "wd:Q1340800"
    presentable = term(parsed, "0ebe035f/a11d0b2a")
    assert Reference(target="nlab:locally+finitely+presentable+category", via="refs.nlab") in (
        presentable.references
    )
