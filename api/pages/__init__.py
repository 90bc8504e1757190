"""The pages for people, rendered from the same answers that REST gives."""

from __future__ import annotations

from api.pages import concepts, home, papers  # noqa: F401 - they add their pages to the blueprint
from api.pages.rendering import blueprint

__all__ = ["blueprint"]
