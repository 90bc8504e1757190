"""The fields of mathematics as authors give them: arXiv categories, or codes of the MSC."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# The arXiv category that a section of the Mathematics Subject Classification (2020) is nearest to.
_OF_MSC: Final = {
    "03": "math.LO", "05": "math.CO", "06": "math.RA", "08": "math.RA", "11": "math.NT",
    "12": "math.AC", "13": "math.AC", "14": "math.AG", "15": "math.RA", "16": "math.RA",
    "17": "math.RA", "18": "math.CT", "19": "math.KT", "20": "math.GR", "22": "math.RT",
    "26": "math.CA", "28": "math.CA", "30": "math.CV", "31": "math.AP", "32": "math.CV",
    "33": "math.CA", "34": "math.CA", "35": "math.AP", "37": "math.DS", "39": "math.CA",
    "40": "math.CA", "41": "math.CA", "42": "math.CA", "43": "math.FA", "44": "math.CA",
    "45": "math.CA", "46": "math.FA", "47": "math.FA", "49": "math.OC", "51": "math.MG",
    "52": "math.MG", "53": "math.DG", "54": "math.GN", "55": "math.AT", "57": "math.GT",
    "58": "math.DG", "60": "math.PR", "62": "math.ST", "65": "math.NA", "68": "cs.CC",
    "81": "quant-ph", "82": "cond-mat", "83": "gr-qc", "90": "math.OC", "91": "q-fin",
    "92": "q-bio", "93": "math.OC", "94": "cs.IT",
}  # fmt: skip
# arXiv's own other names of a category
_ALIASES: Final = {
    "stat.TH": "math.ST",
    "math.MP": "math-ph",
    "math.IT": "cs.IT",
    "cs.NA": "math.NA",
}
_MSC: Final = re.compile(r"(?:MSC:?\s*)?(\d\d)(?:[A-Z-]|$)", re.IGNORECASE)


def arxiv_categories(given: Iterable[str]) -> list[str]:
    """The arXiv categories that are meant, each once; what is neither stays as it is.

    ``18A25`` and ``MSC:18`` are ``math.CT``, ``stat.TH`` is ``math.ST``.
    """
    found = []
    for name in given:
        code = _MSC.match(name.strip())
        category = _OF_MSC.get(code[1]) if code else None
        found.append(category or _ALIASES.get(name, name))
    return list(dict.fromkeys(found))
