"""Every interface says the same: a table of facts about a concept against all that tell them.

REST is the measure. An interface is a function that gathers what it tells of a concept, as sets by
kind of fact; what it tells at all must be all that REST tells of that kind.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

import pyoxigraph as ox
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from rdflib import Graph

from api import create_app
from api.agents.concepts import Section
from api.pages.rendering import concept_address, paper_address, percent
from ingest.refresh import refresh
from mathgloss import ids, vocab
from mathgloss.answers.card import RELATION_NAMES
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.graph.reader import short_name
from mathgloss.graph.snapshot import open_current
from tests import hostile
from tests.conftest import make_mirror
from tests.html_tree import having, text, tree

# kind of fact -> what is said of that kind
Facts: TypeAlias = dict[str, set[Any]]

BROWSER = "text/html,application/xhtml+xml"
NAMESPACES = ("dcterms", "mg", "owl", "rdfs", "schema", "skos", "sssom")
PREFIXES = "".join(f"PREFIX {name}: <{vocab.NAMESPACES[name]}>\n" for name in NAMESPACES)
CONCEPTS = f"<{vocab.GRAPH}concepts>"
ACCEPTED = ("curated", "predicted")
# items, a concept of each kind of source that Wikidata lacks, and a world that means harm
OF_THE_WORLD = (
    "wd:Q181296",
    "wd:Q83478",
    "wd:Q65943",
    "chicago:null_space",
    "nlab:quasigroup+with+a+view",
    "nlab:orbit+%28group+theory%29",
    "overview:general-algebra/group-theory/monoid",
    "thm1000:Q1000X",
)
OF_THE_HOSTILE_WORLD = (hostile.CONCEPT, hostile.MINTED, "mulima:3c4d5e6f")


@dataclass(frozen=True)
class World:
    """A published snapshot and those who answer from it."""

    home: Path
    answers: Answers
    client: FlaskClient
    tables: Path
    quads: ox.Store

    def get(self, path: str) -> dict[str, Any]:
        """A JSON answer of the API."""
        answer: dict[str, Any] = json.loads(self.client.get(path).data)
        return answer

    def page(self, path: str) -> Element:
        """A page."""
        return tree(self.client.get(path, headers={"Accept": BROWSER}).text)

    def select(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query to the endpoint: values by variable, language as ``name@``."""
        response = self.client.post("/sparql", data={"query": PREFIXES + query})
        assert response.status_code == 200, response.text
        return [
            {name: held["value"] for name, held in row.items()}
            | {f"{name}@": held.get("xml:lang", "mul") for name, held in row.items()}
            for row in json.loads(response.data)["results"]["bindings"]
        ]


def _world(home: Path, folder: Path) -> World:
    answers = Answers(open_current(Settings(home=home).layout))
    dumps = answers.snapshot.path / "dumps"
    tables = folder / f"{home.parent.name}.sqlite"
    tables.write_bytes(gzip.decompress((dumps / "mathgloss.sqlite.gz").read_bytes()))
    quads = ox.Store()
    packed = gzip.decompress((dumps / "mathgloss.nq.gz").read_bytes())
    quads.bulk_load(packed, format=ox.RdfFormat.N_QUADS)
    return World(home, answers, create_app(answers=answers).test_client(), tables, quads)


@pytest.fixture(scope="module")
def worlds(
    home: Path, hostile_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, World]:
    folder = tmp_path_factory.mktemp("dumps")
    small, harmful = _world(home, folder), _world(hostile_home, folder)
    return dict.fromkeys(OF_THE_WORLD, small) | {
        f"hostile {name}": harmful for name in OF_THE_HOSTILE_WORLD
    }


@pytest.fixture(params=[*OF_THE_WORLD, *(f"hostile {name}" for name in OF_THE_HOSTILE_WORLD)])
def asked(request: pytest.FixtureRequest, worlds: dict[str, World]) -> tuple[World, str]:
    """A world, and the identifier of a concept of it."""
    name: str = request.param
    return worlds[name], name.removeprefix("hostile ")


