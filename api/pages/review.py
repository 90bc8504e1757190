"""The review page: mappings side by side, to be accepted or rejected by a curator."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from api.changing import answer_validated
from api.curators import curators
from api.markup import render_markdown
from api.pages.rendering import blueprint, render
from api.published import answers
from mathgloss.answers.mappings import MappingFilter
from mathgloss.answers.paging import Answer
from mathgloss.errors import InputError
from mathgloss.model import MappingSet

CARDS_PER_PAGE: Final = 20
SHOWN_RUNNERS_UP: Final = 2


@blueprint.get("/review")
def review() -> BaseResponse:
    """Mappings one after the other, those first whose probability says least."""
    wanted = MappingFilter(
        set=request.args.get("set", str(MappingSet.UNSURE)),
        source=request.args.get("source", ""),
        least=_probability("from", 0.0),
        most=_probability("to", 1.0),
    )
    page = answers().mappings(
        wanted, sort="doubt", cursor=request.args.get("cursor", "")[:1000], limit=CARDS_PER_PAGE
    )
    filters = {name: value for name, value in request.args.items() if name != "cursor"}
    return answer_validated(
        render(
            "review.html",
            cards=[_card(item) for item in page["items"]],
            page=page,
            wanted=wanted,
            sets=list(MappingSet),
            next_page=_address({**filters, "cursor": page["next"]}) if page["next"] else None,
            may_decide=curators().exist,
        )
    )


@blueprint.get("/review/<mapping_id>")
def mapping(mapping_id: str) -> BaseResponse:
    """One mapping: why it is there, and what was decided about it."""
    answer = answers().mapping(mapping_id)
    return answer_validated(
        render(
            "review.html",
            cards=[_card(answer)],
            page=None,
            problem=answer["problem"],
            next_page="/review",
            may_decide=curators().exist,
        )
    )


def _probability(name: str, default: float) -> float:
    text = request.args.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError as error:
        raise InputError(f"{name}: expected a number in 0 to 1, got {text[:100]!r}") from error


def _address(parameters: dict[str, str]) -> str:
    return f"/review?{urlencode(parameters)}"


def _card(item: Answer) -> Answer:
    """A mapping with its definitions as HTML."""
    return {
        **item,
        "term": _side(item["term"]),
        "concept": _side(item["concept"]),
        "runners_up": [_side(other) for other in item["runners_up"][:SHOWN_RUNNERS_UP]],
    }


def _side(side: Answer) -> Answer:
    return {**side, "html": _html(side["definition"])}


def _html(definition: Answer | None) -> Markup | None:
    if definition is None:
        return None
    return render_markdown(definition["text"], base_url=definition["url"])
