"""Terms of other languages, linked by an endpoint's own labels and aliases in those languages.

The facts come from the bundled names: they are put into an endpoint as Wikidata would have them
(first names as labels, the others as aliases), and read from there, with no bundled core at all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from ingest import wikidata
from ingest.fetch import Fetcher, new_session
from mathgloss.config import Settings
from mathgloss.linking.candidates import Query
from mathgloss.linking.catalogue import items
from mathgloss.linking.linker import Linker
from mathgloss.linking.ranking import load_model
from mathgloss.paths import bundled_dir

LANGUAGES = ("fr", "de", "es")
ITEMS = 400
MATHEMATICAL_CONCEPT = "<http://www.wikidata.org/entity/Q24034552>"
FLOOR = 0.80

Names = dict[str, dict[str, list[str]]]


def table(name: str) -> Iterator[dict[str, str]]:
    lines = (bundled_dir() / name).read_text(encoding="utf-8").splitlines()
    return csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


@pytest.fixture(scope="module")
def names() -> Names:
    """Names of items that have one in English and in each of the languages."""
    english = {row["id"]: row["en"].split("; ") for row in table("names-en.tsv")}
    found: Names = {}
    for row in table("names-fr-de-es.tsv"):
        if row["id"] in english and all(row[lang] for lang in LANGUAGES):
            found[row["id"]] = {"en": english[row["id"]]} | {
                lang: row[lang].split("; ") for lang in LANGUAGES
            }
    return dict(list(found.items())[:ITEMS])


@pytest.fixture(scope="module")
def linker(names: Names, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linker]:
    """A linker over what an endpoint with these labels and aliases says."""
    folder = tmp_path_factory.mktemp("languages")
    lines = []
    for item, by_lang in names.items():
        node = f"<http://www.wikidata.org/entity/{item.removeprefix('wd:')}>"
        article = (
            "<https://en.wikipedia.org/wiki/" + quote(by_lang["en"][0].replace(" ", "_")) + ">"
        )
        # what nearly every such item has: a class and an article
        lines += [
            f"{node} <http://www.wikidata.org/prop/direct/P31> {MATHEMATICAL_CONCEPT} .",
            f"{article} <http://schema.org/about> {node} .",
            f"{article} <http://schema.org/isPartOf> <https://en.wikipedia.org/> .",
        ]
        for lang, held in by_lang.items():
            for place, text in enumerate(held):
                role = (
                    "http://www.w3.org/2000/01/rdf-schema#label"
                    if place == 0
                    else "http://www.w3.org/2004/02/skos/core#altLabel"
                )
                escaped = text.replace("\\", "\\\\").replace('"', '\\"')
                lines.append(f'{node} <{role}> "{escaped}"@{lang} .')
    path = folder / "endpoint.nt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    session = new_session("https://example.org/contact", retries=0)
    settings = Settings(home=folder / "home", wikidata_endpoint=str(path), encoder="none")
    parsed = wikidata.parse(wikidata.fetch(Fetcher(settings, session)))
    yield Linker(items([parsed]), load_model())
    session.close()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_labels_and_aliases_of_the_language_itself_carry_the_links(
    linker: Linker, names: Names, lang: str
) -> None:
    gold = [(item, text) for item, by_lang in names.items() for text in by_lang[lang]]
    links = linker.link([Query(text, lang) for _, text in gold])
    linked = [
        (item, link.exact.concept)
        for (item, _), link in zip(gold, links, strict=True)
        if link.exact is not None
    ]
    right = sum(item == concept for item, concept in linked)
    f1 = 2 * right / (len(linked) + len(gold))
    assert f1 >= FLOOR, f"{lang}: {right} right of {len(linked)} links for {len(gold)} terms"


def test_a_language_without_names_is_linked_by_its_relatives(linker: Linker, names: Names) -> None:
    """No Portuguese name is there; Spanish and French ones, written alike, still find the item."""
    gold = [(item, by_lang["es"][0]) for item, by_lang in names.items()]
    links = linker.link([Query(text, "pt") for _, text in gold])
    first = [link.candidates[0].concept if link.candidates else None for link in links]
    found = sum(item == concept for (item, _), concept in zip(gold, first, strict=True))
    assert found >= 0.6 * len(gold)
