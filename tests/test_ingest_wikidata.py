"""Wikidata: which items are asked for and how, what becomes of their statements, broken slices."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
from werkzeug.serving import make_server

from api import create_app
from ingest import wikidata, wikidata_queries
from ingest import wikidata_scope as scope
from ingest.endpoint import EmbeddedEndpoint, HttpEndpoint, Row
from ingest.fetch import Fetcher, new_session
from mathgloss import vocab
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.errors import ParseError, SourceError
from mathgloss.graph.index import INDEX, write_index
from mathgloss.graph.snapshot import Manifest, Snapshot, write_manifest
from mathgloss.model import (
    FormalLink,
    Label,
    LabelKind,
    ParsedSource,
    Reference,
    Relation,
    Term,
    TermKind,
)

SLICE = Path(__file__).parent / "fixtures" / "world" / "wikidata" / "slice.nt"
PREFIXES = """
@prefix wd: <http://www.wikidata.org/entity/> .
@prefix wdt: <http://www.wikidata.org/prop/direct/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix schema: <http://schema.org/> .
@prefix en: <https://en.wikipedia.org/wiki/> .
"""
WIDGET = 'wd:Q7 rdfs:label "widget"@en .'


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write statements as an RDF file."""

    def put(turtle: str, name: str = "items.ttl") -> Path:
        path = tmp_path / name
        path.write_text(PREFIXES + turtle, encoding="utf-8")
        return path

    return put


@pytest.fixture
def fetcher_for(tmp_path: Path) -> Iterator[Callable[[str | Path], Fetcher]]:
    """A fetcher with a home of its own that asks the given endpoint."""
    session = new_session("https://example.org/contact", retries=0)
    session.trust_env = False

    def make(address: str | Path) -> Fetcher:
        settings = Settings(home=tmp_path / "home", wikidata_endpoint=str(address))
        return Fetcher(settings, session)

    yield make
    session.close()


@pytest.fixture
def read(
    write: Callable[..., Path], fetcher_for: Callable[[str | Path], Fetcher]
) -> Callable[[str], ParsedSource]:
    """What is read of an RDF file with the given statements."""
    return lambda turtle: wikidata.parse(wikidata.fetch(fetcher_for(write(turtle))))


class Recorder:
    """An embedded endpoint that notes the queries."""

    def __init__(self, path: Path) -> None:
        self._endpoint = EmbeddedEndpoint(path)
        self.queries: list[str] = []

    def select(self, query: str) -> Iterator[Row]:
        self.queries.append(query)
        return self._endpoint.select(query)


def only(parsed: ParsedSource) -> Term:
    (term,) = parsed.terms
    return term


def alternatives(term: Term) -> list[tuple[str, str]]:
    return [(row.text, row.lang) for row in term.labels if row.kind is LabelKind.ALTERNATIVE]


# ------------------------------------------------------------------------------------ what is asked


def many_items(count: int) -> str:
    return "\n".join(
        f'wd:Q{number} rdfs:label "item {number}"@en .' for number in range(1, count + 1)
    )


def test_items_are_asked_page_by_page_until_a_page_is_not_full(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wikidata, "PAGE_ROWS", 4)
    endpoint = Recorder(write(many_items(10)))
    found = list(wikidata.iter_items(endpoint, everything=True))
    assert sorted(found) == sorted(f"Q{number}" for number in range(1, 11))
    assert len(found) == 10
    assert len(endpoint.queries) == 3
    assert all("LIMIT 4" in query for query in endpoint.queries)
    assert f'STR(?item) > "{wikidata_queries.ENTITY}Q3"' in endpoint.queries[1]


