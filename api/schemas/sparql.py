"""The SPARQL 1.1 Protocol's parameters."""

from __future__ import annotations

from pydantic import BaseModel, Field


class SparqlForm(BaseModel):
    """A query by the SPARQL 1.1 Protocol."""

    query: str = Field(
        description="SELECT, ASK, CONSTRUCT or DESCRIBE; the default graph is the union of all",
        examples=["SELECT (COUNT(*) AS ?triples) WHERE { ?s ?p ?o }"],
    )
    default_graph_uri: list[str] = Field(
        [], alias="default-graph-uri", description="Graphs to use as the default graph"
    )
    named_graph_uri: list[str] = Field(
        [], alias="named-graph-uri", description="Graphs that GRAPH may name"
    )
