"""``/sparql`` beside pyoxigraph in process, and that beside rdflib; how a query is killed."""

from __future__ import annotations

import http.client
import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import pyoxigraph as ox

from mathgloss.config import QueryLimits, Settings
from mathgloss.errors import QueryTimeoutError
from mathgloss.graph.query_pool import QueryPool
from mathgloss.graph.snapshot import Snapshot, open_current
from mathgloss.graph.sparql import RESULT_FORMATS, Query
from tests.benchmarks.measure import Figure, server

PREFIXES: Final = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX mg: <https://w3id.org/mathgloss/vocab#>
PREFIX sssom: <https://w3id.org/sssom/>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX wd: <http://www.wikidata.org/entity/>
"""
QUERIES: Final = {
    "all of a concept": "SELECT ?p ?o { wd:Q83478 ?p ?o }",
    "its names and their languages": """SELECT ?name (LANG(?name) AS ?lang) {
  wd:Q83478 skos:prefLabel|skos:altLabel ?name } ORDER BY ?lang ?name""",
    "concepts of an exact name": 'SELECT ?c { ?c skos:prefLabel "ring"@en ; a skos:Concept }',
    "names that contain a word": """SELECT ?c ?name { ?c skos:prefLabel ?name
  FILTER(LANG(?name) = "en" && CONTAINS(LCASE(STR(?name)), "cohomology")) }""",
    "everything above a concept": "SELECT ?above { wd:Q181296 skos:broader+ ?above }",
    "everything below a concept": """SELECT ?below ?name {
  ?below skos:broader+ wd:Q83478 ; skos:prefLabel ?name . FILTER(LANG(?name) = "en") }""",
    "mappings for each justification": """SELECT ?why (COUNT(*) AS ?n) (AVG(?sure) AS ?mean) {
  ?m sssom:confidence ?sure ; mg:evidence/sssom:mapping_justification ?why
} GROUP BY ?why ORDER BY DESC(?n)""",
    "languages by number of names": """SELECT ?lang (COUNT(*) AS ?n) {
  ?c a skos:Concept ; skos:prefLabel ?name BIND(LANG(?name) AS ?lang)
} GROUP BY ?lang ORDER BY DESC(?n) LIMIT 20""",
    "papers on a concept": """SELECT DISTINCT ?paper ?title {
  ?m mg:concept wd:Q83478 ; mg:paper ?paper . ?paper dcterms:title ?title } ORDER BY ?title""",
    "concepts in most papers": """SELECT ?c (COUNT(DISTINCT ?paper) AS ?n) {
  ?m mg:concept ?c ; mg:paper ?paper } GROUP BY ?c ORDER BY DESC(?n) LIMIT 20""",
    "papers on a concept and what is below": """SELECT DISTINCT ?paper ?below {
  ?below skos:broader wd:Q83478 . ?m mg:concept ?below ; mg:paper ?paper
  OPTIONAL { ?below skos:definition ?text } } ORDER BY ?paper LIMIT 100""",
    "why terms mean a concept": """SELECT ?term ?sure ?why {
  ?m owl:annotatedTarget wd:Q83478 ; owl:annotatedSource ?term ;
     sssom:confidence ?sure ; mg:evidence/sssom:mapping_justification ?why
} ORDER BY DESC(?sure) ?term""",
}
TIMES: Final = 40
LONG_TIMES: Final = 3
SECONDS_EACH: Final = 5
KILLS: Final = 5
LIMIT_S: Final = 1.0
RUNAWAY: Final = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
_FORMAT: Final = ox.QueryResultsFormat.JSON


def bench_sparql(home: Path, _: Path) -> Iterator[Figure]:
    """Three ways to ask the same twelve queries, side by side; and a query that is killed."""
    snapshot = open_current(Settings(home=home).layout)
    yield from _over_http(home, snapshot)
    yield from _against_rdflib(snapshot)
    yield from _killed(snapshot)


def _in_process(store: ox.Store, text: str) -> bytes:
    answer = store.query(PREFIXES + text, use_default_graph_as_union=True)
    assert isinstance(answer, ox.QuerySolutions)
    return answer.serialize(format=_FORMAT) or b""


def _over_http(home: Path, snapshot: Snapshot) -> Iterator[Figure]:
    excess_must, excess_aim = [], []
    with server(home) as (address, _):
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        for text in QUERIES.values():
            _fetch(connection, text)  # by the end a new server has read what it reads once
        for name, text in QUERIES.items():
            ours, engine = _side_by_side(connection, snapshot.store, text)
            yield Figure(f"{name}: engine", engine, "ms")
            yield Figure(f"{name}: /sparql", ours, "ms", engine * 1.10 + 3, engine * 1.05 + 1.5)
            excess_must.append(ours - engine * 1.10)
            excess_aim.append(ours - engine * 1.05)
        connection.close()
    yield Figure("most that /sparql adds beyond 10 %", max(excess_must), "ms", must=3)
    yield Figure("most that /sparql adds beyond 5 %", max(excess_aim), "ms", aim=1.5)


def _side_by_side(
    connection: http.client.HTTPConnection, store: ox.Store, text: str
) -> tuple[float, float]:
    """Median milliseconds over HTTP and in process, each in turn."""
    fetch = partial(_fetch, connection, text)
    if fetch() != _in_process(store, text):
        raise SystemExit(f"another result over HTTP: {text}")
    ours: list[float] = []
    engine: list[float] = []
    until = time.perf_counter() + SECONDS_EACH
    while len(ours) < TIMES and (len(ours) < LONG_TIMES or time.perf_counter() < until):
        ours.append(_ms(fetch))
        engine.append(_ms(partial(_in_process, store, text)))
    return statistics.median(ours), statistics.median(engine)


def _fetch(connection: http.client.HTTPConnection, text: str) -> bytes:
    address = f"/sparql?{urlencode({'query': PREFIXES + text})}"
    connection.request("GET", address, headers={"Accept": RESULT_FORMATS[0]})
    return connection.getresponse().read()


def _against_rdflib(snapshot: Snapshot) -> Iterator[Figure]:
    from rdflib import Graph

    triples = {quad.triple for quad in snapshot.store}
    graph = Graph()
    graph.parse(ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES), format="nt")
    ratios, totals = [], [0.0, 0.0]
    for name, text in QUERIES.items():
        engine = statistics.median(
            _ms(partial(_in_process, snapshot.store, text)) for _ in range(LONG_TIMES)
        )
        other = statistics.median(_ms(partial(_by_rdflib, graph, text)) for _ in range(LONG_TIMES))
        totals = [totals[0] + engine, totals[1] + other]
        ratios.append(other / engine)
        yield Figure(f"{name}: rdflib / engine", ratios[-1], "times")
    yield Figure("the suite: rdflib / engine", totals[1] / totals[0], "times", 20, 100)
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    yield Figure("the same, geometric mean over queries", mean, "times", 20, 100)


def _by_rdflib(graph: object, text: str) -> bytes:
    return graph.query(PREFIXES + text).serialize(format="json")  # type: ignore[attr-defined, no-any-return]


def _killed(snapshot: Snapshot) -> Iterator[Figure]:
    pool = QueryPool(snapshot.store_path, QueryLimits(seconds=LIMIT_S))
    late = []
    for _ in range(KILLS):
        started = time.perf_counter()
        try:
            pool.run(Query(text=RUNAWAY))
        except QueryTimeoutError:
            late.append(time.perf_counter() - started - LIMIT_S)
    pool.close()
    if len(late) != KILLS:
        raise SystemExit("a query that was to run away came back")
    yield Figure("a runaway query is dead so late after its limit", max(late) * 1000, "ms", 250)


def _ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
