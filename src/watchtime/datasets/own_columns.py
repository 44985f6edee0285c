"""What each column of a log of one's own may hold, as its configuration declares it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from watchtime.core.config import OwnFeature, OwnLog
from watchtime.datasets.raw import CATEGORY, Cell, category, number
from watchtime.datasets.units import seconds

NAN = ("NaN", "nan")
_FEEDBACK = {text: value for value, texts in enumerate((("0", "0.0"), ("1", "1.0"))) for text in texts} | {
    text: value for value, word in enumerate(("false", "true")) for text in (word, word.capitalize())
}
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|\+00:00)?$"
_SECOND = "%Y-%m-%d %H:%M:%S"
_LAST_SECOND = 10**11  # in the year 5138: what is above it counts milliseconds


@dataclass(frozen=True)
class OwnColumn:
    """Column ``column`` of the file becomes ``name`` of the interactions.

    ``key`` is where the configuration names it, ``remedy`` what to do about a cell that is not allowed; ``separator``
    parts the values of a list.
    """

    name: str
    column: str
    key: str
    cell: Cell
    remedy: str = "mend or remove such rows"
    separator: str | None = None

    @property
    def value(self) -> pl.Expr:
        """The value of the interactions, null where a cell is missing or not allowed."""
        return self.cell.value(self.name)


def own_columns(log: OwnLog) -> list[OwnColumn]:
    """Return the columns that the configuration of a log names."""
    amount = _in_seconds(number()) if log.unit == "ms" else number()
    columns = [
        OwnColumn("user", log.user, "user", _ID, "give such rows a user or remove them"),
        OwnColumn("item", log.item, "item", _ID, "give such rows an item or remove them"),
        OwnColumn(log.task, log.target, "target", amount),
    ]
    if log.duration:
        remedy = "mend or remove such rows, or set `duration: null`"
        columns.append(OwnColumn("duration", log.duration, "duration", amount, remedy))
    if log.time:
        remedy = f"mend such rows, or change `time_unit: {log.time_unit}` (s, ms or text)"
        columns.append(OwnColumn("timestamp", log.time, "time", _TIMES[log.time_unit], remedy))
    return [*columns, *_features(log), *_feedback(log)]


def time_unit(text: str | None) -> Literal["s", "ms", "text"]:
    """Return the unit in which a time seems to be written: above 1e11 a number is no second of our days."""
    try:
        value = float(text or 0)
    except ValueError:
        return "text"
    return "ms" if value > _LAST_SECOND else "s"


def _features(log: OwnLog) -> Iterator[OwnColumn]:
    for name, feature in log.features.items():
        key = f"features.{name}.column"
        separator = feature.separator if feature.kind == "multi_valued" else None
        yield OwnColumn(name, feature.column or name, key, _feature_cell(feature), _feature_remedy(feature), separator)


def _feature_cell(feature: OwnFeature) -> Cell:
    if feature.kind == "multi_valued":
        return _LIST
    if feature.kind == "categorical":
        return category(NAN)
    return number(True, 0.0 if feature.scale == "log" and feature.kind == "numeric" else None, NAN)


def _feature_remedy(feature: OwnFeature) -> str:
    scale = ", `scale: linear`" if feature.kind == "numeric" and feature.scale == "log" else ""
    return f"mend such rows, empty the cell{scale} or declare `kind: categorical`"


def _feedback(log: OwnLog) -> Iterator[OwnColumn]:
    for name, column in log.feedback.items():
        yield OwnColumn(name, column, f"feedback.{name}", _ZERO_OR_ONE, "write 1 where it happened and 0 where not")


def _id(text: pl.Expr) -> pl.Expr:
    return CATEGORY.parse(pl.when(~text.is_in(NAN)).then(text))


def _in_seconds(milliseconds: Cell) -> Cell:
    return replace(milliseconds, parse=lambda text: seconds(milliseconds.parse(text)))


def _zero_or_one(text: pl.Expr) -> pl.Expr:
    return text.replace_strict(_FEEDBACK, default=None, return_dtype=pl.Int8)


def _list(texts: pl.Expr) -> pl.Expr:
    """Clean the values of a list and leave out empty ones; a missing list is empty."""
    text = pl.element().str.strip_chars()
    return texts.list.eval(CATEGORY.parse(pl.when(text != "").then(text))).list.drop_nulls().fill_null([])


def _seconds(text: pl.Expr) -> pl.Expr:
    value = text.cast(pl.Float64, strict=False)
    # Below 1e11 seconds a 64-bit float is within 0.01 ms of its text, so that rounding finds the one millisecond.
    milliseconds = (value * 1000).round()
    return pl.when(value.is_between(0, _LAST_SECOND)).then(milliseconds).cast(pl.Int64, strict=False)


def _milliseconds(text: pl.Expr) -> pl.Expr:
    value = text.cast(pl.Float64, strict=False)
    is_moment = value.is_between(0, _LAST_SECOND * 1000) & (value == value.floor())
    return pl.when(is_moment).then(value).cast(pl.Int64, strict=False)


def _written(text: pl.Expr) -> pl.Expr:
    """Milliseconds of a day and time; decimals beyond them are cut off. 23:59:60 is no time of this calendar."""
    second = text.str.slice(0, 19).str.replace("T", " ", literal=True)
    moment = second.str.to_datetime(_SECOND, time_unit="ms", strict=False)
    decimals = text.str.extract(r"\.([0-9]{1,3})", 1).fill_null("0").str.pad_end(3, "0").cast(pl.Int64, strict=False)
    is_moment = text.str.contains(_MOMENT) & (moment.dt.to_string(_SECOND) == second)
    return pl.when(is_moment).then(moment.dt.epoch("ms") + decimals)


_ID = Cell("any text", _id)
_LIST = Cell("a list", _list, optional=True)
_ZERO_OR_ONE = Cell("0 or 1", _zero_or_one)
_TIMES = {
    "s": Cell("seconds since 1970 such as 1769903999.25", _seconds),
    "ms": Cell("whole milliseconds since 1970 such as 1769903999250", _milliseconds),
    "text": Cell("a time in UTC such as 2026-01-31 23:59:59 or 2026-01-31T23:59:59.250", _written),
}
