"""One fixed way to score the linking of terms and of mentions, with the measures spelled out."""

from mathgloss.evaluation.gold_texts import (
    Document,
    GoldMention,
    GoldPaper,
    GoldSentence,
    read_documents,
    read_papers,
    read_sentences,
)
from mathgloss.evaluation.mentions import (
    WordScores,
    score_documents,
    score_keywords,
    score_sentences,
    score_word,
)
from mathgloss.evaluation.sets import score_sets
from mathgloss.evaluation.terms import Case, Prediction, TermScores, score
from mathgloss.evaluation.text_scores import TextScores
from mathgloss.linking.gold import GoldTerm, read_terms

__all__ = [
    "Case",
    "Document",
    "GoldMention",
    "GoldPaper",
    "GoldSentence",
    "GoldTerm",
    "Prediction",
    "TermScores",
    "TextScores",
    "WordScores",
    "read_documents",
    "read_papers",
    "read_sentences",
    "read_terms",
    "score",
    "score_documents",
    "score_keywords",
    "score_sentences",
    "score_sets",
    "score_word",
]
