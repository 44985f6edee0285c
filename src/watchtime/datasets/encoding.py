"""Encoding: what the training rows say about every input, and how it turns a log into arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.core.config import validate
from watchtime.core.dataset_card import DatasetCard, Feature
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import canonical_json, read_json, write_text
from watchtime.core.settings import Settings
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.fields import (
    BucketField,
    CategoricalField,
    Field,
    Floats,
    Ids,
    MultiValuedField,
    NumericField,
    VectorField,
    as_numbers,
)
from watchtime.datasets.history import History
from watchtime.datasets.log import Frame, Log

_FIELDS: dict[str, type[Field]] = {
    "categorical": CategoricalField,
    "bucket": BucketField,
    "numeric": NumericField,
    "multi_valued": MultiValuedField,
    "vector": VectorField,
}


class Encoding(Settings):
    """The fields of a data set in the order of its card, fitted on training rows alone.

    ``history`` names the categorical fields that tell of a past event which item it was of, ``positive_feedback`` the
    columns any of which makes feedback positive.
    """

    categorical: tuple[CategoricalField | BucketField, ...]
    numeric: tuple[NumericField, ...]
    multi_valued: tuple[MultiValuedField, ...]
    vectors: tuple[VectorField, ...] = ()
    history: tuple[str, ...] = ()
    positive_feedback: tuple[str, ...] = ()

    @classmethod
    def fit(cls, training: Frame | Log, card: DatasetCard) -> Encoding:
        """Fit every feature of the card; the log is read one column at a time."""
        log = Log.of(training)
        fitted = [_fit(log, name, feature) for name, feature in card.features.items()]
        return cls(
            categorical=tuple(field for field in fitted if isinstance(field, CategoricalField | BucketField)),
            numeric=tuple(field for field in fitted if isinstance(field, NumericField)),
            multi_valued=tuple(field for field in fitted if isinstance(field, MultiValuedField)),
            vectors=tuple(field for field in fitted if isinstance(field, VectorField)),
            history=tuple(name for name in card.history if name in card.features),
            positive_feedback=tuple(card.positive_feedback),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.categorical, *self.numeric, *self.multi_valued, *self.vectors)

    @property
    def cardinalities(self) -> dict[str, int]:
        """The number of ids, 0 included, of every categorical and multi-valued field."""
        return {field.name: field.cardinality for field in (*self.categorical, *self.multi_valued)}

    def select(self, names: Sequence[str]) -> Encoding:
        """Return the encoding of the features in ``names`` alone, in the order of the card."""
        known = [field.name for field in self.fields]
        for name in names:
            if name not in known:
                raise WatchtimeError(unknown("feature", name, known))
        return Encoding(
            categorical=tuple(field for field in self.categorical if field.name in names),
            numeric=tuple(field for field in self.numeric if field.name in names),
            multi_valued=tuple(field for field in self.multi_valued if field.name in names),
            vectors=tuple(field for field in self.vectors if field.name in names),
            history=tuple(name for name in self.history if name in names),
            positive_feedback=self.positive_feedback,
        )

    def absent(self, log: Frame | Log) -> list[str]:
        """Return the features whose column the log lacks: they are encoded as unknown on every row."""
        there = Log.of(log).names
        return [field.name for field in self.fields if field.column not in there]

    def encode(self, log: Frame | Log, targets: Sequence[str], required: bool = True) -> EncodedLog:
        """Return the log as arrays, read one column at a time.

        ``user`` and ``item`` must be there; any other column may be absent, and then its features are unknown. Where
        the ``targets`` are ``required``, at least one of them is there, and each that is has a value on every row.
        Without ``raw_row`` the rows are numbered from 0.
        """
        log = Log.of(log)
        for name in ("user", "item"):
            if name not in log.names:
                raise WatchtimeError(f"the log lacks the column '{name}'; it has {', '.join(log.names)}.")
        found = [name for name in targets if name in log.names]
        if required and not found:
            raise WatchtimeError(f"the log lacks the column '{targets[0]}'; it has {', '.join(log.names)}.")
        user = _codes(log.values("user"))
        rows = len(user)
        categorical = np.zeros((rows, len(self.categorical)), dtype=np.int32)
        for i, field in enumerate(self.categorical):
            if field.column in log.names:
                categorical[:, i] = _encoded(field, log)
        numeric = np.zeros((rows, len(self.numeric)), dtype=np.float32)
        for i, scaled in enumerate(self.numeric):
            if scaled.column in log.names:
                numeric[:, i] = _encoded(scaled, log)
        raw_row = _integers(log, "raw_row")
        return EncodedLog(
            fields=tuple(field.name for field in self.categorical),
            columns=tuple(field.name for field in self.numeric),
            categorical=categorical,
            numeric=numeric,
            multi_valued={field.name: _gathered(field, log, rows) for field in self.multi_valued},
            vectors={field.name: _gathered(field, log, rows) for field in self.vectors},
            user=user,
            raw_row=(np.arange(rows) if raw_row is None else raw_row).astype(np.uint32),
            targets={name: _numbers(log, name, required) for name in found},
            duration=_numbers(log, "duration", required=False) if "duration" in log.names else None,
            timestamp=_integers(log, "timestamp"),
            day=_days(log),
            positive_feedback=self._positive_feedback(log),
            history=History.empty(self.history, rows) if self.history else None,
        )

    def with_history(self, encoded: EncodedLog, training: npt.NDArray[np.bool_]) -> EncodedLog:
        """Return the encoded log with what users watched before; as it is where the log has no times.

        Times are those of the column ``timestamp``, or days.
        """
        time = encoded.day if encoded.timestamp is None else encoded.timestamp
        if not self.history or time is None:
            return encoded
        ids = encoded.categorical[:, [encoded.fields.index(name) for name in self.history]]
        return replace(encoded, history=History.of(self.history, ids, encoded.user, time, training))

    def save(self, path: Path) -> None:
        """Write canonical JSON: equal encodings give equal bytes."""
        write_text(path, canonical_json(self.model_dump(mode="json")) + "\n")

    @classmethod
    def load(cls, path: Path) -> Encoding:
        return validate(cls, read_json(path), str(path))

    def _positive_feedback(self, log: Log) -> npt.NDArray[np.int8] | None:
        """Return 1 where any of the columns is; None where none is there."""
        found = [log.values(name) for name in self.positive_feedback if name in log.names]
        if not found:
            return None
        return np.maximum.reduce([one.fill_null(0).to_numpy() for one in found]).astype(np.int8)


def _fit(log: Log, name: str, feature: Feature) -> Field:
    """Fit one feature; categories of a table are those of the users or items that the log has."""
    column = feature.source or name
    side = log.side_of(column)
    if side is None or feature.min_count > 1 or feature.kind in ("numeric", "bucket"):
        values = log.values(column)
    else:
        values = log.table_values(column, side).gather(np.unique(log.places[side]))
    return _FIELDS[feature.kind].fit(name, feature, values)


def _encoded(field: Any, log: Log) -> Any:
    """Return one value per row, encoded once per user or item where the column stands in a table."""
    side = log.side_of(field.column)
    if side is None:
        return field.encode(log.values(field.column))
    return field.encode(log.table_values(field.column, side))[log.places[side]]


def _gathered(field: Any, log: Log, rows: int) -> Any:
    """Return lists or vectors, each stored once, with a pointer per row."""
    if field.column not in log.names:
        return field.encode(pl.Series(field.column, [None] * rows))
    side = log.side_of(field.column)
    if side is None:
        return field.encode(log.values(field.column))
    return field.encode(log.table_values(field.column, side)).rows(log.places[side])


def _codes(users: pl.Series) -> Ids:
    """Number the distinct users of a log from 0 in their order; rows without a user share one number."""
    return (users.rank("dense").cast(pl.Int32).fill_null(0) - (0 if users.null_count() else 1)).to_numpy()


def _numbers(log: Log, name: str, required: bool) -> Floats:
    values = as_numbers(log.values(name))
    wrong = np.flatnonzero(~(values >= 0) if required else values < 0)
    if len(wrong):
        found = "an empty cell" if np.isnan(values[wrong[0]]) else f"{values[wrong[0]]:g}"
        raise WatchtimeError(f"row {wrong[0] + 1}, column {name}: found {found}, a number of at least 0 is allowed.")
    return values


def _integers(log: Log, name: str) -> npt.NDArray[np.int64] | None:
    """Return a column of whole numbers, or None where it is absent or has gaps."""
    if name not in log.names:
        return None
    column = log.values(name)
    if not (column.dtype.is_integer() or column.dtype == pl.Null):
        raise WatchtimeError(f"column {name}: found type {column.dtype}, whole numbers are allowed.")
    return None if column.null_count() else column.cast(pl.Int64).to_numpy()


def _days(log: Log) -> npt.NDArray[np.int32] | None:
    """Return the number of every row's day, or None where it is absent or has gaps."""
    if "day" not in log.names or (column := log.values("day")).null_count():
        return None
    return column.to_physical().cast(pl.Int32).to_numpy()
