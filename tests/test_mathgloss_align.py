"""Alignment: references first, then names, then minted concepts; never a page of no concept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mathgloss import vocab
from mathgloss.linking import align as aligning
from mathgloss.linking.align import Alignment
from mathgloss.linking.exclude import without
from mathgloss.linking.ranking import Zones, load_model
from mathgloss.model import (
    Definition,
    Evidence,
    Label,
    LabelKind,
    Licence,
    Mapping,
    MappingSet,
    ParsedSource,
    Reference,
    SourceInfo,
    Term,
    TermKind,
)

LICENCE = Licence(name="CC0-1.0", url=None, redistributable=True)
# where the zones begin belongs to the training, not to these tests
ZONES = Zones(accept=0.93, review=0.42)
MODEL = replace(load_model(), zones={"lexical": ZONES})


def align(sources: Sequence[ParsedSource]) -> Alignment:
    return aligning.align(sources, MODEL)


def term(identifier: str, *names: str, **more: Any) -> Term:
    labels = tuple(
        Label(
            text=name.partition("@")[0],
            lang=name.partition("@")[2] or "en",
            kind=LabelKind.PREFERRED if place == 0 else LabelKind.ALTERNATIVE,
        )
        for place, name in enumerate(names)
    )
    source = {"wd": "wikidata"}.get(identifier.split(":")[0], identifier.split(":")[0])
    return Term(id=identifier, source=source, labels=labels, **more)


def source(name: str, *terms: Term) -> ParsedSource:
    info = SourceInfo(name=name, title=name, homepage="https://example.org", licence=LICENCE)
    return ParsedSource(info=info, read=len(terms), terms=terms)


def mappings(alignment: Alignment, subject: str) -> list[tuple[str, MappingSet]]:
    return [(row.object, row.set) for row in alignment.mappings if row.subject == subject]


def refers(*targets: str) -> dict[str, Any]:
    return {"references": tuple(Reference(target=target, via="line") for target in targets)}


# as well known as what Wikidata and the bundled core hold
KNOWN: dict[str, Any] = {"definition": Definition(text="a thing"), "types": ("wd:Q246672",)}
GROUP = term("wd:Q83478", "group", "Group (mathematics)", **KNOWN)


def well_known(*items: Term) -> list[ParsedSource]:
    """Wikidata with these items, which the bundled core has, too."""
    return [
        source("wikidata", *items),
        source("core", *(replace(term, source="core", types=()) for term in items)),
    ]


ORBIT_PAGE = term("wd:Q230664", "Orbit (disambiguation)", kind=TermKind.DISAMBIGUATION)
EULER = term("wd:Q7604", "Leonhard Euler", kind=TermKind.PERSON)


def test_a_reference_becomes_a_curated_mapping_with_its_evidence() -> None:
    found = align([
        source("wikidata", GROUP),
        source("nlab", term("nlab:grp", "grp", **refers("wd:Q83478"))),
    ])
    (row,) = found.mappings
    assert (row.object, row.set) == ("wd:Q83478", MappingSet.CURATED)
    assert row.evidence[0].detail == "line: wd:Q83478"
    assert row.evidence[0].source == "nlab"


def test_an_identifier_on_the_item_maps_the_term_that_carries_it() -> None:
    item = replace(GROUP, **refers("nlab:group"))
    found = align([source("wikidata", item), source("nlab", term("nlab:group", "group"))])
    assert mappings(found, "nlab:group") == [("wd:Q83478", MappingSet.CURATED)]
    assert found.mappings[0].evidence[0].source == "wikidata"


def test_an_identifier_of_an_authority_that_is_no_source_is_a_mapping_too() -> None:
    item = replace(GROUP, **refers("mathworld:Group"))
    found = align([source("wikidata", item)])
    assert mappings(found, "mathworld:Group") == [("wd:Q83478", MappingSet.CURATED)]


@pytest.mark.parametrize("page", [ORBIT_PAGE, EULER])
def test_a_reference_to_what_is_no_concept_is_kept_as_rejected(page: Term) -> None:
    other = term("mulima:1", "orbit", **refers(page.id))
    found = align([source("wikidata", GROUP, page), source("mulima", other)])
    assert mappings(found, "mulima:1") == [(page.id, MappingSet.REJECTED)]
    assert {row.id for row in found.concepts} == {"wd:Q83478", "mulima:1"}


@pytest.mark.parametrize("name", ["Orbit", "Leonhard Euler", "Orbit (disambiguation)"])
def test_a_name_never_links_to_what_is_no_concept(name: str) -> None:
    found = align([source("wikidata", ORBIT_PAGE, EULER, GROUP)])
    assert found.lexicon.candidates(name) == []


def test_three_terms_that_claim_one_item_are_unsure_unless_one_agrees() -> None:
    terms = [
        term(f"mulima:{name}", name, **refers("wd:Q83478"))
        for name in ("axis", "argument", "group")
    ]
    found = align([source("wikidata", GROUP), source("mulima", *terms)])
    assert mappings(found, "mulima:axis") == [("wd:Q83478", MappingSet.UNSURE)]
    assert mappings(found, "mulima:argument") == [("wd:Q83478", MappingSet.UNSURE)]
    assert mappings(found, "mulima:group") == [("wd:Q83478", MappingSet.CURATED)]


def test_a_term_with_two_references_takes_the_one_whose_name_agrees() -> None:
    other = term("wd:Q1", "kernel")
    both = term("chicago:group", "group", **refers("wd:Q1", "wd:Q83478"))
    found = align([source("wikidata", GROUP, other), source("chicago", both)])
    assert dict(mappings(found, "chicago:group")) == {
        "wd:Q83478": MappingSet.CURATED,
        "wd:Q1": MappingSet.UNSURE,
    }


@pytest.mark.parametrize(
    "name", ["groups", "Group", "group (mathematics)", r"$\mathrm{group}$", "the group"]
)
def test_names_are_matched_in_normal_form(name: str) -> None:
    found = align([*well_known(GROUP), source("syllabus", term("syllabus:a", name))])
    assert mappings(found, "syllabus:a") == [("wd:Q83478", MappingSet.PREDICTED)]


def test_another_qualifier_is_not_a_match() -> None:
    found = align([source("wikidata", GROUP), source("nlab", term("nlab:g", "group (chemistry)"))])
    assert mappings(found, "nlab:g") in ([], [("wd:Q83478", MappingSet.UNSURE)])
    assert "nlab:g" in {row.id for row in found.concepts}


def test_the_qualifier_chooses_between_homonyms() -> None:
    items = (
        term("wd:Q574844", "kernel", "Kernel (algebra)", **KNOWN),
        term("wd:Q2914509", "kernel", "Kernel (set theory)", **KNOWN),
    )
    names = ("kernel (algebra)", "kernel (set theory)")
    pages = [term(f"nlab:{n}", name) for n, name in enumerate(names)]
    found = align([*well_known(*items), source("nlab", *pages)])
    chosen = {row.subject: row.object for row in found.mappings}
    assert chosen == {"nlab:0": "wd:Q574844", "nlab:1": "wd:Q2914509"}


def test_a_name_in_another_language_is_matched_in_that_language() -> None:
    item = term("wd:Q1", "field", "corps@fr", "Körper@de")
    found = align([source("wikidata", item)])
    assert [row.concept for row in found.lexicon.candidates("corps", "fr")] == ["wd:Q1"]
    assert [row.concept for row in found.lexicon.candidates("corps", "fr-CA")] == ["wd:Q1"]
    assert found.lexicon.candidates("corps", "de") == []


def test_an_english_name_of_a_foreign_term_counts_less() -> None:
    found = align([source("wikidata", GROUP)])
    own, foreign = (found.lexicon.candidates("group", lang)[0].confidence for lang in ("en", "nl"))
    assert foreign < own


def test_terms_without_item_mint_one_concept_from_the_best_source() -> None:
    found = align([
        source("mulima", term("mulima:1", "quasigroup with a view")),
        source("nlab", term("nlab:q", "quasigroup with a view")),
    ])
    assert [row.id for row in found.concepts] == ["nlab:q"]
    assert mappings(found, "mulima:1") == [("nlab:q", MappingSet.PREDICTED)]


def test_minted_identity_does_not_depend_on_the_order_of_sources() -> None:
    sources = [
        source("nlab", term("nlab:q", "odd thing"), term("nlab:r", "other thing")),
        source("chicago", term("chicago:q", "odd things")),
        source("wikidata", GROUP),
    ]
    one, other = align(sources), align(sources[::-1])
    assert one.concepts == other.concepts
    assert one.mappings == other.mappings


def test_each_concept_has_one_preferred_name_in_a_language_and_no_repetitions() -> None:
    named = term("mulima:1", "Group", "groupe@fr", **refers("wd:Q83478"))
    found = align([source("wikidata", GROUP), source("mulima", named)])
    (concept,) = found.concepts
    assert concept.labels == {"en": ("group",), "fr": ("groupe",)}


def test_without_a_source_neither_its_names_nor_references_count() -> None:
    item = term("wd:Q1", "field", **refers("mulima:1"))
    named = term("mulima:1", "commutative body", "corps@fr", **refers("wd:Q1"))
    sources = [source("wikidata", item), source("mulima", named)]
    assert align(sources).lexicon.candidates("corps", "fr")
    left = without(sources, ["mulima"])
    assert [row.info.name for row in left] == ["wikidata"]
    assert left[0].terms[0].references == ()
    assert align(left).lexicon.candidates("corps", "fr") == []
    assert align(left).mappings == ()


def test_a_mapping_cannot_be_made_without_evidence() -> None:
    given: dict[str, Any] = {
        "subject": "nlab:a",
        "subject_label": "a",
        "subject_source": "nlab",
        "object": "wd:Q1",
        "object_label": "a",
        "set": MappingSet.CURATED,
    }
    why = Evidence(justification="semapv:LexicalMatching", source="nlab", detail="a")
    with pytest.raises(ValueError, match="no evidence"):
        Mapping(**given, confidence=0.5, evidence=())
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Mapping(**given, confidence=1.5, evidence=(why,))


def test_rows_read_must_be_accounted_for() -> None:
    with pytest.raises(ValueError, match="read 2 rows, accounted for 1"):
        replace(source("wikidata", GROUP), read=2)


def test_a_capitalised_title_gives_way_to_the_plain_spelling_in_english_only() -> None:
    item = term("wd:Q1", "Group object", "Gruppenobjekt@de")
    named = term("nlab:1", "group object", "gruppenobjekt@de", **refers("wd:Q1"))
    (concept,) = align([source("wikidata", item), source("nlab", named)]).concepts
    assert concept.labels == {"en": ("group object",), "de": ("Gruppenobjekt",)}


def test_a_mapping_is_labelled_in_english_where_the_term_has_an_english_name() -> None:
    named = term("mulima:1", "grup@ca", "group", **refers("wd:Q83478"))
    found = align([source("wikidata", GROUP), source("mulima", named)])
    assert found.mappings[0].subject_label == "group"


def test_of_two_entries_of_a_source_the_one_named_like_the_item_is_taken() -> None:
    item = term("wd:Q1100", "Dedekind domain", "Dedekind ring", **KNOWN)
    pages = (term("nlab:ring", "Dedekind ring"), term("nlab:domain", "Dedekind domain"))
    found = align([*well_known(item), source("nlab", *pages)])
    assert mappings(found, "nlab:domain") == [("wd:Q1100", MappingSet.PREDICTED)]
    assert mappings(found, "nlab:ring") == [("wd:Q1100", MappingSet.UNSURE)]


def test_topics_of_the_same_name_at_two_places_are_both_taken() -> None:
    topics = (term("syllabus:a/group", "group"), term("syllabus:b/group", "group"))
    found = align([*well_known(GROUP), source("syllabus", *topics)])
    assert mappings(found, "syllabus:a/group") == [("wd:Q83478", MappingSet.PREDICTED)]
    assert mappings(found, "syllabus:b/group") == [("wd:Q83478", MappingSet.PREDICTED)]


def test_what_is_likely_but_not_sure_is_only_listed() -> None:
    page = term("nlab:group", "group (jewellery)")
    found = align([*well_known(GROUP), source("nlab", page)])
    (row,) = found.mappings
    assert (row.object, row.set) == (GROUP.id, MappingSet.UNSURE)
    assert ZONES.review <= row.confidence < ZONES.accept
    assert "nlab:group" in {concept.id for concept in found.concepts}


def test_a_predicted_mapping_says_how_sure_by_what_and_why() -> None:
    found = align([*well_known(GROUP), source("syllabus", term("syllabus:a", "Groups"))])
    (row,) = found.mappings
    assert ZONES.accept <= row.confidence < 1
    (evidence,) = row.evidence
    assert evidence.source == "mathgloss"
    assert evidence.detail.startswith("'Groups' (en) by names: the same as 'group' (en)")


def test_a_kind_of_a_known_thing_is_mapped_as_narrower_and_is_a_concept_of_its_own() -> None:
    fields = ("ring", "number", "manifold", "sheaf", "category", "matrix", "measure")
    others = [
        term(f"wd:Q{n}", f"{name} {n}", **KNOWN) for n, name in enumerate(fields * 40, start=2_000)
    ]
    coset = term("wd:Q751969", "coset", **KNOWN)
    found = align([
        *well_known(coset, *others),
        source("nlab", term("nlab:left", "left wobbly coset")),
    ])
    (row,) = found.mappings
    assert (row.predicate, row.object, row.set) == (
        vocab.BROAD_MATCH,
        coset.id,
        MappingSet.PREDICTED,
    )
    assert "nlab:left" in {concept.id for concept in found.concepts}


def test_a_sense_of_our_own_is_a_concept_without_being_linked() -> None:
    own = replace(term("mathgloss:widget", "widget"), source="core")
    found = align([source("wikidata", GROUP), source("core", own)])
    assert {concept.id for concept in found.concepts} == {GROUP.id, "mathgloss:widget"}
    assert found.mappings == ()


def test_unlinked_terms_of_one_name_join_with_evidence() -> None:
    found = align([
        source("nlab", term("nlab:q", "wobbly gadget")),
        source("chicago", term("chicago:q", "Wobbly gadgets")),
        source("mulima", term("mulima:q", "wobbly gadget")),
    ])
    assert [(row.id, set(row.terms)) for row in found.concepts] == [
        ("nlab:q", {"nlab:q", "chicago:q", "mulima:q"})
    ]
    assert [(row.subject, row.object) for row in found.mappings] == [
        ("chicago:q", "nlab:q"),
        ("mulima:q", "nlab:q"),
    ]
    assert all(row.confidence >= ZONES.accept for row in found.mappings)


def test_three_terms_never_join_by_way_of_a_third() -> None:
    """The second has a name of the first and a name of the third, which share none."""
    found = align([
        source("nlab", term("nlab:a", "wobbly gadget")),
        source("chicago", term("chicago:b", "wobbly gadget", "braided sprocket")),
        source("mulima", term("mulima:c", "braided sprocket")),
    ])
    assert {row.id: set(row.terms) for row in found.concepts} == {
        "nlab:a": {"nlab:a", "chicago:b"},
        "mulima:c": {"mulima:c"},
    }


def test_two_terms_of_one_source_never_join() -> None:
    pages = (term("nlab:a", "wobbly gadget"), term("nlab:b", "wobbly gadgets"))
    found = align([source("nlab", *pages)])
    assert {row.id for row in found.concepts} == {"nlab:a", "nlab:b"}
