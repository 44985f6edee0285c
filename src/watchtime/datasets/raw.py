"""Raw delimited files, read strictly: every cell is what its column allows, or one sentence says which one is not.

Rows are counted from 1, without the header line. No field spans lines.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from watchtime.core.errors import WatchtimeError, nearest

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
_LARGEST = 2**53  # whole numbers above this have no exact 64-bit float, and no raw file needs them


@dataclass(frozen=True)
class Cell:
    """What a column may hold: ``parse`` turns text into a value, and into null where the text is not allowed."""

    allowed: str
    parse: Callable[[pl.Expr], pl.Expr]
    optional: bool = False

    def rejected(self, column: str) -> pl.Expr:
        text = pl.col(column)
        wrong = self.parse(text).is_null()
        return wrong & text.is_not_null() if self.optional else wrong


def whole(least: int = 0, most: int = _LARGEST) -> Cell:
    """A whole number between ``least`` and ``most``: Int64."""
    limits = f"of at least {least}" if most == _LARGEST else f"from {least} to {most}"

    def parse(text: pl.Expr) -> pl.Expr:
        value = text.cast(pl.Int64, strict=False)
        return pl.when(value.is_between(least, most)).then(value)

    return Cell(f"a whole number {limits}", parse)


def number(optional: bool = False) -> Cell:
    """A finite number of at least 0: Float64."""

    def parse(text: pl.Expr) -> pl.Expr:
        value = text.cast(pl.Float64, strict=False)
        return pl.when(value.is_finite() & (value >= 0)).then(value)

    return Cell("a number of at least 0", parse, optional)


def date(pattern: str, example: str, optional: bool = False) -> Cell:
    """A calendar day written exactly as ``pattern``: Date."""

    def parse(text: pl.Expr) -> pl.Expr:
        day = text.str.to_date(pattern, strict=False)
        return pl.when(day.dt.to_string(pattern) == text).then(day)

    return Cell(f"a day such as {example}", parse, optional)


# "1.0" and "1" are one category: a column of whole numbers with gaps is written with decimals by many tools.
CATEGORY = Cell("any text", lambda text: text.str.replace(r"^(-?\d+)\.0+$", "$1"), optional=True)


def read_delimited(path: Path, cells: Mapping[str, Cell | None], separator: str = ",") -> pl.DataFrame:
    """Return the columns of ``path`` that have a cell, in the order of ``cells``; None marks a column not read.

    Raises a ``WatchtimeError`` for a missing, empty, cut or non-UTF-8 file, for columns that are missing, repeated,
    unknown or separated otherwise, and for the first cell that its column does not allow.
    """
    with _readable(path):
        columns = _header(path, separator)
        _check_columns(path, columns, list(cells), separator)
        _check_field_counts(path, len(columns), separator)
        read = {name: cell for name, cell in cells.items() if cell is not None}
        table = pl.scan_csv(path, separator=separator, infer_schema=False, glob=False)
        rejected = pl.any_horizontal(cell.rejected(name) for name, cell in read.items())
        values = [cell.parse(pl.col(name)).alias(name) for name, cell in read.items()]
        frame = table.select(*values, rejected.alias("is rejected")).collect(engine="streaming")
        if not frame.height:
            raise WatchtimeError(f"{path}: the file has a header but no rows.")
        if frame["is rejected"].any():
            raise WatchtimeError(_rejection(path, table, read, frame["is rejected"].arg_max() or 0))
    return frame.drop("is rejected")


def check_unique_key(frame: pl.DataFrame, key: str, path: Path) -> None:
    """Refuse a table in which a key appears twice: joining it would multiply rows."""
    repeated = frame.filter(pl.col(key).is_duplicated())
    if repeated.height:
        value = repeated[key][0]
        times = repeated.filter(pl.col(key) == value).height
        raise WatchtimeError(f"{path}: {key} {value} has {times} rows, one is allowed.")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except IsADirectoryError:
        raise WatchtimeError(f"{path}: a folder was found where a file was expected.") from None
    except (pl.exceptions.ComputeError, UnicodeDecodeError) as error:
        with path.open("rb") as stream:
            for row, line in enumerate(stream):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    place = f"row {row}" if row else "the header"
                    raise WatchtimeError(f"{path}: {place} is not UTF-8 text.") from None
        raise WatchtimeError(f"{path}: the file cannot be read as a table: {str(error).splitlines()[0]}.") from None


def _header(path: Path, separator: str) -> list[str]:
    with path.open("rb") as stream:
        line = stream.readline().decode("utf-8-sig").rstrip("\r\n")
    if not line:
        raise WatchtimeError(f"{path}: the file is empty or begins with a blank line, a header is expected.")
    return next(csv.reader([line], delimiter=separator))


def _check_columns(path: Path, found: list[str], expected: list[str], separator: str) -> None:
    if len(found) == 1:
        other = max(_SEPARATORS, key=found[0].count)
        if found[0].count(other):
            raise WatchtimeError(
                f"{path}: the header is separated by {_SEPARATORS[other]}, {_SEPARATORS[separator]} are expected."
            )
    for name in found:
        if found.count(name) > 1:
            raise WatchtimeError(f"{path}: the column '{name}' appears {found.count(name)} times in the header.")
    extra = [name for name in found if name not in expected]
    missing = [name for name in expected if name not in found]
    if missing:
        guess = nearest(missing[0], extra)
        hint = f", found '{guess}' instead" if guess else f"; the header has {', '.join(found)}"
        raise WatchtimeError(f"{path}: the column '{missing[0]}' is missing{hint}.")
    if extra:
        raise WatchtimeError(f"{path}: unknown column '{extra[0]}', allowed: {', '.join(expected)}.")


def _check_field_counts(path: Path, columns: int, separator: str) -> None:
    """Refuse the first line with too few or too many fields: the CSV reader would fill it up with nulls."""
    line = pl.col("line")
    separators = line.str.replace_all('"[^"]*"', "").str.count_matches(separator, literal=True)
    open_quote = line.str.count_matches('"', literal=True) % 2 == 1
    lines = pl.scan_lines(path, name="line", row_index_name="row", glob=False)
    wrong = lines.filter((separators != columns - 1) | open_quote).head(1)
    first = wrong.select("row", line, (separators + 1).alias("fields"), open_quote.alias("open")).collect(
        engine="streaming"
    )
    if not first.height:
        return
    row, text, fields, is_open = first.row(0)
    last = lines.select(pl.len()).collect(engine="streaming").item() - 1
    hint = "; it is the last row: the file may be cut off" if row == last else ""
    if is_open:
        raise WatchtimeError(f"{path}: row {row}: a quotation mark is left open{hint}.")
    raise WatchtimeError(f"{path}: row {row}: found {fields if text else 0} fields, {columns} are expected{hint}.")


def _rejection(path: Path, table: pl.LazyFrame, cells: Mapping[str, Cell], row: int) -> str:
    one = table.slice(row, 1).collect()
    name, cell = next((n, c) for n, c in cells.items() if one.select(c.rejected(n)).item())
    text = one[name][0]
    found = "an empty cell" if text is None else f"'{text}'"
    hint = " (the header line again?)" if text == name else ""
    return f"{path}: row {row + 1}, column {name}: found {found}{hint}, allowed: {cell.allowed}."
