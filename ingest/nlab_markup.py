r"""The syntax of nLab pages: Instiki wikilinks and directives over Maruku Markdown with itex.

What is read: ``[[page]]``, ``[[page|label]]`` and ``[[web:page]]`` links, ``[[!redirects name]]``,
``[[!include page]]``, ``category: word`` lines, headings (``#Idea#``, ``## Idea {#anchor}``,
``\section{Idea}``), blocks (``+-- {: .num_defn}`` to ``=--``, older ``<div>``), and mathematics
between dollars, which nothing here looks into. Every pattern runs in linear time.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

# a definition ends at a paragraph's end before this length, and a single paragraph at the second
DEFINITION_CHARS: Final = 1_500
PARAGRAPH_CHARS: Final = 4_000
# longer "mathematics" is a forgotten closing dollar
MATH_CHARS: Final = 20_000

_COMMENT: Final = re.compile(r"<!--")
_DIRECTIVE: Final = re.compile(r"\[\[!\s*(\w{1,30})\s([^\[\]]{1,500})\]\]")
_CATEGORY: Final = re.compile(r"^[ \t]*category:([^\n]*)$", re.MULTILINE | re.IGNORECASE)
_WIKILINK: Final = re.compile(r"\[\[([^\[\]]{1,500})\]\]")
_FILE_LINK: Final = re.compile(r":(?:file|pic|video|audio|cdf|youtube|delete)\s*$")
# [[joyalscatlab:Kan complexes]] is a page of another wiki; "Quantum physics: a view" is a name
_WEB: Final = re.compile(r"([A-Za-z][A-Za-z0-9 ]{0,40}?):(?=\S)")
_DRAWING: Final = re.compile(
    r"\\begin\{(tikzcd|tikzpicture|xymatrix|imagefromfile|svg|mathpar)\}|<(svg|nowiki|table|style"
    r"|script|iframe)\b"
)
_MATH_OPEN: Final = re.compile(
    r"\\\$|\$\$|\$|^[ \t]*\\\[[ \t]*$|\\begin\{((?:equation|align|gather|multline|eqnarray)\*?)\}",
    re.MULTILINE,
)
_INLINE: Final = re.compile(r"\$(?:[^$\\\n]|\\[^\n]|\\(?=\n)|\n(?![ \t]*+\n))++\$")
_KEPT: Final = re.compile("\ue000([0-9]+)\ue001")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ue000\ue001]")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_BLOCK_OPEN: Final = re.compile(r"\s*\+--")
_BLOCK_CLOSE: Final = re.compile(r"\s*=--+\s*$")
_ASIDE: Final = re.compile(r"query|rightHandSide|\btoc\b|\bhide\b")
_DIV: Final = re.compile(r"<(/?)div\b([^<>]*)>", re.IGNORECASE)
_HEADING: Final = re.compile(r"(#{1,6})([^\n]*)")
_SECTION: Final = re.compile(r"\s*\\((?:sub){0,2})section\*?\{([^\n]*)\}")
_IDEA: Final = re.compile(r"(?:the |general |rough |basic |main |informal )?ideas?\b")
_DEFINITION: Final = re.compile(r"(?:the |general |basic |main |formal )?definitions?\b")
_STATEMENT: Final = re.compile(r"(?:the )?statements?\b")

_HTML_HEADING: Final = re.compile(r"<h([1-6])\b[^<>]*>[^<]*</h\1>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")
_ATTRIBUTES: Final = re.compile(r"\{\s*[:#][^{}\n]*\}")
_TEX_BLOCK: Final = re.compile(r"\\(?:begin|end)\{[A-Za-z*]{1,40}\}(?:\[[^\[\]\n]*\])?")
_TEX_MARK: Final = re.compile(
    r"\\(?:label|ref|eqref|cite|bibitem)\{[^{}\n]*\}"
    r"|\\(?:tableofcontents|linebreak|noindent|medskip|bigskip|smallskip)\b"
)
_IMAGE: Final = re.compile(r"!\[[^\[\]]*\]\([^()\s]*+[^()\n]*\)")
_LINK: Final = re.compile(r"\[([^\[\]]*)\]\(((?:[^()\s]++|\([^()\s]*+\))*+)(?:\s[^()\n]*)?\)")
_FOOTNOTE: Final = re.compile(r"\[\^[^\[\]\s]*\]:?")
_PARAGRAPH: Final = re.compile(r"\n[ \t]*+\n")
_SENTENCE_END: Final = re.compile(r"[.!?]\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMarkup:
    """What the text of one page says, each list in order of appearance and without repeats.

    Attributes:
        links: names of the nLab pages that are linked to, as written.
        includes: names of the pages that are pulled in.
        redirects: other names of this page.
        categories: words of the ``category:`` lines, in lower case.
        definition: Markdown with TeX; ``None`` if no section or lead says what the thing is.
    """

    links: tuple[str, ...]
    includes: tuple[str, ...]
    redirects: tuple[str, ...]
    categories: tuple[str, ...]
    definition: str | None


def clean_name(text: str) -> str:
    """A page's name or a link's target: entities decoded, NFC, white space collapsed."""
    return unicodedata.normalize("NFC", " ".join(unescape(text).split()))


def unescape(text: str) -> str:
    """The text with its HTML entities decoded; what only looks like one stays."""
    return _ENTITY.sub(lambda match: html.unescape(match.group()), text)


def read_markup(text: str) -> PageMarkup:
    """What the text of a page says; never fails, broken syntax is read as plain text."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _drop_comments(unicodedata.normalize("NFC", text))
    directives = [(m[1].lower(), clean_name(m[2])) for m in _DIRECTIVE.finditer(text)]
    categories = [
        word.strip().lower() for m in _CATEGORY.finditer(text) for word in m[1].split(",")
    ]
    text = _drop_drawings(_CATEGORY.sub("", _DIRECTIVE.sub("", text)))
    text, math = _hide_math(text)
    return PageMarkup(
        links=_distinct(_link_targets(text, math)),
        includes=_distinct(name for kind, name in directives if kind == "include"),
        redirects=_distinct(name for kind, name in directives if kind == "redirects"),
        categories=_distinct(categories),
        definition=_find_definition(text, math),
    )


