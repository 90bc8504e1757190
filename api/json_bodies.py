"""Reading JSON that a client sent: what cannot be read is the client's error, and is explained."""

from __future__ import annotations

from typing import Any

from flask.json.provider import DefaultJSONProvider

from api.problems import ProblemError


class JsonBodies(DefaultJSONProvider):
    """Flask's JSON, whose errors say what is wrong with a body."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The value of a JSON text.

        Raises:
            ProblemError: it is not well-formed, or nested too deeply to be read.
        """
        try:
            return super().loads(s, **kwargs)
        except (ValueError, RecursionError) as error:
            raise ProblemError(400, f"body: expected JSON, got {error}") from error
