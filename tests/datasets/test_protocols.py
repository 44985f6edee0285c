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
from watchtime.core.errors import WatchtimeError
from watchtime.core.yaml_files import read_yaml
from watchtime.datasets.protocols import OUTSIDE, TEST, TRAINING, VALIDATION, Parts, k_core, split

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
            "user": rng.integers(0, 9, rows),
            "item": rng.integers(0, 7, rows),
            "log": np.where(rng.random(rows) < 0.7, "big", "small"),
            "timestamp": pl.Series(day * 1000 + rng.integers(0, 5, rows), dtype=pl.Int64),
        }
    ).sample(fraction=1.0, shuffle=True, seed=seed)


def parts_of(log: pl.DataFrame, protocol: Protocol, seed: int) -> Parts:
    return split(log, protocol, seed).parts


def exact_sizes(rows: int, protocol: Protocol) -> tuple[int, int, int]:
    """Return the rows of each part, by whole-number arithmetic."""
    a, b, c = (Fraction(str(share)) for share in protocol.shares)
    training, seen = int(rows * a / (a + b + c)), int(rows * (a + b) / (a + b + c))
    held_out = training // 10 if b == 0 else 0
    return training - held_out, seen - training + held_out, rows - seen


WHOLE = [
    name for name, protocol in PROTOCOLS.items() if protocol.order in ("random", "time", "days") and not protocol.core
]


@pytest.mark.parametrize("name", WHOLE)
@given(rows=st.integers(40, 400), seed=st.integers(0, 2**31))
def test_every_protocol_is_complete_and_deterministic(name: str, rows: int, seed: int) -> None:
    protocol, log = PROTOCOLS[name], make_log(rows, seed % 1000)
    parts = parts_of(log, protocol, seed)
    assert parts.dtype == np.int8
    assert parts.shape == (rows,)
    assert set(parts.tolist()) == {TRAINING, VALIDATION, TEST}
    assert np.array_equal(parts, parts_of(log, protocol, seed))
    if protocol.order != "days":
        assert tuple(np.bincount(parts, minlength=3)) == exact_sizes(rows, protocol)


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (7, 1, 2), (1, 1, 1)])
@given(rows=st.integers(10, 300))
def test_shares_are_exact_for_decimal_shares_too(shares: tuple[float, float, float], rows: int) -> None:
    protocol = Protocol(title="any", order="random", shares=shares)
    parts = parts_of(make_log(rows, 1), protocol, 5)
    assert tuple(np.bincount(parts, minlength=3)) == exact_sizes(rows, protocol)


def test_a_tenth_of_ten_rows_is_one_row() -> None:
    protocol = Protocol(title="any", order="random", shares=(0.1, 0.7, 0.2))
    assert np.bincount(parts_of(make_log(10, 1), protocol, 5)).tolist() == [1, 7, 2]


def test_another_seed_is_another_random_split() -> None:
    log = make_log(200, 1)
    first, second = (parts_of(log, PROTOCOLS["random_622"], seed) for seed in (1, 2))
    assert not np.array_equal(first, second)


@given(rows=st.integers(40, 300), seed=st.integers(0, 1000))
def test_time_order_is_respected_and_ties_fall_by_raw_row(rows: int, seed: int) -> None:
    log = make_log(rows, seed)
    parts = parts_of(log, PROTOCOLS["chronological_811"], seed)
    keys = list(zip(log["timestamp"], log["raw_row"], strict=True))
    for earlier, later in ((TRAINING, VALIDATION), (VALIDATION, TEST)):
        last = max(keys[i] for i in np.flatnonzero(parts == earlier))
        first = min(keys[i] for i in np.flatnonzero(parts == later))
        assert last < first


def test_days_are_cut_whole_and_only_training_days_are_held_out() -> None:
    log = make_log(300, 3)
    parts = parts_of(log, PROTOCOLS["days_8_2"], 1)
    number = (log["day"] - FIRST_DAY).dt.total_days().to_numpy()
    assert np.array_equal(parts == TEST, number >= 8)
    assert (parts == VALIDATION).sum() == (number < 8).sum() // 10


def test_days_with_a_validation_day() -> None:
    log = make_log(140, 3, days=14)
    parts = parts_of(log, Protocol(title="12-1-1", order="days", shares=(12, 1, 1)), 1)
    number = (log["day"] - FIRST_DAY).dt.total_days().to_numpy()
    assert np.array_equal(parts, (number >= 12).astype(int) + (number >= 13))


