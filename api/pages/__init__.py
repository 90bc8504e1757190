"""The pages for people, rendered from the same answers that REST gives."""

from __future__ import annotations

# they add their pages to the blueprint
from api.pages import concepts, coverage, docs, dumps, home, papers, review, text  # noqa: F401
from api.pages.rendering import blueprint

__all__ = ["blueprint"]