def test_the_items_do_not_depend_on_the_size_of_a_page(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = EmbeddedEndpoint(write(many_items(12)))
    whole = list(wikidata.iter_items(endpoint, everything=True))
    for size in (1, 3, 12):
        monkeypatch.setattr(wikidata, "PAGE_ROWS", size)
        assert list(wikidata.iter_items(endpoint, everything=True)) == whole


def test_no_query_names_more_than_two_hundred_items(write: Callable[..., Path]) -> None:
    endpoint = Recorder(write(many_items(450)))
    lines = list(wikidata.slice_lines(endpoint, everything=True))
    sizes = [len(re.findall(r"wd:Q\d", query)) for query in endpoint.queries if "VALUES" in query]
    assert sizes == [200, 200, 200, 200, 50, 50]
    assert len(lines) == 450


def test_every_query_is_plain_sparql(write: Callable[..., Path]) -> None:
    endpoint = Recorder(write(WIDGET))
    list(wikidata.slice_lines(endpoint, everything=False))
    list(wikidata.slice_lines(endpoint, everything=True))
    assert len(endpoint.queries) > len(scope.CLASSES)
    assert not [query for query in endpoint.queries if re.search(r"SERVICE|hint:|bd:", query)]


IN_AND_OUT_OF_SCOPE = """
wd:Q10 rdfs:label "an instance"@en ; wdt:P31 wd:Q65943 .
wd:Q11 rdfs:label "an instance of a subclass"@en ; wdt:P31 wd:Q12 .
wd:Q12 rdfs:label "a subclass of a subclass"@en ; wdt:P279 wd:Q13 .
wd:Q13 rdfs:label "a subclass"@en ; wdt:P279 wd:Q246672 .
wd:Q14 rdfs:label "classless, in MathWorld"@en ; wdt:P2812 "Widget" .
wd:Q15 rdfs:label "classless, with an MSC code"@en ; wdt:P3285 "20M" .
wd:Q16 rdfs:label "classless, in Mathlib"@en ; wdt:P14534 "Widget" .
wd:Q17 rdfs:label "a town"@en ; wdt:P31 wd:Q515 .
"""


def test_a_service_is_asked_for_items_by_class_and_by_identifier(
    write: Callable[..., Path],
) -> None:
    endpoint = EmbeddedEndpoint(write(IN_AND_OUT_OF_SCOPE))
    found = list(wikidata.iter_items(endpoint, everything=False))
    assert sorted(found) == ["Q10", "Q11", "Q12", "Q13", "Q14", "Q15", "Q16"]


def test_of_a_file_every_labelled_item_is_read(read: Callable[[str], ParsedSource]) -> None:
    assert [term.id for term in read(IN_AND_OUT_OF_SCOPE).terms] == [
        f"wd:Q{number}" for number in range(10, 18)
    ]


@pytest.mark.parametrize("qid", list(scope.CLASSES))
def test_instances_of_every_listed_class_are_in_scope(write: Callable[..., Path], qid: str) -> None:
    endpoint = EmbeddedEndpoint(write(f"wd:Q1 wdt:P31 wd:{qid} ."))
    assert list(wikidata.iter_items(endpoint, everything=False)) == ["Q1"]


def test_an_address_that_is_no_item_is_passed_over(read: Callable[[str], ParsedSource]) -> None:
    parsed = read(
        WIDGET
        + """
        wd:P279 rdfs:label "subclass of"@en .
        wd:Q0 rdfs:label "zero"@en .
        wd:Q7x rdfs:label "seven x"@en .
        wd:L7 rdfs:label "a lexeme"@en .
        <http://example.org/Q8> rdfs:label "elsewhere"@en ."""
    )
    assert [term.id for term in parsed.terms] == ["wd:Q7"]
    assert parsed.read == 1


# ------------------------------------------------------------------------------------- what is read


def test_names_and_descriptions_are_kept_by_language_and_role(
    read: Callable[[str], ParsedSource],
) -> None:
    term = only(
        read("""wd:Q7 rdfs:label "widget"@en, "machin"@fr, "Dings"@de, "W7"@mul ;
        skos:altLabel "gizmo"@en, "truc"@fr, "widget"@en ;
        schema:description "thing in a test"@en, "chose"@fr .""")
    )
    assert term.labels == (
        Label(text="Dings", lang="de"),
        Label(text="widget", lang="en"),
        Label(text="machin", lang="fr"),
        Label(text="W7", lang="mul"),
        Label(text="gizmo", lang="en", kind=LabelKind.ALTERNATIVE),
        Label(text="truc", lang="fr", kind=LabelKind.ALTERNATIVE),
    )
    assert term.definition is not None
    assert term.definition.text == "thing in a test"
    assert term.url == "https://www.wikidata.org/wiki/Q7"


def test_languages_that_are_not_read_are_not_asked_for(read: Callable[[str], ParsedSource]) -> None:
    term = only(
        read("""wd:Q7 rdfs:label "widget"@en, "tlh"@tlh, "en-gb"@en-gb ;
        skos:altLabel "vo"@vo ; schema:description "sco"@sco .""")
    )
    assert [label.lang for label in term.labels] == ["en"]
    assert term.definition is None


def test_white_space_in_a_name_is_collapsed(read: Callable[[str], ParsedSource]) -> None:
    term = only(read('wd:Q7 rdfs:label " null \\n space"@en ; skos:altLabel " "@en .'))
    assert [label.text for label in term.labels] == ["null space"]


def test_an_item_without_a_label_is_rejected_and_named(read: Callable[[str], ParsedSource]) -> None:
    parsed = read(WIDGET + 'wd:Q8 rdfs:label "nur in Klingonisch"@tlh ; wdt:P279 wd:Q7 .')
    assert [term.id for term in parsed.terms] == ["wd:Q7"]
    (rejection,) = parsed.rejections
    assert (rejection.where, rejection.reason) == ("wd:Q8", "no label")
    assert parsed.read == 2
    assert not parsed.relations


def test_every_relation_property_gives_its_relation(read: Callable[[str], ParsedSource]) -> None:
    statements = "".join(f"wd:Q7 wdt:{name} wd:Q9 . " for name in scope.RELATIONS)
    assert read(WIDGET + statements).relations == tuple(
        Relation(subject="wd:Q7", predicate=predicate, object="wd:Q9", via=name)
        for name, predicate in scope.RELATIONS.items()
    )


def test_the_relations_in_the_issue_are_all_read() -> None:
    wanted = {"P31", "P279", "P361", "P527", "P1269", "P461", "P1889", "P2579"}
    assert wanted <= scope.RELATIONS.keys()
    assert scope.RELATIONS["P279"] == vocab.BROADER


def test_a_relation_to_itself_or_to_no_item_is_left_out(
    read: Callable[[str], ParsedSource],
) -> None:
    parsed = read(
        WIDGET
        + """wd:Q7 wdt:P279 wd:Q7, wd:Q10, wd:Q9, _:unknown, "a string",
        <http://www.wikidata.org/.well-known/genid/0a1b> ."""
    )
    assert [row.object for row in parsed.relations] == ["wd:Q9", "wd:Q10"]


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ('wdt:P4215 "abelian+group"', "nlab:abelian+group"),
        ('wdt:P4215 "abelian group"', "nlab:abelian+group"),
        ('wdt:P4215 "K%C3%A4hler+manifold"', "nlab:K%C3%A4hler+manifold"),
        ('wdt:P4215 "Kähler manifold"', "nlab:K%C3%A4hler+manifold"),
        ('wdt:P2812 "AbelianGroup"', "mathworld:AbelianGroup"),
        ('wdt:P7726 "abeliangroup"', "planetmath:abeliangroup"),
        ('wdt:P6781 "Definition:Abelian Group"', "proofwiki:Definition:Abelian_Group"),
        ('wdt:P7554 "Abelian group"', "eom:Abelian_group"),
        ('wdt:P11497 "25.2#E1"', "dlmf:25.2#E1"),
        ('wdt:P12987 "group.abelian"', "lmfdb:group.abelian"),
        ('wdt:P12888 "df-abl"', "metamath:df-abl"),
    ],
)
def test_an_identifier_becomes_a_reference(
    read: Callable[[str], ParsedSource], statement: str, target: str
) -> None:
    via = statement.split()[0].removeprefix("wdt:")
    term = only(read(f"{WIDGET} wd:Q7 {statement} ."))
    assert term.references == (Reference(target=target, via=via),)


