"""Targets of which many are 0: in units of the mean positive one, beside intervals that give 0 an atom of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Array, Codec, Floats
from watchtime.labels.intervals import Intervals, means_of, shares_of


@dataclass(frozen=True, eq=False)
class PositiveValues(Codec):
    """value = y / s, with s the mean of the positive training targets (``mean_positive``), or 1 (``none``).

    **Intervals** are the atom at 0 and those between the quantiles of the positive training targets at the levels
    l / L, the first from 0; equal quantiles are merged. An interval predicts the mean of its training rows. Without a
    positive target there is one interval up to 1, and s = 1.

    Labels: ``value`` float64 [rows], above 0 exactly where the target is.
    """

    class Settings(core.Settings):
        """By what the target is divided, and how many intervals lie above 0."""

        scale: Literal["mean_positive", "none"] = "mean_positive"
        count: int = Field(50, ge=1, le=1000)

    name = "positive_values"
    settings: Settings
    unit: float
    """s, target per label."""
    edges: Floats
    """e_0 = e_1 = 0 < e_2 < …, in the target's unit, [L + 2]."""
    interval_means: Floats
    """Mean target of the training rows in each interval, its midpoint where there are none, [L + 1]."""
    interval_shares: Floats
    """Share of the training rows in each interval, [L + 1]."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        # Sums then do not depend on the order of the rows.
        target = np.sort(target)
        positive = target[target > 0]
        some = len(positive) > 0
        levels = np.arange(1, settings.count + 1) / settings.count
        edges = np.concatenate([[0.0, 0.0], np.unique(np.quantile(positive, levels)) if some else [1.0]])
        interval = np.searchsorted(edges[1:-1], target)
        return cls(
            settings=settings,
            unit=float(positive.mean()) if some and settings.scale == "mean_positive" else 1.0,
            edges=edges,
            interval_means=means_of(interval, target, (edges[:-1] + edges[1:]) / 2),
            interval_shares=shares_of(interval, len(edges) - 1),
        )

    @property
    def intervals(self) -> Intervals:
        return Intervals(self.edges, self.interval_means, self.interval_shares)

    @property
    def largest_log(self) -> float:
        """The logarithm of the largest label of a positive training row."""
        return float(np.log(self.edges[-1] / self.unit))

    @property
    def positive_share(self) -> float:
        """Share of the training targets above 0."""
        return float(self.interval_shares[1:].sum())

    def decode(self, value: Floats) -> Floats:
        """Return the target y = s · value of any label."""
        return value * self.unit

    def facts(self) -> dict[str, int | float]:
        return {"unit": self.unit, "intervals": len(self.edges) - 1, "positive_share": self.positive_share}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        return {"value": target / self.unit}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return self.decode(target / self.unit)
