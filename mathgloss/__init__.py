"""MathGloss: an open knowledge graph of mathematical concepts.

The library aligns the terms of several sources to one concept each, finds those concepts in
papers and publishes the result as an immutable, checked snapshot. It knows neither how a source is
fetched (package ``ingest``) nor how a snapshot is served (package ``api``).
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
