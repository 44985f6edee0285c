"""A number per user, with the weight that it has in an average over users."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UserAverage:
    """An average over users: its value (NaN if none counted), how many users there are, how many counted."""

    value: float
    users: int
    users_counted: int


@dataclass(frozen=True)
class UserValues:
    """The value and the weight of every user, both (users,), by ascending key; a user who does not count weighs 0."""

    value: FloatArray
    weight: npt.NDArray[Any]

    @classmethod
    def of(cls, value: FloatArray, weight: npt.NDArray[Any], counted: npt.NDArray[np.bool_]) -> UserValues:
        """Return the values of those who are counted; what the others have does not matter."""
        return cls(np.where(counted, value, 0.0), np.where(counted, weight, 0))

    def average(self) -> UserAverage:
        """Return Σ_u w_u v_u / Σ_u w_u over the users u."""
        total = int(self.weight.sum())
        # fsum rounds once, so the sum does not depend on the order in which a CPU adds.
        value = math.fsum(self.weight * self.value) / total if total else math.nan
        return UserAverage(value, users=len(self.value), users_counted=int(np.count_nonzero(self.weight)))