def words(fragment: str) -> str:
    """The words of a text without formulas' dollars, Markdown's signs and its links' addresses."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", fragment)
    return " ".join(re.findall(r"\w+", plain))


def relation(predicate: str, direction: str) -> str | None:
    """What REST calls a relation; ``None`` for what it tells in another place."""
    name = RELATION_NAMES.get((short_name(predicate), direction))
    return name if short_name(predicate) != vocab.DEFINED_WITH else None


# ------------------------------------------------------------------------------------------ REST


def of_rest(world: World, concept: str) -> Facts:
    """The measure: every kind of fact."""
    return of_card(world.get(f"/api/v1/concepts/{quote(concept, safe='')}"))


def of_card(card: Mapping[str, Any]) -> Facts:
    """The facts in a concept's card."""
    related = {"broader": card["broader"], "narrower": card["narrower"], **card["relations"]}
    links = card["links"]
    return {
        "label": {card["label"]},
        "names": {(lang, name) for lang, names in card["labels"].items() for name in names},
        "preferred": {(lang, names[0]) for lang, names in card["labels"].items()},
        "links": {
            (held["id"], held["predicate"], held["set"], held["confidence"]) for held in links
        },
        "evidence": {
            (held["id"], item["source"], item["detail"])
            for held in links
            for item in held["evidence"]
        },
        "definitions": {
            (held["text"], held["lang"], held["licence"])
            for held in card["definitions"]
            if held["text"]
        },
        "wording": {
            (words(held["text"]), held["licence"]) for held in card["definitions"] if held["text"]
        },
        "elsewhere": {held["url"] for held in card["definitions"] if not held["text"]},
        "relations": {(name, other["id"]) for name, held in related.items() for other in held},
        "papers": {(held["id"], held["title"], held["mentions"]) for held in card["papers"]},
        "subjects": {held["id"] for held in card["papers"]},
        "number of papers": {card["counts"]["papers"]},
        "lean": {held["declaration"] for held in card["lean"]},
        "syllabus": {" > ".join(held["position"]) for held in card["syllabus"]},
    }


def of_lists(world: World, concept: str) -> Facts:
    """What the lists beside the card tell: hierarchy, neighbours, papers, mappings."""
    address = f"/api/v1/concepts/{quote(concept, safe='')}"
    related = {
        (name, item["id"])
        for name in ("broader", "narrower")
        for item in world.get(f"{address}/{name}?limit=100")["items"]
    }
    papers = world.get(f"{address}/papers?limit=100")["items"]
    mappings = world.get(f"/api/v1/mappings?limit=100&concept={quote(concept, safe='')}")["items"]
    card = of_rest(world, concept)
    return {
        "relations": related
        | {held for held in card["relations"] if held[0] not in {"broader", "narrower"}},
        "papers": {(held["id"], held["title"], held["mentions"]) for held in papers},
        "links": {
            (held["term"]["id"], held["predicate"], held["set"], held["confidence"])
            for held in mappings
            if held["set"] in ACCEPTED and held["predicate"] != "skos:broadMatch"
        },
    }


# ---------------------------------------------------------------------------------- SPARQL and RDF

