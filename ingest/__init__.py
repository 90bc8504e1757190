"""Fetching and parsing what the sources say: one module each, fetch apart from parse, parse pure.

Nothing outside this repository should import this package; the library is :mod:`mathgloss`.
"""

__all__: list[str] = []
