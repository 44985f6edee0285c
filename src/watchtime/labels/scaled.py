"""The target divided by one statistic of the training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Array, Codec, Floats

# What a target may be divided by.
STATISTIC: dict[str, Callable[[Floats], float]] = {
    "max": lambda target: float(np.max(target)),
    "mean": lambda target: float(np.mean(target)),
    "standard_deviation": lambda target: float(np.std(target)),
    "none": lambda target: 1.0,
}


@dataclass(frozen=True, eq=False)
class Scaled(Codec):
    """value = multiplier · y / s, with s the maximum, mean or standard deviation of the training targets, or 1.

    ``scale: max`` gives value regression as released (``multiplier: 20`` is EGMN's 20 · y / max, which a sigmoid
    cannot follow above max / 20). The map is linear, so it commutes with the mean and with every quantile: the
    prediction of a mean or a median of labels decodes to the mean or the median of targets.

    Labels: ``value`` float64 [rows].
    """

    class Settings(core.Settings):
        """By what the target is divided."""

        scale: Literal["max", "mean", "standard_deviation", "none"] = "max"
        multiplier: float = Field(1.0, gt=0, allow_inf_nan=False)

    name = "scaled"
    settings: Settings
    unit: float
    """Target per label, s / multiplier."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        scale = STATISTIC[settings.scale](target)
        if scale <= 0:
            raise WatchtimeError(
                f"codec 'scaled': the {settings.scale} of the training targets is {scale}, nothing can be divided by"
                " it; scale: none always works."
            )
        return cls(settings=settings, unit=scale / settings.multiplier)

    def decode(self, value: Floats) -> Floats:
        """Return the target y = s · value / multiplier of any label."""
        return value * self.unit

    def facts(self) -> dict[str, int | float]:
        return {"unit": self.unit}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        return {"value": target / self.unit}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return self.decode(target / self.unit)
