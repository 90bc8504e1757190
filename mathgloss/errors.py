"""The one tree of errors that a caller of MathGloss may meet.

A message says what failed, where, what was expected, what was found and what to do next.
"""

from __future__ import annotations


class MathGlossError(Exception):
    """Anything that MathGloss reports instead of a result."""


class ConfigError(MathGlossError):
    """A setting has a value that cannot be used."""


class DataNotFoundError(MathGlossError):
    """A file or folder that MathGloss needs is not where it may be."""


class SourceError(MathGlossError):
    """A source could not be fetched, or what came is not what the source promises.

    Attributes:
        where: file or URL, with a line where one is known.
        expected: what a good answer would have been.
        got: what was found instead.
        advice: what the reader can do next.
    """

    def __init__(self, what: str, *, where: str, expected: str, got: str, advice: str) -> None:
        self.where = where
        self.expected = expected
        self.got = got
        self.advice = advice
        super().__init__(f"{what}: {where}: expected {expected}, got {got}; {advice}")


class ParseError(SourceError):
    """A fetched file as a whole is not in the format of its source."""


class CheckError(MathGlossError):
    """A snapshot was built but does not hold what a snapshot must hold; it is not published.

    Attributes:
        violations: one sentence for each violation found.
    """

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations
        shown = "; ".join(violations[:5])
        more = f" and {len(violations) - 5} more" if len(violations) > 5 else ""
        super().__init__(
            f"the snapshot fails {len(violations)} check(s) and is not published: {shown}{more}; "
            "the published snapshot is untouched"
        )


class DecisionsError(MathGlossError):
    """A file of curators' decisions cannot be read, or not be written; it stays as it is."""


class NotFoundError(MathGlossError):
    """Nothing in the published snapshot answers to this identifier."""


class QueryError(MathGlossError):
    """A SPARQL query that cannot be parsed, or that is not allowed."""


class QueryTimeoutError(QueryError):
    """A SPARQL query was ended at its time limit."""


class QueryLimitError(QueryError):
    """A SPARQL query needs more memory, or has a larger result, than it may have."""


class QueryBusyError(QueryError):
    """A SPARQL query was ended because too many others are running for long."""


class InputError(MathGlossError):
    """A file or value handed in by the user is not in the documented format."""


class RunLimitError(MathGlossError):
    """A client has as many runs of experiments waiting or going on as it may have."""


class NoRunsError(MathGlossError):
    """No run of an experiment can be taken now: nothing runs them, or too many wait."""
