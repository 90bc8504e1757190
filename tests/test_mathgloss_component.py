"""The mention finder inside a spaCy pipeline."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from mathgloss.errors import DataNotFoundError
from mathgloss.graph.spacy_factory import make_component
from mathgloss.linking.component import LABEL, NAME, MathGlossComponent
from mathgloss.linking.lexicon import Lexicon, Prior
from mathgloss.linking.mentions import MentionFinder
from mathgloss.linking.senses import load_senses
from mathgloss.model import LabelKind

NAMES = {"wd:Q1": "abelian group", "wd:Q2": "embedding", "wd:Q3": "monad", "wd:Q574844": "kernel"}
Apply = Callable[[str], Doc]


@pytest.fixture(scope="module")
def finder() -> MentionFinder:
    lexicon = Lexicon()
    for concept, name in NAMES.items():
        lexicon.add_concept(concept, name, Prior(described=True))
        lexicon.add_name(concept, name, "en", LabelKind.PREFERRED)
    return MentionFinder(lexicon, load_senses())


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy.blank("en")


@pytest.fixture
def read(finder: MentionFinder, nlp: Language) -> Apply:
    """A text through a tokenizer and the component."""
    component = MathGlossComponent(finder)
    return lambda text: component(nlp(text))


def spans(doc: Doc) -> list[tuple[str, str]]:
    return [(span.text, span.kb_id_) for span in doc.spans[NAME]]


def test_links_become_spans_and_all_mentions_are_kept(read: Apply) -> None:
    doc = read("Every pseudomonad of abelian groups is a monad.")
    assert spans(doc) == [("abelian groups", "wd:Q1"), ("monad", "wd:Q3")]
    assert {span.label_ for span in doc.spans[NAME]} == {LABEL}
    assert [(held.surface, held.concept) for held in doc._.mathgloss] == [
        ("abelian groups", "wd:Q1"),
        ("monad", "wd:Q3"),
    ]


def test_open_mentions_are_no_spans(read: Apply) -> None:
    doc = read("This is the kernel.")
    assert spans(doc) == []
    (mention,) = doc._.mathgloss
    assert mention.concept is None
    assert [held.concept for held in mention.candidates] == ["wd:Q574844"]


def test_a_document_that_was_not_read_has_no_mentions(read: Apply, nlp: Language) -> None:
    read("A monad.")
    assert nlp("A monad.")._.mathgloss == ()


@pytest.mark.parametrize("text", ["", " ", "\n\n", "$$x$$", "\x00", "😀"])
def test_a_text_with_nothing_to_find(read: Apply, text: str) -> None:
    doc = read(text)
    assert doc._.mathgloss == ()
    assert spans(doc) == []


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("𝔸𝔹 x̂ 群 👩‍🔬 an abelian group", "abelian group"),
        ("𝔸 (abelian groups)", "abelian groups"),
        ("an abelian  \n group", "abelian  \n group"),
        # spaCy's own tokens are not the finder's: a part of one counts as the whole
        ("the monads' laws", "monads"),
        ("xyz(monad)", "xyz(monad"),
    ],
)
def test_spans_lie_on_the_tokens_of_the_pipeline(read: Apply, text: str, span: str) -> None:
    doc = read(text)
    assert doc.text == text
    assert span in [found for found, _ in spans(doc)]
    for mention in doc._.mathgloss:
        assert text[mention.start : mention.end] == mention.surface


def test_a_word_that_the_pipeline_calls_a_verb_is_not_linked(
    finder: MentionFinder, nlp: Language
) -> None:
    component = MathGlossComponent(finder)
    words = ["Monad", "the", "abelian", "group", "."]

    def tagged(first: str, last: str) -> Doc:
        return component(Doc(nlp.vocab, words=words, pos=[first, "DET", "ADJ", last, "PUNCT"]))

    assert spans(tagged("NOUN", "NOUN")) == [("Monad", "wd:Q3"), ("abelian group", "wd:Q1")]
    doc = tagged("VERB", "NOUN")
    assert spans(doc) == [("abelian group", "wd:Q1")]
    assert [held.surface for held in doc._.mathgloss] == ["abelian group"]
    # several words are a name, whatever the tagger says of one
    assert spans(tagged("AUX", "VERB")) == [("abelian group", "wd:Q1")]


def test_the_categories_reach_the_finder(finder: MentionFinder, nlp: Language) -> None:
    text = "The kernel is trivial."
    assert spans(MathGlossComponent(finder, ["math.GR"])(nlp(text))) == [("kernel", "wd:Q574844")]
    assert spans(MathGlossComponent(finder, ["stat.ML"])(nlp(text))) == []


def test_reading_a_document_again_replaces_what_was_found(
    finder: MentionFinder, nlp: Language
) -> None:
    component = MathGlossComponent(finder)
    doc = component(component(nlp("A monad.")))
    assert spans(doc) == [("monad", "wd:Q3")]
    assert len(doc._.mathgloss) == 1


# ------------------------------------------------------------------------------------ entities


def entities(doc: Doc) -> list[tuple[str, str, str]]:
    return [(entity.text, entity.label_, entity.kb_id_) for entity in doc.ents]


def test_links_become_entities(read: Apply) -> None:
    doc = read("Every abelian group is a monad; an embedding is open.")
    assert entities(doc) == [("abelian group", LABEL, "wd:Q1"), ("monad", LABEL, "wd:Q3")]
    assert entities(read("Nothing here.")) == []


def with_ruler(nlp: Language) -> Doc:
    """A document in which a ruler has found two entities, one of them amid a mention."""
    doc = nlp("Every abelian group of Abel is a monad.")
    doc.ents = [Span(doc, 1, 2, label="ADJECTIVE"), Span(doc, 4, 5, label="PERSON")]
    return doc


def test_entities_that_were_there_stay(finder: MentionFinder, nlp: Language) -> None:
    doc = MathGlossComponent(finder)(with_ruler(nlp))
    assert entities(doc) == [
        ("abelian", "ADJECTIVE", ""),
        ("Abel", "PERSON", ""),
        ("monad", LABEL, "wd:Q3"),
    ]
    assert spans(doc) == [("abelian group", "wd:Q1"), ("monad", "wd:Q3")]


def test_entities_that_overlap_give_way_if_asked(finder: MentionFinder, nlp: Language) -> None:
    doc = MathGlossComponent(finder, overwrite_ents=True)(with_ruler(nlp))
    assert entities(doc) == [
        ("abelian group", LABEL, "wd:Q1"),
        ("Abel", "PERSON", ""),
        ("monad", LABEL, "wd:Q3"),
    ]


def test_of_two_mentions_that_share_a_token_one_is_an_entity(read: Apply) -> None:
    doc = read("a monad(abelian group")
    assert spans(doc) == [("monad(abelian", "wd:Q3"), ("monad(abelian group", "wd:Q1")]
    assert entities(doc) == [("monad(abelian", LABEL, "wd:Q3")]


def test_reading_again_replaces_its_own_entities(finder: MentionFinder, nlp: Language) -> None:
    other = Lexicon()
    other.add_concept("wd:Q9", "abelian group", Prior(described=True))
    other.add_name("wd:Q9", "abelian group", "en", LabelKind.PREFERRED)
    doc = MathGlossComponent(finder)(nlp("A monad of an abelian group."))
    assert [kb_id for _, _, kb_id in entities(doc)] == ["wd:Q3", "wd:Q1"]
    doc = MathGlossComponent(MentionFinder(other))(doc)
    assert entities(doc) == [("abelian group", LABEL, "wd:Q9")]
    assert [mention.concept for mention in doc._.mathgloss] == ["wd:Q9"]


def test_a_document_can_be_stored_with_its_mentions(read: Apply) -> None:
    doc = read("An abelian group. This is an embedding.")
    assert [mention.concept for mention in doc._.mathgloss] == ["wd:Q1", None]
    for copy in (
        Doc(Vocab()).from_bytes(doc.to_bytes()),
        next(DocBin(store_user_data=True, docs=[doc]).get_docs(Vocab())),
    ):
        assert copy._.mathgloss == doc._.mathgloss
        assert entities(copy) == entities(doc)
    assert spans(Doc(Vocab()).from_bytes(doc.to_bytes())) == spans(doc)


# --------------------------------------------------------------------------------- the factory


def test_an_installed_package_tells_spacy_of_the_factory() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    entry = project["project"]["entry-points"]["spacy_factories"][NAME]
    assert entry == f"{make_component.__module__}:{make_component.__name__}"
    meta = Language.get_factory_meta(NAME)
    assert meta.default_config == {"home": None, "categories": [], "overwrite_ents": False}
    assert set(meta.assigns) == {"doc.spans", "doc.ents", "doc._.mathgloss"}


@pytest.fixture(scope="module")
def pipeline(home: Path) -> Language:
    """A pipeline over the small world's snapshot."""
    made = spacy.blank("en")
    made.add_pipe("sentencizer")
    made.add_pipe("mathgloss", config={"home": str(home), "categories": ["math.GR"]})
    return made


