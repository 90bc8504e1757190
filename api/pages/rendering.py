"""What all pages share: the blueprint, addresses, filters and names for templates."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlsplit

from flask import Blueprint, current_app, render_template
from flask.sansio.blueprints import BlueprintSetupState

from api.languages import language
from api.markup import render_inline_tex
from api.published import answers
from api.responses import ASSET_VERSION

blueprint: Final = Blueprint("pages", __name__)

_JUSTIFICATIONS: Final = {
    "semapv:ManualMappingCuration": "stated by people",
    "semapv:MappingChaining": "follows from another link",
    "semapv:UnspecifiedMatching": "a shared reference",
    "semapv:LexicalMatching": "its names",
    "semapv:CompositeMatching": "its names and their meaning",
}

_PREDICATES: Final = {
    "skos:exactMatch": "means the same",
    "skos:closeMatch": "means nearly the same",
    "skos:broadMatch": "is narrower",
}


def render(template: str, **context: Any) -> str:
    """A template with what every page shows: the snapshot and the titles of sources."""
    given = answers()
    return render_template(
        template, snapshot=given.snapshot.id, source_titles=given.source_titles, **context
    )


@blueprint.app_template_global("concept_address")
def concept_address(identifier: str) -> str:
    """The address of a concept's page."""
    return f"/concept/{_in_path(identifier)}"


@blueprint.app_template_global("paper_address")
def paper_address(identifier: str) -> str:
    """The address of a paper's page."""
    return f"/paper/{_in_path(identifier)}"


@blueprint.app_template_filter("percent")
def percent(probability: float) -> str:
    """A probability for people; certainty is never claimed by rounding."""
    if 0.995 <= probability < 1:
        return "> 99 %"
    return f"{100 * probability:.0f} %"


@blueprint.app_template_filter("number")
def number(value: int) -> str:
    """An integer with thin spaces between thousands."""
    return f"{value:,}".replace(",", " ")


@blueprint.app_template_filter("is_web")
def is_web(address: str | None) -> bool:
    """Whether an address can be followed from a page."""
    return bool(address) and urlsplit(address or "").scheme in {"http", "https"}


@blueprint.app_template_filter("host")
def host(address: str) -> str:
    """The host of an address."""
    return urlsplit(address).netloc.removeprefix("www.")


@blueprint.app_template_filter("file_name")
def file_name(address: str) -> str:
    """The last part of a path or address; folders of this machine are nobody's business."""
    return address.rstrip("/").rpartition("/")[2]


@blueprint.app_template_global("asset")
def asset(name: str) -> str:
    """The address of a static file, with a version so that it may be kept for ever."""
    return f"/static/{name}?v={current_app.config[ASSET_VERSION]}"


@blueprint.record
def _add_globals(state: BlueprintSetupState) -> None:
    """Names for templates that macros of an imported template see as well."""
    state.app.jinja_env.globals.update(
        language=language,
        tex=render_inline_tex,
        justifications=_JUSTIFICATIONS,
        predicates=_PREDICATES,
    )


def _in_path(identifier: str) -> str:
    return quote(identifier, safe="/:+,;=@!$&'()*~")
