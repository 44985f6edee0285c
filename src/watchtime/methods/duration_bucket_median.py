"""The training median of the row's duration bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from watchtime.core import settings as core
from watchtime.datasets.encoded import EncodedLog
from watchtime.methods.base import Readouts, TableMethod


class DurationBucketMedian(TableMethod):
    """ŷ = median of the training targets whose duration lies between the same two training quantiles.

    Durations between two quantiles that no training row has get the median of all training targets.
    """

    class Settings(core.Settings):
        buckets: int = Field(30, ge=1)

    needs_duration = True

    def fit(self, train: EncodedLog, validation: EncodedLog, seed: int) -> None:
        target, duration = train.target(self.task), np.asarray(train.duration)
        levels = np.arange(1, self.settings.buckets) / self.settings.buckets
        self.edges = np.unique(np.quantile(duration, levels))
        bucket = np.searchsorted(self.edges, duration, side="right")
        groups = [target[bucket == number] for number in range(len(self.edges) + 1)]
        self.medians = np.array([np.median(group if len(group) else target) for group in groups])

    def predict(self, rows: EncodedLog) -> Readouts:
        return {"median": self.medians[np.searchsorted(self.edges, np.asarray(rows.duration), side="right")]}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {"edges": self.edges, "medians": self.medians}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self.edges, self.medians = state["edges"], state["medians"]
