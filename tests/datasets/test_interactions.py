"""The schema of interactions and the rules that drop rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_kuairand as tiny
from raw_logs import KEEP_ALL, read
from watchtime.core.dataset_card import Rules
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.interactions import RawLog, apply_rules, check, check_values, count

RULES = Rules()


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> RawLog:
    folder: Path = tiny.write_folder(tmp_path_factory.mktemp("raw"))
    return read("kuairand_pure", folder, tiny.CARD)


@pytest.fixture(scope="module")
def frame(raw: RawLog) -> pl.DataFrame:
    return raw.rows.collect()


def rows_left(frame: pl.DataFrame, rules: Rules = RULES) -> list[int]:
    """Return the raw rows that the rules keep."""
    kept, _ = apply_rules(frame, rules, tiny.CARD)
    return frame.filter(kept)["raw_row"].to_list()


def test_each_rule_drops_its_rows_and_is_counted(frame: pl.DataFrame) -> None:
    kept, counts = apply_rules(frame, RULES, tiny.CARD)
    assert frame.filter(kept)["raw_row"].to_list() == [0, 1, 4, 5]
    assert counts == [
        {"rule": "as read", "rows": 7, "users": 4, "items": 4, "positives": 6},
        {"rule": "zero_duration: drop", "rows": 6, "users": 3, "items": 4, "positives": 5},
        {"rule": "repeated_key: keep_first", "rows": 5, "users": 3, "items": 4, "positives": 4},
        {"rule": "largest_ratio: 10", "rows": 4, "users": 3, "items": 3, "positives": 3},
    ]


def test_counts_are_those_of_the_main_log(frame: pl.DataFrame) -> None:
    mixed = frame.with_columns(log=pl.when(pl.col("raw_row") < 3).then(pl.lit("random")).otherwise(pl.lit("standard")))
    assert count(mixed, tiny.CARD) == {"rows": 4, "users": 4, "items": 3, "positives": 4}
    kept, counts = apply_rules(mixed, RULES, tiny.CARD)
    assert mixed.filter(kept)["raw_row"].to_list() == [0, 1, 4, 5]
    assert [one["rows"] for one in counts] == [4, 3, 3, 2]


def test_no_rule_keeps_every_row(frame: pl.DataFrame) -> None:
    kept, counts = apply_rules(frame, KEEP_ALL, tiny.CARD)
    assert kept.all()
    assert len(counts) == 1


def test_a_ratio_of_exactly_the_largest_is_kept(frame: pl.DataFrame) -> None:
    for largest, expected in ((12.0, 7), (11.999, 6)):
        assert len(rows_left(frame, KEEP_ALL.model_copy(update={"largest_ratio": largest}))) == expected


@pytest.mark.parametrize("absent", [["duration"], ["timestamp"], ["duration", "timestamp", "day", "log"]])
def test_a_rule_about_a_column_that_is_not_there_does_not_apply(frame: pl.DataFrame, absent: list[str]) -> None:
    bare = frame.drop(absent)
    check(RawLog(bare.lazy(), *_tables()), tiny.CARD)
    expected = {"duration": [0, 1, 3, 4, 5, 6], "timestamp": [0, 1, 2, 4, 5]}
    assert rows_left(bare) == (expected[absent[0]] if len(absent) == 1 else list(range(7)))


def test_rows_without_duration_or_timestamp_meet_the_rules(frame: pl.DataFrame) -> None:
    bare = frame.with_columns(duration=pl.lit(None, pl.Float64), timestamp=pl.lit(None, pl.Int64))
    assert rows_left(bare) == list(range(7))


def _tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return tables without rows that have the columns of the card."""
    from watchtime.datasets.interactions import feature_columns

    users, items = (
        pl.DataFrame(
            schema={side: pl.Int64, **{name: kind[0] for name, kind in feature_columns(tiny.CARD, side).items()}}
        )
        for side in ("user", "item")
    )
    return users, items


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 2), st.integers(0, 30), st.integers(0, 2)),
        max_size=30,
    )
)
def test_rules_agree_with_a_loop(rows: list[tuple[int, int, int, int, int]]) -> None:
    rows = [*rows, (9, 9, 9, 1, 1)]  # one row that every rule keeps
    expected, seen = [], set()
    for i, (user, item, time, watched, duration) in enumerate(rows):
        if duration == 0 or (user, item, time) in seen:
            continue
        seen.add((user, item, time))
        if watched / duration <= 10:
            expected.append(i)
    names = ["user", "item", "timestamp", "watch_time", "duration"]
    table = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("watch_time", "duration").cast(pl.Float64), raw_row=pl.int_range(pl.len(), dtype=pl.UInt32)
    )
    assert rows_left(table) == expected


