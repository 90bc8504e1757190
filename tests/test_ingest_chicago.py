"""Chicago notes: front matter, links, Wikidata lines, broken files, and the real archive."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest import chicago
from ingest.fetch import Fetcher
from mathgloss import ids, vocab
from mathgloss.config import Settings
from mathgloss.errors import ParseError, SourceError
from mathgloss.model import ParsedSource, Reference, Relation, Term
from tests.conftest import raw_file

FIXTURE = Path(__file__).parent / "fixtures" / "chicago"
LINK = "https://mathgloss.github.io/MathGloss/chicago/"


def parse_files(path: Path, files: Mapping[str, bytes]) -> ParsedSource:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"MathGloss-main/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return chicago.parse([raw_file(path)])


def parse_body(tmp_path: Path, body: str) -> ParsedSource:
    page = f"---\n layout: page\n title: widget\n---\n{body}"
    return parse_files(tmp_path / "main", {"chicago/widget.md": page.encode()})


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> ParsedSource:
    files = {f"chicago/{path.name}": path.read_bytes() for path in sorted(FIXTURE.iterdir())}
    files["LICENSE"] = b"a licence"
    files["chicago/sub/other.md"] = b"no page"
    return parse_files(tmp_path_factory.mktemp("chicago") / "main", files)


def term(parsed: ParsedSource, stem: str) -> Term:
    return next(term for term in parsed.terms if term.id == f"chicago:{stem}")


def text(parsed: ParsedSource, stem: str) -> str:
    found = term(parsed, stem).definition
    assert found is not None
    return found.text


def test_each_page_becomes_a_term(parsed: ParsedSource) -> None:
    assert [term.id for term in parsed.terms] == [
        "chicago:gadget",
        "chicago:knob_(of_a_gadget)",
        "chicago:widget",
        "chicago:σ-widget",
    ]
    assert parsed.read == 4 + len(parsed.rejections)
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)


def test_the_address_is_that_of_the_file_encoded(parsed: ParsedSource) -> None:
    assert term(parsed, "widget").url == f"{LINK}widget"
    assert term(parsed, "σ-widget").url == f"{LINK}%CF%83-widget"


def test_the_title_is_the_only_label_without_quotes_and_entities(parsed: ParsedSource) -> None:
    assert [[label.text for label in term.labels] for term in parsed.terms] == [
        ["gadget"],
        ["knob & button"],
        ["widget"],
        ["σ-widget"],
    ]


def test_the_definition_keeps_tex_and_links_but_no_picture_or_wikidata_line(
    parsed: ParsedSource,
) -> None:
    found = text(parsed, "widget")
    assert found.startswith(
        f"A **small** thing $w$ with $$w < w^2$$ that is a [gadget]({LINK}Gadget)"
    )
    assert found.endswith(f"[knob]({LINK}knob_(of_a_gadget)#above).")
    assert text(parsed, "knob_(of_a_gadget)") == "A part."


def test_links_are_resolved_without_regard_to_case_or_anchor(parsed: ParsedSource) -> None:
    assert parsed.relations == tuple(
        Relation(
            subject=f"chicago:{subject}",
            predicate=vocab.LINKS_TO,
            object=f"chicago:{target}",
            via="definition link",
        )
        for subject, target in (
            ("gadget", "widget"),
            ("widget", "gadget"),
            ("widget", "knob_(of_a_gadget)"),
        )
    )


def test_a_link_with_a_space_means_the_page_with_an_underscore(tmp_path: Path) -> None:
    page = f"---\n title: a\n---\na [b]({LINK}b c)".encode()
    parsed = parse_files(tmp_path / "main", {"chicago/a.md": page, "chicago/b_c.md": page})
    assert [row.object for row in parsed.relations] == ["chicago:b_c"]


def test_a_link_to_nowhere_is_counted_once_for_each_page(parsed: ParsedSource) -> None:
    missing = [row for row in parsed.rejections if row.reason.startswith("link")]
    assert [(row.where, row.reason, row.got) for row in missing] == [
        ("chicago/widget.md", "link to a page that does not exist", "'handle'")
    ]


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("Wikidata ID: [Q11](https://www.wikidata.org/wiki/Q11)", ["Q11"]),
        ("Wikidata ID: [Q11]", ["Q11"]),
        ("wikidata: Q11", ["Q11"]),
        ("**Wikidata ID**: [Q11](http://www.wikidata.org/entity/Q11)  ", ["Q11"]),
        ("Wikidata ID: [Q11](https://www.wikidata.org/wiki/Q11), Q12", ["Q11", "Q12"]),
        ("https://www.wikidata.org/wiki/Q11](https://www.wikidata.org/wiki/Q12", ["Q11", "Q12"]),
        ("Wikidata ID:", []),
    ],
)
def test_every_spelling_of_the_wikidata_line_is_read(
    tmp_path: Path, line: str, items: list[str]
) -> None:
    parsed = parse_body(tmp_path, f"A thing.\n\n{line}\n")
    assert parsed.terms[0].references == tuple(
        Reference(target=f"wd:{item}", via="Wikidata line") for item in items
    )
    assert text(parsed, "widget") == "A thing."
    assert parsed.rejections == ()


def test_a_wikidata_line_without_an_item_is_counted(parsed: ParsedSource) -> None:
    assert term(parsed, "σ-widget").references == ()
    assert [(row.where, row.reason, row.got) for row in parsed.rejections[1:]] == [
        ("chicago/σ-widget.md", "Wikidata line without an item", "'Wikidata ID: [Q-none]'")
    ]


def test_a_page_without_text_is_a_term_without_definition(tmp_path: Path) -> None:
    parsed = parse_body(tmp_path, "\n\n<!-- nothing -->\n")
    assert parsed.terms[0].definition is None


def test_windows_line_ends_and_control_characters_vanish(tmp_path: Path) -> None:
    page = b"---\r\n title: widget\r\n---\r\nA \x00thing.\r\nIt is.\r\n"
    parsed = parse_files(tmp_path / "main", {"chicago/widget.md": page})
    assert text(parsed, "widget") == "A thing.\nIt is."


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"", "no front matter"),
        (b"A thing.", "no front matter"),
        (b"---\n title: never closed\nA thing.", "no front matter"),
        (b"---\n layout: page\n---\nA thing.", "no label"),
        (b"---\n title:\n---\nA thing.", "no label"),
        (b"---\n title: '...'\n---\nA thing.", "no label"),
        (b"---\n title: a\x07b\n---\nA thing.", "label with control characters or too long"),
        (b"---\n title: " + b"a" * 301 + b"\n---\n", "label with control characters or too long"),
        (b"---\n title: \xff\n---\nA thing.", "not UTF-8"),
    ],
)
def test_a_bad_page_is_rejected_with_its_reason(tmp_path: Path, page: bytes, reason: str) -> None:
    parsed = parse_files(tmp_path / "main", {"chicago/widget.md": page})
    assert parsed.terms == ()
    assert parsed.read == 1
    assert parsed.rejected_by_reason() == {reason: 1}
    assert parsed.rejections[0].where == "chicago/widget.md"
    assert len(parsed.rejections[0].got) <= 200


@pytest.mark.parametrize("stem", ["100%25", "a\x07b", "\udcff", "   "])
def test_a_file_name_that_is_no_identifier_is_rejected(tmp_path: Path, stem: str) -> None:
    path = tmp_path / "main"
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        page = b"---\n title: a\n---\n"
        info = tarfile.TarInfo(f"root/chicago/{stem}.md")
        info.size = len(page)
        archive.addfile(info, io.BytesIO(page))
    parsed = chicago.parse([raw_file(path)])
    assert parsed.terms == ()
    assert parsed.rejections[0].reason in {"file name cannot be an identifier", "not UTF-8"}
    parsed.rejections[0].where.encode("utf-8")


def test_two_pages_of_the_same_name_are_not_both_taken(tmp_path: Path) -> None:
    page = "---\n title: étale\n---\nA thing.".encode()
    names = ("chicago/\u00e9tale.md", "chicago/e\u0301tale.md")
    parsed = parse_files(tmp_path / "main", dict.fromkeys(names, page))
    assert len(parsed.terms) == 1
    assert parsed.rejected_by_reason() == {"duplicate key": 1}


def test_an_archive_without_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=r"expected files named <root>/chicago/<name>\.md"):
        parse_files(tmp_path / "main", {"notes/widget.md": b"---\n title: a\n---\n"})


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "main"
    parse_files(path, {"chicago/widget.md": b"---\n title: a\n---\n"})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ParseError, match="cannot be read to its end"):
        chicago.parse([raw_file(path)])


def test_no_file_is_refused() -> None:
    with pytest.raises(ParseError, match="expected one archive, got 0 files"):
        chicago.parse([])


def test_fetching_from_a_mirror_without_the_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"MathGloss/MathGloss/tar\.gz/refs/heads/main"):
        chicago.fetch(Fetcher(Settings(mirror=tmp_path)))


def test_broken_links_and_remarks_are_read_in_linear_time(tmp_path: Path) -> None:
    # far below 0.1 s here; were one pattern quadratic it would take minutes
    for token in ("[x](", f"]({LINK}(", "<!--", "![", "---\n", "Wikidata ", " "):
        parse_body(tmp_path, token * (60_000 // len(token)))


@pytest.mark.mirror
def test_the_real_archive_gives_the_known_counts() -> None:
    source = chicago.SOURCE
    fetcher = Fetcher(Settings(mirror=Path(os.environ["MATHGLOSS_MIRROR"])))
    parsed = source.parse(source.fetch(fetcher))
    assert len(parsed.terms) == 611
    # 228 links to 147 missing pages; 222 when a page that repeats one counts once
    assert parsed.rejected_by_reason() == {"link to a page that does not exist": 222}
    assert len({row.got for row in parsed.rejections}) == 147
    assert parsed.read == 611 + 222
    assert len(parsed.relations) == 1664
    assert sum(len(term.references) for term in parsed.terms) == 211
    assert [reference.target for reference in term(parsed, "group").references] in (
        [],
        ["wd:Q83478"],
    )
    assert [
        (term.id, [reference.target for reference in term.references])
        for term in parsed.terms
        if len(term.references) > 1
    ] == [("chicago:direct_sum_of_module_homomorphisms", ["wd:Q1142861", "wd:Q13582243"])]
    assert all(term.definition is not None for term in parsed.terms)
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)
    assert not any("wikidata" in text(parsed, term.id.partition(":")[2]) for term in parsed.terms)
