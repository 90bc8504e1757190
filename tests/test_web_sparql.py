"""The SPARQL page: as a plain form, and in a real Chromium with its editor."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from api import create_app, vendor
from mathgloss.answers.service import Answers
from mathgloss.graph.stored_examples import example_queries
from tests.live import live

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
VALUE = "document.querySelector('.CodeMirror').CodeMirror.getValue()"
LABELS = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?concept ?name WHERE { ?concept skos:prefLabel ?name } ORDER BY ?concept ?name LIMIT 30"""


@pytest.fixture(scope="module")
def client(answers: Answers) -> FlaskClient:
    return create_app(answers=answers).test_client()


def ask(client: FlaskClient, query: str) -> tuple[int, str]:
    response = client.get("/sparql", query_string={"query": query}, headers={"Accept": BROWSER})
    return response.status_code, response.text


# ----------------------------------------------------------------------------------- as a form


def test_page_lists_every_example_as_a_link_that_runs_it(client: FlaskClient) -> None:
    page = client.get("/sparql", headers={"Accept": BROWSER})
    assert page.status_code == 200
    for example in example_queries():
        assert example.title.replace("'", "&#39;") in page.text
    assert page.text.count("data-example") == len(example_queries())


def test_iris_are_short_and_lead_to_our_pages(client: FlaskClient) -> None:
    status, page = ask(
        client,
        "SELECT * { VALUES ?x { <http://www.wikidata.org/entity/Q83478> "
        "<http://www.wikidata.org/entity/Q1> <https://w3id.org/mathgloss/tac/1-01> "
        "<http://www.w3.org/2004/02/skos/core#Concept> <javascript:alert(1)> "
        "<https://w3id.org/mathgloss/graph/concepts> } }",
    )
    assert status == 200
    assert '<a href="/concept/wd:Q83478">wd:Q83478</a>' in page
    assert '<a href="/paper/tac:1-01">tac:1-01</a>' in page
    assert 'href="http://www.wikidata.org/entity/Q1" rel="external nofollow">wd:Q1</a>' in page
    assert ">skos:Concept</a>" in page
    assert ">mgg:concepts</a>" in page
    assert 'href="javascript' not in page


def test_markup_in_values_is_shown_and_not_run(client: FlaskClient) -> None:
    _, page = ask(client, 'SELECT ?x { VALUES ?x { "<script>alert(1)</script>" } }')
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("ASK { ?s ?p ?o }", "<strong>true</strong>"),
        ("CONSTRUCT WHERE { ?s ?p ?o } LIMIT 1", "<pre"),
        ("SELECT * { ?s <urn:none> ?o }", "0 rows"),
        ("SELECT * { VALUES ?x { 'سلام'@ar } }", '<span lang="ar" dir="rtl">'),
    ],
)
def test_each_kind_of_result_is_shown(client: FlaskClient, query: str, shown: str) -> None:
    status, page = ask(client, query)
    assert (status, shown in page) == (200, True)


def test_what_is_wrong_is_said_above_the_kept_query(client: FlaskClient) -> None:
    status, page = ask(client, "SELECT ?x")
    assert status == 400
    assert 'role="alert"' in page
    assert ">SELECT ?x</textarea>" in page


# ------------------------------------------------------------------------------------ in a browser


