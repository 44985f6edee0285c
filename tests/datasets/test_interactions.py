"""The schema of interactions and the rules that drop rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_kuairand as tiny
from watchtime.core.config import RowRules
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.interactions import apply_rules, as_enums, check
from watchtime.datasets.kuairand_pure import load

KEEP_ALL = RowRules(zero_duration="keep", repeated_key="keep_all", largest_ratio=None)


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder: Path = tiny.write_folder(tmp_path_factory.mktemp("raw"))
    return load(folder, tiny.CARD)


def test_each_rule_drops_its_rows_and_is_counted(frame: pl.DataFrame) -> None:
    kept, counts = apply_rules(frame, RowRules())
    assert kept["raw_row"].to_list() == [0, 1, 4, 5]
    assert counts == [
        {"rule": "as read", "rows": 7, "users": 4, "items": 4},
        {"rule": "zero_duration: drop", "rows": 6, "users": 3, "items": 4},
        {"rule": "repeated_key: keep_first", "rows": 5, "users": 3, "items": 4},
        {"rule": "largest_ratio: 10", "rows": 4, "users": 3, "items": 3},
    ]


def test_no_rule_keeps_every_row(frame: pl.DataFrame) -> None:
    kept, counts = apply_rules(frame, KEEP_ALL)
    assert kept.equals(frame)
    assert len(counts) == 1


def test_a_ratio_of_exactly_the_largest_is_kept(frame: pl.DataFrame) -> None:
    for largest, expected in ((12.0, 7), (11.999, 6)):
        kept, _ = apply_rules(frame, KEEP_ALL.model_copy(update={"largest_ratio": largest}))
        assert kept.height == expected


def test_rows_without_duration_or_timestamp_meet_the_rules(frame: pl.DataFrame) -> None:
    bare = frame.with_columns(duration=pl.lit(None, pl.Float64), timestamp=pl.lit(None, pl.Int64))
    check(bare, tiny.CARD)
    assert apply_rules(bare, RowRules())[0].equals(bare)


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
    assert apply_rules(table, RowRules())[0]["raw_row"].to_list() == expected


def test_a_rule_that_leaves_nothing_is_refused(frame: pl.DataFrame) -> None:
    with pytest.raises(WatchtimeError, match="no row is left after the rule 'zero_duration: drop', 1 were there"):
        apply_rules(frame.filter(pl.col("duration") == 0), RowRules())


def test_enums_hold_the_same_text(frame: pl.DataFrame) -> None:
    text = pl.DataFrame({"a": ["b", None, "a", "b"]})
    enums = as_enums(text, ["a"])
    assert enums["a"].cast(pl.String).equals(text["a"])
    assert enums["a"].dtype.categories.to_list() == ["a", "b"]  # type: ignore[attr-defined]
    check(frame.with_columns(pl.col("tab").cast(pl.String)), tiny.CARD)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (pl.DataFrame.clone, None),
        (lambda f: f.drop("duration"), "the column 'duration' (Float64) is missing."),
        (lambda f: f.rename({"tag": "tags"}), "the column 'tag' (List(String)) is missing, found 'tags' instead."),
        (
            lambda f: f.with_columns(pl.col("timestamp").cast(pl.Float64)),
            "column timestamp: found type Float64, allowed: Int64.",
        ),
        (
            lambda f: f.with_columns(pl.col("tab").cast(pl.String).cast(pl.Int64)),
            "column tab: found type Int64, allowed: String or Enum.",
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
        (
            lambda f: f.with_columns(watch_time=pl.when(pl.col("raw_row") != 3).then("watch_time")),
            "column watch_time: 1 values are missing.",
        ),
    ],
)
def test_the_schema_is_checked(frame: pl.DataFrame, change, sentence: str | None) -> None:  # type: ignore[no-untyped-def]
    if sentence is None:
        check(change(frame), tiny.CARD)
        return
    with pytest.raises(WatchtimeError) as error:
        check(change(frame), tiny.CARD)
    assert str(error.value).startswith(f"interactions of KuaiRand-Pure: {sentence}")
