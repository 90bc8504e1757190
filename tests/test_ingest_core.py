"""The bundled core: what is rejected and why, and that the files which come with us are sound."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import core, papers
from ingest.fetch import MEBIBYTE, Fetcher
from mathgloss import vocab
from mathgloss.config import Settings
from mathgloss.errors import ParseError
from mathgloss.ids import is_qid
from mathgloss.model import (
    FormalLink,
    Label,
    LabelKind,
    ParsedSource,
    RawFile,
    Reference,
    Relation,
)
from mathgloss.paths import bundled_dir
from tests.conftest import raw_file

CHECK = "https://www.wikidata.org/wiki/Q7"
TABLES = core.TABLES
NAME_TABLES = [name for name in TABLES if name.startswith("names-")]
SENSE = {
    "id": "mathgloss:widget",
    "name": "linear widget",
    "synonyms": "widget map",
    "words": "widget; linear widget; gizmo",
    "summary": "A thing.",
    "check": CHECK,
}
CONCEPT = {"id": "wd:Q7", "en": "widget", "check": CHECK}
RELATION = {"subject": "wd:Q7", "property": "P279", "object": "wd:Q8", "check": CHECK}
TOPIC = {
    "id": "syllabus:algebra/widgets/widget",
    "position": "Algebra > Widgets > widget",
    "concept": "wd:Q7",
    "check": CHECK,
}
Rows = dict[str, list[dict[str, str]]]
Write = Callable[..., tuple[RawFile, ...]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write all tables with the given rows, by table name with underscores."""

    def put(**rows: list[dict[str, str]]) -> tuple[RawFile, ...]:
        files = []
        for name, columns in TABLES.items():
            lines = ["\t".join(columns)]
            for row in rows.get(name.removesuffix(".tsv").replace("-", "_"), ()):
                lines.append(
                    "\t".join(row.get(column, "") for column in (*columns, "more")).rstrip()
                )
            path = tmp_path / name
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            files.append(raw_file(path))
        return tuple(files)

    return put


def test_a_concept_has_its_names_by_language_a_summary_and_where_to_check_it(write: Write) -> None:
    row = {**CONCEPT, "en_alt": "gizmo; knob", "fr": "machin; truc", "summary": "A thing."}
    (term,) = core.parse(write(concepts=[row])).terms
    assert term.id == "wd:Q7"
    assert term.url == CHECK
    assert term.labels == (
        Label(text="widget", lang="en"),
        Label(text="gizmo", lang="en", kind=LabelKind.ALTERNATIVE),
        Label(text="knob", lang="en", kind=LabelKind.ALTERNATIVE),
        Label(text="machin", lang="fr"),
        Label(text="truc", lang="fr", kind=LabelKind.ALTERNATIVE),
    )
    assert term.definition is not None
    assert term.definition.text == "A thing."


def test_a_relation_is_named_by_its_wikidata_property(write: Write) -> None:
    assert core.parse(write(relations=[RELATION])).relations == (
        Relation(subject="wd:Q7", predicate=vocab.BROADER, object="wd:Q8", via="P279"),
    )


def test_a_topic_has_its_position_its_concept_and_its_lean_name(write: Write) -> None:
    (term,) = core.parse(write(syllabus=[{**TOPIC, "lean": "Widget"}])).terms
    assert term.position == ("Algebra", "Widgets", "widget")
    assert term.references == (Reference(target="wd:Q7", via="hand-checked"),)
    assert term.formal == (
        FormalLink(
            declaration="Widget",
            url="https://leanprover-community.github.io/mathlib4_docs/find/?pattern=Widget#doc",
        ),
    )


def test_a_topic_without_a_lean_name_is_not_formalised(write: Write) -> None:
    (term,) = core.parse(write(syllabus=[TOPIC])).terms
    assert term.formal == ()


def test_a_table_of_names_adds_names_in_each_language_the_first_preferred(write: Write) -> None:
    row = {"id": "wd:Q7", "fr": "machin; truc", "es": "cosa"}
    (term,) = core.parse(write(names_fr_de_es=[row])).terms
    assert (term.id, term.url) == ("wd:Q7", CHECK)
    assert term.labels == (
        Label(text="machin", lang="fr"),
        Label(text="truc", lang="fr", kind=LabelKind.ALTERNATIVE),
        Label(text="cosa", lang="es"),
    )


def test_a_sense_of_our_own_has_its_name_synonyms_and_single_words(write: Write) -> None:
    (term,) = core.parse(write(senses=[SENSE])).terms
    assert term.id == "mathgloss:widget"
    assert [(label.text, label.kind) for label in term.labels] == [
        ("linear widget", LabelKind.PREFERRED),
        ("widget map", LabelKind.ALTERNATIVE),
        ("widget", LabelKind.ALTERNATIVE),
        ("gizmo", LabelKind.ALTERNATIVE),
    ]


