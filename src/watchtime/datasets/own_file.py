"""The file of a log of one's own, Parquet or delimited text, as columns of text and of lists of text.

Numbers and times pass through text as well: it keeps every digit, so that a log reads the same from either format.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import polars as pl

from watchtime.core.errors import WatchtimeError, first_words
from watchtime.datasets.delimited import first_line, header_names
from watchtime.datasets.log import scan
from watchtime.datasets.raw import TEXT, convert_delimited

Type = pl.DataType | type[pl.DataType]
# What may part the fields, by the ending of the file; of several the one that the header has most.
SEPARATORS = {".csv": ",;|", ".tsv": "\t", ".txt": "\t"}
_PLAIN = (pl.String, pl.Boolean, pl.Categorical, pl.Enum, pl.Date, pl.Datetime, pl.Null)


def column_types(path: Path) -> Mapping[str, Type]:
    """Return the columns of the file and their types; those of a delimited file are text."""
    if not path.is_file():
        raise WatchtimeError(f"{path}: the file does not exist.")
    if path.suffix == ".parquet":
        return scan(path).collect_schema()
    return dict.fromkeys(header_names(path, _separator(path)), pl.String)


def scan_columns(path: Path, columns: Collection[str], scratch: Path) -> pl.LazyFrame:
    """Return a scan of the file that has at least ``columns``; delimited text goes to Parquet in ``scratch`` first."""
    if path.suffix != ".parquet":
        cells = {name: TEXT if name in columns else None for name in header_names(path, _separator(path))}
        with readable(path):
            return convert_delimited(path, cells, scratch / "text.parquet", _separator(path))
    table = scan(path)
    if not table.select(pl.len()).collect().item():
        raise WatchtimeError(f"{path}: the file has columns but no rows.")
    return table


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one sentence that a value cannot be read: a Parquet file shows its damage no earlier."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise WatchtimeError(f"{path}: the file cannot be read as a table: {first_words(error)}.") from None


def is_plain(dtype: Type) -> bool:
    """Whether a column of this type has one value per row that can be written as text."""
    return dtype.is_numeric() or dtype.base_type() in _PLAIN


def is_list(dtype: Type) -> bool:
    """Whether a column of this type has a list of such values per row."""
    return isinstance(dtype, pl.List | pl.Array) and is_plain(cast(Type, dtype.inner))


def as_text(column: str, dtype: Type) -> pl.Expr:
    """Return a column as text, times in UTC; an empty text is missing."""
    value = pl.col(column)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        value = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    text = value.cast(pl.String)
    return pl.when(text != "").then(text)


def as_lists(column: str, dtype: Type, separator: str) -> pl.Expr:
    """Return a column of lists, or of text that ``separator`` parts, as lists of text."""
    if is_list(dtype):
        return pl.col(column).cast(pl.List(pl.String))
    return as_text(column, dtype).str.split(separator)


def _separator(path: Path) -> str:
    if path.suffix not in SEPARATORS:
        allowed = ", ".join([".parquet", *SEPARATORS])
        raise WatchtimeError(f"{path}: found the ending '{path.suffix}', allowed: {allowed}.")
    return max(SEPARATORS[path.suffix], key=re.sub('"[^"]*"', "", first_line(path)).count)
