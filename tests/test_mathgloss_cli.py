"""The command line: contracts that other tools rely on, and what bad input gets."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mathgloss.answers.service import Answers
from mathgloss.cli import COMMANDS, main, root
from mathgloss.errors import InputError

Run = Callable[..., str]


def sssom_rows(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    return list(csv.DictReader(lines, delimiter="\t"))


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom mathgloss.cli import root\n"
        "try:\n    root(['--help'], standalone_mode=True)\nexcept SystemExit:\n    pass\n"
        "heavy = {'spacy', 'torch', 'numpy', 'rdflib', 'pyoxigraph', 'pydantic', 'flask', 'rich',"
        " 'requests', 'sentence_transformers', 'pyshacl'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    for name in COMMANDS:
        assert name in result.stdout


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_can_be_imported_and_has_help(name: str) -> None:
    result = CliRunner().invoke(root, [name, "--help"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_concept_json_is_the_answer_of_the_api(mathgloss: Run, answers: Answers) -> None:
    card = json.loads(mathgloss("concept", "abelian group", "--json"))
    assert card == json.loads(json.dumps(answers.concept("wd:Q181296")))
    for key in ("id", "labels", "definitions", "links", "lean", "syllabus", "broader", "papers"):
        assert key in card


def test_concept_for_people(mathgloss: Run) -> None:
    text = mathgloss("concept", "wd:Q83478")
    assert "group" in text
    assert "see https://ncatlab.org/nlab/show/group" in text
    assert "Wikidata line: wd:Q83478" in text


def test_search(mathgloss: Run) -> None:
    assert mathgloss("search", "abelian").startswith("wd:Q181296")
    assert json.loads(mathgloss("search", "abelian", "--json"))["results"][0]["id"] == "wd:Q181296"


def test_link_terms_gives_one_sssom_row_for_each_term(mathgloss: Run, tmp_path: Path) -> None:
    terms = tmp_path / "terms.csv"
    terms.write_text(
        "id,label,lang,definition\n"
        "t:1,Abelian groups,en,\nt:2,groupe abélien,fr,\nt:3,no such thing,en,\nt:4,,en,\n"
        't:5,Orbit (disambiguation),,"a page, not a concept"\n',
        encoding="utf-8",
    )
    out = tmp_path / "out.sssom.tsv"
    output = mathgloss("link", "terms", str(terms), "-o", str(out), exit_code=1, error=True)
    assert "terms.csv:5: t:4: no label, so no item is found" in output
    rows = sssom_rows(out)
    assert [(row["subject_id"], row["object_id"]) for row in rows[:4]] == [
        ("t:1", "wd:Q181296"),
        ("t:2", "wd:Q181296"),
        ("t:3", "sssom:NoTermFound"),
        ("t:4", "sssom:NoTermFound"),
    ]
    assert rows[4]["object_id"] != "wd:Q230664"
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)


def test_odd_rows_of_a_term_file_are_named(mathgloss: Run, tmp_path: Path) -> None:
    terms = tmp_path / "terms.csv"
    long = "x" * 200_000
    terms.write_text(f"id,label\nt:1,gr\x00oup\n,ring\nt:1,{long}\n", encoding="utf-8")
    out = tmp_path / "out.sssom.tsv"
    output = mathgloss("link", "terms", str(terms), "-o", str(out), exit_code=1, error=True)
    assert "terms.csv:3: expected an id in the first column" in output
    assert "terms.csv:4: t:1: the id came before" in output
    assert "\x00" not in out.read_text(encoding="utf-8")
    assert [row["object_id"] for row in sssom_rows(out)] == ["sssom:NoTermFound"] * 2


# the reference tool uses what pandas now deprecates
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_our_sssom_is_read_by_the_reference_tool(mathgloss: Run, tmp_path: Path) -> None:
    from sssom.parsers import parse_sssom_table

    folder = tmp_path / "sssom"
    mathgloss("export", "-f", "sssom", "-o", str(folder))
    sets = {path.name: parse_sssom_table(path).df for path in sorted(folder.iterdir())}
    names = ("curated", "predicted", "rejected", "unsure")
    assert set(sets) == {f"{name}.sssom.tsv" for name in names}
    curated = sets["curated.sssom.tsv"]
    pairs = set(zip(curated.subject_id, curated.object_id, strict=True))
    assert ("chicago:group", "wd:Q83478") in pairs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,label\na,b\n", "expected columns id,label"),
        ("", "expected columns id,label"),
        ('id,label\n1,"group\n2,ring\n', "not a well-formed CSV file: unexpected end of data"),
    ],
)
def test_bad_term_files_get_a_clear_error(
    mathgloss: Run, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        mathgloss("link", "terms", str(path), "-o", str(tmp_path / "out.tsv"))


def test_a_term_file_that_is_not_text(mathgloss: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"id,label\n1,\xff\xfe\n")
    with pytest.raises(InputError, match="expected UTF-8"):
        mathgloss("link", "terms", str(path), "-o", str(tmp_path / "out.tsv"))


def test_annotate_gives_offsets_into_the_fields_as_given(mathgloss: Run, tmp_path: Path) -> None:
    record = {"id": "x", "title": "𝔸 Abelian groups", "text": "A kernel of a group homomorphism."}
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps(record) + "\n\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    mathgloss("annotate", str(texts), "-o", str(out))
    (line,) = out.read_text(encoding="utf-8").splitlines()
    found = json.loads(line)
    assert found["id"] == "x"
    for mention in found["mentions"]:
        field = record[mention["field"]]
        assert field[mention["start"] : mention["end"]] == mention["surface"]
        assert mention.keys() >= {"concept", "label", "confidence", "candidates"}
    assert [row["surface"] for row in found["mentions"]] == [
        "Abelian groups",
        "kernel of a group homomorphism",
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[1]",
        b'{"title": "no id"}',
        b'{"id": true}',
        b'{"id": 1, "text": 5}',
        b"[" * 5000,
        b'{"id": "\xff"}',
    ],
)
def test_a_bad_line_is_named_and_the_others_are_annotated(
    mathgloss: Run, tmp_path: Path, line: bytes
) -> None:
    texts = tmp_path / "texts.jsonl"
    # U+2028 ends a line for str.splitlines, not in JSON lines; a byte order mark is no text
    good = '{"id": "ok", "text": "a\u2028group"}\n'.encode("utf-8-sig")
    texts.write_bytes(good + line + b'\n\n{"id": 2}\n')
    out = tmp_path / "out.jsonl"
    output = mathgloss("annotate", str(texts), "-o", str(out), exit_code=1, error=True)
    assert "texts.jsonl:2: expected" in output
    rows = [json.loads(row) for row in out.read_text(encoding="utf-8").split("\n") if row]
    assert [row["id"] for row in rows] == ["ok", 2]
    assert rows[0]["mentions"][0]["surface"] == "group"


@pytest.mark.parametrize("command", [["link", "terms"], ["annotate"]])
def test_output_into_a_folder_that_is_not_there_is_refused_before_the_work(
    mathgloss: Run, tmp_path: Path, command: list[str]
) -> None:
    given = tmp_path / "given"
    given.write_text("id,label\n", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        mathgloss(*command, str(given), "-o", str(tmp_path / "no" / "out"))


def test_query_prints_rows_and_triples(mathgloss: Run, tmp_path: Path) -> None:
    query = tmp_path / "q.rq"
    query.write_text(
        "SELECT (COUNT(*) AS ?n) { ?c a <http://www.w3.org/2004/02/skos/core#Concept> }"
    )
    assert mathgloss("query", str(query)).splitlines()[0] == "?n"
    assert json.loads(mathgloss("query", str(query), "-f", "json"))["results"]["bindings"]
    query.write_text("CONSTRUCT WHERE { <http://www.wikidata.org/entity/Q83478> ?p ?o }")
    assert "Q83478" in mathgloss("query", str(query))


def test_exports(mathgloss: Run, tmp_path: Path) -> None:
    import pyoxigraph

    quads = tmp_path / "all.nq"
    mathgloss("export", "-o", str(quads))
    store = pyoxigraph.Store()
    store.bulk_load(path=str(quads), format=pyoxigraph.RdfFormat.N_QUADS)
    turtle = tmp_path / "all.ttl"
    mathgloss("export", "-f", "turtle", "-o", str(turtle))
    assert (
        len(list(pyoxigraph.parse(path=str(turtle), format=pyoxigraph.RdfFormat.TURTLE))) > 10_000
    )
    database = tmp_path / "all.sqlite"
    mathgloss("export", "-f", "sqlite", "-o", str(database))
    connection = sqlite3.connect(database)
    broader = connection.execute(
        "SELECT object FROM relation WHERE subject = 'wd:Q181296' AND predicate = 'skos:broader'"
    ).fetchall()
    assert ("wd:Q83478",) in broader
    rows = connection.execute("SELECT COUNT(*) FROM mention").fetchone()[0]
    connection.close()
    mentions = "<https://w3id.org/mathgloss/vocab#Mention>"
    counted = store.query(f"SELECT (COUNT(*) AS ?n) {{ GRAPH ?g {{ ?m a {mentions} }} }}")
    assert rows == int(next(iter(counted))[0].value)  # type: ignore[arg-type]


def test_export_to_a_place_that_is_not_there(mathgloss: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        mathgloss("export", "-f", "sqlite", "-o", str(tmp_path / "no" / "file.sqlite"))


def test_sources_lists_every_source(mathgloss: Run) -> None:
    names = {row["name"] for row in json.loads(mathgloss("sources", "--json"))["sources"]}
    assert names >= {"core", "wikidata", "nlab", "mulima", "chicago", "syllabus", "tac"}


def test_doctor_says_what_is_found(mathgloss: Run) -> None:
    rows = {row["what"]: row for row in json.loads(mathgloss("doctor", "--json"))}
    assert rows["pyoxigraph"]["ok"] is True
    assert rows["published snapshot"]["ok"] is True
    assert "embedding device" in rows


def test_an_error_is_one_line_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--home", str(tmp_path / "none"), "concept", "group"])
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert "no snapshot has been published yet; run 'mathgloss refresh'" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("command", ["build", "concept group", "experiment list"])
def test_a_home_that_is_a_file_is_a_clear_error(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        main(["--home", str(tmp_path / "file"), *command.split()])
    assert "MATHGLOSS_HOME: expected a folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["build", "experiment worker"])
def test_a_home_that_cannot_be_made_is_a_clear_error(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        main(["--home", str(tmp_path / "file" / "home"), *command.split()])
    error = capsys.readouterr().err
    assert "home folder" in error
    assert "Traceback" not in error


def test_a_bad_mirror_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--mirror", str(tmp_path / "none"), "refresh"])
    assert "MATHGLOSS_MIRROR: expected a folder" in capsys.readouterr().err