def test_the_factory_reads_a_snapshot(pipeline: Language) -> None:
    assert pipeline.pipe_names == ["sentencizer", "mathgloss"]
    doc = pipeline("Every 𝔸 abelian group is here. So is a Hilbert space.")
    found = dict(spans(doc))
    assert found["abelian group"] == "wd:Q181296"
    assert found["Hilbert space"] == "wd:Q190056"
    assert [len(list(sentence.doc.spans[NAME])) for sentence in doc.sents] == [len(found)] * 2


def test_a_pipeline_reads_many_texts(pipeline: Language) -> None:
    texts = ["An abelian group.", "", "Nothing here.", "Two abelian groups; a Hilbert space."]
    docs = list(pipeline.pipe(texts, batch_size=2))
    assert [doc.text for doc in docs] == texts
    assert [len(doc.spans[NAME]) for doc in docs] == [1, 0, 0, 2]
    with_ids = list(pipeline.pipe(zip(texts, "abcd", strict=True), as_tuples=True))
    assert [(len(doc._.mathgloss) > 0, name) for doc, name in with_ids] == [
        (True, "a"),
        (False, "b"),
        (False, "c"),
        (True, "d"),
    ]


def test_the_factory_says_that_there_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="refresh"):
        spacy.blank("en").add_pipe("mathgloss", config={"home": str(tmp_path)})


