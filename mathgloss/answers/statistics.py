"""Numbers about a snapshot: what is in which source, what is formalised, what is missing where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from mathgloss.answers.facets import facets
from mathgloss.answers.languages import ENGLISH, reference, shown_names
from mathgloss.answers.paging import Answer
from mathgloss.answers.syllabus import topic_answer
from mathgloss.graph.facts import FORMALISED, ITEM, Facts, Topic
from mathgloss.graph.reader import Reader

if TYPE_CHECKING:
    from mathgloss.answers.service import Answers

LISTED: Final = 30
OVERLAPS: Final = 20


def statistics(answers: Answers) -> Answer:
    """All numbers of a snapshot."""
    facts = answers.facts
    counts = answers.snapshot.manifest.counts
    return {
        "concepts": len(facts.concepts),
        "papers": counts["papers"],
        "mentions": counts["mentions"],
        "mappings": counts["mappings"],
        "mappings_by_source": _mappings(answers.reader),
        "holds": facets(facts, facts.all),
        "without_item": facets(facts, facts.all & ~facts.of(ITEM)),
        "sources": _sources(answers),
        "overlaps": _overlaps(facts),
        "languages": _languages(facts),
        "syllabus": _syllabus(answers.syllabus.topics),
        "most_mentioned": _most_mentioned(answers, facts.all),
        "not_formalised": _most_mentioned(answers, facts.all & ~facts.of(FORMALISED)),
        "snapshot": answers.snapshot.id,
    }


def _sources(answers: Answers) -> list[Answer]:
    """Each source with its concepts, and those that it shares with each other one."""
    facts = answers.facts
    names = facts.values("source")
    return [
        {
            "name": name,
            "title": answers.source_titles.get(name, name),
            "concepts": facts.of("source", name).bit_count(),
            "formalised": (facts.of("source", name) & facts.of(FORMALISED)).bit_count(),
            "without_item": (facts.of("source", name) & ~facts.of(ITEM)).bit_count(),
            "shared": {
                other: (facts.of("source", name) & facts.of("source", other)).bit_count()
                for other in names
                if other != name
            },
        }
        for name in sorted(names, key=lambda name: -facts.of("source", name).bit_count())
    ]


def _mappings(reader: Reader) -> dict[str, dict[str, int]]:
    """Mappings of each source's or authority's terms, by set."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in reader.run("mapping_counts", {}):
        found[row["source"].value][row["set"].value] = int(row["count"].value)
    return dict(found)


def _overlaps(facts: Facts) -> list[Answer]:
    """The commonest sets of sources that have a concept, exactly these and no other."""
    names = facts.values("source")
    parts: list[tuple[tuple[str, ...], int]] = [((), facts.all)]
    for name in names:
        bits = facts.of("source", name)
        halves = [((*held, name), part & bits) for held, part in parts]
        halves += [(held, part & ~bits) for held, part in parts]
        parts = [(held, part) for held, part in halves if part]
    parts.sort(key=lambda item: (-item[1].bit_count(), item[0]))
    return [
        {
            "sources": list(held),
            "without": [name for name in names if name not in held],
            "concepts": part.bit_count(),
        }
        for held, part in parts[:OVERLAPS]
    ]


def _languages(facts: Facts) -> list[Answer]:
    """Languages by the number of concepts that have a name in them."""
    counts = [(lang, facts.of("lang", lang).bit_count()) for lang in facts.values("lang")]
    return [
        {"lang": lang, "concepts": count, "missing": len(facts.concepts) - count}
        for lang, count in sorted(counts, key=lambda item: (-item[1], item[0]))
    ]


def _syllabus(topics: tuple[Topic, ...]) -> Answer:
    """How many topics have a Wikidata item and are formalised, and which are not, by chapter."""
    chapters: dict[str, list[Topic]] = defaultdict(list)
    for topic in topics:
        chapters[topic.position[0]].append(topic)
    return _tally(topics) | {
        "chapters": [
            {
                "chapter": chapter,
                **_tally(held),
                "not_formalised": [topic_answer(topic) for topic in held if not topic.formalised],
            }
            for chapter, held in chapters.items()
        ]
    }


def _tally(topics: Sequence[Topic]) -> Answer:
    return {
        "topics": len(topics),
        "with_item": sum((topic.concept or "").startswith("wd:") for topic in topics),
        "formalised": sum(topic.formalised for topic in topics),
    }


def _most_mentioned(answers: Answers, selected: int) -> list[Answer]:
    """Of the selected concepts those that most papers mention."""
    mentioned = answers.mentioned
    chosen = set(answers.facts.listed(selected & answers.facts.bits_of(mentioned)))
    ranked = sorted(chosen, key=lambda concept: (-mentioned[concept].papers, concept))
    best = ranked[:LISTED]
    names = shown_names(answers.index, best, ENGLISH)
    return [
        {
            **reference(concept, names[concept]),
            "papers": mentioned[concept].papers,
            "mentions": mentioned[concept].mentions,
        }
        for concept in best
    ]
