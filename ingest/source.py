"""The contract of a source: who says it, how it is fetched, how its files are parsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.fetch import Fetcher
from mathgloss.model import ParsedSource, RawFile, SourceInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source of terms or papers.

    Attributes:
        info: name, homepage, licence.
        fetch: gets the files, in a fixed order; raises SourceError.
        parse: pure: the same files give the same records; raises ParseError if a file as a whole
            is unusable, rejects single bad rows otherwise.
        least_kept_share: below this share of kept rows the source counts as broken.
    """

    info: SourceInfo
    fetch: Callable[[Fetcher], tuple[RawFile, ...]]
    parse: Callable[[Sequence[RawFile]], ParsedSource]
    least_kept_share: float = 0.5
