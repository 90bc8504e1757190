"""The pages for people, rendered from the same answers that REST gives."""

from __future__ import annotations

# they add their pages to the blueprint
from api.pages import (  # noqa: F401
    concepts,
    coverage,
    docs,
    dumps,
    experiments,
    home,
    papers,
    review,
    text,
)
from api.pages.rendering import blueprint

__all__ = ["blueprint"]
