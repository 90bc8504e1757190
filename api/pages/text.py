"""The page on which one pastes a text and sees it linked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from flask import Response, request

from api.markup import render_mentions
from api.mentions import marked, to_markdown, with_cards
from api.pages.rendering import blueprint, concept_address, render
from api.published import answers
from api.responses import Rendered, compressed, from_snapshot
from mathgloss.answers.paging import Answer
from mathgloss.answers.texts import MAX_CHARS, Document, LinkOptions
from mathgloss.errors import InputError

EXAMPLE: Final = (
    "Let $G$ be a finite group acting on a topological space. We show that the kernel of the "
    "induced homomorphism on homology is a normal subgroup, and that the quotient group embeds in "
    "the general linear group. For abelian groups this follows from the structure theorem for "
    "modules over a principal ideal domain; in general we use a spectral sequence and the $p$-adic "
    "numbers. As an application, every smooth manifold with such an action carries an invariant "
    "Riemannian metric whose curvature is bounded."
)


@blueprint.get("/text")
@from_snapshot
def text() -> Rendered:
    """An empty form."""
    return _page(Document(text=""), LinkOptions())


@blueprint.post("/text")
def linked_text() -> Response:
    """The text with its mentions marked; nothing of it is kept."""
    form = request.form
    document, options = Document(text=""), LinkOptions()
    try:
        document = _document(EXAMPLE if "example" in form else form.get("text", ""))
        options = _options(form.get("min_confidence", "0"), everything="unlinked" in form)
        answer = answers().link_text(document, options)
        page, status = _page(document, options, **_result(document, answer)), 200
    except InputError as error:
        page, status = _page(document, options, error=str(error)), 400
    response = Response(page, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return compressed(response)


def _document(sent: str) -> Document:
    # browsers send each line's end as two characters
    return Document(text=sent.replace("\r\n", "\n"))


def _options(least: str, *, everything: bool) -> LinkOptions:
    try:
        return LinkOptions(min_confidence=float(least), include_unlinked=everything)
    except ValueError as error:
        raise InputError(f"min_confidence: expected 0 to 1, got {least[:40]!r}") from error


def _page(document: Document, options: LinkOptions, **result: Any) -> str:
    return render("text.html", sent=document.text, options=options, max_chars=MAX_CHARS, **result)


def _result(document: Document, answer: Answer) -> dict[str, Any]:
    mentions = answer["mentions"]
    named, cards = with_cards(marked(mentions))
    return {
        "linked": render_mentions(document.text, named, concept_address),
        "cards": cards,
        "found": _concepts(mention for mention in mentions if mention["concept"] is not None),
        "open": _open(mention for mention in mentions if mention["concept"] is None),
        "json": json.dumps(answer, ensure_ascii=False, indent=1),
        "markdown": to_markdown(document.text, mentions),
    }


def _concepts(mentions: Iterable[Answer]) -> list[Answer]:
    """Each concept once, the most often mentioned first, with the words used."""
    by_concept: dict[str, list[Answer]] = defaultdict(list)
    for mention in mentions:
        by_concept[mention["concept"]].append(mention)
    rows = [
        {
            **held[0],
            "count": len(held),
            "surfaces": sorted({mention["surface"] for mention in held}),
            "confidence": max(mention["confidence"] for mention in held),
        }
        for held in by_concept.values()
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["label"].casefold(), row["concept"]))


def _open(mentions: Iterable[Answer]) -> list[Answer]:
    """Each wording without a concept once, with what comes near."""
    by_words: dict[str, Answer] = {}
    for mention in mentions:
        by_words.setdefault(mention["surface"].casefold(), mention)
    return [by_words[words] for words in sorted(by_words)]
