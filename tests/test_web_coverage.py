"""The coverage page and the filtered list of concepts: every number leads to its list."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.pages.coverage import concepts_address
from api.pages.rendering import number as spaced
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from tests import test_web_browser as shared
from tests.test_web_browser import CONTRAST, Visit

base, browser, visit = shared.base, shared.browser, shared.visit

TOTAL = re.compile(r"<p>([\d\u2009\u202f ]+) concepts?")


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def page(client: FlaskClient, path: str) -> str:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "text/html"), response.text
    return response.text


def total(shown: str) -> int:
    """The number of concepts that a list says it has."""
    found = TOTAL.search(shown)
    assert found is not None
    return int(re.sub(r"\D", "", found[1]))


def links(shown: str) -> dict[str, int]:
    """Address of a list of concepts -> the number that leads to it."""
    return {
        html.unescape(address): int(re.sub(r"\D", "", text))
        for address, text in re.findall(
            r'<a href="(/concepts[^"]*)">([\d\s\u202f\u2009]+)</a>', shown
        )
    }


# ---------------------------------------------------------------------------------------- coverage


def test_every_number_leads_to_a_list_of_that_length(client: FlaskClient) -> None:
    shown = page(client, "/coverage")
    found = links(shown)
    assert len(found) > 30
    for address, number in found.items():
        assert total(page(client, address)) == number, address


def test_the_figure_of_overlaps_is_in_its_rows_too(client: FlaskClient, answers: Answers) -> None:
    shown = page(client, "/coverage")
    for row in answers.statistics()["overlaps"]:
        address = concepts_address(source=row["sources"], without_source=row["without"])
        assert f'href="{html.escape(address)}"' in shown
        assert total(page(client, address)) == row["concepts"]
        told = f"{spaced(row['concepts'])} concepts only in {', '.join(row['sources'])}"
        assert f'aria-label="{told}"' in shown


def test_what_mathlib_and_wikidata_lack_is_listed(client: FlaskClient, answers: Answers) -> None:
    shown = page(client, "/coverage")
    assert "quotient of views" in shown
    assert 'href="/concepts?has_item=false&amp;in_syllabus=true"' in shown
    assert answers.statistics()["not_formalised"][0]["label"] in shown


def test_the_page_has_no_style_and_no_script_of_its_own(client: FlaskClient) -> None:
    for path in ("/coverage", "/concepts"):
        shown = page(client, path)
        assert " style=" not in shown
        assert re.findall(r"<script(?![^>]* src=)", shown) == []


# ------------------------------------------------------------------------------------------- lists


def test_a_list_can_be_narrowed_and_widened_again(client: FlaskClient) -> None:
    shown = page(client, "/concepts?source=nlab")
    assert total(shown) == 5
    assert 'href="/concepts"' in shown, "the filter can be taken away"
    narrower = 'href="/concepts?source=nlab,wikidata"'
    assert narrower in shown
    assert re.search(re.escape(narrower) + r'>Wikidata</a> <span class="note">2<', shown)
    assert total(page(client, "/concepts?source=nlab,wikidata")) == 2


def test_a_list_is_paged_and_a_form_keeps_its_filters(client: FlaskClient) -> None:
    shown = page(client, "/concepts?source=core&q=")
    assert '<input type="hidden" name="source" value="core">' in shown
    following = re.search(r'href="([^"]+cursor=[^"]+)" rel="next"', shown)
    assert following is not None
    second = page(client, html.unescape(following[1]))
    assert total(second) == total(shown)
    assert 'href="/concepts?source=core">First page' in second


def test_filters_that_nothing_passes_say_so(client: FlaskClient) -> None:
    assert "No concept passes all of these filters" in page(client, "/concepts?q=nothing+such+here")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("source=%3Cscript%3E", "expected one of chicago"),
        ("formalised=perhaps", "expected true or false"),
        ("cursor=!", "expected the"),
        ("q=" + "x" * 201, "at most 200 characters"),
    ],
)
def test_bad_filters_are_refused_and_not_echoed_as_markup(
    client: FlaskClient, query: str, said: str
) -> None:
    response = client.get(f"/concepts?{query}", headers={"Accept": "text/html"})
    assert (response.status_code, response.mimetype) == (400, "text/html")
    assert said in response.text
    assert "<script>" not in response.text


def test_foreign_words_in_a_filter_are_escaped(client: FlaskClient) -> None:
    shown = page(client, "/concepts?q=%22%3E%3Cimg+src%3Dx%3E")
    assert "<img" not in shown


# ----------------------------------------------------------------------------------------- browser


@pytest.mark.browser
def test_from_the_figure_to_a_concept_by_the_keyboard_alone(visit: Visit) -> None:
    visit.open("/coverage")
    row = visit.page.locator(".overlaps a", has_text="1").last
    row.focus()
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/concepts?source=*")
    visit.page.locator("main .rows a").first.press("Enter")
    visit.page.wait_for_url("**/concept/*")
    assert visit.errors == []
    assert {urlsplit(url).hostname for url in visit.requests} == {"127.0.0.1"}


@pytest.mark.browser
@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("path", ["/coverage", "/concepts?source=nlab"])
def test_pages_fit_a_telephone_and_can_be_read_in_light_and_dark(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert visit.page.evaluate(CONTRAST) == []
    assert visit.errors == []


@pytest.mark.browser
@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
def test_bars_and_dots_stand_out_from_what_is_behind_them(visit: Visit) -> None:
    visit.open("/coverage")
    fills = visit.page.evaluate(
        """() => [".overlaps circle.held", ".overlaps rect.part", ".bar .part"]
             .map((name) => getComputedStyle(document.querySelector(name)).fill)"""
    )
    background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert all(_contrast(fill, background) >= 3 for fill in fills)


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
