"""nLab: the wiki's syntax, the two files' quirks, broken files, and the real files."""

from __future__ import annotations

import io
import os
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest import nlab
from ingest.fetch import Fetcher
from ingest.nlab_markup import DEFINITION_CHARS, PARAGRAPH_CHARS, read_markup
from ingest.nlab_titles import kind_of_title
from mathgloss import ids, vocab
from mathgloss.config import Settings
from mathgloss.errors import ParseError, SourceError
from mathgloss.model import LabelKind, ParsedSource, Relation, Term, TermKind
from tests.conftest import raw_file

FIXTURE = Path(__file__).parent / "fixtures" / "nlab"
HEADER = "title,link\n"


def write_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"nlab-content-master/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def parse_pages(tmp_path: Path, titles: str | bytes = HEADER, **pages: str | bytes) -> ParsedSource:
    """Pages by name; the archive has them in the order given."""
    files: dict[str, bytes] = {}
    for number, (name, text) in enumerate(pages.items()):
        folder = f"pages/0/0/0/{number}/{number}000"
        files[f"{folder}/content.md"] = text.encode() if isinstance(text, str) else text
        files[f"{folder}/name"] = name.encode()
    return parse_files(tmp_path, files, titles)


def parse_files(
    tmp_path: Path, files: Mapping[str, bytes], titles: str | bytes = HEADER
) -> ParsedSource:
    archive = write_archive(tmp_path / "master", files)
    listed = tmp_path / "nlab.csv"
    listed.write_bytes(titles.encode() if isinstance(titles, str) else titles)
    return nlab.parse([raw_file(archive), raw_file(listed)])


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> ParsedSource:
    files = {
        str(path.relative_to(FIXTURE)): path.read_bytes()
        for path in sorted((FIXTURE / "pages").rglob("*"))
        if path.is_file()
    }
    archive = write_archive(tmp_path_factory.mktemp("nlab") / "master", files)
    return nlab.parse([raw_file(archive), raw_file(FIXTURE / "nlab.csv")])


def term(parsed: ParsedSource, curie: str) -> Term:
    return next(term for term in parsed.terms if term.id == curie)


def definition(text: str) -> str | None:
    return read_markup(text).definition


def objects(parsed: ParsedSource, subject: str, predicate: str) -> list[str]:
    return [
        row.object
        for row in parsed.relations
        if row.subject == subject and row.predicate == predicate
    ]


# the pages of the archive


def test_a_page_becomes_a_term_with_address_and_labels(parsed: ParsedSource) -> None:
    found = term(parsed, "nlab:widget")
    assert found.url == "https://ncatlab.org/nlab/show/widget"
    assert [(label.text, label.lang, label.kind) for label in found.labels] == [
        ("widget", "en", LabelKind.PREFERRED),
        ("widgets", "en", LabelKind.ALTERNATIVE),
        ("$w$-idget", "en", LabelKind.ALTERNATIVE),
    ]


def test_every_identifier_is_in_its_canonical_form(parsed: ParsedSource) -> None:
    assert [ids.canonical(term.id) for term in parsed.terms] == [term.id for term in parsed.terms]


def test_the_idea_is_plain_text_with_untouched_mathematics(parsed: ParsedSource) -> None:
    found = term(parsed, "nlab:widget").definition
    assert found is not None
    first, second = found.text.split("\n\n")
    assert first == "A **widget** is a toy with handles, see knob and wheel or ."
    assert "$x &lt; y$ &amp; its price is $$[[x]]" in second
    assert "Čapek [shop](https://example.org/a_(b)) and its shelf." in second


def test_a_definition_keeps_numbered_blocks_and_drops_diagrams(parsed: ParsedSource) -> None:
    found = term(parsed, "nlab:gadget").definition
    assert found is not None
    assert found.text == "A __gadget__ is a pair\nof widgets,\ndrawn as"


@pytest.mark.parametrize(
    ("curie", "kind"),
    [
        ("nlab:widget", TermKind.CONCEPT),
        ("nlab:Ada+Example", TermKind.PERSON),
        ("nlab:old+widget", TermKind.REDIRECT),
        ("nlab:toy", TermKind.DISAMBIGUATION),
        ("nlab:gadgets+--+references", TermKind.META),
    ],
)
def test_categories_give_the_kind_of_a_page(
    parsed: ParsedSource, curie: str, kind: TermKind
) -> None:
    assert term(parsed, curie).kind is kind


