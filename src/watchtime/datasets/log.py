"""A log with the tables that its users and items point into: every column as one value per row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from watchtime.core.errors import WatchtimeError
from watchtime.core.seal import intact
from watchtime.datasets.codes import Side

Frame = pl.DataFrame | pl.LazyFrame
Places = npt.NDArray[np.int32]
TABLES: Mapping[Side, str] = {"user": "users.parquet", "item": "items.parquet"}
ROWS = "interactions.parquet"


@dataclass(frozen=True)
class Log:
    """Rows that stay on disk until a column is read, and small tables with one row per user or item."""

    rows: pl.LazyFrame
    tables: Mapping[Side, pl.DataFrame]

    @classmethod
    def of(cls, log: Frame | Log) -> Log:
        """Return a flat frame, in which every column stands beside its row, as a log without tables."""
        return log if isinstance(log, Log) else cls(log.lazy(), {})

    @classmethod
    def read(cls, folder: Path) -> Log:
        """Return the interactions in a folder, and the tables beside them."""
        tables = {side: scan(folder / name).collect() for side, name in TABLES.items()}
        return cls(scan(folder / ROWS), {side: table for side, table in tables.items() if table.width > 1})

    def __len__(self) -> int:
        return self.rows.select(pl.len()).collect().item()

    @cached_property
    def names(self) -> list[str]:
        """The columns of the rows, then those of the tables."""
        return [
            *self.rows.collect_schema().names(),
            *(name for table in self.tables.values() for name in table.columns),
        ]

    def where(self, mask: pl.Series) -> Log:
        """Return the rows that a boolean mask selects."""
        return Log(self.rows.filter(mask), self.tables)

    def side_of(self, name: str) -> Side | None:
        """Return in whose table a column stands, None for a column of the rows."""
        if name in self.rows.collect_schema().names():
            return None
        return next((side for side, table in self.tables.items() if name in table.columns), None)

    def values(self, name: str) -> pl.Series:
        """Return one value per row; missing where the table has no row for a user or item."""
        side = self.side_of(name)
        if side is not None:
            return self.table_values(name, side).gather(self.places[side])
        if name not in self.names:
            raise WatchtimeError(f"the log lacks the column '{name}'; it has {', '.join(self.names)}.")
        return self.rows.select(name).collect(engine="streaming").to_series()

    def table_values(self, name: str, side: Side) -> pl.Series:
        """Return the column of a table with a missing value after its last row."""
        return self.tables[side][name].extend_constant(None, 1)

    @cached_property
    def places(self) -> Mapping[Side, Places]:
        """For every row the place of its user or item in the table, one past the end where it is not there."""
        return {side: self._places(side, table) for side, table in self.tables.items()}

    def _places(self, side: Side, table: pl.DataFrame) -> Places:
        key = self.rows.select(side).collect(engine="streaming")
        keys = table.select(pl.col(side).cast(key.schema[side])).with_row_index("place")
        found = key.join(keys, on=side, how="left", maintain_order="left")["place"]
        return found.fill_null(table.height).cast(pl.Int32).to_numpy()


def scan(path: Path) -> pl.LazyFrame:
    """Return a Parquet file that is there and readable, unread."""
    try:
        frame = pl.scan_parquet(intact(path), glob=False)
        frame.collect_schema()
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        raise WatchtimeError(f"{path}: not a Parquet file.") from None
    return frame
