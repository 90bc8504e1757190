"""Claims that a term means a concept, held against the small world's graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.schemas.claims import VerifiedClaims
from mathgloss.answers.claims import MAX_CLAIM_CHARS, MAX_CLAIMS, Claim
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.errors import InputError

ABELIAN, GROUP = "wd:Q181296", "wd:Q83478"


def verified(answers: Answers, term: str, concept: str) -> dict[str, Any]:
    """What the graph says of one claim."""
    (claim,) = answers.verify_links([Claim(term, concept)])["claims"]
    return dict(claim)


@pytest.mark.parametrize(
    ("term", "concept"),
    [
        (ABELIAN, ABELIAN),
        ("Q181296", "abelian group"),
        ("nlab:abelian+group", ABELIAN),
        ("https://ncatlab.org/nlab/show/abelian+group", "nlab:abelian+group"),
        ("abelian group", ABELIAN),
        ("Abelian groups", ABELIAN),
        ("groupe abélien", ABELIAN),
        ("lean:Group", GROUP),
        ("AffineSubspace", "wd:Q382734"),
        ("chicago:group", "lean:Group"),
    ],
)
def test_confirmed(answers: Answers, term: str, concept: str) -> None:
    claim = verified(answers, term, concept)
    assert claim["verdict"] == "confirmed", claim["reason"]
    assert claim["means"]["id"] == answers.resolve(concept)
    assert not claim["nearest"]


@pytest.mark.parametrize(
    ("term", "concept", "instead"),
    [
        ("nlab:abelian+group", GROUP, [ABELIAN]),
        ("abelian group", GROUP, [ABELIAN]),
        ("lean:Group", ABELIAN, [GROUP]),
        ("nlab:abelian+group", "wd:Q99999999999", [ABELIAN]),
        (GROUP, ABELIAN, [GROUP]),
        # its term is only a kind of it
        ("thm1000:Q1000X", "wd:Q65943", []),
        # somebody has looked and rejected it
        ("mulima:0677022e/2b3c4d5e", "wd:Q230664", []),
    ],
)
def test_contradicted(answers: Answers, term: str, concept: str, instead: list[str]) -> None:
    claim = verified(answers, term, concept)
    assert claim["verdict"] == "contradicted", claim["reason"]
    assert [other["id"] for other in claim["instead"]] == instead
    assert not claim["nearest"]


@pytest.mark.parametrize(
    ("term", "concept"),
    [
        ("frobnitz", GROUP),
        ("nlab:frobnitz", GROUP),
        ("lean:Frobnitz", GROUP),
        ("Frobnitz.Foo", GROUP),
        ("unknown:thing", GROUP),
        ("group", "wd:Q99999999999"),
        (GROUP, "wd:Q99999999999"),
        # a mapping that nobody is sure of
        ("thm100:44", "wd:Q26708"),
        ("mulima:0677022e/2b3c4d5e", "wd:Q17859776"),
    ],
)
def test_unknown(answers: Answers, term: str, concept: str) -> None:
    claim = verified(answers, term, concept)
    assert claim["verdict"] == "unknown", claim["reason"]
    assert claim["reason"]
    assert not claim["instead"]


def test_the_evidence_is_of_the_set_that_decides(answers: Answers) -> None:
    sets = {
        (term, concept): [row["set"] for row in verified(answers, term, concept)["evidence"]]
        for term, concept in [
            ("nlab:abelian+group", ABELIAN),
            ("mulima:0677022e/2b3c4d5e", "wd:Q230664"),
            ("mulima:0677022e/2b3c4d5e", "wd:Q17859776"),
            ("thm1000:Q1000X", "wd:Q65943"),
        ]
    }
    assert list(sets.values()) == [["curated"], ["rejected"], ["unsure"], ["predicted"]]
    (row,) = verified(answers, "nlab:abelian+group", GROUP)["evidence"]
    assert (row["term"], row["concept"]) == ("nlab:abelian+group", ABELIAN)
    assert row["detail"] == "P4215: nlab:abelian+group"


def test_a_declaration_s_evidence_is_what_it_formalises(answers: Answers) -> None:
    terms = {row["term"] for row in verified(answers, "lean:Group", GROUP)["evidence"]}
    assert "syllabus:group-theory/basic-definitions/group" in terms


def test_a_name_of_several_concepts_lists_the_others(answers: Answers) -> None:
    claim = verified(answers, "kernel", "wd:Q574844")
    assert claim["verdict"] == "confirmed"
    assert "other concept(s) have that name too" in claim["reason"]
    assert len(claim["instead"]) == 5
    assert "wd:Q574844" not in {other["id"] for other in claim["instead"]}


def test_what_is_unknown_gets_names_that_come_near(answers: Answers) -> None:
    near = verified(answers, "nlab:abelian", GROUP)["nearest"]
    assert ABELIAN in {other["id"] for other in near}
    assert verified(answers, "frobnitz", GROUP)["nearest"] == []


def test_claims_keep_their_order_and_are_counted(answers: Answers) -> None:
    claims = [Claim("frobnitz", GROUP), Claim(GROUP, GROUP), Claim(ABELIAN, GROUP)] * 2
    answer = answers.verify_links(claims)
    assert [held["term"] for held in answer["claims"]] == [claim.term for claim in claims]
    assert answer["counts"] == {"confirmed": 2, "contradicted": 2, "unknown": 2}
    assert answer["snapshot"] == answers.snapshot.id


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ([], "claims: expected 1 to 100, got 0"),
        ([Claim("a", "b")] * (MAX_CLAIMS + 1), "claims: expected 1 to 100, got 101"),
        ([Claim("a", "b"), Claim("  ", "b")], r"claims\[1\].term: expected 1 to 500 .* got 0"),
        ([Claim("a", "b" * (MAX_CLAIM_CHARS + 1))], r"claims\[0\].concept: .* got 501"),
    ],
)
def test_refused(answers: Answers, claims: list[Claim], message: str) -> None:
    with pytest.raises(InputError, match=message):
        answers.verify_links(claims)


@pytest.mark.parametrize(
    "text", ["'", '"', "<x>", "a\x00b", "\\", "{?x}", "lean:<>", "😀", "wd:Q1>"]
)
def test_odd_texts_are_only_unknown(answers: Answers, text: str) -> None:
    assert verified(answers, text, GROUP)["verdict"] == "unknown"
    assert verified(answers, GROUP, text)["verdict"] == "unknown"


# ------------------------------------------------------------------------------------------ REST


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def test_rest_gives_the_same_answer(client: FlaskClient, answers: Answers) -> None:
    claims = [Claim("abelian group", ABELIAN), Claim("group", ABELIAN), Claim("x y", "nothing")]
    body = {"claims": [{"term": claim.term, "concept": claim.concept} for claim in claims]}
    response = client.post("/api/v1/links/verify", json=body)
    assert response.status_code == 200
    assert response.json == answers.verify_links(claims)
    VerifiedClaims.model_validate(response.json)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"claims": []},
        {"claims": [{"term": "a"}]},
        {"claims": [{"term": " ", "concept": "a"}]},
        {"claims": [{"term": 1, "concept": "a"}]},
        {"claims": [{"term": "a", "concept": "b"}] * 101},
        [],
    ],
)
def test_rest_refuses(client: FlaskClient, body: object) -> None:
    response = client.post("/api/v1/links/verify", json=body)
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")
