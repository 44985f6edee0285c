"""Cells that moved: equal, within noise, changed; paired where the seeds match, else by Welch's test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats

from compared_runs import sections, write_compared
from watchtime.core.job import JobSpec

OURS = [20.0, 21.0, 22.0, 23.0]


def write(place: Path, name: str, values: list[float], **run: Any) -> Path:
    """Write a run whose MAE of VR has the given values; everything else is alike."""

    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        return values[repetition] if (spec.method, metric) == ("vr", "mae") else 1.0

    chosen = {"methods": ["vr/paper"], "artifacts": [], "repetitions": len(values), **run}
    return write_compared(place, name, scores=scores, **chosen)


def row(tmp_path: Path, others: list[float], seed: int = 2026) -> list[str]:
    found = sections(write(tmp_path, "a", OURS), write(tmp_path, "b", others, seed=seed))["Metrics"]
    (one,) = [list(row) for row in found.rows]
    return one


def ends(interval: str) -> list[float]:
    return [float(one.replace("\N{MINUS SIGN}", "-")) for one in interval.split(" to ")]


def test_a_small_shift_of_every_repetition_is_a_change_where_they_are_paired(tmp_path: Path) -> None:
    others = [20.5, 21.6, 22.5, 23.6]
    *_, difference, interval, p_value, verdict = row(tmp_path, others)
    paired = stats.ttest_rel(others, OURS)
    assert float(difference) == pytest.approx(0.55)
    assert ends(interval) == pytest.approx(paired.confidence_interval(), abs=0.01)
    assert float(p_value) == pytest.approx(paired.pvalue, rel=0.1)
    assert verdict == "changed"


def test_the_same_shift_is_noise_where_seeds_differ(tmp_path: Path) -> None:
    others = [20.5, 21.6, 22.5, 23.6]
    *_, interval, p_value, verdict = row(tmp_path, others, seed=7)
    welch = stats.ttest_ind(others, OURS, equal_var=False)
    assert ends(interval) == pytest.approx(welch.confidence_interval(), abs=0.01)
    assert float(p_value) == pytest.approx(welch.pvalue, rel=0.1)
    assert verdict == "within noise"


def test_runs_of_different_spread_are_not_pooled(tmp_path: Path) -> None:
    others = [10.0, 30.0, 25.0, 28.0]
    *_, interval, _, _ = row(tmp_path, others, seed=7)
    welch, pooled = (stats.ttest_ind(others, OURS, equal_var=equal).confidence_interval() for equal in (False, True))
    assert ends(interval) == pytest.approx(welch, abs=0.01)
    assert ends(interval) != pytest.approx(pooled, abs=0.5)


def test_repetitions_that_differ_both_ways_are_noise(tmp_path: Path) -> None:
    assert row(tmp_path, [20.5, 20.4, 22.6, 22.5])[-1] == "within noise"


def test_a_shift_that_is_the_same_everywhere_says_nothing_of_chance_and_is_a_change(tmp_path: Path) -> None:
    *_, interval, p_value, verdict = row(tmp_path, [one + 0.5 for one in OURS])
    assert (interval, p_value, verdict) == ("", "", "changed")


def test_equal_values_are_counted_and_not_listed(tmp_path: Path) -> None:
    section = sections(write(tmp_path, "a", OURS), write(tmp_path, "b", OURS))["Metrics"]
    assert not section.rows
    assert " 0 changed" in section.said


def test_a_run_without_intervals_over_users_can_be_compared_with_one_that_has_them(tmp_path: Path) -> None:
    places = [write(tmp_path, name, OURS) for name in ("a", "b")]
    table = places[0] / "metrics.parquet"
    pl.read_parquet(table).drop("users_low", "users_high").write_parquet(table)
    filled = pl.read_parquet(places[1] / "metrics.parquet").with_columns(users_low=0.0, users_high=1.0)
    filled.write_parquet(places[1] / "metrics.parquet")
    assert sections(*places)["Metrics"].rows == []
