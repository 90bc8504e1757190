"""Puts the application together: blueprints, errors, headers, limits, static files."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Final

from apiflask import APIFlask

import mathgloss
from api import (
    assets,
    crawlers,
    curators,
    linked_data,
    pages,
    problems,
    reconcile,
    rest,
    sparql,
    vendor,
)
from api.agents import transport
from api.json_bodies import JsonBodies
from api.kept import KeptAnswers
from api.published import EXTENSION, Published
from api.responses import (
    ASSET_VERSION,
    RELEASE,
    finish_response,
    refuse_broken_text,
    refuse_oversized,
)
from api.rest.spec import complete_spec
from api.schemas.base import ProblemDetails
from mathgloss.answers.service import Answers
from mathgloss.config import Settings, load_settings

logger = logging.getLogger(__name__)

_DESCRIPTION: Final = (
    "Mathematical concepts, aligned across their sources, and the papers that mention them. "
    "Every answer comes from one immutable snapshot and carries its identifier; ETags last as long "
    "as the snapshot. Every error is application/problem+json (RFC 9457)."
)
MAX_BODY_BYTES: Final = 1_000_000
_TEMPLATES: Final = Path(__file__).parent / "templates"


def build_app(settings: Settings | None = None, *, answers: Answers | None = None) -> APIFlask:
    """The application; see :func:`api.create_app`."""
    app = APIFlask(
        "api",
        title="MathGloss",
        version=mathgloss.__version__,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]
        root_path=str(Path(__file__).parent),
    )
    _configure(app)
    held = settings or load_settings()
    published = Published(held, answers)
    app.extensions[curators.EXTENSION] = curators.Curators(held.curation_token)
    app.extensions[EXTENSION] = published
    app.json = JsonBodies(app)
    app.wsgi_app = KeptAnswers(app.wsgi_app, published)  # type: ignore[method-assign]
    problems.register(app)
    app.before_request(refuse_oversized)
    app.before_request(refuse_broken_text)
    app.after_request(finish_response)
    for blueprint in (
        *rest.BLUEPRINTS,
        sparql.blueprint,
        reconcile.blueprint,
        transport.blueprint,
        linked_data.blueprint,
        crawlers.blueprint,
        pages.blueprint,
    ):
        app.register_blueprint(blueprint)
    app.add_url_rule("/static/<path:filename>", "static", assets.serve)
    app.spec_processor(complete_spec)  # type: ignore[arg-type]
    missing = vendor.missing_files()
    if missing:
        logger.warning("%s", vendor.describe_missing(missing))
    app.jinja_env.globals["libraries"] = vendor.installed(missing)
    return app


def _configure(app: APIFlask) -> None:
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        OPENAPI_VERSION="3.1.0",
        DESCRIPTION=_DESCRIPTION,
        LICENSE={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        HTTP_ERROR_SCHEMA=ProblemDetails.model_json_schema(),
        VALIDATION_ERROR_STATUS_CODE=400,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_OPERATION_ID=True,
        SPEC_FORMAT="json",
        **{RELEASE: f"{mathgloss.__version__} {_digest()}", ASSET_VERSION: _digest()},
    )
    # a full IRI may stand in an address, its two slashes included
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _digest() -> str:
    """Changes whenever a page may look different although the snapshot is the same."""
    digest = hashlib.blake2b(digest_size=6)
    own = [*assets.FOLDER.glob("*.*"), *_TEMPLATES.glob("*.html")]
    for path in [*sorted(own), vendor.TARGET / vendor.VERSIONS]:
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