def _distinct(names: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _drop_comments(text: str) -> str:
    kept, position = [], 0
    for match in _COMMENT.finditer(text):
        if match.start() < position:
            continue
        end = text.find("-->", match.end())
        if end < 0:
            break
        kept.append(text[position : match.start()])
        position = end + len("-->")
    return "".join([*kept, text[position:]])


def _drop_drawings(text: str) -> str:
    """Diagrams, pictures and raw HTML tables vanish; one that never ends stays."""
    kept, position, endless = [], 0, set()
    for match in _DRAWING.finditer(text):
        closer = f"\\end{{{match[1]}}}" if match[1] else f"</{match[2]}>"
        if match.start() < position or closer in endless:
            continue
        end = text.find(closer, match.end())
        if end < 0:
            endless.add(closer)
            continue
        kept.append(text[position : match.start()])
        position = end + len(closer)
    return "".join([*kept, text[position:]])


def _hide_math(text: str) -> tuple[str, list[str]]:
    """The text with each formula replaced by a numbered mark, and the formulas."""
    kept: list[str] = []
    math: list[str] = []
    searched: dict[str, int] = {}
    position = 0
    while (opening := _MATH_OPEN.search(text, position)) is not None:
        end, formula = _read_formula(text, opening, searched)
        kept.append(text[position : opening.start()])
        if formula is None:
            kept.append(text[opening.start() : end])
        elif formula.strip("$ \n\t"):
            kept.append(f"\ue000{len(math)}\ue001")
            math.append(formula)
        position = end
    return "".join([*kept, text[position:]]), math


def _read_formula(
    text: str, opening: re.Match[str], searched: dict[str, int]
) -> tuple[int, str | None]:
    """Where the formula ends and the formula; without a closing mark it is plain text.

    ``searched`` tells how far a closing mark was looked for in vain, so that nothing is read twice.
    """
    start, inner = opening.span()
    mark = opening.group().strip()
    if mark == "\\$":
        return inner, None
    if mark == "$":
        inline = _INLINE.match(text, start)
        return (inner, None) if inline is None else (inline.end(), inline.group())
    closer = {"$$": "$$", "\\[": "\\]"}.get(mark, f"\\end{{{opening[1]}}}")
    end = text.find(closer, max(inner, searched.get(closer, 0)), inner + MATH_CHARS)
    if end < 0:
        searched[closer] = inner + MATH_CHARS - len(closer)
        return inner, None
    if opening[1]:
        return end + len(closer), f"$${text[start : end + len(closer)]}$$"
    return end + len(closer), f"$${text[inner:end]}$$"


def _show_math(text: str, math: list[str]) -> str:
    return _KEPT.sub(lambda match: math[int(match[1])], text)


def _link_targets(text: str, math: list[str]) -> Iterator[str]:
    for match in _WIKILINK.finditer(text):
        if _FILE_LINK.search(match[1]):
            continue
        target = clean_name(_show_math(match[1].rpartition("|")[0] or match[1], math))
        web = _WEB.match(target)
        if web is None:
            yield target
        elif web[1].lower() == "nlab":
            yield target[web.end() :]


def _link_text(match: re.Match[str]) -> str:
    if _FILE_LINK.search(match[1]):
        return ""
    target, _, label = match[1].rpartition("|")
    return label.strip() if target else _WEB.sub("", match[1].strip(), count=1)


def _find_definition(text: str, math: list[str]) -> str | None:
    """The Idea section, else Definition, else what stands before any heading, else Statement."""
    lines = list(_without_asides(_drop_aside_divs(text).split("\n")))
    headings = [_read_heading(line) for line in lines]
    for wanted in (_IDEA, _DEFINITION, None, _STATEMENT):
        for start, (level, title) in enumerate(headings):
            if level and wanted is not None and wanted.match(title):
                section = _section(lines, headings, start + 1, level)
            elif start == 0 and wanted is None:
                section = _section(lines, headings, 0, 0)
            else:
                continue
            found = _cut(_paragraphs(section, math), math)
            if found:
                return found
    return None


def _section(
    lines: list[str], headings: list[tuple[int, str]], start: int, level: int
) -> list[str]:
    """Lines up to the next heading of the same rank, or to a lower one after some text."""
    section: list[str] = []
    filled = False
    for at in range(start, len(lines)):
        rank = headings[at][0]
        if rank and (rank <= level or level == 0 or filled):
            break
        if not rank:
            section.append(lines[at])
            filled = filled or bool(lines[at].strip())
    return section


def _read_heading(line: str) -> tuple[int, str]:
    """Rank (1 the highest, 0 for no heading) and title in lower case.

    A heading of rank six is the title of a theorem or definition: not a section.
    """
    tex = _SECTION.match(line)
    if tex is not None:
        return 2 + len(tex[1]) // len("sub"), tex[2].strip().lower()
    match = _HEADING.match(line)
    if match is None or len(match[1]) == 6:
        return 0, ""
    title = _ATTRIBUTES.sub("", match[2]).strip().rstrip("#").strip()
    return len(match[1]), unescape(title).lower()


def _drop_aside_divs(text: str) -> str:
    """Sidebars and discussions in ``<div>`` blocks vanish with all that is nested in them."""
    kept, position, depth, aside = [], 0, 0, 0
    for match in _DIV.finditer(text):
        if match[1]:
            if depth and depth == aside:
                position, aside = match.end(), 0
            depth = max(depth - 1, 0)
            continue
        depth += 1
        if not aside and _ASIDE.search(match[2]):
            kept.append(text[position : match.start()])
            position, aside = match.start(), depth
    return "".join([*kept, text[position:]])


def _without_asides(lines: list[str]) -> Iterator[str]:
    """Lines outside sidebars and discussions, without the marks of blocks.

    A section heading ends blocks that nobody closed: sidebars only have lower ones.
    """
    blocks: list[bool] = []
    for line in lines:
        if 1 <= _read_heading(line)[0] <= 2:
            blocks.clear()
        if _BLOCK_OPEN.match(line):
            blocks.append(_ASIDE.search(line) is not None or (bool(blocks) and blocks[-1]))
        elif _BLOCK_CLOSE.match(line):
            if blocks:
                blocks.pop()
        elif not (blocks and blocks[-1]):
            yield line


def _paragraphs(lines: list[str], math: list[str]) -> list[str]:
    """Paragraphs of Markdown, formulas still hidden; those without any word are left out."""
    contents = re.compile(r"\{\s*:\s*toc\s*\}")
    kept = [
        line
        for line, below in zip_longest(lines, lines[1:], fillvalue="")
        if not (contents.match(below) or line.lstrip().startswith("######"))
    ]
    text = _HTML_HEADING.sub("", "\n".join(kept))
    for pattern in (_ATTRIBUTES, _TAG, _IMAGE, _TEX_MARK, _TEX_BLOCK, _FOOTNOTE):
        text = pattern.sub("", text)
    text = _LINK.sub(_outside_link, _WIKILINK.sub(_link_text, text))
    text = text.replace("\\'", "'").replace('\\"', '"').replace("[[", "").replace("]]", "")
    text = _ENTITY.sub(_safe_entity, text)
    paragraphs = ("\n".join(map(str.rstrip, part.split("\n"))) for part in _PARAGRAPH.split(text))
    return [
        part.strip("\n") for part in paragraphs if re.search(r"[^\W\d_]", _show_math(part, math))
    ]


def _outside_link(match: re.Match[str]) -> str:
    """A link to another site as it is; one inside nLab, written as a path, as its text."""
    return f"[{match[1]}]({match[2]})" if match[2].startswith(("http://", "https://")) else match[1]


def _safe_entity(match: re.Match[str]) -> str:
    """The character meant, unless it would turn into markup."""
    char = html.unescape(match.group())
    return match.group() if char in "<>&$" else char


def _cut(paragraphs: list[str], math: list[str]) -> str | None:
    """The first paragraphs, whole, as many as fit; of a single giant one its first sentences."""
    taken: list[str] = []
    length = 0
    for paragraph in paragraphs:
        shown = _show_math(paragraph, math)
        if taken and length + len(shown) > DEFINITION_CHARS:
            break
        if len(shown) > PARAGRAPH_CHARS:
            shown = _first_sentences(paragraph, math)
        taken.append(shown)
        length += len(shown)
    return "\n\n".join(taken).strip() or None


def _first_sentences(paragraph: str, math: list[str]) -> str:
    ends = [match.start() + 1 for match in _SENTENCE_END.finditer(paragraph)]
    length, position, best = 0, 0, ""
    for end in ends:
        length += len(_show_math(paragraph[position:end], math))
        if length > PARAGRAPH_CHARS:
            break
        position, best = end, paragraph[:end]
    return _show_math(best, math)
