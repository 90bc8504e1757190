"""Tools about concepts: search, one concept, claimed links."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from api.agents.lookup import find_concept, nearest
from api.agents.shorten import Shortener, beginning, named, picked, plain
from api.schemas.claims import Claim as ClaimSchema
from mathgloss.answers.claims import Claim
from mathgloss.answers.languages import language_chain
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers

ConceptName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="A name in any language, or an identifier: Wikidata item (Q181296), CURIE "
        "(nlab:abelian+group), IRI or Lean declaration (lean:CommGroup)",
    ),
]
Language = Annotated[
    str, Field(max_length=100, description="Languages for labels, best first, between commas")
]
Section = Literal[
    "names", "definitions", "lean", "links", "broader", "narrower", "relations", "papers"
]

MAX_CLAIMS: Final = 50
_DEFINITION_CHARS: Final = 500
_DESCRIPTION_CHARS: Final = 160
_WHY_CHARS: Final = 160
_DETAILED_CLAIMS: Final = 10
_SHOWN_EVIDENCE: Final = 2

# section -> items given, and given when asked for in detail
_KEPT: Final[dict[str, tuple[int, int]]] = {
    "names": (5, 12),
    "definitions": (1, 6),
    "lean": (3, 20),
    "links": (4, 15),
    "broader": (5, 40),
    "narrower": (5, 40),
    "relations": (2, 20),
    "papers": (2, 10),
}


def search_concepts(
    answers: Answers,
    query: Annotated[str, Field(min_length=1, max_length=200, description="Words of a name")],
    limit: Annotated[int, Field(ge=1, le=25, description="Number of results")] = 8,
    language: Language = "en",
) -> Answer:
    """Find mathematical concepts by name in any language, the best known first.

    Says whether a concept has exactly this name, and lists names that come near if none does.
    """
    found = answers.search(query, limit=limit + 1, chain=language_chain(language))
    short = Shortener()
    results = found["results"]
    kept = short.items("results", results, limit, more="raise limit or ask for more words")
    exact = any(hit["matched"].casefold() == query.strip().casefold() for hit in results)
    return {
        "match": "name" if exact else "near" if results else "none",
        "results": [
            {
                **picked(hit, "id", "label", "matched"),
                "description": hit["description"]
                and beginning(plain(hit["description"]), _DESCRIPTION_CHARS),
            }
            for hit in kept
        ],
        "nearest": [] if results else nearest(answers, query),
        "cut": short.cuts,
        "snapshot": found["snapshot"],
    }


def get_concept(
    answers: Answers,
    concept: ConceptName,
    detail: Annotated[
        list[Section], Field(description="Sections to give at length; without it all are short")
    ] = [],  # noqa: B006 (pydantic copies it)
    language: Language = "en",
) -> Answer:
    """What is known of one concept: names, definition, Lean declaration, links, relations, papers.

    Short unless sections are asked for in ``detail``. A name that several concepts have gives the
    best known of them and lists the others in ``same_name``.
    """
    found = find_concept(answers, concept)
    if found["concept"] is None:
        return {**found, **_NOTHING, "snapshot": answers.snapshot.id}
    card = answers.concept(found["concept"]["id"], language_chain(language))
    return {**found, "concept": named(card), **_Card(answers, card, detail).shown(concept, found)}


class _Card:
    """A concept's card, cut to what was asked for."""

    def __init__(self, answers: Answers, card: Answer, detail: list[Section]) -> None:
        self._answers = answers
        self._card = card
        self._detail = detail
        self._short = Shortener()

    def shown(self, asked: str, found: Answer) -> Answer:
        card = self._card
        counts = card["counts"]
        return {
            "url": card["url"],
            "names": self._names(),
            "definitions": self._definitions(),
            "lean": self._kept("lean", [held["declaration"] for held in card["lean"]]),
            "syllabus": [picked(held, "position", "formalised") for held in card["syllabus"][:2]],
            "msc": card["msc"],
            "links": [_link(link) for link in self._kept("links", card["links"])],
            "broader": self._references("broader", card["broader"], counts),
            "narrower": self._references("narrower", card["narrower"], counts),
            "relations": self._relations(counts),
            "papers": [
                picked(paper, "id", "title", "mentions")
                for paper in self._kept(
                    "papers",
                    card["papers"],
                    total=counts["papers"],
                    more="papers_for_concept",
                )
            ],
            "same_name": self._same_name(asked) if found["match"] == "name" else [],
            "cut": self._short.cuts,
            "snapshot": card["snapshot"],
        }

    def _kept(
        self,
        section: Section,
        items: list[Any],
        *,
        what: str = "",
        total: int | None = None,
        more: str = "",
    ) -> list[Any]:
        return self._short.items(
            what or section,
            items,
            _KEPT[section][section in self._detail],
            total=total,
            more=more or f"detail: {section}",
        )

    def _names(self) -> dict[str, list[str]]:
        """English names and those in the language shown; at length those in every language."""
        labels: dict[str, list[str]] = self._card["labels"]
        at_length = "names" in self._detail
        most = _KEPT["names"][at_length]
        wanted = labels if at_length else dict.fromkeys([self._card["label_lang"], "en"])
        shown = {lang: labels[lang][:most] for lang in wanted if lang in labels}
        self._short.note("languages of names", len(shown), len(labels), more="detail: names")
        return shown

    def _definitions(self) -> list[Answer]:
        """English texts before links and other languages, as the sources come."""
        held = sorted(
            self._card["definitions"], key=lambda said: (said["text"] is None, said["lang"] != "en")
        )
        most = _DEFINITION_CHARS * (3 if "definitions" in self._detail else 1)
        return [
            {
                **picked(said, "source", "lang", "url", "licence"),
                "text": said["text"]
                and self._short.text("definition", said["text"], most, more=said["url"]),
            }
            for said in self._kept("definitions", held)
        ]

    def _references(
        self, section: Literal["broader", "narrower"], held: list[Answer], counts: dict[str, int]
    ) -> list[Answer]:
        total = counts.get(section, 0)
        return [named(other) for other in self._kept(section, held, total=total)]

    def _relations(self, counts: dict[str, int]) -> dict[str, list[Answer]]:
        return {
            name: [
                named(other)
                for other in self._kept("relations", others, what=name, total=counts[name])
            ]
            for name, others in self._card["relations"].items()
        }

    def _same_name(self, asked: str) -> list[Answer]:
        """Other concepts that have the name asked for."""
        name = asked.strip().casefold()
        return [
            named(hit)
            for hit in self._answers.search(asked[:200], limit=20)["results"]
            if hit["matched"].casefold() == name and hit["id"] != self._card["id"]
        ][:5]


