"""From parsed sources to a published snapshot, doing again only what has changed.

Every stage (alignment, mentions, each named graph, SSSOM, label index) is keyed by a digest of its
inputs and of the code; see :mod:`mathgloss.io.stages`. The snapshot itself is keyed by the digests
of all its stages: if the published one has the same, nothing is written at all.
"""

from __future__ import annotations

import datetime as dt
import gzip
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Final, cast

import pyoxigraph as ox
from pydantic import TypeAdapter

from mathgloss import vocab
from mathgloss.graph import rdf
from mathgloss.graph.checks import check_graph, checked_chunks
from mathgloss.graph.difference import compare
from mathgloss.graph.index import INDEX, write_index
from mathgloss.graph.snapshot import (
    BUILDING,
    REPORT,
    Manifest,
    current_path,
    publish,
    read_manifest,
    remove_leftovers,
    write_json,
    write_manifest,
)
from mathgloss.io.records import read_records, write_records
from mathgloss.io.sssom import write_sets
from mathgloss.io.stages import Stages, code_digest, digest
from mathgloss.io.state import State, parsed_path
from mathgloss.linking.align import LABEL_ORDER, Alignment, align
from mathgloss.model import MappingSet, Mention, Paper, ParsedSource, RawFile, SourceInfo
from mathgloss.paths import Home

logger = logging.getLogger(__name__)

PARSED: Final = TypeAdapter(ParsedSource)
MENTIONS: Final = TypeAdapter(dict[str, tuple[Mention, ...]])
ONTOLOGY: Final = Path(__file__).with_name("ontology.ttl")
DESCRIPTION_CHARS: Final = 240

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInput:
    """A parsed source as a build takes it: its stage file, its key, and what it is made from."""

    info: SourceInfo
    key: str
    stage: Path
    files: tuple[RawFile, ...]
    terms: int
    papers: int
    report: dict[str, Any]


