"""The pages of lifetime values, on a run that nobody trained and on hand-made values."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from handmade_run import write_run
from watchtime.core.files import write_parquet, write_text
from watchtime.core.pages import page_inputs
from watchtime.reporting.comparisons import comparison, leaderboard, lifetime_value
from watchtime.reporting.data import price_clusters
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Section, Table
from watchtime.reporting.report import Report

DATA: dict[str, Any] = {"criteo_ssc": {}, "valued_shoppers": {}}
ARTIFACTS = ["gr/table5", "rqreg/table1", "rqreg/figure1"]
CRITEO = "criteo_ssc"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(here: Path, artifact: str, **config: Any) -> Report:
    settings = {"datasets": DATA, "protocols": ["random_712"], "methods": ["training_constant", "lightgbm", "oracle"]}
    plan = write_run(here, **{**settings, "artifacts": [artifact], **config})
    for dataset in plan.config.datasets if artifact == "rqreg/figure1" else []:
        for name, frame in clusters().items():
            write_parquet(plan.analysis_folder(artifact) / dataset / f"{name}.parquet", frame)
    return Report("results/demo", artifact)


def clusters() -> dict[str, pl.DataFrame]:
    """Return what the analysis finds in 80 rows at 10 and 20 at 10.5, and an empty range."""
    bins = {"low": [10.0] * 10 + [11.0] * 10, "high": [11.0] * 10 + [12.0] * 10}
    starts = [10 + one / 10 for one in range(20)]
    rows = [80, 0, 0, 0, 0, 20, *[0] * 14]
    empty = {"rows": 0, "distinct": 0, "frequent": 0, "most_frequent": float("nan"), "most": 0}
    full = {"rows": 100, "distinct": 40, "frequent": 90, "most_frequent": 10.0, "most": 80}
    return {
        "bins": pl.DataFrame({**bins, "start": starts, "rows": rows}),
        "ranges": pl.DataFrame([{"low": 10.0, "high": 11.0, **full}, {"low": 11.0, "high": 12.0, **empty}]),
        "concentration": pl.DataFrame({"share": [0.1, 0.5], "values": [1, 2]}),
        "facts": pl.DataFrame([{"rows": 400, "positive": 100, "distinct": 40, "bin": 0.1, "frequent": 10}]),
    }


def cells(table: Table) -> list[list[Any]]:
    rows = [row for row in table.rows if not isinstance(row, Section)]
    return [[cell.value if isinstance(cell, Cell) else cell for cell in row] for row in rows]


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_a_page_runs_with_what_it_declares_alone(here: Path, artifact: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = report(here, artifact)
    inputs = {path.resolve() for path in page_inputs(made.plan, artifact)}
    for path in made.plan.folder.rglob("*"):
        is_input = inputs & {path.resolve(), *path.resolve().parents}
        if path.is_file() and not is_input and path.name != "config.yaml":
            path.unlink()
    write_text(here / "page.py", made.plan.template(artifact).read_text().replace("rqreg/table1", artifact))
    runpy.run_path(str(here / "page.py"))
    assert "Traceback" not in capsys.readouterr().err


def test_columns_are_those_of_the_paper_each_beside_its_number(here: Path) -> None:
    made = report(here, "rqreg/table1")
    table = comparison.table(made, CRITEO)
    measures = ["MAE ↓", "Normalised Gini ↑", "Spearman ↑", "Normalised Gini (positive) ↑", "Spearman (positive) ↑"]
    assert [one.title for one in table.columns[3:]] == [title for one in measures for title in (one, "Paper")]
    printed = {(row[0], row[1]): row[4::2] for row in cells(table)}
    assert printed["RQ-Reg", "regression"] == [16.329, 0.6141, 0.2523, 0.4468, 0.4166]
    assert "Of rows with equal predictions the normalised Gini is the mean over all their orders." in table.caption
    assert "XAUC" not in table.caption


def test_trees_of_tweedie_stand_in_tables_of_values_alone(here: Path) -> None:
    values = [row[0] for row in cells(comparison.table(report(here, "gr/table5"), CRITEO))]
    assert {"LightGBM (l2)", "LightGBM (l1)", "LightGBM (rank)", "LightGBM (tweedie)"} < set(values)
    other = report(here, "gr/table1", datasets={"cikm16": {"protocols": ["random_82"]}})
    times = [row[0] for row in cells(comparison.table(other, "cikm16"))]
    assert {"LightGBM (l2)", "LightGBM (l1)", "LightGBM (rank)"} < set(times)
    assert "LightGBM (tweedie)" not in times


def test_tenths_are_judged_over_repetitions(here: Path) -> None:
    """GR predicts half, half, and all of the targets: 50, 50 and 0 % off, 50, 50 and 100 % in all, 5, 5 and 10 at most.

    The training median's tenths have no target above 0, and a rank is in no unit.
    """
    made = report(here, "gr/table5", repetitions=3)
    rows = {(row[0], row[1]): row[2:] for row in cells(lifetime_value.decile_table(made, CRITEO))}
    error, total, target, prediction = rows["GR", "mean"]
    assert isinstance(error, Interval)
    assert isinstance(total, Interval)
    assert [error.mean, total.mean] == pytest.approx([100 / 3, 200 / 3])
    assert error.high == pytest.approx(100 / 3 + 4.30265 * 50 / 3, rel=1e-4)
    assert (target, prediction) == (10, pytest.approx(20 / 3))
    assert rows["Training constant (median)", "median"][:2] == [None, None]
    assert not any(readout == "rank" for _, readout in rows)


def test_rows_above_zero_are_counted(here: Path) -> None:
    said = lifetime_value.positive_rows(report(here, "gr/table5"), CRITEO)
    assert said.startswith("Criteo\\-SSC \\(simulated\\): of 200 test rows 40 have a target above 0 (20.0\u00a0%)")


def test_leaderboards_of_values_have_measures_of_their_own(here: Path) -> None:
    made = report(here, "gr/table5", datasets={**DATA, "cikm16": {"protocols": ["random_82"]}})
    boards = {board.dataset: board for board in leaderboard.boards(Report("results/demo", "summary"))}
    assert made.plan.artifacts
    titles = {
        name: [one.title for one in leaderboard.table(Report("results/demo", "summary"), board).columns[4:]]
        for name, board in boards.items()
    }
    assert titles["cikm16"] == ["XAUC ↑", "RMSE ↓", "MAE ↓"]
    assert titles[CRITEO] == [*titles["cikm16"], "Normalised Gini ↑", "Spearman ↑"]


def test_clusters_stand_beside_what_would_be_even(here: Path) -> None:
    made = report(here, "rqreg/figure1")
    first, second = cells(price_clusters.ranges(made, CRITEO))
    assert first == ["10 to 11", 100, 40, 90.0, 25.0, 10.0, 80]
    assert second == ["11 to 12", 0, 0, None, None, None, 0]
    assert cells(price_clusters.concentration(made, CRITEO)) == [
        ["10\u00a0%", 1, 2.5, 4],
        ["50\u00a0%", 2, 5.0, 20],
    ]
    said = price_clusters.conclusion(made, CRITEO)
    assert "25.0\u00a0% of 400 rows are above 0, with 40 distinct values" in said
    assert "Half of them have one of 2 values, 5.0\u00a0% of the distinct ones" in said
