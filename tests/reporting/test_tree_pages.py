"""The pages of PTPM's figures 6, 7 and 8 on hand-made tables: what they draw, print and conclude."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from studies import DATASET, write_study
from watchtime.core.files import write_parquet, write_text
from watchtime.core.pages import page_inputs
from watchtime.reporting.analyses import node_calibration, tree_depth, tree_learning
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Table
from watchtime.reporting.measured.repetitions import differences, mean
from watchtime.reporting.report import Report

REPETITIONS = 3
Rows = list[dict[str, Any]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def costs() -> Rows:
    return [{"row": "tpm", "parameters": 1000, "flops": 200}, {"row": "ptpm", "parameters": 1010, "flops": 203}]


def curves() -> Rows:
    """TSL ends at 4 after 2 epochs and is below the search's 5, its fourth tree's, after the first, pruning never."""
    errors = {"learned": [5.0, 4.0, 4.5], "random": [7.0, 6.0], "search": [9.0, 6.0, 5.5, 5.0]}
    rows = []
    for repetition in range(REPETITIONS):
        for line, found in errors.items():
            noise = np.sin(1 + repetition) / 100 if line == "learned" else 0.0
            lowest = np.minimum.accumulate(found) - noise
            for epoch, (error, low) in enumerate(zip(found, lowest, strict=True)):
                row = f"ptpm/subtree_{epoch + 1}" if line == "search" else line
                one = {"line": line, "row": row, "repetition": repetition, "epoch": epoch, "visits": 100 * (epoch + 1)}
                rows.append({**one, "absolute_error": error - noise, "lowest": low})
    return rows


def leaves() -> Rows:
    """Leaf 3 of 4 has no rows; TPM's ratios are 0.8, 0.6, 1.4, those without UCL 0.9, 1.1, 1.1 and all others 1."""
    ratios = {"tpm": [0.8, 0.6, 1.4, None], "ptpm/no_ucl": [0.9, 1.1, 1.1, None]}
    return [
        {"row": row, "repetition": one, "leaf": leaf, "ratio": ratio and ratio + np.sin(1 + one + len(row)) / 1000}
        for row in ("tpm", "ptpm/no_tsl", "ptpm/no_ucl", "ptpm")
        for one in range(REPETITIONS)
        for leaf, ratio in enumerate(ratios.get(row, [1.0, 1.0, 1.0, None]))
    ]


def nodes() -> Rows:
    """Three nodes; the last has no AUC on its own rows. Those of PTPM are 0.1 better there, and worse on all rows."""
    return [
        {"row": row, "repetition": one, "node": node, "depth": int(node > 0), "rows": rows}
        | {"auc_own": own and own + gain + noise, "auc_all": 0.7 - gain + noise}
        for row, gain in (("tpm", 0.0), ("ptpm/no_tsl", 0.0), ("ptpm/no_ucl", 0.0), ("ptpm", 0.1))
        for one in range(REPETITIONS)
        for noise in [np.sin(1 + one + len(row)) / 1000]
        for node, (rows, own) in enumerate([(40, 0.6), (10, 0.7), (30, None)])
    ]


def depths() -> Rows:
    """From depth 4 on PTPM has 1 s less of MAE, but no other XAUC than chance; its trees have a depth of 4."""
    return [
        {"row": f"{learned} {depth}", "depth": depth, "learned": learned, "repetition": one}
        | {"mae": 20.0 - (learned and depth >= 4) + noise, "xauc": 0.6 + noise}
        | {"depth_reached": min(depth, 4.0) + noise if learned else depth, "depth_tree": min(depth, 5.0)}
        for learned in (True, False)
        for depth in range(2, 9)
        for one in range(REPETITIONS)
        for noise in [np.sin(1 + 7 * one + 3 * depth + learned) / 100]
    ]


TABLES = {
    "ptpm/figure6": {"costs": costs, "curves": curves},
    "ptpm/figure7": {"leaves": leaves, "nodes": nodes},
    "ptpm/figure8": {"depths": depths},
}


