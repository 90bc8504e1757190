"""The Reconciliation Service API: version 0.2 at ``/reconcile``, 1.0-draft below it.

The two versions' manifests cannot be one document: ``suggest.entity`` is an object in one and a
boolean in the other. So each has a root of its own; what they share is answered at both.
"""

from __future__ import annotations

from api.reconcile import draft, lookups, version02  # noqa: F401 - they add their routes
from api.reconcile.routes import blueprint

__all__ = ["blueprint"]
