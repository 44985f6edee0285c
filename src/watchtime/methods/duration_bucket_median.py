"""The training median of the row's duration bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from watchtime.core import settings as core
from watchtime.datasets.encoded import EncodedLog
from watchtime.methods.base import Floats, Readouts, TableMethod


class DurationBucketMedian(TableMethod):
    """ŷ = median of the training targets whose duration lies between the same two training quantiles."""

    class Settings(core.Settings):
        buckets: int = 30

    def fit(self, train: EncodedLog, validation: EncodedLog, seed: int) -> None:
        target, duration = train.target(self.task), self._duration(train)
        levels = np.arange(1, self.settings.buckets) / self.settings.buckets
        self.edges = np.unique(np.quantile(duration, levels))
        bucket = np.searchsorted(self.edges, duration, side="right")
        order = np.lexsort((target, bucket))
        counts = np.bincount(bucket, minlength=len(self.edges) + 1)
        groups = np.split(target[order], np.cumsum(counts)[:-1])
        overall = float(np.median(target))
        self.medians = np.array([np.median(group) if len(group) else overall for group in groups])

    def predict(self, rows: EncodedLog) -> Readouts:
        return {"median": self.medians[np.searchsorted(self.edges, self._duration(rows), side="right")]}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {"edges": self.edges, "medians": self.medians}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self.edges, self.medians = state["edges"], state["medians"]

    @staticmethod
    def _duration(rows: EncodedLog) -> Floats:
        """Return durations; a missing one counts as 0 and falls into the first bucket."""
        if rows.duration is None:
            return np.zeros(len(rows))
        return np.nan_to_num(rows.duration)
