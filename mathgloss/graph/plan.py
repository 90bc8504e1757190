"""The stages of a build: what each is made from, and making those that are missing.

Every stage (alignment, mentions, each named graph, SSSOM, label index) is keyed by a digest of its
inputs and of the code; see :mod:`mathgloss.io.stages`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox
from pydantic import TypeAdapter

from mathgloss.graph import rdf
from mathgloss.graph.facts import write_facts
from mathgloss.graph.index import write_index
from mathgloss.graph.mapping_table import write_mappings
from mathgloss.graph.shapes import ShapeChecker
from mathgloss.io.decisions import DecisionFiles
from mathgloss.io.records import read_records, write_records
from mathgloss.io.sssom import write_sets
from mathgloss.io.stages import Stages, code_digest, digest
from mathgloss.io.state import State, parsed_path
from mathgloss.linking.align import Alignment, align, related_concepts
from mathgloss.linking.definitions import definitions_name
from mathgloss.linking.labels import LABEL_ORDER
from mathgloss.linking.mentions import MentionFinder
from mathgloss.linking.pools import make_pools, write_pools
from mathgloss.linking.senses import senses_digest
from mathgloss.linking.setup import LinkingSetup
from mathgloss.linking.stored import read_finder, write_finder
from mathgloss.model import MappingSet, Mention, Paper, ParsedSource, RawFile, SourceInfo
from mathgloss.paths import Home

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


@dataclass(frozen=True, slots=True)
class GivenGraph:
    """A named graph that is made of something else than sources; its key is its content."""

    name: str
    triples: Sequence[ox.Triple]

    @property
    def key(self) -> str:
        """Digest of the triples."""
        text = ox.serialize(self.triples, format=ox.RdfFormat.N_TRIPLES) or b""
        return digest(self.name, text.decode())


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


class Plan:
    """All stages of one build, each made when first asked for."""

    def __init__(
        self,
        home: Home,
        inputs: Sequence[SourceInput],
        linking: LinkingSetup,
        progress: Progress,
        *,
        given: Sequence[GivenGraph],
        again: bool,
    ) -> None:
        self._linking = linking
        self._again = again
        self._given = {graph.name: graph for graph in given}
        self._made: set[Path] = set()
        self.stages = Stages(home.stages)
        self.shapes = ShapeChecker()
        self.inputs = sorted(inputs, key=lambda source: source.info.name)
        self.progress = progress
        self.term_sources = [source for source in self.inputs if source.terms]
        self.paper_sources = sorted(
            (source for source in self.inputs if source.papers), key=_paper_rank
        )
        self._parsed: dict[str, ParsedSource] = {}
        self._decisions = DecisionFiles(home).read()
        self.align_key = digest(
            code_digest(),
            "align",
            linking.key,
            self._decisions.key,
            *(source.key for source in self.term_sources),
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
        sources = [self.parsed(source) for source in self.term_sources]
        return align(sources, self._linking.model, self._linking.meaning(), self._decisions)

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
            f"definitions/{source.info.name}": digest(
                self.align_key, senses_digest(), "definitions", source.info.name
            )
            for source in self.term_sources
        }
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
        keys |= {graph.name: graph.key for graph in self._given.values()}
        keys["meta"] = digest(code_digest(), "meta", *(s.key for s in self.inputs), *files)
        return keys

    def _mention_key(self, source: SourceInput) -> str:
        return digest(self.align_key, senses_digest(), "mentions", source.key)

    def _make(self, kind: str, key: str, suffix: str, write: Callable[[Path], None]) -> Path:
        """A stage's file, made if it is missing, or once anew in a full build."""
        target = self.stages.path(kind, key, suffix)
        again = self._again and target not in self._made
        path = self.stages.make(kind, key, suffix, write, again=again)
        self._made.add(path)
        self.used.add(path)
        return path

    def graph_file(self, graph: str, key: str) -> Path:
        """The gzipped N-Triples of a named graph, validated against the shapes when made."""

        def write(path: Path) -> None:
            self.progress(f"writing graph {graph}")
            rdf.write_chunks(path, self.shapes.checked_chunks(graph, self._triples(graph)))

        return self._make("graph", key, ".nt.gz", write)

    def _triples(self, graph: str) -> Iterator[ox.Triple]:
        if graph in self._given:
            return iter(self._given[graph].triples)
        kind, _, name = graph.partition("/")
        if kind == "source":
            return rdf.source_triples(self.parsed(self._input(name)))
        if kind == "mappings":
            rows = [row for row in self.alignment.mappings if row.set == name]
            return rdf.mapping_triples(rows)
        if kind == "definitions":
            return rdf.definition_triples(self._definitions.get(name, ()))
        if kind == "papers":
            source = self._input(name)
            return chain(
                rdf.paper_triples(self._papers(source), self.mentions(source)),
                rdf.summary_triples(self.parsed(source).papers),
            )
        return self._meta() if kind == "meta" else self._concepts()

    @cached_property
    def _definitions(self) -> dict[str, list[tuple[str, str]]]:
        self.progress("reading definitions")
        sources = [self.parsed(source) for source in self.term_sources]
        return definitions_name(sources, self.concept_of, self._finder)

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
                    self._finder.find(
                        {"title": paper.title, "text": paper.abstract}, paper.categories
                    )
                )
                for paper in self.parsed(source).papers
            }
            write_records(path, MENTIONS, found)

        path = self._make("mentions", self._mention_key(source), ".json.gz", write)
        return read_records(path, MENTIONS)

    def finder_file(self) -> Path:
        """What finds the concepts in a text; made once an alignment, read by all who find."""

        def write(path: Path) -> None:
            self.progress("writing the names for texts")
            sources = [self.parsed(source) for source in self.term_sources]
            related = related_concepts(sources, self.alignment.concepts)
            write_finder(path, self.alignment.lexicon, related)

        return self._make("finder", digest(self.align_key, "finder"), ".json.gz", write)

    def pools_file(self) -> Path:
        """The catalogues in which names are looked up; made once an alignment."""

        def write(path: Path) -> None:
            self.progress("writing the catalogues of names")
            sources = [self.parsed(source) for source in self.term_sources]
            write_pools(path, make_pools(sources, self.alignment.concepts, self.alignment.items))

        return self._make("pools", digest(self.align_key, "pools"), ".bin", write)

    @cached_property
    def _finder(self) -> MentionFinder:
        """As every later reader of the snapshot has it, so that all find the same."""
        return read_finder(self.finder_file())

    def sssom_folder(self) -> Path:
        """The four mapping sets as SSSOM files."""

        def write(path: Path) -> None:
            self.progress("writing SSSOM")
            write_sets(path, self.alignment.mappings)

        target = self.stages.make_folder("sssom", self.align_key, write, again=self._again)
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
            sources = [self.parsed(source) for source in self.term_sources]
            write_facts(path, self.alignment.concepts, sources, self.concept_of)

        return self._make("index", digest(self.align_key, "index"), ".sqlite", write)

    def mapping_table(self) -> Path:
        """The SQLite table of mappings."""

        def write(path: Path) -> None:
            self.progress("writing the table of mappings")
            sources = [self.parsed(source) for source in self.term_sources]
            write_mappings(path, self.alignment, sources, self._decisions)

        return self._make("mappings", digest(self.align_key, "mappings"), ".sqlite", write)

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
