"""Refreshing: fetch each source, parse what changed, build and publish a snapshot.

A source that fails keeps the data that it had before; the others go on, and the failure is part of
the outcome.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ingest.fetch import Fetcher
from ingest.registry import SOURCES, added_source, get_source
from ingest.source import Source
from mathgloss.config import Settings
from mathgloss.errors import InputError, MathGlossError, SourceError
from mathgloss.experiments import experiments_graph
from mathgloss.graph.build import BuildResult, build_snapshot
from mathgloss.graph.plan import PARSED, source_inputs
from mathgloss.io.records import write_records
from mathgloss.io.stages import Stages, code_digest, digest
from mathgloss.io.state import (
    SourceState,
    State,
    parsed_path,
    read_state,
    write_state,
    writing,
)
from mathgloss.linking.setup import linking_setup
from mathgloss.model import ParsedSource, RawFile

logger = logging.getLogger(__name__)

# a source that suddenly has less than this share of what it had is taken for truncated
LEAST_SHARE_OF_BEFORE: Final = 0.8
LISTED_REJECTIONS: Final = 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a refresh did.

    Attributes:
        state: what each source holds now.
        failures: for each source that failed, the sentence that says why; its old data stay.
        result: the published snapshot.
        parsed: names of the sources that were parsed anew.
    """

    state: State
    failures: dict[str, str]
    result: BuildResult
    parsed: tuple[str, ...]


def refresh(
    settings: Settings,
    names: Sequence[str] = (),
    *,
    added: Mapping[str, dict[str, Any]] | None = None,
    full: bool = False,
    accept_shrink: bool = False,
    progress: Progress = logger.info,
    fetcher: Fetcher | None = None,
) -> Outcome:
    """Refresh the named sources (default: all built-in and added ones) and publish a snapshot.

    Args:
        settings: home, mirror, endpoint.
        names: sources to refresh; the others keep the data they have.
        added: options of sources to add, by name (see :func:`ingest.registry.added_source`).
        full: parse and build everything anew.
        accept_shrink: take a source although it has become much smaller.
        progress: told what is being done.
        fetcher: for tests; the default fetches as the settings say.

    Returns:
        The outcome; sources that failed are named in it.

    Raises:
        MathGlossError: nothing can be published, or another process is writing.
    """
    with writing(settings.layout):
        return _Refresh(
            settings, full=full, accept_shrink=accept_shrink, progress=progress, fetcher=fetcher
        ).run(names, dict(added or {}))