_NOTHING: Final[Answer] = {
    "url": None,
    "names": {},
    "definitions": [],
    "lean": [],
    "syllabus": [],
    "msc": [],
    "links": [],
    "broader": [],
    "narrower": [],
    "relations": {},
    "papers": [],
    "same_name": [],
    "cut": [],
}


def _link(link: Answer) -> Answer:
    first = link["evidence"][0]
    return {**picked(link, "id", "predicate", "set", "confidence"), "why": _why(first)}


def _why(evidence: Answer) -> str:
    return beginning(f"{evidence['source']}: {evidence['detail']}", _WHY_CHARS)


# --------------------------------------------------------------------------------- claimed links


def verify_links(
    answers: Answers,
    claims: Annotated[list[ClaimSchema], Field(min_length=1, max_length=MAX_CLAIMS)],
) -> Answer:
    """Check claimed links "this term means this concept" before you rely on them.

    A term is a name, a source's term (nlab:kernel) or a Lean declaration (lean:Group). Each claim
    is confirmed, contradicted (``instead`` says what the graph has) or unknown: do not assert that.
    """
    verified = answers.verify_links([Claim(claim.term, claim.concept) for claim in claims])
    kept = _SHOWN_EVIDENCE if len(claims) <= _DETAILED_CLAIMS else 0
    short = Shortener()
    held = [len(claim["evidence"]) for claim in verified["claims"]]
    more = f"verify at most {_DETAILED_CLAIMS} at once, or POST /api/v1/links/verify"
    short.note("evidence", sum(min(rows, kept) for rows in held), sum(held), more=more)
    return {
        "claims": [_verdict(claim, kept) for claim in verified["claims"]],
        "counts": verified["counts"],
        "cut": short.cuts,
        "snapshot": verified["snapshot"],
    }


def _verdict(claim: Answer, kept: int) -> Answer:
    return {
        **picked(claim, "term", "concept", "verdict", "reason"),
        "means": claim["means"] and named(claim["means"]),
        "evidence": [
            {**picked(row, "term", "set", "confidence"), "why": _why(row)}
            for row in claim["evidence"][:kept]
        ],
        "instead": [named(other) for other in claim["instead"][:3]],
        "nearest": [named(other) for other in claim["nearest"][:3]],
    }
