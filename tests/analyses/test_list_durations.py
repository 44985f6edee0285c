"""Durations on users' lists, by hand: who has a list, which rows are on it, and how they spread."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from watchtime.analyses.list_durations import CANDIDATES, tables
from watchtime.analyses.study import Study

USER = [1, 1, 2, 2, 2, 3]
DURATION = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
SCORE = [0.1, 0.2, 0.9, 0.5, 0.9, 1.0]


def study() -> Study:
    """Lists of two: user 1 has just two rows, user 2 three, of which two are tied, user 3 too few."""
    spec = SimpleNamespace(settings={"list_length": 2}, repetitions=1, readouts=["score"])
    frame = pl.DataFrame({"user": USER, "score.0": SCORE})
    made = SimpleNamespace(jobs={"pc": spec}, duration=lambda part: DURATION, predictions=lambda one: frame)
    return cast(Study, made)


def test_lists_are_of_users_with_rows_enough_and_hold_their_best_rows() -> None:
    spread = tables(study())["spread"].row(0, named=True)
    listed = [10.0, 20.0, 30.0, 50.0]
    assert spread["users"] == 2
    assert spread["mean"] == pytest.approx(np.mean(listed))
    assert spread["deviation"] == pytest.approx(np.std(listed))
    assert spread["within"] == pytest.approx((np.std([10, 20], ddof=1) + np.std([30, 50], ddof=1)) / 2)


def test_shares_are_of_list_places_beside_those_of_all_rows_of_the_same_users() -> None:
    made = tables(study())["histograms"]

    def share_below(row: str, duration: float) -> Any:
        return made.filter(pl.col("row") == row, pl.col("high") <= duration)["share"].sum()

    for row in ("pc", CANDIDATES):
        assert made.filter(row=row)["share"].sum() == pytest.approx(1)
    assert share_below(CANDIDATES, 40.0) == pytest.approx(3 / 5)
    assert share_below("pc", 40.0) == pytest.approx(3 / 4)
    assert made.filter(row=CANDIDATES)["high"].max() == 50, "user 3 has no list"


def test_a_mean_over_users_sums_them_in_the_order_of_the_rows() -> None:
    """In another order its last digits would change, and with them the bytes of the run."""
    draws = np.random.default_rng(0)
    duration = draws.lognormal(0, 3, 2000)
    frame = pl.DataFrame({"user": np.repeat(np.arange(1000), 2), "score.0": np.zeros(2000)})
    spec = SimpleNamespace(settings={"list_length": 2}, repetitions=1, readouts=["score"])
    made = SimpleNamespace(jobs={"pc": spec}, duration=lambda part: duration, predictions=lambda one: frame)
    deviations = np.abs(duration[::2] - duration[1::2]) / np.sqrt(2)
    within = tables(cast(Study, made))["spread"]["within"][0]
    assert within == pytest.approx(deviations.mean())
    assert all(tables(cast(Study, made))["spread"]["within"][0] == within for _ in range(5))
