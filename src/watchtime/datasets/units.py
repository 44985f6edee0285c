"""Units of raw files."""

from __future__ import annotations

import polars as pl


def seconds(milliseconds: str | pl.Expr) -> pl.Expr:
    """Return a column of milliseconds, to the microsecond, in seconds: for each value the float nearest to it.

    Polars multiplies by the reciprocal of a scalar divisor, which alone makes 13.838000000000001 of 13838.
    """
    column = pl.col(milliseconds) if isinstance(milliseconds, str) else milliseconds
    return (column / 1000).round(6)
