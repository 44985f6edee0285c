"""The same prediction for every row: the training median or mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from watchtime.core import settings as core
from watchtime.datasets.encoded import EncodedLog
from watchtime.methods.base import Readouts, TableMethod


class TrainingConstant(TableMethod):
    """ŷ = median or mean of the training targets: the best constant for MAE or RMSE."""

    class Settings(core.Settings):
        statistic: Literal["median", "mean"] = "median"

    def fit(self, train: EncodedLog, validation: EncodedLog, seed: int) -> None:
        target = train.target(self.task)
        self.constant = float(np.median(target) if self.settings.statistic == "median" else np.mean(target))

    def predict(self, rows: EncodedLog) -> Readouts:
        return {self.settings.statistic: np.full(len(rows), self.constant)}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {"constant": np.array([self.constant])}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self.constant = float(state["constant"][0])
