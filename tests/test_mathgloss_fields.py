"""Fields as authors give them."""

from __future__ import annotations

import pytest

from mathgloss.linking.fields import arxiv_categories
from mathgloss.linking.senses import load_senses


@pytest.mark.parametrize(
    ("given", "category"),
    [
        ("math.CT", "math.CT"),
        ("18A25", "math.CT"),
        ("18-XX", "math.CT"),
        ("MSC:60", "math.PR"),
        ("msc 20B25", "math.GR"),
        ("stat.TH", "math.ST"),
        ("made-up", "made-up"),
        ("99Z99", "99Z99"),
        ("", ""),
    ],
)
def test_a_category_or_a_code_says_the_field(given: str, category: str) -> None:
    assert arxiv_categories([given]) == [category]


def test_several_codes_of_one_field_count_once() -> None:
    assert arxiv_categories(["18A25", "18D10", "math.CT"]) == ["math.CT"]


def test_every_section_leads_to_a_field_that_senses_know() -> None:
    sections = [f"{number:02}A01" for number in range(100)]
    led = {name for name in arxiv_categories(sections) if not name[0].isdigit()}
    assert led <= load_senses().known_fields
