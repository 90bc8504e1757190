"""Linked data: the address of a thing leads by ``Accept`` to a page or to a document about it.

``/concept/{id}`` and ``/paper/{id}`` are the things. Who wants HTML gets the page there and then;
who wants RDF is sent on by 303 to a document, ``/data/concept/{id}.ttl``, whose address can be
kept, cited and fetched without any headers. ``/void`` describes the service and its data so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox
from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.problems import ProblemError
from api.published import answers
from api.responses import REVALIDATE, Body, Rendered, from_snapshot
from mathgloss import ids, vocab
from mathgloss.graph.stored_examples import example_queries

blueprint: Final = Blueprint("linked_data", __name__)


@dataclass(frozen=True, slots=True)
class Document:
    """A format that documents come in: the ending of their address and their media type."""

    ending: str
    media_type: str
    format: ox.RdfFormat


DOCUMENTS: Final = (
    Document("ttl", "text/turtle", ox.RdfFormat.TURTLE),
    Document("jsonld", "application/ld+json", ox.RdfFormat.JSON_LD),
    Document("nt", "application/n-triples", ox.RdfFormat.N_TRIPLES),
    Document("rdf", "application/rdf+xml", ox.RdfFormat.RDF_XML),
)
_BY_ENDING: Final = {document.ending: document for document in DOCUMENTS}
_ENDING: Final = f"<any({','.join(_BY_ENDING)}):ending>"
_PREFIXES: Final = vocab.NAMESPACES | {"wd": ids.PREFIXES["wd"].namespace}
# parts of our own IRIs that name terms and papers
_SPACES: Final = "sense,mulima,syllabus,overview,thm100,thm1000,tac"


def page_or_document(
    kind: str,
) -> Callable[[Callable[[str], BaseResponse]], Callable[[str], BaseResponse]]:
    """Let the view of a page send those who like RDF better to the document.

    Args:
        kind: ``concept`` or ``paper``.
    """

    def decorate(view: Callable[[str], BaseResponse]) -> Callable[[str], BaseResponse]:
        @wraps(view)
        def answer(identifier: str) -> BaseResponse:
            wanted = _wanted(html=True)
            if wanted is None:
                response = make_response(view(identifier))
                response.headers["Link"] = _links(kind, identifier, "canonical")
            else:
                target = _data_address(kind, _canonical(kind, identifier), wanted)
                response = make_response(redirect(target, 303))
                response.headers["Access-Control-Allow-Origin"] = "*"
            response.vary.add("Accept")
            return response

        return answer

    return decorate


@blueprint.get(f"/data/<any(concept,paper):kind>/<path:identifier>.{_ENDING}")
def document(kind: str, identifier: str, ending: str) -> BaseResponse:
    """All triples about a concept or paper."""
    response = make_response(_document(kind, identifier, ending))
    if response.status_code == 200:
        response.headers["Link"] = _links(kind, identifier, "alternate")
    return response


@from_snapshot
def _document(kind: str, identifier: str, ending: str) -> Rendered:
    chosen = _BY_ENDING[ending]
    canonical = _canonical(kind, identifier)
    if canonical != identifier:
        return redirect(_data_address(kind, canonical, chosen), 303)
    triples = answers().triples(kind, canonical)
    return Body(_serialize(triples, chosen), chosen.media_type, gzipped=False)


@blueprint.get("/void")
def void() -> BaseResponse:
    """The document that describes service and data, in the format liked best."""
    response = make_response(redirect(f"/data/void.{(_wanted() or DOCUMENTS[0]).ending}", 303))
    response.vary.add("Accept")
    return response


@blueprint.get("/.well-known/void")
def well_known_void() -> BaseResponse:
    """Where programs look for the description of a host's data (VoID, section 7.2)."""
    return redirect("/void", 302)


@blueprint.get(f"/data/void.{_ENDING}")
def void_document(ending: str) -> BaseResponse:
    """The description; it holds the address that was asked, so it is not kept for others."""
    chosen = _BY_ENDING[ending]
    response = make_response(_serialize(answers().description(request.url_root), chosen))
    response.mimetype = chosen.media_type
    response.headers["Cache-Control"] = REVALIDATE
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/vocab")
def vocabulary_terms() -> BaseResponse:
    """Where the IRIs of our own vocabulary lead: the ontology, in Turtle."""
    response = make_response(answers().ontology())
    response.mimetype = DOCUMENTS[0].media_type
    return response


@blueprint.get(f"/<any({_SPACES}):space>/<path:rest>")
def own_iri(space: str, rest: str) -> BaseResponse:
    """Where IRIs that we minted lead: a paper, or the concept that the term means."""
    curie = ids.curie(f"{ids.BASE}{space}/{rest}")
    kind = "paper" if space == "tac" else "concept"
    return redirect(f"/{kind}/{_in_path(_canonical(kind, curie))}", 303)


@blueprint.get("/query/<name>")
def example_query(name: str) -> BaseResponse:
    """Where the IRI of an example query leads: the query in the editor."""
    for example in example_queries():
        if example.name == name:
            return redirect(f"/sparql?query={quote(example.query)}", 303)
    raise ProblemError(404, f"no example query {name!r}; /sparql lists them")


def _wanted(*, html: bool = False) -> Document | None:
    """The format that the client likes best; ``None`` for HTML, or if it likes none."""
    accepted = request.accept_mimetypes
    best = max(DOCUMENTS, key=lambda document: accepted.quality(document.media_type))
    quality = accepted.quality(best.media_type)
    least = accepted.quality("text/html") if html else 0
    return best if accepted and quality > least else None


def _canonical(kind: str, identifier: str) -> str:
    given = answers()
    if kind == "concept":
        return given.resolve(identifier)
    return str(given.paper(identifier)["id"])


@blueprint.app_template_global("alternates")
def alternates() -> list[tuple[str, str]]:
    """Media type and address of what is about the same as the current page, the page first.

    Nothing where the page is about no concept and no paper.
    """
    kind = {"pages.concept": "concept", "pages.paper": "paper"}.get(request.endpoint or "")
    if kind is None or not request.view_args:
        return []
    identifier = request.view_args["identifier"]
    return [
        ("text/html", f"/{kind}/{_in_path(identifier)}"),
        *((item.media_type, _data_address(kind, identifier, item)) for item in DOCUMENTS),
    ]


def _links(kind: str, identifier: str, page_is: str) -> str:
    """The Link header: the page, and the documents in all formats."""
    page = f'</{kind}/{_in_path(identifier)}>; rel="{page_is}"; type="text/html"'
    documents = (
        f'<{_data_address(kind, identifier, document)}>; rel="alternate"; '
        f'type="{document.media_type}"'
        for document in DOCUMENTS
    )
    return ", ".join([page, *documents])


def _data_address(kind: str, identifier: str, document: Document) -> str:
    return f"/data/{kind}/{_in_path(identifier)}.{document.ending}"


def _in_path(identifier: str) -> str:
    return quote(identifier, safe="/:+,;=@!$&'()*~")


def _serialize(triples: list[ox.Triple], chosen: Document) -> bytes:
    return ox.serialize(triples, format=chosen.format, prefixes=_PREFIXES) or b""
