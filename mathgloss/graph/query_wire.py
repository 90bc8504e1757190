"""How a query goes to its process and the reply comes back, over two pipes.

A request is a :data:`SIZE` and as many bytes of JSON: the members of
:class:`mathgloss.graph.sparql.Query`, and ``seconds``. The process writes :data:`READY` once; then
for each request a :data:`REPLY`, the kind and the size, and as many bytes.
"""

from __future__ import annotations

import struct
from typing import Final

SIZE: Final = struct.Struct("!I")
REPLY: Final = struct.Struct("!cQ")
READY: Final = b"+"

# kinds of a reply
ROWS: Final = b"R"  # or a boolean
TRIPLES: Final = b"T"
REFUSED: Final = b"E"  # the body says why
TOO_LARGE: Final = b"L"
