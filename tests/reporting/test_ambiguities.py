"""What every paper leaves open: what stands for other readings exists."""

from __future__ import annotations

import pytest

from watchtime.core.catalog import Ambiguity, Catalog, MethodCard, find_root

CATALOG = Catalog.load(find_root())
OPEN = [
    pytest.param(paper, one, id=f"{paper} {place}")
    for paper, card in CATALOG.papers.items()
    for place, one in enumerate(card.ambiguities, 1)
]


def settings_of(card: MethodCard) -> set[str]:
    """Return the names of a method's settings, those of every codec that one of its variants has among them."""
    codecs = [card.codec.settings if card.codec else {}, *(one.codec for one in card.variants.values())]
    return {*card.settings, *(f"codec.{name}" for codec in codecs for name in codec)}


@pytest.mark.parametrize("paper", [name for name, paper in CATALOG.papers.items() if paper.reference])
def test_every_paper_has_its_list_of_what_is_open(paper: str) -> None:
    questions = [one.question for one in CATALOG.papers[paper].ambiguities]
    assert len(questions) >= 15
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize(("paper", "one"), OPEN)
def test_every_variant_and_setting_that_stands_for_another_reading_exists(paper: str, one: Ambiguity) -> None:
    for name in one.variants:
        method, variant = name.split("/")
        assert variant in CATALOG.methods[method].variants
    for name in one.settings:
        method, _, setting = name.partition(".")
        assert setting in settings_of(CATALOG.methods[method])
    assert one.question.endswith(".")
    assert one.choice.endswith(".")
