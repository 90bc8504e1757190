"""Answers from the small world's snapshot."""

from __future__ import annotations

import pytest

from mathgloss.answers.languages import language_chain
from mathgloss.answers.paging import cursor_after
from mathgloss.answers.sentences import sentence_at
from mathgloss.answers.service import Answers
from mathgloss.errors import InputError, NotFoundError


@pytest.mark.parametrize(
    "identifier",
    [
        "wd:Q181296",
        "Q181296",
        "http://www.wikidata.org/entity/Q181296",
        "https://www.wikidata.org/wiki/Q181296",
        "abelian group",
        "Abelian groups",
        "commutative group",
        "groupe abélien",
        "アーベル群",
        "nlab:abelian+group",
        "nlab:abelian group",
        "https://ncatlab.org/nlab/show/abelian+group",
        "chicago:abelian_group",
        "mulima:0677022e/1a2b3c4d",
        "lean:CommGroup",
        "CommGroup",
        "enwiki:Abelian_group",
    ],
)
def test_every_form_of_identifier_finds_the_concept(answers: Answers, identifier: str) -> None:
    assert answers.resolve(identifier) == "wd:Q181296"


@pytest.mark.parametrize("identifier", ["wd:Q999999", "nonsense words", "lean:Nope", "wd:Q7604"])
def test_an_unknown_identifier_is_not_found(answers: Answers, identifier: str) -> None:
    with pytest.raises(NotFoundError, match="no concept"):
        answers.resolve(identifier)


def test_a_near_name_is_suggested(answers: Answers) -> None:
    with pytest.raises(NotFoundError, match=r"near: .*abelian group"):
        answers.resolve("abelian gro")


@pytest.mark.parametrize(
    ("identifier", "hint"),
    [
        ("wd:Q0", "expected a Wikidata item such as wd:Q181296"),
        ("foo:bar", "prefixes: arxiv"),
        ("nlab:Abelian Groups", "near: abelian group"),
        ("chicago:abelian", "near: abelian group"),
    ],
)
def test_a_wrong_identifier_is_told_what_is_wrong_or_near(
    answers: Answers, identifier: str, hint: str
) -> None:
    with pytest.raises(NotFoundError, match=hint):
        answers.resolve(identifier)


def test_a_card_has_what_each_source_says(answers: Answers) -> None:
    card = answers.concept("wd:Q181296")
    assert card["label"] == "abelian group"
    assert card["labels"]["en"][0] == "abelian group"
    assert "groupe abélien" in card["labels"]["fr"]
    assert card["labels"]["ar"] == ["زمرة أبيلية"]
    assert {item["source"] for item in card["definitions"]} == {
        "core",
        "wikidata",
        "chicago",
        "nlab",
    }
    assert [item["declaration"] for item in card["lean"]] == ["CommGroup"]
    assert ["Group Theory", "Abelian group", "abelian groups"] in [
        item["position"] for item in card["syllabus"]
    ]
    assert {"id": "wd:Q83478", "label": "group", "label_lang": "en"} in card["broader"]
    assert [paper["id"] for paper in card["papers"]] == ["tac:1-01"]
    assert card["papers"][0]["mentions"] == 2
    assert card["snapshot"] == answers.snapshot.id


def test_text_whose_licence_does_not_allow_it_is_linked_not_served(answers: Answers) -> None:
    (nlab,) = [
        row for row in answers.concept("wd:Q181296")["definitions"] if row["source"] == "nlab"
    ]
    assert nlab["text"] is None
    assert nlab["url"] == "https://ncatlab.org/nlab/show/abelian+group"


def test_every_link_has_evidence(answers: Answers) -> None:
    links = {row["id"]: row for row in answers.concept("wd:Q83478")["links"]}
    assert {"mulima:0677022e", "nlab:group", "chicago:group", "metamath:df-grp"} <= links.keys()
    assert links["chicago:group"]["evidence"] == [
        {
            "source": "chicago",
            "justification": "semapv:ManualMappingCuration",
            "detail": "Wikidata line: wd:Q83478",
        }
    ]
    assert all(row["evidence"] and 0 < row["confidence"] <= 1 for row in links.values())


def test_relations_have_names_in_both_directions(answers: Answers) -> None:
    card = answers.concept("wd:Q83478")
    assert "abelian group" in [row["label"] for row in card["narrower"]]
    assert [row["id"] for row in answers.concept("wd:Q592651")["relations"]["opposite_of"]] == [
        "wd:Q181296"
    ]


def test_a_concept_without_item_is_minted(answers: Answers) -> None:
    card = answers.concept("quasigroup with a view")
    assert card["id"] == "nlab:quasigroup+with+a+view"
    assert card["labels"]["fr"] == ["quasigroupe avec vue"]
    assert [row["id"] for row in card["links"]] == ["mulima:3c4d5e6f"]


def test_search_ranks_the_exact_name_first(answers: Answers) -> None:
    results = answers.search("group")["results"]
    assert results[0]["id"] == "wd:Q83478"
    assert answers.search("abelian gr")["results"][0]["id"] == "wd:Q181296"
    assert answers.search("gruppo abel")["results"][0]["id"] == "wd:Q181296"


@pytest.mark.parametrize("text", ["", "   ", "$", '"', "* AND NOT (", "\x00", "a'b\"c*d"])
def test_search_survives_any_text(answers: Answers, text: str) -> None:
    assert isinstance(answers.search(text)["results"], list)


