"""The pages in a real Chromium: formulas, suggestions, dark mode, nothing from elsewhere."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

from api import create_app, vendor
from mathgloss.config import Settings

pytestmark = pytest.mark.browser

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
CONCEPTS = ["/concept/wd:Q181296", "/concept/wd:Q83478"]
PAGES = ["/", *CONCEPTS, "/papers", "/sources", "/search?q=group", "/sparql", "/api", "/dumps/"]


@dataclass
class Visit:
    """An open page and what happened on it."""

    page: Any
    base: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        response = self.page.goto(self.base + path, wait_until="load")
        assert response.status == 200


@pytest.fixture(scope="module")
def base(home: Path) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(Settings(home=home)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no browser is installed: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture(params=["light"])
def visit(browser: Any, base: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 400, "height": 800}
    )
    visit = Visit(context.new_page(), base)
    visit.page.on("console", lambda message: visit.errors.append(message.text))
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    yield visit
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_page_is_quiet_fits_a_telephone_and_asks_nobody_else(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.errors == []
    assert {urlsplit(url).hostname for url in visit.requests} == {"127.0.0.1"}
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 400


def test_formulas_are_typeset(visit: Visit) -> None:
    if vendor.missing_files():
        pytest.skip("KaTeX is not installed; run 'python -m api.vendor'")
    visit.open("/concept/wd:Q83478")
    assert visit.page.locator(".tex").count() > 0
    assert visit.page.locator(".tex.typeset .katex").count() == visit.page.locator(".tex").count()
    assert "$" not in visit.page.locator(".katex-html").first.inner_text()
    assert visit.errors == []


def test_suggestions_come_while_typing_and_a_key_takes_one(visit: Visit) -> None:
    visit.open("/")
    field = visit.page.locator("main input[type=search]")
    field.press_sequentially("abelian gr")
    options = visit.page.locator("[role=option]")
    options.first.wait_for()
    assert field.get_attribute("aria-expanded") == "true"
    place = options.all_inner_texts().index(
        next(text for text in options.all_inner_texts() if text.startswith("abelian group"))
    )
    for _ in range(place + 1):
        field.press("ArrowDown")
    assert options.nth(place).get_attribute("aria-selected") == "true"
    assert field.get_attribute("aria-activedescendant") == options.nth(place).get_attribute("id")
    field.press("Enter")
    visit.page.wait_for_url("**/concept/wd:Q181296")
    assert visit.errors == []


def test_suggestions_close_and_enter_searches(visit: Visit) -> None:
    visit.open("/")
    field = visit.page.locator("main input[type=search]")
    field.press_sequentially("grou")
    visit.page.locator("[role=option]").first.wait_for()
    field.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"
    field.press("Enter")
    visit.page.wait_for_url("**/search?q=grou")


def test_first_key_leads_to_the_content(visit: Visit) -> None:
    visit.open("/concept/wd:Q181296")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "main"


def test_reasons_of_a_link_unfold(visit: Visit) -> None:
    visit.open("/concept/wd:Q181296")
    reasons = visit.page.locator(".links details").first
    assert not reasons.locator("ul").is_visible()
    reasons.locator("summary").click()
    assert reasons.locator("ul").is_visible()


CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || element.closest(".katex-mathml")) continue;
    const a = light(getComputedStyle(element).color), b = light(behind(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push([element.tagName, element.className, ratio]);
  }
  return poor;
}"""


@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("path", PAGES)
def test_text_has_enough_contrast_in_light_and_dark(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("visit", ["dark"], indirect=True)
def test_concept_page_is_dark_where_one_wants_it_dark(visit: Visit) -> None:
    visit.open("/concept/wd:Q181296")
    background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in background[4:-1].split(",")) < 60
    assert visit.errors == []
