"""Foreign text as safe HTML: a small part of Markdown, with TeX kept apart for KaTeX.

No HTML of a source ever passes: everything is escaped, and links must lead to the web.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup, escape
from mdit_py_plugins.dollarmath import dollarmath_plugin

from api.mentions import strength

_RULES: Final = (
    "backticks", "balance_pairs", "blockquote", "emphasis", "entity", "escape", "fence",
    "fragments_join", "link", "list", "newline", "paragraph", "reference",
)  # fmt: skip
_INLINE_TEX: Final = re.compile(r"\$\$(?P<display>[^$]+)\$\$|(?<!\\)\$(?P<inline>[^$\n]+)\$")
MAX_MARKDOWN_CHARS: Final = 50_000


def render_markdown(text: str, *, base_url: str = "") -> Markup:
    """Paragraphs, lists, emphasis, code, links and TeX of a Markdown text.

    Relative links are taken relative to ``base_url``; what is not http(s) then loses its link.
    A text beyond ``MAX_MARKDOWN_CHARS`` is shown as it is, because parsing may take long.
    """
    if len(text) > MAX_MARKDOWN_CHARS:
        return Markup("<p>{}</p>").format(text)
    return Markup(_parser().render(text, {"base_url": base_url}))  # noqa: S704


def render_inline_tex(text: str) -> Markup:
    """Plain text, escaped, whose TeX between dollar signs is marked for KaTeX."""
    parts: list[Markup] = []
    end = 0
    for match in _INLINE_TEX.finditer(text):
        parts.append(escape(text[end : match.start()]))
        parts.append(_tex(match["display"] or match["inline"], display=bool(match["display"])))
        end = match.end()
    parts.append(escape(text[end:]))
    return Markup().join(parts)


def render_mentions(text: str, mentions: Iterable[dict[str, Any]], href: Any) -> Markup:
    """A text with its mentions linked to their concepts, underlined the surer the firmer.

    Args:
        text: a title or an abstract.
        mentions: with ``start`` and ``end`` in code points of the text; of overlapping ones the
            first is shown. One that has a ``card`` opens it (see :mod:`api.mentions`).
        href: gives the address for a concept's identifier.
    """
    parts: list[Markup] = []
    end = 0
    for mention in sorted(mentions, key=lambda item: (item["start"], -item["end"])):
        if mention["start"] < end or mention["end"] > len(text):
            continue
        parts.append(render_inline_tex(text[end : mention["start"]]))
        words = render_inline_tex(text[mention["start"] : mention["end"]])
        parts.append(_mention(mention, words, href))
        end = mention["end"]
    parts.append(render_inline_tex(text[end:]))
    return Markup().join(parts)


def _mention(mention: dict[str, Any], words: Markup, href: Any) -> Markup:
    if "card" in mention:
        about = Markup('data-card="{0}" aria-describedby="{0}"').format(mention["card"])
    else:
        title = f"{mention['label']} · {mention['concept']} · {mention['confidence']:.0%}"
        about = Markup('title="{}"').format(title)
    name = f"mention {strength(mention)}"
    if mention["concept"] is None:
        return Markup('<span class="{}" {}><mark>{}</mark></span>').format(name, about, words)
    return Markup('<a class="{}" href="{}" {}><mark>{}</mark></a>').format(
        name, href(mention["concept"]), about, words
    )


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False, "linkify": False, "typographer": False})
    parser.enable(list(_RULES))
    parser.use(dollarmath_plugin, allow_labels=False, double_inline=True, allow_blank_lines=False)
    parser.add_render_rule("math_inline", _render_inline_math)
    parser.add_render_rule("math_inline_double", _render_display_math)
    parser.add_render_rule("math_block", _render_block_math)
    parser.core.ruler.push("safe_links", _make_links_safe)
    return parser


def _tex(source: str, *, display: bool) -> Markup:
    """TeX as its own source, readable as it is; a script typesets it in place."""
    sign = "$$" if display else "$"
    kind = "tex display" if display else "tex"
    return Markup('<span class="{}">{}</span>').format(kind, f"{sign}{source.strip()}{sign}")


def _render_inline_math(_: Any, tokens: Sequence[Any], index: int, *__: Any) -> str:
    return str(_tex(tokens[index].content, display=False))


def _render_display_math(_: Any, tokens: Sequence[Any], index: int, *__: Any) -> str:
    return str(_tex(tokens[index].content, display=True))


def _render_block_math(_: Any, tokens: Sequence[Any], index: int, *__: Any) -> str:
    return f"<p>{_tex(tokens[index].content, display=True)}</p>\n"


def _make_links_safe(state: StateCore) -> None:
    base_url = str(state.env.get("base_url", ""))
    for block in state.tokens:
        for token in block.children or ():
            if token.type == "link_open":
                address = _web_address(base_url, str(token.attrGet("href") or ""))
                token.attrs = {"href": address, "rel": "external nofollow"} if address else {}


def _web_address(base_url: str, address: str) -> str:
    try:
        joined = urljoin(base_url, address)
        parts = urlsplit(joined)
    except ValueError:
        return ""
    return joined if parts.scheme in {"http", "https"} and parts.netloc else ""
