"""What an ambiguous word means: the bundled inventory, and how a text chooses from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mathgloss.errors import DataNotFoundError, ParseError
from mathgloss.linking.disambiguation import Disambiguator, Occurrence, context_of
from mathgloss.linking.lexicon import Lexicon, Prior
from mathgloss.linking.mentions import MentionFinder
from mathgloss.linking.reading import read_text
from mathgloss.linking.senses import (
    COLUMNS,
    EVERYDAY,
    PHRASES,
    SENSES,
    SenseInventory,
    load_senses,
    senses_digest,
)
from mathgloss.model import LabelKind, Mention
from mathgloss.normalize import normalize
from mathgloss.paths import bundled_dir

NULL_SPACE = "wd:Q2914509"
HOMOMORPHISM = "wd:Q574844"
CATEGORICAL = "wd:Q2920416"
MARKOV = "wd:Q6771323"
CONVOLUTION = "mathgloss:convolution-kernel"
COMPUTE = "mathgloss:compute-kernel"
POSITIVE_DEFINITE = "mathgloss:positive-definite-kernel"
SMOOTHING = "mathgloss:smoothing-kernel"
INTEGRAL = "mathgloss:integral-kernel"
OPERATING_SYSTEM = "mathgloss:operating-system-kernel"
KERNEL = ("kernel",)
SENSE_ID = re.compile(r"wd:Q[1-9]\d*|(?:mathgloss|none):[a-z0-9]+(?:-[a-z0-9]+)*")


def rows(name: str) -> list[dict[str, str]]:
    """A bundled table, read as plainly as can be."""
    lines = (bundled_dir() / name).read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    return [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]


@pytest.fixture(scope="module")
def inventory() -> SenseInventory:
    return load_senses()


@pytest.fixture(scope="module")
def finder(inventory: SenseInventory) -> MentionFinder:
    """Knows the concepts of the inventory and nothing else."""
    lexicon = Lexicon()
    for senses in inventory.by_word.values():
        for sense in senses:
            if sense.concept is not None and sense.concept not in lexicon:
                lexicon.add_concept(sense.concept, sense.name, Prior(described=True))
                lexicon.add_name(sense.concept, sense.name, "en", LabelKind.PREFERRED)
    return MentionFinder(lexicon, inventory)


def of_word(finder: MentionFinder, text: str, word: str, *categories: str) -> list[Mention]:
    """The mentions of one word, or of its plural."""
    mentions = finder.find({"text": text}, categories)
    return [held for held in mentions if normalize(held.surface) == normalize(word)]


# ----------------------------------------------------------------------------- the bundled tables


def test_every_sense_is_an_item_a_minted_concept_or_everyday() -> None:
    ids = [row["id"] for row in rows(SENSES)]
    assert [held for held in ids if not SENSE_ID.fullmatch(held)] == []
    assert len(set(ids)) == len(ids)
    assert {held.partition(":")[0] for held in ids} == {"wd", "mathgloss", "none"}


def test_every_sense_has_a_name_words_fields_and_cues() -> None:
    for row in rows(SENSES):
        assert all(row[name].strip() == row[name] for name in COLUMNS), row["id"]
        assert all(row[name] for name in COLUMNS if name != "synonyms"), row["id"]
        assert row["check"].startswith("https://"), row["id"]


def test_every_ambiguous_word_has_two_senses_and_the_everyday_one_of_the_file(
    inventory: SenseInventory,
) -> None:
    everyday = {
        normalize(word)
        for row in rows(SENSES)
        if row["id"].startswith(EVERYDAY)
        for word in row["words"].split(";")
    }
    assert len(inventory.by_word) > 200
    for word, senses in inventory.by_word.items():
        assert len(senses) >= 2, word
        assert len({(sense.concept, sense.name) for sense in senses}) == len(senses), word
        assert any(sense.concept is None for sense in senses) == (word in everyday), word


@pytest.mark.parametrize(
    "word", ["action", "phase", "test", "characteristic", "distribution", "kernel", "order", "key"]
)
def test_a_common_word_has_an_everyday_sense(inventory: SenseInventory, word: str) -> None:
    senses = inventory.by_word[word,]
    assert any(sense.concept is None for sense in senses)
    assert sum(sense.concept is not None for sense in senses) >= 2


def test_phrases_that_name_nothing_are_phrases(inventory: SenseInventory) -> None:
    assert ("in", "addition") in inventory.phrases
    assert ("open", "path") not in inventory.phrases
    assert min(map(len, inventory.phrases)) == 2
    assert {row["why"] for row in rows(PHRASES)} == {"idiom", "everyday", "compound"}
    assert len({row["phrase"] for row in rows(PHRASES)}) == len(rows(PHRASES))


# ----------------------------------------------------------------------------------- own tables


def table(folder: Path, senses: str, phrases: str = "phrase\twhy\nin addition\tidiom\n") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / SENSES).write_text(senses, encoding="utf-8")
    (folder / PHRASES).write_text(phrases, encoding="utf-8")
    return folder


HEADER = "\t".join(COLUMNS)


def sense_row(concept: str, words: str, fields: str, cues: str) -> str:
    return "\t".join([concept, concept, "", words, fields, cues, "A sense.", "https://x.org"])


def test_a_table_is_read(tmp_path: Path) -> None:
    senses = [
        sense_row("wd:Q1", "rings; ring", "math.RA", "ideals;; Zero Divisor"),
        sense_row("none:ring", "ring", "any", ""),
        sense_row("wd:Q2", "annulus", "math.CV", "radius"),
    ]
    folder = table(tmp_path, "\n".join([HEADER, *senses]))
    held = load_senses(folder)
    # a word with one sense is not ambiguous
    assert list(held.by_word) == [("ring",)]
    ring, everyday = held.by_word["ring",]
    assert (ring.concept, ring.words) == ("wd:Q1", (("ring",),))
    assert ring.cues == {("ideal",), ("zero", "divisor")}
    assert everyday.concept is None
    assert held.phrases == {("in", "addition")}
    assert held.field_weights([("ideal",), ("unheard",)]) == {"math.RA": 1}
    assert held.field_weights([("unheard",)]) == {}


def test_the_digest_changes_with_either_table(tmp_path: Path) -> None:
    first = senses_digest(table(tmp_path, HEADER))
    assert first == senses_digest(table(tmp_path, HEADER))
    assert first != senses_digest(table(tmp_path, HEADER, "phrase\twhy\n"))
    assert first != senses_digest(table(tmp_path, HEADER + "\n"))
    assert senses_digest() == senses_digest(bundled_dir())


@pytest.mark.parametrize(
    ("senses", "phrases", "message"),
    [
        ("", None, "senses.tsv:1.*columns"),
        ("id\tname\n", None, "senses.tsv:1.*columns"),
        (f"{HEADER}\nwd:Q1\tring\n", None, "senses.tsv:2.*cells"),
        (f"{HEADER}\n" + "x\t" * len(COLUMNS) + "x\n", None, "senses.tsv:2.*cells"),
        (HEADER, "phrase\n", "phrases.tsv:1.*columns"),
        (HEADER, "phrase\twhy\nin addition\n", "phrases.tsv:2.*cells"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(
    tmp_path: Path, senses: str, phrases: str | None, message: str
) -> None:
    folder = table(tmp_path, senses, *([] if phrases is None else [phrases]))
    with pytest.raises(ParseError) as caught:
        load_senses(folder)
    for part in message.split(".*"):
        assert part in str(caught.value)
    assert "restore the file from the release" in str(caught.value)


def test_tables_that_are_no_utf8_or_not_there_are_told_with_their_name(tmp_path: Path) -> None:
    folder = table(tmp_path, HEADER)
    (folder / SENSES).write_bytes(b"\xff\xfe")
    with pytest.raises(ParseError, match=r"senses\.tsv.*UTF-8"):
        load_senses(folder)
    (folder / SENSES).unlink()
    with pytest.raises(DataNotFoundError, match=r"senses\.tsv: not found"):
        load_senses(folder)


# -------------------------------------------------------------------------------------- kernels

KERNELS = [
    (
        NULL_SPACE,
        "math.RA",
        "Its rank is the dimension of the range of this linear map, and the dimension of its "
        "kernel is the nullity of the matrix.",
    ),
    (
        HOMOMORPHISM,
        "math.GR",
        "The kernel of a group homomorphism is a normal subgroup of its source, and the quotient "
        "by it is the image.",
    ),
    (CATEGORICAL, "math.CT", "In an abelian category every morphism has a kernel and a cokernel."),
    (
        CONVOLUTION,
        "cs.CV",
        "Each layer is a convolution; its kernel slides over the picture with a stride of two, and "
        "a larger kernel widens the receptive field.",
    ),
    (
        COMPUTE,
        "cs.DC",
        "Both steps are done by one kernel on the GPU, written in CUDA, so that less memory is "
        "read and the throughput doubles.",
    ),
    (
        POSITIVE_DEFINITE,
        "stat.ML",
        "Ridge regression with a kernel is regression in the Hilbert space of its feature map; "
        "only the Gram matrix is needed.",
    ),
    (
        SMOOTHING,
        "math.ST",
        "The density is estimated with a kernel whose bandwidth is chosen from the sample.",
    ),
    (
        MARKOV,
        "math.PR",
        "A Markov chain is given by its kernel: the measurable transition probabilities, which "
        "leave the invariant measure as it is.",
    ),
    (
        INTEGRAL,
        "math.FA",
        "This integral operator is compact as its kernel is continuous, and the Fredholm "
        "alternative holds for the integral equation.",
    ),
    (
        OPERATING_SYSTEM,
        "cs.OS",
        "A driver that runs in user space and not in the kernel of the operating system cannot "
        "bring the scheduler down.",
    ),
]


@pytest.mark.parametrize("with_category", [True, False])
@pytest.mark.parametrize(("sense", "category", "text"), KERNELS)
def test_a_kernel_has_the_sense_of_its_text(
    finder: MentionFinder, sense: str, category: str, text: str, *, with_category: bool
) -> None:
    held = of_word(finder, text, "kernel", *([category] if with_category else []))
    assert held
    assert {mention.concept for mention in held} == {sense}


@pytest.mark.parametrize(
    ("sense", "phrase"),
    [
        (SMOOTHING, "kernel density estimation"),
        (POSITIVE_DEFINITE, "reproducing kernels"),
        (COMPUTE, "a fused kernel"),
        (CONVOLUTION, "a convolution kernel"),
        (MARKOV, "its transition kernel"),
    ],
)
def test_the_words_beside_a_kernel_tell_its_sense(
    finder: MentionFinder, sense: str, phrase: str
) -> None:
    mentions = finder.find({"text": f"We look at {phrase}."})
    assert [held.concept for held in mentions if held.concept] == [sense]


def test_a_document_uses_a_word_in_one_sense(finder: MentionFinder) -> None:
    first = KERNELS[1][2]
    bare = "That the kernel matters is well known."
    alone = of_word(finder, bare, "kernel")
    assert [held.concept for held in alone] == [None]
    (_, later) = of_word(finder, f"{first} {bare}", "kernel")
    assert later.concept == HOMOMORPHISM
    # in another field of the same document, too
    mentions = finder.find({"title": bare, "text": first})
    assert [held.concept for held in mentions if held.surface == "kernel"] == [HOMOMORPHISM] * 2


def test_the_words_near_by_overrule_the_rest_of_the_document(finder: MentionFinder) -> None:
    text = (
        "The kernel of a group homomorphism is a normal subgroup, and each normal subgroup is "
        "one. The quotient by it is the image of the homomorphism, by the first theorem. "
        "On the machine, the sums are done by one CUDA kernel that is launched on the GPU."
    )
    held = [
        mention.concept
        for mention in finder.find({"text": text}, ["math.GR"])
        if "kernel" in mention.surface and mention.concept
    ]
    assert held == [HOMOMORPHISM, COMPUTE]


@pytest.mark.parametrize(
    ("text", "word", "senses"),
    [
        (
            "The kernel is trivial.",
            "kernel",
            {"math.GR": HOMOMORPHISM, "stat.ML": POSITIVE_DEFINITE, "cs.CV": CONVOLUTION},
        ),
        (
            "The field is large.",
            "field",
            {"math.AC": "wd:Q190109", "math.DG": "wd:Q186247", "math-ph": "wd:Q185674"},
        ),
        ("The path is short.", "path", {"math.CO": "wd:Q1415372", "math.AT": "wd:Q1366002"}),
    ],
)
def test_the_category_of_a_document_changes_the_sense(
    finder: MentionFinder, text: str, word: str, senses: dict[str, str]
) -> None:
    for category, sense in senses.items():
        (mention,) = of_word(finder, text, word, category)
        assert mention.concept == sense, category


def test_balanced_evidence_gives_no_link_but_the_candidates(finder: MentionFinder) -> None:
    (mention,) = of_word(finder, "This is the kernel.", "kernel")
    assert mention.concept is None
    assert mention.label == ""
    assert len(mention.candidates) == 5
    assert {HOMOMORPHISM, NULL_SPACE} <= {held.concept for held in mention.candidates}
    chances = [held.confidence for held in mention.candidates]
    assert chances == sorted(chances, reverse=True)
    assert mention.confidence == pytest.approx(1 - sum(chances), abs=1e-3)


def test_a_sense_whose_concept_the_graph_lacks_is_never_linked(
    inventory: SenseInventory,
) -> None:
    lexicon = Lexicon()
    lexicon.add_concept(HOMOMORPHISM, "kernel", Prior(described=True))
    lexicon.add_name(HOMOMORPHISM, "kernel", "en", LabelKind.PREFERRED)
    small = MentionFinder(lexicon, inventory)
    (mention,) = of_word(small, KERNELS[4][2], "kernel")
    assert mention.concept is None
    assert {held.concept for held in mention.candidates} <= {HOMOMORPHISM}
    (linked,) = of_word(small, KERNELS[1][2], "kernel")
    assert linked.concept == HOMOMORPHISM


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("We take action at once.", "action"),
        ("Doctors test patients and measure how long they sleep.", "measure"),
        ("It plays a key role in the life of a city.", "key"),
    ],
)
def test_an_everyday_sense_is_not_linked(finder: MentionFinder, text: str, word: str) -> None:
    assert [held.concept for held in of_word(finder, text, word) if held.concept] == []


# -------------------------------------------------------------------------------- probabilities


@pytest.mark.parametrize(
    "categories", [(), ("math.GR",), ("cs.LG", "stat.ML"), ("no such",), ("",)]
)
def test_probabilities_sum_to_one(inventory: SenseInventory, categories: tuple[str, ...]) -> None:
    reading = read_text("text", "A kernel, the kernel of a map. Kernels on the GPU.")
    places = [
        Occurrence(reading, n, n + 1) for n, norm in enumerate(reading.norms) if norm == "kernel"
    ]
    context = context_of([reading], categories, (), inventory)
    if context.fields:
        assert sum(context.fields.values()) == pytest.approx(1)
    ranked = Disambiguator(inventory, {}).choose(KERNEL, places, context)
    assert len(ranked) == len(places) == 3
    for row in ranked:
        chances = [chance for _, chance in row]
        assert len(row) == len(inventory.by_word[KERNEL])
        assert sum(chances) == pytest.approx(1)
        assert chances == sorted(chances, reverse=True)


def chance_of(inventory: SenseInventory, disambiguator: Disambiguator, sense: str) -> float:
    reading = read_text("text", "The kernel.")
    place = Occurrence(reading, 1, 2)
    context = context_of([reading], (), {"wd:Q181296"}, inventory)
    ((*row,),) = disambiguator.choose(KERNEL, [place], context)
    return next(chance for held, chance in row if held.concept == sense)


def test_concepts_that_the_graph_relates_speak_for_a_sense(inventory: SenseInventory) -> None:
    plain = chance_of(inventory, Disambiguator(inventory, {}), HOMOMORPHISM)
    related = Disambiguator(inventory, {HOMOMORPHISM: {"wd:Q181296"}})
    assert chance_of(inventory, related, HOMOMORPHISM) > plain + 0.1
    unrelated = Disambiguator(inventory, {HOMOMORPHISM: {"wd:Q1"}})
    assert chance_of(inventory, unrelated, HOMOMORPHISM) == pytest.approx(plain)