QUERIES = {
    "names": f"SELECT ?name {{ GRAPH {CONCEPTS} {{ <%s> skos:prefLabel|skos:altLabel ?name }} }}",
    "preferred": "SELECT ?name { <%s> skos:prefLabel ?name }",
    "links": """SELECT DISTINCT ?term ?predicate ?set ?confidence {
      ?link owl:annotatedTarget <%s> ; owl:annotatedSource ?term ; mg:mappingSet ?set ;
            owl:annotatedProperty ?predicate ; sssom:confidence ?confidence .
      FILTER(?set IN ("curated", "predicted") && ?predicate != skos:broadMatch) }""",
    "evidence": """SELECT DISTINCT ?term ?source ?detail {
      ?link owl:annotatedTarget <%s> ; owl:annotatedSource ?term ; mg:mappingSet ?set ;
            owl:annotatedProperty ?predicate ; mg:evidence ?why .
      ?why mg:source ?source ; rdfs:comment ?detail .
      FILTER(?set IN ("curated", "predicted") && ?predicate != skos:broadMatch) }""",
    "definitions": """SELECT DISTINCT ?text ?licence {
      ?term skos:exactMatch? <%s> .
      GRAPH ?said { ?term skos:definition ?text ; mg:source ?source }
      ?source dcterms:license ?licence }""",
    "elsewhere": """SELECT DISTINCT ?page {
      ?term skos:exactMatch? <%s> . ?term mg:definedAt ?page }""",
    "relations": f"""SELECT ?p ?way ?other {{
      {{ GRAPH {CONCEPTS} {{ <%s> ?p ?other }} BIND("out" AS ?way) }} UNION
      {{ GRAPH {CONCEPTS} {{ ?other ?p <%s> }} BIND("in" AS ?way) }} UNION
      {{ <%s> skos:broadMatch ?other BIND(skos:broader AS ?p) BIND("out" AS ?way) }} UNION
      {{ ?other skos:broadMatch <%s> ; a skos:Concept BIND(skos:broader AS ?p) BIND("in" AS ?way) }}
      FILTER(ISIRI(?other)) }}""",
    "papers": """SELECT ?paper ?title (COUNT(DISTINCT ?mention) AS ?count) {
      ?mention mg:concept <%s> ; mg:paper ?paper . ?paper dcterms:title ?title
    } GROUP BY ?paper ?title""",
    "subjects": "SELECT DISTINCT ?paper { ?paper dcterms:subject <%s> }",
    "lean": """SELECT DISTINCT ?lean {
      ?term skos:exactMatch? <%s> . ?term mg:formalisedAs ?lean }""",
    "syllabus": """SELECT DISTINCT ?place {
      ?term skos:exactMatch? <%s> .
      ?term mg:syllabusPosition ?place }""",
}
# from a row of the query to the fact
FACTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "names": lambda row: (row["name@"], row["name"]),
    "preferred": lambda row: (row["name@"], row["name"]),
    "links": lambda row: (
        ids.curie(row["term"]),
        short_name(row["predicate"]),
        row["set"],
        float(row["confidence"]),
    ),
    "evidence": lambda row: (
        ids.curie(row["term"]),
        row["source"].removeprefix(f"{ids.BASE}source/"),
        row["detail"],
    ),
    "definitions": lambda row: (row["text"], row["text@"], row["licence"]),
    "elsewhere": lambda row: row["page"],
    "relations": lambda row: (
        (name, ids.curie(row["other"])) if (name := relation(row["p"], row["way"])) else None
    ),
    "papers": lambda row: (ids.curie(row["paper"]), row["title"], int(row["count"])),
    "subjects": lambda row: ids.curie(row["paper"]),
    "lean": lambda row: ids.curie(row["lean"]).removeprefix("lean:"),
    "syllabus": lambda row: row["place"],
}


def _asked(
    select: Callable[[str], Iterable[dict[str, Any]]], concept: str, kinds: Iterable[str]
) -> Facts:
    return {
        kind: {FACTS[kind](row) for row in select(QUERIES[kind].replace("%s", ids.iri(concept)))}
        - {None}
        for kind in kinds
    }


def of_sparql(world: World, concept: str) -> Facts:
    """What the endpoint tells."""
    return _asked(world.select, concept, QUERIES)


def of_quads(world: World, concept: str) -> Facts:
    """What the N-Quads tell, loaded into a store of one's own."""

    def select(query: str) -> list[dict[str, Any]]:
        found = world.quads.query(PREFIXES + query, use_default_graph_as_union=True)
        assert isinstance(found, ox.QuerySolutions)
        names = [variable.value for variable in found.variables]
        return [
            {name: row[name].value for name in names}
            | {f"{name}@": getattr(row[name], "language", None) or "mul" for name in names}
            for row in found
        ]

    return _asked(select, concept, QUERIES)


def of_document(world: World, concept: str, ending: str, parser: str) -> Facts:
    """What a document tells: one graph for all, and of papers only which are about the concept."""
    address = f"/data{concept_address(concept)}.{ending}"
    graph = Graph().parse(data=world.client.get(address).data, format=parser)
    kinds = [kind for kind in QUERIES if kind not in {"names", "papers", "relations"}]

    def select(query: str) -> list[dict[str, Any]]:
        found = graph.query(PREFIXES + query.replace("GRAPH ?said", ""))
        names = [str(name) for name in found.vars or ()]
        return [
            {name: str(row[name]) for name in names}  # type: ignore[index,call-overload]
            | {
                f"{name}@": getattr(row[name], "language", None) or "mul"  # type: ignore[index,call-overload]
                for name in names
            }
            for row in found
        ]

    return _asked(select, concept, kinds)


def of_turtle(world: World, concept: str) -> Facts:
    """What the Turtle document tells."""
    return of_document(world, concept, "ttl", "turtle")


def of_json_ld(world: World, concept: str) -> Facts:
    """What the JSON-LD document tells."""
    return of_document(world, concept, "jsonld", "json-ld")


