"""The properties of concepts that a reconciliation client may ask for and match by.

Values to show come from the concept's card, as in every other interface. What is matched by is
indexed once for each snapshot, because a batch has thousands of candidates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote_plus

import pyoxigraph as ox

from mathgloss import ids, vocab
from mathgloss.answers.kinds import classes
from mathgloss.answers.paging import Answer
from mathgloss.errors import InputError
from mathgloss.graph.index import LabelIndex
from mathgloss.graph.rdf import POSITION_SEPARATOR
from mathgloss.graph.reader import Reader, short_name

Values: TypeAlias = list[Answer]
Settings: TypeAlias = Mapping[str, str]

LANG: Final = "lang"
_SOURCE_TERMS: Final = ("nlab", "mulima", "chicago", "syllabus", "overview", "thm1000")
_CONCEPTS: Final = ox.NamedNode(vocab.GRAPH + "concepts")


@dataclass(frozen=True, slots=True)
class Property:
    """A property: its values in a card, and whether a value belongs to one concept alone."""

    id: str
    name: str
    description: str
    values: Callable[[Answer, Settings], Values]
    identifies: bool = False
    of_concepts: bool = False


def _text(text: str, lang: str | None = None) -> Answer:
    return {"str": text, "lang": lang} if lang else {"str": text}


def _names(card: Answer, settings: Settings) -> Values:
    lang = settings.get(LANG, "en")
    return [_text(name, lang) for name in card["labels"].get(lang, [])]


def _wikidata(card: Answer, _: Settings) -> Values:
    prefix, local = ids.split_curie(card["id"])
    return [_text(local)] if prefix == "wd" else []


def _terms_of(prefix: str) -> Callable[[Answer, Settings], Values]:
    def values(card: Answer, _: Settings) -> Values:
        linked = [
            link["id"]
            for link in card["links"]
            if link["predicate"] == vocab.EXACT_MATCH and link["id"].startswith(f"{prefix}:")
        ]
        own = [card["id"]] if card["id"].startswith(f"{prefix}:") else []
        return [_text(ids.page_url(term)) for term in dict.fromkeys([*own, *linked])]

    return values


def _lean(card: Answer, _: Settings) -> Values:
    return [_text(item["declaration"]) for item in card["lean"]]


def _syllabus_position(card: Answer, _: Settings) -> Values:
    return [_text(" > ".join(item["position"])) for item in card["syllabus"]]


def _msc(card: Answer, _: Settings) -> Values:
    return [_text(code) for code in card["msc"]]


def _definition(card: Answer, settings: Settings) -> Values:
    """Definitions with who says so and under which licence; only those that may be passed on."""
    wanted = settings.get(LANG)
    return [
        _text(
            f"{item['text']} ({item['source']}, {item['licence']}, {item['url']})",
            item["lang"],
        )
        for item in card["definitions"]
        if item["text"] and (wanted is None or item["lang"] == wanted)
    ]


def _related(relation: str) -> Callable[[Answer, Settings], Values]:
    def values(card: Answer, _: Settings) -> Values:
        others = card[relation] if relation in card else card["relations"].get(relation, [])
        return [{"id": other["id"], "name": other["label"]} for other in others]

    return values


def _papers(card: Answer, _: Settings) -> Values:
    return [{"int": card["counts"]["papers"]}]


def _page(card: Answer, _: Settings) -> Values:
    return [_text(card["url"])]


def _source_property(prefix: str) -> Property:
    title = ids.PREFIXES[prefix].title
    description = f"Page or entry of {title} that is about the concept"
    return Property(prefix, title, description, _terms_of(prefix), identifies=True)


_ALL: Final = (
    Property("name", "Name", "Names in a language, the preferred one first", _names),
    Property(
        "wikidata", "Wikidata item", "Identifier of the item (QID)", _wikidata, identifies=True
    ),
    *map(_source_property, _SOURCE_TERMS),
    Property("lean", "Lean declaration", "Declaration of Mathlib that formalises it", _lean,
             identifies=True),
    Property("position", "Syllabus position", "Path in the French syllabus", _syllabus_position),
    Property("msc", "MSC code", "Mathematics Subject Classification", _msc),
    Property("definition", "Definition", "With its source, licence and address", _definition),
    Property("broader", "Broader concept", "Broader concepts", _related("broader"),
             of_concepts=True),
    Property("narrower", "Narrower concept", "Narrower concepts", _related("narrower"),
             of_concepts=True),
    Property("instance_of", "Instance of", "Class of the concept, such as theorem",
             _related("instance_of"), of_concepts=True),
    Property("papers", "Number of papers", "Papers of the corpus that mention it", _papers),
    Property("page", "Page", "Address of the authority's page", _page),
)  # fmt: skip
PROPERTIES: Final = {held.id: held for held in _ALL}


def matching_key(value: str) -> str:
    """What of a value is compared: the local part of an identifier, without case."""
    text = value.strip()
    with suppress(InputError):
        text = ids.split_curie(ids.canonical(text))[1]
    return " ".join(unquote_plus(text).replace("_", " ").casefold().split())


class PropertyIndex:
    """Which concepts have a value of a property, and which have any."""

    def __init__(self, reader: Reader, labels: LabelIndex) -> None:
        self._labels = labels
        self._holders: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._having: dict[str, set[str]] = defaultdict(set)
        for concept, held, value in _statements(reader):
            self._holders[held][matching_key(value)].add(concept)
            self._having[held].add(concept)

    def holders(self, property_id: str, value: str) -> set[str]:
        """The concepts that have this value; none for a property that is not matched by."""
        if property_id == "name":
            return set(self._labels.exact(value))
        return self._holders.get(property_id, {}).get(matching_key(value), set())

    def has_any(self, property_id: str, concept: str) -> bool:
        """Whether anything is known of a concept's property."""
        return property_id == "name" or concept in self._having.get(property_id, ())


def _statements(reader: Reader) -> Iterable[tuple[str, str, str]]:
    """Concept, property and value of everything that is matched by."""
    kind = ox.NamedNode(vocab.expand("rdf:type"))
    concept_class = ox.NamedNode(vocab.expand("skos:Concept"))
    for quad in reader.snapshot.store.quads_for_pattern(None, kind, concept_class, _CONCEPTS):
        assert isinstance(quad.subject, ox.NamedNode)
        concept = ids.curie(quad.subject.value)
        yield from _identity(concept, concept)
    for row in reader.run("concept_terms", {}):
        concept, name = ids.curie(row["concept"].value), short_name(row["property"].value)
        if row["term"]:
            yield from _identity(concept, ids.curie(row["term"].value))
        if name == "mg:formalisedAs":
            yield concept, "lean", ids.curie(row["value"].value)
        elif name == "mg:syllabusPosition":
            yield concept, "position", row["value"].value.replace(POSITION_SEPARATOR, " > ")
        elif name == "mg:msc":
            yield concept, "msc", row["value"].value
    for member, of in classes(reader):
        yield member, "instance_of", of


def _identity(concept: str, term: str) -> Iterable[tuple[str, str, str]]:
    prefix, _ = ids.split_curie(term)
    if prefix == "wd":
        yield concept, "wikidata", term
    elif prefix in PROPERTIES:
        yield concept, prefix, term
