"""How few values hold a share of the rows, by hand and against trying all sets of values; bins by whole cents."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from studies import DATASET, write_study
from watchtime.analyses.price_clusters import tables, values_that_hold
from watchtime.analyses.study import Study

ARTIFACT = "ptpm/figure2"
"""Any artifact with an analysis of all rows of a log: watch times stand for values here."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(here: Path, values: list[float]) -> Study:
    """Return a study of rows with the given targets and two ranges, from 10 to 11 and from 11 to 12."""
    made = write_study(here, ARTIFACT, [1.0], [1.0])
    rows = {"user": 0, "item": 0, "watch_time": values, "log": "big", "duration": 1.0}
    pl.DataFrame(rows).write_parquet(made.plan.data_files(DATASET)[0])
    paper = made.plan.catalog.papers["ptpm"]
    card = paper.artifacts["figure2"].model_copy(update={"options": {"ranges": [[10, 11], [11, 12]]}})
    artifacts = {"ptpm": paper.model_copy(update={"artifacts": {**paper.artifacts, "figure2": card}})}
    catalog = replace(made.plan.catalog, papers={**made.plan.catalog.papers, **artifacts})
    return replace(made, plan=replace(made.plan, catalog=catalog))


def test_seven_rows_by_hand(here: Path) -> None:
    made = tables(study(here, [0.0, 10.0, 10.0, 10.99, 11.0, 11.0, 11.0, 30.0]))
    facts = made["facts"].row(0, named=True)
    assert (facts["rows"], facts["positive"], facts["distinct"]) == (8, 7, 4)
    first, second = made["ranges"].to_dicts()
    assert (first["rows"], first["distinct"], first["most_frequent"], first["most"]) == (3, 2, 10.0, 2)
    assert (second["rows"], second["distinct"], second["most_frequent"], second["most"]) == (3, 1, 11.0, 3)
    # Three of seven rows are 43 %, five 71 %, six 86 %.
    assert made["concentration"].rows() == [(0.1, 1), (0.25, 1), (0.5, 2), (0.75, 3), (0.9, 4)]
    counted = made["bins"].filter(pl.col("rows") > 0).select("low", "start", "rows").rows()
    assert counted == [(10, 10.0, 2), (10, pytest.approx(10.9), 1), (11, 11.0, 3)]


def test_no_amount_of_whole_cents_stands_between_two_bins(here: Path) -> None:
    cents = np.arange(1000, 1200)
    made = tables(study(here, (cents / 100).tolist()))
    bins = made["bins"]
    assert bins["rows"].to_list() == [10] * 20
    assert bins["start"].to_list() == pytest.approx((np.arange(100, 120) / 10).tolist())


def test_a_log_without_values_has_no_clusters(here: Path) -> None:
    made = tables(study(here, [0.0, 0.0]))
    assert made["facts"].row(0, named=True)["positive"] == 0
    assert made["concentration"]["values"].to_list() == [0] * 5
    assert made["ranges"]["rows"].to_list() == [0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_fewest_values_are_found_by_trying_all_sets(seed: int) -> None:
    uses = np.random.default_rng(seed).integers(1, 9, 7)
    for share in (0.1, 0.3, 0.5, 0.8, 1.0):
        enough = [
            size
            for size in range(1, 8)
            for chosen in combinations(uses.tolist(), size)
            if sum(chosen) >= share * uses.sum()
        ]
        assert values_that_hold(uses, share) == min(enough)
