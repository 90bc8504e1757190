"""The page of a concept."""

from __future__ import annotations

from typing import Final

from flask import redirect, request
from markupsafe import Markup

from api.languages import in_page_order, language
from api.linked_data import page_or_document
from api.markup import render_inline_tex, render_markdown
from api.pages.rendering import blueprint, concept_address, render
from api.published import answers
from api.responses import Rendered, from_snapshot
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers

PAPERS: Final = 8
PAPERS_PER_PAGE: Final = 40
PREREQUISITES: Final = 12

_RELATION_TITLES: Final = {
    "broader": "Broader",
    "narrower": "Narrower",
    "instance_of": "Instance of",
    "instances": "Instances",
    "part_of": "Part of",
    "has_part": "Has part",
    "facet_of": "Facet of",
    "facets": "Facets",
    "opposite_of": "Opposite of",
    "different_from": "Not to be confused with",
    "studied_by": "Studied by",
    "studies": "Studies",
    "has_characteristic": "Has characteristic",
    "characteristic_of": "Characteristic of",
}


@blueprint.get("/concept/<path:identifier>")
@page_or_document("concept")
@from_snapshot
def concept(identifier: str) -> Rendered:
    """Everything about a concept; another form of its identifier leads to the one address."""
    given = answers()
    canonical = given.resolve(identifier)
    if canonical != identifier:
        return redirect(concept_address(canonical), 303)
    answer = given.concept(canonical)
    return render(
        "concept.html",
        concept=answer,
        heading=_heading(answer),
        names=[(lang, answer["labels"][lang.tag]) for lang in in_page_order([*answer["labels"]])],
        definitions=_definitions(answer, given),
        related=_relations(answer),
        before=given.prerequisites(canonical, limit=PREREQUISITES),
        papers=given.concept_papers(canonical, limit=PAPERS),
        experiments=given.experiments(concept=canonical)["items"],
        quote=_quote,
    )


@blueprint.get("/concept/<path:identifier>/papers")
@from_snapshot
def concept_papers(identifier: str) -> Rendered:
    """All papers that mention a concept, a page at a time, with the sentences."""
    given = answers()
    canonical = given.resolve(identifier)
    cursor = request.args.get("cursor", "")[:1000]
    return render(
        "concept_papers.html",
        concept=given.concept(canonical),
        papers=given.concept_papers(canonical, cursor=cursor, limit=PAPERS_PER_PAGE),
        quote=_quote,
    )


def _heading(answer: Answer) -> Answer:
    """The preferred name with the language it is in."""
    return {"label": answer["label"], "language": language(answer["label_lang"])}


def _quote(place: Answer) -> Markup:
    """A sentence with the mention in it marked."""
    sentence = place["sentence"]
    text, first = sentence["text"], sentence["start"]
    start, end = place["start"] - first, place["end"] - first
    return Markup("{}<mark>{}</mark>{}").format(
        *map(render_inline_tex, (text[:start], text[start:end], text[end:]))
    )


def _definitions(answer: Answer, given: Answers) -> list[Answer]:
    """Definitions with text first; each with its text as HTML and its source's licence."""
    sources = given.snapshot.manifest.sources
    shown = [
        {
            **definition,
            "title": given.source_titles.get(definition["source"], definition["source"]),
            "licence_url": sources[definition["source"]]["licence"]["url"],
            "language": language(definition["lang"] or "en"),
            "html": render_markdown(definition["text"], base_url=definition["url"])
            if definition["text"]
            else None,
        }
        for definition in answer["definitions"]
    ]
    return sorted(shown, key=lambda definition: definition["html"] is None)


def _relations(answer: Answer) -> list[tuple[str, list[Answer], int]]:
    """Title of each relation, the first concepts of it, and how many there are."""
    related = {"broader": answer["broader"], "narrower": answer["narrower"], **answer["relations"]}
    order = [*_RELATION_TITLES, *(name for name in related if name not in _RELATION_TITLES)]
    return [
        (
            _RELATION_TITLES.get(name, name.replace("_", " ").capitalize()),
            related[name],
            answer["counts"][name],
        )
        for name in order
        if related.get(name)
    ]
