"""Who may decide about mappings: whoever has the token that the service was started with."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from flask import current_app, request
from pydantic import SecretStr
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from api.problems import ProblemError

P = ParamSpec("P")
T = TypeVar("T")

EXTENSION: Final = "mathgloss-curators"
SECURITY_SCHEME: Final = "curator"


class Curators:
    """Tells the curation token from any other text."""

    def __init__(self, token: SecretStr | None) -> None:
        self._digest = _digest(token.get_secret_value().encode()) if token is not None else None

    @property
    def exist(self) -> bool:
        """Whether anybody may decide at all."""
        return self._digest is not None

    def know(self, token: bytes) -> bool:
        """Whether this is the token; takes the same time for every wrong one of a length."""
        return self._digest is not None and hmac.compare_digest(_digest(token), self._digest)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def curators() -> Curators:
    """Who may decide, in the application that handles the current request."""
    held: Curators = current_app.extensions[EXTENSION]
    return held


def curators_only(view: Callable[P, T]) -> Callable[P, T]:
    """Let a request through only if it carries the token as ``Authorization: Bearer``."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        _check()
        return view(*args, **kwargs)

    return guarded


def _check() -> None:
    if not curators().exist:
        raise ProblemError(
            403,
            "curation is turned off; whoever runs this service can turn it on by setting "
            "MATHGLOSS_CURATION_TOKEN to a secret of at least 16 characters",
        )
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    challenge: dict[str, str | None] = {"realm": "MathGloss"}
    if scheme.lower() != "bearer":
        raise Unauthorized(
            "expected the header 'Authorization: Bearer <token>' with the curation token",
            www_authenticate=WWWAuthenticate("bearer", challenge),
        )
    # headers come as Latin-1, whatever the client meant
    if not curators().know(token.strip().encode("latin-1", "replace")):
        challenge["error"] = "invalid_token"
        raise Unauthorized(
            "this is not the curation token",
            www_authenticate=WWWAuthenticate("bearer", challenge),
        )
