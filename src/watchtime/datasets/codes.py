"""Users and items as small whole numbers, so that counting distinct ones is quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import polars as pl

Side = Literal["user", "item"]
SIDES: tuple[Side, ...] = ("user", "item")
Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
SPREAD = 4  # numbers that lie this much wider than there are rows are ranked instead


def codes(column: pl.Series) -> Codes:
    """Return equal numbers of at least 0 for equal values, other ones for others; their order says nothing."""
    if not column.dtype.is_integer():
        return column.cast(pl.String).cast(pl.Categorical).to_physical().cast(pl.Int64).to_numpy()
    values = column.cast(pl.Int64).to_numpy()
    if not len(values):
        return values
    least, most = int(values.min()), int(values.max())
    if most - least <= SPREAD * len(values) + 1_000_000:
        return values - least
    return column.rank("dense").cast(pl.Int64).to_numpy() - 1


@dataclass(frozen=True)
class Sides:
    """The codes of users and items of all rows, int64 [rows] each."""

    of: Mapping[Side, Codes]

    @classmethod
    def of_frame(cls, frame: pl.DataFrame) -> Self:
        return cls({side: codes(frame[side]) for side in SIDES})

    def seen(self, side: Side, rows: Mask) -> Mask:
        """Return which codes the chosen rows have, bool [codes]."""
        own = self.of[side]
        seen = np.zeros(int(own.max(initial=-1)) + 1, dtype=np.bool_)
        seen[own[rows]] = True
        return seen

    def count(self, rows: Mask) -> dict[str, int]:
        """Return the numbers of rows, users and items among the chosen rows."""
        return {
            "rows": int(rows.sum()),
            "users": int(self.seen("user", rows).sum()),
            "items": int(self.seen("item", rows).sum()),
        }
