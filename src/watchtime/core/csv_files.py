"""Small CSV tables of this project, read strictly: every line has one field per column."""

from __future__ import annotations

import csv
from pathlib import Path

from watchtime.core.errors import WatchtimeError, plain


def read_rows(path: Path, where: str) -> tuple[list[str], dict[int, dict[str, str]]]:
    """Return the columns of a file and its rows by their lines, counted from 1; blank lines are passed over.

    Raises a WatchtimeError that begins with ``where`` for a file that cannot be read, for bytes that are no text and
    for a line with another number of fields.
    """
    line = 0
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            columns, rows = next(reader, list[str]()), dict[int, dict[str, str]]()
            for fields in reader:
                line = reader.line_num
                if len(fields) not in (0, len(columns)):
                    raise WatchtimeError(
                        f"{where}: line {line}: found {len(fields)} fields, {len(columns)} are expected."
                    )
                if fields:
                    rows[line] = dict(zip(columns, fields, strict=True))
    except OSError as error:
        raise WatchtimeError(f"{where}: the file cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise WatchtimeError(f"{where}: the file is not UTF-8 text.") from None
    except csv.Error as error:
        raise WatchtimeError(f"{where}: after line {line}: not a CSV file ({plain(str(error))}).") from None
    return columns, rows
