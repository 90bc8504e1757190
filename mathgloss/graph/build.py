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
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyoxigraph as ox

from mathgloss import vocab
from mathgloss.graph import rdf
from mathgloss.graph.checks import check_graph
from mathgloss.graph.difference import compare
from mathgloss.graph.dumps import write_dumps
from mathgloss.graph.index import INDEX
from mathgloss.graph.mapping_table import MAPPINGS
from mathgloss.graph.plan import GivenGraph, Plan, Progress, SourceInput
from mathgloss.graph.snapshot import (
    BUILDING,
    DIGEST_CHARS,
    REPORT,
    Manifest,
    Snapshot,
    current_path,
    find_complete,
    make_current,
    publish,
    read_manifest,
    remove_leftovers,
    write_json,
    write_manifest,
)
from mathgloss.io.stages import digest
from mathgloss.linking.pools import POOLS
from mathgloss.linking.setup import LinkingSetup
from mathgloss.linking.stored import FINDER
from mathgloss.model import MappingSet
from mathgloss.paths import Home

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """The published snapshot's folder, and whether this build made it."""

    path: Path
    manifest: Manifest
    changed: bool


def build_snapshot(
    home: Home,
    inputs: Sequence[SourceInput],
    linking: LinkingSetup,
    *,
    given: Sequence[GivenGraph] = (),
    full: bool = False,
    progress: Progress = logger.info,
) -> BuildResult:
    """Build, check and publish a snapshot of the given sources.

    Args:
        home: where stages and snapshots lie; the caller holds its lock.
        inputs: parsed sources, at least one.
        linking: the trained linker and its encoder.
        given: named graphs that are not made of sources.
        full: make every stage anew.
        progress: told what is being done, a few words at a time.

    Returns:
        The published snapshot; ``changed`` is false if it was published before.

    Raises:
        CheckError: what was built does not hold what it must; the published one is untouched.
        DecisionsError: a line of the curators' decisions cannot be read.
    """
    plan = Plan(home, inputs, linking, progress, given=given, again=full)
    plan.stages.remove_leftovers()
    graphs = plan.graphs()
    whole = digest(plan.align_key, *(f"{name}={key}" for name, key in sorted(graphs.items())))
    current = current_path(home)
    if not full and (complete := find_complete(home, whole)) is not None:
        changed = complete != current
        if changed:
            make_current(home, complete.name)
        remove_leftovers(home)
        return BuildResult(path=complete, manifest=read_manifest(complete), changed=changed)
    home.snapshots.mkdir(parents=True, exist_ok=True)
    remove_leftovers(home)
    now = dt.datetime.now(dt.UTC)
    snapshot_id = _free_id(home, f"{now:%Y%m%d}-{whole[:DIGEST_CHARS]}")
    # a name of its own: a build that failed in this process may still hold its store's lock
    building = home.snapshots / f"{BUILDING}{snapshot_id}-{now:%H%M%S%f}"
    building.mkdir()
    with plan.shapes:
        counts = _fill(plan, graphs, building)
    manifest = Manifest(
        id=snapshot_id,
        digest=whole,
        created=now.isoformat(timespec="seconds"),
        sources={source.info.name: _source_entry(source) for source in plan.inputs},
        counts=counts,
    )
    write_manifest(building, manifest)
    progress("writing dumps")
    write_dumps(Snapshot(building))
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


def _fill(plan: Plan, graphs: dict[str, str], building: Path) -> dict[str, Any]:
    """Make the contents of the snapshot's folder; the counts of what is in it."""
    files = {graph: plan.graph_file(graph, key) for graph, key in graphs.items()}
    _link(plan.label_index(), building / INDEX)
    _link(plan.mapping_table(), building / MAPPINGS)
    _link(plan.finder_file(), building / FINDER)
    _link(plan.pools_file(), building / POOLS)
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
