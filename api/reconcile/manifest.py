"""The service manifests of both versions: what the service offers, and where."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from flask import Response, request

import mathgloss
from api.published import answers
from api.reconcile.routes import ROOT, respond
from api.schemas.reconcile import MAX_QUERIES
from mathgloss import ids
from mathgloss.answers.kinds import CONCEPT, CONCEPT_NAME
from mathgloss.answers.properties import LANG
from mathgloss.answers.service import Answers
from mathgloss.errors import MathGlossError

logger = logging.getLogger(__name__)

NAME: Final = "MathGloss: mathematical concepts"
PREVIEW_WIDTH: Final = 430
PREVIEW_HEIGHT: Final = 300
_SETTING: Final = {"type": "text", "default": "en"}
_HELP: Final = "Tag of the language of names and definitions, such as fr"


def manifest_response(manifest: dict[str, Any]) -> Response:
    """A manifest; who reads one will reconcile soon, so what that needs is loaded meanwhile."""
    held = answers()
    threading.Thread(target=_warm, args=(held,), name="reconciler", daemon=True).start()
    # it names the host that was asked, so it must not be kept for others
    response = respond(manifest, {"snapshot": held.snapshot.id})
    response.headers["Cache-Control"] = "no-store"
    return response


def _warm(held: Answers) -> None:
    try:
        held.reconciler.warm()
    except MathGlossError as error:  # whoever reconciles is told
        logger.error("%s", error)


def manifest_v02() -> dict[str, Any]:
    """The manifest of version 0.2."""
    site = request.host_url.rstrip("/")
    root = site + ROOT
    return {
        "versions": ["0.2"],
        **_shared(site),
        "identifierSpace": ids.BASE + "concept/",
        "schemaSpace": ids.BASE + "vocab#",
        "view": {"url": f"{site}/concept/{{{{id}}}}"},
        "preview": {
            "url": f"{root}/preview?id={{{{id}}}}",
            "width": PREVIEW_WIDTH,
            "height": PREVIEW_HEIGHT,
        },
        "suggest": {
            kind: {"service_url": root, "service_path": f"/suggest/{kind}"}
            for kind in ("entity", "property", "type")
        },
        "extend": {
            "propose_properties": {"service_url": root, "service_path": "/extend/propose"},
            "property_settings": [
                {**_SETTING, "name": LANG, "label": "Language", "help_text": _HELP}
            ],
        },
    }


def manifest_v1() -> dict[str, Any]:
    """The manifest of version 1.0; all addresses are relative to its root."""
    site = request.host_url.rstrip("/")
    return {
        "versions": ["1.0-draft"],
        **_shared(site),
        "lang": "en",
        "dir": "ltr",
        "standardizedScore": True,
        "view": {"url": f"{site}/concept/{{+id}}"},
        "preview": {"width": PREVIEW_WIDTH, "height": PREVIEW_HEIGHT},
        "suggest": {"entity": True, "property": True, "type": True},
        "extend": {
            "proposeProperties": True,
            "propertySettings": [{**_SETTING, "id": LANG, "name": "Language", "helpText": _HELP}],
        },
    }


def _shared(site: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "documentation": f"{site}/openapi.json",
        "serviceVersion": mathgloss.__version__,
        "logo": f"{site}/static/icon.svg",
        "defaultTypes": [{"id": CONCEPT, "name": CONCEPT_NAME}],
        "batchSize": MAX_QUERIES,
    }
