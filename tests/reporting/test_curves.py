"""What the caption of the learning curves says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handmade_run import write_run
from watchtime.reporting.comparisons import curves
from watchtime.reporting.report import Report


def caption(here: Path, monkeypatch: pytest.MonkeyPatch, **config: Any) -> str:
    shown: list[str] = []
    monkeypatch.setattr(curves, "show", lambda drawing, text: shown.append(text))
    monkeypatch.chdir(here)
    write_run(here, artifacts=["prowtp/table1"], **config)
    curves.learning_curves(Report("results/demo", "prowtp/table1"), "kuairand_pure")
    return shown[0]


def test_a_method_whose_last_epoch_is_its_best_could_have_used_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third epoch is the best one of every handmade history."""
    assert "more might help" not in caption(tmp_path, monkeypatch)
    text = caption(tmp_path, monkeypatch, settings={"vr": {"training": {"epochs": 3}}})
    assert "TR 3, " in text
    assert text.endswith(" Best in the last epoch that the run allows, so that more might help: TR.")
