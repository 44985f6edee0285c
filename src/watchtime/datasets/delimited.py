"""The shape of a delimited text file: a header that names the columns, and one field per column on every line.

A CSV reader fills short lines up with nulls and may pass over long ones, so the shape is checked before it reads.
Rows are counted from 1, without the header line. A field may be quoted, and none spans lines.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import polars as pl

from watchtime.core.errors import WatchtimeError, nearest, plain

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
_LONGEST_LINE = 2**16  # bytes of a first line
_BLOCK = 2**18  # bytes looked at in one go: the masks over them stay in the processor's cache


def checked_columns(path: Path, columns: list[str], separator: str, header: bool) -> list[str]:
    """Return the names of the fields from left to right, once every line is known to have one field for each.

    With a header they are ``columns`` in any order, without one they are ``columns``. Memory: a constant.
    Raises a ``WatchtimeError`` for another header and for the first line with another number of fields.
    """
    first = header_names(path, separator) if header else _first_row(path, separator)
    if len(first) == 1 < len(columns):
        _check_separator(path, first[0], separator, "header" if header else "first row")
    if header:
        _check_names(path, first, columns)
    if not _is_plain_and_even(path, len(columns), separator):
        _check_lines(path, len(columns), separator, header)
    return first if header else columns


def first_line(path: Path, place: str = "the header") -> str:
    """Return the first line, without its end; raises ``WatchtimeError`` where it is no text or far too long."""
    with path.open("rb") as stream:
        line = stream.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise WatchtimeError(f"{path}: {place} has more than the {_LONGEST_LINE:,} bytes that are allowed.")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WatchtimeError(f"{path}: {place} is not UTF-8 text.") from None
    if "\0" in text:
        raise WatchtimeError(f"{path}: {place} holds a NUL: it may be UTF-16, UTF-8 text is expected.")
    return text.rstrip("\r\n")


def header_names(path: Path, separator: str) -> list[str]:
    """Return the names in the header; raises ``WatchtimeError`` where there is none."""
    text = first_line(path)
    if not text:
        raise WatchtimeError(f"{path}: the file is empty or begins with a blank line, a header is expected.")
    if "\r" in text:
        raise WatchtimeError(f"{path}: the header holds a carriage return, lines are expected to end with a newline.")
    return _fields(text, separator)


def _first_row(path: Path, separator: str) -> list[str]:
    if not path.stat().st_size:
        raise WatchtimeError(f"{path}: the file is empty.")
    return _fields(first_line(path, "row 1").replace("\r", " "), separator)


def _fields(line: str, separator: str) -> list[str]:
    """Return the fields of a line; each is shorter than the limit of the CSV reader, since the line is."""
    return next(csv.reader([line], delimiter=separator), [""])


def _check_separator(path: Path, line: str, separator: str, place: str) -> None:
    other = max(_SEPARATORS, key=line.count)
    if line.count(other):
        raise WatchtimeError(
            f"{path}: the {place} is separated by {_SEPARATORS[other]}, {_SEPARATORS[separator]} are expected."
        )


def _check_names(path: Path, found: list[str], expected: list[str]) -> None:
    for name in found:
        if found.count(name) > 1:
            raise WatchtimeError(f"{path}: the column '{plain(name)}' appears {found.count(name)} times in the header.")
    extra = [name for name in found if name not in expected]
    missing = [name for name in expected if name not in found]
    if missing:
        guess = nearest(missing[0], extra)
        hint = f", found '{plain(guess)}' instead" if guess else f"; the header has {plain(', '.join(found))}"
        raise WatchtimeError(f"{path}: the column '{missing[0]}' is missing{hint}.")
    if extra:
        raise WatchtimeError(f"{path}: unknown column '{plain(extra[0])}', allowed: {', '.join(expected)}.")


def _is_plain_and_even(path: Path, columns: int, separator: str) -> bool:
    """Return whether the file has no quotation marks and every line has ``columns`` fields; False may be too strict.

    Let marks be the separators and newlines in file order. Without quotation marks each of them ends a field, so every
    line has ``columns`` fields exactly if the newlines are the marks number ``columns``, 2 ``columns``, 3 ``columns`` …
    A file of one column has no separators that could tell a blank line: it is left to the slow check.
    """
    if columns == 1:
        return False
    block = bytearray(_BLOCK)
    view = np.frombuffer(block, dtype=np.uint8)
    newline, between = ord("\n"), ord(separator)
    ended, last = 0, newline  # fields ended on the current line, last byte of the block
    with path.open("rb", buffering=0) as stream:
        while size := stream.readinto(block):
            if block.find(b'"', 0, size) >= 0:
                return False
            text = view[:size]
            marks = np.compress((text == between) | (text == newline), text)
            line_ends = marks[columns - 1 - ended :: columns] == newline
            if not line_ends.all() or np.count_nonzero(marks == newline) != len(line_ends):
                return False
            ended, last = (ended + len(marks)) % columns, text[-1]
    return ended == (0 if last == newline else columns - 1)


def _check_lines(path: Path, columns: int, separator: str, header: bool) -> None:
    """Refuse the first line with another number of fields than ``columns`` or a quotation mark left open."""
    start = 0 if header else 1
    is_first = pl.col("row") == start
    line = pl.when(is_first).then(pl.col("line").str.strip_prefix("\ufeff")).otherwise(pl.col("line"))
    between = re.escape(separator)
    unquoted = line.str.replace_all(f'(^|{between})("[^"]*"[^"{between}]*)+', "$1")
    fields = pl.when(line != "").then(unquoted.str.count_matches(separator, literal=True) + 1).otherwise(0)
    is_open = unquoted.str.contains(f'(^|{between})"') | (line.str.count_matches('"', literal=True) % 2 == 1)
    lines = pl.scan_lines(path, name="line", row_index_name="row", row_index_offset=start, glob=False)
    found = lines.select("row", fields.alias("fields"), is_open.alias("is open"))
    wrong = found.filter((pl.col("fields") != columns) | pl.col("is open")).head(1).collect(engine="streaming")
    if not wrong.height:
        return
    row, count, left_open = wrong.row(0)
    last = lines.select(pl.col("row").last()).collect(engine="streaming").item()
    hint = "; it is the last row: the file may be cut off" if row == last else ""
    if left_open:
        raise WatchtimeError(f"{path}: row {row}: a quotation mark is left open{hint}.")
    raise WatchtimeError(f"{path}: row {row}: found {count} fields, {columns} are expected{hint}.")
