"""The graph as a whole: its vocabulary and its dumps."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import Model, SnapshotId


class VocabularyTerm(Model):
    """A class or property that the graph uses."""

    iri: str = Field(examples=["http://www.w3.org/2004/02/skos/core#Concept"])
    label: str | None = Field(description="What our own ontology calls it")
    count: int = Field(description="Instances of the class, or triples with the property")


class Vocabulary(Model):
    """What the graph is written in, the most used first."""

    prefixes: dict[str, str] = Field(description="Namespace by prefix")
    classes: list[VocabularyTerm]
    properties: list[VocabularyTerm]
    snapshot: SnapshotId


class Dump(Model):
    """A file that holds the whole snapshot, or one set of it; it lies at ``/dumps/{name}``."""

    name: str = Field(examples=["mathgloss.nq.gz"])
    title: str
    media_type: str
    size_bytes: int
    sha256: str
    licence: str = Field(description="Where the licence of each row is said")


class Dumps(Model):
    """All dumps of the snapshot."""

    dumps: list[Dump]
    snapshot: SnapshotId
