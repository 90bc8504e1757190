"""REST under ``/api/v1``, one module for each kind of thing."""

from __future__ import annotations

from typing import Final

from api.rest import concepts, papers, service

BLUEPRINTS: Final = (
    concepts.blueprint,
    papers.blueprint,
    service.blueprint,
    service.health_blueprint,
)