def test_a_rule_that_leaves_nothing_is_refused(frame: pl.DataFrame) -> None:
    with pytest.raises(WatchtimeError, match="no row is left after the rule 'zero_duration: drop', 1 were there"):
        apply_rules(frame.filter(pl.col("duration") == 0), RULES, tiny.CARD)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (pl.DataFrame.clone, None),
        (lambda f: f.drop("raw_row"), "the column 'raw_row' (UInt32) is missing."),
        (lambda f: f.rename({"tab": "tabs"}), "the column 'tab' (String) is missing, found 'tabs' instead."),
        (
            lambda f: f.with_columns(pl.col("timestamp").cast(pl.Float64)),
            "column timestamp: found type Float64, allowed: Int64.",
        ),
        (
            lambda f: f.with_columns(pl.col("tab").cast(pl.String).cast(pl.Int64)),
            "column tab: found type Int64, allowed: String.",
        ),
        (
            lambda f: f.with_columns(taste=pl.lit(0.5)),
            "column taste: the data set declares no such feature or feedback.",
        ),
        (
            lambda f: f.with_columns(is_liked=pl.lit(1, pl.Int8)),
            "column is_liked: the data set declares no such feature or feedback.",
        ),
        (lambda f: f.drop("is_like"), "the column 'is_like' (Int8) is missing."),
        (
            lambda f: f.rename({"is_like": "is_liked"}),
            "the column 'is_like' (Int8) is missing, found 'is_liked' instead.",
        ),
        (
            lambda f: f.with_columns(pl.col("is_like").cast(pl.Int64)),
            "column is_like: found type Int64, allowed: Int8.",
        ),
        (lambda f: f.with_columns(tag=pl.lit("x")), "column tag: the data set declares no such feature or feedback."),
    ],
)
def test_the_schema_is_checked(raw: RawLog, change, sentence: str | None) -> None:  # type: ignore[no-untyped-def]
    changed = RawLog(change(raw.rows.collect()).lazy(), raw.users, raw.items)
    if sentence is None:
        check(changed, tiny.CARD)
        return
    with pytest.raises(WatchtimeError) as error:
        check(changed, tiny.CARD)
    assert str(error.value).startswith(f"interactions of KuaiRand-Pure: {sentence}")


def test_the_tables_are_checked(raw: RawLog) -> None:
    assert raw.users is not None
    wrong = {
        "users: the column 'register_days' (Float64) is missing": raw.users.drop("register_days"),
        "users: column register_days: found type Int64": raw.users.with_columns(pl.col("register_days").cast(pl.Int64)),
        "users: column age: the data set declares no such": raw.users.with_columns(age=pl.lit(1.0)),
        "users: 6 rows, but only 3 users": pl.concat([raw.users, raw.users]),
        "users: there is no table, but the card declares user_active_degree": None,
    }
    for sentence, users in wrong.items():
        with pytest.raises(WatchtimeError) as error:
            check(RawLog(raw.rows, users, raw.items), tiny.CARD)
        assert sentence in str(error.value)


@pytest.mark.parametrize("name", ["user", "item", "watch_time"])
def test_a_missing_value_is_refused(frame: pl.DataFrame, name: str) -> None:
    check_values(frame, tiny.CARD)
    holed = frame.with_columns(pl.when(pl.col("raw_row") != 3).then(name))
    with pytest.raises(WatchtimeError, match=f"column {name}: 1 values are missing"):
        check_values(holed, tiny.CARD)
