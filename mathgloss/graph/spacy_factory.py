"""What spaCy calls for ``nlp.add_pipe("mathgloss")``: the component over the published snapshot."""

from __future__ import annotations

from pathlib import Path

from spacy.language import Language

from mathgloss.config import load_settings
from mathgloss.graph.linkers import open_finder
from mathgloss.graph.snapshot import open_manifest
from mathgloss.linking.component import NAME, MathGlossComponent


@Language.factory(
    NAME,
    assigns=["doc.spans", "doc.ents", f"doc._.{NAME}"],
    default_config={"home": None, "categories": [], "overwrite_ents": False},
)
def make_component(
    nlp: Language, name: str, home: str | None, categories: list[str], *, overwrite_ents: bool
) -> MathGlossComponent:
    """The component over the snapshot of ``home`` (default: as ``MATHGLOSS_HOME`` says).

    Raises:
        MathGlossError: there is no snapshot; ``mathgloss refresh`` makes one.
    """
    settings = load_settings(home=Path(home) if home else None)
    finder = open_finder(settings, open_manifest(settings.layout))
    return MathGlossComponent(finder, categories, overwrite_ents=overwrite_ents)