def report(place: Path, artifact: str) -> Report:
    plan = write_study(place, artifact, [float(second) for second in range(300)], [1.0], repetitions=REPETITIONS).plan
    for name, rows in TABLES[artifact].items():
        write_parquet(plan.analysis_folder(artifact) / DATASET / f"{name}.parquet", pl.DataFrame(rows()))
    return Report("results/demo", artifact)


def cells(table: Table) -> list[list[Any]]:
    return [[one.value if isinstance(one, Cell) else one for one in row] for row in table.rows]  # type: ignore[union-attr]


@pytest.mark.parametrize("artifact", TABLES)
def test_a_page_runs_with_what_it_declares_alone(here: Path, artifact: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = report(here, artifact)
    inputs = {path.resolve() for path in page_inputs(made.plan, artifact)}
    assert all(path.exists() for path in inputs)
    for path in made.plan.folder.rglob("*"):
        if path.is_file() and not inputs & {path.resolve(), *path.resolve().parents} and path.name != "config.yaml":
            path.unlink()
    write_text(here / "page.py", made.plan.template(artifact).read_text())
    runpy.run_path(str(here / "page.py"))
    assert "Traceback" not in capsys.readouterr().err


# Figure 6


def test_costs_stand_with_what_ptpm_has_more(here: Path) -> None:
    made = report(here, "ptpm/figure6")
    assert cells(tree_learning.costs(made, DATASET)) == [
        ["TPM", 1000, None, 200, None],
        ["PTPM", 1010, pytest.approx(1.0), 203, pytest.approx(1.5)],
    ]
    said = tree_learning.conclusion(made, DATASET)
    assert "PTPM has 1.00\u00a0% more parameters than TPM and takes 1.50\u00a0% more operations" in said


def test_ways_stand_with_their_visits_and_when_they_are_as_low_as_the_search(here: Path) -> None:
    """TSL ends the first epoch at 5 − sin(1 + r) / 100, which is at most 5 in two repetitions, r = 0 and r = 1."""
    made = report(here, "ptpm/figure6")
    learned, search, random = cells(tree_learning.ways(made, DATASET))
    noise = [np.sin(1 + one) / 100 for one in range(REPETITIONS)]
    assert min(noise) > 0
    assert learned[:3] == ["TSL", None, 300]
    assert isinstance(learned[3], Interval)
    assert learned[3].mean == pytest.approx(4 - np.mean(noise))
    assert learned[4:] == [200, 100, 3]
    assert search == ["Subtree search", 4, 400, 5, 400, 400, 3]
    assert random == ["Random pruning", None, 200, 6, 200, None, 0]


def test_tsl_is_told_apart_and_its_speed_is_a_share_of_the_search(here: Path) -> None:
    said = tree_learning.conclusion(report(here, "ptpm/figure6"), DATASET)
    assert "TSL − subtree search: −1.0063 s, better." in said
    assert "TSL − random pruning: −2.0063 s, better." in said
    assert "as low as the search in 3 of 3 repetitions, there after 25.0\u00a0% of its visits." in said


def test_tsl_may_never_be_as_low_as_the_search(here: Path) -> None:
    made = report(here, "ptpm/figure6")
    path = made.plan.analysis_folder("ptpm/figure6") / DATASET / "curves.parquet"
    low = pl.when(line="search").then(1.0).otherwise("lowest")
    write_parquet(path, pl.read_parquet(path).with_columns(lowest=low))
    assert "TSL gets as low as the search in 0 of 3 repetitions." in tree_learning.conclusion(made, DATASET)
    assert cells(tree_learning.ways(made, DATASET))[0][5:] == [None, 0]


# Figure 7


def test_leaves_without_rows_and_nodes_without_both_sides_are_left_out(here: Path) -> None:
    made = report(here, "ptpm/figure7")
    tpm = node_calibration.measured(made, DATASET, "tpm")
    for one in range(REPETITIONS):
        noise = np.sin(1 + one + 3) / 1000
        assert tpm["off"][one] == pytest.approx((0.2 + 0.4 + 0.4 - noise) / 3)
        assert tpm["left"][one] == pytest.approx(0.7 + noise)
        assert tpm["right"][one] == pytest.approx(1.4 + noise)
        assert tpm["auc_own"][one] == pytest.approx(0.65 + noise)
        assert tpm["auc_own_weighed"][one] == pytest.approx((40 * 0.6 + 10 * 0.7) / 50 + noise)
        assert [tpm[name][one] for name in ("auc_all", "auc_all_weighed")] == pytest.approx([0.7 + noise] * 2)
    assert "Left out: 1 of 4 leaves" in node_calibration.ratios(made, DATASET).caption
    shown = node_calibration.areas(made, DATASET)
    assert "Left out: 1 of 3 nodes, whose own rows all go the same way, and 0 where all rows do." in shown.caption
    assert [row[0] for row in cells(shown)] == ["TPM", "PTPM w/o TSL", "PTPM w/o UCL", "PTPM"]
    assert cells(shown)[0][2].mean == pytest.approx(np.mean(list(tpm["auc_own_weighed"].values())))


def test_what_ucl_changes_is_told_with_and_without_learned_trees(here: Path) -> None:
    said = node_calibration.conclusion(report(here, "ptpm/figure7"), DATASET)
    off, own, whole, ratio, _ = [line for line in said.split("\n") if line.startswith("- ")]
    assert "UCL = −0.0995 (better); PTPM w/o TSL − TPM = −0.33" in off
    assert off.endswith("(better).")
    assert "UCL = 0.0995 (better); PTPM w/o TSL − TPM = 0.0010 (not told apart)" in own
    assert "UCL = −0.1005 (worse); PTPM w/o TSL − TPM = 0.0010 (not told apart)" in whole
    assert "0.699 in the left half of the leaves, 1.399 in the right" in ratio


# Figure 8


def test_depths_stand_with_differences_after_holm(here: Path) -> None:
    made = report(here, "ptpm/figure8")
    table = tree_depth.table(made, DATASET)
    rows = cells(table)
    assert [row[0] for row in rows] == [2, 3, 4, 5, 6, 7, 8]
    assert rows[4][1].mean == pytest.approx(19, abs=0.02)
    assert rows[4][2].mean == pytest.approx(20, abs=0.02)
    assert rows[4][3].mean == pytest.approx(rows[4][1].mean - rows[4][2].mean)
    assert [row[3].best for row in table.rows] == [False] * 2 + [True] * 5  # type: ignore[union-attr, index]
    assert [row[6].best for row in table.rows] == [False] * 7  # type: ignore[union-attr, index]
    assert [row[8] for row in rows] == [2, 3, 4, 5, 5, 5, 5]


def test_depths_are_set_beside_the_papers(here: Path) -> None:
    made = report(here, "ptpm/figure8")
    assert tree_depth.published(made, DATASET) == 4.6
    said = tree_depth.conclusion(made, DATASET)
    assert "MAE at 7 depths: with TSL significantly better than without at 4, 5, 6, 7, 8; worse at none." in said
    assert "XAUC at 7 depths: with TSL significantly better than without at none; worse at none." in said
    assert "5.00 in trees at depth 8; the paper says about 4.6." in said


# What repetitions say


def test_means_and_differences_of_repetitions_that_lack_something() -> None:
    assert mean({}) is None
    assert mean({0: 3.0}) == 3.0
    one, none = differences([({0: 1.0}, {0: 3.0, 1: 9.0}), ({0: 1.0}, {1: 1.0})], "lower")
    assert none is None
    assert one is not None
    assert (one.comparison.difference, one.word, one.cell()) == (-2, "not told apart", Cell(-2.0))
