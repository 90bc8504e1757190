"""Which concepts a definition is taken to be written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mathgloss import vocab
from mathgloss.linking.definitions import DEFINITION_LINK, definitions_name
from mathgloss.model import (
    Definition,
    Label,
    Licence,
    Mention,
    ParsedSource,
    Relation,
    SourceInfo,
    Term,
)


class Words:
    """Finds each known word, as sure as it is told."""

    def __init__(self, **confidence: float) -> None:
        self._confidence = confidence

    def find(self, fields: Mapping[str, str], categories: Sequence[str] = ()) -> list[Mention]:
        text = fields["text"]
        found = []
        for name, confidence in self._confidence.items():
            surface = name.replace("_", " ")
            if (start := text.find(surface)) >= 0:
                end = start + len(surface)
                found.append(
                    Mention(
                        field="text",
                        start=start,
                        end=end,
                        surface=surface,
                        concept=f"wd:{name}",
                        label=surface,
                        confidence=confidence,
                    )
                )
        return sorted(found, key=lambda mention: mention.start)


def source(
    name: str,
    definition: str,
    *,
    lang: str = "en",
    served: bool = True,
    relations: tuple[Relation, ...] = (),
) -> ParsedSource:
    licence = Licence(name="CC0-1.0", url=None, redistributable=served)
    info = SourceInfo(name=name, title=name, homepage="https://example.org", licence=licence)
    term = Term(
        id=f"{name}:thing",
        source=name,
        labels=(Label(text="thing", lang="en"),),
        definition=Definition(text=definition, lang=lang),
    )
    return ParsedSource(info=info, read=1, terms=(term,), relations=relations)


CONCEPTS = {"a:thing": "wd:thing", "b:thing": "wd:thing", "a:ring": "wd:ring"}
FINDER = Words(group=0.95, operation=0.95, open_cover=0.95, order=0.95, factor=0.5, thing=0.99)


def named(*sources: ParsedSource) -> dict[str, list[tuple[str, str]]]:
    return definitions_name(sources, CONCEPTS, FINDER)


def test_the_only_definition_is_believed_word_by_word() -> None:
    assert named(source("a", "group with an operation")) == {
        "a": [("wd:thing", "wd:group"), ("wd:thing", "wd:operation")]
    }


def test_of_two_definitions_a_word_said_in_passing_by_one_does_not_count() -> None:
    found = named(
        source("a", "group with an operation"),
        source("b", "group in which the operation does not mind the order"),
    )
    pairs = [("wd:thing", "wd:group"), ("wd:thing", "wd:operation")]
    assert found == {"a": pairs, "b": pairs}


def test_what_comes_first_and_what_has_several_words_counts_by_itself() -> None:
    found = named(
        source("a", "group in which every open cover has an order"), source("b", "operation")
    )
    assert found["a"] == [("wd:thing", "wd:group"), ("wd:thing", "wd:open_cover")]
    assert found["b"] == [("wd:thing", "wd:operation")]


def test_unsure_words_and_the_concept_itself_do_not_count() -> None:
    assert named(source("a", "thing with a factor")) == {}


def test_an_authors_link_counts_and_other_relations_do_not() -> None:
    def relation(via: str) -> Relation:
        return Relation(subject="a:thing", predicate=vocab.LINKS_TO, object="a:ring", via=via)

    linked = named(source("a", "nothing known", relations=(relation(DEFINITION_LINK),)))
    assert linked == {"a": [("wd:thing", "wd:ring")]}
    assert named(source("a", "nothing known", relations=(relation("wikilink"),))) == {}


def test_definitions_that_may_not_be_served_or_are_not_english_are_not_read() -> None:
    assert named(source("a", "group", served=False)) == {}
    assert named(source("a", "group", lang="fr")) == {}
