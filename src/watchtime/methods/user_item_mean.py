"""Overall mean plus shrunk deviations of the user and of the item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from watchtime.core import settings as core
from watchtime.datasets.encoded import EncodedLog
from watchtime.methods.base import Floats, Readouts, TableMethod


class UserItemMean(TableMethod):
    """ŷ = μ + b_i + b_u with b_i = Σ (y − μ) / (n_i + k) and b_u = Σ (y − μ − b_i) / (n_u + k).

    k is ``shrinkage``: a deviation known from k rows counts half. Unknown users and items deviate by 0.
    """

    class Settings(core.Settings):
        shrinkage: float = Field(20.0, ge=0)

    def fit(self, train: EncodedLog, validation: EncodedLog, seed: int) -> None:
        target = train.target(self.task)
        self.mean = float(np.mean(target))
        item, user = self._ids(train, "item"), self._ids(train, "user")
        self.items = self._deviations(item, target - self.mean)
        self.users = self._deviations(user, target - self.mean - self.items[item])

    def predict(self, rows: EncodedLog) -> Readouts:
        user, item = self._ids(rows, "user"), self._ids(rows, "item")
        return {"mean": self.mean + self._looked_up(self.items, item) + self._looked_up(self.users, user)}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {"mean": np.array([self.mean]), "items": self.items, "users": self.users}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self.mean, self.items, self.users = float(state["mean"][0]), state["items"], state["users"]

    def _deviations(self, ids: npt.NDArray[np.int32], residual: Floats) -> Floats:
        deviations = np.bincount(ids, weights=residual) / (np.bincount(ids) + max(self.settings.shrinkage, 1e-9))
        deviations[0] = 0.0
        return deviations

    @staticmethod
    def _looked_up(deviations: Floats, ids: npt.NDArray[np.int32]) -> Floats:
        """Return the deviations; ids that the training rows never showed have none."""
        return np.where(ids < len(deviations), deviations[np.minimum(ids, len(deviations) - 1)], 0.0)

    @staticmethod
    def _ids(rows: EncodedLog, name: str) -> npt.NDArray[np.int32]:
        ids: npt.NDArray[np.int32] = np.asarray(rows.categorical[:, rows.fields.index(name)])
        return ids
