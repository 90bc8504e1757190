"""Mapping sets as SSSOM/TSV (https://mapping-commons.github.io/sssom/): metadata, then rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Final

from mathgloss.ids import BASE, PREFIXES, split_curie
from mathgloss.model import Mapping, MappingSet
from mathgloss.vocab import NAMESPACES

COLUMNS: Final = (
    "subject_id",
    "subject_label",
    "predicate_id",
    "predicate_modifier",
    "object_id",
    "object_label",
    "mapping_justification",
    "mapping_tool",
    "subject_source",
    "mapping_source",
    "confidence",
    "comment",
)
NO_TERM_FOUND: Final = "sssom:NoTermFound"
LICENCE: Final = "https://creativecommons.org/publicdomain/zero/1.0/"


def render(
    rows: Iterable[dict[str, str]],
    *,
    set_id: str,
    description: str,
    columns: Iterable[str] = COLUMNS,
) -> str:
    """An SSSOM/TSV document; the CURIE map holds just the prefixes that occur."""
    held = list(rows)
    names = [name for name in columns if any(row.get(name) for row in held) or name in _ALWAYS]
    metadata = [
        f"# mapping_set_id: {set_id}",
        f"# mapping_set_description: {json.dumps(description, ensure_ascii=False)}",
        f"# license: {LICENCE}",
        "# curie_map:",
        *(f"#   {prefix}: {json.dumps(address)}" for prefix, address in _curie_map(held)),
    ]
    out = StringIO()
    out.write("\n".join(metadata) + "\n")
    writer = csv.DictWriter(
        out, names, delimiter="\t", lineterminator="\n", extrasaction="ignore", restval=""
    )
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in held)
    return out.getvalue()


_ALWAYS: Final = ("subject_id", "predicate_id", "object_id", "mapping_justification", "confidence")


_CURIE_COLUMNS: Final = (
    "subject_id",
    "predicate_id",
    "object_id",
    "mapping_justification",
    "subject_source",
    "mapping_source",
)


def _cell(value: str) -> str:
    return " ".join(value.split())


def _curie_map(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    namespaces = {name: row.namespace for name, row in PREFIXES.items()} | NAMESPACES
    found = {row.get(key, "").partition(":")[0] for row in rows for key in _CURIE_COLUMNS}
    found |= {"sssom", "semapv", "skos"}
    return [(name, namespaces[name]) for name in sorted(found) if name in namespaces]


def mapping_row(mapping: Mapping) -> dict[str, str]:
    """One mapping as an SSSOM row."""
    first = mapping.evidence[0]
    return {
        "subject_id": mapping.subject,
        "subject_label": mapping.subject_label,
        "predicate_id": mapping.predicate,
        "predicate_modifier": "Not" if mapping.set is MappingSet.REJECTED else "",
        "object_id": mapping.object,
        "object_label": mapping.object_label,
        "mapping_justification": first.justification,
        "subject_source": f"mg:source/{split_curie(mapping.subject)[0]}",
        "mapping_source": f"mg:source/{first.source}",
        "confidence": f"{mapping.confidence:.4g}",
        "comment": "; ".join(f"{item.source}: {item.detail}" for item in mapping.evidence),
    }


def write_sets(folder: Path, mappings: Iterable[Mapping]) -> dict[MappingSet, int]:
    """Write the four sets into ``folder`` as ``<set>.sssom.tsv``; how many rows each has."""
    by_set: dict[MappingSet, list[Mapping]] = {name: [] for name in MappingSet}
    for mapping in mappings:
        by_set[mapping.set].append(mapping)
    for name, held in by_set.items():
        text = render(
            [mapping_row(mapping) for mapping in held],
            set_id=f"{BASE}mappings/{name}",
            description=f"MathGloss: {name} mappings of terms to mathematical concepts",
        )
        (folder / f"{name}.sssom.tsv").write_text(text, encoding="utf-8")
    return {name: len(held) for name, held in by_set.items()}
