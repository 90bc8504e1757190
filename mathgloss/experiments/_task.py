"""What the process of a run is told, and the words of what comes back."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from mathgloss.experiments._limits import Limits

FailureKind: TypeAlias = Literal[
    "crash", "disk", "killed", "memory", "missing package", "stopped", "time"
]
# an OSError of these numbers says that nothing more can be written
DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FIGURES: Final = ("figure.svg", "figure.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the process has to do.

    Attributes:
        module: that holds the experiment.
        folder: where the figures go.
    """

    module: str
    params: dict[str, Any]
    seed: int
    folder: str
    limits: Limits
