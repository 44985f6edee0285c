"""Encoding: what the training rows say about every input, and how it turns a log into arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.core.catalog import DatasetCard
from watchtime.core.config import validate
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
    MultiValued,
    MultiValuedField,
    NumericField,
    as_numbers,
    distinct_text,
    ids_of,
)

Frame = pl.DataFrame | pl.LazyFrame
_FIELDS: dict[str, type[Field]] = {
    "categorical": CategoricalField,
    "bucket": BucketField,
    "numeric": NumericField,
    "multi_valued": MultiValuedField,
}


class Encoding(Settings):
    """The fields of a data set in the order of its card, fitted on training rows alone."""

    categorical: tuple[CategoricalField | BucketField, ...]
    numeric: tuple[NumericField, ...]
    multi_valued: tuple[MultiValuedField, ...]

    @classmethod
    def fit(cls, training: Frame, card: DatasetCard) -> Encoding:
        """Fit every feature of the card; a lazy frame is read one column at a time."""
        fitted = [
            _FIELDS[feature.kind].fit(name, feature, _column(training, feature.source or name))
            for name, feature in card.features.items()
        ]
        return cls(
            categorical=tuple(field for field in fitted if isinstance(field, CategoricalField | BucketField)),
            numeric=tuple(field for field in fitted if isinstance(field, NumericField)),
            multi_valued=tuple(field for field in fitted if isinstance(field, MultiValuedField)),
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.categorical, *self.numeric, *self.multi_valued)

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
        )

    def absent(self, log: Frame) -> list[str]:
        """Return the features whose column the log lacks: they are encoded as unknown on every row."""
        there = log.collect_schema().names()
        return [field.name for field in self.fields if field.column not in there]

    def encode(self, log: Frame, require_target: bool) -> EncodedLog:
        """Return the log as arrays; a lazy frame is read one column at a time.

        ``user`` and ``item`` must be there; any other column may be absent, and then its features are unknown. With
        ``require_target`` every row needs a watch time. Without ``raw_row`` the rows are numbered from 0.
        """
        there = log.collect_schema().names()
        for name in ("user", "item", *(["watch_time"] if require_target else [])):
            if name not in there:
                raise WatchtimeError(f"the log lacks the column '{name}'; it has {', '.join(there)}.")
        user = _codes(_column(log, "user"))
        rows = len(user)
        categorical = np.zeros((rows, len(self.categorical)), dtype=np.int32)
        for i, field in enumerate(self.categorical):
            if field.column in there:
                categorical[:, i] = field.encode(_column(log, field.column))
        numeric = np.zeros((rows, len(self.numeric)), dtype=np.float32)
        for i, scaled in enumerate(self.numeric):
            if scaled.column in there:
                numeric[:, i] = scaled.encode(_column(log, scaled.column))
        raw_row = _integers(log, "raw_row", there)
        return EncodedLog(
            fields=tuple(field.name for field in self.categorical),
            columns=tuple(field.name for field in self.numeric),
            categorical=categorical,
            numeric=numeric,
            multi_valued={field.name: _lists(field, log, there, rows) for field in self.multi_valued},
            user=user,
            raw_row=(np.arange(rows) if raw_row is None else raw_row).astype(np.uint32),
            watch_time=_seconds(log, "watch_time", there, require_target),
            duration=_seconds(log, "duration", there, required=False),
            timestamp=_integers(log, "timestamp", there),
        )

    def save(self, path: Path) -> None:
        """Write canonical JSON: equal encodings give equal bytes."""
        write_text(path, canonical_json(self.model_dump(mode="json")) + "\n")

    @classmethod
    def load(cls, path: Path) -> Encoding:
        return validate(cls, read_json(path), str(path))


def _column(frame: Frame, name: str) -> pl.Series:
    if name not in frame.collect_schema().names():
        raise WatchtimeError(f"the log lacks the column '{name}', which its encoding is fitted on.")
    return frame.lazy().select(name).collect().to_series()


def _codes(users: pl.Series) -> Ids:
    """Number the distinct users of a log from 0; rows without a user share one number."""
    codes = ids_of(users, distinct_text(users))
    return codes - codes.min(initial=1)


def _lists(field: MultiValuedField, log: Frame, there: Sequence[str], rows: int) -> MultiValued:
    column = _column(log, field.column) if field.column in there else pl.Series(field.column, [None] * rows)
    return field.encode(column)


def _seconds(log: Frame, name: str, there: Sequence[str], required: bool) -> Floats | None:
    if name not in there:
        return None
    values = as_numbers(_column(log, name))
    wrong = np.flatnonzero(~(values >= 0) if required else values < 0)
    if len(wrong):
        found = "an empty cell" if np.isnan(values[wrong[0]]) else f"{values[wrong[0]]:g}"
        raise WatchtimeError(f"row {wrong[0] + 1}, column {name}: found {found}, seconds of at least 0 are allowed.")
    return values


def _integers(log: Frame, name: str, there: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Return a column of whole numbers, or None where it is absent or has gaps."""
    if name not in there:
        return None
    column = _column(log, name)
    if not (column.dtype.is_integer() or column.dtype == pl.Null):
        raise WatchtimeError(f"column {name}: found type {column.dtype}, whole numbers are allowed.")
    return None if column.null_count() else column.cast(pl.Int64).to_numpy()