def source_inputs(home: Home, state: State) -> list[SourceInput]:
    """The sources of the state that have data, as a build takes them."""
    return [
        SourceInput(
            info=entry.info,
            key=entry.key,
            stage=path,
            files=entry.files,
            terms=entry.terms,
            papers=entry.papers,
            report=entry.report,
        )
        for _, entry in sorted(state.items())
        if (path := parsed_path(home, entry)).is_file()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """The published snapshot's folder, and whether this build made it."""

    path: Path
    manifest: Manifest
    changed: bool


class _Plan:
    """All stages of one build, each made when first asked for."""

    def __init__(self, home: Home, inputs: Sequence[SourceInput], progress: Progress) -> None:
        self.stages = Stages(home.stages)
        self.inputs = sorted(inputs, key=lambda source: source.info.name)
        self.progress = progress
        self.term_sources = [source for source in self.inputs if source.terms]
        self.paper_sources = sorted(
            (source for source in self.inputs if source.papers), key=_paper_rank
        )
        self._parsed: dict[str, ParsedSource] = {}
        self.align_key = digest(
            code_digest(), "align", *(source.key for source in self.term_sources)
        )
        self.used: set[Path] = {source.stage for source in self.inputs}

    def parsed(self, source: SourceInput) -> ParsedSource:
        """The records of a source, read once."""
        name = source.info.name
        if name not in self._parsed:
            self._parsed[name] = read_records(source.stage, PARSED)
        return self._parsed[name]

    @cached_property
    def alignment(self) -> Alignment:
        """Concepts, mappings and lexicon; computed only if a stage needs them."""
        self.progress("aligning terms")
        return align([self.parsed(source) for source in self.term_sources])

    @cached_property
    def concept_of(self) -> dict[str, str]:
        """Concept by term."""
        return {term: row.id for row in self.alignment.concepts for term in row.terms}

    def graphs(self) -> dict[str, str]:
        """Name of each named graph and the key of its stage."""
        keys = {
            f"source/{source.info.name}": digest(code_digest(), "source", source.key)
            for source in self.term_sources
        }
        keys["concepts"] = digest(self.align_key, "concepts")
        keys |= {f"mappings/{name}": digest(self.align_key, name) for name in MappingSet}
        keys |= {
            f"papers/{source.info.name}": digest(
                self._mention_key(source), *(other.key for other in self.paper_sources[:place])
            )
            for place, source in enumerate(self.paper_sources)
        }
        # kept although the graph made from them is there: another may be made from them later
        self.used |= {
            self.stages.path("mentions", self._mention_key(source), ".json.gz")
            for source in self.paper_sources
        }
        files = [file.sha256 for source in self.inputs for file in source.files]
        keys["meta"] = digest(code_digest(), "meta", *(s.key for s in self.inputs), *files)
        return keys

    def _mention_key(self, source: SourceInput) -> str:
        return digest(self.align_key, "mentions", source.key)

    def graph_file(self, graph: str, key: str) -> Path:
        """The gzipped N-Triples of a named graph, validated against the shapes when made."""

        def write(path: Path) -> None:
            self.progress(f"writing graph {graph}")
            rdf.write_chunks(path, checked_chunks(graph, self._triples(graph)))

        path = self.stages.make("graph", key, ".nt.gz", write)
        self.used.add(path)
        return path

    def _triples(self, graph: str) -> Iterator[ox.Triple]:
        kind, _, name = graph.partition("/")
        if kind == "source":
            return rdf.source_triples(self.parsed(self._input(name)))
        if kind == "mappings":
            rows = [row for row in self.alignment.mappings if row.set == name]
            return rdf.mapping_triples(rows)
        if kind == "papers":
            source = self._input(name)
            return rdf.paper_triples(self._papers(source), self.mentions(source))
        return self._meta() if kind == "meta" else self._concepts()

    def _input(self, name: str) -> SourceInput:
        return next(source for source in self.inputs if source.info.name == name)

    def _papers(self, source: SourceInput) -> list[Paper]:
        """The papers of a source that no source before it has."""
        before = self.paper_sources[: self.paper_sources.index(source)]
        taken = {paper.id for other in before for paper in self.parsed(other).papers}
        return [paper for paper in self.parsed(source).papers if paper.id not in taken]

    def _concepts(self) -> Iterator[ox.Triple]:
        yield from rdf.concept_triples(self.alignment.concepts)
        seen: set[ox.Triple] = set()
        for source in self.term_sources:
            relations = self.parsed(source).relations
            for triple in rdf.relation_triples(relations, self.concept_of):
                if triple not in seen:
                    seen.add(triple)
                    yield triple

    def _meta(self) -> Iterator[ox.Triple]:
        for triple in ox.parse(path=str(ONTOLOGY), format=ox.RdfFormat.TURTLE):
            yield ox.Triple(triple.subject, triple.predicate, triple.object)
        for source in self.inputs:
            kind = "papers" if source.papers else "source"
            graph = f"{kind}/{source.info.name}"
            yield from rdf.provenance_triples(source.info, source.files, graph)

    def mentions(self, source: SourceInput) -> dict[str, tuple[Mention, ...]]:
        """Mentions by paper, found anew only for new papers or a new alignment."""

        def write(path: Path) -> None:
            self.progress(f"reading papers of {source.info.title}")
            found = {
                paper.id: tuple(
                    self._finder.find(paper.title, field="title")
                    + self._finder.find(paper.abstract, field="text")
                )
                for paper in self.parsed(source).papers
            }
            write_records(path, MENTIONS, found)

        path = self.stages.make("mentions", self._mention_key(source), ".json.gz", write)
        self.used.add(path)
        return read_records(path, MENTIONS)

    @cached_property
    def _finder(self) -> Any:  # spaCy is imported only where text is read
        from mathgloss.linking.mentions import MentionFinder

        return MentionFinder(self.alignment.lexicon)

    def sssom_folder(self) -> Path:
        """The four mapping sets as SSSOM files."""

        def write(path: Path) -> None:
            self.progress("writing SSSOM")
            write_sets(path, self.alignment.mappings)

        target = self.stages.make_folder("sssom", self.align_key, write)
        self.used.add(target)
        return target

    def label_index(self) -> Path:
        """The SQLite index of names."""

        def write(path: Path) -> None:
            self.progress("writing the label index")
            write_index(
                path,
                self.alignment.concepts,
                weights=self._weights(),
                descriptions=self._descriptions(),
            )

        path = self.stages.make("index", digest(self.align_key, "index"), ".sqlite", write)
        self.used.add(path)
        return path

    def _weights(self) -> dict[str, int]:
        lexicon = self.alignment.lexicon
        return {
            row.id: len(row.terms) + (lexicon.prior(row.id).attested if row.id in lexicon else 0)
            for row in self.alignment.concepts
        }

    def _descriptions(self) -> dict[str, str]:
        """The first served definition of each concept, one line."""
        order = {name: place for place, name in enumerate(LABEL_ORDER)}
        sources = sorted(
            self.term_sources, key=lambda source: order.get(source.info.name, len(order))
        )
        found: dict[str, str] = {}
        for source in sources:
            if not source.info.licence.redistributable:
                continue
            for term in self.parsed(source).terms:
                concept = self.concept_of.get(term.id)
                if concept is not None and term.definition is not None:
                    text = " ".join(term.definition.text.split())
                    found.setdefault(concept, text[:DESCRIPTION_CHARS])
        return found


def _paper_rank(source: SourceInput) -> tuple[bool, bool, str]:
    """Of several sources of a paper the one that may be served wins, the bare titles come last."""
    name = source.info.name
    return (name == "bundled-papers", not source.info.licence.redistributable, name)


def build_snapshot(
    home: Home,
    inputs: Sequence[SourceInput],
    *,
    full: bool = False,
    progress: Progress = logger.info,
) -> BuildResult:
    """Build, check and publish a snapshot of the given sources.

    Args:
        home: where stages and snapshots lie; the caller holds its lock.
        inputs: parsed sources, at least one.
        full: make every stage anew.
        progress: told what is being done, a few words at a time.

    Returns:
        The published snapshot; ``changed`` is false if it was published before.

    Raises:
        CheckError: what was built does not hold what it must; the published one is untouched.
    """
    plan = _Plan(home, inputs, progress)
    if full:
        plan.stages.keep_only(plan.used)
    graphs = plan.graphs()
    whole = digest(plan.align_key, *(f"{name}={key}" for name, key in sorted(graphs.items())))
    current = current_path(home)
    if current is not None and not full:
        manifest = read_manifest(current)
        if manifest.digest == whole:
            remove_leftovers(home)
            return BuildResult(path=current, manifest=manifest, changed=False)
    home.snapshots.mkdir(parents=True, exist_ok=True)
    remove_leftovers(home)
    now = dt.datetime.now(dt.UTC)
    snapshot_id = _free_id(home, f"{now:%Y%m%d}-{whole[:10]}")
    # a name of its own: a build that failed in this process may still hold its store's lock
    building = home.snapshots / f"{BUILDING}{snapshot_id}-{now:%H%M%S%f}"
    building.mkdir()
    counts = _fill(plan, graphs, building)
    manifest = Manifest(
        id=snapshot_id,
        digest=whole,
        created=now.isoformat(timespec="seconds"),
        sources={source.info.name: _source_entry(source) for source in plan.inputs},
        counts=counts,
    )
    write_manifest(building, manifest)
    write_json(building / REPORT, _report(manifest, current, building))
    progress("publishing")
    path = publish(home, building, snapshot_id)
    remove_leftovers(home)
    plan.stages.keep_only(plan.used)
    return BuildResult(path=path, manifest=manifest, changed=True)


def _free_id(home: Home, wanted: str) -> str:
    """The identifier, with a number added if a snapshot of that name exists (``--full``)."""
    number = 1
    name = wanted
    while (home.snapshots / name).exists():
        number += 1
        name = f"{wanted}-{number}"
    return name


def _fill(plan: _Plan, graphs: dict[str, str], building: Path) -> dict[str, Any]:
    """Make the contents of the snapshot's folder; the counts of what is in it."""
    files = {graph: plan.graph_file(graph, key) for graph, key in graphs.items()}
    _link(plan.label_index(), building / INDEX)
    (building / "sssom").mkdir()
    for path in sorted(plan.sssom_folder().iterdir()):
        _link(path, building / "sssom" / path.name)
    plan.progress("loading the store")
    store = ox.Store(str(building / "store"))
    for graph, path in files.items():
        with gzip.open(path) as stream:
            store.bulk_load(
                cast("IO[bytes]", stream),
                format=ox.RdfFormat.N_TRIPLES,
                to_graph=rdf.graph_node(graph),
            )
    store.optimize()
    store.flush()
    plan.progress("checking the graph")
    check_graph(store)
    return _counts(store, graphs)


def _link(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _counts(store: ox.Store, graphs: Iterable[str]) -> dict[str, Any]:
    def count(pattern: str) -> int:
        rows = store.query(
            f"SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}", use_default_graph_as_union=True
        )
        return int(next(iter(rows))[0].value)  # type: ignore[arg-type]

    axiom, mapping_set = vocab.expand("owl:Axiom"), vocab.expand("mg:mappingSet")
    return {
        "triples": {
            graph: count(f"GRAPH <{rdf.graph_node(graph).value}> {{ ?s ?p ?o }}")
            for graph in sorted(graphs)
        },
        "concepts": count(f"?c a <{vocab.expand('skos:Concept')}>"),
        "mappings": {
            str(name): count(f'?m a <{axiom}> ; <{mapping_set}> "{name}"') for name in MappingSet
        },
        "papers": count(f"?p a <{vocab.expand('schema:ScholarlyArticle')}>"),
        "mentions": count(f"?m a <{vocab.expand('mg:Mention')}>"),
    }


def _source_entry(source: SourceInput) -> dict[str, Any]:
    return {
        "title": source.info.title,
        "homepage": source.info.homepage,
        "licence": asdict(source.info.licence),
        "files": [
            {"url": file.url, "sha256": file.sha256, "retrieved": file.retrieved}
            for file in source.files
        ],
        "stage": source.stage.name,
        **source.report,
    }


def _report(manifest: Manifest, previous: Path | None, building: Path) -> dict[str, Any]:
    """What was read, kept and rejected, and the difference to the snapshot before."""
    return {
        "snapshot": manifest.id,
        "created": manifest.created,
        "sources": manifest.sources,
        "counts": manifest.counts,
        "difference": compare(previous, building) if previous is not None else None,
    }
