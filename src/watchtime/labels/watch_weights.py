"""Weights of weighted logistic regression: how much a row speaks for and against watching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Array, Codec, Floats


@dataclass(frozen=True, eq=False)
class WatchWeights(Codec):
    """Weights w⁺ and w⁻ of the two terms of the logistic loss.

    ``every_impression``: w⁺ = y / s with s the training mean or maximum, w⁻ = 1 (DADF's code).
    ``long_play``: with t = min(y, duration) and q the training quantile of t at ``level``, a row with t > q has
    w⁺ = t, w⁻ = 0, and every other row w⁺ = 0, w⁻ = 1 (CWM's code).

    Labels: ``positive_weight``, ``negative_weight``, ``positive`` (1 where t > q), all float64 [rows].
    """

    class Settings(core.Settings):
        """Which rows speak for watching, and in which unit."""

        positives: Literal["every_impression", "long_play"] = "every_impression"
        scale: Literal["mean", "max"] = "mean"
        level: float = Field(0.6, gt=0, lt=1)

    name = "watch_weights"
    settings: Settings
    unit: float
    """s, the target that has weight 1."""
    threshold: float
    """q, the watch time above which a play is long."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        if settings.positives == "long_play":
            threshold = np.quantile(_truncated(target, duration), settings.level)
            return cls(settings=settings, unit=1.0, threshold=float(threshold))
        unit = target.mean() if settings.scale == "mean" else target.max()
        if unit <= 0:
            raise WatchtimeError("codec 'watch_weights': every training target is 0, nothing can be divided by it.")
        return cls(settings=settings, unit=float(unit), threshold=0.0)

    @staticmethod
    def needs_duration(settings: Any) -> bool:
        return bool(settings.positives == "long_play")

    def facts(self) -> dict[str, int | float]:
        return {"unit": self.unit, "threshold": self.threshold}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        if self.settings.positives == "every_impression":
            ones = np.ones_like(target)
            return {"positive_weight": target / self.unit, "negative_weight": ones, "positive": ones}
        truncated = _truncated(target, duration)
        positive = (truncated > self.threshold).astype(np.float64)
        return {"positive_weight": truncated * positive, "negative_weight": 1 - positive, "positive": positive}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return self._encode(target, duration)["positive_weight"] * self.unit


def _truncated(target: Floats, duration: Floats | None) -> Floats:
    assert duration is not None
    return np.minimum(target, duration)
