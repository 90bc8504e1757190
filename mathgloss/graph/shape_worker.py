"""The process that holds triples against the shapes: ``python -m mathgloss.graph.shape_worker``.

It reads requests from standard input, each a :data:`SIZE` and as many bytes of N-Triples, and
answers each with a :data:`SIZE` and as many bytes of JSON: a list of violations. It ends with its
input.
"""

from __future__ import annotations

import json
import struct
import sys
from typing import Final

SIZE: Final = struct.Struct("!I")


def main() -> None:
    """Answer requests until there are no more."""
    from mathgloss.graph.shapes import violations

    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := requests.read(SIZE.size):
        text = requests.read(SIZE.unpack(head)[0])
        answer = json.dumps(violations(text)).encode()
        answers.write(SIZE.pack(len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
