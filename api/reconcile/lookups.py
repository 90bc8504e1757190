"""What both versions have in common: suggestions, previews, proposals of properties."""

from __future__ import annotations

from typing import Final

from flask import render_template
from werkzeug.wrappers import Response

from api.markup import render_markdown
from api.published import answers
from api.reconcile.routes import DRAFT_ROOT, ROOT, blueprint
from api.responses import FRAMABLE_POLICY, Rendered, from_snapshot
from api.rest.refusals import BAD_INPUT, NO_CONCEPT, NO_SNAPSHOT
from api.schemas.reconcile import PreviewOf, Proposals, Propose, Suggest, Suggestions
from mathgloss.answers.extension import Suggested
from mathgloss.answers.paging import Answer

_ERRORS: Final = {400: BAD_INPUT, 503: NO_SNAPSHOT}


def _protocol(answer: Answer) -> Answer:
    """The answer without the snapshot, for which the protocol has no place."""
    return {name: value for name, value in answer.items() if name != "snapshot"}


def _suggest(what: Suggested, typed: Suggest) -> Answer:
    offset = typed.offset or typed.cursor
    given = answers().reconciler.suggest(what, typed.prefix, offset=offset, limit=typed.limit)
    return _protocol(given)


@blueprint.get(f"{ROOT}/suggest/entity", endpoint="suggest_entity")
@blueprint.get(f"{DRAFT_ROOT}/suggest/entity", endpoint="draft_suggest_entity")
@blueprint.input(Suggest, location="query", arg_name="typed")
@blueprint.output(Suggestions, description="Concepts")
@blueprint.doc(responses=_ERRORS)
@from_snapshot
def suggest_entity(typed: Suggest) -> Answer:
    """Concepts whose names begin with what was typed."""
    return _suggest("entity", typed)


@blueprint.get(f"{ROOT}/suggest/property", endpoint="suggest_property")
@blueprint.get(f"{DRAFT_ROOT}/suggest/property", endpoint="draft_suggest_property")
@blueprint.input(Suggest, location="query", arg_name="typed")
@blueprint.output(Suggestions, description="Properties")
@blueprint.doc(responses=_ERRORS)
@from_snapshot
def suggest_property(typed: Suggest) -> Answer:
    """Properties whose names begin with what was typed."""
    return _suggest("property", typed)


@blueprint.get(f"{ROOT}/suggest/type", endpoint="suggest_type")
@blueprint.get(f"{DRAFT_ROOT}/suggest/type", endpoint="draft_suggest_type")
@blueprint.input(Suggest, location="query", arg_name="typed")
@blueprint.output(Suggestions, description="Types")
@blueprint.doc(responses=_ERRORS)
@from_snapshot
def suggest_type(typed: Suggest) -> Answer:
    """Types whose names begin with what was typed."""
    return _suggest("type", typed)


@blueprint.get(f"{ROOT}/extend/propose", endpoint="propose")
@blueprint.get(f"{DRAFT_ROOT}/extend/propose", endpoint="draft_propose")
@blueprint.input(Propose, location="query", arg_name="asked")
@blueprint.output(Proposals, description="Properties")
@blueprint.doc(responses=_ERRORS)
@from_snapshot
def propose(asked: Propose) -> Answer:
    """Properties that a table of concepts may be extended with."""
    return _protocol(answers().reconciler.propose(asked.type, asked.limit))


@blueprint.get(f"{ROOT}/preview", endpoint="preview")
@blueprint.get(f"{DRAFT_ROOT}/preview", endpoint="draft_preview")
@blueprint.input(PreviewOf, location="query", arg_name="asked")
@blueprint.doc(responses={200: "An HTML page to show in a frame", 404: NO_CONCEPT, **_ERRORS})
def preview(asked: PreviewOf) -> Response:
    """A small page about a concept; the one page that others may show in a frame."""
    response = _preview(asked.id)
    response.headers["Content-Security-Policy"] = FRAMABLE_POLICY
    return response


@from_snapshot
def _preview(identifier: str) -> Rendered:
    concept = answers().concept(identifier)
    said = next((each for each in concept["definitions"] if each["text"]), None)
    html = "" if said is None else render_markdown(_beginning(said["text"]), base_url=said["url"])
    return render_template("reconcile_preview.html", concept=concept, said=said, html=html)


def _beginning(text: str) -> str:
    """The first paragraph of a text, which is as much as the frame has room for."""
    return text.strip().partition("\n\n")[0]
