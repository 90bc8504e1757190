"""A sweep: the same experiment at several values of one parameter, as one figure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mathgloss.errors import InputError

PLOT_FORMATS: Final = (".svg", ".png", ".pdf")
_NUMBERS: Final = re.compile(r"\d[\d.]*(?:, ?\d[\d.]*)*")


def swept_checks(records: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any] | None]]:
    """The checks of a sweep by what they say, but for the numbers in it if they differ.

    Args:
        records: of the runs; one that failed has no checks, and some parameters bring or take some.

    Returns:
        For each criterion one check of every run, ``None`` where the run has none.
    """
    found: dict[tuple[str, int], list[dict[str, Any] | None]] = {}
    for place, record in enumerate(records):
        seen: Counter[str] = Counter()
        for check in record["checks"]:
            words = _NUMBERS.sub("…", check["criterion"])
            found.setdefault((words, seen[words]), [None] * len(records))[place] = check
            seen[words] += 1
    titled: dict[str, list[dict[str, Any] | None]] = {}
    for (words, number), checks in found.items():
        criteria = {check["criterion"] for check in checks if check}
        title = criteria.pop() if len(criteria) == 1 else words
        titled[title if title not in titled else f"{title} ({number + 1})"] = checks
    return titled


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
    curves = swept_checks(finished)
    figure = Figure(figsize=(8, 2.2 * len(curves)), layout="constrained")
    panels = figure.subplots(len(curves), squeeze=False, sharex=True)[:, 0]
    for axes, (criterion, checks) in zip(panels, curves.items(), strict=True):
        axes.plot(places, [_drawn(check, "value") for check in checks], "o-", label="measured")
        bounds = [_drawn(check, "bound") for check in checks]
        axes.plot(places, bounds, "--", marker="_", color="0.5", label="bound")
        (relation, *_) = (check["relation"] for check in checks if check)
        axes.set_title(f"{criterion} ({relation} bound)", fontsize=9, loc="left")
    panels[-1].set_xlabel(name)
    figure.axes[0].legend()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the figure cannot be written: {error}") from error


def _drawn(check: Mapping[str, Any] | None, member: str) -> float:
    """A recorded number; a gap where there is none."""
    return float("nan") if check is None or check[member] is None else float(check[member])
