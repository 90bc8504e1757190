"""From texts to vectors of unit length, by any model of sentence-transformers."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mathgloss.embedding.contract import (
    EmbeddingError,
    Progress,
    Vectors,
    as_texts,
    check_vectors,
)
from mathgloss.embedding.loading import best_device, load_model, weights_digest
from mathgloss.embedding.model_files import folder_digest, folder_dimension, folder_name

# texts between two reports of progress
_REPORT_EVERY: Final = 1024


class SentenceEncoder:
    """A model of sentence-transformers; it is loaded when it is first needed.

    A text longer than the model reads is cut by the model; control characters count as spaces.
    The last bits of a vector may depend on the texts that it was encoded with. May be shared by
    threads.

    Args:
        model: folder of a model, or a name on the Hugging Face hub. For a folder the hub is never
            contacted.
        device: as PyTorch names it; by default ``cuda``, else ``mps``, else ``cpu``. Half
            precision on any but ``cpu``.
        batch_size: texts encoded at a time.
    """

    def __init__(
        self, model: str | Path, device: str | None = None, *, batch_size: int = 64
    ) -> None:
        self._folder = _folder(model)
        self._model = str(model)
        self._device = device
        self._batch_size = batch_size
        self._loaded: Any = None
        self._fingerprint: str | None = None
        self._dimension: int | None = None
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """The name on the hub; for a folder of another model, the folder's name."""
        return folder_name(self._folder) if self._folder else self._model

    @property
    def device(self) -> str:
        """Where the model runs."""
        if self._device is None:
            self._device = best_device()
        return self._device

    @property
    def precision(self) -> str:
        """``float32`` on a CPU, ``float16`` elsewhere."""
        return "float32" if self.device.partition(":")[0] == "cpu" else "float16"

    @property
    def fingerprint(self) -> str:
        """Digest of weights and configuration, and the precision.

        A folder's is read from its files; a model from the hub is loaded for it.
        """
        if self._fingerprint is None:
            if self._folder:
                self._fingerprint = f"{folder_digest(self._folder)[:32]}-{self.precision}"
            else:
                self._load()
        assert self._fingerprint is not None
        return self._fingerprint

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        if self._dimension is None:
            known = folder_dimension(self._folder) if self._folder else None
            self._dimension = known or int(self._load().get_embedding_dimension())
        return self._dimension

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Vectors of shape (n, dimension), in order; zero where a text has nothing to read.

        Args:
            texts: of any length, may be empty.
            progress: called with the number of texts done and their total.

        Raises:
            InputError: ``texts`` is one string.
            EmbeddingError: the model cannot be loaded, or fails on these texts.
        """
        cleaned = [_clean(text) for text in as_texts(texts)]
        readable = [place for place, text in enumerate(cleaned) if _has_content(text)]
        vectors = np.zeros((len(cleaned), self.dimension), dtype=np.float32)
        for start in range(0, len(readable), _REPORT_EVERY):
            places = readable[start : start + _REPORT_EVERY]
            vectors[places] = self._encode([cleaned[place] for place in places])
            if progress:
                progress(len(cleaned) - len(readable) + start + len(places), len(cleaned))
        return vectors

    def _encode(self, texts: list[str]) -> Vectors:
        model = self._load()
        try:
            with self._lock:  # tokenizers fail if threads share them
                raw = model.encode(
                    texts,
                    batch_size=self._batch_size,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
        except RuntimeError as error:  # what PyTorch raises, out of memory among it
            raise EmbeddingError(
                f"{self.name} fails on {len(texts)} texts on {self.device}: {error}; "
                f"try a batch_size below {self._batch_size}, or device 'cpu'"
            ) from error
        vectors = np.asarray(raw, dtype=np.float32)
        # half precision leaves lengths off by a thousandth
        with np.errstate(all="ignore"):  # what is not finite is reported by the check
            lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
            vectors = np.where(lengths > 0, vectors / lengths, vectors)
        return check_vectors(vectors, len(texts), self)

    def _load(self) -> Any:
        with self._lock:
            if self._loaded is None:
                model = load_model(self._model, self._folder, self.device)
                if not self._folder:
                    digest = weights_digest(self._model, model)[:32]
                    self._fingerprint = f"{digest}-{self.precision}"
                self._loaded = model.half() if self.precision == "float16" else model
        return self._loaded


def _folder(model: str | Path) -> Path | None:
    """The model's folder; ``None`` if it is a name on the hub."""
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    meant = isinstance(model, Path) or model.startswith((".", "~")) or path.is_absolute()
    if meant or len(path.parts) > 2:
        raise EmbeddingError(
            f"no model at {str(model)!r}: expected a folder with a sentence-transformers model, "
            "got no folder; give an existing one, or a model's name on the hub"
        )
    return None


def _clean(text: str) -> str:
    """The text with control characters and lone surrogates, which no tokenizer reads, as spaces."""
    if text.isprintable():
        return text
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs"} else character for character in text
    )


def _has_content(text: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in text)