TEXTS = ["An abelian group.", "", "Two abelian groups; a Hilbert space."]
LINKED = [["wd:Q181296"], [], ["wd:Q181296", "wd:Q190056"]]


def linked(docs: Iterable[Doc]) -> list[list[str]]:
    return [[entity.kb_id_ for entity in doc.ents] for doc in docs]


def test_a_pipeline_reads_in_several_processes(pipeline: Language) -> None:
    docs = list(pipeline.pipe(TEXTS, batch_size=1, n_process=2))
    assert linked(docs) == LINKED
    assert [len(doc._.mathgloss) > 0 for doc in docs] == [True, False, True]


def test_a_saved_pipeline_loads_again(pipeline: Language, tmp_path: Path) -> None:
    pipeline.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    assert loaded.get_pipe_meta("mathgloss").assigns == ["doc.spans", "doc.ents", "doc._.mathgloss"]
    assert linked(loaded.pipe(TEXTS)) == LINKED
    from_bytes = spacy.blank("en").from_config(pipeline.config).from_bytes(pipeline.to_bytes())
    assert linked(from_bytes.pipe(TEXTS)) == LINKED


@pytest.mark.parametrize("before", [True, False])
def test_a_ruler_before_or_after(home: Path, *, before: bool) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("mathgloss", config={"home": str(home)})
    ruler = nlp.add_pipe("entity_ruler", first=before or None)
    ruler.add_patterns([  # type: ignore[attr-defined]
        {"label": "PERSON", "pattern": "Hilbert"},
        {"label": "PLACE", "pattern": "Paris"},
    ])
    found = [(entity.text, entity.label_) for entity in nlp("A Hilbert space in Paris.").ents]
    space = ("Hilbert", "PERSON") if before else ("Hilbert space", "CONCEPT")
    assert found == [space, ("Paris", "PLACE")]


def test_two_pipelines_at_once(pipeline: Language, home: Path) -> None:
    other = spacy.blank("en")
    other.add_pipe("mathgloss", config={"home": str(home), "overwrite_ents": True})
    pairs = zip(pipeline.pipe(TEXTS), other.pipe(TEXTS), strict=True)
    assert [linked(pair) for pair in pairs] == [[held, held] for held in LINKED]
