"""A sweep: the same experiment at several values of one parameter, as one figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from mathgloss.errors import InputError

PLOT_FORMATS: Final = (".svg", ".png", ".pdf")


def swept_criteria(records: Sequence[dict[str, Any]]) -> list[str]:
    """What the checks of finished runs say in common; words that differ are left out."""
    checks = [record["checks"] for record in records if record["checks"]]
    return [
        _common(check["criterion"] for check in same_place)
        for same_place in zip(*checks, strict=True)
    ]


def _common(texts: Iterable[str]) -> str:
    same_place = zip(*(text.split() for text in texts), strict=False)
    return " ".join(words[0] if len(set(words)) == 1 else "…" for words in same_place)


def draw_sweep(name: str, records: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the checked numbers of finished runs over the parameter, with their bounds dashed.

    Args:
        name: the parameter that differs.
        records: of the runs, in the order of the parameter.
        path: a file of one of ``PLOT_FORMATS``, by its ending; its folder is made.

    Raises:
        InputError: no run finished, or the file cannot be written.
    """
    from matplotlib.figure import Figure  # slow to import

    finished = [record for record in records if record["checks"]]
    if not finished:
        raise InputError(f"sweep over {name}: no run finished, there is nothing to draw")
    places = [str(record["params"][name]) for record in finished]
    criteria = swept_criteria(finished)
    figure = Figure(figsize=(8, 2.2 * len(criteria)), layout="constrained")
    panels = figure.subplots(len(criteria), squeeze=False, sharex=True)[:, 0]
    for number, (axes, criterion) in enumerate(zip(panels, criteria, strict=True)):
        checks = [record["checks"][number] for record in finished]
        axes.plot(places, [_drawn(check["value"]) for check in checks], "o-", label="measured")
        axes.plot(places, [check["bound"] for check in checks], "--", color="0.5", label="bound")
        axes.set_title(f"{criterion} ({checks[0]['relation']} bound)", fontsize=9, loc="left")
    panels[-1].set_xlabel(name)
    figure.axes[0].legend()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the figure cannot be written: {error}") from error


def _drawn(value: float | None) -> float:
    """A recorded number; what was none leaves a gap."""
    return float("nan") if value is None else value