@pytest.mark.parametrize("days", [9, 11])
def test_a_log_with_another_number_of_days_is_refused(days: int) -> None:
    last = FIRST_DAY + datetime.timedelta(days=days - 1)
    with pytest.raises(WatchtimeError) as error:
        parts_of(make_log(100, 1, days), PROTOCOLS["days_8_2"], 1)
    title = PROTOCOLS["days_8_2"].title
    assert str(error.value) == f"{title}: the log covers {days} days (2022-04-25 to {last}), exactly 10 are expected."


def test_a_day_without_rows_counts_and_may_leave_a_part_empty() -> None:
    log = make_log(140, 3, days=14)
    gap = log.filter(pl.col("day") != FIRST_DAY + datetime.timedelta(days=12))
    with pytest.raises(WatchtimeError, match="the validation part is empty"):
        parts_of(gap, Protocol(title="12-1-1", order="days", shares=(12, 1, 1)), 1)


@pytest.mark.parametrize("rows", [1, 2])
def test_too_few_rows_are_refused(rows: int) -> None:
    with pytest.raises(WatchtimeError, match=r"random 6:2:2 \(ProWTP\): the \w+ part is empty"):
        parts_of(make_log(20, 1).head(rows), PROTOCOLS["random_622"], 1)


@pytest.mark.parametrize(("name", "column"), [("chronological_811", "timestamp"), ("days_8_2", "day")])
def test_a_log_without_times_is_refused(name: str, column: str) -> None:
    log = make_log(20, 1)
    bare = log.with_columns(pl.lit(None, log.schema[column]).alias(column))
    with pytest.raises(WatchtimeError, match="20 rows have no"):
        parts_of(bare, PROTOCOLS[name], 1)


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(WatchtimeError, match="the log has no rows"):
        parts_of(make_log(20, 1).clear(), PROTOCOLS["days_8_2"], 1)


@given(rows=st.integers(60, 300), seed=st.integers(0, 1000))
def test_one_log_is_for_training_and_the_other_for_test(rows: int, seed: int) -> None:
    log = make_log(rows, seed)
    found = split(log, PROTOCOLS["big_to_small"], seed, main_log="big")
    big = (log["log"] == "big").to_numpy()
    assert np.array_equal(found.parts == TEST, ~big)
    assert (found.parts == VALIDATION).sum() == big.sum() // 10
    assert found.left_out == {}


def test_other_protocols_split_the_main_log_alone() -> None:
    log = make_log(300, 2)
    found = split(log, PROTOCOLS["random_811"], 1, main_log="big")
    big = (log["log"] == "big").to_numpy()
    assert np.array_equal(found.parts == OUTSIDE, ~big)
    assert found.left_out == {"of another log": int((~big).sum())}
    alone = split(log.filter(log["log"] == "big"), PROTOCOLS["random_811"], 1)
    assert np.array_equal(found.parts[big], alone.parts)
    assert split(log, PROTOCOLS["random_811"], 1).left_out == {}


def test_a_protocol_over_logs_needs_a_log_that_names_them() -> None:
    with pytest.raises(WatchtimeError, match="the log does not say which of"):
        split(make_log(60, 1).drop("log"), PROTOCOLS["big_to_small"], 1)


@given(pairs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60), core=st.integers(1, 4))
def test_the_k_core_agrees_with_dropping_row_after_row(pairs: list[tuple[int, int]], core: int) -> None:
    left = list(range(len(pairs)))
    while True:
        users = [pairs[row][0] for row in left]
        items = [pairs[row][1] for row in left]
        poor = [row for row in left if users.count(pairs[row][0]) < core or items.count(pairs[row][1]) < core]
        if not poor:
            break
        left.remove(poor[0])
    frame = pl.DataFrame({"user": [f"u{user}" for user, _ in pairs], "item": [item for _, item in pairs]})
    if left:
        assert np.flatnonzero(k_core(frame, core, "any")).tolist() == left
    else:
        with pytest.raises(WatchtimeError, match=f"no row is left in the {core}-core"):
            k_core(frame, core, "any")


def test_days_are_counted_before_the_core_and_what_it_drops_is_told() -> None:
    log = make_log(600, 5, days=14)
    first = log["day"] == FIRST_DAY
    lonely = log.with_columns(user=pl.when(first).then(pl.int_range(pl.len()) + 100).otherwise("user"))
    found = split(lonely, PROTOCOLS["days_12_1_1"], 1, core=3)
    number = (log["day"] - FIRST_DAY).dt.total_days().to_numpy()
    assert (found.parts[first.to_numpy()] == OUTSIDE).all()
    assert found.left_out == {"outside the 3-core": int((found.parts == OUTSIDE).sum())}
    inside = found.parts != OUTSIDE
    assert np.array_equal(found.parts[inside], ((number >= 12).astype(int) + (number >= 13))[inside])
