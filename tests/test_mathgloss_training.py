"""The trained artefact: what comes along is whole, what is damaged is refused, training repeats."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mathgloss.errors import DataNotFoundError, InputError
from mathgloss.linking.candidates import Query
from mathgloss.linking.catalogue import Catalogue
from mathgloss.linking.features import DENSE, FEATURES
from mathgloss.linking.gold import GoldTerm, read_terms
from mathgloss.linking.linker import Linker
from mathgloss.linking.ranking import (
    BUNDLED_MODEL,
    FORMAT,
    SECOND,
    RankingModel,
    columns,
    dump_model,
    load_model,
    profile_name,
)
from mathgloss.linking.training import FOLDS, MIN_EXAMPLES, fold, train

Run = Callable[..., str]
KINDS = ("english-lexical", "other-lexical", "english-dense", "other-dense")
GOLD_HEADER = ("source", "term", "lang", "qid")


def bundled() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(BUNDLED_MODEL.read_text(encoding="utf-8"))
    return data


# ------------------------------------------------------------------------------ what comes along


def test_the_bundled_linker_has_four_whole_profiles() -> None:
    model = load_model()
    assert sorted(model.profiles) == sorted(KINDS)
    for name, profile in model.profiles.items():
        assert profile.dense is name.endswith("dense")
        used = {FEATURES[place] for place in columns(dense=profile.dense)}
        assert set(profile.first.features) == used
        assert profile.second.features == SECOND
        for stage in (profile.first, profile.second):
            numbers = np.concatenate([stage.mean, stage.scale, stage.weights, [stage.bias]])
            assert np.isfinite(numbers).all()
            assert (stage.scale > 0).all()


def test_the_bundled_linker_says_what_it_was_made_from_and_how_good_it_is() -> None:
    model = load_model()
    assert model.encoder
    assert model.made.keys() >= {"gold_sha256", "gold_terms", "encoder", "scores"}
    zones = model.zones["lexical"]
    assert 0.4 < zones.review < zones.accept < 1
    for row in model.made["scores"].values():
        assert row["terms"] >= row["without_item"] >= 0
        assert 0 <= row["f1"] <= 1


def test_without_an_encoder_no_feature_needs_one() -> None:
    assert set(FEATURES) >= DENSE
    assert not {FEATURES[place] for place in columns(dense=False)} & DENSE
    assert {
        profile_name(lang, dense=dense) for lang in ("en", "fr") for dense in (False, True)
    } == set(KINDS)


def test_an_artefact_survives_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "linker.json"
    path.write_text(dump_model(load_model()), encoding="utf-8")
    assert dump_model(load_model(path)) == path.read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8") == BUNDLED_MODEL.read_text(encoding="utf-8")


# ------------------------------------------------------------------------ damaged, foreign, older


def without_profiles(data: dict[str, Any]) -> None:
    del data["profiles"]


def without_a_feature(data: dict[str, Any]) -> None:
    del data["profiles"]["english-lexical"]["first"]["weights"][FEATURES[0]]


def with_another_feature(data: dict[str, Any]) -> None:
    data["profiles"]["other-dense"]["second"]["weights"]["luck"] = {
        "weight": 1.0, "mean": 0.0, "scale": 1.0,
    }  # fmt: skip


def with_words_for_numbers(data: dict[str, Any]) -> None:
    data["profiles"]["english-dense"]["second"]["bias"] = "high"


def of_an_older_format(data: dict[str, Any]) -> None:
    data["format"] = FORMAT - 1


def without_a_profile(data: dict[str, Any]) -> None:
    del data["profiles"]["other-dense"]


def with_a_list_of_profiles(data: dict[str, Any]) -> None:
    data["profiles"] = list(data["profiles"].values())


def without_a_threshold(data: dict[str, Any]) -> None:
    del data["zones"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_profiles, "not a whole trained linker: KeyError"),
        (without_a_feature, "english-lexical: made for other features"),
        (with_another_feature, "other-dense: made for other features"),
        (with_words_for_numbers, "not a whole trained linker: ValueError"),
        (of_an_older_format, f"expected a trained linker of format {FORMAT}"),
        (without_a_profile, "expected the profiles other-dense"),
        (with_a_list_of_profiles, "not a whole trained linker: AttributeError"),
        (without_a_threshold, "not a whole trained linker: KeyError"),
    ],
)
def test_a_changed_artefact_is_refused_with_advice(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    data = bundled()
    change(data)
    path = tmp_path / "linker.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith("train it again")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"1", b'"linker"', b"{}", b"\xff\xfe", b"[" * 5000]
)
def test_what_is_no_artefact_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "linker.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected a trained linker"):
        load_model(path)


def test_half_an_artefact_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "linker.json"
    data = BUNDLED_MODEL.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="expected a trained linker"):
        load_model(path)


def test_an_artefact_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="make one with 'mathgloss train linker'"):
        load_model(tmp_path / "none.json")


# -------------------------------------------------------------------------------------- training


@pytest.fixture(scope="module")
def gold(bundled_catalogue: Catalogue) -> list[GoldTerm]:
    """Names of items that need finding: spelt otherwise, in other languages, or of no item."""
    terms: list[GoldTerm] = []
    for place in range(0, 240, 2):
        item = bundled_catalogue.ids[place]
        english = bundled_catalogue.titles[place]
        foreign = next(
            (row for row in bundled_catalogue.names if row.concept == place and row.lang == "fr"),
            None,
        )
        terms.append(GoldTerm("test", english, "en", item))
        terms.append(GoldTerm("test", f"wobbly {english}", "en", None))
        if foreign is not None:
            text = " ".join(foreign.norm)
            terms.append(GoldTerm("test", text, "fr", item))
            terms.append(GoldTerm("test", f"{text} flou et bizarre", "fr", None))
    return terms


@pytest.fixture(scope="module")
def trained(gold: list[GoldTerm], bundled_catalogue: Catalogue) -> RankingModel:
    pytest.importorskip("sklearn", reason="training needs the extra 'evaluation'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(gold, bundled_catalogue, None, made={"by": "test"})


def test_training_twice_gives_the_same_bytes(
    gold: list[GoldTerm], bundled_catalogue: Catalogue, trained: RankingModel
) -> None:
    again = train(gold, bundled_catalogue, None, made={"by": "test"})
    assert dump_model(again) == dump_model(trained)


def test_what_was_trained_links_what_it_was_shown(
    gold: list[GoldTerm], bundled_catalogue: Catalogue, trained: RankingModel
) -> None:
    assert sorted(trained.profiles) == ["english-lexical", "other-lexical"]
    assert trained.encoder == ""
    links = Linker(bundled_catalogue, trained).link([Query(row.label, row.lang) for row in gold])
    right = sum(
        (link.exact.concept if link.exact else None) == row.item
        for link, row in zip(links, gold, strict=True)
    )
    assert right / len(gold) >= 0.9


def test_scores_are_of_each_profile_source_and_language(trained: RankingModel) -> None:
    scores = trained.made["scores"]
    assert set(scores) == {"english-lexical/test/en", "other-lexical/test/fr"}
    for row in scores.values():
        assert 0.5 <= row["f1"] <= 1
        assert row["without_item"] * 2 == row["terms"]


def test_folds_are_cut_by_the_item_and_all_are_used() -> None:
    assert [fold(f"wd:Q{n}") for n in range(50)] == [fold(f"wd:Q{n}") for n in range(50)]
    assert {fold(f"wd:Q{n}") for n in range(50)} == set(range(FOLDS))


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_too_little_gold_of_a_kind_is_named(
    gold: list[GoldTerm], bundled_catalogue: Catalogue, lang: str
) -> None:
    few = [row for row in gold if row.lang != lang]
    few += [row for row in gold if row.lang == lang and row.item][: MIN_EXAMPLES - 1]
    with pytest.raises(
        InputError, match=rf"expected at least {MIN_EXAMPLES} .*got {MIN_EXAMPLES - 1}; use more"
    ):
        train(few, bundled_catalogue, None, made={})


# ----------------------------------------------------------------------------------- the command


def write_gold(path: Path, gold: list[GoldTerm]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(GOLD_HEADER)
        writer.writerows(
            (row.source, row.label, row.lang, (row.item or "").removeprefix("wd:")) for row in gold
        )
    return path


def test_gold_is_read_as_it_was_written(tmp_path: Path, gold: list[GoldTerm]) -> None:
    assert read_terms(write_gold(tmp_path / "gold.csv", gold)) == gold


def test_the_command_trains_on_the_snapshot_and_its_linker_can_be_used(
    mathgloss: Run, tmp_path: Path, gold: list[GoldTerm], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", reason="training needs the extra 'evaluation'")
    out = tmp_path / "linker.json"
    path = write_gold(tmp_path / "gold.csv", gold)
    told = mathgloss("train", "linker", str(path), "-o", str(out), error=True)
    model = load_model(out)
    zones = model.zones["lexical"]
    assert f"accept from {zones.accept}, ask from {zones.review}" in told
    assert model.made["gold_terms"] == len(gold)
    first = out.read_bytes()
    assert "english-lexical" in mathgloss("train", "linker", str(path), "-o", str(out))
    assert out.read_bytes() == first
    terms, linked = tmp_path / "terms.csv", tmp_path / "linked.tsv"
    terms.write_text("id,label\nt:1,Abelian groups\n", encoding="utf-8")
    monkeypatch.setenv("MATHGLOSS_LINKER", str(out))
    mathgloss("link", "terms", str(terms), "-o", str(linked))
    assert "\tabelian group\t" in linked.read_text(encoding="utf-8")


def test_the_command_complains_of_too_little_gold_and_writes_nothing(
    mathgloss: Run, tmp_path: Path, gold: list[GoldTerm]
) -> None:
    out = tmp_path / "linker.json"
    path = write_gold(tmp_path / "gold.csv", gold[:10])
    with pytest.raises(InputError, match="english-lexical: expected at least 30 terms"):
        mathgloss("train", "linker", str(path), "-o", str(out))
    assert [row.name for row in tmp_path.iterdir()] == ["gold.csv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("term,lang\n", r"gold.csv:1: expected columns source,term,lang,qid"),
        ("source,term,lang,qid\n", r"gold.csv:2: expected a term, got nothing"),
        ("source,term,lang,qid\na,b,en,42\n", r"gold.csv:2: expected a qid such as Q42"),
        ("source,term,lang,qid\na,,en,Q42\n", r"gold.csv:2: expected a term, got nothing"),
        ("source,term,lang,qid\na,b,en\n", r"gold.csv:2: expected as many cells as columns"),
        ('source,term,lang,qid\na,"b,en,Q1\n', r"gold.csv:\d: not well-formed CSV"),
    ],
)
def test_bad_gold_is_refused_with_its_line(
    mathgloss: Run, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "gold.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        mathgloss("train", "linker", str(path), "-o", str(tmp_path / "out.json"))


def test_a_damaged_linker_stops_the_command_before_it_writes(
    mathgloss: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged, terms = tmp_path / "linker.json", tmp_path / "terms.csv"
    damaged.write_text("{}", encoding="utf-8")
    terms.write_text("id,label\nt:1,group\n", encoding="utf-8")
    monkeypatch.setenv("MATHGLOSS_LINKER", str(damaged))
    with pytest.raises(InputError, match=r"linker\.json: expected a trained linker of format"):
        mathgloss("link", "terms", str(terms), "-o", str(tmp_path / "out.tsv"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linker.json", "terms.csv"]
