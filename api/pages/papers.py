"""Papers: the list, and one with its mentions in place."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import Final

from flask import redirect, request
from markupsafe import Markup

from api.linked_data import page_or_document
from api.markup import render_mentions
from api.mentions import marked, with_cards
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
@page_or_document("paper")
@from_snapshot
def paper(identifier: str) -> Rendered:
    """A paper and the concepts found in it; another form of its identifier leads here."""
    answer = answers().paper(identifier)
    if answer["id"] != identifier:
        return redirect(paper_address(answer["id"]), 303)
    mentions = answer["mentions"]
    named, cards = with_cards(mentions)
    return render(
        "paper.html",
        paper=answer,
        title=_marked(named, "title", answer["title"]),
        abstract=_marked(named, "text", answer["abstract"]) if answer["abstract"] else None,
        cards=cards,
        found=_found(mentions),
        experiments=answers().experiments(paper=answer["id"])["items"],
    )


def _marked(mentions: list[Answer], field: str, text: str) -> Markup:
    held = [mention for mention in mentions if mention["field"] == field]
    return render_mentions(text, marked(held), concept_address)


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
