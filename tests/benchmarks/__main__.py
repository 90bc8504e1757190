"""Measure what the README promises: ``python -m tests.benchmarks [NAME]...``.

Without ``refresh`` among the names, the snapshot below ``MATHGLOSS_HOME`` is measured if there is
one; else one is built from ``MATHGLOSS_MIRROR``, or from the small world of the tests.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.measure import Figure, run
from tests.conftest import make_mirror

# name -> module and function; each is given a home folder and a mirror, and yields figures
BENCHMARKS = {
    "help": "core:bench_help",
    "refresh": "core:bench_refresh",
    "answers": "core:bench_answers",
    "linking": "core:bench_linking",
    "texts": "texts:bench_texts",
    "sparql": "sparql:bench_sparql",
    "reconcile": "reconcile:bench_reconcile",
    "constant": "load:bench_constant",
    "search": "load:bench_search",
    "load": "load:bench_load",
    "first-page": "core:bench_first_page",
    "experiments": "experiments:bench_experiments",
}
ON_REQUEST = {"first-page", "experiments"}
WITHOUT_SNAPSHOT = {"help", "refresh", "first-page", "experiments"}


def load(name: str) -> Callable[[Path, Path], Iterator[Figure]]:
    """The function behind a name."""
    module, _, function = BENCHMARKS[name].partition(":")
    found: Callable[[Path, Path], Iterator[Figure]] = getattr(
        importlib.import_module(f"tests.benchmarks.{module}"), function
    )
    return found


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all quick ones, and print a table and a line of JSON."""
    wanted = names or [name for name in BENCHMARKS if name not in ON_REQUEST]
    folder = Path(tempfile.mkdtemp(prefix="mathgloss-bench-"))
    given = os.environ.get("MATHGLOSS_MIRROR")
    mirror = Path(given).resolve() if given else make_mirror(folder / "mirror")
    home = find_home(folder, wanted)
    figures: list[Figure] = []
    try:
        needs_snapshot = "refresh" not in wanted and not set(wanted) <= WITHOUT_SNAPSHOT
        if needs_snapshot and not (home / "current").exists():
            run(home, "refresh", mirror=mirror)
        for name in wanted:
            for figure in load(name)(home, mirror):
                figures.append(figure)
                print(describe(figure))  # noqa: T201
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "peak_of_children_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    }
    print(json.dumps({"machine": machine, "figures": [figure._asdict() for figure in figures]}))  # noqa: T201


def describe(figure: Figure) -> str:
    """One line: what, how much, and the bounds that there are."""
    bounds = [
        f"{name} {bound:g}"
        for name, bound in (("must", figure.must), ("aim", figure.aim))
        if bound is not None
    ]
    held = f"({', '.join(bounds)})" if bounds else ""
    return f"{figure.what:56} {figure.value:9.3f} {figure.unit:6} {held}".rstrip()


def find_home(folder: Path, wanted: list[str]) -> Path:
    """The home folder to measure; never one of the user's when a refresh is measured."""
    given = os.environ.get("MATHGLOSS_HOME")
    if given and "refresh" not in wanted and (Path(given) / "current").exists():
        return Path(given).resolve()
    return folder / "home"


if __name__ == "__main__":
    main(sys.argv[1:])
