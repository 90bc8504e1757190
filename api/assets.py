"""Static files, packed: libraries have a gzipped copy beside them, our own are packed once."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import Response, request, send_from_directory

from api.responses import accepts_gzip

FOLDER: Final = Path(__file__).parent / "static"
_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_YEAR_S: Final = 31_536_000
_HOUR_S: Final = 3_600
_PACKED_FROM_BYTES: Final = 500


def serve(filename: str) -> Response:
    """A file that pages need; an address with a version never changes its content."""
    versioned = "v" in request.args
    max_age = _YEAR_S if versioned else _HOUR_S
    media_type = _MEDIA_TYPES.get(Path(filename).suffix, "application/octet-stream")
    beside = f"{filename}.gz"
    packed = accepts_gzip() and (FOLDER / beside).is_file()
    response = send_from_directory(
        FOLDER, beside if packed else filename, mimetype=media_type, max_age=max_age
    )
    if not packed and accepts_gzip() and response.status_code == 200 and _is_text(media_type):
        packed = _pack(response, FOLDER / filename)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    if versioned:
        response.cache_control.immutable = True
    return response


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type.endswith("+xml")


def _pack(response: Response, path: Path) -> bool:
    """Put the packed file into the response in place of the plain one, if it is worth it."""
    status = path.stat()
    if status.st_size < _PACKED_FROM_BYTES:
        return False
    response.close()
    response.direct_passthrough = False
    response.set_data(_packed(path, status.st_mtime_ns))
    response.set_etag(f"{response.get_etag()[0]}-gz")
    return True


@lru_cache(maxsize=64)
def _packed(path: Path, _changed_ns: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)