def test_an_empty_identifier_is_left_out(read: Callable[[str], ParsedSource]) -> None:
    assert only(read(f'{WIDGET} wd:Q7 wdt:P4215 " " ; wdt:P2812 "" .')).references == ()


def test_msc_codes_are_types_and_mathlib_names_are_formal_links(
    read: Callable[[str], ParsedSource],
) -> None:
    term = only(
        read(f'{WIDGET} wd:Q7 wdt:P3285 "20K" ; wdt:P14534 "CommGroup" ; wdt:P31 wd:Q246672 .')
    )
    assert term.types == ("wd:Q246672", "msc:20K")
    assert term.formal == (FormalLink(declaration="CommGroup"),)


@pytest.mark.parametrize(
    "title", ['en:Widget_x schema:name "Widget (algebra)"@en .', ""], ids=["stated", "from address"]
)
def test_the_wikipedia_title_is_an_alternative_name_and_a_reference(
    read: Callable[[str], ParsedSource], title: str
) -> None:
    page = "<https://en.wikipedia.org/wiki/Widget_%28algebra%29>"
    term = only(
        read(
            f"""{WIDGET} {page} schema:about wd:Q7 ; schema:isPartOf <https://en.wikipedia.org/> .
            {title.replace("en:Widget_x", page)}
            <https://de.wikipedia.org/wiki/Dings> schema:about wd:Q7 ;
              schema:isPartOf <https://de.wikipedia.org/> ; schema:name "Dings"@de ."""
        )
    )
    assert alternatives(term) == [("Widget (algebra)", "en")]
    assert term.references == (Reference(target="enwiki:Widget_(algebra)", via="sitelink enwiki"),)


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        ("wd:Q7 wdt:P31 wd:Q5 .", TermKind.PERSON),
        ("wd:Q7 wdt:P31 wd:Q4167410 .", TermKind.DISAMBIGUATION),
        ("wd:Q7 wdt:P31 wd:Q13406463 .", TermKind.LIST),
        ("wd:Q7 wdt:P31 wd:Q571 .", TermKind.WORK),
        ("wd:Q7 wdt:P31 wd:Q4167836 .", TermKind.META),
        ("wd:Q7 wdt:P31 wd:Q24034552, wd:Q5 .", TermKind.PERSON),
        ("wd:Q7 wdt:P31 wd:Q24034552 .", TermKind.CONCEPT),
        ('wd:Q7 skos:altLabel "Widget (disambiguation)"@en .', TermKind.DISAMBIGUATION),
        ('wd:Q7 skos:altLabel "List of widgets"@en .', TermKind.LIST),
        ('wd:Q7 skos:altLabel "Widget (novel)"@en .', TermKind.WORK),
        ('wd:Q7 skos:altLabel "Widget (mathematician)"@en .', TermKind.PERSON),
        ('wd:Q7 skos:altLabel "Category:Widgets"@en .', TermKind.META),
        ('wd:Q7 skos:altLabel "listing of widgets (algebra)"@en .', TermKind.CONCEPT),
    ],
)
def test_what_is_no_concept_is_known_by_class_or_by_title(
    read: Callable[[str], ParsedSource], statements: str, kind: TermKind
) -> None:
    assert only(read(WIDGET + statements)).kind is kind


