"""Scores within duration buckets against slow counts, where rows belong, and buckets that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from project import with_rows
from studies import write_study
from watchtime.analyses.duration_bucket_scores import tables
from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.labels.base import Floats

ARTIFACT = "prowtp/table7"
DRAWS = np.random.default_rng(2)
TRAINING = np.repeat([10.0, 20.0, 30.0, 40.0, 50.0], 4)
"""Durations, one for each bucket."""
TEST = np.array([5.0, 10.0, 12.0, 19.9, 20.0, 20.0, 20.0, 20.0, 29.0, 30.0, 50.0, 900.0, np.nan, 51.0])
"""None begins with 40 s."""
BUCKET = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 4, 4, -1, 4])
TARGET = DRAWS.integers(0, 4, len(TEST)).astype(float)
USER = np.arange(len(TEST)) % 2


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    row = {"title": "ProWTP", "method": "ordinal_regression", "variant": "paper"}
    with_rows(tmp_path, "prowtp", "table7", {"prowtp": row})
    return tmp_path


def predicted(_: JobSpec, readout: str, repetition: int) -> list[float]:
    """Return errors of −1, 0 and 1; those of another readout would show."""
    more = 0.0 if readout == "mean" else 100.0
    return (TARGET + np.sin(np.arange(len(TARGET)) * (1 + repetition)).round() + more).tolist()


def study(here: Path) -> Study:
    duration = [*TRAINING, *TEST]
    return write_study(here, ARTIFACT, TRAINING.tolist(), TARGET.tolist(), predicted, duration, repetitions=2)


def same(target: Floats, prediction: Floats) -> float:
    """Eq. 27: the share of ordered pairs on which (y_i > y_j) and (p_i > p_j) agree."""
    rows = range(len(target))
    pairs = [(i, j) for i in rows for j in rows if i != j]
    return float(np.mean([(target[i] > target[j]) == (prediction[i] > prediction[j]) for i, j in pairs]))


def strict(target: Floats, prediction: Floats) -> float | None:
    rows = range(len(target))
    pairs = [(i, j) for i in rows for j in rows if target[i] > target[j]]
    found = [np.sign(prediction[i] - prediction[j]) / 2 + 0.5 for i, j in pairs]
    return float(np.mean(found)) if found else None


def expected(target: Floats, guess: Floats, user: Any) -> dict[str, float | None]:
    """Return all four metrics of a bucket's rows, none where it is empty."""
    if not len(target):
        return dict.fromkeys(("rmse", "mae", "xauc", "xgauc"))
    of_users = [(int(np.sum(user == one)), strict(target[user == one], guess[user == one])) for one in (0, 1)]
    counted = [(rows, value) for rows, value in of_users if value is not None]
    total = sum(rows for rows, _ in counted)
    return {
        "rmse": float(np.sqrt(np.mean((guess - target) ** 2))),
        "mae": float(np.mean(np.abs(guess - target))),
        "xauc": same(target, guess) if len(target) > 1 else None,
        "xgauc": sum(rows * value for rows, value in counted) / total if total else None,
    }


def test_rows_belong_to_the_bucket_of_their_duration(here: Path) -> None:
    buckets = tables(study(here))["buckets"]
    assert buckets["bucket"].to_list() == [0, 1, 2, 3, 4, None]
    assert buckets["low"].to_list() == [10, 20, 30, 40, 50, 10]
    assert buckets["high"].to_list() == [10, 20, 30, 40, 50, 50]
    assert buckets["training"].to_list() == [4, 4, 4, 4, 4, 20]
    assert buckets["test"].to_list() == [*(int(np.sum(one == BUCKET)) for one in range(5)), len(TEST)]


def test_scores_are_those_of_a_buckets_own_rows(here: Path) -> None:
    made = study(here)
    scores = tables(made)["scores"]
    assert set(scores["row"]) == {"prowtp"}
    for repetition in (0, 1):
        prediction = np.array(predicted(made.jobs["prowtp"], "mean", repetition))
        for bucket in (0, 1, 2, 3, 4, None):
            rows = np.flatnonzero(BUCKET >= -1 if bucket is None else bucket == BUCKET)
            own = scores.filter(pl.col("bucket").eq_missing(bucket), repetition=repetition)
            found = dict(own.select("metric", "value").iter_rows())
            assert found == pytest.approx(expected(TARGET[rows], prediction[rows], USER[rows]))


def test_without_a_job_there_are_no_scores(here: Path) -> None:
    with_rows(here, "prowtp", "table7", {"prowtp": {"title": "ProWTP"}})
    found = tables(study(here))
    assert len(found["buckets"]) == 6
    assert not len(found["scores"])