def test_search_limits(answers: Answers) -> None:
    assert len(answers.search("a", limit=3)["results"]) == 3
    with pytest.raises(InputError, match="expected 1 to 100, got 0"):
        answers.search("a", limit=0)
    with pytest.raises(InputError, match="at most 200 characters, got 201"):
        answers.search("a" * 201)


def test_lists_are_paged_in_a_stable_order(answers: Answers) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = answers.concepts(cursor=cursor, limit=100)
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == sorted(set(seen))
    assert len(seen) == page["total"] == answers.snapshot.manifest.counts["concepts"]


def test_papers_of_several_sources_are_one(answers: Answers) -> None:
    page = answers.papers(limit=100)
    assert page["total"] == len(page["items"]) == 83


def test_a_paper_has_its_mentions_and_no_abstract_that_may_not_be_served(answers: Answers) -> None:
    paper = answers.paper("tac:1-01")
    assert paper["title"] == "Abelian groups, seen from afar"
    assert paper["abstract"] is None
    title = [row for row in paper["mentions"] if row["field"] == "title"]
    assert [(row["surface"], row["concept"]) for row in title] == [("Abelian groups", "wd:Q181296")]
    surfaces = [row["surface"] for row in paper["mentions"] if row["field"] == "text"]
    assert surfaces == ["abelian group", "kernel of a group homomorphism"]


@pytest.mark.parametrize("identifier", ["tac:9-99", "nonsense", "wd:Q83478"])
def test_an_unknown_paper_is_not_found(answers: Answers, identifier: str) -> None:
    with pytest.raises(NotFoundError, match="no paper"):
        answers.paper(identifier)


def test_sources_say_licence_counts_and_time(answers: Answers) -> None:
    by_name = {row["name"]: row for row in answers.sources()["sources"]}
    assert by_name["nlab"]["licence"]["redistributable"] is False
    assert by_name["mulima"]["read"] == 4
    assert all(row["files"] and row["files"][0]["retrieved"] for row in by_name.values())


# --------------------------------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("asked", "label", "lang"),
    [
        ("", "abelian group", "en"),
        ("fr", "groupe abélien", "fr"),
        ("fr-CA", "groupe abélien", "fr"),
        ("xx, ja", "アーベル群", "ja"),
        ("xx", "abelian group", "en"),
        ("AR,fr", "زمرة أبيلية", "ar"),
    ],
)
def test_a_label_is_in_the_first_language_there_is(
    answers: Answers, asked: str, label: str, lang: str
) -> None:
    card = answers.concept("wd:Q181296", language_chain(asked))
    assert (card["label"], card["label_lang"]) == (label, lang)
    (hit,) = [
        row
        for row in answers.search("abelian group", chain=language_chain(asked))["results"]
        if row["id"] == "wd:Q181296"
    ]
    assert (hit["label"], hit["label_lang"]) == (label, lang)


def test_what_a_concept_is_related_to_is_named_in_the_language_too(answers: Answers) -> None:
    broader = answers.concept("wd:Q181296", language_chain("fr"))["broader"]
    assert {"id": "wd:Q83478", "label": "groupe", "label_lang": "fr"} in broader


@pytest.mark.parametrize("asked", ["f", "fr;de", "<b>", "en_US", ",".join(["fr"] * 11)])
def test_a_wrong_language_is_told_what_is_expected(asked: str) -> None:
    with pytest.raises(InputError, match="lang: expected"):
        language_chain(asked)


# ------------------------------------------------------------------------------------------ papers


def test_papers_of_a_concept_come_with_each_place_and_its_sentence(answers: Answers) -> None:
    (paper,) = answers.concept_papers("abelian group")["items"]
    assert paper["id"] == "tac:1-01"
    assert paper["mentions"] == len(paper["places"]) == 2
    record = answers.paper("tac:1-01")
    texts = {"title": record["title"], "text": record["abstract"]}
    for place in paper["places"]:
        text = texts[place["field"]]
        if text is None:
            assert place["sentence"] is None
            continue
        sentence = place["sentence"]
        assert text[sentence["start"] : sentence["end"]] == sentence["text"]
        assert place["surface"] in sentence["text"]
        assert text[place["start"] : place["end"]] == place["surface"]


def test_pages_of_papers_give_each_once(answers: Answers) -> None:
    whole = answers.concept_papers("wd:Q83478", limit=100)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        part = answers.concept_papers("wd:Q83478", cursor=cursor, limit=1)
        seen += [paper["id"] for paper in part["items"]]
        cursor = part["next"]
    assert seen == [paper["id"] for paper in whole["items"]]
    assert whole["total"] == len(seen) == answers.concept("wd:Q83478")["counts"]["papers"]


@pytest.mark.parametrize("cursor", ["?", "bm9uc2Vuc2U", cursor_after("[1]"), cursor_after("7")])
def test_a_cursor_of_no_list_is_refused(answers: Answers, cursor: str) -> None:
    with pytest.raises(InputError, match="cursor: expected"):
        answers.concept_papers("wd:Q83478", cursor=cursor, limit=1)


TEXT = (
    "We study $G$. Every group, e.g. $\\mathbb{Z}$, is small (cf. Prop. 2). S. Mac Lane asked: "
    "is it free? The answer is yes."
)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("study", "We study $G$."),
        ("small", "Every group, e.g. $\\mathbb{Z}$, is small (cf. Prop. 2)."),
        ("Lane", "S. Mac Lane asked: is it free?"),
        ("yes", "The answer is yes."),
    ],
)
def test_the_sentence_around_a_word(word: str, sentence: str) -> None:
    place = TEXT.index(word)
    start, end = sentence_at(TEXT, place, place + len(word))
    assert TEXT[start:end] == sentence
