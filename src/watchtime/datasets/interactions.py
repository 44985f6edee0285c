"""Interactions: the one schema into which every data set is read, and the rules that say which rows count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard, Rules
from watchtime.core.errors import WatchtimeError, nearest
from watchtime.datasets.codes import Side

Types = tuple[pl.DataType | type[pl.DataType], ...]
Count = dict[str, Any]

# `user` and `item` are as in the raw file; `day` is the log's own calendar day, which may differ from the timestamp's.
REQUIRED: dict[str, Types] = {"user": (pl.Int64, pl.String), "item": (pl.Int64, pl.String), "raw_row": (pl.UInt32,)}
OPTIONAL: dict[str, Types] = {
    "duration": (pl.Float64,),
    "timestamp": (pl.Int64,),
    "day": (pl.Date,),
    "log": (pl.String,),
}
_FEATURE_TYPES: dict[str, Types] = {
    "categorical": (pl.String,),
    "numeric": (pl.Float64,),
    "bucket": (pl.Float64,),
    "multi_valued": (pl.List(pl.String),),
    "vector": (pl.Array,),
}


@dataclass(frozen=True)
class RawLog:
    """What a loader makes of raw files.

    ``rows`` are the interactions in raw order with the features of their context; ``users`` and ``items`` hold the
    features of each side, one row per ``user`` or ``item``. ``steps`` count what came before the rows stood,
    ``candidates`` the rows under other readings of what a paper may have counted, each ``{"rule": words, "rows": …,
    "users": …, "items": …}`` and whatever else is published.
    """

    rows: pl.LazyFrame
    users: pl.DataFrame | None = None
    items: pl.DataFrame | None = None
    steps: Sequence[Count] = ()
    candidates: Sequence[Count] = ()

    @property
    def tables(self) -> dict[Side, pl.DataFrame | None]:
        return {"user": self.users, "item": self.items}


def feature_columns(card: DatasetCard, *sides: str) -> dict[str, Types]:
    """Return the feature columns of the given sides and their types.

    Features with a source are made from another column when they are encoded; ``user`` and ``item`` are base columns.
    """
    return {
        name: _FEATURE_TYPES[feature.kind]
        for name, feature in card.features.items()
        if feature.side in sides and feature.source is None and name not in REQUIRED
    }


def check(raw: RawLog, card: DatasetCard) -> None:
    """Raise a ``WatchtimeError`` unless rows and tables hold the columns of the card, each with its type.

    Targets are Float64, feedback (0 or 1) Int8; a target may be absent where an option leaves it out.
    """
    where = f"interactions of {card.title}"
    targets: dict[str, Types] = dict.fromkeys(card.targets, (pl.Float64,))
    feedback: dict[str, Types] = dict.fromkeys(card.feedback, (pl.Int8,))
    context = feature_columns(card, "context")
    _check_columns(raw.rows.collect_schema(), {**REQUIRED, **context, **feedback}, {**OPTIONAL, **targets}, where)
    for side, table in raw.tables.items():
        columns = feature_columns(card, side)
        if table is None and not columns:
            continue
        place = f"{where}, {side}s"
        if table is None:
            raise WatchtimeError(f"{place}: there is no table, but the card declares {', '.join(columns)}.")
        _check_columns(table.schema, {side: REQUIRED[side], **columns}, {}, place)
        if table[side].n_unique() < table.height:
            raise WatchtimeError(f"{place}: {table.height} rows, but only {table[side].n_unique()} {side}s.")


def _check_columns(
    found: Mapping[str, Any], required: Mapping[str, Types], optional: Mapping[str, Types], where: str
) -> None:
    further = [name for name in found if name not in required and name not in optional]
    for name, dtypes in {**required, **optional}.items():
        expected = " or ".join(map(str, dtypes))
        if name not in found:
            if name in optional:
                continue
            guess = nearest(name, further)
            hint = f", found '{guess}' instead" if guess else ""
            raise WatchtimeError(f"{where}: the column '{name}' ({expected}) is missing{hint}.")
        if found[name] not in dtypes:
            raise WatchtimeError(f"{where}: column {name}: found type {found[name]}, allowed: {expected}.")
    if further:
        raise WatchtimeError(f"{where}: column {further[0]}: the data set declares no such feature or feedback.")


def check_values(slim: pl.DataFrame, card: DatasetCard) -> None:
    """Raise a ``WatchtimeError`` where a user, an item or a target is missing."""
    for name in ("user", "item", *card.targets):
        if name in slim.columns and slim[name].null_count():
            missing = slim[name].null_count()
            raise WatchtimeError(f"interactions of {card.title}: column {name}: {missing} values are missing.")


def slim_columns(names: Iterable[str], card: DatasetCard) -> list[str]:
    """Return the columns that rules and counts look at."""
    wanted = ("user", "item", "timestamp", "duration", "log", *card.targets)
    there = list(names)
    return [name for name in wanted if name in there]


def apply_rules(slim: pl.DataFrame, rules: Rules, card: DatasetCard) -> tuple[pl.Series, list[Count]]:
    """Return which rows count (a mask), and how many were left at first and after each rule.

    A row without a duration has no watch ratio, one without a timestamp repeats no key: such rows are kept. A rule
    about a column that the log lacks does not apply. The counts are those of the main log.
    """
    counts = [{"rule": "as read", **count(slim, card)}]
    left = slim.with_row_index("row")
    for rule, keep in _steps(slim.columns, rules, card):
        rest = left.filter(keep)
        if not rest.height:
            raise WatchtimeError(f"no row is left after the rule '{rule}', {left.height} were there before it.")
        counts.append({"rule": rule, **count(rest, card)})
        left = rest
    kept = pl.Series([False]).new_from_index(0, slim.height)
    return kept.scatter(left["row"], True), counts


def _steps(names: Sequence[str], rules: Rules, card: DatasetCard) -> Iterator[tuple[str, pl.Expr]]:
    if rules.zero_duration == "drop" and "duration" in names:
        yield "zero_duration: drop", pl.col("duration").ne_missing(0.0)
    if rules.repeated_key == "keep_first" and "timestamp" in names:
        first = pl.struct("user", "item", "timestamp").is_first_distinct()
        yield "repeated_key: keep_first", first | pl.col("timestamp").is_null()
    if rules.largest_ratio != "any" and "duration" in names and "watch_time" in names:
        ratio = pl.col("watch_time") / pl.col("duration")
        above = (pl.col("duration") > 0) & (ratio > rules.largest_ratio)
        yield f"largest_ratio: {rules.largest_ratio:g}", ~above.fill_null(False)


def count(frame: pl.DataFrame, card: DatasetCard) -> Count:
    """Return the numbers of rows, users, items and positive targets of the main log."""
    if "log" in frame.columns and card.main_log is not None:
        frame = frame.filter(log=card.main_log)
    target = next((name for name in card.targets if name in frame.columns), None)
    positives = {"positives": int((frame[target] > 0).sum())} if target else {}
    return {**count_sides(frame), **positives}


def count_sides(frame: pl.DataFrame) -> Count:
    """Return the numbers of rows, users and items."""
    return {"rows": frame.height, "users": frame["user"].n_unique(), "items": frame["item"].n_unique()}


def without_features(slim: pl.DataFrame, tables: Mapping[Side, pl.DataFrame | None]) -> dict[str, Count]:
    """Return, for users and items, how many have no row in the feature table, and on how many rows they appear."""
    report = {}
    for side, table in tables.items():
        bare = slim.join(table, on=side, how="anti") if table is not None else slim.clear()
        report[f"{side}s"] = {f"{side}s": bare[side].n_unique(), "rows": bare.height}
    return report