@pytest.fixture(scope="module")
def base(answers: Answers) -> Iterator[str]:
    with live(create_app(answers=answers)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no browser is installed: apt-get install chromium")
    if "yasqe" not in vendor.installed(vendor.missing_files()):
        pytest.skip("the editor is not installed; run 'python -m api.vendor'")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture(params=["light"])
def page(browser: Any, base: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page with its editor; at the end nothing was complained of, and nobody else asked."""
    context = browser.new_context(base_url=base, color_scheme=request.param)
    opened = context.new_page()
    said: list[str] = []
    asked: set[str | None] = set()
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda made: asked.add(urlsplit(made.url).hostname))
    opened.goto("/sparql")
    opened.locator(".CodeMirror").wait_for()
    yield opened
    context.close()
    assert [line for line in said if "400" not in line] == []
    assert asked <= {"127.0.0.1", None}  # None: what the page itself made, to be saved


def write(page: Any, query: str) -> None:
    page.locator(".CodeMirror").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(query)


@pytest.mark.browser
def test_editor_runs_a_query_by_keyboard_and_the_address_names_it(page: Any) -> None:
    write(page, LABELS)
    page.keyboard.press("Control+Enter")
    page.locator("#result table").wait_for()
    assert page.locator("#result tbody tr").count() == 30
    page.wait_for_url(partial(is_address_of, LABELS))
    link = page.locator("#result a[href^='/concept/']").first
    assert ":" in link.inner_text()


def is_address_of(query: str, address: str) -> bool:
    return parse_qs(urlsplit(address).query).get("query") == [query]


@pytest.mark.browser
def test_example_is_loaded_and_run_and_back_leads_to_the_one_before(page: Any) -> None:
    links = page.locator("a[data-example]:visible")
    by_title = {example.title: example for example in example_queries()}
    first, second = (by_title[title].query for title in links.all_inner_texts()[:2])
    for place, query in enumerate((first, second)):
        links.nth(place).click()
        page.wait_for_url(partial(is_address_of, query))
        assert page.evaluate(VALUE) == query
    page.go_back()
    page.locator(".CodeMirror-code", has_text=first.strip().splitlines()[-1]).wait_for()
    assert page.evaluate(VALUE) == first


@pytest.mark.browser
def test_completion_knows_our_prefixes_classes_and_properties(page: Any) -> None:
    write(page, "SELECT * WHERE { ?x mg:formal")
    page.keyboard.type("i")
    hint = page.locator(".CodeMirror-hint", has_text="mg:formalisedAs")
    hint.wait_for()
    hint.click()
    value = page.evaluate(VALUE)
    assert "PREFIX mg: <https://w3id.org/mathgloss/vocab#>" in value
    assert value.rstrip().endswith("mg:formalisedAs")
    write(page, "SELECT * WHERE { ?x a Conc")
    page.keyboard.type("e")
    page.locator(".CodeMirror-hint", has_text="skos:Concept").first.wait_for()


@pytest.mark.browser
def test_error_is_said_and_a_bad_line_is_marked(page: Any) -> None:
    write(page, "SELECT nonsense")
    page.locator(".parseErrorIcon").hover()
    assert page.locator(".parseErrorIcon").get_attribute("title")
    page.get_by_role("button", name="Run").click()
    page.locator("#result [role=alert]").wait_for()
    assert "not well-formed" in page.locator("#result").inner_text()


@pytest.mark.browser
def test_tab_leads_out_of_the_editor(page: Any) -> None:
    page.locator(".CodeMirror").click()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Run"


@pytest.mark.browser
def test_result_can_be_saved(page: Any) -> None:
    write(page, LABELS)
    page.keyboard.press("Control+Enter")
    button = page.get_by_role("button", name="Save as CSV")
    with page.expect_download() as download:
        button.click()
    with open(download.value.path(), encoding="utf-8") as saved:  # noqa: PTH123 - a path as text
        assert saved.readline().strip() == "concept,name"


DARKEST = """() => ['.CodeMirror', '.CodeMirror-gutters', 'body'].map((name) =>
  Math.max(...getComputedStyle(document.querySelector(name)).backgroundColor
    .match(/[0-9]+/g).slice(0, 3).map(Number)))"""


@pytest.mark.browser
@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_editor_is_dark_where_one_wants_it_dark(page: Any) -> None:
    assert all(value < 60 for value in page.evaluate(DARKEST))


CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.querySelector('.CodeMirror')).backgroundColor);
  const poor = [];
  for (const token of document.querySelectorAll('.CodeMirror-line span[class^=cm-]')) {
    const ink = light(getComputedStyle(token).color);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) poor.push([token.className, token.textContent, ratio]);
  }
  return poor;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_every_token_has_enough_contrast(page: Any) -> None:
    write(page, "# words\n" + LABELS.replace("LIMIT", "OFFSET 0 LIMIT") + ' VALUES ?y { "a"@en 1 }')
    assert page.evaluate(CONTRAST) == []