# ------------------------------------------------------------------- agents, clients, command line


def of_agents(world: World, concept: str) -> Facts:
    """What the MCP tool tells, asked for everything at length; what it cuts it says."""
    card = call(world.answers, "get_concept", concept=concept, detail=[*Section.__args__])  # type: ignore[attr-defined]
    # some concepts have more names or relations than an agent is told
    cut = {each["what"] for each in card["cut"]}
    related = {"broader": card["broader"], "narrower": card["narrower"], **card["relations"]}
    links = {
        (held["id"], held["predicate"], held["set"], held["confidence"]) for held in card["links"]
    }
    told: dict[str, tuple[set[Any], set[str]]] = {
        "label": ({card["concept"]["label"]}, set()),
        "names": (
            {(lang, name) for lang, names in card["names"].items() for name in names},
            set(),
        ),
        "links": (links, {"links"}),
        "wording": (
            {
                (words(held["text"]), held["licence"])
                for held in card["definitions"]
                if held["text"]
            },
            {"definition", "definitions"},
        ),
        "elsewhere": (
            {held["url"] for held in card["definitions"] if not held["text"]},
            {"definitions"},
        ),
        "relations": (
            {(name, other["id"]) for name, held in related.items() for other in held},
            set(related),
        ),
        "papers": (
            {(held["id"], held["title"], held["mentions"]) for held in card["papers"]},
            {"papers"},
        ),
        "lean": (set(card["lean"]), {"lean"}),
        "syllabus": ({" > ".join(held["position"]) for held in card["syllabus"]}, set()),
    }
    return {kind: held for kind, (held, cuts) in told.items() if not cuts & cut}


