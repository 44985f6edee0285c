"""Raw delimited files, read strictly: every cell is what its column allows, or one sentence says which one is not.

Rows are counted from 1, without the header line. No field spans lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from watchtime.core.errors import LONGEST, WatchtimeError, first_words, plain
from watchtime.core.files import replacing
from watchtime.datasets.delimited import checked_columns

_LARGEST = 2**53  # whole numbers above this have no exact 64-bit float, and no raw file needs larger numbers
_IS_REJECTED = "is rejected"


@dataclass(frozen=True)
class Cell:
    """What a column may hold: ``parse`` turns text into a value, and into null where the text is not allowed.

    An ``optional`` cell may be empty. The texts of ``missing`` are null too, exactly as spelled and optional or not.
    """

    allowed: str
    parse: Callable[[pl.Expr], pl.Expr]
    optional: bool = False
    missing: tuple[str, ...] = ()

    def value(self, column: str) -> pl.Expr:
        return self.parse(self._present(column)).alias(column)

    def rejected(self, column: str) -> pl.Expr:
        wrong = self.value(column).is_null()
        if self.optional:
            return wrong & self._present(column).is_not_null()
        return wrong & ~pl.col(column).is_in(self.missing).fill_null(False) if self.missing else wrong

    def _present(self, column: str) -> pl.Expr:
        text = pl.col(column)
        return pl.when(~text.is_in(self.missing)).then(text) if self.missing else text


def whole(least: int = 0, most: int = _LARGEST, optional: bool = False, missing: tuple[str, ...] = ()) -> Cell:
    """A whole number between ``least`` and ``most``: Int64."""
    limits = f"of at least {least}" if most == _LARGEST else f"from {least} to {most}"

    def parse(text: pl.Expr) -> pl.Expr:
        value = text.cast(pl.Int64, strict=False)
        return pl.when(value.is_between(least, most)).then(value)

    return Cell(_or_missing(f"a whole number {limits}", missing), parse, optional, missing)


def number(optional: bool = False, least: float | None = 0.0, missing: tuple[str, ...] = ()) -> Cell:
    """A finite number below 2⁵³, of at least ``least`` unless that is None: Float64."""

    def parse(text: pl.Expr) -> pl.Expr:
        value = text.cast(pl.Float64, strict=False)
        return pl.when(value.is_between(-_LARGEST if least is None else least, _LARGEST)).then(value)

    limit = "a finite number" if least is None else f"a number of at least {least:g}"
    return Cell(_or_missing(limit, missing), parse, optional, missing)


def date(pattern: str, example: str, optional: bool = False) -> Cell:
    """A calendar day written exactly as ``pattern``: Date."""

    def parse(text: pl.Expr) -> pl.Expr:
        day = text.str.to_date(pattern, strict=False)
        return pl.when(day.dt.to_string(pattern) == text).then(day)

    return Cell(f"a day such as {example}", parse, optional)


def moment(optional: bool = False, missing: tuple[str, ...] = ()) -> Cell:
    """Seconds since 1970 with at most three decimals: Int64 milliseconds, exactly."""

    def parse(text: pl.Expr) -> pl.Expr:
        is_moment = text.str.contains(r"^[0-9]{1,12}(\.[0-9]{1,3}0*)?$")
        # Below 1e12 seconds a 64-bit float is within 0.1 ms of its text, so that rounding finds the one millisecond.
        value = (text.cast(pl.Float64, strict=False) * 1000).round().cast(pl.Int64, strict=False)
        return pl.when(is_moment).then(value)

    return Cell(_or_missing("seconds since 1970 such as 1593878903.438", missing), parse, optional, missing)


def category(missing: tuple[str, ...] = ()) -> Cell:
    """A name or a code: String. "1.0" and "1" are one: a column of whole numbers with gaps is often written so."""

    def parse(text: pl.Expr) -> pl.Expr:
        without_decimals = text.str.strip_chars_end("0").str.strip_suffix(".")
        return pl.when(text.str.contains(r"^-?[0-9]+\.0+$")).then(without_decimals).otherwise(text)

    return Cell("any text", parse, True, missing)


def any_text(missing: tuple[str, ...] = ()) -> Cell:
    """Any text as it stands, but for a carriage return at its end: String. "1.0" and "1" are two."""
    return Cell("any text", lambda text: text, True, missing)


CATEGORY = category()
TEXT = any_text()


def read_delimited(
    path: Path, cells: Mapping[str, Cell | None], separator: str = ",", header: bool = True
) -> pl.DataFrame:
    """Return the columns of ``path`` that have a cell, in the order of ``cells``; None marks a column not read.

    With ``header=False`` the first line is a row, and ``cells`` names the fields from left to right.
    Raises a ``WatchtimeError`` for a missing, empty, cut or non-UTF-8 file, for columns that are missing, repeated,
    unknown or separated otherwise, and for the first cell that its column does not allow.
    """
    with _readable(path, header):
        table, read = _scan(path, cells, separator, header)
        frame = _typed(table, read).collect(engine="streaming")
        _check_cells(path, frame.lazy(), table, read)
    return frame.drop(_IS_REJECTED)


def convert_delimited(
    path: Path, cells: Mapping[str, Cell | None], output: Path, separator: str = ",", header: bool = True
) -> pl.LazyFrame:
    """Write what ``read_delimited`` would return to the Parquet file ``output`` and return a scan of it.

    Memory: some 100 MB per polars thread, whatever the length of the file. Rows keep their order. ``output`` is
    written whole or not at all. Raises as ``read_delimited`` does.
    """
    with _readable(path, header):
        table, read = _scan(path, cells, separator, header)
        with replacing(output) as temporary:
            _typed(table, read).sink_parquet(temporary, compression="zstd", compression_level=1)
            _check_cells(path, pl.scan_parquet(temporary, glob=False), table, read)
    return pl.scan_parquet(output, glob=False).drop(_IS_REJECTED)


def check_unique_key(frame: pl.DataFrame, key: str, path: Path) -> None:
    """Refuse a table in which a key appears twice: joining it would multiply rows."""
    repeated = frame.filter(pl.col(key).is_duplicated())
    if repeated.height:
        value = repeated[key][0]
        times = repeated.filter(pl.col(key) == value).height
        raise WatchtimeError(f"{path}: {key} {value} has {times} rows, one is allowed.")


def too_large(text: str | None) -> str:
    """Return a hint where a cell holds a number that no column takes, else nothing."""
    try:
        return " (too large)" if _LARGEST < abs(float(text or 0)) < math.inf else ""
    except ValueError:
        return ""


def _or_missing(allowed: str, missing: tuple[str, ...]) -> str:
    return " or ".join([allowed, *(f"'{text}'" for text in missing)])


@contextmanager
def _readable(path: Path, header: bool) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except IsADirectoryError:
        raise WatchtimeError(f"{path}: a folder was found where a file was expected.") from None
    except (pl.exceptions.ComputeError, UnicodeDecodeError) as error:
        with path.open("rb") as stream:
            for row, line in enumerate(stream, start=0 if header else 1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    place = f"row {row}" if row else "the header"
                    raise WatchtimeError(f"{path}: {place} is not UTF-8 text.") from None
        raise WatchtimeError(f"{path}: the file cannot be read as a table: {first_words(error)}.") from None


def _scan(
    path: Path, cells: Mapping[str, Cell | None], separator: str, header: bool
) -> tuple[pl.LazyFrame, dict[str, Cell]]:
    """Return the file as text columns, once its shape is checked, and the cells of those that are read."""
    schema = dict.fromkeys(checked_columns(path, list(cells), separator, header), pl.String)
    # An empty cell is null whether or not it is quoted.
    table = pl.scan_csv(path, separator=separator, has_header=header, schema=schema, null_values=[""], glob=False)
    return table, {name: cell for name, cell in cells.items() if cell is not None}


def _typed(table: pl.LazyFrame, cells: Mapping[str, Cell]) -> pl.LazyFrame:
    rejected = pl.any_horizontal(cell.rejected(name) for name, cell in cells.items())
    return table.select(*(cell.value(name) for name, cell in cells.items()), rejected.alias(_IS_REJECTED))


def _check_cells(path: Path, typed: pl.LazyFrame, table: pl.LazyFrame, cells: Mapping[str, Cell]) -> None:
    flag = pl.col(_IS_REJECTED)
    rows, any_rejected = typed.select(pl.len(), flag.any()).collect(engine="streaming").row(0)
    if not rows:
        raise WatchtimeError(f"{path}: the file has a header but no rows.")
    if any_rejected:
        first = typed.select(flag.index_of(True)).collect(engine="streaming").item()
        raise WatchtimeError(_rejection(path, table, cells, first))


def _rejection(path: Path, table: pl.LazyFrame, cells: Mapping[str, Cell], row: int) -> str:
    one = table.slice(row, 1).collect(engine="streaming")
    name, cell = next((n, c) for n, c in cells.items() if one.select(c.rejected(n)).item())
    text = one[name][0]
    found = "an empty cell" if text is None else f"'{plain(text[:LONGEST])}'"
    hint = " (the header line again?)" if text == name else too_large(text)
    return f"{path}: row {row + 1}, column {name}: found {found}{hint}, allowed: {cell.allowed}."
