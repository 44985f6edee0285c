"""Interactions: the one schema into which every data set is read, and the rules that say which rows count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from watchtime.core.catalog import DatasetCard
from watchtime.core.config import RowRules
from watchtime.core.errors import WatchtimeError, nearest

Types = tuple[pl.DataType | type[pl.DataType], ...]

# `user` and `item` are as in the raw file; `day` is the log's own calendar day, which may differ from the timestamp's.
BASE: dict[str, Types] = {
    "user": (pl.Int64, pl.String),
    "item": (pl.Int64, pl.String),
    "watch_time": (pl.Float64,),
    "duration": (pl.Float64,),
    "timestamp": (pl.Int64,),
    "day": (pl.Date,),
    "raw_row": (pl.UInt32,),
}
NEVER_NULL = ("user", "item", "watch_time", "raw_row")
_FEATURE_TYPES: dict[str, Types] = {
    "categorical": (pl.String, pl.Enum),
    "numeric": (pl.Float64,),
    "multi_valued": (pl.List(pl.String),),
}


def feature_columns(card: DatasetCard) -> dict[str, Types]:
    """Return the feature columns of the card's interactions and their types.

    Features with a source are made from another column when they are encoded; ``user`` and ``item`` are base columns.
    """
    return {
        name: _FEATURE_TYPES[feature.kind]
        for name, feature in card.features.items()
        if feature.source is None and name not in BASE
    }


def as_enums(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return ``frame`` with text columns as enums of their sorted values: 1 to 4 bytes a row instead of 16."""
    return frame.with_columns(frame[name].cast(pl.Enum(frame[name].unique().drop_nulls().sort())) for name in names)


def check(frame: pl.DataFrame, card: DatasetCard) -> None:
    """Raise a ``WatchtimeError`` unless ``frame`` holds the base columns and the card's features and feedback.

    Each must have its type, feedback (0 or 1) Int8, and there is no further column.
    """
    where = f"interactions of {card.title}"
    allowed = {**BASE, **feature_columns(card), **dict.fromkeys(card.feedback, (pl.Int8,))}
    further = [name for name in frame.columns if name not in allowed]
    for name, dtypes in allowed.items():
        expected = " or ".join(map(_shown, dtypes))
        if name not in frame.columns:
            guess = nearest(name, further)
            hint = f", found '{guess}' instead" if guess else ""
            raise WatchtimeError(f"{where}: the column '{name}' ({expected}) is missing{hint}.")
        if frame.schema[name] not in dtypes:
            found = _shown(frame.schema[name])
            raise WatchtimeError(f"{where}: column {name}: found type {found}, allowed: {expected}.")
    if further:
        raise WatchtimeError(f"{where}: column {further[0]}: the data set declares no such feature or feedback.")
    for name in NEVER_NULL:
        if frame[name].null_count():
            raise WatchtimeError(f"{where}: column {name}: {frame[name].null_count()} values are missing.")


def apply_rules(frame: pl.DataFrame, rules: RowRules) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Return the rows that count, in raw order, and how many were left at first and after each rule.

    A row without a duration has no watch ratio, one without a timestamp repeats no key: such rows are kept.
    """
    slim = frame.select("user", "item", "timestamp", "watch_time", "duration").with_row_index("row")
    counts: list[dict[str, Any]] = [{"rule": "as read", **count(frame)}]
    kept = slim["row"]
    for rule, left in _steps(slim, rules):
        if not left.height:
            raise WatchtimeError(f"no row is left after the rule '{rule}', {len(kept)} were there before it.")
        counts.append({"rule": rule, **count(left)})
        kept = left["row"]
    return (frame[kept] if len(kept) < frame.height else frame), counts


def _steps(frame: pl.DataFrame, rules: RowRules) -> Iterator[tuple[str, pl.DataFrame]]:
    if rules.zero_duration == "drop":
        frame = frame.filter(pl.col("duration").ne_missing(0.0))
        yield "zero_duration: drop", frame
    if rules.repeated_key == "keep_first":
        first = pl.struct("user", "item", "timestamp").is_first_distinct()
        frame = frame.filter(first | pl.col("timestamp").is_null())
        yield "repeated_key: keep_first", frame
    if rules.largest_ratio is not None:
        ratio = pl.col("watch_time") / pl.col("duration")
        above = (pl.col("duration") > 0) & (ratio > rules.largest_ratio)
        yield f"largest_ratio: {rules.largest_ratio:g}", frame.filter(~above.fill_null(False))


def _shown(dtype: pl.DataType | type[pl.DataType]) -> str:
    return "Enum" if dtype == pl.Enum else str(dtype)


def count(frame: pl.DataFrame) -> dict[str, int]:
    """Return the numbers of rows, users and items."""
    return {"rows": frame.height, "users": frame["user"].n_unique(), "items": frame["item"].n_unique()}


def without_features(frame: pl.DataFrame, card: DatasetCard) -> dict[str, dict[str, int]]:
    """Return, for users and items, how many have no row in the feature table, and on how many rows they appear."""
    report = {}
    for side in ("user", "item"):
        columns = [name for name in feature_columns(card) if card.features[name].side == side]
        bare = frame.filter(pl.all_horizontal(pl.col(columns).is_null())) if columns else frame.clear()
        report[f"{side}s"] = {f"{side}s": bare[side].n_unique(), "rows": bare.height}
    return report
