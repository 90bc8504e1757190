"""The page that links a text, in a real Chromium: typing, cards by mouse, keyboard and touch."""

from __future__ import annotations

from typing import Any

import pytest

from api.pages.text import EXAMPLE
from tests import test_web_browser as shared
from tests.test_web_browser import CONTRAST, Visit

pytestmark = pytest.mark.browser

base = shared.base
browser = shared.browser
visit = shared.visit

TEXT = "Every abelian group is a module over the ring of integers. Here is a ring of this kind."


def write(visit: Visit, text: str) -> None:
    """Open the page and type, as far as the first result."""
    visit.open("/text")
    visit.page.locator("#text").fill(text)
    visit.page.locator(".linked").wait_for()


def card(visit: Visit) -> Any:
    """The card that is open."""
    return visit.page.locator(".mentioncard:popover-open")


def mention(visit: Visit, words: str) -> Any:
    return visit.page.locator(".linked .mention", has_text=words).first


def test_text_is_linked_while_one_writes(visit: Visit) -> None:
    write(visit, TEXT)
    assert mention(visit, "abelian group").get_attribute("href") == "/concept/wd:Q181296"
    assert visit.page.locator(".linked").inner_text() == TEXT
    assert "concept" in visit.page.locator("[role=status]").inner_text()
    assert visit.page.url.endswith("/text")
    assert visit.errors == []


def test_what_is_asked_for_is_obeyed_at_once(visit: Visit) -> None:
    write(visit, TEXT)
    assert mention(visit, "abelian group").evaluate("element => element.tagName") == "A"
    visit.page.locator("[name=min_confidence]").fill("0.99")
    visit.page.locator("span.mention.open", has_text="abelian group").wait_for()
    assert visit.page.locator("output").inner_text() == "99 %"
    visit.page.locator("[name=unlinked]").uncheck()
    visit.page.locator(".linked .mention").first.wait_for(state="detached")
    assert visit.errors == []


def test_example_is_shown_and_its_formulas_are_typeset(visit: Visit) -> None:
    visit.open("/text")
    visit.page.get_by_role("button", name="Show an example").click()
    visit.page.locator(".linked .mention").first.wait_for()
    assert visit.page.locator("#text").input_value() == EXAMPLE
    assert visit.page.locator(".tex:not(.typeset)").count() in {
        0,
        visit.page.locator(".tex").count(),
    }
    assert visit.errors == []


def test_card_opens_under_the_pointer_stays_below_it_and_leaves(visit: Visit) -> None:
    write(visit, TEXT)
    assert card(visit).count() == 0
    mention(visit, "abelian group").hover()
    card(visit).wait_for()
    assert card(visit).locator("a").first.get_attribute("href") == "/concept/wd:Q181296"
    assert "% sure" in card(visit).inner_text()
    card(visit).locator("a").first.hover()
    visit.page.wait_for_timeout(500)  # longer than the way from the words to the card may take
    assert card(visit).count() == 1
    visit.page.mouse.move(5, 5)
    visit.page.locator(".mentioncard:popover-open").wait_for(state="detached")
    assert visit.errors == []


def test_card_opens_with_the_focus_is_entered_and_left_by_keys(visit: Visit) -> None:
    write(visit, TEXT)
    visit.page.locator("[name=example]").focus()
    visit.page.keyboard.press("Tab")
    focused = "document.activeElement.textContent"
    assert visit.page.evaluate(focused) == "abelian group"
    assert card(visit).count() == 1
    visit.page.keyboard.press("ArrowDown")
    assert visit.page.evaluate("document.activeElement.closest('.mentioncard') !== null")
    visit.page.keyboard.press("Escape")
    assert card(visit).count() == 0
    assert visit.page.evaluate(focused) == "abelian group"
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/concept/wd:Q181296")
    assert visit.errors == []


def test_what_is_not_linked_says_why(visit: Visit) -> None:
    write(visit, TEXT)
    visit.page.locator("[name=min_confidence]").fill("0.99")
    unsure = visit.page.locator("span.mention.open", has_text="abelian group")
    unsure.wait_for()
    assert unsure.get_attribute("role") == "button"
    unsure.focus()
    visit.page.keyboard.press("Enter")
    assert "Nearest" in card(visit).inner_text()
    assert card(visit).locator("a[href='/concept/wd:Q181296']").count() == 1
    described = visit.page.locator(f"#{unsure.get_attribute('aria-describedby')}")
    assert "Not linked" in described.inner_text()


def test_first_touch_opens_the_card_and_the_second_follows(browser: Any, base: str) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 400, "height": 800})
    visit = Visit(context.new_page(), base)
    write(visit, TEXT)
    mention(visit, "abelian group").tap()
    card(visit).wait_for()
    box = card(visit).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
    mention(visit, "abelian group").tap()
    visit.page.wait_for_url("**/concept/wd:Q181296")
    context.close()


def test_page_works_without_scripts(browser: Any, base: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    visit = Visit(context.new_page(), base)
    visit.open("/text")
    visit.page.locator("#text").fill(TEXT)
    visit.page.get_by_role("button", name="Link", exact=True).click()
    assert mention(visit, "abelian group").get_attribute("href") == "/concept/wd:Q181296"
    assert visit.page.locator("#text").input_value() == TEXT
    assert not card(visit).count()
    context.close()


def test_links_are_taken_along_as_markdown_and_json(visit: Visit) -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    write(visit, TEXT)
    visit.page.get_by_text("Markdown with links").click()
    visit.page.locator("[data-copy=markdown]").click()
    visit.page.locator("[data-copy=markdown]", has_text="Copied").wait_for()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Every [abelian group](http://www.wikidata.org/entity/Q181296) is a")
    assert visit.errors == []


def test_script_in_a_text_stays_text(visit: Visit) -> None:
    write(visit, '<img src=x onerror="alert(1)"></textarea><script>alert(1)</script> group')
    assert visit.page.locator("#result img, #result script").count() == 0
    assert "<img src=x" in visit.page.locator(".linked").inner_text()
    assert visit.errors == []


@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
def test_result_fits_a_telephone_and_can_be_read(visit: Visit) -> None:
    write(visit, TEXT)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 400
    mention(visit, "abelian group").focus()
    assert visit.page.evaluate(CONTRAST) == []