def test_only_concepts_and_disambiguations_have_a_definition(parsed: ParsedSource) -> None:
    assert {term.id for term in parsed.terms if term.definition} == {
        "nlab:widget",
        "nlab:gadget",
        "nlab:toy",
    }


def test_links_are_followed_through_redirects_once_and_in_order(parsed: ParsedSource) -> None:
    assert objects(parsed, "nlab:widget", vocab.LINKS_TO) == [
        "nlab:gadget",
        "nlab:knob",
        "nlab:Some+Body",
        "nlab:handles",
    ]
    assert objects(parsed, "nlab:gadget", vocab.LINKS_TO) == ["nlab:widget"]


def test_includes_are_relations_of_their_own(parsed: ParsedSource) -> None:
    assert (
        Relation(
            subject="nlab:gadget",
            predicate=vocab.INCLUDES,
            object="nlab:gadgets+--+references",
            via="include",
        )
        in parsed.relations
    )


def test_a_page_without_a_name_is_rejected_without_its_text(parsed: ParsedSource) -> None:
    rejection = parsed.rejections[0]
    assert rejection.where == "nlab-content: pages/0/0/7/0/1007"
    assert rejection.reason == "no name file"
    assert rejection.got == "'content.md of 32 bytes'"


def test_a_page_that_is_only_included_is_no_concept(tmp_path: Path) -> None:
    parsed = parse_pages(tmp_path, a="[[!include fragment]] [[b]]", fragment="text", b="text")
    assert [term.kind for term in parsed.terms] == [
        TermKind.CONCEPT,
        TermKind.META,
        TermKind.CONCEPT,
    ]


def test_a_pages_own_name_wins_over_another_pages_redirect(tmp_path: Path) -> None:
    parsed = parse_pages(tmp_path, a="[[!redirects b]]", b="text", c="[[b]]")
    assert objects(parsed, "nlab:c", vocab.LINKS_TO) == ["nlab:b"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"name": b"a"}, "no content.md file"),
        ({"content.md": b"text", "name": b" \n"}, "no title"),
        ({"content.md": b"text", "name": b"?!"}, "title is only punctuation"),
        ({"content.md": b"text", "name": b"a\x00b"}, "control character in the title"),
        ({"content.md": b"text", "name": b"a" * 501}, "title too long"),
        ({"content.md": b"text", "name": b"\xff"}, "not UTF-8"),
        ({"content.md": b"\xff", "name": b"a"}, "not UTF-8"),
        ({"content.md": b"text", "name": b"good"}, "duplicate name"),
    ],
)
def test_a_bad_page_is_rejected_with_its_reason(
    tmp_path: Path, files: dict[str, bytes], reason: str
) -> None:
    pages = {"pages/0/0/0/0/1/content.md": b"text", "pages/0/0/0/0/1/name": b"good"}
    pages |= {f"pages/0/0/0/0/2/{name}": data for name, data in files.items()}
    parsed = parse_files(tmp_path, {**pages, "README.md": b"no page"})
    assert (parsed.read, len(parsed.terms)) == (2, 1)
    assert parsed.rejected_by_reason() == {reason: 1}
    assert parsed.rejections[0].where == "nlab-content: pages/0/0/0/0/2"


def test_a_link_that_can_name_no_page_is_counted(tmp_path: Path) -> None:
    parsed = parse_pages(tmp_path, a="see [[...]] and [[b]]")
    assert [(row.reason, row.got) for row in parsed.rejections] == [
        ("link to no possible page", "'...'")
    ]
    assert objects(parsed, "nlab:a", vocab.LINKS_TO) == ["nlab:b"]


# the list of titles


def test_titles_of_pages_in_the_archive_are_merged(parsed: ParsedSource) -> None:
    assert {row.where: row.reason for row in parsed.rejections[1:]} == {
        "nlab.csv:2": "page read from the archive",
        "nlab.csv:4": "alternative label of a page in the archive",
        "nlab.csv:10": "link is not that of the title",
        "nlab.csv:11": "title is only punctuation",
        "nlab.csv:12": "no title",
        "nlab.csv:13": "duplicate title",
    }