# ------------------------------------------------------------------------------ the slice as a file


def test_the_slice_is_sorted_and_its_bytes_depend_on_the_statements_alone(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    lines = SLICE.read_text(encoding="utf-8").splitlines(keepends=True)
    contents = []
    for number, text in enumerate(("".join(lines), "".join(reversed(lines + lines[:5])))):
        path = tmp_path / f"{number}.nt"
        path.write_text(text, encoding="utf-8")
        settings = Settings(home=tmp_path / f"home-{number}", wikidata_endpoint=str(path))
        (raw,) = wikidata.fetch(Fetcher(settings))
        contents.append(Path(raw.path).read_bytes())
    assert contents[0] == contents[1]
    assert gzip.decompress(contents[0]).decode().splitlines(keepends=True) == sorted(lines)


def test_a_slice_serves_as_the_endpoint_of_a_later_run(
    tmp_path: Path, fetcher_for: Callable[[str | Path], Fetcher]
) -> None:
    (first,) = wikidata.fetch(fetcher_for(SLICE))
    again = Settings(home=tmp_path / "again", wikidata_endpoint=first.path)
    (second,) = wikidata.fetch(Fetcher(again))
    assert first.sha256 == second.sha256


def listing(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_unchanged_file_is_not_asked_again_and_nothing_is_written(
    tmp_path: Path,
    fetcher_for: Callable[[str | Path], Fetcher],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = wikidata.fetch(fetcher_for(SLICE))
    before = listing(tmp_path)
    monkeypatch.setattr(wikidata, "open_endpoint", lambda *_: pytest.fail("asked again"))
    assert wikidata.fetch(fetcher_for(SLICE)) == first
    assert listing(tmp_path) == before


def test_a_changed_file_is_asked_again(
    write: Callable[..., Path], fetcher_for: Callable[[str | Path], Fetcher]
) -> None:
    (first,) = wikidata.fetch(fetcher_for(write(WIDGET)))
    (second,) = wikidata.fetch(fetcher_for(write(WIDGET + 'wd:Q8 rdfs:label "knob"@en .')))
    assert first.sha256 != second.sha256
    assert [term.id for term in wikidata.parse([second]).terms] == ["wd:Q7", "wd:Q8"]


@pytest.mark.parametrize("name", ["items.nt", "items.nt.gz", "items.ttl", "items.nq", "items.rdf"])
def test_an_rdf_file_may_be_of_any_format_that_its_name_tells(
    tmp_path: Path, write: Callable[..., Path], name: str
) -> None:
    source = write(WIDGET, "given.ttl")
    rdf_format = ox.RdfFormat.from_extension(name.removesuffix(".gz").rpartition(".")[2])
    triples = list(ox.parse(path=str(source), format=ox.RdfFormat.TURTLE))
    data = ox.serialize(triples, format=rdf_format) or b""
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert list(wikidata.slice_lines(EmbeddedEndpoint(path), everything=True)) == [
        f'<{wikidata_queries.ENTITY}Q7> <{wikidata_queries.LABEL}> "widget"@en .\n'
    ]


# ------------------------------------------------------------------------------------- broken files


def failure(fetch: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch()
    return caught.value


def test_a_missing_file_is_named_with_the_option_to_correct(
    tmp_path: Path, fetcher_for: Callable[[str | Path], Fetcher]
) -> None:
    path = tmp_path / "gone.nt"
    error = failure(lambda: wikidata.fetch(fetcher_for(path)))
    assert error.where == str(path)
    assert error.got == "no such file"
    assert "--wikidata-endpoint" in error.advice


@pytest.mark.parametrize("name", ["items.csv", "items", "items.gz"])
def test_a_file_of_unknown_format_is_refused_with_the_known_suffixes(
    tmp_path: Path, fetcher_for: Callable[[str | Path], Fetcher], name: str
) -> None:
    path = tmp_path / name
    path.write_text("Q7,widget\n", encoding="utf-8")
    error = failure(lambda: wikidata.fetch(fetcher_for(path)))
    assert error.got == repr(name)
    assert ".nt, .ttl" in error.expected


PACKED = gzip.compress(SLICE.read_bytes(), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        pytest.param("a.nt", b"<html>busy</html>", "N-Triples", id="web page"),
        pytest.param("a.ttl", b"\xff\xfe\x00", "Turtle", id="not text"),
        pytest.param("a.nt.gz", PACKED[: len(PACKED) // 2], "N-Triples", id="truncated gzip"),
        pytest.param("a.nt.gz", SLICE.read_bytes() * 2, "N-Triples", id="not gzipped"),
        pytest.param(
            "a.nt.gz", PACKED[:200] + b"garbage" + PACKED[207:], "N-Triples", id="damaged gzip"
        ),
        pytest.param("a.nt", SLICE.read_bytes()[:-20], "N-Triples", id="truncated text"),
        pytest.param("a.rdf", b"<rdf", "RDF/XML", id="broken XML"),
    ],
)
def test_a_broken_file_is_refused_in_words_and_the_slice_from_before_stays(
    tmp_path: Path,
    fetcher_for: Callable[[str | Path], Fetcher],
    name: str,
    content: bytes,
    expected: str,
) -> None:
    (before,) = wikidata.fetch(fetcher_for(SLICE))
    data = Path(before.path).read_bytes()
    path = tmp_path / name
    path.write_bytes(content)
    error = failure(lambda: wikidata.fetch(fetcher_for(path)))
    assert error.where == str(path)
    assert error.expected == f"whole, well-formed {expected}"
    assert "the data read before stay in use" in error.advice
    assert Path(before.path).read_bytes() == data


def test_a_gzip_bomb_is_refused(
    tmp_path: Path,
    fetcher_for: Callable[[str | Path], Fetcher],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.endpoint.MAX_RDF_BYTES", 100_000)
    path = tmp_path / "bomb.nt.gz"
    path.write_bytes(gzip.compress(b"# nothing\n" * 100_000))
    error = failure(lambda: wikidata.fetch(fetcher_for(path)))
    assert "more than 100000 bytes when unpacked" in error.got


@pytest.mark.parametrize("content", [b"", b'<http://e.org/a> <http://e.org/b> "c" .\n'])
def test_a_file_without_items_is_refused(
    tmp_path: Path, fetcher_for: Callable[[str | Path], Fetcher], content: bytes
) -> None:
    path = tmp_path / "a.nt"
    path.write_bytes(content)
    error = failure(lambda: wikidata.fetch(fetcher_for(path)))
    assert error.expected == "items with labels in Wikidata's RDF mapping"
    assert error.advice == "check --wikidata-endpoint"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
        pytest.param(lambda data: data[:200] + b"garbage" + data[207:], id="damaged"),
        pytest.param(lambda _: b"garbage", id="not gzip"),
        pytest.param(lambda _: gzip.compress(b"garbage"), id="not N-Triples"),
        pytest.param(lambda _: gzip.compress(b"\xff\xfe\n"), id="not UTF-8"),
    ],
)
def test_a_damaged_slice_is_refused_and_asked_anew_the_next_time(
    fetcher_for: Callable[[str | Path], Fetcher], damage: Callable[[bytes], bytes]
) -> None:
    files = wikidata.fetch(fetcher_for(SLICE))
    path = Path(files[0].path)
    data = path.read_bytes()
    path.write_bytes(damage(data))
    with pytest.raises(ParseError) as caught:
        wikidata.parse(files)
    assert caught.value.where == str(path)
    assert caught.value.expected == "whole, gzipped N-Triples"
    assert caught.value.advice == "run the refresh again; it asks the endpoint anew"
    wikidata.fetch(fetcher_for(SLICE))
    assert path.read_bytes() == data


# ---------------------------------------------------------------------- over our own SPARQL service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our own ``/sparql`` over a snapshot whose store holds the slice in a named graph."""
    folder = tmp_path_factory.mktemp("snapshot")
    store = ox.Store(str(folder / "store"))
    store.bulk_load(
        path=str(SLICE),
        format=ox.RdfFormat.N_TRIPLES,
        to_graph=ox.NamedNode(vocab.GRAPH + "source/wikidata"),
    )
    store.flush()
    del store
    write_index(folder / INDEX, [], weights={}, descriptions={})
    write_manifest(folder, Manifest(id="20260101-slice", digest="0" * 64, created="2026-01-01"))
    settings = Settings(home=folder)
    app = create_app(settings, answers=Answers(Snapshot(folder)))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sparql"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("everything", [True, False])
def test_our_own_endpoint_gives_the_same_lines_as_the_file(
    service: str, fetcher_for: Callable[[str | Path], Fetcher], *, everything: bool
) -> None:
    over_http = HttpEndpoint(service, fetcher_for(service).session)
    lines = sorted(wikidata.slice_lines(over_http, everything=everything))
    assert lines == sorted(wikidata.slice_lines(EmbeddedEndpoint(SLICE), everything=everything))
    assert any("زمرة أبيلية" in line for line in lines)
    if everything:
        assert lines == sorted(SLICE.read_text(encoding="utf-8").splitlines(keepends=True))


def test_our_own_endpoint_is_paged_and_batched_like_any(
    service: str,
    fetcher_for: Callable[[str | Path], Fetcher],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wikidata, "PAGE_ROWS", 5)
    monkeypatch.setattr(wikidata, "BATCH_ITEMS", 3)
    over_http = HttpEndpoint(service, fetcher_for(service).session)
    lines = sorted(wikidata.slice_lines(over_http, everything=True))
    assert lines == sorted(SLICE.read_text(encoding="utf-8").splitlines(keepends=True))


def test_a_source_fetched_from_our_own_endpoint_is_parsed_as_usual(
    service: str, fetcher_for: Callable[[str | Path], Fetcher]
) -> None:
    (raw,) = wikidata.fetch(fetcher_for(service))
    assert raw.url == service
    parsed = wikidata.parse([raw])
    group = next(term for term in parsed.terms if term.id == "wd:Q83478")
    assert Reference(target="nlab:group", via="P4215") in group.references
    assert group.labels[0] == Label(text="Gruppe", lang="de")


def test_an_endpoint_without_any_item_is_refused_by_its_address(
    service: str,
    fetcher_for: Callable[[str | Path], Fetcher],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scope, "CLASSES", {})
    monkeypatch.setattr(scope, "IDENTIFIERS", {"P1": "none"})
    monkeypatch.setattr(scope, "MSC", "P2")
    monkeypatch.setattr(scope, "MATHLIB_DECLARATION", "P3")
    error = failure(lambda: wikidata.fetch(fetcher_for(service)))
    assert error.where == service
    assert error.got == "no rows"


def test_an_endpoint_that_does_not_page_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class SamePageForEver:
        asked = 0

        def select(self, query: str) -> Iterator[Row]:
            self.asked += 1
            return iter([(ox.NamedNode(wikidata_queries.ENTITY + "Q5"),)])

    monkeypatch.setattr(wikidata, "PAGE_ROWS", 1)
    endpoint = SamePageForEver()
    with pytest.raises(SourceError, match="does not page"):
        list(wikidata.iter_items(endpoint, everything=True))
    assert endpoint.asked == 2
