"""Write the row counts and hashes of the bundled files into ``bundled/MANIFEST.toml``.

Run ``python data/manifest.py`` after editing a bundled file; a test tells when that was forgotten.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

BUNDLED = Path(__file__).resolve().parent / "bundled"


def updated(manifest: str) -> str:
    """The manifest's text with the rows and hashes that the files have now."""

    def section(match: re.Match[str]) -> str:
        data = (BUNDLED / match["name"]).read_bytes()
        rows = len(data.decode().splitlines()) - 1
        text = re.sub(r"(?m)^rows = .*$", f"rows = {rows}", match[0])
        digest = hashlib.sha256(data).hexdigest()
        return re.sub(r"(?m)^sha256 = .*$", f'sha256 = "{digest}"', text)

    return re.sub(r'(?ms)^\[files\."(?P<name>[^"]+)"\]$.*?(?=^\[|\Z)', section, manifest)


if __name__ == "__main__":
    path = BUNDLED / "MANIFEST.toml"
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
