"""A sweep: the same experiment at several values of one parameter, as one figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mathgloss.errors import InputError


def draw_sweep(name: str, records: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the checked numbers of finished runs over the parameter, with their bounds dashed.

    Args:
        name: the parameter that differs.
        records: of the runs, in the order of the parameter.
        path: an SVG, PNG or PDF file, by its ending.

    Raises:
        InputError: no run finished, or the file cannot be written.
    """
    from matplotlib.figure import Figure  # slow to import

    curves: dict[str, list[tuple[Any, float, float]]] = defaultdict(list)
    for record in records:
        for check in record["checks"]:
            if check["value"] is not None:
                point = (record["params"][name], check["value"], check["bound"])
                curves[check["criterion"]].append(point)
    if not curves:
        raise InputError(f"sweep over {name}: no run finished, there is nothing to draw")
    figure = Figure(figsize=(8, 2.2 * len(curves)), layout="constrained")
    for axes, (criterion, points) in zip(
        figure.subplots(len(curves), squeeze=False)[:, 0], curves.items(), strict=True
    ):
        places, values, bounds = zip(*points, strict=True)
        axes.plot([str(place) for place in places], values, "o-", label="measured")
        axes.plot([str(place) for place in places], bounds, "--", color="0.5", label="bound")
        axes.set_title(criterion, fontsize=9, loc="left")
        axes.set_xlabel(name)
    figure.axes[0].legend()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the figure cannot be written: {error}") from error