def test_titles_that_differ_only_in_case_are_separate_pages(parsed: ParsedSource) -> None:
    assert term(parsed, "nlab:Widget").labels[0].text == "Widget"
    assert term(parsed, "nlab:Widget").definition is None


def test_tex_quotes_and_commas_in_titles_are_kept(parsed: ParsedSource) -> None:
    title = term(parsed, "nlab:widget+%28of+%28p%2Cq%29-type%29")
    assert title.labels[0].text == "widget (of (p,q)-type)"
    assert term(parsed, "nlab:%24%5Cinfty%24-widget+%3E+history").kind is TermKind.META


def test_an_invisible_character_stays_in_the_address_only(tmp_path: Path) -> None:
    row = "Ada Example\u200b,https://ncatlab.org/nlab/show/Ada+Example%E2%80%8B\n"
    parsed = parse_pages(tmp_path, HEADER + row, a="text")
    assert parsed.terms[1].id == "nlab:Ada+Example%E2%80%8B"
    assert parsed.terms[1].labels[0].text == "Ada Example"
    assert parsed.terms[1].kind is TermKind.PERSON


def test_entities_and_decomposed_accents_in_titles_are_normalised(tmp_path: Path) -> None:
    parsed = parse_pages(tmp_path, HEADER + "e\u0301tale&nbsp;&#268;ech map,\n", a="text")
    assert parsed.terms[1].labels[0].text == "étale Čech map"
    assert parsed.rejections == ()


def test_a_row_of_other_width_is_rejected(tmp_path: Path) -> None:
    parsed = parse_pages(tmp_path, HEADER + "a,b,c\n\nalone\n", x="text")
    assert parsed.rejected_by_reason() == {"not two columns": 3}


@pytest.mark.parametrize(
    "title",
    [
        "adjunction > history",
        "Adjunction> history II",
        "category theory - contents",
        "physicscontents",
        "types and logic - table",
        "ADE -- table",
        "elliptic cohomology -- references",
        "trefoil knot - SVG",
        "empty 017",
        "Home Page",
        "Dev Sandbox",
    ],
)
def test_pages_about_pages_are_told_by_their_title(title: str) -> None:
    assert kind_of_title(title) is TermKind.META


@pytest.mark.parametrize(
    "title",
    [
        "Noé Bárcenas Torres",
        "Emmy Noether",
        "L. E. J. Brouwer",
        "J.H.C. Whitehead",
        "Aise Johan de Jong",
        "Gerard ’t Hooft",
        "Tammo tom Dieck",
        "Maarten Van den Nest",
        "Ben Moon",
        "Dusa McDuff",
        "Gianguido Dall'Agata",
        "Jie-qiang Wu",
        "Chris Fields",
        "Hugh Everett III",
        "L. Gaunce Lewis, Jr.",
        "Michael Friedman (historian)",
        "Павел Мнёв",
    ],
)
def test_names_of_persons_are_told_from_concepts(title: str) -> None:
    assert kind_of_title(title) is TermKind.PERSON


@pytest.mark.parametrize(
    "title",
    [
        "Banach space",
        "Fields medal",
        "Milnor K-theory",
        "Dirichlet L-function",
        "Lagrangian Grassmannian",
        "Higher Topos Theory",
        "Principia Mathematica",
        "Simons Foundation",
        "Kapustin-Witten TQFT",
        "De Morganization",
        "Witten's Dark Fantasy",
        "System F",
        "D=2 QCD",
        "SU(2) Instanton",
        "Euclid",
        "Lectures on Étale Cohomology",
    ],
)
def test_concepts_and_works_are_not_taken_for_persons(title: str) -> None:
    assert kind_of_title(title) is TermKind.CONCEPT


# the syntax


