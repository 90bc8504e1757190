"""YAML as a tree of nodes: every scalar as written, with its line; repeated keys are kept apart.

PyYAML's loaders turn ``1`` into a number, dates into objects, and keep silent about a key that
comes twice. The files read here are tables that people edit by hand, so all of that matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml

from ingest.rows import read_text, refuse
from mathgloss.model import RawFile

_NULL: Final = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A plain or quoted value as written; null is the empty text."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a table with its value."""

    key: str
    value: Node
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping.

    Attributes:
        entries: in file order, each key once.
        repeated: entries whose key came before in the same table.
    """

    entries: tuple[Entry, ...]
    repeated: tuple[Entry, ...]
    line: int


Node: TypeAlias = Scalar | Listing | Table


def read_yaml(raw: RawFile) -> Node:
    """The tree of a YAML file.

    Raises:
        ParseError: gone, not UTF-8, not one YAML document, nested too deeply, or with aliases or
            keys that are not plain values (the sources have none; aliases can blow up).
    """
    text = read_text(raw)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        return _convert(root, set()) if root is not None else Scalar("", 1)
    except (yaml.YAMLError, ValueError) as error:
        got = " ".join(f"{type(error).__name__}: {error}".split())
        refuse(raw, "a YAML document", got, cause=error)
    except RecursionError as error:
        refuse(raw, "a YAML document", "a document nested too deeply", cause=error)


def _convert(node: yaml.Node, seen: set[int]) -> Node:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise ValueError(f"an alias of the node in line {line}")
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return Scalar("" if node.tag == _NULL else str(node.value), line)
    if isinstance(node, yaml.SequenceNode):
        return Listing(tuple(_convert(item, seen) for item in node.value), line)
    if isinstance(node, yaml.MappingNode):
        return _table(node, line, seen)
    raise ValueError(f"an unknown kind of node in line {line}")


def _table(node: yaml.MappingNode, line: int, seen: set[int]) -> Table:
    entries: dict[str, Entry] = {}
    repeated: list[Entry] = []
    for key_node, value_node in node.value:
        key = _convert(key_node, seen)
        if not isinstance(key, Scalar):
            raise ValueError(f"a key that is not a plain value in line {key.line}")
        entry = Entry(key.text, _convert(value_node, seen), key.line)
        if key.text in entries:
            repeated.append(entry)
        else:
            entries[key.text] = entry
    return Table(tuple(entries.values()), tuple(repeated), line)
