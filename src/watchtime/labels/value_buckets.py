"""Targets as a place in a bucket of an ordered sub-distribution, and back (MDME)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Array, Codec, Floats, Integers
from watchtime.labels.intervals import Intervals, means_of, shares_of


@dataclass(frozen=True, eq=False)
class ValueBuckets(Codec):
    """0 is a sub-distribution and a bucket of its own; the positive targets are S ordered ones of B buckets each.

    Their edges are 0 and the quantiles of the positive training targets at the levels l / (S B), so that buckets, and
    with them sub-distributions, have about as many rows; where quantiles are equal, a bucket has no width and no rows.
    In bucket l the target is e_l + bias (e_{l+1} − e_l) with the ``bias`` in [0, 1], cut there for a target above the
    largest training one. Without a positive target the edges are even steps up to 1.

    Labels: ``sub_distribution`` int64 [rows], 0 for the target 0, else 1 … S; ``bucket`` int64 [rows], 0 … B − 1
    inside it; ``bias`` float64 [rows].

    Source: MDME (Li et al. 2022), whose text says which parts there are; where sub-distributions begin and how many
    buckets they have is ours.
    """

    class Settings(core.Settings):
        """S and B."""

        sub_distributions: int = Field(3, ge=1, le=100)
        buckets: int = Field(8, ge=2, le=1000)

    name = "value_buckets"
    settings: Settings
    edges: Floats
    """e_0 = e_1 = 0 ≤ e_2 ≤ …, in the target's unit, [S B + 2]."""
    interval_means: Floats
    """Mean target of the training rows in each bucket, its midpoint where there are none, [S B + 1]."""
    interval_shares: Floats
    """Share of the training rows in each bucket, [S B + 1]."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        # Sums then do not depend on the order of the rows.
        target = np.sort(target)
        positive = target[target > 0]
        count = settings.sub_distributions * settings.buckets
        levels = np.arange(1, count + 1) / count
        edges = np.concatenate([[0.0, 0.0], np.quantile(positive, levels) if len(positive) else levels])
        interval = np.searchsorted(edges[1:-1], target)
        return cls(
            settings=settings,
            edges=edges,
            interval_means=means_of(interval, target, (edges[:-1] + edges[1:]) / 2),
            interval_shares=shares_of(interval, len(edges) - 1),
        )

    @property
    def intervals(self) -> Intervals:
        """The buckets, the atom at 0 first."""
        return Intervals(self.edges, self.interval_means, self.interval_shares)

    @property
    def widths(self) -> Floats:
        """e_{l+1} − e_l, [S B + 1]."""
        return np.diff(self.edges)

    def facts(self) -> dict[str, int | float]:
        return {"buckets_without_width": int(np.sum(self.widths[1:] == 0))}

    def _bucket_of(self, target: Floats) -> Integers:
        """Return the number of each target's bucket among all, [rows]."""
        return np.searchsorted(self.edges[1:-1], target)

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        bucket = self._bucket_of(target)
        width = self.widths[bucket]
        inside = np.divide(target - self.edges[bucket], width, out=np.zeros(len(target)), where=width > 0)
        above = np.maximum(bucket - 1, 0)
        return {
            "sub_distribution": np.where(bucket > 0, above // self.settings.buckets + 1, 0),
            "bucket": above % self.settings.buckets,
            "bias": np.clip(inside, 0.0, 1.0),
        }

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        bucket = self._bucket_of(target)
        return self.edges[bucket] + self._encode(target, duration)["bias"] * self.widths[bucket]
