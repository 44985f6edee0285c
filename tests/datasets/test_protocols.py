"""Splits: exact, disjoint, complete, deterministic, and in the protocol's order."""

from __future__ import annotations

import datetime
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.core.catalog import Protocol, find_root
from watchtime.core.config import read_yaml
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.protocols import TEST, TRAINING, VALIDATION, split

PROTOCOLS = {
    name: Protocol.model_validate(value) for name, value in read_yaml(find_root() / "config" / "protocols.yaml").items()
}
FIRST_DAY = datetime.date(2022, 4, 25)


def make_log(rows: int, seed: int, days: int = 10) -> pl.DataFrame:
    """Return a log in shuffled order with tied timestamps; every day has at least one row."""
    rng = np.random.default_rng(seed)
    day = np.concatenate([np.arange(days), rng.integers(0, days, rows - days)])
    return pl.DataFrame(
        {
            "raw_row": pl.Series(np.arange(rows) * 3, dtype=pl.UInt32),
            "day": [FIRST_DAY + datetime.timedelta(days=int(d)) for d in day],
            "timestamp": pl.Series(day * 1000 + rng.integers(0, 5, rows), dtype=pl.Int64),
        }
    ).sample(fraction=1.0, shuffle=True, seed=seed)


def exact_sizes(rows: int, protocol: Protocol) -> tuple[int, int, int]:
    """Return the rows of each part, by whole-number arithmetic."""
    a, b, c = (Fraction(str(share)) for share in protocol.shares)
    training, seen = int(rows * a / (a + b + c)), int(rows * (a + b) / (a + b + c))
    held_out = training // 10 if b == 0 else 0
    return training - held_out, seen - training + held_out, rows - seen


@pytest.mark.parametrize("name", PROTOCOLS)
@given(rows=st.integers(40, 400), seed=st.integers(0, 2**31))
def test_every_protocol_is_complete_and_deterministic(name: str, rows: int, seed: int) -> None:
    protocol, log = PROTOCOLS[name], make_log(rows, seed % 1000)
    parts = split(log, protocol, seed)
    assert parts.dtype == np.int8
    assert parts.shape == (rows,)
    assert set(parts.tolist()) == {TRAINING, VALIDATION, TEST}
    assert np.array_equal(parts, split(log, protocol, seed))
    if protocol.order != "days":
        assert tuple(np.bincount(parts, minlength=3)) == exact_sizes(rows, protocol)


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (7, 1, 2), (1, 1, 1)])
@given(rows=st.integers(10, 300))
def test_shares_are_exact_for_decimal_shares_too(shares: tuple[float, float, float], rows: int) -> None:
    protocol = Protocol(title="any", order="random", shares=shares)
    parts = split(make_log(rows, 1), protocol, 5)
    assert tuple(np.bincount(parts, minlength=3)) == exact_sizes(rows, protocol)


def test_a_tenth_of_ten_rows_is_one_row() -> None:
    protocol = Protocol(title="any", order="random", shares=(0.1, 0.7, 0.2))
    assert np.bincount(split(make_log(10, 1), protocol, 5)).tolist() == [1, 7, 2]


def test_another_seed_is_another_random_split() -> None:
    log = make_log(200, 1)
    first, second = (split(log, PROTOCOLS["random_622"], seed) for seed in (1, 2))
    assert not np.array_equal(first, second)


@given(rows=st.integers(40, 300), seed=st.integers(0, 1000))
def test_time_order_is_respected_and_ties_fall_by_raw_row(rows: int, seed: int) -> None:
    log = make_log(rows, seed)
    parts = split(log, PROTOCOLS["chronological_811"], seed)
    keys = list(zip(log["timestamp"], log["raw_row"], strict=True))
    for earlier, later in ((TRAINING, VALIDATION), (VALIDATION, TEST)):
        last = max(keys[i] for i in np.flatnonzero(parts == earlier))
        first = min(keys[i] for i in np.flatnonzero(parts == later))
        assert last < first


def test_days_are_cut_whole_and_only_training_days_are_held_out() -> None:
    log = make_log(300, 3)
    parts = split(log, PROTOCOLS["days_8_2"], 1)
    number = (log["day"] - FIRST_DAY).dt.total_days().to_numpy()
    assert np.array_equal(parts == TEST, number >= 8)
    assert (parts == VALIDATION).sum() == (number < 8).sum() // 10


def test_days_with_a_validation_day() -> None:
    log = make_log(140, 3, days=14)
    parts = split(log, Protocol(title="12-1-1", order="days", shares=(12, 1, 1)), 1)
    number = (log["day"] - FIRST_DAY).dt.total_days().to_numpy()
    assert np.array_equal(parts, (number >= 12).astype(int) + (number >= 13))


@pytest.mark.parametrize("days", [9, 11])
def test_a_log_with_another_number_of_days_is_refused(days: int) -> None:
    last = FIRST_DAY + datetime.timedelta(days=days - 1)
    with pytest.raises(WatchtimeError) as error:
        split(make_log(100, 1, days), PROTOCOLS["days_8_2"], 1)
    title = PROTOCOLS["days_8_2"].title
    assert str(error.value) == f"{title}: the log covers {days} days (2022-04-25 to {last}), exactly 10 are expected."


def test_a_day_without_rows_counts_and_may_leave_a_part_empty() -> None:
    log = make_log(140, 3, days=14)
    gap = log.filter(pl.col("day") != FIRST_DAY + datetime.timedelta(days=12))
    with pytest.raises(WatchtimeError, match="the validation part is empty"):
        split(gap, Protocol(title="12-1-1", order="days", shares=(12, 1, 1)), 1)


@pytest.mark.parametrize("rows", [1, 2])
def test_too_few_rows_are_refused(rows: int) -> None:
    with pytest.raises(WatchtimeError, match=r"random 6:2:2 \(ProWTP\): the \w+ part is empty"):
        split(make_log(20, 1).head(rows), PROTOCOLS["random_622"], 1)


@pytest.mark.parametrize(("name", "column"), [("chronological_811", "timestamp"), ("days_8_2", "day")])
def test_a_log_without_times_is_refused(name: str, column: str) -> None:
    log = make_log(20, 1)
    bare = log.with_columns(pl.lit(None, log.schema[column]).alias(column))
    with pytest.raises(WatchtimeError, match="20 rows have no"):
        split(bare, PROTOCOLS[name], 1)


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(WatchtimeError, match="the log has no rows"):
        split(make_log(20, 1).clear(), PROTOCOLS["days_8_2"], 1)