def test_a_sense_of_an_item_adds_only_the_name_that_tells_it_apart(write: Write) -> None:
    (term,) = core.parse(write(senses=[{**SENSE, "id": "wd:Q7"}])).terms
    assert [(label.text, label.kind) for label in term.labels] == [
        ("linear widget", LabelKind.ALTERNATIVE)
    ]


def test_an_everyday_sense_names_no_concept(write: Write) -> None:
    parsed = core.parse(write(senses=[{**SENSE, "id": "none:gadget"}]))
    assert (parsed.terms, parsed.rejections, parsed.read) == ((), (), 0)


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("concepts", {**CONCEPT, "en": " "}, "no label"),
        ("concepts", {**CONCEPT, "id": ""}, "not a Wikidata item"),
        ("concepts", {**CONCEPT, "id": "Q8"}, "not a Wikidata item"),
        ("concepts", {**CONCEPT, "id": "wd:Q08"}, "not a Wikidata item"),
        ("concepts", {**CONCEPT, "id": "wd:P8"}, "not a Wikidata item"),
        ("concepts", {**CONCEPT, "id": "syllabus:x"}, "not a Wikidata item"),
        ("concepts", CONCEPT, "identifier came before"),
        ("concepts", {**CONCEPT, "id": "wd:Q8", "check": ""}, "no address to check the fact"),
        ("concepts", {**CONCEPT, "id": "wd:Q8", "check": "Q8"}, "no address to check the fact"),
        ("concepts", {**CONCEPT, "id": "wd:Q8", "more": "cell"}, "too many cells"),
        ("concepts", {"id": "wd:Q8", "en": "too few cells"}, "no address to check the fact"),
        ("relations", {**RELATION, "subject": ""}, "not a Wikidata item"),
        ("relations", {**RELATION, "object": "wd:Qx"}, "not a Wikidata item"),
        ("relations", {**RELATION, "property": "P18"}, "unknown property"),
        ("relations", {**RELATION, "check": ""}, "no address to check the fact"),
        ("syllabus", {**TOPIC, "id": ""}, "not a syllabus topic"),
        ("syllabus", {**TOPIC, "id": "syllabus:"}, "not a syllabus topic"),
        ("syllabus", {**TOPIC, "id": "wd:Q8"}, "not a syllabus topic"),
        ("syllabus", {**TOPIC, "position": "Algebra > "}, "no label"),
        ("syllabus", {**TOPIC, "concept": ""}, "not a Wikidata item"),
        ("syllabus", {**TOPIC, "concept": "syllabus:x"}, "not a Wikidata item"),
        ("syllabus", {**TOPIC, "check": ""}, "no address to check the fact"),
        ("names_en", {"id": "wd:Q8"}, "no label"),
        ("names_en", {"id": "mathgloss:widget", "en": "widget"}, "not a Wikidata item"),
        ("names_fr_de_es", {"id": "Q8", "de": "Ding"}, "not a Wikidata item"),
        ("names_it_pt", {"id": "wd:Q8", "it": "cosa", "more": "cell"}, "too many cells"),
        ("senses", {**SENSE, "name": ""}, "no label"),
        ("senses", {**SENSE, "id": "widget"}, "not a Wikidata item"),
        ("senses", {**SENSE, "check": ""}, "no address to check the fact"),
    ],
)
def test_a_bad_row_is_rejected_counted_and_named(
    write: Write, table: str, row: dict[str, str], reason: str
) -> None:
    rows: Rows = {"concepts": [CONCEPT]}
    rows[table] = [*rows.get(table, ()), row]
    parsed = core.parse(write(**rows))
    (rejection,) = parsed.rejections
    assert rejection.reason == reason
    assert rejection.where == f"{table.replace('_', '-')}.tsv:{len(rows[table]) + 1}"
    assert [term.id for term in parsed.terms] == ["wd:Q7"]
    assert parsed.read == 2
    assert not parsed.relations


def test_a_row_is_named_by_its_line_though_lines_before_it_are_empty(
    write: Write, tmp_path: Path
) -> None:
    files = write(concepts=[CONCEPT])
    path = tmp_path / "concepts.tsv"
    path.write_text(path.read_text(encoding="utf-8") + "\n\nwd:Q8\n", encoding="utf-8")
    (rejection,) = core.parse(files).rejections
    assert rejection.where == "concepts.tsv:5"


@pytest.mark.parametrize("table", list(TABLES))
@pytest.mark.parametrize(
    ("header", "got"),
    [("", "an empty file"), ("id\tname", "id name"), ('{"id": 1}', '{"id": 1}')],
)
def test_a_table_with_other_columns_is_refused(
    write: Write, tmp_path: Path, table: str, header: str, got: str
) -> None:
    files = write()
    (tmp_path / table).write_text(header, encoding="utf-8")
    with pytest.raises(ParseError) as caught:
        core.parse(files)
    assert caught.value.where == f"{tmp_path / table}:1"
    assert caught.value.expected == " ".join(TABLES[table])
    assert caught.value.got == got
    assert caught.value.advice == "restore the file from the release"


