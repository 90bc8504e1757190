"""The published snapshot as the service sees it: opened once, and anew when another is published.

A request works on one :class:`Opened` from beginning to end, so a refresh never shows half of two.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from flask import current_app, g, request

from api.kept import OPENED, AnswerCache
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.errors import DataNotFoundError
from mathgloss.graph.snapshot import open_current

logger = logging.getLogger(__name__)

EXTENSION: Final = "mathgloss-published"
RETRY_S: Final = 2.0

Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Opened:
    """One opened snapshot: what it answers, and answers already given."""

    answers: Answers
    kept: AnswerCache = field(default_factory=AnswerCache)


class Published:
    """Holds the published snapshot open and follows ``home/current``.

    Looking costs one ``stat`` a request. While a new snapshot is opened, and if it cannot be, the
    one before keeps answering.
    """

    def __init__(self, settings: Settings, answers: Answers | None = None) -> None:
        self._layout = settings.layout
        self._limits = settings.query
        self._fixed = answers is not None
        self._opened = Opened(answers) if answers is not None else None
        self._signature: Signature | None = None
        self._failure: DataNotFoundError | None = None
        self._retry_at = 0.0
        self._lock = threading.Lock()

    @property
    def failure(self) -> str | None:
        """Why the snapshot named by ``home/current`` could not be opened, if so."""
        return str(self._failure) if self._failure is not None else None

    def get(self) -> Opened:
        """The published snapshot.

        Raises:
            DataNotFoundError: none can be opened, and none was open before.
        """
        if not self._fixed and self._is_outdated():
            self._follow()
        if self._opened is None:
            raise self._failure or DataNotFoundError("no snapshot has been published")
        return self._opened

    def warm(self) -> None:
        """Make the published snapshot ready for pages, if there is one."""
        with suppress(DataNotFoundError):
            self.get().answers.warm()

    def _is_outdated(self) -> bool:
        if self._failure is not None:
            return time.monotonic() >= self._retry_at or self._seen() != self._signature
        return self._opened is None or self._seen() != self._signature

    def _seen(self) -> Signature | None:
        try:
            status = self._layout.current.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _follow(self) -> None:
        """Open what is published now; other threads go on with what is open meanwhile."""
        if not self._lock.acquire(blocking=self._opened is None):
            return
        try:
            if self._is_outdated():
                self._open()
        finally:
            self._lock.release()

    def _open(self) -> None:
        seen = self._seen()
        try:
            opened = Opened(Answers(open_current(self._layout), self._limits))
            if self._opened is not None:  # who reads the one before must not wait later
                opened.answers.warm(self._opened.answers)
        except DataNotFoundError as error:
            if str(error) != self.failure:
                logger.error("%s", error)
            self._failure = error
            self._retry_at = time.monotonic() + RETRY_S
        else:
            logger.info("snapshot %s opened", opened.answers.snapshot.id)
            self._opened, self._failure = opened, None
        self._signature = seen


def published() -> Published:
    """The holder of the application that handles the current request."""
    holder: Published = current_app.extensions[EXTENSION]
    return holder


def opened() -> Opened:
    """The snapshot that the current request works on, the same one until it ends.

    Raises:
        DataNotFoundError: there is none.
    """
    if "opened" not in g:
        g.opened = request.environ.get(OPENED) or published().get()
    held: Opened = g.opened
    return held


def answers() -> Answers:
    """The answers that the current request may give.

    Raises:
        DataNotFoundError: there is no snapshot.
    """
    return opened().answers
