"""An experiment as a Jupyter notebook: what it is about, its run, checks and figure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import mathgloss
from mathgloss.answers.paging import Answer

MEDIA_TYPE = "application/x-ipynb+json"


def notebook_of(experiment: Answer, address: str) -> str:
    """The notebook, in version 4.5 of Jupyter's format.

    Args:
        experiment: all that is known of it.
        address: of its page.
    """
    cells = [
        _text([
            f"# {experiment['title']}",
            experiment["claim"],
            f"Paper: {experiment['paper_title'] or experiment['paper']} "
            f"({experiment['reference']}). From [MathGloss]({address}).",
            f"What the small scale gives up: {experiment['gives_up']}",
        ]),
        _code([f"%pip install 'mathgloss[experiments]=={mathgloss.__version__}'"]),
        _text([
            "The quick parameters show in a few seconds that everything works. For the experiment "
            "as it was designed, take `experiment.params()`."
        ]),
        _code([
            "import numpy as np",
            "from mathgloss.experiments import load_catalogue",
            "",
            f"experiment = load_catalogue().get({experiment['id']!r})",
            "params = experiment.params(**experiment.quick)",
            "params",
        ]),
        _code([
            "def progress(fraction, message):",
            '    print(f"{fraction:4.0%} {message}")',
            "",
            "outcome = experiment.run(params, np.random.default_rng(0), progress)",
        ]),
        _code([
            "for check in outcome.checks:",
            '    held = "held here" if check.held else "did not hold here"',
            '    print(f"{held}: {check.criterion}: {check.value:.4g} '
            '{check.relation} {check.bound:g}")',
        ]),
        _code([
            "from matplotlib.figure import Figure",
            "",
            'figure = Figure(figsize=(9, 4.5), layout="constrained")',
            "outcome.draw(figure)",
            "figure",
        ]),
    ]
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place}"
    whole = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": cells,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _text(paragraphs: Sequence[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n\n".join(paragraphs)}


def _code(lines: Sequence[str]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": "\n".join(lines),
    }
