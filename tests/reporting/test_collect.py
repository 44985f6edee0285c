"""The tidy tables of a run, gathered from jobs that nobody trained."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from handmade_run import write_run
from watchtime.core.plan import Plan

METHODS = ["training_constant", "vr/paper", "tpm/paper", "ptpm/paper"]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path, methods=METHODS, artifacts=[])


def table(plan: Plan, name: str) -> pl.DataFrame:
    return pl.read_parquet(plan.folder / f"{name}.parquet")


def test_learning_curves_are_those_of_networks_and_a_measure_that_a_method_lacks_is_null(plan: Plan) -> None:
    curves = table(plan, "history")
    assert curves.group_by("method", "variant", maintain_order=True).len().rows() == [
        (method, "paper", 3 * 4) for method in ("ptpm", "tpm", "vr")
    ]
    measured = curves.filter(pl.col("absolute_error").is_not_null())
    assert set(measured["method"]) == {"ptpm"}
    assert measured["absolute_error"].to_list() == [20.0, 19.0, 18.0, 17.0] * 3
    assert curves.select("training", "validation").null_count().row(0) == (0, 0)


def test_calibration_is_that_of_predicted_distributions(plan: Plan) -> None:
    found = table(plan, "calibration")
    assert found.select("method", "repetition").rows() == [
        (method, repetition) for method in ("ptpm", "tpm") for repetition in range(3)
    ]
    assert found["crps"].to_list() == pytest.approx([5.0, 5.1, 5.2] * 2)


def test_every_job_has_its_metrics_and_its_resources(plan: Plan) -> None:
    names = ["dataset", "task", "protocol", "regime", "method", "variant"]
    for frame in (table(plan, "metrics"), table(plan, "resources")):
        found = frame.select(pl.concat_str(names, separator="/")).to_series()
        assert found.unique(maintain_order=True).to_list() == list(plan.jobs)


def test_the_curves_of_a_run_without_networks_are_an_empty_table(plan: Plan, tmp_path: Path) -> None:
    bare = write_run(tmp_path, methods=["training_constant"], artifacts=[])
    assert table(bare, "history").is_empty()
    assert {"repetition", "epoch", "training", "validation"} < set(table(bare, "history").columns)
    assert table(bare, "calibration").is_empty()
