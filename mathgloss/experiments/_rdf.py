"""Experiments and their runs as RDF: PROV-O, with MathGloss's own words for checks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pyoxigraph as ox

from mathgloss.experiments._contract import Experiment
from mathgloss.graph.rdf import TYPE, integer, literal, name, word
from mathgloss.ids import BASE


def experiment_triples(experiment: Experiment[Any]) -> Iterator[ox.Triple]:
    """What an experiment tests, and the concepts that it hangs on."""
    node = name(f"experiment:{experiment.id}")
    yield ox.Triple(node, TYPE, word("mg:Experiment"))
    yield ox.Triple(node, word("dcterms:identifier"), literal(f"experiment:{experiment.id}"))
    yield ox.Triple(node, word("dcterms:title"), literal(experiment.title, "en"))
    yield ox.Triple(node, word("mg:claim"), literal(experiment.claim, "en"))
    yield ox.Triple(node, word("mg:paper"), name(experiment.paper))
    yield ox.Triple(
        node, word("dcterms:bibliographicCitation"), literal(experiment.reference, "en")
    )
    for concept in experiment.concepts:
        yield ox.Triple(node, word(f"mg:{concept.role}"), name(concept.id))


def run_triples(record: Mapping[str, Any]) -> Iterator[ox.Triple]:
    """A recorded run: what it used, when and how it ended, what it measured, what held."""
    node = ox.NamedNode(f"{BASE}run/{record['run']}")
    started = dt.datetime.fromisoformat(record["started"])
    ended = started + dt.timedelta(seconds=record["duration_s"])
    yield ox.Triple(node, TYPE, word("prov:Activity"))
    yield ox.Triple(node, TYPE, word("mg:Run"))
    yield ox.Triple(node, word("dcterms:identifier"), literal(record["run"]))
    yield ox.Triple(node, word("mg:experiment"), name(f"experiment:{record['id']}"))
    yield ox.Triple(node, word("prov:startedAtTime"), _time(started))
    yield ox.Triple(node, word("prov:endedAtTime"), _time(ended))
    yield ox.Triple(node, word("mg:seed"), integer(record["seed"]))
    yield ox.Triple(node, word("mg:preset"), literal(record["preset"]))
    yield ox.Triple(node, word("mg:state"), literal(record["state"]))
    if record["snapshot"]:
        yield ox.Triple(
            node, word("prov:used"), ox.NamedNode(f"{BASE}snapshot/{record['snapshot']}")
        )
    if record["failure"]:
        yield ox.Triple(node, word("mg:failure"), literal(record["failure"]["message"], "en"))
    if record["verdict"]:
        yield ox.Triple(node, word("mg:verdict"), literal(record["verdict"]))
    yield from _software_triples(node, record["versions"])
    yield from _parameter_triples(node, record["params"])
    for place, metric in enumerate(record["metrics"]):
        yield from _metric_triples(node, metric, place)
    for place, check in enumerate(record["checks"]):
        yield from _check_triples(node, check, place)


def run_ntriples(record: Mapping[str, Any]) -> bytes:
    """The triples of a run as N-Triples."""
    return ox.serialize(run_triples(record), format=ox.RdfFormat.N_TRIPLES) or b""


def _software_triples(node: ox.NamedNode, versions: Mapping[str, str]) -> Iterator[ox.Triple]:
    for package, version in versions.items():
        agent = ox.NamedNode(f"{BASE}software/{package}/{version}")
        yield ox.Triple(node, word("prov:wasAssociatedWith"), agent)
        yield ox.Triple(agent, TYPE, word("prov:SoftwareAgent"))
        yield ox.Triple(agent, word("schema:name"), literal(package))
        yield ox.Triple(agent, word("schema:softwareVersion"), literal(version))


def _parameter_triples(node: ox.NamedNode, params: Mapping[str, Any]) -> Iterator[ox.Triple]:
    for key, value in params.items():
        parameter = ox.NamedNode(f"{node.value}/parameter/{key}")
        yield ox.Triple(node, word("prov:used"), parameter)
        yield ox.Triple(parameter, TYPE, word("schema:PropertyValue"))
        yield ox.Triple(parameter, word("schema:name"), literal(key))
        values = value if isinstance(value, list) else [value]
        for item in values:
            yield ox.Triple(parameter, word("rdf:value"), ox.Literal(item))


def _metric_triples(
    node: ox.NamedNode, metric: Mapping[str, Any], place: int
) -> Iterator[ox.Triple]:
    found = ox.NamedNode(f"{node.value}/metric/{place}")
    yield from _finding(node, found, "mg:Metric", metric["value"])
    yield ox.Triple(found, word("schema:name"), literal(metric["name"], "en"))
    if metric["unit"]:
        yield ox.Triple(found, word("schema:unitText"), literal(metric["unit"]))
    if metric["seed"] is not None:
        yield ox.Triple(found, word("mg:seed"), integer(metric["seed"]))


def _check_triples(node: ox.NamedNode, check: Mapping[str, Any], place: int) -> Iterator[ox.Triple]:
    found = ox.NamedNode(f"{node.value}/check/{place}")
    yield from _finding(node, found, "mg:Check", check["value"])
    yield ox.Triple(found, word("schema:name"), literal(check["criterion"], "en"))
    yield ox.Triple(found, word("mg:relation"), literal(check["relation"]))
    yield ox.Triple(found, word("mg:bound"), ox.Literal(float(check["bound"])))
    yield ox.Triple(found, word("mg:held"), ox.Literal(check["held"]))
    yield ox.Triple(found, word("mg:claimed"), ox.Literal(check["claimed"]))


def _finding(
    node: ox.NamedNode, found: ox.NamedNode, kind: str, value: float | None
) -> Iterator[ox.Triple]:
    yield ox.Triple(found, TYPE, word("prov:Entity"))
    yield ox.Triple(found, TYPE, word(kind))
    yield ox.Triple(found, word("prov:wasGeneratedBy"), node)
    if value is not None:
        yield ox.Triple(found, word("rdf:value"), ox.Literal(float(value)))


def _time(moment: dt.datetime) -> ox.Literal:
    return ox.Literal(moment.isoformat(), datatype=word("xsd:dateTime"))
