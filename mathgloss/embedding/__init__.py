"""Sentence embeddings: encoders, a cache of their vectors on disk, exact nearest neighbours.

Importing this costs numpy; PyTorch and sentence-transformers wait until a model is needed.
"""

from mathgloss.embedding.cache import EmbeddingCache
from mathgloss.embedding.contract import EmbeddingError, Encoder
from mathgloss.embedding.encoder import SentenceEncoder
from mathgloss.embedding.model_files import default_model
from mathgloss.embedding.search import nearest

__all__ = [
    "EmbeddingCache",
    "EmbeddingError",
    "Encoder",
    "SentenceEncoder",
    "default_model",
    "nearest",
]
