"""The pages: what they show, that foreign text is harmless, and what they need."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api import create_app, vendor
from api.languages import in_page_order, language
from api.markup import MAX_MARKDOWN_CHARS, render_inline_tex, render_markdown, render_mentions
from api.pages.rendering import concept_address, percent
from ingest.wikidata_scope import LANGUAGES
from mathgloss.answers.service import Answers
from mathgloss.config import Settings
from mathgloss.errors import DataNotFoundError

ABELIAN = "wd:Q181296"


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


def page(client: FlaskClient, path: str) -> str:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "text/html"), response.text
    return response.text


# ------------------------------------------------------------------------------------------- pages


def test_home_shows_counts_of_the_snapshot_and_where_to_begin(
    client: FlaskClient, answers: Answers
) -> None:
    shown = page(client, "/")
    assert f"<dd>{answers.snapshot.manifest.counts['papers']}</dd>" in shown
    for path in ("/concept/wd:Q83478", "/papers", "/sources", "/sparql", "/openapi.json"):
        assert f'href="{path}' in shown
    assert answers.snapshot.id in shown


def test_concept_page_shows_what_the_sources_say(client: FlaskClient) -> None:
    shown = page(client, f"/concept/{ABELIAN}")
    assert re.search(r"<h1[^>]*>abelian group</h1>", shown)
    assert '<dd lang="de" dir="ltr">abelsche Gruppe' in shown
    assert 'href="/concept/wd:Q83478">group</a>' in shown
    assert "why?" in shown


def test_concept_page_names_source_and_licence_of_each_definition(
    client: FlaskClient, answers: Answers
) -> None:
    shown = page(client, f"/concept/{ABELIAN}")
    for definition in answers.concept(ABELIAN)["definitions"]:
        title = answers.source_titles[definition["source"]]
        if definition["text"]:
            assert f'rel="license">{definition["licence"]}</a>' in shown
        else:
            assert f"Read the definition at {title}" in shown


def test_every_named_concept_and_paper_has_a_page(client: FlaskClient) -> None:
    shown = page(client, "/") + page(client, f"/concept/{ABELIAN}")
    addresses = set(re.findall(r'href="(/(?:concept|paper)/[^"]+)"', shown))
    assert len(addresses) > 10
    for address in addresses:
        page(client, address)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/concept/Q181296", "/concept/wd:Q181296"),
        ("/concept/http://www.wikidata.org/entity/Q181296", "/concept/wd:Q181296"),
        ("/concept/abelian%20group", "/concept/wd:Q181296"),
        ("/search?q=Q181296", "/concept/wd:Q181296"),
    ],
)
def test_other_forms_lead_to_the_one_address(client: FlaskClient, path: str, target: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (303, target)


@pytest.mark.parametrize("address", ["//example.org", "/\\example.org", "https://example.org"])
def test_no_redirect_leaves_the_site(client: FlaskClient, address: str) -> None:
    for path in (f"/concept/{address}", f"/search?q={address}", f"/{address}", f"/paper/{address}"):
        assert "example.org" not in client.get(path).headers.get("Location", "")


def test_paper_page_marks_mentions_and_lists_concepts(
    client: FlaskClient, answers: Answers
) -> None:
    listed = [answers.paper(item["id"]) for item in answers.papers(limit=20)["items"]]
    paper = next(found for found in listed if found["mentions"])
    mention = paper["mentions"][0]
    shown = page(client, f"/paper/{paper['id']}")
    assert f"<mark>{mention['surface']}</mark>" in shown
    assert f'href="{concept_address(mention["concept"])}"' in shown


def test_papers_can_be_walked_through(client: FlaskClient, answers: Answers) -> None:
    seen: set[str] = set()
    path: str | None = "/papers"
    while path:
        shown = page(client, path)
        seen |= set(re.findall(r'href="/paper/([^"]+)"', shown))
        following = re.search(r'href="(/papers\?cursor=[^"]+)" rel="next"', shown)
        path = following[1] if following else None
    assert len(seen) == answers.papers()["total"]


def test_sources_page_names_every_source_with_its_licence(
    client: FlaskClient, answers: Answers
) -> None:
    shown = page(client, "/sources")
    for source in answers.sources()["sources"]:
        assert f'id="{source["name"]}"' in shown
        assert source["licence"]["name"] in shown
    assert "file://" not in shown


def test_search_page_lists_concepts_and_says_when_there_are_none(client: FlaskClient) -> None:
    assert f'href="/concept/{ABELIAN}"' in page(client, "/search?q=abelian+group")
    assert "No concept has a name" in page(client, "/search?q=xyzzyx")
    assert "Write a name" in page(client, "/search")


def test_search_text_is_escaped(client: FlaskClient) -> None:
    shown = page(client, '/search?q="><script>alert(1)</script>')
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


def test_no_page_loads_anything_from_elsewhere(client: FlaskClient) -> None:
    for path in ("/", f"/concept/{ABELIAN}", "/sources", "/papers", "/search?q=a"):
        shown = page(client, path)
        loaded = re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="([^"]+)"', shown)
        assert loaded
        assert all(re.match("/[^/]", address) for address in loaded)
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", shown)


def test_pages_are_small(client: FlaskClient) -> None:
    """First visit of a concept page: page, sheet, scripts, and the three fonts it uses, packed."""
    if vendor.missing_files():
        pytest.skip("KaTeX is not installed; run 'python -m api.vendor'")
    shown = client.get("/concept/wd:Q83478", headers={"Accept-Encoding": "gzip"})
    total = len(shown.data)
    loaded = [*re.findall(r'(?:src|href)="(/static/[^"]+)"', page(client, "/concept/wd:Q83478"))]
    fonts = [
        f"/static/vendor/katex/fonts/KaTeX_{name}.woff2"
        for name in ("Main-Regular", "Math-Italic", "AMS-Regular")
    ]
    for address in loaded + fonts:
        with client.get(address, headers={"Accept-Encoding": "gzip"}) as response:
            assert response.status_code == 200, address
            total += len(response.data)
    assert total < 250_000


def test_static_files_with_a_version_are_kept(client: FlaskClient) -> None:
    address = re.findall(r'href="(/static/mathgloss.css[^"]+)"', page(client, "/"))[0]
    with client.get(address) as versioned, client.get("/static/mathgloss.css") as plain:
        assert "immutable" in versioned.headers["Cache-Control"]
        assert "immutable" not in plain.headers["Cache-Control"]
        assert versioned.mimetype == "text/css"


# ------------------------------------------------------------------------------------------- markup


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a **b** *c*", "<p>a <strong>b</strong> <em>c</em></p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("1. a", "<ol>\n<li>a</li>\n</ol>\n"),
        ("a $x_1 * y_2$ b", '<p>a <span class="tex">$x_1 * y_2$</span> b</p>\n'),
        ("$a<b$", '<p><span class="tex">$a&lt;b$</span></p>\n'),
        ("so $$x^2$$ is", '<p>so <span class="tex display">$$x^2$$</span> is</p>\n'),
        ("$$\nx^2\n$$", '<p><span class="tex display">$$x^2$$</span></p>\n'),
        ("C*-algebra and W*-algebra", "<p>C*-algebra and W*-algebra</p>\n"),
        ("costs $5", "<p>costs $5</p>\n"),
    ],
)
def test_markdown_is_rendered(text: str, html: str) -> None:
    assert render_markdown(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "$</span><script>alert(1)</script>$",
        "$$\n<script>alert(1)</script>\n$$",
        "[a](javascript:alert(1))",
        "[a](data:text/html,<script>alert(1)</script>)",
        "[a](vbscript:x)",
        "[a](<java\nscript:alert(1)>)",
        "[a](&#106;avascript:alert(1))",
        "![a](http://example.org/x.png)",
        '[a](http://example.org/" onclick="alert(1))',
        "`<script>`",
        "```html\n<script>alert(1)</script>\n```",
        '```" onclick="x\na\n```',
        "<http://example.org>",
        "[a]: javascript:alert(1)\n\n[a]",
    ],
)
def test_foreign_text_cannot_do_harm(text: str) -> None:
    markdown = render_markdown(text, base_url="https://example.org/")
    for rendered in (markdown, render_inline_tex(text)):
        tags = re.findall(r"<[^>]*>", rendered)
        assert not [tag for tag in tags if re.search(r"script|img|\son\w+\s*=|data:", tag)], (
            rendered
        )


def test_relative_links_lead_to_the_source() -> None:
    rendered = render_markdown("[a](../b)", base_url="https://example.org/x/y")
    assert 'href="https://example.org/b"' in rendered
    assert "href" not in render_markdown("[a](../b)")


def test_endless_markdown_is_shown_as_it_is() -> None:
    rendered = render_markdown("*a" * MAX_MARKDOWN_CHARS)
    assert rendered.startswith("<p>*a*a")


def test_overlapping_mentions_are_shown_once() -> None:
    mentions = [
        {"start": 0, "end": 13, "concept": "wd:Q1", "label": "a", "confidence": 0.9},
        {"start": 8, "end": 13, "concept": "wd:Q2", "label": "b", "confidence": 0.9},
        {"start": 90, "end": 95, "concept": "wd:Q3", "label": "c", "confidence": 0.9},
    ]
    rendered = render_mentions("abelian group <b>", mentions, lambda concept: f"/{concept}")
    assert rendered.count("<mark>") == 1
    assert "<mark>abelian group</mark></a> &lt;b&gt;" in rendered


def test_mention_offsets_count_code_points() -> None:
    mention = {"start": 2, "end": 7, "concept": "wd:Q1", "label": "a", "confidence": 0.9}
    assert "<mark>group</mark>" in render_mentions("𝔾 group", [mention], str)


# ------------------------------------------------------------------------------- names and numbers


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_language_that_is_read_has_a_name(tag: str) -> None:
    found = language(tag)
    assert found.name != tag
    assert found.own_name or tag == "mul"


def test_direction_follows_the_script() -> None:
    assert [tag for tag in LANGUAGES if language(tag).direction == "rtl"] == ["ar", "fa", "he"]


def test_languages_come_with_english_first_and_all_languages_last() -> None:
    order = [found.tag for found in in_page_order(["mul", "de", "en", "ar", "xx"])]
    assert order == ["en", "ar", "de", "xx", "mul"]


def test_region_falls_back_on_its_language() -> None:
    assert language("pt-BR").name == "Portuguese (pt-BR)"


@pytest.mark.parametrize(
    ("probability", "shown"), [(1.0, "100 %"), (0.999, "> 99 %"), (0.98, "98 %"), (0.0, "0 %")]
)
def test_certainty_is_not_claimed_by_rounding(probability: float, shown: str) -> None:
    assert percent(probability).replace("\u202f", " ").replace("\xa0", " ") == shown


# ------------------------------------------------------------------------------------ vendor files


def test_pages_work_without_katex(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vendor, "missing_files", lambda: ["katex/katex.min.js"])
    with caplog.at_level(logging.WARNING):
        client = create_app(Settings(home=home)).test_client()
    assert len(caplog.records) == 1
    assert "python -m api.vendor" in caplog.text
    assert "katex" not in page(client, "/concept/wd:Q83478")
    health = client.get("/health").json
    assert health is not None
    assert health["status"] == "degraded"
    assert "python -m api.vendor" in health["problems"][0]


def test_vendor_copies_what_pages_need(tmp_path: Path) -> None:
    for library in vendor.LIBRARIES:
        package = tmp_path / "node_modules" / library.package
        for name in (*library.files, "unused.ttf"):
            path = package / library.built / name.replace("*", "a")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name, encoding="utf-8")
        (package / "package.json").write_text('{"version": "1.2.3"}', encoding="utf-8")
    (tmp_path / "node_modules" / "katex" / "LICENSE").write_text("MIT", encoding="utf-8")
    target = tmp_path / "static" / "vendor"
    vendor.copy_libraries(tmp_path, target)
    vendor.copy_libraries(tmp_path, target)
    assert vendor.missing_files(target) == []
    versions = json.loads((target / vendor.VERSIONS).read_text(encoding="utf-8"))
    assert versions == {library.name: "1.2.3" for library in vendor.LIBRARIES}
    assert (target / "katex" / "LICENSE").is_file()
    assert (target / "cytoscape" / "package.json").is_file()
    assert not list(target.rglob("*.ttf"))


def test_vendor_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="npm ci"):
        vendor.copy_libraries(tmp_path, tmp_path / "target")
    missing = vendor.missing_files(tmp_path)
    assert "katex/fonts/*.woff2" in vendor.describe_missing(missing)
    assert vendor.installed(missing) == frozenset()
