"""Fields: how one column becomes integers or floats. Each is fitted on training rows and knows nothing else.

Id 0 means unknown or missing in every integer field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.core.dataset_card import Feature
from watchtime.core.errors import WatchtimeError
from watchtime.core.settings import Settings

Ids = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MultiValued:
    """Lists of ids, each distinct list stored once; list 0 is empty and stands for missing.

    Row r has the list ``values[offsets[p] : offsets[p + 1]]`` with p = ``pointer[r]``; pointer int32 [rows],
    offsets int64 [lists + 1], values int32.
    """

    pointer: Ids
    offsets: npt.NDArray[np.int64]
    values: Ids

    def rows(self, index: npt.NDArray[np.generic]) -> MultiValued:
        """Return the lists of the rows in ``index``; the lists themselves are shared."""
        return MultiValued(self.pointer[index], self.offsets, self.values)


@dataclass(frozen=True)
class VectorTable:
    """A vector per user or item, each stored once: row r has ``matrix[pointer[r]]``.

    pointer int32 [rows], matrix float32 [vectors, width]; a missing vector is 0.
    """

    pointer: Ids
    matrix: npt.NDArray[np.float32]

    def rows(self, index: npt.NDArray[np.generic]) -> VectorTable:
        """Return the vectors of the rows in ``index``; the matrix itself is shared."""
        return VectorTable(self.pointer[index], self.matrix)


class Field(Settings):
    """The name of an input, the side it belongs to, and the column of the interactions it is made from."""

    name: str
    side: Literal["user", "item", "context"]
    column: str

    @classmethod
    def fit(cls, name: str, feature: Feature, column: pl.Series) -> Self:
        """Return the field that the training rows of ``column`` define."""
        raise NotImplementedError


class CategoricalField(Field):
    """Value i of the sorted training values (counted from 1) has id i."""

    kind: Literal["categorical"] = "categorical"
    values: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, feature: Feature, column: pl.Series) -> Self:
        values = frequent_text(column, feature.min_count)
        return cls(name=name, side=feature.side, column=column.name, values=values)

    @property
    def cardinality(self) -> int:
        return len(self.values) + 1

    def encode(self, column: pl.Series) -> Ids:
        """Return the ids, int32 [rows]."""
        return ids_of(column, self.values)


class BucketField(Field):
    """Equal-frequency buckets: id 1 + #{k : e_k < v}, with e_k the ⌈n k / buckets⌉-th smallest of n training values.

    Equal edges are one edge, so ties never share a bucket with values above them.
    """

    kind: Literal["bucket"] = "bucket"
    edges: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, feature: Feature, column: pl.Series) -> Self:
        if feature.buckets is None:
            raise WatchtimeError(f"feature {name}: the key 'buckets' is missing, a bucket feature needs their number.")
        values = as_numbers(column)
        values = np.sort(values[~np.isnan(values)])
        count = feature.buckets
        ranks = -(-len(values) * np.arange(1, count) // count) - 1 if len(values) else np.empty(0, dtype=np.int64)
        edges = [edge for edge in np.unique(values[ranks]).tolist() if edge < values[-1]]
        return cls(name=name, side=feature.side, column=column.name, edges=tuple(edges))

    @property
    def cardinality(self) -> int:
        return len(self.edges) + 2

    def encode(self, column: pl.Series) -> Ids:
        """Return the ids, int32 [rows]."""
        values = as_numbers(column)
        ids = np.searchsorted(np.asarray(self.edges, dtype=np.float64), values, side="left") + 1
        return np.where(np.isnan(values), 0, ids).astype(np.int32)


class NumericField(Field):
    """(f(v) - mean) / deviation over training rows, f the identity or log(1 + v); missing values are 0, the mean."""

    kind: Literal["numeric"] = "numeric"
    scale: Literal["linear", "log"]
    mean: float
    deviation: float

    @classmethod
    def fit(cls, name: str, feature: Feature, column: pl.Series) -> Self:
        values = _scaled(column, feature.scale)
        values = values[~np.isnan(values)]
        mean = float(values.mean()) if len(values) else 0.0
        varies = (
            len(values) > 0 and values.min() < values.max()
        )  # exact, where the deviation of a constant may not be 0
        return cls(
            name=name,
            side=feature.side,
            column=column.name,
            scale=feature.scale,
            mean=mean,
            deviation=float(values.std()) if varies else 1.0,
        )

    def encode(self, column: pl.Series) -> npt.NDArray[np.float32]:
        """Return the scaled values, float32 [rows]."""
        values = (_scaled(column, self.scale) - self.mean) / self.deviation
        return np.nan_to_num(values, nan=0.0).astype(np.float32)


class MultiValuedField(Field):
    """A list per row of values with ids as in ``CategoricalField``."""

    kind: Literal["multi_valued"] = "multi_valued"
    values: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, feature: Feature, column: pl.Series) -> Self:
        lists = _as_lists(column)
        values = frequent_text((lists.unique() if feature.min_count == 1 else lists).explode(), feature.min_count)
        return cls(name=name, side=feature.side, column=column.name, values=values)

    @property
    def cardinality(self) -> int:
        return len(self.values) + 1

    def encode(self, column: pl.Series) -> MultiValued:
        """Return the lists; an unknown value keeps its place in a list as id 0."""
        frame = pl.DataFrame({"list": _as_lists(column)}).select(
            pl.col("list").list.eval(_ids(pl.element(), self.values)).fill_null([])
        )
        empty = pl.DataFrame({"list": [[]]}, schema={"list": pl.List(pl.Int32)})
        distinct = pl.concat([empty, frame]).unique(maintain_order=True).with_row_index("pointer")
        pointer = frame.join(distinct, on="list", how="left", maintain_order="left")["pointer"]
        lengths = distinct["list"].list.len().to_numpy()
        return MultiValued(
            pointer=pointer.cast(pl.Int32).to_numpy(),
            offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
            values=distinct["list"].list.drop_nulls().explode(empty_as_null=False).cast(pl.Int32).to_numpy(),
        )


class VectorField(Field):
    """A vector of numbers per row, taken as it is."""

    kind: Literal["vector"] = "vector"
    width: int

    @classmethod
    def fit(cls, name: str, feature: Feature, column: pl.Series) -> Self:
        if not isinstance(column.dtype, pl.Array):
            raise WatchtimeError(f"column {column.name}: found type {column.dtype}, vectors of one width are allowed.")
        return cls(name=name, side=feature.side, column=column.name, width=column.dtype.size)

    def encode(self, column: pl.Series) -> VectorTable:
        """Return the vectors; a column of another width is refused."""
        if column.dtype == pl.Null:
            return VectorTable(np.zeros(len(column), dtype=np.int32), np.zeros((1, self.width), dtype=np.float32))
        if not isinstance(column.dtype, pl.Array) or column.dtype.size != self.width:
            raise WatchtimeError(
                f"column {column.name}: found type {column.dtype}, vectors of width {self.width} are allowed."
            )
        matrix = np.zeros((len(column), self.width), dtype=np.float32)
        matrix[column.is_not_null().to_numpy()] = column.drop_nulls().cast(pl.Array(pl.Float32, self.width)).to_numpy()
        return VectorTable(np.arange(len(column), dtype=np.int32), np.nan_to_num(matrix, posinf=0.0, neginf=0.0))


def as_text(column: pl.Series) -> pl.Series:
    """Return categories as text; whole floats lose their decimals, so that 3, 3.0 and "3" are one category."""
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        return whole.cast(pl.String).zip_with(whole == column, column.fill_nan(None).cast(pl.String))
    if column.dtype.is_nested():
        raise WatchtimeError(f"column {column.name}: found type {column.dtype}, one category per row is allowed.")
    return column.cast(pl.String)


def distinct_text(column: pl.Series) -> tuple[str, ...]:
    """Return the distinct categories of a column as sorted text, without the missing one."""
    return tuple(as_text(column.unique()).unique().drop_nulls().sort())


def frequent_text(column: pl.Series, least: int) -> tuple[str, ...]:
    """Return the distinct categories with at least ``least`` rows as sorted text, without the missing one."""
    if least == 1:
        return distinct_text(column)
    counts = as_text(column).drop_nulls().rename("text").value_counts(name="rows")
    return tuple(counts.filter(pl.col("rows") >= least)["text"].sort())


def ids_of(column: pl.Series, values: tuple[str, ...]) -> Ids:
    """Return 1 + the place of every category in ``values``, and 0 where it is not there; int32 [rows]."""
    text = as_text(column).to_frame("text")
    return text.select(_ids(pl.col("text"), values)).to_series().to_numpy()


def as_numbers(column: pl.Series) -> Floats:
    """Return numbers as float64; missing and infinite ones are NaN."""
    try:
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    except pl.exceptions.PolarsError:
        raise WatchtimeError(f"column {column.name}: found type {column.dtype}, numbers are allowed.") from None
    return np.where(np.isfinite(values), values, np.nan)


def _scaled(column: pl.Series, scale: str) -> Floats:
    values = as_numbers(column)
    if scale == "linear":
        return values
    negative = values[values < 0]
    if len(negative):
        raise WatchtimeError(f"column {column.name}: found {negative[0]:g}, a feature on a log scale is at least 0.")
    return np.log1p(values)


def _as_lists(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Null or isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    raise WatchtimeError(f"column {column.name}: found type {column.dtype}, a list per row is allowed.")


def _ids(text: pl.Expr, values: tuple[str, ...]) -> pl.Expr:
    return (text.cast(pl.Enum(values), strict=False).to_physical().cast(pl.Int32) + 1).fill_null(0)
