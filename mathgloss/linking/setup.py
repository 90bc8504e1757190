"""With what a build or a command links: the trained model and, perhaps, an encoder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mathgloss.config import Settings
from mathgloss.embedding import Encoder
from mathgloss.linking.meaning import Meaning, find_encoder
from mathgloss.linking.ranking import BUNDLED_MODEL, RankingModel, load_model


@dataclass(frozen=True, slots=True)
class LinkingSetup:
    """The trained model and the encoder, with a key that changes when either does."""

    model: RankingModel
    encoder: Encoder | None
    embeddings: Path
    key: str

    def meaning(self) -> Meaning | None:
        """The encoder's vectors; ``None`` without an encoder."""
        if self.encoder is None:
            return None
        return Meaning(self.encoder, self.embeddings, latin_only=self.model.latin_only)


def linking_setup(settings: Settings) -> LinkingSetup:
    """What the settings name; loads no encoder yet.

    Raises:
        ConfigError: a model is named but sentence-transformers is not installed.
        DataNotFoundError, InputError: the trained linker is not there, or is none.
    """
    path = settings.linker or BUNDLED_MODEL
    model = load_model(path)
    encoder = find_encoder(settings.encoder) if model.encoder else None
    parts = (path.read_text(encoding="utf-8"), encoder.name if encoder is not None else "none")
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return LinkingSetup(model, encoder, settings.layout.embeddings, key)
