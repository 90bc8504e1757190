"""The pages for people, rendered from the same answers that REST gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from urllib.parse import quote, urlsplit

from flask import Blueprint, current_app, redirect, render_template, request
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from api.languages import in_page_order, language
from api.markup import render_inline_tex, render_markdown, render_mentions
from api.published import answers
from api.responses import ASSET_VERSION, Rendered, from_snapshot
from mathgloss import ids
from mathgloss.errors import InputError, NotFoundError
from mathgloss.graph.answers import Answers
from mathgloss.graph.card import Answer

blueprint: Final = Blueprint("pages", __name__)

# group, abelian group, ring, vector space, linear map, tensor product, prime number,
# topological space, manifold, category, measure, probability distribution
HOME_CONCEPTS: Final = (
    "wd:Q83478", "wd:Q181296", "wd:Q161172", "wd:Q125977", "wd:Q207643", "wd:Q1163016",
    "wd:Q49008", "wd:Q179899", "wd:Q203920", "wd:Q719395", "wd:Q192276", "wd:Q200726",
)  # fmt: skip
HOME_PAPERS: Final = 6
PAPERS_PER_PAGE: Final = 50
SEARCH_RESULTS: Final = 50

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


@blueprint.get("/")
@from_snapshot
def home() -> Rendered:
    """Search, what this is, how large it is, where to begin."""
    given = answers()
    return _render(
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
    return _render("search.html", text=text, results=found["results"])


@blueprint.get("/concept/<path:identifier>")
@from_snapshot
def concept(identifier: str) -> Rendered:
    """Everything about a concept; another form of its identifier leads to the one address."""
    given = answers()
    canonical = given.resolve(identifier)
    if canonical != identifier:
        return redirect(concept_address(canonical), 303)
    answer = given.concept(canonical)
    return _render(
        "concept.html",
        concept=answer,
        heading=_heading(answer),
        names=[(lang, answer["labels"][lang.tag]) for lang in in_page_order([*answer["labels"]])],
        definitions=_definitions(answer, given),
        related=_relations(answer),
    )


@blueprint.get("/papers")
@from_snapshot
def papers() -> Rendered:
    """All papers, a page at a time."""
    page = answers().papers(after=request.args.get("after", "")[:500], limit=PAPERS_PER_PAGE)
    return _render("papers.html", page=page, first="after" not in request.args)


@blueprint.get("/paper/<path:identifier>")
@from_snapshot
def paper(identifier: str) -> Rendered:
    """A paper and the concepts found in it; another form of its identifier leads here."""
    answer = answers().paper(identifier)
    if answer["id"] != identifier:
        return redirect(paper_address(answer["id"]), 303)
    mentions = answer["mentions"]
    mark = partial(_marked, mentions)
    return _render(
        "paper.html",
        paper=answer,
        title=mark("title", answer["title"]),
        abstract=mark("text", answer["abstract"]) if answer["abstract"] else None,
        found=_found(mentions),
    )


@blueprint.get("/sources")
@from_snapshot
def sources() -> Rendered:
    """What was read, under which licence, and what was rejected."""
    given = answers()
    manifest = given.snapshot.manifest
    return _render(
        "sources.html",
        sources=_source_rows(given),
        counts=manifest.counts,
        created=manifest.created,
    )


@blueprint.get("/favicon.ico")
def favicon() -> BaseResponse:
    """Where programs look for an icon that read no page."""
    return redirect(asset("icon.svg"), 301)


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


def _render(template: str, **context: Any) -> str:
    given = answers()
    return render_template(
        template, snapshot=given.snapshot.id, source_titles=given.source_titles, **context
    )


def _in_path(identifier: str) -> str:
    return quote(identifier, safe="/:+,;=@!$&'()*~")


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


def _heading(answer: Answer) -> Answer:
    """The preferred name with the language it is in."""
    label = answer["label"]
    tags = [tag for tag, names in answer["labels"].items() if label in names]
    tag = "en" if "en" in tags or not tags else tags[0]
    return {"label": label, "language": language(tag)}


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


def _relations(answer: Answer) -> list[tuple[str, list[Answer]]]:
    related = {"broader": answer["broader"], "narrower": answer["narrower"], **answer["relations"]}
    order = [*_RELATION_TITLES, *(name for name in related if name not in _RELATION_TITLES)]
    return [
        (_RELATION_TITLES.get(name, name.replace("_", " ").capitalize()), related[name])
        for name in order
        if related.get(name)
    ]


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


def _source_rows(given: Answers) -> list[Answer]:
    rows: list[Answer] = given.sources()["sources"]
    return rows
