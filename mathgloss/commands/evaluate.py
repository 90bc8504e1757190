"""``mathgloss evaluate``: score the linking of terms and of mentions against gold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mathgloss.commands._shared import (
    echo_json,
    echo_table,
    json_option,
    settings_of,
    writing_whole,
)

if TYPE_CHECKING:
    from mathgloss.config import Settings
    from mathgloss.evaluation.report import Report
    from mathgloss.evaluation.run import TermResults
    from mathgloss.graph.snapshot import Manifest
    from mathgloss.linking.gold import GoldTerm
    from mathgloss.linking.setup import LinkingSetup

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class _Gold:
    """The files of gold that were given."""

    terms: Path | None
    mentions: Path | None
    sentences: Path | None
    keywords: Path | None

    def names(self) -> dict[str, str]:
        """The names of the files, by what they are gold of."""
        held = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: path.name for name, path in held if path is not None}


@click.command(name="evaluate")
@click.option("--terms", type=_FILE, help="CSV: source,term,lang,qid[,in_slice][,definition].")
@click.option("--mentions", type=_FILE, help="JSON lines: texts in which mentions are marked.")
@click.option("--sentences", type=_FILE, help="JSON lines: sentences with names of concepts.")
@click.option("--keywords", type=_FILE, help="JSON or JSON lines: papers with keywords.")
@click.option("--word", help="Also score the sense of this word in --mentions.")
@click.option("--baselines", "with_baselines", is_flag=True, help="Score simple methods, too.")
@click.option("--no-figures", is_flag=True, help="Draw none; they need matplotlib.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for report.md, report.json and the figures.",
)
@json_option
@click.option(
    "--refit",
    is_flag=True,
    help="Link terms by models trained on the rest of --terms (five folds).",
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    word: str | None,
    refit: bool,
    with_baselines: bool,
    no_figures: bool,
    output: Path,
    as_json: bool,
    **files: Path | None,
) -> None:
    """Score the linker on files of gold.

    The terms of a source that the snapshot holds, too, are linked as if it had never been ingested.
    """
    gold = _Gold(**files)
    _check_use(gold, word=word, with_baselines=with_baselines, refit=refit)
    from mathgloss.evaluation.figures import require_matplotlib  # slow imports only when run
    from mathgloss.evaluation.report import as_data, as_markdown, tables
    from mathgloss.evaluation.report import as_json as rendered

    with_figures = gold.terms is not None and not no_figures
    if with_figures:
        require_matplotlib()  # before the work, not after it
    _make_folder(output)
    report = _evaluate(
        settings_of(ctx), gold, word=word, with_baselines=with_baselines, refit=refit
    )
    for name, text in (("report.md", as_markdown(report)), ("report.json", rendered(report))):
        with writing_whole(output / name) as stream:
            stream.write(text)
    if with_figures:
        _draw(report, output)
    click.echo(f"written to {output}", err=True)
    if as_json:
        echo_json(as_data(report))
        return
    for table in tables(report):
        echo_table(table.title, table.columns, table.rows)


def _check_use(gold: _Gold, *, word: str | None, with_baselines: bool, refit: bool) -> None:
    if not (gold.terms or gold.mentions or gold.sentences or gold.keywords):
        raise click.UsageError("give --terms, --mentions, --sentences or --keywords")
    if word is not None and not gold.mentions:
        raise click.UsageError("--word needs --mentions, where the word is marked")
    if (with_baselines or refit) and not gold.terms:
        raise click.UsageError("--baselines and --refit need --terms")


def _make_folder(output: Path) -> None:
    from mathgloss.errors import InputError

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output}: cannot be made: {error}") from error


def _evaluate(
    settings: Settings, gold: _Gold, *, word: str | None, with_baselines: bool, refit: bool
) -> Report:
    """Everything that was asked for; all gold is read before any work is done."""
    from mathgloss.evaluation import read_documents, read_papers, read_sentences, read_terms
    from mathgloss.evaluation.report import Report
    from mathgloss.evaluation.run import evaluate_documents, evaluate_keywords, evaluate_sentences
    from mathgloss.graph.snapshot import open_manifest
    from mathgloss.linking.setup import linking_setup

    terms = read_terms(gold.terms) if gold.terms else None
    documents = read_documents(gold.mentions) if gold.mentions else None
    sentences = read_sentences(gold.sentences) if gold.sentences else None
    papers = read_papers(gold.keywords) if gold.keywords else None
    manifest = open_manifest(settings.layout)
    about = {"snapshot": manifest.id, **gold.names()}
    results: dict[str, Any] = {}
    if terms:
        setup = linking_setup(settings)
        found = _terms(settings, setup, manifest, terms, with_baselines=with_baselines, refit=refit)
        about["terms linked by"] = found.method
        about["the model and these terms"] = _seen(setup, gold.terms, refit=refit)
        results["terms"] = found.scores
    if documents or sentences or papers:
        from mathgloss.graph.linkers import open_finder

        finder = open_finder(settings, manifest, decided=False)
        if documents:
            marked = evaluate_documents(documents, finder, word=word)
            results |= {"documents": marked.documents, "categories": marked.categories}
            results["word"] = marked.word
        if sentences:
            results["sentences"] = evaluate_sentences(sentences, finder)
        if papers:
            results["keywords"] = evaluate_keywords(papers, finder)
    return Report(about=about, **results)


def _seen(setup: LinkingSetup, terms: Path | None, *, refit: bool) -> str:
    """Whether the figures may be taken for what the linker does with terms that it has not seen."""
    if refit:
        return "each term linked by a model that had not seen it or its item (five folds)"
    assert terms is not None
    digest = hashlib.sha256(terms.read_bytes()).hexdigest()
    if digest == setup.model.made.get("gold_sha256"):
        return "SEEN in training: the scores flatter; use --refit"
    return "another file than it was trained on"


def _terms(
    settings: Settings,
    setup: LinkingSetup,
    manifest: Manifest,
    gold: list[GoldTerm],
    *,
    with_baselines: bool,
    refit: bool,
) -> TermResults:
    from mathgloss.evaluation.run import evaluate_terms
    from mathgloss.graph.linkers import open_linker

    meaning = setup.meaning() if with_baselines else None
    return evaluate_terms(
        gold,
        lambda excluded: open_linker(settings, manifest, excluded=excluded),
        sources=manifest.sources,
        encode=meaning.vectors if meaning else None,
        with_baselines=with_baselines,
        refit=refit,
        say=lambda what: click.echo(what, err=True),
    )


def _draw(report: Report, output: Path) -> None:
    """The figures of the unions, or of all sets if there is none of these."""
    from mathgloss.evaluation.figures import precision_recall_curve, reliability_diagram
    from mathgloss.evaluation.report import LINKER
    from mathgloss.evaluation.sets import UNIONS

    if LINKER not in report.terms:
        return
    linker = report.terms[LINKER]
    shown = [name for name in UNIONS if name in linker] or list(linker)
    reliability_diagram(output / "reliability.svg", {name: linker[name].bins for name in shown})
    precision_recall_curve(
        output / "precision_recall.svg", {name: linker[name].curve for name in shown}
    )
    if len(report.terms) > 1:
        precision_recall_curve(
            output / "baselines.svg",
            {system: sets[shown[0]].curve for system, sets in report.terms.items()},
        )
