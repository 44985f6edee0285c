"""The target in units of a training statistic, beside the training quantiles where a density is summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Array, Codec, Floats
from watchtime.labels.intervals import Intervals, means_of, shares_of
from watchtime.labels.scaled import STATISTIC


@dataclass(frozen=True, eq=False)
class QuantileIntervals(Codec):
    """value = y / s, with s the standard deviation, mean or maximum of the training targets, 1 where that is 0.

    **Intervals** lie between the training quantiles at the levels l / L and begin at 0; equal quantiles are merged. A
    predicted distribution function F has the probability F(e_{l+1}) − F(e_l) of interval l, and the last one takes
    what is beyond; an interval predicts the mean of its training rows.

    Labels: ``value`` float64 [rows].
    """

    class Settings(core.Settings):
        """By what the target is divided, and how many intervals there are."""

        scale: Literal["standard_deviation", "mean", "max"] = "standard_deviation"
        count: int = Field(50, ge=1, le=1000)

    name = "quantile_intervals"
    settings: Settings
    unit: float
    """s, target per label."""
    edges: Floats
    """e_0 = 0 … e_L, increasing, in the target's unit, [L + 1]."""
    interval_means: Floats
    """Mean target of the training rows in each interval, its midpoint where there are none, [L]."""
    interval_shares: Floats
    """Share of the training rows in each interval, [L]."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        # Sums then do not depend on the order of the rows.
        target = np.sort(target)
        unit = STATISTIC[settings.scale](target) or 1.0
        edges = np.unique(np.append(0.0, np.quantile(target, np.arange(1, settings.count + 1) / settings.count)))
        if len(edges) == 1:
            edges = np.array([0.0, unit])
        interval = np.searchsorted(edges[1:-1], target)
        return cls(
            settings=settings,
            unit=unit,
            edges=edges,
            interval_means=means_of(interval, target, (edges[:-1] + edges[1:]) / 2),
            interval_shares=shares_of(interval, len(edges) - 1),
        )

    @property
    def intervals(self) -> Intervals:
        return Intervals(self.edges, self.interval_means, self.interval_shares)

    def facts(self) -> dict[str, int | float]:
        return {"unit": self.unit, "intervals": len(self.edges) - 1}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        return {"value": target / self.unit}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return target / self.unit * self.unit
