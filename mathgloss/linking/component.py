"""The mention finder as a spaCy component: ``nlp.add_pipe("mathgloss")``.

Works inside any English pipeline. It reads the text of a document with the finder's own words, and
leaves in ``doc.spans["mathgloss"]`` what it finds and in ``doc._.mathgloss`` the mentions with
their candidates. Words that the pipeline has tagged as verbs are not linked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spacy.tokens import Doc, Span

from mathgloss.linking.mentions import MentionFinder
from mathgloss.model import Mention

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "mathgloss"
LABEL: Final = "CONCEPT"
_FIELD: Final = "text"
_VERBS: Final = frozenset({"VERB", "AUX"})


class MathGlossComponent:
    """Fills ``doc.spans["mathgloss"]`` and ``doc._.mathgloss``.

    Args:
        finder: finds the mentions.
        categories: arXiv categories of all texts, if known.
    """

    def __init__(self, finder: MentionFinder, categories: Sequence[str] = ()) -> None:
        self._finder = finder
        self._categories = tuple(categories)
        if not Doc.has_extension(NAME):
            Doc.set_extension(NAME, default=())

    def __call__(self, doc: Doc) -> Doc:
        """The same document, with its mentions."""
        found = self._finder.find({_FIELD: doc.text}, self._categories)
        mentions = [mention for mention in found if not _is_verb(doc, mention)]
        doc._.mathgloss = tuple(mentions)
        spans = [_span(doc, mention) for mention in mentions if mention.concept is not None]
        doc.spans[NAME] = [span for span in spans if span is not None]
        return doc


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
