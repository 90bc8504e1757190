"""SPARQL 1.1 endpoints to read from: a URL, or an RDF file opened as an embedded store.

Both answer the same queries with the same terms, so nothing else need know which one it is.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Protocol, cast

import pyoxigraph as ox
import requests

from ingest.fetch import CONNECT_TIMEOUT_S
from mathgloss.errors import SourceError

logger = logging.getLogger(__name__)

Row = tuple[ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple | None, ...]

# WDQS stops a query after 60 s; waiting longer only hides that
QUERY_TIMEOUT_S: Final = 75
MAX_RDF_BYTES: Final = 8 << 30
RESULTS_JSON: Final = "application/sparql-results+json"

_FORMATS: Final = {
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".ttl": ox.RdfFormat.TURTLE,
    ".nq": ox.RdfFormat.N_QUADS,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
}


class Endpoint(Protocol):
    """Something that answers SELECT queries."""

    def select(self, query: str) -> Iterator[Row]:
        """The rows of a SELECT query, one value for each variable in its order."""
        ...


class EmbeddedEndpoint:
    """An RDF file in memory; its format is told by its name, gzipped or not."""

    def __init__(self, path: Path) -> None:
        suffixes = path.suffixes
        packed = bool(suffixes) and suffixes[-1] == ".gz"
        suffix = (suffixes[:-1] if packed else suffixes)[-1:]
        rdf_format = _FORMATS.get(suffix[0]) if suffix else None
        if rdf_format is None:
            raise SourceError(
                "the Wikidata file is of no known RDF format",
                where=str(path),
                expected="a name ending in " + ", ".join(_FORMATS) + " (and .gz)",
                got=repr(path.name),
                advice="rename the file to what it is, or give an endpoint URL",
            )
        self._store = ox.Store()
        try:
            with gzip.open(path) if packed else path.open("rb") as stream:
                self._store.bulk_load(cast("IO[bytes]", _Limited(stream, path)), format=rdf_format)
        except (SyntaxError, OSError, EOFError, ValueError, zlib.error) as error:
            raise SourceError(
                "the Wikidata file cannot be read",
                where=str(path),
                expected=f"whole, well-formed {rdf_format.name}",
                got=f"{type(error).__name__}: {error}",
                advice="fetch the file again; the data read before stay in use",
            ) from error

    def select(self, query: str) -> Iterator[Row]:
        """The rows of a SELECT query."""
        solutions = self._store.query(query, use_default_graph_as_union=True)
        if not isinstance(solutions, ox.QuerySolutions):
            raise TypeError("a SELECT query is expected")
        return (tuple(solution) for solution in solutions)


class _Limited:
    """A binary stream that refuses to give more than ``MAX_RDF_BYTES`` (gzip bombs)."""

    def __init__(self, stream: object, path: Path) -> None:
        self._read = stream.read  # type: ignore[attr-defined]
        self._path = path
        self._left = MAX_RDF_BYTES

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._read(size if size >= 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"more than {MAX_RDF_BYTES} bytes when unpacked")
        return data


class HttpEndpoint:
    """A SPARQL 1.1 Protocol endpoint by URL; only what every engine offers is used."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._url = url
        self._session = session

    def select(self, query: str) -> Iterator[Row]:
        """The rows of a SELECT query.

        Raises:
            SourceError: no answer, an error status, or an answer that is no SPARQL result.
        """
        try:
            response = self._session.post(
                self._url,
                data={"query": query},
                headers={"Accept": RESULTS_JSON},
                timeout=(CONNECT_TIMEOUT_S, QUERY_TIMEOUT_S),
            )
        except requests.RequestException as error:
            raise self._failure(f"{type(error).__name__}: {error}", "check the network") from error
        if response.status_code != requests.codes.ok:
            raise self._failure(
                f"status {response.status_code}: {_first_line(response.text)}",
                "the endpoint is busy or refuses; try again later",
            )
        return iter(self._rows(response))

    def _rows(self, response: requests.Response) -> list[Row]:
        try:
            return _parse_rows(response.content)
        except (SyntaxError, ValueError) as error:
            problem = str(error)
        # raised here: no frame of it holds pyoxigraph's rows, which must die in this thread
        kind = response.headers.get("Content-Type", "no content type")
        raise self._failure(
            f"{kind}: {_first_line(response.text)} ({problem})",
            "check that the address is a SPARQL endpoint",
        )

    def _failure(self, got: str, advice: str) -> SourceError:
        return SourceError(
            "the SPARQL endpoint gave no usable answer",
            where=self._url,
            expected="status 200 with SPARQL JSON results",
            got=got,
            advice=f"{advice}; the data fetched before stay in use",
        )


def _parse_rows(content: bytes) -> list[Row]:
    """The rows of SPARQL JSON results.

    Raises:
        ValueError: a boolean where rows were asked for.
    """
    solutions = ox.parse_query_results(content, format=ox.QueryResultsFormat.JSON)
    if not isinstance(solutions, ox.QuerySolutions):
        raise ValueError("a boolean instead of rows")
    return [tuple(solution) for solution in solutions]


def _first_line(text: str) -> str:
    stripped = text.strip()
    return repr(stripped.splitlines()[0][:120]) if stripped else "an empty body"


def open_endpoint(address: str, session: requests.Session) -> Endpoint:
    """The endpoint for a URL or an RDF file's path.

    Raises:
        SourceError: the file is missing, of unknown format or broken.
    """
    if address.startswith(("http://", "https://")):
        return HttpEndpoint(address, session)
    path = Path(address)
    if not path.is_file():
        raise SourceError(
            "missing Wikidata file",
            where=address,
            expected="an RDF file or an endpoint URL",
            got="no such file",
            advice="correct --wikidata-endpoint or MATHGLOSS_WIKIDATA_ENDPOINT",
        )
    return EmbeddedEndpoint(path)