@pytest.mark.parametrize(
    "heading", ["## Idea", "##Idea##", "#Idea#", "# Idea #", "## Idea {#Idea}", "\\section{Idea}"]
)
def test_every_way_to_write_a_heading_is_read(heading: str) -> None:
    text = f"lead\n\n## Definition\n\nwrong\n\n{heading}\n\nright\n\n## More\n\nwrong"
    assert definition(text) == "right"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## Definitions and facts\n\nA **x**.\n\n## More\n\nno", "A **x**."),
        ("A lead.\n\n## Properties\n\nno", "A lead."),
        ("## Statement\n\nIt holds.\n\n## Proof\n\nno", "It holds."),
        ("## Properties\n\nno", None),
        ("## Idea\n\n(...)\n\n## Definition\n\nA **x**.", "A **x**."),
        ("## Definition\n\n### One\n\nA **x**.\n\n### Two\n\nno", "A **x**."),
        ("", None),
    ],
)
def test_the_section_that_says_most_is_taken(text: str, expected: str | None) -> None:
    assert definition(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a [[ring]]s and [[group|groups]]", "a rings and groups"),
        ("the [[!include x]]rest [[a.png:pic]]", "the rest"),
        ("<div class='query'>no <div>no</div> no</div>yes", "yes"),
        ("<div class='num_defn'><h6>Definition</h6>yes</div>", "yes"),
        ("+-- {: .query}\nno\n+-- {: .proof}\nno\n=--\nno\n=--\nyes", "yes"),
        ("a <b>bold</b> word<br/>", "a bold word"),
        ("one\\section", "one\\section"),
        ("don\\'t &ldquo;do&rdquo; &lt;b&gt; \\$5", "don't “do” &lt;b&gt; \\$5"),
        ("in\n\\[\n  a < b\n\\]\nshown", "in\n$$\n  a < b\n$$\nshown"),
        ("\\begin{equation}a\\end{equation}", "$$\\begin{equation}a\\end{equation}$$"),
        ("\\begin{definition}\\label{x} yes\\end{definition}", "yes"),
        ("costs $5 and\n\nno more than [[six]]", "costs $5 and\n\nno more than six"),
        ("mojibake Ã© stays", "mojibake Ã© stays"),
        ("never [[closed and\n+-- {: .query", "never closed and"),
        ("a {: .x} b {#anchor} c[^1]", "a  b  c"),
    ],
)
def test_markup_becomes_markdown(text: str, expected: str) -> None:
    assert definition(f"## Idea\n\n{text}") == expected


def test_windows_line_ends_change_nothing() -> None:
    text = "## Idea\n\none\n\ntwo [[a]]\n\n[[!redirects b]]\ncategory: people\n"
    assert read_markup(text.replace("\n", "\r\n")) == read_markup(text)


def test_a_sidebar_that_nobody_closed_ends_at_the_first_section() -> None:
    assert definition("+-- {: .rightHandSide}\n### Context\nno\n\n## Idea\n\nyes") == "yes"


def test_links_in_formulas_and_remarks_are_none() -> None:
    found = read_markup("$k[[x]]$ <!-- [[b]] --> [[c]] [[ d | e ]] [[c]]")
    assert found.links == ("c", "d")


def test_links_to_other_wikis_and_files_are_no_links_of_nlab() -> None:
    found = read_markup("[[otherweb:page]] [[nLab:ring]] [[a.pdf:file]] [[Physics: a view]]")
    assert found.links == ("ring", "Physics: a view")


def test_a_long_section_is_cut_at_a_paragraphs_end() -> None:
    paragraph = "word " * 100
    found = definition("## Idea\n\n" + f"{paragraph}\n\n" * 9)
    assert found is not None
    assert found == "\n\n".join([paragraph.strip()] * 3)
    assert len(found) <= DEFINITION_CHARS + 4


def test_a_giant_paragraph_is_cut_at_a_sentences_end_outside_of_formulas() -> None:
    found = definition("## Idea\n\n" + "A sum $a. b$ of parts. " * 900)
    assert found is not None
    assert PARAGRAPH_CHARS - 100 < len(found) <= PARAGRAPH_CHARS
    assert found.endswith("of parts.")