def test_a_table_that_is_not_utf8_is_refused(write: Write, tmp_path: Path) -> None:
    files = write()
    path = tmp_path / "relations.tsv"
    path.write_bytes(b"\xff\xfes\x00u\x00b\x00")
    with pytest.raises(ParseError, match="the table is not text") as caught:
        core.parse(files)
    assert caught.value.where == str(path)
    assert caught.value.expected == "UTF-8"


# ---------------------------------------------------------------------- the files that come with us


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> ParsedSource:
    return core.parse(core.fetch(Fetcher(Settings(home=tmp_path_factory.mktemp("home")))))


@pytest.fixture(scope="module")
def concepts(bundled: ParsedSource) -> set[str]:
    return {term.id for term in bundled.terms if term.id.startswith("wd:")}


def test_no_bundled_row_is_rejected(bundled: ParsedSource) -> None:
    assert bundled.rejections == ()
    assert bundled.read == len(bundled.terms)


def test_at_least_six_hundred_concepts_are_bundled(concepts: set[str]) -> None:
    assert len(concepts) >= 600
    assert all(is_qid(name.removeprefix("wd:")) for name in concepts)
    assert {"wd:Q83478", "wd:Q181296"} <= concepts


def test_every_bundled_fact_says_where_it_can_be_checked() -> None:
    # a name of an item is checked on the item's own page, a phrase says why it is one
    unchecked = {*NAME_TABLES, "phrases.tsv"}
    for path in sorted(bundled_dir().glob("*.tsv")):
        if path.name in unchecked:
            continue
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        place = header.split("\t").index("check")
        assert [row for row in rows if not row.split("\t")[place].startswith("https://")] == []


def test_every_relation_and_topic_is_about_bundled_concepts(
    bundled: ParsedSource, concepts: set[str]
) -> None:
    named = {name for row in bundled.relations for name in (row.subject, row.object)}
    named |= {reference.target for term in bundled.terms for reference in term.references}
    assert named - concepts == set()


def test_bundled_concepts_have_english_names_and_five_languages_on_average(
    bundled: ParsedSource,
) -> None:
    languages: dict[str, set[str]] = {}
    summarised = set()
    for term in bundled.terms:
        if term.id.startswith("wd:"):
            languages.setdefault(term.id, set()).update(label.lang for label in term.labels)
            if term.definition is not None:
                summarised.add(term.id)
    assert all("en" in languages[item] for item in summarised)
    assert sum(len(languages[item]) for item in summarised) / len(summarised) >= 5


@pytest.mark.parametrize("name", NAME_TABLES)
def test_each_row_of_bundled_names_is_an_item_with_trimmed_names_in_a_small_file(name: str) -> None:
    path = bundled_dir() / name
    assert path.stat().st_size <= MEBIBYTE
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    assert tuple(header.split("\t")) == TABLES[name]
    cells = [row.split("\t") for row in rows]
    assert {len(row) for row in cells} == {len(TABLES[name])}
    assert all(row[0].startswith("wd:") and is_qid(row[0][3:]) for row in cells)
    assert len({row[0] for row in cells}) == len(cells)
    names = [text for row in cells for cell in row[1:] if cell for text in cell.split("; ")]
    assert [text for text in names if not text or " ".join(text.split()) != text] == []
    assert [text for text in names if ";" in text or not text.isprintable()] == []


def test_no_bundled_name_is_given_twice_in_a_language(bundled: ParsedSource) -> None:
    for term in bundled.terms:
        names = [(label.lang, label.text) for label in term.labels]
        assert len(names) == len(set(names)), term.id


def test_the_titles_of_the_81_papers_are_bundled_without_abstracts(tmp_path: Path) -> None:
    parsed = papers.BUNDLED.parse(papers.BUNDLED.fetch(Fetcher(Settings(home=tmp_path))))
    assert len(parsed.papers) == len({paper.id for paper in parsed.papers}) == 81
    assert parsed.rejections == ()
    assert all(paper.title and not paper.abstract for paper in parsed.papers)


def test_the_manifest_is_true_of_every_bundled_file() -> None:
    folder = bundled_dir()
    manifest = tomllib.loads((folder / "MANIFEST.toml").read_text(encoding="utf-8"))
    assert manifest["files"].keys() == {path.name for path in folder.glob("*.tsv")}
    for name, entry in manifest["files"].items():
        data = (folder / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest(), name
        assert entry["rows"] == len(data.decode().splitlines()) - 1, name
        assert entry["source"], name