def call(answers: Answers, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a tool, by the official client."""
    from mcp.client.client import Client

    from api.agents.server import LOCAL_TOOLS, build_server

    async def ask() -> Any:
        async with Client(build_server(lambda: answers, LOCAL_TOOLS)) as client:
            return await client.call_tool(tool, arguments)

    result = asyncio.run(ask())
    assert not result.is_error, result
    held: dict[str, Any] = result.structured_content
    return held


def of_reconciliation(world: World, concept: str) -> Facts:
    """What data extension adds to a table's row."""
    langs = sorted(world.get(f"/api/v1/concepts/{quote(concept, safe='')}")["labels"])
    wanted = [{"id": "name", "settings": {"lang": lang}} for lang in langs]
    singles = ("lean", "position", "definition", "broader", "narrower", "papers")
    wanted += [{"id": name} for name in singles]
    query = {"ids": [concept], "properties": wanted}
    response = world.client.post("/reconcile/1.0-draft/extend", json=query)
    (row,) = json.loads(response.data)["rows"]
    values = [held["values"] for held in row["properties"]]
    by_name = dict(zip(singles, values[len(langs) :], strict=True))
    card = of_rest(world, concept)
    others = {held for held in card["relations"] if held[0] not in {"broader", "narrower"}}
    return {
        "names": {
            (lang, value["str"])
            for lang, held in zip(langs, values, strict=False)
            for value in held
        },
        "lean": {value["str"] for value in by_name["lean"]},
        "syllabus": {value["str"] for value in by_name["position"]},
        "definitions": {_defined(value) for value in by_name["definition"]},
        "relations": others
        | {(name, each["id"]) for name in ("broader", "narrower") for each in by_name[name]},
        "number of papers": {value["int"] for value in by_name["papers"]},
    }


def _defined(value: dict[str, Any]) -> tuple[str, str, str]:
    """A definition from the form ``text (source, licence, address)``."""
    found = re.fullmatch(r"(.*) \(\w+, (.*), \S+\)", value["str"], re.DOTALL)
    assert found, value
    return found[1], value["lang"], found[2]


def of_command(world: World, concept: str) -> Facts:
    """What the command line prints."""
    from mathgloss.cli import root

    options = ["--home", str(world.home), "concept", concept, "--json"]
    return of_card(json.loads(CliRunner().invoke(root, options, catch_exceptions=False).stdout))


# ------------------------------------------------------------------------------------------- dumps


def of_tables(world: World, concept: str) -> Facts:
    """What the SQLite dump tells."""
    with closing(sqlite3.connect(world.tables)) as tables:
        accepted = tables.execute(
            "SELECT subject, predicate, mapping_set, confidence FROM mapping "
            "WHERE object = ? AND mapping_set IN ('curated', 'predicted')",
            (concept,),
        ).fetchall()
        terms = [concept, *(row[0] for row in accepted if row[1] == vocab.EXACT_MATCH)]
        marks = ", ".join("?" for _ in terms)
        defined = tables.execute(
            f"SELECT text, lang, licence FROM definition WHERE term IN ({marks})", terms
        )
        return {
            "names": set(
                tables.execute("SELECT lang, text FROM name WHERE concept = ?", (concept,))
            ),
            "links": {row for row in accepted if row[1] != "skos:broadMatch"},
            "definitions": set(defined.fetchall()),
            "papers": set(
                tables.execute(
                    "SELECT paper, title, COUNT(*) FROM mention JOIN paper ON paper.id = paper "
                    "WHERE concept = ? GROUP BY paper",
                    (concept,),
                )
            ),
        }


def of_sssom(world: World, concept: str) -> Facts:
    """What the SSSOM files tell."""
    found = set()
    for name in ACCEPTED:
        path = world.answers.snapshot.path / "dumps" / f"{name}.sssom.tsv"
        lines = [row for row in path.read_text(encoding="utf-8").splitlines() if row[:1] != "#"]
        found |= {
            (row["subject_id"], row["predicate_id"], name, float(row["confidence"]))
            for row in csv.DictReader(lines, delimiter="\t")
            if row["object_id"] == concept and row["predicate_id"] != "skos:broadMatch"
        }
    return {"links": found}


# ------------------------------------------------------------------------------------------- pages


def of_page(world: World, concept: str) -> Facts:
    """What a person reads."""
    page = world.page(concept_address(concept))
    heading = next(page.iter("h1"))
    figures = [each for each in page.iter("figure") if "definition" in each.get("class", "")]
    return {
        "label": {text(heading)},
        "names": {
            (each.get("lang"), text(held))
            for row in having(page, "names")
            for each in row.iter("dd")
            for held in (_without(each), *having(each, "alias"))
        },
        "wording": {
            (words(text(next(each.iter("blockquote")))), _licence(each)) for each in figures
        },
        "elsewhere": {
            each.find("a").get("href")  # type: ignore[union-attr]
            for each in having(page, "elsewhere")
        },
        "lean": {
            text(each)
            for held in page.iter("section")
            if held.get("aria-labelledby") == "formal"
            for each in held.iter("code")
        },
        "syllabus": {
            " > ".join(text(step) for step in each.iter("li")) for each in having(page, "crumbs")
        },
        "subjects": {
            unquote(each.find("a").get("href", "").removeprefix("/paper/"))  # type: ignore[union-attr]
            for held in having(page, "quotes")
            for each in held.iter("li")
        },
    }


def _without(element: Element) -> Element:
    """A copy that has only what stands before the aliases."""
    copy = Element("dd")
    copy.text = element.text
    for child in element:
        if child.tag == "details" or "alias" in child.get("class", ""):
            break
        copy.append(child)
    return copy


def _licence(figure: Element) -> str:
    """The licence in a definition's caption."""
    caption = next(figure.iter("figcaption"))
    return text(caption).rpartition(" · ")[2]


# ------------------------------------------------------------------------------------- all of them

INTERFACES: dict[str, Callable[[World, str], Facts]] = {
    "REST lists": of_lists,
    "SPARQL": of_sparql,
    "Turtle": of_turtle,
    "JSON-LD": of_json_ld,
    "MCP": of_agents,
    "Reconciliation": of_reconciliation,
    "command line": of_command,
    "page": of_page,
    "N-Quads": of_quads,
    "SQLite": of_tables,
    "SSSOM": of_sssom,
}


# rdflib's parser of JSON-LD uses what rdflib deprecates
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("interface", INTERFACES)
def test_an_interface_tells_of_a_concept_what_rest_tells(
    asked: tuple[World, str], interface: str
) -> None:
    world, concept = asked
    expected = of_rest(world, concept)
    told = INTERFACES[interface](world, concept)
    assert told == {kind: expected[kind] for kind in told}


def test_the_table_is_not_empty(worlds: dict[str, World]) -> None:
    """Over all concepts asked for, REST tells something of each kind; else nothing is compared."""
    told = [of_rest(world, name.removeprefix("hostile ")) for name, world in worlds.items()]
    empty = [kind for kind in told[0] if not any(facts[kind] for facts in told)]
    assert empty == []


# ------------------------------------------------------------------------------------------ papers

PAPERS = (
    "tac:1-01",
    "paper:accurate-computation-of-the-logarithm-of-modified-bessel-functions-on-gpus",
)
PAPER_QUERIES = {
    "title": "SELECT DISTINCT ?x { <%s> dcterms:title ?x }",
    "authors": "SELECT DISTINCT ?x { <%s> dcterms:creator ?x }",
    "keywords": "SELECT DISTINCT ?x { <%s> schema:keywords ?x }",
    "summary": "SELECT DISTINCT ?x { <%s> dcterms:description ?x }",
    "abstract": "SELECT DISTINCT ?x { <%s> dcterms:abstract ?x }",
    "mentions": """SELECT DISTINCT ?concept ?field ?start ?end ?surface ?confidence {
      ?mention mg:paper <%s> ; mg:concept ?concept ; mg:field ?field ; mg:start ?start ;
               mg:end ?end ; mg:surface ?surface ; mg:confidence ?confidence }""",
}


def _paper_of_rest(world: World, paper: str) -> Facts:
    record = world.get(f"/api/v1/papers/{paper}")
    return {
        "title": {record["title"]},
        "authors": set(record["authors"]),
        "keywords": set(record["keywords"]),
        "summary": {record["summary"]} - {None},
        "abstract": {record["abstract"]} - {None},
        "mentions": {
            (
                held["concept"],
                held["field"],
                held["start"],
                held["end"],
                held["surface"],
                held["confidence"],
            )
            for held in record["mentions"]
        },
    }


def _paper_fact(kind: str, row: Mapping[str, Any]) -> Any:
    if kind != "mentions":
        return row["x"]
    places = int(row["start"]), int(row["end"])
    concept = ids.curie(row["concept"])
    return concept, row["field"], *places, row["surface"], float(row["confidence"])


def _paper_of_sparql(world: World, paper: str) -> Facts:
    return {
        kind: {_paper_fact(kind, row) for row in world.select(query.replace("%s", ids.iri(paper)))}
        for kind, query in PAPER_QUERIES.items()
    }


def _paper_of_document(world: World, paper: str) -> Facts:
    graph = Graph().parse(data=world.client.get(f"/data/paper/{paper}.ttl").data, format="turtle")
    found = {}
    for kind, query in PAPER_QUERIES.items():
        rows = graph.query(PREFIXES + query.replace("%s", ids.iri(paper)))
        held = [{str(name): str(row[name]) for name in rows.vars or ()} for row in rows]  # type: ignore[index,call-overload]
        found[kind] = {_paper_fact(kind, row) for row in held}
    return found


def _paper_of_agents(world: World, paper: str) -> Facts:
    record = call(world.answers, "get_paper", paper=paper, limit=100)
    assert record["cut"] == []
    return {
        "title": {record["title"]},
        "authors": set(record["authors"]),
        "keywords": set(record["keywords"]),
        "abstract": {record["abstract"]} - {None},
        "concepts": {
            (held["id"], held["mentions"], held["confidence"]) for held in record["concepts"]
        },
    }


def _paper_of_tables(world: World, paper: str) -> Facts:
    with closing(sqlite3.connect(world.tables)) as tables:
        rows = tables.execute(
            'SELECT concept, field, start, "end", surface, confidence FROM mention WHERE paper = ?',
            (paper,),
        )
        return {"mentions": set(rows.fetchall())}


def _paper_of_page(world: World, paper: str) -> Facts:
    page = world.page(paper_address(paper))
    table = [[text(cell) for cell in row.iter("td")] for row in next(page.iter("tbody")).iter("tr")]
    links = [unquote(each.get("href", "")) for each in next(page.iter("tbody")).iter("a")]
    names = [link.removeprefix("/concept/") for link in links]
    return {
        "title": {text(next(page.iter("h1")))},
        "certainty": {(name, int(row[2]), row[3]) for name, row in zip(names, table, strict=True)},
    }


def _by_concept(mentions: set[Any]) -> dict[str, tuple[int, float]]:
    """Number of mentions and greatest confidence of each concept."""
    found: dict[str, tuple[int, float]] = {}
    for concept, *_, confidence in mentions:
        number, most = found.get(concept, (0, 0.0))
        found[concept] = number + 1, max(most, confidence)
    return found


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize(
    "told_by",
    [_paper_of_sparql, _paper_of_document, _paper_of_agents, _paper_of_tables, _paper_of_page],
)
def test_an_interface_tells_of_a_paper_what_rest_tells(
    worlds: dict[str, World], paper: str, told_by: Callable[[World, str], Facts]
) -> None:
    world = worlds["wd:Q181296"]
    expected = _paper_of_rest(world, paper)
    counted = _by_concept(expected["mentions"])
    assert counted
    expected["concepts"] = {(name, *held) for name, held in counted.items()}
    expected["certainty"] = {
        (name, number, percent(most)) for name, (number, most) in counted.items()
    }
    told = told_by(world, paper)
    assert told == {kind: expected[kind] for kind in told}


# ---------------------------------------------------------------------------------------- mappings


@pytest.mark.parametrize("name", ["curated", "predicted", "rejected", "unsure"])
def test_every_interface_tells_the_same_of_a_mapping(worlds: dict[str, World], name: str) -> None:
    """Terms, predicate, set, probability and evidence, whichever of the four sets it is in."""
    world = worlds["wd:Q181296"]
    listed = world.get(f"/api/v1/mappings?set={name}&limit=3")["items"]
    assert listed
    path = world.answers.snapshot.path / "dumps" / f"{name}.sssom.tsv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    rows = {
        (row["subject_id"], row["object_id"]): row for row in csv.DictReader(lines, delimiter="\t")
    }
    for item in listed:
        one = world.get(f"/api/v1/mappings/{item['id']}")
        assert one["evidence"] == item["evidence"]
        term, concept = item["term"]["id"], item["concept"]["id"]
        row = rows[term, concept]
        assert (row["predicate_id"], float(row["confidence"])) == (
            item["predicate"],
            item["confidence"],
        )
        held = world.select(
            f"""SELECT DISTINCT ?set ?predicate ?confidence ?detail {{
              <{ids.BASE}mapping/{item["id"]}> owl:annotatedSource <{ids.iri(term)}> ;
                owl:annotatedTarget <{ids.iri(concept)}> ; owl:annotatedProperty ?predicate ;
                mg:mappingSet ?set ; sssom:confidence ?confidence ; mg:evidence ?why .
              ?why rdfs:comment ?detail }}"""
        )
        assert {row["detail"] for row in held} == {why["detail"] for why in item["evidence"]}
        assert {
            (row["set"], short_name(row["predicate"]), float(row["confidence"])) for row in held
        } == {(name, item["predicate"], item["confidence"])}
        page = world.page(f"/review/{item['id']}")
        shown = text(page)
        assert f"probability {percent(item['confidence'])}" in shown
        assert all(" ".join(why["detail"].split()) in shown for why in item["evidence"])
        assert name in {text(tag) for tag in having(page, "tag")}


