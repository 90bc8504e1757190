"""Wikidata: the items about mathematics, over any SPARQL 1.1 endpoint.

Homepage: https://www.wikidata.org. Licence: CC0-1.0.

Fetching asks an endpoint for a *slice*: which items (by class or identifier, see
``wikidata_scope``), then in batches of at most 200 items their statements. The slice is kept as
sorted N-Triples in Wikidata's own RDF mapping, so that it can serve as the endpoint of a later run.
Only plain SPARQL is used: no label service, no hints, no federation.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, cast
from urllib.parse import unquote, unquote_plus

import pyoxigraph as ox

from ingest import wikidata_scope as scope
from ingest.endpoint import Endpoint, Row, open_endpoint
from ingest.fetch import Fetcher, now_utc, raw_from_meta, read_meta, sha256_of, write_meta
from ingest.source import Source
from ingest.wikidata_queries import (
    ABOUT,
    ALIAS,
    DESCRIPTION,
    DIRECT,
    ENGLISH_WIKIPEDIA,
    ENTITY,
    IS_PART_OF,
    LABEL,
    NAME,
    articles_query,
    items_query,
    scope_patterns,
    statements_query,
)
from mathgloss.config import WIKIDATA_QUERY_SERVICE, Settings
from mathgloss.errors import ParseError, SourceError
from mathgloss.ids import is_qid, nlab_curie
from mathgloss.model import (
    Definition,
    FormalLink,
    Label,
    LabelKind,
    Licence,
    ParsedSource,
    RawFile,
    Reference,
    Rejection,
    Relation,
    SourceInfo,
    Term,
    TermKind,
)

logger = logging.getLogger(__name__)

INFO: Final = SourceInfo(
    name="wikidata",
    title="Wikidata",
    homepage="https://www.wikidata.org",
    licence=Licence(
        name="CC0-1.0",
        url="https://creativecommons.org/publicdomain/zero/1.0/",
        redistributable=True,
    ),
)

BATCH_ITEMS: Final = 200  # WDQS times out on larger VALUES lists
PAGE_ROWS: Final = 5000
MIRROR_SLICE: Final = Path("wikidata") / "wikidata-slice.nt.gz"

# ------------------------------------------------------------------------------------------ fetch


def endpoint_address(settings: Settings) -> str:
    """The endpoint to ask: as set, else the slice in the mirror, else the live service."""
    if settings.wikidata_endpoint is not None:
        return settings.wikidata_endpoint
    if settings.mirror is not None:
        return str(settings.mirror / MIRROR_SLICE)
    return WIKIDATA_QUERY_SERVICE


def fetch(fetcher: Fetcher) -> tuple[RawFile, ...]:
    """The slice, asked from the endpoint; an RDF file that has not changed is not asked again.

    A file is a selection already, so all its labelled items are read. A service holds all of
    Wikidata, so the items are those in :mod:`ingest.wikidata_scope`.

    Raises:
        SourceError: the endpoint gives no usable answer, or holds no item.
    """
    address = endpoint_address(fetcher.settings)
    target = fetcher.settings.layout.raw / INFO.name / "slice.nt.gz"
    is_file = not address.startswith(("http://", "https://"))
    fingerprint = _fingerprint(Path(address)) if is_file else ""
    known = read_meta(target)
    if (
        fingerprint
        and known is not None
        and known.get("fingerprint") == fingerprint
        and known.get("sha256") == sha256_of(target)  # else it was damaged, or half replaced
    ):
        return (raw_from_meta(known, target),)
    endpoint = open_endpoint(address, fetcher.session)
    lines = sorted(set(slice_lines(endpoint, everything=is_file)))
    if not lines:
        raise SourceError(
            "the Wikidata endpoint holds no item that is read",
            where=address,
            expected="items with labels in Wikidata's RDF mapping",
            got="no rows",
            advice="check --wikidata-endpoint",
        )
    # no time stamp in the header: the same slice has the same hash
    data = gzip.compress("".join(lines).encode(), mtime=0)
    raw = RawFile(
        url=address if not is_file else Path(address).name,
        path=str(target),
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        retrieved=now_utc(),
    )
    same = known is not None and all(
        known.get(key) == value
        for key, value in (("sha256", raw.sha256), ("url", raw.url), ("fingerprint", fingerprint))
    )
    if not same or sha256_of(target) != raw.sha256:
        _write_slice(target, data)
        write_meta(target, raw, fingerprint=fingerprint)
    return (raw,)


def _fingerprint(path: Path) -> str:
    if not path.is_file():
        return ""
    queries = items_query("", after="", limit=0) + statements_query([]) + articles_query([])
    return hashlib.sha256((sha256_of(path) + queries).encode()).hexdigest()


def _write_slice(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_bytes(data)
    temporary.replace(target)


def iter_items(endpoint: Endpoint, *, everything: bool) -> Iterator[str]:
    """QIDs in scope, each once, page by page."""
    seen: set[str] = set()
    for pattern in scope_patterns(everything=everything):
        after = ""
        while True:
            page = list(endpoint.select(items_query(pattern, after=after, limit=PAGE_ROWS)))
            for (item,) in page:
                qid = _qid(item)
                if qid is not None and qid not in seen:
                    seen.add(qid)
                    yield qid
            if len(page) < PAGE_ROWS:
                break
            last = page[-1][0]
            if not isinstance(last, ox.NamedNode) or last.value <= after:
                raise SourceError(
                    "the Wikidata endpoint does not page",
                    where=f"the query for items past {after!r}",
                    expected="items in the order of their IRIs, past the one given",
                    got=str(last),
                    advice="use an endpoint that honours FILTER, ORDER BY and LIMIT",
                )
            after = last.value


def slice_lines(endpoint: Endpoint, *, everything: bool) -> Iterator[str]:
    """The slice as N-Triples lines, batch by batch, in no particular order."""
    items = list(iter_items(endpoint, everything=everything))
    for start in range(0, len(items), BATCH_ITEMS):
        batch = items[start : start + BATCH_ITEMS]
        logger.info("wikidata: items %d-%d of %d", start + 1, start + len(batch), len(items))
        for row in endpoint.select(statements_query(batch)):
            yield _statement_line(row)
        for row in endpoint.select(articles_query(batch)):
            yield from _article_lines(row)


def _statement_line(row: Row) -> str:
    return f"{row[0]} {row[1]} {row[2]} .\n"


def _article_lines(row: Row) -> Iterator[str]:
    item, article, title = row
    yield f"{article} <{ABOUT}> {item} .\n"
    yield f"{article} <{IS_PART_OF}> <{ENGLISH_WIKIPEDIA}> .\n"
    if title is not None:
        yield f"{article} <{NAME}> {title} .\n"


def _qid(term: object) -> str | None:
    if not isinstance(term, ox.NamedNode) or not term.value.startswith(ENTITY):
        return None
    local = term.value.removeprefix(ENTITY)
    return local if is_qid(local) else None


# ------------------------------------------------------------------------------------------ parse

Statements = dict[str, list[ox.NamedNode | ox.Literal]]


def parse(files: Sequence[RawFile]) -> ParsedSource:
    """Terms and relations of a slice.

    Raises:
        ParseError: not gzipped N-Triples.
    """
    items, articles = _read_slice(Path(files[0].path))
    terms: list[Term] = []
    relations: list[Relation] = []
    rejections: list[Rejection] = []
    for qid in sorted(items, key=lambda name: int(name[1:])):
        statements = items[qid]
        labels = _labels(statements, articles.get(qid))
        if not labels:
            rejections.append(
                Rejection(where=f"wd:{qid}", reason="no label", got=f"{len(statements)} statements")
            )
            continue
        terms.append(_term(qid, statements, labels, articles.get(qid)))
        relations.extend(_relations(qid, statements))
    return ParsedSource(
        info=INFO,
        read=len(items),
        terms=tuple(terms),
        relations=tuple(relations),
        rejections=tuple(rejections),
    )


def _read_slice(path: Path) -> tuple[dict[str, Statements], dict[str, str]]:
    """Statements by item, and the English Wikipedia title by item."""
    items: dict[str, Statements] = defaultdict(lambda: defaultdict(list))
    about: dict[str, str] = {}
    titles: dict[str, str] = {}
    try:
        with gzip.open(path) as stream:
            for triple in ox.parse(cast("IO[bytes]", stream), format=ox.RdfFormat.N_TRIPLES):
                subject, predicate, value = triple.subject, triple.predicate.value, triple.object
                qid = _qid(subject)
                if qid is not None and isinstance(value, ox.NamedNode | ox.Literal):
                    items[qid][predicate].append(value)
                elif (
                    predicate == ABOUT
                    and (owner := _qid(value))
                    and isinstance(subject, ox.NamedNode)
                ):
                    about[subject.value] = owner
                elif predicate == NAME and isinstance(subject, ox.NamedNode):
                    titles[subject.value] = str(getattr(value, "value", ""))
    except (SyntaxError, OSError, EOFError, ValueError, zlib.error) as error:
        raise ParseError(
            "the Wikidata slice cannot be read",
            where=str(path),
            expected="whole, gzipped N-Triples",
            got=f"{type(error).__name__}: {error}",
            advice="run the refresh again; it asks the endpoint anew",
        ) from error
    articles = {
        qid: titles.get(article) or unquote(article.rpartition("/wiki/")[2]).replace("_", " ")
        for article, qid in sorted(about.items())
    }
    return items, articles


def _literals(statements: Statements, predicate: str) -> list[ox.Literal]:
    found = [value for value in statements.get(predicate, ()) if isinstance(value, ox.Literal)]
    return sorted(found, key=lambda literal: (literal.language or "", literal.value))


def _labels(statements: Statements, article: str | None) -> tuple[Label, ...]:
    labels = [
        Label(text=" ".join(literal.value.split()), lang=literal.language or "mul")
        for literal in _literals(statements, LABEL)
    ]
    alternative = [
        (" ".join(literal.value.split()), literal.language or "mul")
        for literal in _literals(statements, ALIAS)
    ]
    if article:
        alternative.append((article, "en"))
    seen = {(label.text, label.lang) for label in labels}
    for text, lang in alternative:
        if (text, lang) not in seen:
            seen.add((text, lang))
            labels.append(Label(text=text, lang=lang, kind=LabelKind.ALTERNATIVE))
    return tuple(label for label in labels if label.text)


def _values(statements: Statements, name: str) -> list[str]:
    return [literal.value for literal in _literals(statements, DIRECT + name)]


def _term(qid: str, statements: Statements, labels: tuple[Label, ...], article: str | None) -> Term:
    descriptions = {
        literal.language: literal.value for literal in _literals(statements, DESCRIPTION)
    }
    references = [
        Reference(target=_identifier(prefix, value), via=name)
        for name, prefix in scope.IDENTIFIERS.items()
        for value in _values(statements, name)
        if value.strip()
    ]
    if article:
        references.append(
            Reference(target="enwiki:" + article.replace(" ", "_"), via="sitelink enwiki")
        )
    types = sorted(q for value in statements.get(DIRECT + "P31", ()) if (q := _qid(value)))
    return Term(
        id=f"wd:{qid}",
        source=INFO.name,
        kind=_kind(types, [label.text for label in labels]),
        url=f"https://www.wikidata.org/wiki/{qid}",
        labels=labels,
        definition=Definition(text=descriptions["en"]) if "en" in descriptions else None,
        types=(
            *(f"wd:{name}" for name in types),
            *(f"msc:{code}" for code in _values(statements, scope.MSC)),
        ),
        references=tuple(references),
        formal=tuple(
            FormalLink(declaration=name, url=None)
            for name in _values(statements, scope.MATHLIB_DECLARATION)
        ),
    )


def _identifier(prefix: str, value: str) -> str:
    if prefix == "nlab":
        return nlab_curie(unquote_plus(value))
    return f"{prefix}:{value.strip().replace(' ', '_')}"


def _kind(types: Sequence[str], names: Sequence[str]) -> TermKind:
    for qid in types:
        if qid in scope.NOT_CONCEPTS:
            return scope.NOT_CONCEPTS[qid]
    for name in names:
        folded = name.casefold()
        for beginning, kind in scope.TITLE_BEGINNINGS:
            if folded.startswith(beginning):
                return kind
        for ending, kind in scope.TITLE_ENDINGS:
            if folded.endswith(ending):
                return kind
    return TermKind.CONCEPT


def _relations(qid: str, statements: Statements) -> Iterator[Relation]:
    for name, predicate in scope.RELATIONS.items():
        objects = {other for value in statements.get(DIRECT + name, ()) if (other := _qid(value))}
        for other in sorted(objects - {qid}, key=lambda item: int(item[1:])):
            yield Relation(subject=f"wd:{qid}", predicate=predicate, object=f"wd:{other}", via=name)


SOURCE: Final = Source(info=INFO, fetch=fetch, parse=parse)
