"""The parsed records behind a snapshot, for linking with or without some of the sources."""

from __future__ import annotations

from collections.abc import Iterable

from mathgloss.errors import InputError
from mathgloss.graph.plan import PARSED
from mathgloss.graph.snapshot import Manifest
from mathgloss.io.records import read_records
from mathgloss.linking.exclude import without
from mathgloss.model import ParsedSource
from mathgloss.paths import Home


def term_sources(
    home: Home, manifest: Manifest, *, excluded: Iterable[str] = ()
) -> list[ParsedSource]:
    """The sources of terms that a snapshot was built from, as if the excluded had never been.

    Raises:
        InputError: an excluded name is none of the snapshot's sources.
        DataNotFoundError: the records are gone; a refresh writes them anew.
    """
    names = list(excluded)
    for name in names:
        if name not in manifest.sources:
            known = ", ".join(sorted(manifest.sources))
            raise InputError(f"--exclude-source {name!r}: the snapshot's sources are {known}")
    held = [
        read_records(home.stages / "parsed" / entry["stage"], PARSED)
        for name, entry in sorted(manifest.sources.items())
        if entry["terms"]
    ]
    return without(held, names)
