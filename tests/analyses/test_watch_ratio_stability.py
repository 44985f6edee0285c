"""Drift of the watch ratio on hand-made logs: periods, shifts that are known, and halves of users."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from studies import DATASET, write_study
from watchtime.analyses.study import Study
from watchtime.analyses.watch_ratio_stability import LEAST_ROWS, SPLITS, tables

ARTIFACT = "prowtp/figure10"
FIRST = date(2020, 7, 5)
DURATIONS = [10.0 * (1 + number) for number in range(15)]
"""One for each bucket."""
Row = tuple[int, int, float, float]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(here: Path, rows: list[Row], **config: Any) -> Study:
    """Return the study of rows of user, day from 0, duration and ratio; a second log and undated rows would show."""
    made = write_study(here, ARTIFACT, [1.0], [1.0], **config)
    frame = pl.DataFrame(rows, schema=["user", "day", "duration", "ratio"], orient="row").select(
        "user", "duration", watch_time=pl.col("ratio") * pl.col("duration"), day=FIRST + pl.duration(days="day")
    )
    frame = frame.with_columns(pl.col("day").cast(pl.Date), item=pl.lit(0))
    other = frame.with_columns(watch_time=pl.lit(1e6), log=pl.lit("small"))
    undated = other.with_columns(day=pl.lit(None, pl.Date), log=pl.lit("big"))
    parts = [frame.with_columns(log=pl.lit("big")), other, undated]
    pl.concat(parts, how="diagonal").write_parquet(made.plan.data_files(DATASET)[0])
    return made


def rows_of(days: list[int], users: int = 80, shift: float = 0.0) -> list[Row]:
    """Return one row of every user for each duration and day; ratios are a day's shift more than the user's own."""
    return [
        (user, day, duration, user / users + shift * day)
        for day in days
        for duration in DURATIONS
        for user in range(users)
    ]


def test_every_bucket_drifts_by_what_its_rows_are_shifted(here: Path) -> None:
    found = tables(study(here, rows_of([0, 1, 3], shift=0.25)))
    drift = found["drift"]
    assert sorted(drift.select("bucket", "period").rows()) == [(bucket, day) for bucket in range(15) for day in (2, 4)]
    for one in drift.iter_rows(named=True):
        moved = 0.25 * (one["period"] - 1)
        assert one["wasserstein"] == pytest.approx(moved)
        assert one["kolmogorov"] == pytest.approx(moved)
        assert (one["rows"], one["other_rows"]) == (80, 80)
    assert found["buckets"].select("low", "high", "rows").rows() == [(one, one, 240) for one in DURATIONS]


@pytest.mark.parametrize(("last", "periods"), [(19, [(1, 1, 1200), (20, 1, 1200)]), (20, [(1, 1, 1200), (3, 1, 1200)])])
def test_a_log_of_three_weeks_is_cut_into_weeks_and_a_shorter_one_into_days(
    here: Path, last: int, periods: list[tuple[int, int, int]]
) -> None:
    found = tables(study(here, rows_of([0, last])))["periods"]
    assert found.select("period", "days", "rows").rows() == periods
    assert found["users"].to_list() == [80, 80]


def test_weeks_begin_with_the_first_day(here: Path) -> None:
    found = tables(study(here, rows_of([0, 6, 7, 21])))["periods"]
    assert found.select("period", "days").rows() == [(1, 2), (2, 1), (4, 1)]
    assert (FIRST + timedelta(days=7)).weekday() == FIRST.weekday()


def test_halves_are_of_users_of_the_first_period(here: Path) -> None:
    """Two users have 40 and 60 rows of each duration, one always 0.2 and one 0.5; on the second day all are 9."""
    first = [(user, 0, duration, ratio) for duration in DURATIONS for user, ratio in [(1, 0.2)] * 40 + [(2, 0.5)] * 60]
    later = [(user, 1, duration, 9.0) for duration in DURATIONS for user in (1, 2, 3) for _ in range(40)]
    halves = tables(study(here, first + later))["halves"]
    assert halves.select("split", "bucket").rows() == [(split, one) for split in range(SPLITS) for one in range(15)]
    assert set(halves.select("rows", "other_rows").rows()) == {(40, 60), (60, 40)}
    assert halves["wasserstein"].to_list() == pytest.approx([0.3] * len(halves))
    assert halves["kolmogorov"].to_list() == pytest.approx([1.0] * len(halves))


def test_halves_have_equally_many_users_and_follow_from_the_seed(here: Path) -> None:
    first, again, other = (tables(study(here, rows_of([0, 1]), seed=seed))["halves"] for seed in (1, 1, 2))
    assert set(first.select("rows", "other_rows").rows()) == {(40, 40)}
    assert first.equals(again)
    assert not first.equals(other)
    assert first.filter(bucket=0)["wasserstein"].n_unique() > SPLITS // 2


def test_few_rows_have_no_distance(here: Path) -> None:
    """Of the shortest videos the first day has a row too few, the third day as few as may be."""
    rows = rows_of([0, 1]) + rows_of([2], users=LEAST_ROWS)
    rows = [row for row in rows if row[1:3] != (0, 10.0) or row[0] < LEAST_ROWS - 1]
    found = tables(study(here, rows))
    assert set(found["drift"]["bucket"]) == set(range(1, 15)) == set(found["halves"]["bucket"])
    assert found["drift"].filter(period=3)["other_rows"].to_list() == [LEAST_ROWS] * 14


def test_without_days_there_is_nothing(here: Path) -> None:
    made = study(here, rows_of([0, 1]))
    path = made.plan.data_files(DATASET)[0]
    pl.read_parquet(path).drop("day").write_parquet(path)
    assert all(not len(frame) for frame in tables(made).values())
