"""The vectors of names and definitions, by an encoder that may read Latin script only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mathgloss.embedding import EmbeddingCache, Encoder, SentenceEncoder, default_model
from mathgloss.errors import ConfigError
from mathgloss.linking.forms import is_latin

NO_ENCODER = "none"
DEFAULT_ENCODER = "auto"


class Meaning:
    """Vectors of texts, each computed once ever; the zero vector where the encoder cannot read."""

    def __init__(self, encoder: Encoder, folder: Path, *, latin_only: bool) -> None:
        self._cache = EmbeddingCache(folder, encoder)
        self.latin_only = latin_only
        self.encoder = encoder

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, (n, d).

        Raises:
            EmbeddingError: the encoder failed; what it had computed before is kept.
        """
        if not self.latin_only:
            return self._cache.vectors(texts)
        return self._cache.vectors([text if is_latin(text) else "" for text in texts])


def find_encoder(setting: str) -> Encoder | None:
    """The encoder that a setting names: ``auto``, ``none``, or a model by name or folder.

    Raises:
        ConfigError: a model is named but sentence-transformers is not installed.
    """
    from importlib.util import find_spec

    if setting == NO_ENCODER:
        return None
    installed = find_spec("sentence_transformers") is not None
    if setting == DEFAULT_ENCODER:
        model = default_model() if installed else None
        return None if model is None else SentenceEncoder(model)
    if not installed:
        raise ConfigError(
            f"MATHGLOSS_ENCODER={setting}: sentence-transformers is not installed; "
            "install the extra 'embedding', or set it to 'none'"
        )
    return SentenceEncoder(setting)
