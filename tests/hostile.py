"""A small world whose sources mean harm: markup, script, foreign directions in all they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

# harmless only where it is shown as text; the word tells one from another in what was shown
SCRIPT: Final = "<script>alert('{0}')</script>"
HANDLER: Final = "\"'><img src=x onerror=alert('{0}')>"
LINK: Final = "[{0}](javascript:alert(1)) <a href='javascript:alert(1)'>{0}</a>"
FORMULA: Final = r"$\href{{javascript:alert(1)}}{{{0}}} \htmlData{{a=b}}{{x}}$"
TEMPLATE: Final = "{{{{ 7 * 7 }}}}{{% raw %}}${{7*7}} {0}"
OVERRIDE: Final = "\u202e{0}\u2066\u200f"
ALL: Final = " ".join((SCRIPT, HANDLER, LINK, FORMULA, TEMPLATE, OVERRIDE))

CONCEPT: Final = "wd:Q83478"
PAPER: Final = "tac:1-01"
# minted from an nLab page; the letter is not ASCII
MINTED: Final = "nlab:M%C3%B6bius+%3Cb%3Eband%3C%2Fb%3E"
SOURCES: Final = ("wikidata", "nlab", "mulima", "chicago", "syllabus", "overview", "tac")

_RAW: Final = "raw.githubusercontent.com"
_ITEM: Final = "http://www.wikidata.org/entity/Q83478"


def poison(world: Path) -> None:
    """Put harmful text into every kind of field of a small world's files."""
    _poison_wikidata(world / "wikidata" / "slice.nt")
    _poison_nlab(world)
    _poison_mulima(world / _RAW / "thosgood/maths-dictionary/main/data/nouns.json")
    _poison_chicago(world / "archives/MathGloss-main/chicago/group.md")
    _poison_syllabus(world / _RAW / "leanprover-community/mathlib4/master/docs/undergrad.yaml")
    _poison_papers(world / _RAW / "ToposInstitute/tac-corpus/main/tac_metadata.json")


def _poison_wikidata(path: Path) -> None:
    lines = [
        f"<{_ITEM}> <http://www.w3.org/2004/02/skos/core#altLabel> {_literal(text)}@en ."
        for text in (SCRIPT.format("alias"), HANDLER.format("alias"), OVERRIDE.format("alias"))
    ]
    described = _literal(ALL.format("description"))
    lines += [
        f"<{_ITEM}> <http://www.w3.org/2000/01/rdf-schema#label> "
        f"{_literal(SCRIPT.format('label'))}@he .",
        f"<{_ITEM}> <http://schema.org/description> {described}@en .",
    ]
    text = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in text if f"<{_ITEM}> <http://schema.org/description>" not in line]
    path.write_text("\n".join([*kept, *lines]) + "\n", encoding="utf-8")


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _poison_nlab(world: Path) -> None:
    path = world / _RAW / "MathGloss/MathGloss/main/data/nlab.csv"
    with path.open("a", encoding="utf-8") as stream:
        stream.write("Möbius <b>band</b>,https://ncatlab.org/nlab/show/M%C3%B6bius\n")


def _poison_mulima(path: Path) -> None:
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries["0677022e"]["CA"]["atom"] = SCRIPT.format("catalan")
    entries["0677022e"]["FA"]["atom"] = HANDLER.format("persian")
    entries["3c4d5e6f"]["EN"]["atom"] = "quasigroup " + SCRIPT.format("quasigroup")
    path.write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")


def _poison_chicago(path: Path) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(
            "\n" + ALL.format("definition") + "\n\n$$\n\\href{javascript:alert(1)}{x}\n$$\n"
        )


def _poison_syllabus(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    chapter = json.dumps("Group " + SCRIPT.format("chapter"))
    path.write_text(text.replace("Group Theory", chapter), encoding="utf-8")


def _poison_papers(path: Path) -> None:
    papers = json.loads(path.read_text(encoding="utf-8"))
    papers[0]["title"] = "Abelian groups " + ALL.format("title")
    papers[0]["authors"] = HANDLER.format("author")
    papers[0]["keywords"] = [SCRIPT.format("keyword")]
    path.write_text(json.dumps(papers, ensure_ascii=False), encoding="utf-8")
