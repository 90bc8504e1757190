"""Vectors that were computed once, on disk: SQLite, one file for each encoder."""

from __future__ import annotations

import logging
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np

from mathgloss.embedding.contract import (
    EmbeddingError,
    Encoder,
    Progress,
    Vectors,
    as_texts,
    check_vectors,
)
from mathgloss.errors import InputError

logger = logging.getLogger(__name__)

FILE: Final = "vectors.sqlite"
# texts encoded and stored together; what a failure can lose
BLOCK: Final = 1024
_KEYS_PER_QUERY: Final = 500
_BUSY_TIMEOUT_S: Final = 60.0
_STORED: Final = np.dtype("<f4")
_FINGERPRINT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TABLE: Final = """CREATE TABLE IF NOT EXISTS vectors (
    key BLOB PRIMARY KEY,      -- SHA-256 of fingerprint and text
    checksum INTEGER NOT NULL, -- CRC-32 of key and vector
    vector BLOB NOT NULL       -- float32, little-endian
)"""
_DAMAGED: Final = frozenset({
    sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ
})  # fmt: skip


class EmbeddingCache:
    """Vectors of an encoder, kept in ``<folder>/<fingerprint>/vectors.sqlite``.

    Every entry carries a checksum: one that is damaged, or of another length than the encoder's
    vectors, is computed again. A file that SQLite cannot read is replaced. Several processes and
    threads may use one folder; at worst they compute the same text twice.

    Args:
        folder: parent of the folders of all encoders; made when first written.
        encoder: computes what is not there; not called, and so not loaded, for what is.

    Raises:
        InputError: the encoder's fingerprint cannot name a folder.
    """

    def __init__(self, folder: Path, encoder: Encoder, *, block: int = BLOCK) -> None:
        if not _FINGERPRINT.fullmatch(encoder.fingerprint):
            raise InputError(
                f"{encoder.name}: expected a fingerprint of at most 100 letters, digits, '.', '_' "
                f"and '-', got {encoder.fingerprint!r}; give the encoder another"
            )
        self.path = folder / encoder.fingerprint / FILE
        self._encoder = encoder
        self._block = block

    def vectors(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Vectors of shape (n, dimension), in the order of the texts.

        Each distinct text that is not kept yet is encoded once, and kept block by block.

        Args:
            texts: any; equal ones get equal rows.
            progress: called after each block with the number of texts encoded and how many there
                are to encode; never called if everything was kept.

        Raises:
            InputError: ``texts`` is one string.
            EmbeddingError: the encoder failed or returned what is no vector, or the disk refused;
                the blocks before are kept.
        """
        texts = as_texts(texts)
        keys = [self._key(text) for text in texts]
        first: dict[bytes, int] = {}
        for place, key in enumerate(keys):
            first.setdefault(key, place)
        rows = {key: row for row, key in enumerate(first)}
        table = np.empty((len(rows), self._encoder.dimension), dtype=np.float32)
        missing = self._read(rows, table)
        for start in range(0, len(missing), self._block):
            block = missing[start : start + self._block]
            places = [first[key] for key in block]
            found = self._encode(texts, places, done=start, total=len(missing))
            table[[rows[key] for key in block]] = found
            self._write(block, found)
            if progress:
                progress(start + len(block), len(missing))
        return table if len(rows) == len(keys) else table[[rows[key] for key in keys]]

    def _key(self, text: str) -> bytes:
        head = self._encoder.fingerprint.encode() + b"\0"
        return sha256(head + text.encode("utf-8", "surrogatepass")).digest()

    def _read(self, rows: dict[bytes, int], table: Vectors) -> list[bytes]:
        """Fill the table's rows from disk; the keys that are not there, in order."""
        if not rows or not self.path.exists():
            return list(rows)
        found: dict[bytes, int] = {}
        size = table.shape[1] * _STORED.itemsize
        try:
            with self._connection() as connection:
                for key, checksum, blob in _select(connection, list(rows)):
                    row = rows.get(key)
                    if row is not None and len(blob) == size and _checksum(key, blob) == checksum:
                        table[row] = np.frombuffer(blob, dtype=_STORED)
                        found[key] = row
        except sqlite3.DatabaseError as error:
            self._replace(error)
            if found:  # what was read before the damage
                self._write(list(found), table[list(found.values())])
        return [key for key in rows if key not in found]

    def _write(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """All of a block or nothing of it."""
        stored = vectors.astype(_STORED)
        blobs = [row.tobytes() for row in stored]
        entries = [(key, _checksum(key, blob), blob) for key, blob in zip(keys, blobs, strict=True)]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._insert(entries)
            except sqlite3.DatabaseError as error:
                self._replace(error)
                self._insert(entries)
        except (sqlite3.Error, OSError) as error:
            raise self._refusal(error) from error

    def _insert(self, entries: list[tuple[bytes, int, bytes]]) -> None:
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", entries)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S)) as connection:
            connection.execute(_TABLE)
            yield connection

    def _replace(self, error: sqlite3.DatabaseError) -> None:
        """Remove a file that cannot be read, so that its entries are computed again."""
        code = getattr(error, "sqlite_errorcode", None)
        if code not in _DAMAGED:
            raise self._refusal(error) from error
        logger.warning("%s is damaged (%s); its vectors are computed again", self.path, error)
        # the journal goes first: it must not be played into the new file
        try:
            self.path.with_name(f"{FILE}-journal").unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        except OSError as refused:
            raise self._refusal(refused) from error

    def _refusal(self, error: Exception) -> EmbeddingError:
        return EmbeddingError(
            f"the cache of vectors cannot be used: {self.path}: {error}; check the disk's space "
            "and the permissions, or delete the file (it can be computed again)"
        )

    def _encode(self, texts: list[str], places: list[int], *, done: int, total: int) -> Vectors:
        """Vectors of shape (len(places), dimension) of the texts at these places."""
        try:
            found = self._encoder.encode([texts[place] for place in places])
            return check_vectors(found, len(places), self._encoder)
        except Exception as error:  # an encoder may raise anything
            raise EmbeddingError(
                f"{self._encoder.name} failed on {len(places)} texts between index {min(places)} "
                f"and {max(places)} of {len(texts)} (the first is {texts[places[0]][:60]!r}): "
                f"{type(error).__name__}: {error}; {done} of the {total} texts to encode are kept "
                f"in {self.path}; mend the cause and call again, only the rest is encoded"
            ) from error


def _select(
    connection: sqlite3.Connection, keys: list[bytes]
) -> Iterable[tuple[bytes, int, bytes]]:
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        some = keys[start : start + _KEYS_PER_QUERY]
        marks = ",".join("?" * len(some))
        query = f"SELECT key, checksum, CAST(vector AS BLOB) FROM vectors WHERE key IN ({marks})"  # noqa: S608
        yield from connection.execute(query, some)


def _checksum(key: bytes, blob: bytes) -> int:
    return zlib.crc32(blob, zlib.crc32(key))
