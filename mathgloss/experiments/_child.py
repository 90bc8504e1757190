"""One run, in a process of its own: ``python -m mathgloss.experiments._child EVENTS_FD``.

The task comes as one line of JSON on standard input, which stays open as long as the parent lives.
Events go out as lines of JSON: progress, then the outcome or the failure. What the experiment
prints goes to the log, which is standard output and error.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from mathgloss.experiments._catalogue import load_experiment
from mathgloss.experiments._contract import Draw, verdict_of
from mathgloss.experiments._limits import Limits, restrict_this_process
from mathgloss.experiments._task import DISK_FULL, FIGURES, FailureKind, Task


class Events:
    """The way back to the parent."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def send(self, event: str, **members: Any) -> None:
        """One event, at once."""
        self._stream.write(json.dumps({"event": event, **members}) + "\n")
        self._stream.flush()

    def progress(self, fraction: float, message: str) -> None:
        """How far the run is, from 0 to 1, and what it does."""
        self.send("progress", fraction=min(max(float(fraction), 0.0), 1.0), message=message)


def main() -> None:
    """Do the task that standard input gives."""
    given = json.loads(sys.stdin.readline())
    task = Task(**{**given, "limits": Limits(**given["limits"])})
    restrict_this_process(task.limits)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as stream:
        events = Events(stream)
        try:
            outcome = _run(task, events)
        # the border of the process: whatever the experiment raises is this run's result
        except BaseException as error:  # noqa: BLE001
            with suppress(OSError):  # the disk may be full
                traceback.print_exc()
            kind, message = explain(error)
            events.send("failure", kind=kind, message=message)
        else:
            events.send("outcome", **outcome)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _run(task: Task, events: Events) -> dict[str, Any]:
    """Run the experiment and draw its figure; what is left to record, as JSON."""
    import numpy as np  # after the limits: its libraries ask how many threads they may have

    experiment = load_experiment(task.module)
    params = experiment.params.model_validate(task.params)
    outcome = experiment.run(params, np.random.default_rng(task.seed), events.progress)
    events.progress(1.0, "drawing the figure")
    draw_figure(outcome.draw, Path(task.folder))
    return {
        "metrics": [_plain(asdict(metric)) for metric in outcome.metrics],
        "checks": [_plain(asdict(check) | {"held": check.held}) for check in outcome.checks],
        "tables": [_plain(asdict(table)) for table in outcome.tables],
        "verdict": verdict_of(outcome.checks),
        "figures": list(FIGURES),
    }


def draw_figure(draw: Draw, folder: Path) -> None:
    """Draw on a new figure and save it as SVG and PNG, without the date or random names."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "mathgloss", "font.size": 10}):
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        draw(figure)
        figure.savefig(folder / FIGURES[0], metadata={"Date": None})
        figure.savefig(folder / FIGURES[1], dpi=120)


def explain(error: BaseException) -> tuple[FailureKind, str]:
    """What kind of failure an exception is, and a sentence on it."""
    if isinstance(error, MemoryError):
        return "memory", f"needs more memory than the run may use: {error or 'out of memory'}"
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return "disk", f"a file cannot be written: {error}"
    if isinstance(error, ModuleNotFoundError):
        return "missing package", f"{error}; pip install 'mathgloss[experiments]'"
    return "crash", f"{type(error).__name__}: {error}"


def _plain(value: Any) -> Any:
    """The value as JSON has it: numbers Python's own, ``None`` for what is no finite number."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
