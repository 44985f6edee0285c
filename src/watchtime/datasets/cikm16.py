"""CIKM Cup 2016, track 2 (Diginetica): shopping sessions with the items they viewed and the queries they made.

One row is one session. Its user is the first known one among its views, its item the first viewed one; "first" is by
``timeframe``, views of one time in the order of the file. The papers publish no rule for the dwell time of a session:
the option ``join`` names three, and the counts of all of them stand beside the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.interactions import Count, RawLog, feature_columns
from watchtime.datasets.raw import CATEGORY, TEXT, Cell, check_unique_key, date, read_delimited, whole
from watchtime.datasets.units import seconds

TOO_LONG_MS = 6000  # TPM's code keeps sessions below it

_VIEWS: dict[str, Cell | None] = {
    "sessionId": whole(),
    "userId": whole(missing=("NA",)),
    "itemId": whole(),
    "timeframe": whole(),
    "eventdate": date("%Y-%m-%d", "2016-01-31"),
}
_QUERIES: dict[str, Cell | None] = {
    "queryId": None,
    "sessionId": whole(),
    "userId": None,
    "timeframe": whole(),
    "duration": whole(),
    "eventdate": None,
    "searchstring.tokens": TEXT,
    "categoryId": None,
    "items": None,
    "is.test": None,
}
_CATEGORIES: dict[str, Cell | None] = {"itemId": whole(), "categoryId": CATEGORY}
_BASE = ("user", "item", "raw_row", "day", "views_span")
_DWELL = {
    "sum_of_queries": ("the sum of its queries", "total", "all_tokens"),
    "first_query": ("its first query", "first", "first_tokens"),
}


def load(folder: Path, card: DatasetCard, options: Mapping[str, Any], scratch: Path) -> RawLog:
    """Return the sessions of the raw files in ``folder`` in the order of their numbers.

    ``views_span`` is the time from a session's first view to its last. ``items_viewed``, ``categories_viewed`` and
    ``query_tokens`` hold the first ``longest_list`` values in the order of time; ``query_tokens`` are those of the
    queries that make the dwell time. With ``join: views_only`` there is no dwell time, and no query is read.
    """
    longest = options["longest_list"]
    if longest < 1:
        raise WatchtimeError(f"{card.title}: option longest_list: found {longest}, allowed: at least 1.")
    views = read_delimited(folder / card.logs[0], _VIEWS, ";").sort("sessionId", "timeframe", maintain_order=True)
    categories = read_delimited(folder / card.tables["categories"], _CATEGORIES, ";")
    check_unique_key(categories, "itemId", folder / card.tables["categories"])
    sessions = _sessions(views.join(categories, on="itemId", how="left", maintain_order="left"), longest)
    seen = sessions.select("session", "user").join(views, left_on="session", right_on="sessionId")
    steps = [_view_rows(views, "item views as read"), _count(seen, "sessions with item views")]
    candidates = _readings_of_the_views(views, seen)
    if options["join"] != "views_only":
        words, duration, tokens = _DWELL[options["join"]]
        dwell = _dwell(read_delimited(folder / card.tables["queries"], _QUERIES, ";"), longest)
        short = dwell.filter(pl.col(duration) < TOO_LONG_MS)
        steps += [
            _count(_with(seen, dwell), "sessions with item views and a query"),
            _count(_with(seen, short), f"{words} below {TOO_LONG_MS:,} ms"),
        ]
        candidates += _readings_of_the_join(seen, dwell)
        target = short.select("session", watch_time=seconds(duration), query_tokens=tokens)
        sessions = sessions.join(target, on="session", maintain_order="left")
        if not sessions.height:
            raise WatchtimeError(f"{folder}: no session has item views, a query, and {words} below {TOO_LONG_MS:,} ms.")
    further = ["watch_time"] if "watch_time" in sessions.columns else []
    if options["duration"] == "list_length":
        further.append("duration")
    rows = sessions.with_row_index("raw_row").select(*_BASE, *further, *feature_columns(card, "context"))
    items = categories.select(item="itemId", item_category="categoryId")
    return RawLog(rows.lazy(), items=items, steps=steps, candidates=candidates)


def _sessions(views: pl.DataFrame, longest: int) -> pl.DataFrame:
    """Return one row per session from its views in the order of time."""
    known = pl.col("userId").drop_nulls().first().cast(pl.String)
    categories = pl.col("categoryId").head(longest).drop_nulls()
    return (
        views.group_by("sessionId", maintain_order=True)
        .agg(
            user=known,
            item=pl.col("itemId").first(),
            day=pl.col("eventdate").first(),
            views_span=seconds(pl.col("timeframe").last() - pl.col("timeframe").first()),
            duration=pl.len().cast(pl.Float64),
            items_viewed=pl.col("itemId").head(longest).cast(pl.String),
            categories_viewed=categories,
        )
        .rename({"sessionId": "session"})
        .with_columns(pl.col("user").fill_null(pl.format("session {}", "session")))
    )


def _dwell(queries: pl.DataFrame, longest: int) -> pl.DataFrame:
    """Return the dwell times in ms and the words of every session with a query, under both joins."""
    tokens = pl.col("searchstring.tokens").str.split(",")
    return (
        queries.sort("sessionId", "timeframe", maintain_order=True)
        .with_columns(tokens)
        .group_by("sessionId", maintain_order=True)
        .agg(
            total=pl.col("duration").sum(),
            first=pl.col("duration").first(),
            all_tokens=pl.col("searchstring.tokens").drop_nulls().list.explode().head(longest),
            first_tokens=pl.col("searchstring.tokens").first().list.head(longest).fill_null([]),
        )
        .rename({"sessionId": "session"})
    )


def _with(seen: pl.DataFrame, dwell: pl.DataFrame) -> pl.DataFrame:
    return seen.join(dwell, on="session", how="semi")


def _count(seen: pl.DataFrame, rule: str) -> Count:
    """Count sessions by their views: items are all that were viewed, a session without a known user is a user."""
    sessions, views = seen["session"].n_unique(), seen.height
    return {
        "rule": rule,
        "rows": sessions,
        "users": seen["user"].n_unique(),
        "items": seen["itemId"].n_unique(),
        "views": views,
        "mean_list_length": views / sessions if sessions else 0.0,
    }


def _view_rows(views: pl.DataFrame, rule: str) -> Count:
    return {
        "rule": rule,
        "rows": views.height,
        "users": views["userId"].n_unique(),
        "items": views["itemId"].n_unique(),
        "sessions": views["sessionId"].n_unique(),
    }


def _readings_of_the_views(views: pl.DataFrame, seen: pl.DataFrame) -> list[Count]:
    """PTPM prints counts of views, and each is one more than the file has: the header may be among them."""
    rows = _view_rows(views, "item views, all unknown users one")
    header = {name: number + 1 for name, number in rows.items() if name != "rule"}
    return [
        rows,
        {"rule": "item views, all unknown users one, the header counted as a view of its own", **header},
        _count(seen, "sessions with item views"),
    ]


def _readings_of_the_join(seen: pl.DataFrame, dwell: pl.DataFrame) -> list[Count]:
    readings = [_count(_with(seen, dwell), "sessions with item views and a query")]
    for words, duration, _ in _DWELL.values():
        short = dwell.filter(pl.col(duration) < TOO_LONG_MS)
        readings.append(
            _count(_with(seen, short), f"sessions with item views and a query, {words} below {TOO_LONG_MS:,} ms")
        )
    return readings
