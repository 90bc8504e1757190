"""Getting a file: from the mirror when one is set, else over HTTP, never half a file."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from mathgloss import __version__
from mathgloss.config import Settings
from mathgloss.errors import SourceError
from mathgloss.model import RawFile

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 10
READ_TIMEOUT_S: Final = 90
CHUNK_BYTES: Final = 1 << 20
MEBIBYTE: Final = 1 << 20
# a longer Retry-After is cut to this: a refresh that hangs for hours helps nobody
MAX_RETRY_AFTER_S: Final = 120
# statuses that upstreams use for "later": WDQS and arXiv answer 429, gateways 502-504
RETRIED_STATUSES: Final = (429, 500, 502, 503, 504)


def new_session(contact: str, *, retries: int = 4, backoff_s: float = 2.0) -> requests.Session:
    """A session that names itself, retries politely and honours ``Retry-After``."""
    session = requests.Session()
    session.headers["User-Agent"] = f"mathgloss/{__version__} (+{contact})"
    retry = Retry(
        total=retries,
        backoff_factor=backoff_s,
        status_forcelist=RETRIED_STATUSES,
        allowed_methods=frozenset({"GET", "POST"}),
        respect_retry_after_header=True,
        retry_after_max=MAX_RETRY_AFTER_S,
        raise_on_status=False,
    )
    adapter = HTTPAdapter(max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def now_utc() -> str:
    """The present moment, UTC, to the second, in ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Fetcher:
    """Fetches files for sources.

    Attributes:
        settings: mirror, home and contact address.
        session: used for HTTP; with a mirror it is never touched.
    """

    def __init__(self, settings: Settings, session: requests.Session | None = None) -> None:
        self.settings = settings
        self.session = session or new_session(settings.contact)

    def fetch(self, url: str, *, source: str, max_bytes: int) -> RawFile:
        """The file at ``url``.

        With a mirror it is read in place at ``<mirror>/<host>/<path>``. Over HTTP it is streamed to
        a temporary file and renamed; an unchanged file (ETag, Last-Modified) is not sent again.

        Raises:
            SourceError: missing, not answered, an error status, or more than ``max_bytes``.
        """
        if self.settings.mirror is not None:
            return self._from_mirror(url, self.settings.mirror, max_bytes)
        return self._from_network(url, source, max_bytes)

    def local(self, path: Path, *, max_bytes: int) -> RawFile:
        """A file of the user's own, read in place.

        Raises:
            SourceError: it is not there, cannot be read, or is larger than ``max_bytes``.
        """
        return _read_in_place(path, path.name, max_bytes, "name a readable file", "a file")

    def _from_mirror(self, url: str, mirror: Path, max_bytes: int) -> RawFile:
        parts = urlsplit(url)
        path = mirror / (parts.hostname or "") / unquote(parts.path).lstrip("/")
        path = path.with_name(_file_name(url)) if parts.query else path
        return _read_in_place(
            path,
            url,
            max_bytes,
            "put the file there, or unset MATHGLOSS_MIRROR to fetch from the network",
            f"a copy of {url}",
        )

    def _from_network(self, url: str, source: str, max_bytes: int) -> RawFile:
        target = self.settings.layout.raw / source / _file_name(url)
        known = read_meta(target)
        headers = {}
        if known and known.get("url") == url:
            headers = {
                header: known[key]
                for header, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
                if known.get(key)
            }
        try:
            with self.session.get(
                url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            ) as response:
                if response.status_code == requests.codes.not_modified and known:
                    return raw_from_meta(known, target)
                return _store(response, url, target, max_bytes)
        except requests.RequestException as error:
            raise SourceError(
                "the source did not answer",
                where=url,
                expected="a file",
                got=f"{type(error).__name__}: {error}",
                advice="check the network and try again; the data fetched before stay in use",
            ) from error


def _file_name(url: str) -> str:
    """A file name of its own for each address: those that differ only in the query, too."""
    parts = urlsplit(url)
    name = Path(unquote(parts.path)).name or "index"
    if not parts.query:
        return name
    return f"{name}-{hashlib.sha256(parts.query.encode()).hexdigest()[:16]}"


def _read_in_place(path: Path, url: str, max_bytes: int, advice: str, expected: str) -> RawFile:
    if not path.is_file():
        raise SourceError(
            "missing file", where=str(path), expected=expected, got="no such file", advice=advice
        )
    size = path.stat().st_size
    if size > max_bytes:
        raise _too_large(str(path), max_bytes, f"{size} bytes")
    return RawFile(
        url=url,
        path=str(path),
        sha256=sha256_of(path),
        size_bytes=size,
        retrieved=now_utc(),
    )


def _too_large(where: str, max_bytes: int, got: str) -> SourceError:
    return SourceError(
        "the file is too large",
        where=where,
        expected=f"at most {max_bytes} bytes",
        got=got,
        advice="check that the address still serves the file that it did",
    )


def _store(response: requests.Response, url: str, target: Path, max_bytes: int) -> RawFile:
    if response.status_code != requests.codes.ok:
        raise SourceError(
            "the source refused",
            where=url,
            expected="status 200",
            got=f"status {response.status_code} {response.reason}",
            advice="try again later; the data fetched before stay in use",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    digest = hashlib.sha256()
    size = 0
    with temporary.open("wb") as stream:
        for chunk in response.iter_content(CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(url, max_bytes, f"more than {max_bytes} bytes")
            digest.update(chunk)
            stream.write(chunk)
    promised = response.headers.get("Content-Length")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    if promised is not None and promised.isdecimal() and not encoded and int(promised) != size:
        raise SourceError(
            "the file was cut short",
            where=url,
            expected=f"{promised} bytes",
            got=f"{size} bytes",
            advice="try again; the data fetched before stay in use",
        )
    temporary.replace(target)
    raw = RawFile(
        url=url,
        path=str(target),
        sha256=digest.hexdigest(),
        size_bytes=size,
        retrieved=now_utc(),
    )
    write_meta(
        target,
        raw,
        etag=response.headers.get("ETag", ""),
        modified=response.headers.get("Last-Modified", ""),
    )
    return raw


def _meta_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.meta.json")


def read_meta(target: Path) -> dict[str, str] | None:
    """What was noted when ``target`` was fetched; ``None`` if it is not there whole."""
    try:
        meta = json.loads(_meta_path(target).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(meta, dict) or not target.is_file():
        return None
    return {str(key): str(value) for key, value in meta.items()}


def write_meta(target: Path, raw: RawFile, **extra: str) -> None:
    """Note beside ``target`` where it came from, so that an unchanged file is not fetched again."""
    meta = {
        "url": raw.url,
        "sha256": raw.sha256,
        "size_bytes": str(raw.size_bytes),
        "retrieved": raw.retrieved,
        **extra,
    }
    temporary = _meta_path(target).with_suffix(".part")
    temporary.write_text(json.dumps(meta, indent=1, sort_keys=True), encoding="utf-8")
    temporary.replace(_meta_path(target))


def raw_from_meta(meta: dict[str, str], target: Path) -> RawFile:
    """The record of a file fetched before, from what was noted beside it."""
    return RawFile(
        url=meta["url"],
        path=str(target),
        sha256=meta["sha256"],
        size_bytes=int(meta["size_bytes"]),
        retrieved=meta["retrieved"],
    )
