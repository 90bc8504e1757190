"""Experiments in a real Chromium: change a parameter, run, watch, read the verdict, cancel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from api import create_app, runs
from mathgloss.config import Settings
from tests import test_web_browser as shared
from tests.live import live
from tests.test_web_browser import CONTRAST, Visit
from tests.workers import copy_home, working

pytestmark = pytest.mark.browser

browser = shared.browser
visit = shared.visit

# the first has a short quick run, the second is long enough to be cancelled
SCORES = "/experiment/kernel-scores-on-groups"
RFM = "/experiment/rfm-symmetry-breaking"
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def own_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_home(home, tmp_path_factory.mktemp("web") / "home")


@pytest.fixture(scope="module")
def base(own_home: Path) -> Iterator[str]:
    """The application beside a process that works on its queue."""
    with working(own_home), live(create_app(Settings(home=own_home))) as address:
        yield address


def panel(visit: Visit, state: str) -> Any:
    """The run on the page, as soon as it is in a state."""
    found = visit.page.locator(f"#run[data-state={state}]")
    found.wait_for(timeout=PATIENCE_MS)
    return found


def fill(visit: Visit, **values: object) -> None:
    for name, value in values.items():
        visit.page.locator(f"#parameter-{name}").fill(str(value))


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name, exact=True).click()


def cancel_after(visit: Visit) -> None:
    """Make room for the next test: a client may have only a few runs."""
    press(visit, "Cancel")
    panel(visit, "cancelled")


def test_a_parameter_is_changed_and_the_run_watched_to_its_verdict(visit: Visit) -> None:
    visit.open("/experiments")
    visit.page.locator(f"main a[href='{SCORES}']").click()
    visit.page.wait_for_url(f"**{SCORES}")
    fill(visit, tests=6)
    press(visit, "Quick run")
    run = panel(visit, "finished")
    assert run.locator(".checks .status").all_inner_texts().count("held here") >= 1
    assert "kernel test" in run.locator(".checks").inner_text()
    figure = run.locator("img")
    figure.scroll_into_view_if_needed()
    assert figure.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    address = run.get_by_role("link", name="Link to this run").get_attribute("href")
    record = visit.page.request.get(f"{visit.base}/api/v1{address.replace('/run/', '/runs/')}")
    assert record.json()["params"]["tests"] == 6
    assert "The run has ended: " in visit.page.locator("[role=status]").inner_text()
    visit.open(address)
    panel(visit, "finished")
    assert visit.errors == []
    assert {urlsplit(url).hostname for url in visit.requests} == {"127.0.0.1"}


def test_progress_is_shown_and_the_run_cancelled(visit: Visit) -> None:
    visit.open(RFM)
    fill(visit, iterations=24)
    press(visit, "Run")
    panel(visit, "running")
    visit.page.locator("#run .now", has_text="split 1").wait_for(timeout=PATIENCE_MS)
    assert visit.page.locator("#run progress").count() == 1
    assert visit.page.evaluate("document.activeElement.id") == "run"
    cancel_after(visit)
    assert "It was cancelled" in visit.page.locator("#run").inner_text()
    assert visit.errors == []


def test_who_cannot_follow_asks_again_and_again(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_places", threading.BoundedSemaphore(1))
    with visit.page.expect_response("**/events") as refused:
        assert runs._places.acquire(blocking=False)
        visit.open(SCORES)
        fill(visit, tests=7)
        press(visit, "Quick run")
    assert refused.value.status == 503
    panel(visit, "finished")
    runs._places.release()
    assert all("503" in error for error in visit.errors)


def test_bad_parameters_are_refused_by_the_browser_and_by_the_service(visit: Visit) -> None:
    visit.open(RFM)
    fill(visit, n=5)
    press(visit, "Run")
    assert visit.page.locator("#parameter-n:invalid").count() == 1
    fill(visit, n=31)
    press(visit, "Run")
    refused = visit.page.locator("#refused")
    refused.wait_for()
    assert "expected orders that divide n = 31" in refused.inner_text()
    assert visit.page.locator("#parameter-n").input_value() == "31"


def test_it_works_without_scripts(browser: Any, base: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    visit = Visit(context.new_page(), base)
    visit.open(SCORES)
    fill(visit, tests=8)
    press(visit, "Quick run")
    visit.page.wait_for_url("**/run/*")
    panel(visit, "finished")
    context.close()


def test_it_works_by_the_keyboard(visit: Visit) -> None:
    visit.open(SCORES)
    visit.page.locator("#parameter-tests").focus()
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.type("9")
    visit.page.get_by_role("button", name="Quick run").focus()
    visit.page.keyboard.press("Enter")
    panel(visit, "finished")
    assert visit.errors == []


@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("path", ["/experiments", RFM, SCORES, f"{SCORES}/code", f"{SCORES}/runs"])
def test_pages_fit_a_telephone_and_can_be_read(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert visit.page.evaluate(CONTRAST) == []
    assert visit.errors == []


@pytest.mark.parametrize("visit", ["light", "dark"], indirect=True)
def test_a_run_fits_a_telephone_and_can_be_read(visit: Visit) -> None:
    finished = visit.page.request.get(f"{visit.base}/api/v1/runs?experiment={SCORES[12:]}").json()
    run = next(item["run"] for item in finished["items"] if item["state"] == "finished")
    visit.open(f"/run/{run}")
    for summary in visit.page.locator("#run summary").all():
        summary.click()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert visit.page.evaluate(CONTRAST) == []
    assert visit.errors == []
