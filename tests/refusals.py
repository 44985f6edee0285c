"""Malformed raw files: how one is made of a good one, and that it is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.prepare import prepare_interactions

Change = Callable[[str], str]


def replaced(old: str, new: str) -> Change:
    """Return a change of the first ``old`` in a file, which has to be there."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def rewrite(path: Path, change: Change) -> None:
    path.write_bytes(change(path.read_bytes().decode()).encode())


def refuse(loader: str, card: DatasetCard, folder: Path, named: Path | str, sentence: str, **options: Any) -> None:
    """Check that preparing ``folder`` fails with one sentence about ``named`` and leaves no file behind."""
    output = folder.parent / "prepared"
    under = card.under(options)
    with pytest.raises(WatchtimeError) as error:
        prepare_interactions(loader, folder, under.read_options(options), under.rules, under, output)
    message = str(error.value)
    assert message.startswith(f"{named}: ")
    assert sentence in message
    assert message.endswith(".")
    assert "\n" not in message
    assert list(output.rglob("*")) == []
