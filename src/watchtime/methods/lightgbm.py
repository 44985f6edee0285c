"""Gradient-boosted trees with target-encoded ids: the strong plain baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.encoded import EncodedLog
from watchtime.methods.base import Floats, Readouts, TableMethod

_OBJECTIVE = {"mean": "regression", "median": "regression_l1", "rank": "regression"}


class GradientBoostedTrees(TableMethod):
    """Trees on numeric columns, and on each id's shrunk mean target and its count in the training rows.

    ``readout`` is what they fit: ``mean`` least squares, ``median`` least absolute error, ``rank`` least squares on
    F(y) = P(Y < y) + P(Y = y) / 2 of the training targets. With ``tweedie`` the mean m is fitted by the deviance of
    Tweedie's law of variance φ mᵖ, 1 < p < 2: a Poisson number of gamma amounts, for y ≥ 0. A training row's own
    target never enters its encoding: the rows are cut into ``folds`` and each fold is encoded by the others. Rounds
    stop on the validation rows. Raises ``WatchtimeError`` where Tweedie's targets are all 0.
    """

    class Settings(core.Settings):
        readout: Literal["mean", "median", "rank"] = "mean"
        tweedie: bool = False
        variance_power: float = Field(1.5, gt=1, lt=2)
        leaves: int = Field(31, ge=2, le=31)
        rounds: int = Field(200, ge=1, le=200)
        learning_rate: float = 0.05
        rows_per_leaf: int = 50
        patience: int = 20
        folds: int = 5
        shrinkage: float = 20.0

        @model_validator(mode="after")
        def _tweedie_fits_a_mean(self) -> Self:
            if self.tweedie and self.readout != "mean":
                raise PydanticCustomError("tweedie", "the readout mean with tweedie")
            return self

    def fit(self, train: EncodedLog, validation: EncodedLog, seed: int) -> None:
        import lightgbm

        target = self._fitted_target(train.target(self.task), train.target(self.task))
        if self.settings.tweedie and not target.any():
            raise WatchtimeError("lightgbm: found training targets of 0 alone, tweedie needs one above 0.")
        held_out = self._fitted_target(train.target(self.task), validation.target(self.task))
        fold = np.random.default_rng(seed).integers(0, self.settings.folds, len(train))
        self._fit_encodings(train, target)
        inputs = np.column_stack([self._out_of_fold(train, target, fold), self._plain(train)])
        dataset = lightgbm.Dataset(inputs, target)
        self.booster = lightgbm.train(
            self._parameters(seed),
            dataset,
            num_boost_round=self.settings.rounds,
            valid_sets=[lightgbm.Dataset(self._inputs(validation), held_out, reference=dataset)],
            callbacks=[lightgbm.early_stopping(self.settings.patience, verbose=False)],
        )

    def predict(self, rows: EncodedLog) -> Readouts:
        prediction = np.asarray(self.booster.predict(self._inputs(rows), num_threads=1))
        return {self.settings.readout: prediction}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        text = self.booster.model_to_string(num_iteration=self.booster.best_iteration)
        encodings = {
            f"{kind}/{place}": value for place, pair in enumerate(self.encodings) for kind, value in pair.items()
        }
        return {"trees": np.frombuffer(text.encode(), dtype=np.uint8), **encodings}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        import lightgbm

        self.booster = lightgbm.Booster(model_str=state["trees"].tobytes().decode())
        count = sum(name.startswith("mean/") for name in state)
        self.encodings = [{"mean": state[f"mean/{place}"], "count": state[f"count/{place}"]} for place in range(count)]

    def parameters(self) -> int:
        """Return the number of leaf values and split thresholds, 2 L − 1 in a tree of L leaves, and of encodings."""
        leaves = [tree["num_leaves"] for tree in self.booster.dump_model()["tree_info"]]
        encodings = sum(value.size for pair in self.encodings for value in pair.values())
        return sum(2 * count - 1 for count in leaves) + encodings

    def _parameters(self, seed: int) -> dict[str, Any]:
        return {
            **self._objective(),
            "num_leaves": self.settings.leaves,
            "learning_rate": self.settings.learning_rate,
            "min_data_in_leaf": self.settings.rows_per_leaf,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed % 2**31,
            "verbosity": -1,
        }

    def _objective(self) -> dict[str, Any]:
        if self.settings.tweedie:
            return {"objective": "tweedie", "tweedie_variance_power": self.settings.variance_power}
        return {"objective": _OBJECTIVE[self.settings.readout]}

    def _fitted_target(self, training: Floats, target: Floats) -> Floats:
        if self.settings.readout != "rank":
            return target
        ordered = np.sort(training)
        below = np.searchsorted(ordered, target, "left")
        return (below + np.searchsorted(ordered, target, "right")) / (2 * len(ordered))

    def _fit_encodings(self, rows: EncodedLog, target: Floats) -> None:
        self.encodings = [
            dict(zip(("mean", "count"), self._encoding(ids, target, int(ids.max(initial=0)) + 1), strict=True))
            for ids in rows.categorical.T
        ]

    def _encoding(self, ids: npt.NDArray[np.int32], target: Floats, size: int) -> tuple[Floats, Floats]:
        """Return each id's shrunk mean target and its number of rows; the last entry stands for unseen ids."""
        count = np.bincount(ids, minlength=size + 1).astype(np.float64)
        total = np.bincount(ids, weights=target, minlength=size + 1)
        overall = target.mean() if len(target) else 0.0
        return (total + self.settings.shrinkage * overall) / (count + self.settings.shrinkage), count

    def _out_of_fold(self, rows: EncodedLog, target: Floats, fold: npt.NDArray[Any]) -> Floats:
        encoded = np.empty((len(rows), 2 * len(self.encodings)))
        for place, ids in enumerate(rows.categorical.T):
            size = len(self.encodings[place]["mean"]) - 1
            for number in range(self.settings.folds):
                own = fold == number
                mean, count = self._encoding(ids[~own], target[~own], size)
                encoded[own, 2 * place], encoded[own, 2 * place + 1] = mean[ids[own]], count[ids[own]]
        return encoded

    def _inputs(self, rows: EncodedLog) -> Floats:
        columns = []
        for ids, encoding in zip(rows.categorical.T, self.encodings, strict=True):
            known = np.minimum(ids, len(encoding["mean"]) - 1)
            columns += [encoding["mean"][known], encoding["count"][known]]
        return np.column_stack([*columns, self._plain(rows)])

    @staticmethod
    def _plain(rows: EncodedLog) -> Floats:
        return np.asarray(rows.numeric, dtype=np.float64)
