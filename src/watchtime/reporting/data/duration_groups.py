"""Rows in groups of equal size by the duration of their video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DurationGroup:
    """The rows of one group: their durations in seconds, their watch times in seconds, their watch ratios."""

    name: str
    duration: Floats
    watch_time: Floats

    @property
    def ratio(self) -> Floats:
        return self.watch_time / self.duration

    @property
    def span(self) -> str:
        """The shortest and the longest duration."""
        return f"{self.duration.min():.1f} to {self.duration.max():.1f}"


def duration_groups(rows: pl.DataFrame, names: Sequence[str]) -> list[DurationGroup]:
    """Cut the rows with a duration at the quantiles k / n of the duration, n = len(names).

    Equal durations stay together; a group for which that leaves no row is left out.
    """
    rows = rows.filter(pl.col("duration") > 0)
    duration, watch_time = rows["duration"].to_numpy(), rows["watch_time"].to_numpy()
    edges = np.quantile(duration, np.arange(1, len(names)) / len(names))
    group = np.searchsorted(edges, duration)
    return [
        DurationGroup(name, duration[group == place], watch_time[group == place])
        for place, name in enumerate(names)
        if (group == place).any()
    ]
