"""What the operations say of their errors in the OpenAPI document."""

from __future__ import annotations

from typing import Final

BAD_INPUT: Final = "A parameter is missing or out of its range"
NO_SNAPSHOT: Final = "No snapshot has been published yet"
NO_CONCEPT: Final = "No such concept"
NO_PAPER: Final = "No such paper"
