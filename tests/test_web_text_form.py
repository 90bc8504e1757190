"""The text page without a browser: what the form sends, what comes back; marks and cards."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.markup import render_mentions
from api.mentions import marked, strength, to_markdown, with_cards
from api.pages.text import EXAMPLE
from mathgloss.answers.texts import MAX_CHARS
from mathgloss.config import Settings


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def sent_back(page: str) -> str:
    """The text in the form, as a browser reads it."""
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1]).removeprefix("\n")


def mention(start: int, end: int, concept: str | None, confidence: float = 0.9) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "surface": "x" * (end - start),
        "concept": concept,
        "label": concept,
        "confidence": confidence,
        "candidates": [],
    }


def test_empty_page_may_be_kept_and_a_result_may_not(client: FlaskClient) -> None:
    empty = client.get("/text")
    assert empty.headers["ETag"]
    assert 'class="linked"' not in empty.text
    result = client.post("/text", data={"text": "An abelian group.", "unlinked": "on"})
    assert result.headers["Cache-Control"] == "no-store"
    assert 'href="/concept/wd:Q181296"' in result.text
    assert "form-action 'self'" in result.headers["Content-Security-Policy"]


def test_line_ends_of_browsers_do_not_shift_the_mentions(client: FlaskClient) -> None:
    page = client.post("/text", data={"text": "\r\nA ring.\r\nAn abelian group."}).text
    assert sent_back(page) == "\nA ring.\nAn abelian group."
    assert '"start": 12' in html.unescape(page)


def test_example_is_linked(client: FlaskClient) -> None:
    page = client.post("/text", data={"text": "lost?", "example": "1"}).text
    assert sent_back(page) == EXAMPLE
    assert 'class="mention sure-' in page


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"text": "a ring\x00"}, "text: expected a text, got the character U+0000 at 6"),
        ({"text": "x" * (MAX_CHARS + 1)}, "text: expected at most 100,000 characters"),
        ({"text": "a ring", "min_confidence": "<b>"}, "min_confidence: expected 0 to 1, got '<b>'"),
        ({"text": "a ring", "min_confidence": "7"}, "min_confidence: expected 0 to 1, got 7"),
    ],
)
def test_refused_text_is_not_lost(client: FlaskClient, form: dict[str, str], said: str) -> None:
    response = client.post("/text", data=form)
    assert response.status_code == 400
    assert response.mimetype == "text/html"
    assert said in html.unescape(response.text)
    assert "<b>" not in response.text
    assert sent_back(response.text) == form["text"]


def test_links_win_over_phrases_around_them() -> None:
    linked, around, free = mention(5, 9, "wd:Q1"), mention(0, 9, None), mention(10, 12, None)
    assert marked([around, linked, free]) == [linked, free]


def test_surer_links_look_firmer() -> None:
    found = [strength(mention(0, 1, "wd:Q1", chance)) for chance in (0.65, 0.75, 0.9, 0.97, 1)]
    assert found == ["sure-1", "sure-2", "sure-3", "sure-4", "sure-4"]
    assert strength(mention(0, 1, None)) == "open"


def test_mentions_that_say_the_same_share_a_card() -> None:
    named, cards = with_cards([
        mention(0, 1, "wd:Q1"),
        mention(2, 3, "wd:Q1"),
        mention(4, 5, "wd:Q1", 0.7),
        mention(6, 7, None),
        mention(8, 10, None),
    ])
    assert [row["card"] for row in named] == [
        "mention-1",
        "mention-1",
        "mention-2",
        "mention-3",
        "mention-4",
    ]
    assert [card["card"] for card in cards] == ["mention-1", "mention-2", "mention-3", "mention-4"]


def test_text_around_mentions_and_in_them_is_escaped() -> None:
    text = "<i> & <b>"
    named, _ = with_cards([mention(0, 3, 'x:"><script>'), mention(6, 9, None)])
    page = render_mentions(text, named, lambda concept: f"/concept/{concept}")
    assert page == (
        '<a class="mention sure-3" href="/concept/x:&#34;&gt;&lt;script&gt;" '
        'data-card="mention-1" aria-describedby="mention-1"><mark>&lt;i&gt;</mark></a> &amp; '
        '<span class="mention open" data-card="mention-2" aria-describedby="mention-2">'
        "<mark>&lt;b&gt;</mark></span>"
    )


def test_markdown_links_lead_to_the_concepts() -> None:
    text = "A [p]-group is a group"
    mentions = [mention(2, 11, "wd:Q286972"), mention(15, 22, None)]
    assert to_markdown(text, mentions) == (
        "A [\\[p\\]-group](http://www.wikidata.org/entity/Q286972) is a group"
    )
