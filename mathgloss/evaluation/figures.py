"""Figures as SVG: reliability diagrams and curves of precision against recall.

The same data give the same bytes, with one version of matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from mathgloss.errors import ConfigError, InputError
from mathgloss.evaluation.calibration import Bin
from mathgloss.evaluation.terms import CurvePoint

EXTRA: Final = "figures"
_SIZE_INCHES: Final = (5.0, 4.5)
_MARKERS: Final = "osD^vPX*"
_SETTINGS: Final = {
    # text as text: smaller files, and no outlines that depend on the fonts of the machine
    "svg.fonttype": "none",
    "svg.hashsalt": "mathgloss",
    "font.family": "DejaVu Sans",
    "axes.grid": True,
    "grid.alpha": 0.3,
}


def require_matplotlib() -> Any:
    """The package matplotlib.

    Raises:
        ConfigError: it is not installed; the message names the extra that brings it.
        ModuleNotFoundError: it is, but not what it needs itself.
    """
    try:
        return import_module("matplotlib")
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise ConfigError(
            "figures need the package matplotlib, which is not installed; "
            f"install the extra {EXTRA!r}: pip install 'mathgloss[{EXTRA}]'"
        ) from error


def reliability_diagram(path: Path, sets: Mapping[str, Sequence[Bin]]) -> None:
    """Draw the share of right answers against the stated probability, a line for each set.

    Raises:
        ConfigError: matplotlib is not installed.
        InputError: the file cannot be written.
    """
    with _drawing(path) as axes:
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="perfect")
        for place, (name, bins) in enumerate(sets.items()):
            axes.plot(
                [held.stated for held in bins],
                [held.right for held in bins],
                marker=_MARKERS[place % len(_MARKERS)],
                label=name,
            )
        _label(axes, "stated probability of first candidate", "share right", "lower right")


def precision_recall_curve(path: Path, sets: Mapping[str, Sequence[CurvePoint]]) -> None:
    """Draw precision against recall over all thresholds, a line for each set or system.

    Raises:
        ConfigError: matplotlib is not installed.
        InputError: the file cannot be written.
    """
    with _drawing(path) as axes:
        for place, (name, points) in enumerate(sets.items()):
            axes.plot(
                [point.recall for point in points],
                [point.precision for point in points],
                # a system with one threshold has a point and no line
                marker=_MARKERS[place % len(_MARKERS)] if len(points) == 1 else None,
                label=name,
            )
        _label(axes, "recall", "precision", "lower left")


@contextmanager
def _drawing(path: Path) -> Iterator[Any]:
    """Axes to draw on; the file is written at the end, whatever the reader's own settings are."""
    matplotlib = require_matplotlib()
    # without pyplot there is no global figure and no window, so no back end to choose
    figure_class = import_module("matplotlib.figure").Figure
    canvas_class = import_module("matplotlib.backends.backend_svg").FigureCanvasSVG
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        figure = figure_class(figsize=_SIZE_INCHES)
        canvas = canvas_class(figure)
        yield figure.add_subplot()
        try:
            canvas.print_svg(path, metadata={"Date": None})
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error}") from error


def _label(axes: Any, across: str, up: str, legend: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(loc=legend)
