"""REST under ``/api/v1``, one module for each kind of thing."""

from __future__ import annotations

from typing import Final

from api.rest import (
    claims,
    concepts,
    experiments,
    graph,
    mappings,
    papers,
    relations,
    service,
    statistics,
    texts,
)

BLUEPRINTS: Final = (
    claims.blueprint,
    concepts.blueprint,
    experiments.blueprint,
    graph.blueprint,
    mappings.blueprint,
    papers.blueprint,
    relations.blueprint,
    service.blueprint,
    service.health_blueprint,
    statistics.blueprint,
    texts.blueprint,
)
