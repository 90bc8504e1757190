"""The finder as a file of a snapshot: what is read finds what was written, without spaCy."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from ingest.refresh import Outcome
from mathgloss.config import Settings
from mathgloss.errors import DataNotFoundError
from mathgloss.graph.linkers import open_finder
from mathgloss.graph.plan import MENTIONS, PARSED
from mathgloss.graph.snapshot import open_manifest
from mathgloss.graph.sources import term_sources
from mathgloss.io.records import read_records
from mathgloss.io.state import parsed_path, read_state
from mathgloss.linking.align import align, related_concepts
from mathgloss.linking.lexicon import Lexicon, Prior
from mathgloss.linking.mentions import MentionFinder
from mathgloss.linking.names import NameMatcher
from mathgloss.linking.senses import load_senses
from mathgloss.linking.setup import linking_setup
from mathgloss.linking.stored import FINDER, read_finder, write_finder
from mathgloss.model import LabelKind, Mention, Paper
from mathgloss.normalize import MAX_WORD_CHARS, tokenize, word_forms

World = tuple[Settings, Outcome]


def papers_of(settings: Settings) -> list[Paper]:
    return [
        paper
        for entry in read_state(settings.layout).values()
        if entry.papers
        for paper in read_records(parsed_path(settings.layout, entry), PARSED).papers
    ]


def small_lexicon() -> Lexicon:
    lexicon = Lexicon()
    lexicon.add_concept("wd:Q1", "group", Prior(described=True, attested=2, age=7))
    lexicon.add_concept("nlab:group+object", "group object", Prior())
    lexicon.add_name("wd:Q1", "group (mathematics)", "en", LabelKind.PREFERRED)
    lexicon.add_name("wd:Q1", "Gruppe", "de", LabelKind.PREFERRED)
    lexicon.add_name("nlab:group+object", "group object", "mul", LabelKind.ALTERNATIVE)
    return lexicon


def test_read_lexicon_gives_the_same_candidates(tmp_path: Path) -> None:
    lexicon = small_lexicon()
    read = Lexicon.from_stored(lexicon.stored("en"))
    for label in ("group", "groups (mathematics)", "group (chemistry)", "group object", "none"):
        assert read.candidates(label) == lexicon.candidates(label)
    assert [*read.names("en")] == [("group",), ("group", "object")]
    assert read.candidates("Gruppe", "de") == []
    assert read.prior("wd:Q1") == Prior(described=True, attested=2, age=7)
    assert read.title("wd:Q1") == "group"
    assert len(read) == len(lexicon)


def test_equal_contents_give_equal_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.gz", tmp_path / "other.gz"
    write_finder(one, small_lexicon(), {"wd:Q1": {"wd:Q2", "wd:Q3"}, "wd:Q0": {"wd:Q1"}})
    write_finder(other, small_lexicon(), {"wd:Q0": ["wd:Q1"], "wd:Q1": ["wd:Q3", "wd:Q2"]})
    assert one.read_bytes() == other.read_bytes()


def test_snapshot_finds_what_a_new_alignment_finds_in_every_paper(world: World) -> None:
    settings = world[0]
    manifest = open_manifest(settings.layout)
    sources = term_sources(settings.layout, manifest)
    alignment = align(sources, linking_setup(settings).model)
    related = related_concepts(sources, alignment.concepts)
    anew = MentionFinder(alignment.lexicon, load_senses(), related)
    read = open_finder(settings, manifest)
    papers = papers_of(settings)
    assert len(papers) > 50
    for paper in papers:
        fields = {"title": paper.title, "text": paper.abstract}
        assert read.find(fields, paper.categories) == anew.find(fields, paper.categories)


def test_snapshot_finds_what_the_build_found(world: World) -> None:
    settings = world[0]
    built: dict[str, tuple[Mention, ...]] = {}
    for path in (settings.layout.stages / "mentions").iterdir():
        found = read_records(path, MENTIONS)
        built.update(found)
    finder = open_finder(settings, open_manifest(settings.layout))
    papers = papers_of(settings)
    assert len(papers) > 50
    for paper in papers:
        fields = {"title": paper.title, "text": paper.abstract}
        assert tuple(finder.find(fields, paper.categories)) == built[paper.id]


def test_with_a_source_excluded_all_is_aligned_anew(world: World) -> None:
    settings = world[0]
    finder = open_finder(settings, open_manifest(settings.layout), excluded=["nlab"])
    found = finder.find({"text": "An abelian group."})
    assert [mention.concept for mention in found] == ["wd:Q181296"]


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_damaged_file_says_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / FINDER
    if damage != "missing":
        write_finder(path, small_lexicon(), {})
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"{}")
    with pytest.raises(DataNotFoundError, match=r"finder\.json\.gz.*mathgloss refresh --full"):
        read_finder(path)


def test_reading_texts_needs_no_spacy(world: World) -> None:
    layout = world[0].layout
    path = layout.snapshots / open_manifest(layout).id / FINDER
    code = (
        "import sys; from pathlib import Path; from mathgloss.linking.stored import read_finder; "
        f"found = read_finder(Path({str(path)!r})).find({{'text': 'An abelian group.'}}); "
        "assert found[0].concept == 'wd:Q181296'; assert 'spacy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_matcher_finds_every_name_at_every_place() -> None:
    chance = random.Random(3)
    names = {
        name
        for length in (1, 2, 3)
        for name in product("abc", repeat=length)
        if chance.random() < 0.4
    }
    words = [chance.choice("abcd") for _ in range(200)]
    expected = {
        (start, start + length)
        for start in range(len(words))
        for length in (1, 2, 3)
        if start + length <= len(words) and tuple(words[start : start + length]) in names
    }
    assert set(NameMatcher(names).find(words)) == expected
    assert expected


def test_what_is_kept_of_texts_is_bounded_however_long_their_words() -> None:
    word_forms.cache_clear()
    tokens = tokenize(f"{'a' * MAX_WORD_CHARS} {'b' * (MAX_WORD_CHARS + 1)} ${'c' * 400}$")
    assert [token.norm for token in tokens] == ["a" * MAX_WORD_CHARS, "", ""]
    assert word_forms.cache_info().currsize == 1
    assert word_forms.cache_info().maxsize is not None