@pytest.mark.parametrize(
    "token",
    ["$", "$$", "\\[\n", "[[", "[[a|", "<!--", "<div class=query>", "+-- {: .query}\n",
     "\\begin{tikzcd}", "\\begin{align}", "#Idea\n", "[x](", "[x](()", "{:", "<", "&amp"],
)  # fmt: skip
def test_endless_broken_syntax_is_read_in_linear_time(token: str) -> None:
    # each is far below 0.1 s here; were one quadratic it would take minutes
    read_markup("## Idea\n\n" + token * (60_000 // len(token)))


# files that cannot be used


def test_an_archive_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="no page in the archive of nLab"):
        parse_files(tmp_path, {"web/1/content.md": b"text", "web/1/name": b"a"})


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "whole", {"pages/0/0/0/0/1/name": b"a"})
    cut = tmp_path / "cut"
    cut.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(ParseError, match="cannot be read to its end"):
        nlab.parse([raw_file(cut), raw_file(FIXTURE / "nlab.csv")])


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        (b"", r"expected the columns title and link, got \[\]"),
        (b"name,url\na,b\n", r"expected the columns title and link, got \['name', 'url'\]"),
        (b"title,link\n\xff,x\n", "expected CSV in UTF-8"),
        (b'title,link\n"never closed\n', "expected CSV in UTF-8, got unexpected end of data"),
        (b"title,link\n" + b"a" * 200_000, "field larger than field limit"),
        (b"<html>not found</html>", "expected the columns title and link"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, titles: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_pages(tmp_path, titles, a="text")


def test_a_list_that_is_gone_is_named(tmp_path: Path) -> None:
    archive = write_archive(
        tmp_path / "a", {"pages/0/0/0/0/1/content.md": b"", "pages/0/0/0/0/1/name": b"a"}
    )
    with pytest.raises(ParseError, match=r"gone\.csv: expected a readable file"):
        nlab.parse([raw_file(archive), raw_file(tmp_path / "gone.csv")])


def test_a_single_file_is_refused() -> None:
    with pytest.raises(ParseError, match="expected the content archive and the list of titles"):
        nlab.parse([raw_file(FIXTURE / "nlab.csv")])


def test_fetching_from_a_mirror_without_the_files_names_the_missing_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"ncatlab/nlab-content/tar\.gz"):
        nlab.fetch(Fetcher(Settings(mirror=tmp_path)))


def test_parsing_twice_gives_the_same(tmp_path: Path) -> None:
    pages = {"a": "[[b]] [[c]]", "b": "[[!redirects c]]"}
    assert parse_pages(tmp_path, **pages) == parse_pages(tmp_path, **pages)


@pytest.mark.mirror
def test_the_real_files_give_the_known_counts() -> None:
    source = nlab.SOURCE
    parsed = source.parse(
        source.fetch(Fetcher(Settings(mirror=Path(os.environ["MATHGLOSS_MIRROR"]))))
    )
    # 82 page folders, 20,202 titles, one odd link ("Home Page")
    assert parsed.read == 82 + 20_202 + 1
    assert len(parsed.terms) == 80 + 20_202 - 77 - 10
    assert parsed.rejected_by_reason() == {
        "page read from the archive": 77,
        "alternative label of a page in the archive": 10,
        "no name file": 2,
        "link is not that of the title": 1,
    }
    assert len(parsed.terms) / parsed.read > source.least_kept_share
    assert Counter(row.via for row in parsed.relations) == {"wikilink": 1479, "include": 53}
    pages, titles = parsed.terms[:80], parsed.terms[80:]
    assert Counter(term.kind for term in pages) == {
        TermKind.CONCEPT: 65,
        TermKind.PERSON: 13,
        TermKind.REDIRECT: 1,
        TermKind.DISAMBIGUATION: 1,
    }
    assert sum(len(term.labels) - 1 for term in pages) == 242
    assert sum(" > history" in term.labels[0].text for term in titles) == 571
    case = Counter(term.labels[0].text.lower() for term in parsed.terms)
    assert sum(count == 2 for count in case.values()) == 39
    assert {term.id: term.kind for term in titles}["nlab:Emmy+Noether"] is TermKind.PERSON
    assert all(ids.canonical(term.id) == term.id for term in parsed.terms)
    without = {term.id for term in pages if term.kind is TermKind.CONCEPT and not term.definition}
    assert without == {"nlab:constructible+number", "nlab:%C3%A9tale+morphism+of+E-%E2%88%9E+rings"}