# --------------------------------------------------------------------------------------- numbers

COUNTS = {
    "concepts": "SELECT (COUNT(DISTINCT ?x) AS ?n) { ?x a skos:Concept }",
    "papers": "SELECT (COUNT(DISTINCT ?x) AS ?n) { ?x a schema:ScholarlyArticle }",
    "mentions": "SELECT (COUNT(DISTINCT ?x) AS ?n) { ?x a mg:Mention }",
    **{
        f"mappings {name}": "SELECT (COUNT(DISTINCT ?x) AS ?n) "
        f'{{ ?x a owl:Axiom ; mg:mappingSet "{name}" }}'
        for name in ("curated", "predicted", "rejected", "unsure")
    },
    **{
        f"language {lang}": "SELECT (COUNT(DISTINCT ?x) AS ?n) "
        f'{{ GRAPH {CONCEPTS} {{ ?x skos:prefLabel ?name }} FILTER(LANG(?name) = "{lang}") }}'
        for lang in ("en", "de", "ar")
    },
    "formalised": """SELECT (COUNT(DISTINCT ?x) AS ?n) {
      { ?x a skos:Concept ; mg:formalisedAs ?lean } UNION
      { ?term mg:formalisedAs ?lean ; skos:exactMatch ?x } }""",
    "without item": f"""SELECT (COUNT(DISTINCT ?x) AS ?n) {{ ?x a skos:Concept
      FILTER(!STRSTARTS(STR(?x), "{ids.PREFIXES["wd"].namespace}")) }}""",
}


