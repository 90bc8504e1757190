"""The dumps of the snapshot: the list, and the files."""

from __future__ import annotations

from flask import send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from api.pages.rendering import blueprint, render
from api.problems import ProblemError
from api.published import answers
from api.responses import REVALIDATE, Rendered, from_snapshot
from mathgloss.graph.dumps import DUMPS


@blueprint.get("/dumps/")
@from_snapshot
def dumps() -> Rendered:
    """What can be downloaded."""
    return render("dumps.html", dumps=answers().dumps()["dumps"])


@blueprint.get("/dumps/<name>")
def dump(name: str) -> BaseResponse:
    """A dump, whole or the part that is asked for; its ETag is its SHA-256."""
    given = answers()
    listed = {entry["name"]: entry for entry in given.dumps()["dumps"]}
    if name not in listed:
        raise ProblemError(404, f"no dump {name!r}; expected one of {', '.join(listed)}")
    entry = listed[name]
    response = send_from_directory(
        given.snapshot.path / DUMPS,
        name,
        mimetype=entry["media_type"],
        etag=entry["sha256"],
        as_attachment=True,
    )
    response.headers["Cache-Control"] = REVALIDATE
    return response
