"""Every kind of page: valid, accessible in light and dark, under a strict policy, asking nobody.

The rules of WCAG 2 (A and AA) are checked by axe-core in a real Chromium.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.vendor import ROOT
from mathgloss.config import Settings
from mathgloss.model import mapping_id
from tests import test_web_browser as shared
from tests.html_tree import addresses, dangers, faults, text, tree
from tests.test_web_browser import Visit

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
STRICT = "default-src 'none'; script-src 'self'; style-src 'self';"
TOKEN = "correct horse battery staple"
EXPERIMENT = "kernel-scores-on-groups"
OF_EACH_KIND = 25
MAPPING = mapping_id("chicago:abelian_group", "skos:exactMatch", "wd:Q181296")
QUERY = "/sparql?query=SELECT%20*%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D%20LIMIT%203"
# rule of each kind of page -> pages of that kind
KINDS = {
    "/": ["/"],
    "/api": ["/api"],
    "/concept/<path:identifier>": [
        "/concept/wd:Q83478",
        "/concept/wd:Q181296",
        "/concept/nlab:orbit+%2528group+theory%2529",
    ],
    "/concept/<path:identifier>/papers": ["/concept/wd:Q83478/papers"],
    "/concepts": ["/concepts", "/concepts?q=group&syllabus=true"],
    "/coverage": ["/coverage"],
    "/dumps/": ["/dumps/"],
    "/experiment/<identifier>": [f"/experiment/{EXPERIMENT}"],
    "/experiment/<identifier>/code": [f"/experiment/{EXPERIMENT}/code"],
    "/experiment/<identifier>/runs": [f"/experiment/{EXPERIMENT}/runs"],
    "/experiments": ["/experiments"],
    "/paper/<path:identifier>": ["/paper/tac:1-01"],
    "/papers": ["/papers"],
    "/review": ["/review", "/review?set=curated&from=0.2"],
    "/review/<mapping_id>": [f"/review/{MAPPING}"],
    "/search": ["/search", "/search?q=group", "/search?q=xyzzyx"],
    "/sources": ["/sources"],
    "/sparql": ["/sparql", QUERY, "/sparql?query=SELECT"],
    "/text": ["/text"],
    "/reconcile/preview": ["/reconcile/preview?id=wd:Q181296"],
}
# what errors show to a reader
ERRORS = ["/nothing", "/concept/nothing", "/papers?cursor=x", "/review?from=x"]
# addresses of the pages' blueprint that give no page, and a run, of which there is none
NO_PAGES = {
    "/dumps/<name>",
    "/experiment/<identifier>.ipynb",
    "/favicon.ico",
    "/run/<identifier>",
}
PAGES = [*(path for paths in KINDS.values() for path in paths), *ERRORS]

base = shared.base
browser = shared.browser


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home, curation_token=TOKEN)).test_client()


def get(client: FlaskClient, path: str) -> Element:
    """The page at an address, an error's too; its policy is strict."""
    response = client.get(path, headers={"Accept": BROWSER})
    assert response.mimetype == "text/html", path
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith(STRICT)
    assert "unsafe" not in policy
    return tree(response.text)


# ------------------------------------------------------------------------------ without a browser


