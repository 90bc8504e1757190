"""Papers out of files: one's own, TAC's, the bundled list; how authors are told apart."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ingest import papers
from ingest.fetch import Fetcher
from ingest.papers import arxiv_id, file_source, split_authors
from mathgloss import ids
from mathgloss.config import Settings
from mathgloss.errors import DataNotFoundError, ParseError, SourceError
from mathgloss.model import Paper, ParsedSource
from tests.conftest import raw_file

FIXTURES = Path(__file__).parent / "fixtures" / "papers"
BUNDLED = Path(__file__).parent.parent / "data" / "bundled" / "papers.tsv"


def parse_own(tmp_path: Path, content: Any) -> ParsedSource:
    path = tmp_path / "own.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return file_source(path).parse([raw_file(path)])


def parse_tac(tmp_path: Path, rows: list[Any]) -> ParsedSource:
    path = tmp_path / "tac_metadata.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return papers.TAC.parse([raw_file(path)])


def paper(parsed: ParsedSource, curie: str) -> Paper:
    return next(paper for paper in parsed.papers if paper.id == curie)


# ------------------------------------------------------------------------- identifiers and authors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2210.06545", "2210.06545"),
        ("2210.06545v2", "2210.06545"),
        ("arXiv:2210.06545v12", "2210.06545"),
        ("0704.0001", "0704.0001"),
        ("math/0309136", "math/0309136"),
        ("math.CT/0309136v1", "math/0309136"),
        ("https://arxiv.org/abs/2210.06545", "2210.06545"),
        ("http://www.arxiv.org/pdf/2210.06545v1.pdf", "2210.06545"),
        ("https://export.arxiv.org/abs/math/0309136", "math/0309136"),
        ("https://doi.org/10.48550/arXiv.2210.06545", "2210.06545"),
        ("https://example.org/abs/2210.06545", None),
        ("2210.065", None),
        ("On 2210.06545", None),
        ("", None),
    ],
)
def test_arxiv_identifiers_are_found_in_all_their_forms(text: str, expected: str | None) -> None:
    assert arxiv_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada Example", ("Ada Example",)),
        ("A. Example, B. Sample, and  C. Third", ("A. Example", "B. Sample", "C. Third")),
        ("A. Example and B. Sample and C. Third", ("A. Example", "B. Sample", "C. Third")),
        ("Example, Ada; Sample, Bo", ("Example, Ada", "Sample, Bo")),
        ("Example, Ada, de Sample, Bo", ("Example, Ada", "de Sample, Bo")),
        ("Example, Ada and Sample, Bo", ("Example, Ada", "Sample, Bo")),
        ("L. Gaunce Sample, Jr.", ("L. Gaunce Sample, Jr.",)),
        ("Anders Alexandrov", ("Anders Alexandrov",)),
        ("  ", ()),
        (", ,", ()),
    ],
)
def test_authors_are_told_apart(text: str, expected: tuple[str, ...]) -> None:
    assert split_authors(text) == expected


# ------------------------------------------------------------------------------ a file of one's own


@pytest.fixture(scope="module")
def own() -> ParsedSource:
    path = FIXTURES / "own.json"
    return file_source(path).parse([raw_file(path)])


def test_an_own_file_is_named_after_the_file(tmp_path: Path) -> None:
    info = file_source(tmp_path / "Seed Papers.jsonl").info
    assert info.name == "papers-seed-papers"
    assert not info.licence.redistributable


def test_own_rows_are_papers_with_identifiers(own: ParsedSource) -> None:
    assert [paper.id for paper in own.papers] == [
        "arxiv:2101.00001",
        "arxiv:math/0101001",
        "paper:further-widgets",
    ]
    assert own.read == 5
    assert own.rejected_by_reason() == {"duplicate paper": 1, "no title": 1}
    assert own.rejections[0].where == "own.json: row 4"


def test_a_rejected_row_does_not_quote_its_abstract(own: ParsedSource) -> None:
    assert "nothing but words" not in own.rejections[1].got


def test_fields_of_an_own_row(own: ParsedSource) -> None:
    first = paper(own, "arxiv:2101.00001")
    assert first.title == "On widgets & gadgets"
    assert first.authors == ("Ada Example", "Bo Sample")
    assert first.keywords == ("widget", "gadget")
    assert first.licence == "CC-BY-4.0"
    assert first.url == "https://arxiv.org/abs/2101.00001v3"
    second = paper(own, "arxiv:math/0101001")
    assert second.authors == ("Example, Ada", "Sample, Bo")
    assert (second.venue, second.licence) == ("Journal of Examples", None)


def test_the_abstract_stays_as_given(own: ParsedSource) -> None:
    assert paper(own, "arxiv:2101.00001").abstract == (
        "We study $\\sigma$-widgets.\nThey are\u00a0fine."
    )


def test_lines_of_json_are_read_and_a_broken_line_is_counted() -> None:
    path = FIXTURES / "own.jsonl"
    parsed = file_source(path).parse([raw_file(path)])
    assert [paper.id for paper in parsed.papers] == ["paper:on-widgets", "paper:on-gadgets"]
    (rejection,) = parsed.rejections
    assert (rejection.where, rejection.reason) == ("own.jsonl: line 4", "not JSON")


def test_a_line_separator_inside_a_string_does_not_end_the_line(tmp_path: Path) -> None:
    parsed = parse_own(tmp_path, '{"title": "One", "abstract": "a\u2028b\u0085c"}\r\n')
    assert parsed.rejected_by_reason() == {"unusable abstract": 1}, "U+0085 is a control character"
    parsed = parse_own(tmp_path, '{"title": "One", "abstract": "a\u2028b"}\r\n')
    assert parsed.papers[0].abstract == "a\u2028b"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "wd:Q42"}, "wd:Q42"),
        ({"id": "https://arxiv.org/abs/2101.00001"}, "arxiv:2101.00001"),
        ({"id": "paper:own-name"}, "paper:own-name"),
        ({"id": "row seven"}, "paper:some-title"),
        ({"id": 7}, "paper:some-title"),
        ({"id": "", "url": "https://arxiv.org/abs/2101.00001"}, "arxiv:2101.00001"),
        ({"url": "https://example.org"}, "paper:some-title"),
    ],
)
def test_where_the_identifier_comes_from(
    tmp_path: Path, row: dict[str, Any], expected: str
) -> None:
    parsed = parse_own(tmp_path, [{"title": "Some title", **row}])
    assert parsed.papers[0].id == expected
    assert ids.canonical(expected) == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("just a title", "not an object"),
        (None, "not an object"),
        ({"title": None}, "no title"),
        ({"title": ["a"]}, "no title"),
        ({"title": " \n "}, "no title"),
        ({"title": "a\x00b"}, "title: control characters"),
        ({"title": "\ud800"}, "title: control characters"),
        ({"title": "x" * 2000}, "title: name too long"),
        ({"title": "???"}, "title without a letter or digit"),
        ({"title": "ONE"}, "duplicate paper"),
    ],
)
def test_a_row_that_cannot_be_taken_is_rejected(tmp_path: Path, row: object, reason: str) -> None:
    parsed = parse_own(tmp_path, [{"title": "One"}, row])
    assert parsed.rejected_by_reason() == {reason: 1}
    assert parsed.rejections[0].where == "own.json: row 2"
    assert parsed.read == 2


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"abstract": 5}, "unusable abstract"),
        ({"abstract": "a\x00"}, "unusable abstract"),
        ({"abstract": "x" * 200_000}, "unusable abstract"),
        ({"authors": 5}, "unusable authors"),
        ({"authors": ["Ada", {}]}, "unusable authors"),
        ({"keywords": {"a": 1}}, "unusable keywords"),
        ({"venue": ["a"]}, "unusable venue"),
        ({"url": "javascript:alert(1)"}, "url is no web address"),
        ({"licence": 4}, "unusable licence"),
        ({"id": "wd:P31"}, "malformed identifier"),
        ({"id": "paper:\ud800"}, "malformed identifier"),
        ({"id": "paper:a b"}, "malformed identifier"),
        ({"id": "arxiv:nonsense"}, "malformed identifier"),
        ({"id": "paper:a%2520b"}, "malformed identifier"),
    ],
)
def test_a_bad_part_is_counted_and_the_paper_kept(
    tmp_path: Path, part: dict[str, Any], reason: str
) -> None:
    parsed = parse_own(tmp_path, [{"title": "One", **part}])
    assert parsed.rejected_by_reason() == {reason: 1}
    assert (parsed.read, len(parsed.papers)) == (2, 1)
    assert parsed.papers[0].id == "paper:one"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("", "no rows"),
        ("[]", "no rows"),
        ("{}", "no title (own.json: line 1)"),
        ('{\n "papers": []\n}', "not JSON (own.json: line 1)"),
        ('[{"title": "One"', "JSONDecodeError"),
        ("<html></html>", "not JSON (own.json: line 1)"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "not JSON"),
        ('[{"title": "One", "score": NaN}]', "NaN is not JSON"),
        ('[{"name": "One"}]', "no title (own.json: row 1)"),
    ],
)
def test_an_unusable_file_is_refused_with_what_was_found(
    tmp_path: Path, content: str, got: str
) -> None:
    with pytest.raises(ParseError) as caught:
        parse_own(tmp_path, content)
    assert got in caught.value.got
    assert "JSON list" in caught.value.expected


def test_a_key_that_comes_twice_is_counted(tmp_path: Path) -> None:
    parsed = parse_own(tmp_path, '[{"title": "One", "title": "Two"}]')
    assert [paper.title for paper in parsed.papers] == ["One"]
    assert parsed.rejected_by_reason() == {"duplicate key": 1}


def test_a_file_of_ones_own_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.json"
    with pytest.raises(SourceError, match=r"gone\.json.*no such file"):
        file_source(path).fetch(Fetcher(Settings(home=tmp_path)))


# --------------------------------------------------------------------------------------------- TAC


@pytest.fixture(scope="module")
def tac() -> ParsedSource:
    return papers.TAC.parse([raw_file(FIXTURES / "tac_metadata.json")])


def test_tac_identifiers_come_from_both_forms_of_address(tac: ParsedSource) -> None:
    assert [paper.id for paper in tac.papers] == ["tac:35-01", "tac:5-11"]
    assert tac.rejected_by_reason() == {"no title": 1, "not an address of TAC": 1}


def test_tac_rows_are_tidied_but_the_abstract_stays(tac: ParsedSource) -> None:
    first = paper(tac, "tac:35-01")
    assert first.title == "Widgets in $n$-categories"
    assert first.authors == ("A. Example", "B. Sample", "C. Third")
    assert first.keywords == ("widget", "$\\Pi_2$", "n-gadgets")
    assert first.abstract == "With \\'etale widgets we   study gadgets."
    assert first.url == "http://www.tac.mta.ca/tac/volumes/35/1/35-01abs.html"
    assert first.venue == "Theory and Applications of Categories"
    assert first.licence is None


def test_a_tac_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="none of that kind"):
        parse_tac(tmp_path, [{"name": "One", "address": "x"}])


def test_a_tac_paper_that_comes_twice_is_rejected(tmp_path: Path) -> None:
    row = {"url": "http://www.tac.mta.ca/tac/volumes/1/1/1-01abs.html", "title": "One"}
    assert parse_tac(tmp_path, [row, row]).rejected_by_reason() == {"duplicate paper": 1}


def test_odd_rows_of_tac_are_counted(tmp_path: Path) -> None:
    row = {"url": "http://www.tac.mta.ca/tac/volumes/1/1/1-01abs.html", "title": "One"}
    rows = [row, 7, {"title": "Two", "url": 5}, {"title": "Three", "keywords": [1]}]
    assert parse_tac(tmp_path, rows).rejected_by_reason() == {
        "not an address of TAC": 2,
        "not an object": 1,
    }


# ----------------------------------------------------------------------------------------- bundled


def test_the_bundled_list_is_whole_and_checkable() -> None:
    parsed = papers.BUNDLED.parse([raw_file(BUNDLED)])
    assert (parsed.read, len(parsed.papers)) == (81, 81)
    assert parsed.rejections == ()
    lines = BUNDLED.read_text(encoding="utf-8").splitlines()[1:]
    for line, paper_ in zip(lines, parsed.papers, strict=True):
        cells = line.split("\t")
        assert cells[0] == paper_.id == f"paper:{ids.slug(paper_.title)}"
        query = parse_qs(urlsplit(cells[-1]).query)
        assert query == {"query": [paper_.title], "searchtype": ["title"]}
        assert paper_.abstract == ""
    glossary = paper(parsed, "paper:mathgloss-building-mathematical-glossaries-from-text")
    assert glossary.authors == ("Horowitz, Lucy", "de Paiva, Valeria")


def test_the_bundled_list_is_read_from_the_bundled_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "MANIFEST.toml").write_text("")
    (tmp_path / "papers.tsv").write_bytes(BUNDLED.read_bytes())
    monkeypatch.setenv("MATHGLOSS_DATA", str(tmp_path))
    (raw,) = papers.BUNDLED.fetch(Fetcher(Settings(home=tmp_path)))
    assert raw.path == str(tmp_path / "papers.tsv")
    assert str(tmp_path) not in raw.url, "provenance does not tell where this machine keeps it"


def test_without_a_bundled_folder_every_place_looked_at_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.papers.bundled_dir", _no_bundled_dir)
    with pytest.raises(DataNotFoundError, match="nowhere"):
        papers.BUNDLED.fetch(Fetcher(Settings(home=tmp_path)))


def _no_bundled_dir() -> Path:
    raise DataNotFoundError("looked nowhere")


def test_a_bundled_row_with_a_missing_cell_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "papers.tsv"
    path.write_text("id\ttitle\tauthors\tvenue\turl\tsummary\tcheck\npaper:one\tOne\n")
    parsed = papers.BUNDLED.parse([raw_file(path)])
    assert parsed.rejected_by_reason() == {"wrong number of columns": 1}


def test_only_bundled_papers_have_a_summary(tmp_path: Path) -> None:
    path = tmp_path / "papers.tsv"
    path.write_text("\t".join(papers.BUNDLED_COLUMNS) + "\npaper:one\tOne\t\t\t\tOn one.\t\n")
    (one,) = papers.BUNDLED.parse([raw_file(path)]).papers
    assert one.summary == "On one."
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"title": "One", "summary": "Somebody else's words."}))
    (one,) = file_source(other).parse([raw_file(other)]).papers
    assert one.summary == ""


def test_a_bundled_list_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "papers.tsv"
    path.write_text("title\tid\nOne\tpaper:one\n")
    with pytest.raises(ParseError, match="expected the columns id, title, authors"):
        papers.BUNDLED.parse([raw_file(path)])


# ------------------------------------------------------------------------------------------ mirror


@pytest.mark.mirror
def test_the_real_tac_collection() -> None:
    fetcher = Fetcher(Settings(mirror=Path(os.environ["MATHGLOSS_MIRROR"])))
    (raw,) = papers.TAC.fetch(fetcher)
    parsed = papers.TAC.parse([raw])
    assert (parsed.read, len(parsed.papers)) == (755, 754)
    assert parsed.rejected_by_reason() == {"no title": 1}
    assert "22-15abs" in parsed.rejections[0].got
    given = {row["url"]: row for row in json.loads(Path(raw.path).read_text(encoding="utf-8"))}
    assert all(paper.abstract == given[paper.url or ""]["abstract"] for paper in parsed.papers)
    assert sum(len(paper.keywords) for paper in parsed.papers) == 1712
    assert sum(not paper.keywords for paper in parsed.papers) == 385
    assert not any(word.endswith(".") for paper in parsed.papers for word in paper.keywords)
    assert all(ids.canonical(paper.id) == paper.id for paper in parsed.papers)
    assert paper(parsed, "tac:5-11").url.endswith("/volumes/1999/n11/5-11abs.html")  # type: ignore[union-attr]


@pytest.mark.mirror
def test_the_seed_papers_are_the_bundled_ones() -> None:
    given = os.environ.get("MATHGLOSS_TEST_PAPERS")
    if given is None:
        pytest.skip("MATHGLOSS_TEST_PAPERS does not name the papers' own file")
    path = Path(given)
    if not path.is_file():
        pytest.skip("the seed papers do not lie beside this mirror")
    parsed = file_source(path).parse([raw_file(path)])
    bundled = papers.BUNDLED.parse([raw_file(BUNDLED)])
    assert (parsed.read, len(parsed.papers)) == (81, 81)
    assert [paper.id for paper in parsed.papers] == [paper.id for paper in bundled.papers]
    assert [paper.authors for paper in parsed.papers] == [paper.authors for paper in bundled.papers]
    assert all(paper.abstract and paper.licence is None for paper in parsed.papers)
