"""The page for SPARQL: an editor with examples beside it, and below it the result of its query.

It is a form that works as it is; ``static/sparql.js`` makes the editor of it and puts a new result
in the place of the old one, both fetched from here.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote

from flask import Response, make_response

from api.pages.rendering import concept_address, paper_address, render
from api.problems import problem_of
from api.published import answers
from api.responses import compressed
from mathgloss import ids, vocab
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers
from mathgloss.errors import InputError, QueryError
from mathgloss.graph.reader import short_name
from mathgloss.graph.sparql import GRAPH_FORMATS, Query, Result
from mathgloss.graph.stored_examples import Example, example_queries

SHOWN_ROWS: Final = 500
SHOWN_CHARS: Final = 200_000
_FIRST: Final = "names-of-a-concept"
_PAPERS: Final = frozenset({"arxiv", "paper", "tac"})


def sparql_page(query: Query | None) -> Response:
    """The page, with the result of a query if one is given."""
    examples = example_queries()
    first = next(example for example in examples if example.name == _FIRST)
    context: dict[str, Any] = {"query": query.text if query else first.query}
    status = 200
    if query is not None:
        try:
            context["result"] = _shown(answers().query(query))
        except QueryError as error:
            context["error"], status = str(error), problem_of(error).status
    themes = [(theme, list(group)) for theme, group in groupby(examples, lambda item: item.theme)]
    page = render("sparql.html", themes=themes, address=query_address, **context)
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    return compressed(response)


def query_address(example: Example) -> str:
    """Where an example query is run."""
    return f"/sparql?query={quote(example.query, safe='')}"


def _shown(result: Result) -> Answer:
    """What the template shows of a result: triples, a boolean, or rows."""
    if result.media_type in GRAPH_FORMATS:
        text = result.body.decode()
        return {"triples": text[:SHOWN_CHARS], "cut": len(text) > SHOWN_CHARS}
    answer = json.loads(result.body)
    if "boolean" in answer:
        return {"boolean": answer["boolean"]}
    columns = answer["head"]["vars"]
    rows = answer["results"]["bindings"]
    given = answers()
    return {
        "columns": columns,
        "rows": [
            [_cell(given, row[column]) if column in row else None for column in columns]
            for row in rows[:SHOWN_ROWS]
        ],
        "row_count": len(rows),
    }


def _cell(given: Answers, term: Answer) -> Answer:
    """A term as people read it: IRIs shortened, and leading to our page where there is one."""
    if term["type"] != "uri":
        return {"text": term["value"], "lang": term.get("xml:lang"), "href": None}
    address = term["value"]
    text, page = _short(address), None
    try:
        identifier = ids.curie(address)
    except InputError:
        pass
    else:
        text = identifier
        if identifier.partition(":")[0] in _PAPERS:
            page = paper_address(identifier)
        elif given.is_concept(identifier):
            page = concept_address(identifier)
    return {"text": text, "lang": None, "href": page or address, "ours": page is not None}


def _short(address: str) -> str:
    if address.startswith(vocab.GRAPH):
        return f"mgg:{address.removeprefix(vocab.GRAPH)}"
    return short_name(address)
