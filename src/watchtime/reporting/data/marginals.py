"""A distribution stored by its quantiles, and how far a sample is from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

DURATION_EDGES = (0.0, 13.0, 30.0, 120.0, float("inf"))
"""The ends of the duration buckets in seconds; a bucket holds its upper end."""


@dataclass(frozen=True)
class Stored:
    """A distribution by its quantiles: ``knots[i]`` is the quantile at ``levels[i]``, linear in between.

    Both rise from 0 respectively the least value; equal knots are a value that many rows have.
    """

    levels: Floats
    knots: Floats

    def share(self, values: Floats, below: bool = False) -> Floats:
        """Return F(x) = P(X ≤ x) at every x, or P(X < x) where ``below``."""
        place = np.searchsorted(self.knots, values, side="left" if below else "right")
        left = np.clip(place - 1, 0, len(self.knots) - 2)
        width = self.knots[left + 1] - self.knots[left]
        along = np.divide(values - self.knots[left], width, out=np.ones_like(values), where=width > 0)
        inside = self.levels[left] + np.clip(along, 0, 1) * (self.levels[left + 1] - self.levels[left])
        return np.where(place == 0, 0.0, np.where(place == len(self.knots), 1.0, inside))

    def distance(self, sample: Floats) -> float:
        """Return the Kolmogorov–Smirnov distance sup |F(x) − Fₙ(x)| to the distribution of a sample.

        Between values of the sample Fₙ is constant and F rises, so that the supremum is approached at a value of the
        sample, from the left or from the right.
        """
        ordered = np.sort(sample)
        at_most = np.searchsorted(ordered, ordered, side="right") / len(ordered)
        less = np.searchsorted(ordered, ordered, side="left") / len(ordered)
        gaps = self.share(ordered) - at_most, self.share(ordered, below=True) - less
        return float(np.max(np.abs(gaps)))


def in_buckets(duration: Floats, values: Floats) -> list[Floats]:
    """Return the values of the rows in each duration bucket."""
    bucket = np.searchsorted(np.asarray(DURATION_EDGES), duration, side="left") - 1
    return [values[bucket == place] for place in range(len(DURATION_EDGES) - 1)]


def bucket_titles() -> list[str]:
    """Return the duration buckets in words."""
    inner = DURATION_EDGES[1:-1]
    between = [f"{low:g} to {high:g} s" for low, high in pairwise(inner)]
    return [f"up to {inner[0]:g} s", *between, f"above {inner[-1]:g} s"]


def relative_counts(column: pl.Series) -> Floats:
    """Return how many rows each value of a column has, over their mean."""
    counts = column.value_counts()["count"].to_numpy()
    return counts / counts.mean()
