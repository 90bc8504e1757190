"""The French undergraduate syllabus: where a concept stands in it, and what is taught before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mathgloss.answers.paging import Answer
from mathgloss.graph.facts import Topic


class Syllabus:
    """The topics of a snapshot's syllabus in their order."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.topics = tuple(topics)
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, topic in enumerate(self.topics):
            if topic.concept is not None:
                self._places[topic.concept].append(place)

    def positions(self, concept: str) -> list[list[str]]:
        """The positions of a concept, each from the chapter down."""
        return [list(self.topics[place].position) for place in self._places.get(concept, ())]

    def taught_before(self, concept: str, limit: int) -> list[Answer]:
        """The last topics before the first one of the concept, within its chapter, in order."""
        places = self._places.get(concept)
        if not places:
            return []
        chapter = self.topics[places[0]].position[0]
        before = [t for t in self.topics[: places[0]] if t.position[0] == chapter]
        return [topic_answer(topic) for topic in before[-limit:]]


def topic_answer(topic: Topic) -> Answer:
    """A topic as answers give it; ``concept`` is null where the topic is mapped to none."""
    return {
        "id": topic.term,
        "concept": topic.concept,
        "position": list(topic.position),
        "formalised": topic.formalised,
    }
