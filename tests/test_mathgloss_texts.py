"""Answers to texts: what is told of a mention, what is refused, many at once."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from mathgloss.answers.service import Answers
from mathgloss.answers.texts import (
    MAX_CHARS,
    MAX_DOCUMENTS,
    Document,
    LinkOptions,
    TextLinker,
)
from mathgloss.errors import InputError
from mathgloss.linking import forms
from mathgloss.linking.mentions import MentionFinder

SYLLABLES = ["".join(parts) for parts in product("bdgkmnprst", "aeiou", "lmnrst", "aeo")]
TEXT = "𝔸 Every abelian group has a kernel."


def by_surface(answer: Any) -> dict[str, Any]:
    return {mention["surface"]: mention for mention in answer["mentions"]}


def test_linked_mention_tells_place_concept_and_description(answers: Answers) -> None:
    answer = answers.link_text(Document(text=TEXT, title="Abelian groups"))
    assert answer["snapshot"] == answers.snapshot.id
    assert answer["mentions"][0]["field"] == "title"
    mention = by_surface(answer)["abelian group"]
    assert TEXT[mention["start"] : mention["end"]] == "abelian group"
    assert mention["concept"] == "wd:Q181296"
    assert mention["label"] == "abelian group"
    assert 0.9 < mention["confidence"] <= 1
    described = answers.concept("wd:Q181296")["definitions"]
    assert mention["description"] in {definition["text"] for definition in described}


def test_unsure_link_is_taken_back_and_named_first(answers: Answers) -> None:
    options = LinkOptions(min_confidence=0.999)
    mention = by_surface(answers.link_text(Document(text=TEXT), options))["abelian group"]
    assert (mention["concept"], mention["label"], mention["description"]) == (None, None, None)
    sure = by_surface(answers.link_text(Document(text=TEXT)))["abelian group"]["confidence"]
    assert mention["candidates"][0] == {
        "concept": "wd:Q181296",
        "label": "abelian group",
        "confidence": sure,
    }
    assert mention["confidence"] == pytest.approx(
        1 - sum(candidate["confidence"] for candidate in mention["candidates"]), abs=1e-4
    )


def test_mentions_without_a_concept_are_left_out_on_request(answers: Answers) -> None:
    options = LinkOptions(min_confidence=0.999, include_unlinked=False)
    assert answers.link_text(Document(text="An abelian group."), options)["mentions"] == []


def test_several_texts_are_answered_in_order_and_as_each_alone(answers: Answers) -> None:
    documents = [
        Document(id=7, text="An abelian group."),
        Document(id="x", text=""),
        Document(id=7, text="A ring.", title="Rings", categories=["math.RA"]),
    ]
    answer = answers.link_texts(documents)
    assert [row["id"] for row in answer["results"]] == [7, "x", 7]
    for row, document in zip(answer["results"], documents, strict=True):
        assert row["mentions"] == answers.link_text(document)["mentions"]


def test_white_space_of_every_kind_is_text(answers: Answers) -> None:
    answer = answers.link_text(Document(text="\t\n\r\n\f\v abelian group"))
    assert [*by_surface(answer)] == ["abelian group"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (Document(text="ring\x00"), r"^text: .* U\+0000 at 4"),
        (Document(text="a", title="\x1b[0m"), r"^title: .* U\+001B at 0"),
        (Document(text="\ud800"), r"^text: .* U\+D800 at 0"),
        (Document(text="x" * MAX_CHARS, title="y"), "^text: expected at most 100,000 .* 100,001"),
        (Document(text="", categories=["a"] * 21), "^categories: expected at most 20, got 21"),
        (Document(text="", categories=["ok", "\x07"]), r"^categories\[1\]: .* U\+0007"),
        (Document(text="", categories=["a" * 101]), r"^categories\[0\]: .*at most 100"),
    ],
)
def test_what_is_no_text_is_refused(answers: Answers, document: Document, message: str) -> None:
    with pytest.raises(InputError, match=message):
        answers.link_text(document)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (LinkOptions(lang="fr"), "^lang: expected en, got 'fr'"),
        (LinkOptions(min_confidence=1.1), "^min_confidence: expected 0 to 1, got 1.1"),
        (LinkOptions(min_confidence=float("nan")), "^min_confidence: expected 0 to 1, got nan"),
    ],
)
def test_options_are_checked(answers: Answers, options: LinkOptions, message: str) -> None:
    with pytest.raises(InputError, match=message):
        answers.link_text(Document(text="A ring."), options)


def test_one_bad_text_of_several_is_named_before_any_is_read(answers: Answers) -> None:
    def never() -> MentionFinder:
        raise AssertionError("a text was read")

    linker = TextLinker(never, answers.index)
    bad = [Document(text="A ring."), Document(text="\x00")]
    with pytest.raises(InputError, match=r"^documents\[1\]\.text: .* U\+0000"):
        linker.link_all(bad)
    assert not linker.is_ready


@pytest.mark.parametrize("number", [0, MAX_DOCUMENTS + 1])
def test_number_of_texts_is_limited(answers: Answers, number: int) -> None:
    with pytest.raises(InputError, match=f"expected 1 to {MAX_DOCUMENTS}, got {number}"):
        answers.link_texts([Document(text="")] * number)


def test_longest_text_is_read(answers: Answers) -> None:
    sentence = "An abelian group. "
    number = MAX_CHARS // len(sentence)
    text = (sentence * number).ljust(MAX_CHARS)
    assert len(answers.link_text(Document(text=text))["mentions"]) == number


def test_threads_do_not_spoil_each_others_words() -> None:
    words = [f"{stem}{end}" for stem in SYLLABLES for end in ("ization", "ational", "fulness")]
    expected = [forms.stem(word, "en") for word in words]
    forms.stem.cache_clear()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            shares = [[*range(place, len(words), 8)] for place in range(8)]
            found = pool.map(lambda share: [forms.stem(words[n], "en") for n in share], shares)
            for share, stems in zip(shares, found, strict=True):
                assert stems == [expected[n] for n in share]
    finally:
        sys.setswitchinterval(interval)


def test_first_texts_wait_for_the_one_finder_and_all_get_the_same(answers: Answers) -> None:
    started = threading.Barrier(8)
    loads = []
    finder = answers.texts.warm()

    def load() -> MentionFinder:
        loads.append(threading.get_ident())
        return finder

    linker = TextLinker(load, answers.index)

    def link(_: int) -> Any:
        started.wait()
        return linker.link(Document(text=TEXT))

    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(link, range(8))]
    assert len(loads) == 1
    assert linker.is_ready
    assert all(mentions == found[0] for mentions in found)


def test_annotate_names_a_text_that_cannot_be_read_and_reads_the_others(
    mathgloss: Callable[..., str], tmp_path: Path, answers: Answers
) -> None:
    texts, out = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    rows = [{"id": "bad", "text": "\x00"}, {"id": "good", "text": TEXT}]
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    said = mathgloss("annotate", str(texts), "-o", str(out), exit_code=1, error=True)
    assert "the text with id 'bad': text: expected a text, got the character U+0000 at 0" in said
    (line,) = out.read_text(encoding="utf-8").splitlines()
    mentions = answers.link_text(Document(text=TEXT))["mentions"]
    assert json.loads(line) == {"id": "good", "mentions": mentions}


def test_annotate_leaves_a_source_out(
    mathgloss: Callable[..., str], tmp_path: Path, answers: Answers
) -> None:
    texts, out = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    texts.write_text(json.dumps({"id": 1, "text": TEXT}), encoding="utf-8")
    mathgloss("annotate", str(texts), "-o", str(out), "--exclude-source", "wikidata")
    found = json.loads(out.read_text(encoding="utf-8"))["mentions"]
    assert found
    assert found != answers.link_text(Document(text=TEXT))["mentions"]
