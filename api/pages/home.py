"""The first page, search, the list of sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask import redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.pages.rendering import asset, blueprint, concept_address, render
from api.published import answers
from api.responses import Rendered, from_snapshot
from mathgloss import ids
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers
from mathgloss.errors import InputError, NotFoundError

# group, abelian group, ring, vector space, linear map, tensor product, prime number,
# topological space, manifold, category, measure, probability distribution
HOME_CONCEPTS: Final = (
    "wd:Q83478", "wd:Q181296", "wd:Q161172", "wd:Q125977", "wd:Q207643", "wd:Q1163016",
    "wd:Q49008", "wd:Q179899", "wd:Q203920", "wd:Q719395", "wd:Q192276", "wd:Q200726",
)  # fmt: skip
HOME_PAPERS: Final = 6
SEARCH_RESULTS: Final = 50


@blueprint.get("/")
@from_snapshot
def home() -> Rendered:
    """Search, what this is, how large it is, where to begin."""
    given = answers()
    return render(
        "home.html",
        counts=given.snapshot.manifest.counts,
        sources=_source_rows(given),
        concepts=list(_known(given, HOME_CONCEPTS)),
        papers=given.papers(limit=HOME_PAPERS)["items"],
    )


@blueprint.get("/search")
@from_snapshot
def search() -> Rendered:
    """Concepts by name; an identifier leads straight to its concept."""
    text = request.args.get("q", "").strip()
    if concept := _identified(text):
        return redirect(concept_address(concept), 303)
    found = answers().search(text, limit=SEARCH_RESULTS)
    return render("search.html", text=text, results=found["results"])


@blueprint.get("/sources")
@from_snapshot
def sources() -> Rendered:
    """What was read, under which licence, and what was rejected."""
    given = answers()
    manifest = given.snapshot.manifest
    return render(
        "sources.html",
        sources=_source_rows(given),
        counts=manifest.counts,
        created=manifest.created,
    )


@blueprint.get("/favicon.ico")
def favicon() -> BaseResponse:
    """Where programs look for an icon that read no page."""
    return redirect(asset("icon.svg"), 301)


def _identified(text: str) -> str | None:
    """The concept, if the text has the form of an identifier and one answers to it."""
    try:
        ids.canonical(text)
        return answers().resolve(text)
    except (InputError, NotFoundError):
        return None


def _known(given: Answers, concepts: Iterable[str]) -> Iterable[Answer]:
    for identifier in concepts:
        try:
            yield given.concept(identifier)
        except NotFoundError:
            continue


def _source_rows(given: Answers) -> list[Answer]:
    rows: list[Answer] = given.sources()["sources"]
    return rows
