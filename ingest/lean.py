"""Links into Lean: a declaration of Mathlib, or a page that stands in for one."""

from __future__ import annotations

import re
from typing import Final

from ingest.rows import is_clean
from mathgloss.ids import page_url
from mathgloss.model import FormalLink

# Lean allows nearly any character in a name; those below would be a path, a URL or a sentence
_DECLARATION: Final = re.compile(r"[^\W\d«»][^\s/:<>\"\\{}|^`]*|«[^\s/:<>\"\\{}|^`]+")
_URL: Final = re.compile(r"https?://[^\s/<>\"\\{}|^`]+(?:/[^\s<>\"\\{}|^`]*)?")
_STALE_PATH: Final = re.compile(r"[\w./-]+\.html")


def declaration_link(name: str) -> FormalLink:
    """The link to a declaration's place in the documentation of Mathlib."""
    return FormalLink(declaration=name, url=page_url(f"lean:{name}") + "#doc")


def read_link(text: str) -> tuple[FormalLink | None, str]:
    """A declaration or URL as a link, or ``None`` and why it is neither."""
    if not is_clean(text):
        return None, "control characters"
    if _URL.fullmatch(text):
        return FormalLink(declaration=None, url=text), ""
    if _STALE_PATH.fullmatch(text) and "/" in text:
        return None, "stale path instead of a declaration"
    if _DECLARATION.fullmatch(text):
        return declaration_link(text), ""
    return None, "neither a declaration nor a URL"
