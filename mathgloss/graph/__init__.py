"""The knowledge graph: RDF, snapshots, checks, and the answers read from them."""

__all__: list[str] = []
