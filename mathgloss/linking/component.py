"""The mention finder as a spaCy component: ``nlp.add_pipe("mathgloss")``.

Works inside any English pipeline. It reads the text of a document with the finder's own words, and
leaves in ``doc.spans["mathgloss"]`` what it links, in ``doc.ents`` the same as entities, and in
``doc._.mathgloss`` all mentions with their candidates. Words that the pipeline has tagged as verbs
are not linked.

A document with its mentions can be stored and sent to another process. A saved pipeline holds the
component's settings, not the names: it reads the snapshot that is published where it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from spacy.tokens import Doc, Span

from mathgloss.linking.mentions import MentionFinder
from mathgloss.model import Candidate, Mention

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "mathgloss"
LABEL: Final = "CONCEPT"
_FIELD: Final = "text"
_VERBS: Final = frozenset({"VERB", "AUX"})


class MathGlossComponent:
    """Fills ``doc.spans["mathgloss"]``, ``doc.ents`` and ``doc._.mathgloss``.

    Args:
        finder: finds the mentions.
        categories: arXiv categories of all texts, if known.
        overwrite_ents: whether linked mentions take the place of entities that were set before and
            overlap them; else those stay, and such a mention is no entity.
    """

    def __init__(
        self,
        finder: MentionFinder,
        categories: Sequence[str] = (),
        *,
        overwrite_ents: bool = False,
    ) -> None:
        self._finder = finder
        self._categories = tuple(categories)
        self._overwrite_ents = overwrite_ents
        if not Doc.has_extension(NAME):
            Doc.set_extension(NAME, getter=mentions_of)

    def __call__(self, doc: Doc) -> Doc:
        """The same document, with its mentions."""
        found = self._finder.find({_FIELD: doc.text}, self._categories)
        mentions = [mention for mention in found if not _is_verb(doc, mention)]
        linked = (_span(doc, mention) for mention in mentions if mention.concept is not None)
        spans = [span for span in linked if span is not None]
        others = _entities_of_others(doc)
        ranked = (*spans, *others) if self._overwrite_ents else (*others, *spans)
        # plain data: spaCy stores a document's own data as MessagePack
        doc.user_data[NAME] = [asdict(mention) for mention in mentions]
        doc.spans[NAME] = spans
        doc.ents = _without_overlaps(ranked)
        return doc


def mentions_of(doc: Doc) -> tuple[Mention, ...]:
    """The mentions that the component has left in a document: ``doc._.mathgloss``."""
    return tuple(
        Mention(**{
            **stored,
            "candidates": tuple(Candidate(**other) for other in stored["candidates"]),
        })
        for stored in doc.user_data.get(NAME, ())
    )


def _entities_of_others(doc: Doc) -> list[Span]:
    """Entities that were not set by an earlier reading of this component."""
    own = {(span.start, span.end, span.kb_id) for span in doc.spans.get(NAME, ())}
    return [span for span in doc.ents if (span.start, span.end, span.kb_id) not in own]


def _without_overlaps(ranked: Iterable[Span]) -> list[Span]:
    """The spans, less those that share a token with an earlier one."""
    taken: set[int] = set()
    kept = []
    for span in ranked:
        tokens = range(span.start, span.end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            kept.append(span)
    return kept


def _span(doc: Doc, mention: Mention) -> Span | None:
    """The mention as a span of the document's own tokens; a part of a token counts as the whole."""
    return doc.char_span(
        mention.start,
        mention.end,
        label=LABEL,
        kb_id=mention.concept or "",
        alignment_mode="expand",
    )


def _is_verb(doc: Doc, mention: Mention) -> bool:
    """Whether the pipeline's tagger, if it has one, calls a single word a verb."""
    span = _span(doc, mention)
    return span is not None and len(span) == 1 and span[0].pos_ in _VERBS
