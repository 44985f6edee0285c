"""The rows that are evaluated, and what several metrics of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from watchtime.evaluation.pairs import Pairs
from watchtime.evaluation.ranking import RANKING_CONVENTIONS, Rankings
from watchtime.evaluation.user_values import UserValues
from watchtime.evaluation.xauc import PairCounts, summed

Need = Literal["user", "duration", "full_watch", "positive"]
LIST_LENGTHS = (3, 10)
"""How many rows a user's list has: LabelCraft's, and one for logs in which few users have so many rows."""


@dataclass(frozen=True)
class EvaluatedRows:
    """Targets and predictions of n rows, the optional columns (each (n,)), and what several metrics share."""

    target: npt.NDArray[Any]
    prediction: npt.NDArray[Any]
    optional: dict[Need, npt.NDArray[Any]]
    _of_lists: dict[tuple[int, str, str], UserValues] = field(default_factory=dict, repr=False)

    @cached_property
    def error(self) -> npt.NDArray[np.float64]:
        """Prediction − target."""
        return np.subtract(self.prediction, self.target, dtype=np.float64)

    @cached_property
    def truncated_error(self) -> npt.NDArray[np.float64]:
        """Prediction − min(target, full watch), of the rows whose full watch is known."""
        full, known = np.asarray(self.optional["full_watch"], dtype=np.float64), self.has_full_watch
        return np.subtract(self.prediction[known], np.minimum(self.target[known], full[known]), dtype=np.float64)

    @cached_property
    def has_full_watch(self) -> npt.NDArray[np.bool_]:
        """Whether a row's full watch is known."""
        return ~np.isnan(np.asarray(self.optional["full_watch"], dtype=np.float64))

    @cached_property
    def above_zero(self) -> EvaluatedRows:
        """The rows whose target is above 0."""
        kept = self.target > 0
        optional = {need: column[kept] for need, column in self.optional.items()}
        return EvaluatedRows(self.target[kept], self.prediction[kept], optional)

    @cached_property
    def rankings(self) -> dict[tuple[int, str], Rankings]:
        """Every user's list of the rows of highest prediction, by its length and convention."""
        user = self.optional["user"]
        return {
            (length, convention): Rankings(user, self.prediction, length, convention)
            for length in LIST_LENGTHS
            for convention in RANKING_CONVENTIONS
        }

    def of_lists(self, length: int, convention: str, of: str) -> UserValues:
        """Return every user's gain by "target" or "positive", or the standard deviation of the list's "duration"."""
        key = length, convention, of
        if key not in self._of_lists:
            ranking = self.rankings[length, convention]
            if of == "duration":
                self._of_lists[key] = ranking.standard_deviations("duration", self.optional["duration"])
            else:
                values = self.target if of == "target" else self.optional["positive"]
                self._of_lists[key] = ranking.normalised_gains(of, values)
        return self._of_lists[key]

    @cached_property
    def pairs(self) -> Pairs:
        return Pairs(self.target, self.prediction)

    @cached_property
    def counts(self) -> PairCounts:
        return summed(self.pairs)

    @cached_property
    def pairs_by_user(self) -> Pairs:
        return Pairs(self.target, self.prediction, self.optional["user"])
