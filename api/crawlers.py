"""What crawlers read: ``robots.txt`` and the sitemap of all concepts, papers and experiments.

Addresses in them are those of the host that was asked, so they are never kept for another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort, request

from api.pages.rendering import concept_address, paper_address
from api.published import answers
from api.responses import REVALIDATE, compressed

blueprint: Final = Blueprint("crawlers", __name__)

PART: Final = 10_000
_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_ADDRESSES: Final = {
    "concept": concept_address,
    "paper": paper_address,
    "experiment": "/experiment/{}".format,
}
# what has no end, or costs much, and is made of what the pages show
_CLOSED: Final = ("/sparql", "/search", "/api/v1/", "/reconcile", "/mcp", "/run/")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Pages, documents and dumps may be crawled; queries and searches not."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _CLOSED)]
    lines += ["", f"Sitemap: {request.url_root}sitemap.xml", ""]
    return Response("\n".join(lines), mimetype="text/plain")


@blueprint.get("/sitemap.xml")
def sitemap_index() -> Response:
    """The parts of the sitemap."""
    identifiers = answers().identifiers()
    places = (
        f"sitemap-{kind}-{number + 1}.xml"
        for kind, listed in identifiers.items()
        for number in range(-(-len(listed) // PART))
    )
    return _xml("sitemapindex", "sitemap", places)


@blueprint.get("/sitemap-<any(concept,paper,experiment):kind>-<int:number>.xml")
def sitemap_part(kind: str, number: int) -> Response:
    """A part: at most ``PART`` pages."""
    listed = answers().identifiers()[kind][(number - 1) * PART : number * PART] if number else []
    if not listed:
        abort(404)
    return _xml("urlset", "url", (_ADDRESSES[kind](name).lstrip("/") for name in listed))


def _xml(root: str, element: str, places: Iterable[str]) -> Response:
    changed = answers().snapshot.manifest.created
    rows = (
        f"<{element}><loc>{escape(request.url_root + place)}</loc>"
        f"<lastmod>{changed}</lastmod></{element}>"
        for place in places
    )
    body = "\n".join([
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<{root} xmlns="{_NAMESPACE}">',
        *rows,
    ])
    response = Response(f"{body}\n</{root}>\n", mimetype="application/xml")
    response.headers["Cache-Control"] = REVALIDATE
    response.add_etag()
    return compressed(response)
