"""What a run runs in: packages and their versions, the machine, the state of the code."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import mathgloss
from mathgloss.experiments._contract import Experiment

_ALWAYS_NEEDED: Final = ("numpy", "matplotlib")


def missing_packages(experiment: Experiment[Any]) -> list[str]:
    """Distributions that the experiment needs and that are not installed."""
    return [name for name in _needed(experiment) if _version(name) is None]


def _needed(experiment: Experiment[Any]) -> Sequence[str]:
    return (*_ALWAYS_NEEDED, *experiment.packages)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def versions(experiment: Experiment[Any]) -> dict[str, str]:
    """Versions of MathGloss, Python and all that the experiment needs."""
    needed = {name: _version(name) or "" for name in _needed(experiment)}
    return {"mathgloss": mathgloss.__version__, "python": platform.python_version(), **needed}


def machine() -> dict[str, str]:
    """What it runs on."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processor": _processor(),
    }


def _processor() -> str:
    """The processor's name; ``platform`` knows it on few systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def git_state() -> dict[str, Any] | None:
    """Commit of the clone that the code is in, and whether it was changed since."""
    root = Path(mathgloss.__file__).resolve().parent.parent
    if not (root / ".git").exists() or (git := shutil.which("git")) is None:
        return None

    def ask(*arguments: str) -> str:
        command = [git, "-C", str(root), *arguments]
        return subprocess.run(  # noqa: S603 - fixed arguments
            command, capture_output=True, text=True, check=False
        ).stdout.strip()

    return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain"))}
