"""Where files live: the bundled facts, and everything that MathGloss itself writes."""

from __future__ import annotations

import os
from pathlib import Path

from mathgloss.errors import DataNotFoundError

MANIFEST = "MANIFEST.toml"


def bundled_dir() -> Path:
    """The folder of facts that come with MathGloss.

    ``MATHGLOSS_DATA`` wins; else the folder inside an installed wheel; else ``data/bundled`` of a
    clone. A folder counts only if it holds ``MANIFEST.toml``.

    Raises:
        DataNotFoundError: no candidate holds a manifest.
    """
    package = Path(__file__).resolve().parent
    candidates = [package / "_data", package.parent / "data" / "bundled"]
    if override := os.environ.get("MATHGLOSS_DATA"):
        candidates.insert(0, Path(override))
    for candidate in candidates:
        if (candidate / MANIFEST).is_file():
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise DataNotFoundError(
        f"no bundled data: looked for {MANIFEST} in {looked}; "
        "reinstall mathgloss or point MATHGLOSS_DATA at a copy of data/bundled"
    )


class Home:
    """The folder below which MathGloss writes; nothing is ever written beside the packages."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def raw(self) -> Path:
        """Files fetched from the network, one folder for each source."""
        return self.root / "raw"

    @property
    def stages(self) -> Path:
        """Content-addressed results of the stages of a build."""
        return self.root / "stages"

    @property
    def embeddings(self) -> Path:
        """Vectors of texts, one folder for each encoder; kept from build to build."""
        return self.root / "embeddings"

    @property
    def snapshots(self) -> Path:
        """Immutable snapshots, one folder each."""
        return self.root / "snapshots"

    @property
    def decisions(self) -> Path:
        """What curators decided about mappings, as SSSOM files; an input of every build."""
        return self.root / "decisions"

    @property
    def runs(self) -> Path:
        """Recorded runs of experiments, one folder each; kept from snapshot to snapshot."""
        return self.root / "runs"

    @property
    def sweeps(self) -> Path:
        """Figures of sweeps over a parameter of an experiment."""
        return self.root / "sweeps"

    @property
    def queue(self) -> Path:
        """Runs that were asked for through the service: the queue, and how far each is."""
        return self.root / "queue"

    @property
    def current(self) -> Path:
        """A one-line file that names the published snapshot; replaced atomically."""
        return self.root / "current"

    @property
    def state(self) -> Path:
        """What is known of each source: inputs, hashes, the stage that holds its records."""
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the one process that may write."""
        return self.root / "lock"
