"""The experiments that are there: found by scanning the folder, broken files with their reason."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from mathgloss.errors import NotFoundError
from mathgloss.experiments._contract import Experiment

PACKAGE: Final = "mathgloss.experiments"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Experiments by identifier, in its order.

    Attributes:
        broken: identifier -> why the file gives no experiment.
    """

    experiments: Mapping[str, Experiment[Any]]
    broken: Mapping[str, str]

    def get(self, identifier: str) -> Experiment[Any]:
        """The experiment of this identifier; ``experiment:`` before it is allowed.

        Raises:
            NotFoundError: there is none; the known ones are listed.
        """
        name = identifier.strip().removeprefix("experiment:")
        if name in self.broken:
            raise NotFoundError(f"experiment {name!r} cannot be loaded: {self.broken[name]}")
        if name not in self.experiments:
            known = ", ".join(self.experiments)
            raise NotFoundError(f"no experiment {identifier[:200]!r}; known: {known}")
        return self.experiments[name]


@cache
def load_catalogue(package: str = PACKAGE) -> Catalogue:
    """All experiments of a package; files that begin with an underscore are none."""
    experiments: dict[str, Experiment[Any]] = {}
    broken: dict[str, str] = {}
    for info in sorted(pkgutil.iter_modules(import_module(package).__path__)):
        if info.name.startswith("_"):
            continue
        name = info.name.replace("_", "-")
        try:
            experiments[name] = load_experiment(f"{package}.{info.name}")
        # whatever a broken file raises is its own failure, not the catalogue's
        except Exception as error:  # noqa: BLE001
            broken[name] = f"{type(error).__name__}: {error}"
    return Catalogue(experiments, broken)


def load_experiment(module_name: str) -> Experiment[Any]:
    """The one experiment of a module.

    Raises:
        ValueError: it has none or several, or one whose identifier is not the file's name.
    """
    module = import_module(module_name)
    found = [value for value in vars(module).values() if isinstance(value, Experiment)]
    expected = module_name.rpartition(".")[2].replace("_", "-")
    if [experiment.id for experiment in found] != [expected]:
        got = ", ".join(experiment.id for experiment in found) or "none"
        raise ValueError(f"{module_name}: expected one experiment {expected!r}, got {got}")
    return found[0]
