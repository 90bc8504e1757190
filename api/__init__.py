"""The web service: REST, SPARQL and pages over the published snapshot.

``create_app()`` makes the WSGI application; ``mathgloss serve`` runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from mathgloss.answers.service import Answers
    from mathgloss.config import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, *, answers: Answers | None = None) -> APIFlask:
    """The application over the snapshot that is published below the home folder.

    Args:
        settings: where the home folder is; default: from the environment.
        answers: serve these and never look for another snapshot; for tests and embedding.

    Returns:
        A WSGI application that shares nothing with any other.
    """
    # imported late, so that `mathgloss --help` can import api.command in no time
    from api.app import build_app

    return build_app(settings, answers=answers)