class _Refresh:
    def __init__(
        self,
        settings: Settings,
        *,
        full: bool,
        accept_shrink: bool,
        progress: Progress,
        fetcher: Fetcher | None,
    ) -> None:
        self.home = settings.layout
        self.linking = linking_setup(settings)
        self.stages = Stages(self.home.stages)
        self.fetcher = fetcher or Fetcher(settings)
        self.full = full
        self.accept_shrink = accept_shrink
        self.progress = progress
        self.state = read_state(self.home)
        self.failures: dict[str, str] = {}
        self.parsed: list[str] = []

    def run(self, names: Sequence[str], added: dict[str, dict[str, Any]]) -> Outcome:
        known = {name: state.options for name, state in self.state.items() if state.options}
        _refuse_clashes(known, added)
        wanted = {name: known.get(name, {}) for name in names or (*SOURCES, *known)}
        for name, options in (wanted | added).items():
            self._refresh_one(name, options)
        write_state(self.home, self.state)
        inputs = source_inputs(self.home, self.state)
        if not inputs:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.failures.items())
            raise InputError(f"no source has any data, so there is nothing to build: {reasons}")
        result = build_snapshot(
            self.home,
            inputs,
            self.linking,
            given=[experiments_graph(self.home)],
            full=self.full,
            progress=self.progress,
        )
        return Outcome(
            state=self.state,
            failures=self.failures,
            result=result,
            parsed=tuple(self.parsed),
        )

    def _refresh_one(self, name: str, options: dict[str, Any]) -> None:
        source = added_source(options) if options else get_source(name)
        self.progress(f"fetching {source.info.title}")
        try:
            files = source.fetch(self.fetcher)
            self.state[name] = self._take(source, self._first_seen(name, files), options)
        except MathGlossError as error:
            logger.debug("source %s failed", name, exc_info=True)
            self.failures[name] = str(error)

    def _first_seen(self, name: str, files: tuple[RawFile, ...]) -> tuple[RawFile, ...]:
        """Unchanged files keep the time at which they were first retrieved."""
        before = (
            {file.sha256: file for file in self.state[name].files} if name in self.state else {}
        )
        return tuple(
            replace(file, retrieved=before[file.sha256].retrieved)
            if file.sha256 in before
            else file
            for file in files
        )

    def _take(
        self, source: Source, files: tuple[RawFile, ...], options: dict[str, Any]
    ) -> SourceState:
        name = source.info.name
        key = digest(code_digest(), name, *(file.sha256 for file in files))
        before = self.state.get(name)
        if (
            before is not None
            and before.key == key
            and parsed_path(self.home, before).is_file()
            and not self.full
        ):
            return before
        self.progress(f"parsing {source.info.title}")
        parsed = source.parse(files)
        self._check_counts(source, parsed, before)
        self.stages.make(
            "parsed", key, ".json.gz", lambda path: write_records(path, PARSED, parsed), again=True
        )
        self.parsed.append(name)
        return SourceState(
            info=source.info,
            key=key,
            files=files,
            terms=len(parsed.terms),
            papers=len(parsed.papers),
            report=_report(parsed),
            options=options,
        )

    def _check_counts(
        self, source: Source, parsed: ParsedSource, before: SourceState | None
    ) -> None:
        """The count contract: most rows are usable, and the source has not suddenly shrunk."""
        kept = len(parsed.terms) + len(parsed.papers)
        name = source.info.name
        if kept == 0 or kept < source.least_kept_share * parsed.read:
            reasons = parsed.rejected_by_reason() or "no rows at all"
            raise SourceError(
                "too few usable rows",
                where=name,
                expected=f"at least one, and {source.least_kept_share:.0%} of the rows read",
                got=f"{kept} of {parsed.read} rows ({reasons})",
                advice="see whether the upstream changed its format; the data from before stay",
            )
        had = before.terms + before.papers if before is not None else 0
        if kept < LEAST_SHARE_OF_BEFORE * had and not self.accept_shrink:
            raise SourceError(
                "the source has shrunk",
                where=name,
                expected=f"at least {LEAST_SHARE_OF_BEFORE:.0%} of the {had} entries from before",
                got=f"{kept} entries",
                advice="if that is right, refresh it with --accept-shrink; the old data stay",
            )


def _refuse_clashes(known: dict[str, dict[str, Any]], added: dict[str, dict[str, Any]]) -> None:
    """A file of papers must not silently take the place of another one of the same name."""
    for name, options in added.items():
        before = known.get(name, options)
        if before != options and "papers" in options:
            raise InputError(
                f"{options['papers']}: the papers of {before['papers']} are already known as "
                f"{name!r}; rename the file, or run 'mathgloss sources --forget {name}' first"
            )


def _report(parsed: ParsedSource) -> dict[str, Any]:
    kinds: dict[str, int] = {}
    for term in parsed.terms:
        kinds[term.kind] = kinds.get(term.kind, 0) + 1
    return {
        "read": parsed.read,
        "terms": len(parsed.terms),
        "papers": len(parsed.papers),
        "relations": len(parsed.relations),
        "terms_by_kind": dict(sorted(kinds.items())),
        "rejected": parsed.rejected_by_reason(),
        "first_rejections": [
            {"where": row.where, "reason": row.reason, "got": row.got}
            for row in parsed.rejections[:LISTED_REJECTIONS]
        ],
    }


def paper_file_options(paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Options, by name, of paper collections in files of the user's.

    Raises:
        InputError: two files would have the same name.
    """
    from ingest.papers import file_source  # only for that option

    options: dict[str, dict[str, Any]] = {}
    for path in paths:
        added = {file_source(path).info.name: {"papers": str(path.resolve())}}
        _refuse_clashes(options, added)
        options |= added
    return options


def arxiv_option(ids: Sequence[str], queries: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Name and options of papers from arXiv."""
    from ingest.arxiv import source  # only for that option

    info = source(ids=tuple(ids), queries=tuple(queries)).info
    return info.name, {"arxiv": {"ids": list(ids), "queries": list(queries)}}
