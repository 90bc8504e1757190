"""Linkers over the records behind a snapshot, with or without some of its sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mathgloss.config import Settings
from mathgloss.graph.mapping_table import MAPPINGS, MappingTable
from mathgloss.graph.snapshot import Manifest
from mathgloss.graph.sources import term_sources
from mathgloss.linking.align import align, related_concepts
from mathgloss.linking.catalogue import items
from mathgloss.linking.gold import read_terms
from mathgloss.linking.linker import Linker
from mathgloss.linking.meaning import Meaning, find_encoder
from mathgloss.linking.mentions import MentionFinder
from mathgloss.linking.pools import POOLS, Pool, read_pool
from mathgloss.linking.ranking import RankingModel
from mathgloss.linking.senses import load_senses
from mathgloss.linking.setup import linking_setup
from mathgloss.linking.stored import FINDER, read_finder
from mathgloss.linking.training import train


def open_linker(settings: Settings, manifest: Manifest, *, excluded: Iterable[str] = ()) -> Linker:
    """The linker of a snapshot's items, as if the excluded sources had never been ingested.

    Raises:
        InputError: an excluded name is none of the snapshot's sources.
        EmbeddingError: the encoder failed.
        DataNotFoundError: the snapshot has no catalogues; a refresh writes them.
    """
    names = list(excluded)
    if names:
        catalogue = items(term_sources(settings.layout, manifest, excluded=names))
    else:
        catalogue = read_pool(settings.layout.snapshots / manifest.id / POOLS, Pool.BARE_ITEMS)
    setup = linking_setup(settings)
    return Linker(catalogue, setup.model, setup.meaning())


def open_finder(
    settings: Settings,
    manifest: Manifest,
    *,
    excluded: Iterable[str] = (),
    decided: bool = True,
) -> MentionFinder:
    """The finder of a snapshot's concepts in texts, as if the excluded had never been ingested.

    Without the excluded all terms are aligned anew, which takes long; else it is read in a second.

    Args:
        settings: home, encoder, linker.
        manifest: of the snapshot.
        excluded: names of sources; without them nothing that curators decided counts either.
        decided: whether it does; what is measured must not know what its users said.

    Raises:
        InputError: an excluded name is none of the snapshot's sources.
        EmbeddingError: the encoder failed.
        DataNotFoundError: the snapshot has no finder; a refresh writes it.
    """
    names = list(excluded)
    folder = settings.layout.snapshots / manifest.id
    if not names and (decided or not MappingTable(folder / MAPPINGS).has_decisions()):
        return read_finder(folder / FINDER)
    sources = term_sources(settings.layout, manifest, excluded=names)
    setup = linking_setup(settings)
    alignment = align(sources, setup.model, setup.meaning())
    related = related_concepts(sources, alignment.concepts)
    return MentionFinder(alignment.lexicon, load_senses(), related)


def train_linker(
    settings: Settings,
    manifest: Manifest,
    gold: Path,
    *,
    latin_only: bool,
) -> RankingModel:
    """A linker trained on a file of gold over a snapshot's items, with the settings' encoder.

    Raises:
        InputError: the file is no gold, or too little of it.
        EmbeddingError: the encoder failed.
    """
    terms = read_terms(gold)
    encoder = find_encoder(settings.encoder)
    meaning = None
    if encoder is not None:
        meaning = Meaning(encoder, settings.layout.embeddings, latin_only=latin_only)
    made = {
        "gold_sha256": hashlib.sha256(gold.read_bytes()).hexdigest(),
        "gold_terms": len(terms),
        "snapshot": manifest.id,
        "encoder": encoder.name if encoder is not None else "none",
    }
    return train(terms, items(term_sources(settings.layout, manifest)), meaning, made=made)