def test_every_kind_of_page_is_listed_here(client: FlaskClient) -> None:
    rules = {
        rule.rule
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint.startswith("pages.") and "GET" in (rule.methods or ())
    }
    assert rules - NO_PAGES == KINDS.keys() - {"/sparql", "/reconcile/preview"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_names_what_it_holds(client: FlaskClient, path: str) -> None:
    page = get(client, path)
    assert dangers(page) == []
    assert faults(page) == []
    assert page.get("lang") == "en"
    assert text(page.find("head/title"))  # type: ignore[arg-type]


def test_the_policy_is_strict_wherever_a_link_leads(client: FlaskClient) -> None:
    """All pages that can be reached from the first one, and what they load and offer."""
    policy = client.get("/").headers["Content-Security-Policy"]
    reached = dict(_walk(client))
    assert len(reached) > 150
    for path, (status, headers) in reached.items():
        if not headers["from"].startswith("/experiment"):  # they name concepts this world lacks
            assert status < 400, f"{path} is linked from {headers['from']} and answers {status}"
        if not path.startswith("/reconcile/preview"):
            assert headers["Content-Security-Policy"] == policy, path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"], path


def _walk(client: FlaskClient) -> Iterator[tuple[str, tuple[int, Any]]]:
    """Follow links breadth first: path, status and headers; of each kind of address some."""
    waiting, seen = [("/", "")], {"/"}
    count: dict[str, int] = {}
    for path, source in waiting:
        kind = path.split("/")[1].split("?")[0]
        count[kind] = count.get(kind, 0) + 1
        if count[kind] > OF_EACH_KIND:
            continue
        response = client.get(path, headers={"Accept": BROWSER})
        yield path, (response.status_code, {**response.headers, "from": source})
        if response.status_code < 400 and response.mimetype == "text/html":
            if response.status_code >= 300:
                found = [response.headers["Location"]]
            else:
                found = [address for _, address in addresses(tree(response.text))]
            for address in found:
                inside = address.partition("#")[0]
                if inside.startswith("/") and inside not in seen:
                    seen.add(inside)
                    waiting.append((inside, path))
        response.close()


def test_foreign_names_say_their_language_and_direction(client: FlaskClient) -> None:
    for path, wanted in (
        ("/concept/wd:Q83478", {("fa", "rtl"): "گروه", ("de", "ltr"): "Gruppe"}),
        ("/concept/wd:Q181296", {("ar", "rtl"): "زمرة أبيلية", ("ja", "ltr"): "アーベル群"}),
        ("/reconcile/preview?id=wd:Q181296", {("ar", "rtl"): "زمرة أبيلية"}),
    ):
        said = {
            ((element.get("lang"), element.get("dir")), text(element))
            for element in get(client, path).iter()
            if "lang" in element.attrib
        }
        for (lang, direction), name in wanted.items():
            assert any(
                key == (lang, direction) and words.startswith(name) for key, words in said
            ), (path, name)


def test_a_name_found_in_another_language_says_so(client: FlaskClient) -> None:
    found = get(client, "/search?q=" + "زمرة")
    assert [text(each) for each in found.iter("bdi") if each.get("lang") == "ar"] == ["زمرة أبيلية"]


# -------------------------------------------------------------------------------- in a real browser


@pytest.fixture(scope="module")
def screen(browser: Any, base: str) -> Iterator[Visit]:
    """A page with axe-core in it; scripts of a test are not under the page's policy."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run 'npm ci --ignore-scripts'")
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    context.add_init_script(path=AXE)
    visit = Visit(context.new_page(), base)
    visit.page.on("console", lambda message: visit.errors.append(message.text))
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    yield visit
    context.close()


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """(only) => axe.run(document, { runOnly: only, resultTypes: ["violations"] }).then(
  (found) => found.violations.flatMap((rule) => rule.nodes.map(
    (node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.split("\\n")[1]}`)))"""


def violations(visit: Visit) -> list[str]:
    """What axe-core finds in light, and of colours in dark."""
    visit.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found: list[str] = visit.page.evaluate(RUN, {"type": "tag", "values": RULES})
    visit.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    dark: list[str] = visit.page.evaluate(RUN, {"type": "rule", "values": ["color-contrast"]})
    return [*found, *(f"dark {each}" for each in dark)]


def go(visit: Visit, path: str) -> None:
    visit.errors.clear()
    visit.requests.clear()
    visit.page.goto(visit.base + path, wait_until="load")


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_quiet_and_alone(screen: Visit, path: str) -> None:
    go(screen, path)
    refusals = [said for said in screen.errors if "the server responded with a status of" in said]
    assert [said for said in screen.errors if said not in refusals] == []
    assert len(refusals) == (path in ERRORS or path == "/sparql?query=SELECT")
    assert {urlsplit(url).hostname for url in screen.requests} == {"127.0.0.1"}
    assert violations(screen) == []


def _suggest(page: Any) -> None:
    page.locator("main input[type=search]").press_sequentially("group")
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")


def _open_card(page: Any) -> None:
    page.locator(".mention").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.locator(".mentioncard:popover-open").wait_for()


def _link_example(page: Any) -> None:
    page.get_by_role("button", name="Show an example").click()
    page.locator(".linked .mention").first.wait_for()


def _explain(page: Any) -> None:
    page.locator("article.mapping:visible").first.focus()
    page.keyboard.press("?")
    page.locator("dialog#help").wait_for()


def _unfold(page: Any) -> None:
    for summary in page.locator("summary").all():
        summary.click()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "act"),
    [
        ("/", _suggest),
        ("/concept/wd:Q83478", _unfold),
        ("/paper/tac:1-01", _open_card),
        ("/text", _link_example),
        ("/review", _explain),
        ("/api", _unfold),
    ],
)
def test_what_opens_on_a_page_is_accessible(
    screen: Visit, path: str, act: Callable[[Any], None]
) -> None:
    go(screen, path)
    act(screen.page)
    assert violations(screen) == []
    assert screen.errors == []


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/concept/wd:Q83478", "/coverage", "/sparql", "/text"])
def test_whatever_takes_the_focus_shows_it_and_lets_it_go(screen: Visit, path: str) -> None:
    """The tab key visits every control in turn, the first time the skip link, and gets away."""
    go(screen, path)
    places = []
    for _ in range(25):
        screen.page.keyboard.press("Tab")
        places.append(screen.page.evaluate(FOCUSED))
    assert places[0]["name"] == "Skip to the content"
    visited = [place for place in places if place]
    assert len({place["number"] for place in visited}) > 10
    assert [place["name"] for place in visited if not place["seen"]] == []


FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  const shown = style.outlineStyle !== "none" || !!element.closest(".CodeMirror, .yasqe");
  return {
    number: [...document.querySelectorAll("*")].indexOf(element),
    name: element.textContent.trim().slice(0, 60) || element.getAttribute("aria-label"),
    seen: shown && box.width > 0 && box.left >= 0,
  };
}"""
