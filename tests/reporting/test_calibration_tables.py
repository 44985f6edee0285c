"""The calibration of predicted distributions on the summary page, on a run that nobody trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from handmade_run import write_run
from watchtime.core.errors import WatchtimeError
from watchtime.reporting.comparisons import calibration, leaderboard
from watchtime.reporting.comparisons.leaderboard import Board
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell
from watchtime.reporting.elements.text import escape
from watchtime.reporting.report import Report

BOARD = Board("kuairand_pure", "watch_time", "random_622")
METHODS = ["training_constant", "lightgbm", "vr", "tpm/paper", "tpm/released", "tpm/leaf_mean", "cread/paper"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(here: Path, **config: Any) -> Report:
    write_run(here, **({"methods": METHODS, "artifacts": []} | config))
    return Report("results/demo", "summary")


def cells(report: Report) -> list[list[Cell]]:
    rows = calibration.table(report, BOARD).rows
    return [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]  # type: ignore[union-attr]


def changed(report: Report, *columns: pl.Expr) -> None:
    """Write other numbers in the place of those of the run."""
    path = report.plan.folder / "calibration.parquet"
    pl.read_parquet(path).with_columns(*columns).write_parquet(path)


def test_distributions_are_ranked_by_crps_and_nothing_else_is_there(here: Path) -> None:
    """The CRPS of a variant is the length of its name, + 0.1 s per repetition: t₂(0.975) · 0.1 / √3 = 0.2484."""
    made = report(here)
    rows, names = cells(made), ["CREAD (paper)", "TPM (paper)", "TPM (released)", "TPM (leaf mean)"]
    assert [row[0].value for row in rows] == names
    for row, mean in zip(rows, (5.1, 5.1, 8.1, 9.1), strict=True):
        found = row[1].value
        assert isinstance(found, Interval)
        assert (found.mean, found.low, found.high) == pytest.approx((mean, mean - 0.2484, mean + 0.2484), abs=1e-4)
    changed(made, (20 - pl.col("crps")).alias("crps"))
    assert [row[0].value for row in cells(made)] == [*names[:1:-1], *names[:2]]


def test_the_best_and_what_is_tied_with_it_is_bold(here: Path) -> None:
    """CREAD and TPM as their papers have them have equal numbers; released is 0.07 s worse, once better."""
    made = report(here)
    noisy = pl.col("repetition").replace_strict({0: 4.9, 1: 5.2, 2: 5.4})
    is_released = pl.col("variant") == "released"
    changed(made, pl.when(is_released).then(noisy).otherwise("crps").alias("crps"))
    changed(made, pl.when(is_released).then(0.2).otherwise("pit_distance").alias("pit_distance"))
    bold = {str(row[0].value): (row[1].best, row[2].best) for row in cells(made)}
    assert bold == {
        "CREAD (paper)": (True, True),
        "TPM (paper)": (True, True),
        "TPM (released)": (True, False),
        "TPM (leaf mean)": (False, True),
    }


def test_one_repetition_has_no_interval(here: Path) -> None:
    found = [row[1].value for row in cells(report(here, repetitions=1))]
    assert found == [Interval(mean, None, None) for mean in (5.0, 5.0, 8.0, 9.0)]


def test_columns_have_units_and_the_caption_says_what_is_absent(here: Path) -> None:
    made, ratios = report(here), Board("kuairand_pure", "watch_ratio", "random_622")
    text = calibration.table(made, BOARD)._repr_markdown_()
    assert text.startswith("| Method | CRPS ↓ (s) | Distance of the PIT ↓ |")
    assert f"Table: {escape(leaderboard.title(made, BOARD))}: " in text
    assert "What predicts no distribution is absent: the trivial rows, LightGBM" in text
    made = report(here, tasks=["watch_ratio"])
    assert "| CRPS ↓ | " in calibration.table(made, ratios)._repr_markdown_()


def test_only_leaderboards_with_a_distribution_are_shown(here: Path) -> None:
    several = report(here, datasets={"kuairand_pure": {}, "wechat21": {"methods": ["vr"]}})
    assert len(leaderboard.boards(several)) == 2
    assert calibration.boards(several) == [BOARD]
    assert calibration.boards(report(here, methods=["vr", "training_constant"])) == []


def test_boards_do_not_mix(here: Path) -> None:
    both = report(here, tasks=["watch_time", "watch_ratio"], protocols=["random_622", "random_811"])
    other = (pl.col("task") == "watch_ratio") | (pl.col("protocol") == "random_811")
    changed(both, pl.when(other).then(99.0).otherwise("crps").alias("crps"))
    assert len(calibration.boards(both)) == 4
    means = [row[1].value.mean for row in cells(both) if isinstance(row[1].value, Interval)]
    assert means == pytest.approx([5.1, 5.1, 8.1, 9.1])


def test_a_panel_is_the_mean_histogram_of_a_methods_first_variant(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(calibration, "show", lambda drawing, caption: shown.append((drawing, caption)))
    made = report(here)
    flat, steep = (pl.lit(bins, pl.List(pl.Float64)) for bins in ([0.05] * 20, [0.25, *[0.75 / 19] * 19]))
    of_paper = pl.when(pl.col("repetition") == 0).then(steep).otherwise("pit")
    changed(made, pl.when(pl.col("variant") == "paper").then(of_paper).otherwise(flat).alias("pit"))
    calibration.draw(made, BOARD)
    ((drawing, caption),) = shown
    panels = {axes.get_title(): axes for axes in drawing.axes if axes.get_visible()}
    assert list(panels) == ["CREAD", "TPM"]
    for axes in panels.values():
        heights, edges = axes.patches[0].get_data()[:2]
        assert heights[0] == pytest.approx(20 * (0.25 + 0.15 + 0.15) / 3)
        assert heights.mean() == pytest.approx(1)
        assert (edges[0], edges[-1], len(edges)) == (0, 1, 21)
    assert "first variant" in caption


def test_no_other_page_may_read_it(here: Path) -> None:
    report(here, artifacts=["prowtp/table1"])
    with pytest.raises(WatchtimeError, match=r"^prowtp/table1: the page reads calibration, but declares only "):
        Report("results/demo", "prowtp/table1").table("calibration")
