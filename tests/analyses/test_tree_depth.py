"""Scores and learned depths by the depth of the global tree, with known predictions."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from handmade_run import by_order
from studies import write_study
from watchtime.analyses.study import Study
from watchtime.analyses.tree_depth import tables

ARTIFACT = "ptpm/figure8"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Return a study in which job number j reaches depths of j and j + 1, in the second repetition 3 more."""
    monkeypatch.chdir(tmp_path)
    training = [float(second) for second in range(300)]
    made = write_study(tmp_path, ARTIFACT, training, [1.0, 2.0], lambda *_: [1.0, 2.0], repetitions=2)
    for place, spec in enumerate(made.jobs.values()):
        path = made.plan.job_folder(spec) / "predictions.parquet"
        depths = {
            f"{name}.{repetition}": pl.Series([place, place + 1.0], dtype=pl.Float32) + 3 * repetition + more
            for name, more in (("depth_reached", 0), ("depth_tree", 10))
            for repetition in (0, 1)
        }
        pl.read_parquet(path).with_columns(**depths).write_parquet(path)
    return made


def test_both_ways_have_all_depths(study: Study) -> None:
    depths = tables(study)["depths"]
    for learned in (True, False):
        assert depths.filter(learned=learned, repetition=0)["depth"].to_list() == [2, 3, 4, 5, 6, 7, 8]
    assert depths.filter(row="ptpm").select("depth", "learned").rows() == [(6, True)] * 2
    assert depths.filter(row="ptpm/no_tsl_depth_8").select("depth", "learned").rows() == [(8, False)] * 2


def test_depths_are_means_over_rows_and_scores_are_those_of_the_first_readout(study: Study) -> None:
    depths = tables(study)["depths"]
    for place, (row, spec) in enumerate(study.jobs.items()):
        for repetition in (0, 1):
            one = depths.filter(row=row, repetition=repetition).row(0, named=True)
            assert one["depth_reached"] == place + 0.5 + 3 * repetition
            assert one["depth_tree"] == place + 10.5 + 3 * repetition
            assert one["mae"] == by_order(spec, "mean", "mae", "", repetition)
            assert one["xauc"] == by_order(spec, "mean", "xauc", "strict", repetition)
