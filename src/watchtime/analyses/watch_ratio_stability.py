"""How far the watch ratio drifts over the periods of a log, per duration bucket (ProWTP, figure 10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field

from watchtime.analyses.distances import Distance, distance
from watchtime.analyses.study import Study
from watchtime.core.seeds import derive_seed
from watchtime.core.settings import Settings
from watchtime.datasets.log import Log
from watchtime.labels.base import Floats
from watchtime.labels.duration_groups import equal_frequency_starts, group_by_start

WEEKS_FROM = 21
"""A log that spans so many days is cut into weeks from its first day on, a shorter one into days."""
LEAST_ROWS = 30
"""A distance is taken between at least this many rows on either side."""
SPLITS = 20
"""How often the users of the first period are split into two halves."""

_DISTANCE = dict.fromkeys(Distance._fields, pl.Float64)
_SIDES = {"bucket": pl.Int64, "rows": pl.Int64, "other_rows": pl.Int64}
Rows = Mapping[tuple[int, int], pl.DataFrame]


class Options(Settings):
    """D duration buckets, of equally many rows of the log."""

    buckets: int = Field(ge=1)


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``buckets``, ``periods``, ``drift`` and ``halves``; no period where the log tells no days.

    ``buckets`` have their durations from ``low`` to ``high`` in seconds and their rows. ``periods`` are numbered from
    1 and have their ``days``, ``rows`` and ``users``; an empty one is left out, the last may be short. ``drift`` has
    per bucket and later period the distance of the watch ratio to the first period's, ``halves`` per bucket and split
    that between two random halves of the first period's users, which is what no drift looks like. Both have the
    number of rows on either side, and leave out where one has fewer than ``LEAST_ROWS``.
    """
    log = _dated(study.rows)
    duration = log["duration"].to_numpy()
    starts = equal_frequency_starts(duration, study.options(Options).buckets) if len(log) else np.empty(0)
    log = log.with_columns(bucket=pl.Series(group_by_start(starts, duration)))
    cells = {
        (int(bucket), int(period)): rows.select("user", "ratio")
        for (bucket, period), rows in log.partition_by("bucket", "period", as_dict=True).items()
    }
    seed = derive_seed(study.plan.config.seed, axis="halves_of_users", dataset=study.dataset)
    return {
        "buckets": _summed(log, "bucket", pl.min("duration").alias("low"), pl.max("duration").alias("high")),
        "periods": _summed(log, "period", pl.n_unique("day").alias("days"), pl.n_unique("user").alias("users")),
        "drift": pl.DataFrame(list(_drift(cells)), schema={"period": pl.Int64, **_SIDES, **_DISTANCE}),
        "halves": pl.DataFrame(list(_halves(cells, seed)), schema={"split": pl.Int64, **_SIDES, **_DISTANCE}),
    }


def _dated(log: Log) -> pl.DataFrame:
    """Return user, duration, ratio, day and period of the rows that have all of them, in their order."""
    if "day" not in log.names:
        schema = {"user": pl.Int64, "duration": pl.Float64, "ratio": pl.Float64, "day": pl.Date, "period": pl.Int64}
        return pl.DataFrame(schema=schema)
    rows = pl.DataFrame([log.values(name) for name in ("user", "duration", "watch_time", "day")])
    rows = rows.drop_nulls().filter(pl.col("duration") > 0)
    day = (pl.col("day") - pl.col("day").min()).dt.total_days()
    length = pl.when(day.max() + 1 >= WEEKS_FROM).then(7).otherwise(1)
    return rows.select(
        "user", "duration", "day", ratio=pl.col("watch_time") / pl.col("duration"), period=day // length + 1
    )


def _summed(log: pl.DataFrame, name: str, *columns: pl.Expr) -> pl.DataFrame:
    return log.group_by(name).agg(*columns, pl.len().cast(pl.Int64).alias("rows")).sort(name)


def _drift(cells: Rows) -> Iterator[dict[str, Any]]:
    for bucket, period in sorted(cells):
        if period > 1 and (bucket, 1) in cells:
            first, later = (cells[bucket, number]["ratio"].to_numpy() for number in (1, period))
            yield from ({"period": period, **one} for one in _measured(bucket, first, later))


def _halves(cells: Rows, seed: int) -> Iterator[dict[str, Any]]:
    first = {bucket: rows for (bucket, period), rows in sorted(cells.items()) if period == 1}
    if not first:
        return
    users = pl.concat(rows["user"] for rows in first.values()).unique().sort()
    for split in range(SPLITS):
        order = np.random.default_rng(derive_seed(seed, repetition=split)).permutation(len(users))
        half = users.gather(np.sort(order[: len(users) // 2])).implode()
        for bucket, rows in first.items():
            ratio, inside = rows["ratio"].to_numpy(), rows["user"].is_in(half).to_numpy()
            yield from ({"split": split, **one} for one in _measured(bucket, ratio[inside], ratio[~inside]))


def _measured(bucket: int, one: Floats, other: Floats) -> Iterator[dict[str, Any]]:
    if min(len(one), len(other)) >= LEAST_ROWS:
        yield {"bucket": bucket, "rows": len(one), "other_rows": len(other), **distance(one, other)._asdict()}
