"""What a log of one's own holds, in a few lines, and what of it a user may want to know before a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl

from watchtime.core.catalog import Catalog
from watchtime.core.config import OwnLog
from watchtime.datasets.interactions import Count

_LONG = 3600.0  # seconds: a median watch time above it is rather one in milliseconds
_MANY = 0.1  # share of rows above a watch ratio of 10 that tells of wrong units
_FEW = 0.5  # share of users with one row that leaves little to learn of users
_DAY = 86_400_000
_ABOVE_10 = (pl.col("duration") > 0) & (pl.col("watch_time") > 10 * pl.col("duration"))


def summary(slim: pl.DataFrame, steps: Sequence[Count], log: OwnLog) -> list[str]:
    """Return aligned lines on all rows as read; ``steps`` are the counts before and after every row rule."""
    facts = list(_facts(slim, log))
    facts += [
        (f"rule {after['rule']}", f"drops {before['rows'] - after['rows']:,} rows") for before, after in pairwise(steps)
    ]
    width = max(len(name) for name, _ in facts)
    return [f"{name:<{width}}  {value}" for name, value in facts]


def notes(slim: pl.DataFrame, log: OwnLog, catalog: Catalog) -> list[str]:
    """Return sentences on what such a log cannot be used for, and on what looks like a mistake in its units."""
    return [*_time_notes(slim, log, catalog), *_value_notes(slim, log, catalog)]


def _facts(slim: pl.DataFrame, log: OwnLog) -> Iterator[tuple[str, str]]:
    yield "rows", f"{slim.height:,}"
    for side in ("user", "item"):
        sides = slim[side].n_unique()
        yield f"{side}s", f"{sides:,}, {_share_of_single(slim, side):.1%} of them with a single row"
    for name in (log.task, "duration"):
        if name in slim.columns:
            unit, column = "" if name == "ltv" else " s", pl.col(name)
            least, middle, most = (_of(slim, fact) for fact in (column.min(), column.median(), column.max()))
            zeros = f"{_of(slim, (column == 0).mean()):.1%} of the rows are 0"
            yield name, f"{least:,.6g} to {most:,.6g}{unit}, median {middle:,.6g}{unit}, {zeros}"
    if "duration" in slim.columns and log.task == "watch_time":
        yield "watch ratio", f"above 10 on {_of(slim, _ABOVE_10.sum()):,} rows"
    if "timestamp" in slim.columns:
        first, last = (_of(slim, fact) for fact in (pl.col("timestamp").min(), pl.col("timestamp").max()))
        yield "time", f"{_moment(first)} to {_moment(last)} (UTC, `time_unit: {log.time_unit}`)"
        yield "days", f"{_days(slim):,} from the first to the last, {slim['day'].n_unique():,} of them with rows"
        repeated = slim.height - slim.select("user", "item", "timestamp").n_unique()
        yield "repeated", f"{repeated:,} rows repeat a (user, item, time)"


def _time_notes(slim: pl.DataFrame, log: OwnLog, catalog: Catalog) -> Iterator[str]:
    if "timestamp" not in slim.columns:
        by_time = [name for name, protocol in catalog.protocols.items() if protocol.order in ("time", "days")]
        yield f"there is no time, so {_joined(by_time)} do not fit and no row is known to repeat another."
        return
    if _of(slim, pl.col("timestamp").max()) < 365 * _DAY:
        yield f"all times lie in 1970: `time_unit: {log.time_unit}` is wrong unless they count from a day of their own."
    lengths = {
        name: sum(Fraction(str(share)) for share in protocol.shares)
        for name, protocol in catalog.protocols.items()
        if protocol.order == "days"
    }
    wrong = [f"{name} ({length} days)" for name, length in lengths.items() if length != _days(slim)]
    if wrong:
        yield f"the log covers {_days(slim)} days, so {_joined(wrong)} {'do' if wrong[1:] else 'does'} not fit."


def _value_notes(slim: pl.DataFrame, log: OwnLog, catalog: Catalog) -> Iterator[str]:
    target = pl.col(log.task)
    if _of(slim, target.min() == target.max()):
        yield f"{log.task} never varies: there is nothing to predict."
    if log.task == "watch_time" and log.unit == "s" and _of(slim, target.median()) > _LONG:
        yield f"half of the rows are watched for more than {_LONG:g} s: is it `unit: ms`?"
    if "duration" not in slim.columns and log.task == "watch_time":
        needing = [name for name, method in catalog.methods.items() if "duration" in method.needs]
        yield f"there is no duration, so there is no watch ratio, and {_joined(needing)} cannot run."
    elif log.task == "watch_time" and (share := _of(slim, _ABOVE_10.mean())) > _MANY:
        pair = f"'{log.target}' and '{log.duration}'"
        yield f"{share:.0%} of the rows have a watch ratio above 10: are {pair} in the same unit?"
    if (single := _share_of_single(slim, "user")) > _FEW:
        yield f"{single:.0%} of the users have a single row: most are unknown in test, and XGAUC leaves them out."


def _of(slim: pl.DataFrame, fact: pl.Expr) -> Any:
    return slim.select(fact).item()


def _share_of_single(slim: pl.DataFrame, side: str) -> Any:
    rows = slim.group_by(side).len()
    return _of(rows, (pl.col("len") == 1).mean())


def _days(slim: pl.DataFrame) -> int:
    number = pl.col("day").cast(pl.Int32)
    return _of(slim, number.max() - number.min()) + 1


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
