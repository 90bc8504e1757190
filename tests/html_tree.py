"""A page as a tree, read strictly: what is not closed or nested rightly is an error."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder

VOID: Final = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "path", "rect", "wbr"})
FIELDS: Final = frozenset({"input", "select", "textarea"})
# attributes whose value a browser may fetch or follow
ADDRESSES: Final = frozenset({
    "action", "background", "cite", "data", "formaction", "href", "poster", "src", "srcset",
    "xlink:href",
})  # fmt: skip


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = TreeBuilder()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"line {self.getpos()[0]}: </{tag}> closes <{self.open[-1]}>"
        self.open.pop()
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)


def tree(page: str) -> Element:
    """The element ``html`` of a page."""
    assert page.lstrip().startswith("<!doctype html>")
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [], f"not closed: {reader.open}"
    return reader.builder.close()


def text(element: Element) -> str:
    """The words in an element, with single spaces."""
    return " ".join("".join(element.itertext()).split())


def having(root: Element, name: str) -> Iterator[Element]:
    """Elements of a class."""
    return (held for held in root.iter() if name in held.get("class", "").split())


def addresses(root: Element) -> Iterator[tuple[Element, str]]:
    """Each address that a browser may fetch or follow, with its element."""
    for element in root.iter():
        for name in ADDRESSES.intersection(element.attrib):
            yield element, element.attrib[name]


def dangers(root: Element) -> list[str]:
    """What a page of ours never holds, however its data were made."""
    found = []
    for element in root.iter():
        where = f"<{element.tag} {element.attrib}>"
        if element.tag in {"iframe", "object", "embed", "base", "style"}:
            found.append(f"element {where}")
        if element.tag in {"img", "image"} and not element.get("src", "").startswith("/"):
            found.append(f"picture {where}")
        if element.tag == "script" and not (
            element.get("src", "").startswith("/static/") and not text(element)
        ):
            found.append(f"inline script {where}")
        found += [
            f"attribute {name} in {where}"
            for name in element.attrib
            if name == "style" or name.startswith("on")
        ]
    for element, address in addresses(root):
        scheme, colon, _ = address.strip().partition(":")
        if colon and "/" not in scheme and scheme.lower() not in {"http", "https"}:
            found.append(f"address {address!r} of <{element.tag}>")
    return found


def faults(root: Element) -> list[str]:
    """Rough validity: identifiers used twice, references to none, fields without a name."""
    identifiers = [element.get("id", "") for element in root.iter() if "id" in element.attrib]
    found = [f"id {name!r} twice" for name in identifiers if identifiers.count(name) > 1]
    labelled = {id(held) for label in root.iter("label") for held in label.iter()}
    targets = {label.get("for") for label in root.iter("label")}
    for element in root.iter():
        for name in ("aria-labelledby", "aria-describedby", "aria-controls", "for"):
            missing = set(element.get(name, "").split()) - set(identifiers)
            found += [f"{name} of <{element.tag}> names {each!r}" for each in missing]
        if element.tag in FIELDS and element.get("type") not in {"hidden", "submit"}:
            named = element.get("aria-label") or element.get("aria-labelledby")
            if not (named or id(element) in labelled or element.get("id") in targets):
                found.append(f"<{element.tag} {element.attrib}> has no label")
    headings = [int(held.tag[1]) for held in root.iter() if held.tag in {"h1", "h2", "h3", "h4"}]
    if headings.count(1) != 1:
        found.append(f"expected one h1, got {headings.count(1)}")
    steps = pairwise(headings)
    found += [f"heading h{a} is followed by h{b}" for a, b in steps if b > a + 1]
    return found
