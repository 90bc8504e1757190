"""Version 0.2: everything by GET or form at one address, told apart by the parameter given."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from api.problems import ProblemError
from api.published import answers
from api.reconcile import parsing
from api.reconcile.manifest import manifest_response, manifest_v02
from api.reconcile.routes import BAD_BATCH, ROOT, TOO_MANY, blueprint, respond
from api.rest.refusals import NO_SNAPSHOT
from api.schemas.reconcile import AnswerV02, Manifest, QueryV02
from mathgloss.answers.paging import Answer

_ERRORS: Final = {400: BAD_BATCH, 413: TOO_MANY, 503: NO_SNAPSHOT}
# what a value has beside what version 0.2 knows of
_NEWER: Final = ("lang", "dir")


@blueprint.get(ROOT)
@blueprint.output(Manifest, description="The manifest, or what was asked for")
@blueprint.doc(responses=_ERRORS)
def get_root() -> Response:
    """The manifest of version 0.2; with the parameter queries, query or extend its answer."""
    if not request.args:
        return manifest_response(manifest_v02())
    return _answer(request.args)


@blueprint.post(ROOT)
@blueprint.output(AnswerV02, description="Candidates by the key of their query, or what was asked")
@blueprint.doc(responses=_ERRORS)
def post_root() -> Response:
    """Answer the form's field queries, query or extend, as version 0.2 has it."""
    return _answer(request.form)


def _answer(fields: Any) -> Response:
    if "callback" in fields:
        raise ProblemError(400, "callback: JSONP is not offered; every address answers with CORS")
    given = [name for name in ("queries", "query", "extend") if name in fields]
    if len(given) != 1:
        got = ", ".join(given) or "none"
        raise ProblemError(400, f"parameters: expected queries, query or extend; got {got}")
    return _ANSWERS[given[0]](fields[given[0]])


def _queries(text: str) -> Response:
    queries = parsing.batch_v02(text)
    answer = answers().reconciler.reconcile(list(queries.values()))
    results = (_result(result) for result in answer["results"])
    return respond(dict(zip(queries, results, strict=True)), answer)


def _query(text: str) -> Response:
    """One query, as JSON or as nothing but the name."""
    if text.lstrip().startswith("{"):
        query = parsing.read(QueryV02, text, "query")
    else:
        query = parsing.read(QueryV02, parsing.as_query(text), "query")
    answer = answers().reconciler.reconcile([parsing.from_v02(query)])
    return respond(_result(answer["results"][0]), answer)


def _extend(text: str) -> Response:
    answer = answers().reconciler.extend(*parsing.extension(text))
    rows = {
        row["id"]: {
            each["id"]: [_older(value) for value in each["values"]] for each in row["properties"]
        }
        for row in answer["rows"]
    }
    return respond({"meta": answer["meta"], "rows": rows}, answer)


def _result(result: Answer) -> Answer:
    return {"result": [_older(candidate) for candidate in result["candidates"]]}


def _older(value: Answer) -> Answer:
    return {name: held for name, held in value.items() if name not in _NEWER}


_ANSWERS: Final = {"queries": _queries, "query": _query, "extend": _extend}
