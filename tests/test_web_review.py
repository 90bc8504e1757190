"""The review page in a real Chromium: two keystrokes a decision, a token that is never stored."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from werkzeug.serving import make_server

from api import create_app
from mathgloss.config import Settings
from mathgloss.io.decisions import Decision, DecisionFiles
from tests.test_web_browser import CONTRAST, Visit, browser

__all__ = ["browser"]

pytestmark = pytest.mark.browser

TOKEN = "correct horse báttery"
UNSURE = 5


@pytest.fixture(scope="module")
def scratch(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the small world, on which this module's tests decide."""
    folder = tmp_path_factory.mktemp("reviewed") / "home"
    shutil.copytree(home, folder)
    return Settings(home=folder, curation_token=SecretStr(TOKEN))


@pytest.fixture(scope="module")
def base(scratch: Settings) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(scratch), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(
    browser: Any,
    base: str,
    scratch: Settings,
    request: pytest.FixtureRequest,
) -> Iterator[Visit]:
    options = {"color_scheme": "light", **getattr(request, "param", {})}
    context = browser.new_context(viewport={"width": 400, "height": 800}, **options)
    visit = Visit(context.new_page(), base)
    visit.page.on("console", lambda message: visit.errors.append(message.text))
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    yield visit
    context.close()
    shutil.rmtree(scratch.layout.decisions, ignore_errors=True)


def press(visit: Visit, *keys: str) -> None:
    for key in keys:
        visit.page.keyboard.press(key)


def give_token(visit: Visit, token: str = TOKEN, curator: str = "") -> None:
    visit.page.locator("#token input[name=token]").fill(token)
    if curator:
        visit.page.locator("#token input[name=curator]").fill(curator)
    press(visit, "Enter")


def shown(visit: Visit) -> str:
    """The one mapping that is shown."""
    (card,) = visit.page.locator("article.mapping:visible").all()
    return str(card.get_attribute("data-mapping"))


def wait_for(visit: Visit, text: str) -> None:
    visit.page.locator("#said", has_text=text).wait_for()


def decided(scratch: Settings) -> list[Decision]:
    return list(DecisionFiles(scratch.layout).read())


def test_two_keys_accept_and_two_reject(visit: Visit, scratch: Settings) -> None:
    visit.open("/review")
    first = shown(visit)
    assert visit.page.evaluate("document.activeElement.dataset.mapping") == first
    press(visit, "a", "Enter")
    give_token(visit, curator="0000-0002-1825-0097")
    wait_for(visit, "Accepted:")
    assert visit.page.locator("#progress").inner_text() == f"2 of {UNSURE}"
    second = shown(visit)
    assert second != first
    press(visit, "r", "Enter")  # nobody is asked for the token again
    wait_for(visit, "Rejected:")
    assert [str(row.verdict) for row in decided(scratch)] == ["accept", "reject"]
    assert decided(scratch)[0].curator == "orcid:0000-0002-1825-0097"
    visit.open("/review")
    assert shown(visit) not in {first, second}
    assert visit.errors == []


def test_one_key_alone_decides_nothing(visit: Visit, scratch: Settings) -> None:
    visit.open("/review")
    press(visit, "a", "s", "r", "k")
    assert visit.page.locator("#progress").inner_text() == f"1 of {UNSURE}"
    assert decided(scratch) == []


def test_undo_takes_the_last_decision_back(visit: Visit, scratch: Settings) -> None:
    visit.open("/review")
    first = shown(visit)
    press(visit, "r", "Enter")
    give_token(visit)
    wait_for(visit, "Rejected:")
    press(visit, "u")
    wait_for(visit, "Taken back:")
    assert shown(visit) == first
    assert decided(scratch) == []
    press(visit, "u")
    wait_for(visit, "Nothing to take back")


def test_keys_move_and_explain_themselves(visit: Visit) -> None:
    visit.open("/review")
    first = shown(visit)
    press(visit, "k")
    wait_for(visit, "This is the first one")
    press(visit, "j", "s", "k", "k")
    assert shown(visit) == first
    press(visit, *["s"] * UNSURE)
    wait_for(visit, "That was the last one")
    press(visit, "?")
    dialog = visit.page.locator("#help")
    assert dialog.is_visible()
    press(visit, "Escape")
    assert not dialog.is_visible()
    visit.page.locator(".filters input[name=from]").press("s")
    assert visit.page.locator("#progress").inner_text() == f"{UNSURE} of {UNSURE}"


def test_a_wrong_token_is_asked_for_again_and_cancel_decides_nothing(
    visit: Visit, scratch: Settings
) -> None:
    visit.open("/review")
    visit.page.get_by_role("button", name="Accept").click()
    assert not visit.page.locator("#token-wrong").is_visible()
    give_token(visit, "wrong")
    visit.page.locator("#token-wrong").wait_for()
    press(visit, "Escape")
    wait_for(visit, "Nothing was decided")
    assert decided(scratch) == []
    # the browser itself notes the 401
    assert all("401" in error for error in visit.errors)


def test_the_token_is_in_the_session_alone(visit: Visit) -> None:
    visit.open("/review")
    press(visit, "a", "Enter")
    give_token(visit)
    wait_for(visit, "Accepted:")
    stored = visit.page.evaluate(
        "[document.cookie, JSON.stringify(localStorage), sessionStorage['curation-token']]"
    )
    assert stored == ["", "{}", TOKEN]
    assert all("horse" not in url for url in [visit.page.url, *visit.requests])
    assert {urlsplit(url).hostname for url in visit.requests} == {"127.0.0.1"}
    assert visit.page.locator("#token input[name=token]").input_value() == ""


def test_what_the_service_refuses_is_said(visit: Visit, scratch: Settings) -> None:
    visit.open("/review")
    scratch.layout.decisions.mkdir()
    (scratch.layout.decisions / "curated.sssom.tsv").write_text("half\n", encoding="utf-8")
    press(visit, "a", "Enter")
    give_token(visit)
    wait_for(visit, "Not kept: decisions/curated.sssom.tsv:1")
    assert visit.page.locator("#progress").inner_text() == f"1 of {UNSURE}"


def test_one_mapping_has_an_address(visit: Visit, scratch: Settings) -> None:
    visit.open("/review")
    press(visit, "s")
    mapping = shown(visit)
    visit.page.locator("article:visible").get_by_text("Link to this").click()
    visit.page.wait_for_url(f"**/review/{mapping}")
    assert shown(visit) == mapping
    press(visit, "a", "Enter")
    give_token(visit)
    visit.page.wait_for_url("**/review")
    assert len(decided(scratch)) == 1


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_it_is_a_list_to_read(visit: Visit) -> None:
    visit.open("/review")
    assert visit.page.locator("article.mapping:visible").count() == UNSURE
    assert visit.page.locator(".actions:visible").count() == 0
    assert visit.page.locator("dialog:visible").count() == 0


@pytest.mark.parametrize(
    "visit", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True
)
@pytest.mark.parametrize("path", ["/review", "/review?set=curated"])
def test_it_can_be_read_and_fits_a_telephone(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.page.evaluate(CONTRAST) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 400
    press(visit, "?")
    assert visit.page.evaluate(CONTRAST) == []
    press(visit, "Escape")
    press(visit, "a", "Enter")
    visit.page.locator("#token").wait_for()
    assert visit.page.evaluate(CONTRAST) == []
    unnamed = visit.page.eval_on_selector_all(
        "button, input, select",
        "all => all.filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).length",
    )
    assert unnamed == 0
    assert visit.errors == []
