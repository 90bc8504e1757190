"""Papers: the list, and one with its mentions in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from flask import redirect, request

from api.markup import render_mentions
from api.pages.rendering import blueprint, concept_address, paper_address, render
from api.published import answers
from api.responses import Rendered, from_snapshot
from mathgloss.answers.paging import Answer

PAPERS_PER_PAGE: Final = 50


@blueprint.get("/papers")
@from_snapshot
def papers() -> Rendered:
    """All papers, a page at a time."""
    page = answers().papers(cursor=request.args.get("cursor", "")[:1000], limit=PAPERS_PER_PAGE)
    return render("papers.html", page=page, first="cursor" not in request.args)


@blueprint.get("/paper/<path:identifier>")
@from_snapshot
def paper(identifier: str) -> Rendered:
    """A paper and the concepts found in it; another form of its identifier leads here."""
    answer = answers().paper(identifier)
    if answer["id"] != identifier:
        return redirect(paper_address(answer["id"]), 303)
    mentions = answer["mentions"]
    mark = partial(_marked, mentions)
    return render(
        "paper.html",
        paper=answer,
        title=mark("title", answer["title"]),
        abstract=mark("text", answer["abstract"]) if answer["abstract"] else None,
        found=_found(mentions),
    )


def _marked(mentions: list[Answer], field: str, text: str) -> Any:
    return render_mentions(
        text, (mention for mention in mentions if mention["field"] == field), concept_address
    )


def _found(mentions: list[Answer]) -> list[Answer]:
    """Concepts in the order of how often they are mentioned, with the words used."""
    by_concept: Callable[[Answer], str] = itemgetter("concept")
    found = []
    for concept_id, group in groupby(sorted(mentions, key=by_concept), by_concept):
        held = list(group)
        found.append({
            "id": concept_id,
            "label": held[0]["label"],
            "count": len(held),
            "in_title": any(mention["field"] == "title" for mention in held),
            "surfaces": sorted({mention["surface"] for mention in held}),
            "confidence": max(mention["confidence"] for mention in held),
        })
    return sorted(found, key=lambda item: (not item["in_title"], -item["count"], item["label"]))
