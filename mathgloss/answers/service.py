"""The answers that every interface gives: one function for each, over one opened snapshot.

REST, the pages, the command line and agents call these and nothing else, so they cannot disagree.
Every answer carries the snapshot's identifier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from mathgloss import ids
from mathgloss.answers.card import concept_card
from mathgloss.answers.changes import kept_snapshot, list_changes
from mathgloss.answers.claims import Claim, verify
from mathgloss.answers.curation import add_mapping, decide, list_decisions
from mathgloss.answers.description import describe, vocabulary
from mathgloss.answers.experiments import (
    concepts_of_experiments,
    list_experiments,
    read_experiment,
    read_source,
    start_run,
)
from mathgloss.answers.facets import EVERYTHING, Filters, list_concepts
from mathgloss.answers.languages import ENGLISH, Chain, reference, shown_names
from mathgloss.answers.linked_data import all_identifiers, concept_triples, paper_triples
from mathgloss.answers.lookup import Lookup
from mathgloss.answers.mappings import ALL_MAPPINGS, MappingFilter, Mappings
from mathgloss.answers.network import Network
from mathgloss.answers.paging import Answer, checked_limit, sorted_page
from mathgloss.answers.papers import (
    Mentioned,
    list_papers,
    mentioned_concepts,
    paper_order,
    papers_of,
    read_paper,
)
from mathgloss.answers.prerequisites import BuildsOn, prerequisites
from mathgloss.answers.relations import Direction, hierarchy, neighbours, path
from mathgloss.answers.runs import (
    FigureFormat,
    cancel_run,
    figure_of_run,
    list_runs,
    read_progress,
    read_run,
    request_run,
)
from mathgloss.answers.statistics import statistics
from mathgloss.answers.syllabus import Syllabus
from mathgloss.answers.texts import DEFAULTS, Document, LinkOptions, TextLinker
from mathgloss.config import QueryLimits
from mathgloss.graph.difference import Change, changes_between
from mathgloss.graph.dumps import list_dumps
from mathgloss.graph.facts import EXPERIMENTS, PAPERS, Facts, read_facts
from mathgloss.graph.index import INDEX, LabelIndex
from mathgloss.graph.mapping_table import MAPPINGS, MappingTable
from mathgloss.graph.query_pool import QueryPool
from mathgloss.graph.reader import Reader
from mathgloss.graph.snapshot import Snapshot
from mathgloss.graph.sparql import Query, Result
from mathgloss.graph.usage import Usage, count_usage
from mathgloss.io.decisions import DecisionFiles
from mathgloss.linking.stored import FINDER, read_finder

if TYPE_CHECKING:
    from mathgloss.answers.reconciliation import Reconciler


_LAST_CONCEPTS: Final = 32


class Answers:
    """Answers from one snapshot."""

    def __init__(self, snapshot: Snapshot, limits: QueryLimits | None = None) -> None:
        self.snapshot = snapshot
        self.queries = QueryPool(snapshot.store_path, limits or QueryLimits())
        self.index = LabelIndex(snapshot.path / INDEX)
        self.reader = Reader(snapshot)
        self._lookup = Lookup(self.reader, self.index)
        # a page asks for the card and for the papers right after
        self._papers_of = lru_cache(maxsize=_LAST_CONCEPTS)(partial(papers_of, self.reader))
        self._changes: dict[str, list[Change]] = {}
        self.texts = TextLinker(lambda: read_finder(snapshot.path / FINDER), self.index)

    def warm(self, before: Answers | None = None) -> None:
        """Work out what nearly every page needs, and what an earlier one's readers had ready."""
        _ = self.builds_on, self.facts
        if before is not None and before.texts.is_ready:
            self.texts.warm()
        if before is not None and before.reconciler.is_ready:
            self.reconciler.warm()

    # ----------------------------------------------------------------------------------- lookup

    def resolve(self, identifier: str) -> str:
        """The concept named by any form of identifier, or by a label; see :mod:`.lookup`."""
        return self._lookup.resolve(identifier)

    def is_concept(self, curie: str) -> bool:
        """Whether a concept has this very identifier."""
        return self._lookup.is_concept(curie)

    def concept(self, identifier: str, chain: Chain = ENGLISH) -> Answer:
        """All that is known of a concept, shown under its name in the chain's first language.

        Raises:
            NotFoundError: no concept of that name.
        """
        held = self.resolve(identifier)
        return concept_card(self.reader, self.index, held, self._papers_of(held), chain)

    def refer_to(self, identifier: str, chain: Chain = ENGLISH) -> Answer:
        """The concept of that name as other answers refer to it: identifier and label.

        Raises:
            NotFoundError: no concept of that name.
        """
        concept = self.resolve(identifier)
        return reference(concept, shown_names(self.index, [concept], chain)[concept])

    # ------------------------------------------------------------------------------------ lists

    def search(self, text: str, *, limit: int = 20, chain: Chain = ENGLISH) -> Answer:
        """Concepts by name in any language, the best first, shown in the chain's languages.

        Raises:
            InputError: the text is too long or the limit out of range.
        """
        hits = self.index.search(text, limit=checked_limit(limit))
        names = shown_names(self.index, (hit.concept for hit in hits), chain)
        return {
            "query": text,
            "results": [
                {
                    **reference(hit.concept, names[hit.concept]),
                    "matched": hit.name,
                    "lang": hit.lang,
                    "description": hit.description,
                }
                for hit in hits
            ],
            "snapshot": self.snapshot.id,
        }

    def concepts(
        self,
        filters: Filters = EVERYTHING,
        *,
        cursor: str = "",
        limit: int = 50,
        chain: Chain = ENGLISH,
    ) -> Answer:
        """A page of the concepts that pass the filters; see :func:`.facets.list_concepts`."""
        return list_concepts(self, filters, cursor=cursor, limit=limit, chain=chain)

    def statistics(self) -> Answer:
        """Numbers about the snapshot, worked out once; see :mod:`.statistics`."""
        return self._statistics

    @cached_property
    def _statistics(self) -> Answer:
        return statistics(self)

    def changes(self, since: str, *, kind: str = "", cursor: str = "", limit: int = 50) -> Answer:
        """A page of what changed since an earlier snapshot; see :mod:`.changes`."""
        return list_changes(self, since, kind=kind, cursor=cursor, limit=limit)

    def changes_since(self, since: str) -> list[Change]:
        """All changes since a snapshot that is still kept, worked out once.

        Raises:
            NotFoundError: it is not.
        """
        folder = kept_snapshot(self.snapshot.path, since)
        if since not in self._changes:
            self._changes[since] = changes_between(folder, self.snapshot.path)
        return self._changes[since]

    def papers(self, *, cursor: str = "", limit: int = 50) -> Answer:
        """A page of all papers in the order of their identifiers; see :mod:`.papers`."""
        return list_papers(self.reader, cursor=cursor, limit=limit)

    def paper(self, identifier: str, chain: Chain = ENGLISH) -> Answer:
        """A paper's record and the concepts mentioned in it; see :mod:`.papers`."""
        return read_paper(self.reader, self.index, identifier, chain)

    def concept_papers(self, identifier: str, *, cursor: str = "", limit: int = 20) -> Answer:
        """A page of the papers that mention a concept, with each place and its sentence.

        Raises:
            NotFoundError: no concept of that name.
            InputError: the limit is out of range, or the cursor none of this list's.
        """
        papers = self._papers_of(self.resolve(identifier))
        return sorted_page(
            papers, key=paper_order, cursor=cursor, limit=limit, snapshot=self.snapshot.id
        )

    def verify_links(self, claims: Sequence[Claim]) -> Answer:
        """Claims that terms mean concepts, held against the graph; see :mod:`.claims`."""
        return verify(self.reader, self.index, self.resolve, claims)

    # -------------------------------------------------------------------------------- relations

    def neighbours(
        self, identifier: str, *, depth: int = 1, limit: int = 40, chain: Chain = ENGLISH
    ) -> Answer:
        """The concepts around one as nodes and edges; see :func:`.relations.neighbours`."""
        return neighbours(self, self.resolve(identifier), depth=depth, limit=limit, chain=chain)

    def hierarchy(
        self,
        identifier: str,
        direction: Direction,
        *,
        transitive: bool = False,
        cursor: str = "",
        limit: int = 50,
        chain: Chain = ENGLISH,
    ) -> Answer:
        """A page of what is broader or narrower; see :func:`.relations.hierarchy`."""
        concept = self.resolve(identifier)
        return hierarchy(
            self,
            concept,
            direction,
            transitive=transitive,
            cursor=cursor,
            limit=limit,
            chain=chain,
        )

    def path(self, start: str, end: str, *, max_steps: int = 8, chain: Chain = ENGLISH) -> Answer:
        """A way from one concept to another; see :func:`.relations.path`."""
        return path(self, self.resolve(start), self.resolve(end), most=max_steps, chain=chain)

    def prerequisites(self, identifier: str, *, limit: int = 15, chain: Chain = ENGLISH) -> Answer:
        """What to learn before a concept; see :mod:`.prerequisites`."""
        return prerequisites(self, self.resolve(identifier), limit=limit, chain=chain)

    @cached_property
    def network(self) -> Network:
        """All relations between concepts; read once, when first asked for."""
        return Network(self.reader)

    @cached_property
    def builds_on(self) -> BuildsOn:
        """What each concept builds on; worked out once, when first asked for."""
        return BuildsOn(self.network)

    @cached_property
    def syllabus(self) -> Syllabus:
        """The topics of the syllabus in their order."""
        return Syllabus(self.facts.topics)

    @cached_property
    def mentioned(self) -> dict[str, Mentioned]:
        """How often papers mention each concept that any mentions."""
        return mentioned_concepts(self.reader)

    @cached_property
    def facts(self) -> Facts:
        """By what lists are filtered and counted; read once, when first asked for."""
        more = {PAPERS: self.mentioned, EXPERIMENTS: concepts_of_experiments()}
        return read_facts(self.snapshot.path / INDEX, more)

    def sources(self) -> Answer:
        """What each source is, under which licence, what was read, kept and rejected, and when."""
        return {
            "sources": [
                {"name": name, **entry} for name, entry in self.snapshot.manifest.sources.items()
            ],
            "counts": self.snapshot.manifest.counts,
            "created": self.snapshot.manifest.created,
            "snapshot": self.snapshot.id,
        }

    # ----------------------------------------------------------------------------------- SPARQL

    def query(self, query: Query) -> Result:
        """The result of a SPARQL query, run within limits; see :meth:`.QueryPool.run`."""
        return self.queries.run(query)

    # ------------------------------------------------------------------------------------ texts

    def link_text(self, document: Document, options: LinkOptions = DEFAULTS) -> Answer:
        """The concepts that a text mentions, with their places; see :mod:`.texts`.

        Raises:
            InputError: the text or an option cannot be used.
        """
        return {"mentions": self.texts.link(document, options), "snapshot": self.snapshot.id}

    def link_texts(self, documents: Sequence[Document], options: LinkOptions = DEFAULTS) -> Answer:
        """The same for each of several texts, in order; all of them or none.

        Raises:
            InputError: a text or an option cannot be used; the message says which.
        """
        return {"results": self.texts.link_all(documents, options), "snapshot": self.snapshot.id}

    # --------------------------------------------------------------------------------- mappings

    @cached_property
    def _mappings(self) -> Mappings:
        table = MappingTable(self.snapshot.path / MAPPINGS)
        return Mappings(self.reader, table, DecisionFiles(self.snapshot.home), self.resolve)

    def mappings(
        self,
        wanted: MappingFilter = ALL_MAPPINGS,
        *,
        sort: str = "term",
        cursor: str = "",
        limit: int = 50,
    ) -> Answer:
        """A page of the mappings of terms to concepts, with facets; see :mod:`.mappings`."""
        return self._mappings.page(wanted, sort=sort, cursor=cursor, limit=limit)

    def mapping(self, identifier: str) -> Answer:
        """Why a term is mapped to a concept; see :mod:`.mappings`."""
        return self._mappings.one(identifier)

    def decide(
        self, identifier: str, choice: str, *, curator: str = "", comment: str = ""
    ) -> Answer:
        """Accept or reject a mapping, or take that back; see :mod:`.curation`."""
        return decide(self._mappings, identifier, choice, curator=curator, comment=comment)

    def add_mapping(
        self, term: str, concept: str, predicate: str, *, curator: str = "", comment: str = ""
    ) -> Answer:
        """Accept a mapping that nobody has proposed; see :mod:`.curation`."""
        return add_mapping(
            self._mappings, term, concept, predicate, curator=curator, comment=comment
        )

    def decisions(self, *, cursor: str = "", limit: int = 50) -> Answer:
        """A page of what curators decided; see :mod:`.curation`."""
        return list_decisions(self._mappings, cursor=cursor, limit=limit)

    # ------------------------------------------------------------------------------ experiments

    def experiments(self, *, concept: str | None = None, paper: str | None = None) -> Answer:
        """All experiments, those on a concept, or those of a paper; see :mod:`.experiments`."""
        return list_experiments(
            self.snapshot,
            self.snapshot.home,
            concept=self.resolve(concept) if concept else None,
            paper=ids.canonical(paper) if paper else None,
        )

    def experiment(self, identifier: str) -> Answer:
        """An experiment with its parameters and last runs; see :mod:`.experiments`."""
        return read_experiment(self.snapshot, self.snapshot.home, identifier)

    def run_experiment(
        self, identifier: str, params: Mapping[str, object], *, seed: int = 0, quick: bool = False
    ) -> Answer:
        """Run an experiment to its end, within limits; see :mod:`.experiments`."""
        return start_run(
            self.snapshot, self.snapshot.home, identifier, params, seed=seed, quick=quick
        )

    def experiment_source(self, identifier: str) -> Answer:
        """The code of an experiment; see :mod:`.experiments`."""
        return read_source(self.snapshot, identifier)

    def request_run(
        self,
        identifier: str,
        params: Mapping[str, object],
        *,
        seed: int = 0,
        quick: bool = False,
        fresh: bool = False,
        client: str,
    ) -> Answer:
        """Ask for a run by the queue; see :func:`.runs.request_run`."""
        return request_run(
            self.snapshot, identifier, params, seed=seed, quick=quick, fresh=fresh, client=client
        )

    def run(self, run: str) -> Answer:
        """A run that waits, goes on or has ended; see :mod:`.runs`."""
        return read_run(self.snapshot.home, run)

    def runs(self, *, experiment: str | None = None, cursor: str = "", limit: int = 20) -> Answer:
        """A page of the runs of an experiment, or of all; see :mod:`.runs`."""
        return list_runs(self.snapshot, experiment=experiment, cursor=cursor, limit=limit)

    def run_progress(self, run: str) -> Answer:
        """How far a run is; see :mod:`.runs`."""
        return read_progress(self.snapshot.home, run)

    def cancel_run(self, run: str) -> Answer:
        """Cancel a run, or stop it; see :mod:`.runs`."""
        return cancel_run(self.snapshot.home, run)

    def run_figure(self, run: str, form: FigureFormat) -> Path:
        """The file that shows the figure of a run; see :mod:`.runs`."""
        return figure_of_run(self.snapshot.home, run, form)

    # ------------------------------------------------------------------------------ description

    def description(self, base_url: str) -> list[ox.Triple]:
        """The service and its data in SD and VoID; see :func:`.description.describe`."""
        return describe(self.snapshot, self.usage, base_url)

    def vocabulary(self) -> Answer:
        """Prefixes, classes and properties in use; see :func:`.description.vocabulary`."""
        return vocabulary(self.usage, self.snapshot.id)

    def triples(self, kind: str, identifier: str) -> list[ox.Triple]:
        """All triples about a ``concept`` or ``paper``; see :mod:`.linked_data`.

        Raises:
            NotFoundError: there is none of that identifier.
        """
        if kind == "paper":
            return paper_triples(self.reader, identifier)
        return concept_triples(self.reader, self.resolve(identifier))

    def ontology(self) -> bytes:
        """Our own vocabulary, as Turtle."""
        return (files("mathgloss.graph") / "ontology.ttl").read_bytes()

    def identifiers(self) -> dict[str, list[str]]:
        """Of all pages, sorted, by kind; see :func:`.linked_data.all_identifiers`."""
        return all_identifiers(self.reader)

    def dumps(self) -> Answer:
        """The files that hold the whole snapshot, with size, hash and licence.

        Raises:
            NotFoundError: the snapshot was made by a version that wrote none.
        """
        return {"dumps": list_dumps(self.snapshot), "snapshot": self.snapshot.id}

    @cached_property
    def usage(self) -> Usage:
        """How often each class and property is used; counted once, when first asked for."""
        return count_usage(self.snapshot)

    @cached_property
    def reconciler(self) -> Reconciler:
        """Reconciles a table's terms with concepts; see :mod:`.reconciliation`."""
        # numpy and the trained linker are for those alone who reconcile
        from mathgloss.answers.reconciliation import Reconciler

        return Reconciler(self)

    @cached_property
    def source_titles(self) -> dict[str, str]:
        """Title by source name, for people to read."""
        authorities = {name: row.title for name, row in ids.PREFIXES.items()}
        sources = {name: row["title"] for name, row in self.snapshot.manifest.sources.items()}
        return authorities | sources