def test_statistics_are_what_one_counts_over_sparql(worlds: dict[str, World]) -> None:
    world = worlds["wd:Q181296"]
    said = world.get("/api/v1/stats")
    counted = {name: int(world.select(query)[0]["n"]) for name, query in COUNTS.items()}
    languages = {row["lang"]: row["concepts"] for row in said["languages"]}
    assert counted == {
        **{name: said[name] for name in ("concepts", "papers", "mentions")},
        **{f"mappings {name}": number for name, number in said["mappings"].items()},
        **{f"language {lang}": languages[lang] for lang in ("en", "de", "ar")},
        "formalised": said["holds"]["formalised"],
        "without item": said["concepts"] - said["holds"]["has_item"],
    }
    manifest = world.get("/health")["counts"]
    assert [said[name] for name in ("concepts", "papers", "mentions", "mappings")] == [
        manifest[name] for name in ("concepts", "papers", "mentions", "mappings")
    ]


# ----------------------------------------------------------------------------------------- changes

# kind, identifier and, of a mapping, the concept -> what is compared
Stated: TypeAlias = dict[tuple[str, str, str | None], dict[str, str]]


def _stated(store: ox.Store) -> Stated:
    """Concepts with their English names, and mappings, of a published graph."""

    def select(query: str) -> list[list[str]]:
        found = store.query(PREFIXES + query, use_default_graph_as_union=True)
        assert isinstance(found, ox.QuerySolutions)
        return [[held.value for held in row] for row in found]

    named = select(
        "SELECT ?x ?name { ?x a skos:Concept ; skos:prefLabel ?name FILTER(LANG(?name) = 'en') }"
    )
    mapped = select(
        """SELECT ?term ?concept ?set ?predicate {
          ?x owl:annotatedSource ?term ; owl:annotatedTarget ?concept ;
             owl:annotatedProperty ?predicate ; mg:mappingSet ?set }"""
    )
    concepts: Stated = {
        ("concept", ids.curie(concept), None): {"label": name} for concept, name in named
    }
    return concepts | {
        ("mapping", ids.curie(term), ids.curie(concept)): {
            "set": name,
            "predicate": short_name(predicate),
        }
        for term, concept, name, predicate in mapped
    }


