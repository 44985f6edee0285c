"""Sampled beside original watch ratios: buckets, moments and histograms by hand, and what is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from studies import write_study
from watchtime.analyses.sampled_watch_ratios import BINS, LAST, Options, tables
from watchtime.core.config import validate
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Floats

ARTIFACT = "prowtp/figure8"
BUCKETS = 15
LEVELS = (np.arange(200) + 0.5) / 200
EACH = np.concatenate([stats.norm.ppf(LEVELS, 0.2, 0.05), stats.norm.ppf(LEVELS, 0.9, 0.1)])
"""Two peaks of as many rows, without noise."""
ROWS = BUCKETS * len(EACH)
RATIO = np.tile(EACH, BUCKETS)
DURATION = np.repeat(np.arange(1.0, BUCKETS + 1) * 10, len(EACH))
"""Fifteen durations, so that a bucket is a duration."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(here: Path, ratio: Floats = RATIO, **config: Any) -> dict[str, pl.DataFrame]:
    """Return the tables of these training rows; the test row would be a sixteenth duration."""
    target, duration = (ratio * DURATION).tolist(), [*DURATION.tolist(), 1000.0]
    return tables(write_study(here, ARTIFACT, target, [999.0], duration=duration, **config))


def test_buckets_are_as_many_as_the_card_says_and_of_training_rows_alone(here: Path) -> None:
    buckets = made(here)["buckets"]
    assert buckets["bucket"].to_list() == list(range(BUCKETS))
    assert buckets["low"].to_list() == buckets["high"].to_list() == sorted(set(DURATION))
    for one in buckets.iter_rows(named=True):
        own = RATIO[one["low"] == DURATION]
        assert one["rows"] == len(own) == ROWS // BUCKETS
        assert one["original_mean"] == pytest.approx(own.mean())
        assert one["original_deviation"] == pytest.approx(own.std())


def test_vectors_are_allotted_by_weight_and_lie_about_the_peaks(here: Path) -> None:
    found = made(here)
    for one in found["buckets"].iter_rows(named=True):
        peaks = found["peaks"].filter(bucket=one["bucket"])
        assert peaks["vectors"].to_list() == [int(100 * weight) for weight in peaks["weight"]]
        assert one["vectors"] == peaks["vectors"].sum() >= 100 - len(peaks)
        assert peaks["mean"].to_list() == pytest.approx([0.2, 0.9], abs=0.02)
        assert one["sampled_mean"] == pytest.approx(0.55, abs=0.05)
        assert one["sampled_deviation"] < one["original_deviation"]
        assert one["kolmogorov"] > 2 * one["kolmogorov_by_chance"]


def test_histograms_hold_what_is_in_each_bin(here: Path) -> None:
    found = made(here)
    for (bucket,), histogram in found["histograms"].group_by("bucket", maintain_order=True):
        own = RATIO[10.0 * (int(bucket) + 1) == DURATION]
        assert len(histogram) == BINS
        assert histogram["high"][-1] == pytest.approx(np.quantile(own, LAST))
        width = histogram["high"][0]
        for low, high, density in histogram.select("low", "high", "original").head(-1).iter_rows():
            assert density * width == pytest.approx(np.mean((own >= low) & (own < high)))
        assert (histogram["original"].sum() * width) == pytest.approx(np.mean(own <= histogram["high"][-1]))
        assert 0.95 < histogram["sampled"].sum() * width <= 1 + 1e-9


def test_where_all_rows_have_one_ratio_nothing_else_is_drawn(here: Path) -> None:
    """Also where no row was watched, the quantile at which histograms end being 0."""
    for ratio in (0.5, 0.0):
        found = made(here, np.full(ROWS, ratio))
        assert found["histograms"].filter(pl.col("original") > 0)["bucket"].to_list() == list(range(BUCKETS))
        buckets = found["buckets"]
        assert buckets["wasserstein"].to_list() == pytest.approx([0.0] * BUCKETS)
        assert buckets["sampled_mean"].to_list() == pytest.approx([ratio] * BUCKETS)


def test_what_is_drawn_follows_from_the_seed_of_the_run(here: Path) -> None:
    first, again, other = made(here), made(here), made(here, seed=3)
    for name, frame in first.items():
        assert frame.equals(again[name])
    assert first["peaks"].equals(other["peaks"])
    assert not first["buckets"]["sampled_mean"].equals(other["buckets"]["sampled_mean"])


def test_options_are_checked(here: Path) -> None:
    study = write_study(here, ARTIFACT, [1.0], [1.0], duration=[2.0, 2.0])
    paper = study.plan.catalog.papers["prowtp"]
    card = paper.artifacts["figure8"].model_copy(update={"options": {"buckets": 5, "vector": 9}})
    papers = {"prowtp": paper.model_copy(update={"artifacts": {"figure8": card}})}
    changed = replace(study, plan=replace(study.plan, catalog=replace(study.plan.catalog, papers=papers)))
    with pytest.raises(WatchtimeError, match=r"^options of prowtp/figure8: unknown key 'vector'"):
        changed.options(Options)
    with pytest.raises(WatchtimeError, match="vectors"):
        validate(Options, {"buckets": 5, "vectors": 7}, "options")