def test_changes_are_the_difference_of_two_published_graphs(tmp_path: Path) -> None:
    """A refresh with a term more, one fewer, one that means another item and another name."""
    mirror = make_mirror(tmp_path / "mirror")
    settings = Settings(home=tmp_path / "home", mirror=mirror)
    before = refresh(settings, hostile.SOURCES).result
    nouns = mirror / "raw.githubusercontent.com/thosgood/maths-dictionary/main/data/nouns.json"
    entries = json.loads(nouns.read_text(encoding="utf-8"))
    entries["0677022e/1a2b3c4d"]["refs"]["wikidata"] = "Q592651"
    entries["4d5e6f70"] = {"EN": {"atom": "frobnitz", "gend": ""}, "refs": {}}
    del entries["3c4d5e6f"], entries["0677022e/2b3c4d5e"]
    nouns.write_text(json.dumps(entries), encoding="utf-8")
    items = mirror / "wikidata" / "wikidata-slice.nt.gz"
    renamed = gzip.decompress(items.read_bytes()).replace(b'"monoid"@en', b'"monoids"@en')
    items.write_bytes(gzip.compress(renamed, mtime=0))
    after = refresh(settings, hostile.SOURCES, accept_shrink=True).result
    assert before is not None
    assert after is not None

    old, new = (_stated(ox.Store.read_only(str(held.path / "store"))) for held in (before, after))
    expected = {
        (*key, _what(key, old, new), old.get(key) and str(old[key]), new.get(key) and str(new[key]))
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key)
    }
    assert {(kind, what) for kind, _, _, what, _, _ in expected} >= {
        ("concept", "added"),
        ("concept", "removed"),
        ("concept", "changed"),
        ("mapping", "added"),
        ("mapping", "removed"),
    }
    client = create_app(settings).test_client()
    answer = json.loads(client.get(f"/api/v1/changes?since={before.path.name}&limit=100").data)
    assert answer["next"] is None
    assert expected == {
        (
            item["kind"],
            item["id"],
            item["object"],
            item["change"],
            item["before"] and str(item["before"]),
            item["after"] and str(item["after"]),
        )
        for item in answer["items"]
    }


def _what(key: tuple[str, str, str | None], old: Stated, new: Stated) -> str:
    """What happened to it between two graphs."""
    return "added" if key not in old else "removed" if key not in new else "changed"
