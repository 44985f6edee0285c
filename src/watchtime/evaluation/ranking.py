"""NWTG@k, NEG@k and DS@k: what each user's k rows of highest score hold, averaged over users (LabelCraft, eq. 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.evaluation.pairs import finite_column, same_length
from watchtime.evaluation.user_values import UserAverage, UserValues

FloatArray = npt.NDArray[np.float64]

RANKING_CONVENTIONS = {
    "paper": "The gain at rank r is divided by log2(r + 1). Users with at least k rows are ranked; one whose ideal "
    "gain is 0 is left out of that metric.",
    "released": "The gain at rank r is multiplied by log2(r + 1), in the ideal list too, so that a value may exceed 1. "
    "Users with more than k rows are ranked; one whose ideal gain is 0 has the value 1 (LabelCraft's code).",
}


@dataclass(frozen=True)
class RankingMetrics:
    """The three metrics, in shares, shares and the unit of durations; ``ranking_users`` have rows enough to count."""

    nwtg: UserAverage
    neg: UserAverage
    ds: UserAverage
    ranking_users: int


def ranking_metrics(
    user: npt.ArrayLike,
    score: npt.ArrayLike,
    watch_time: npt.ArrayLike,
    feedback: npt.ArrayLike,
    duration: npt.ArrayLike,
    k: int,
    convention: str = "paper",
) -> RankingMetrics:
    """Return NWTG@k of the watch times, NEG@k of the feedback's indicator, and DS@k of the durations.

    ``feedback`` counts as 1 where it is not 0. All arrays have shape (n,), ``user`` holds keys of any sortable type.
    See ``Rankings`` for the formulas, its rule for ties, and what it raises.
    """
    rankings = Rankings(user, score, k, convention)
    given = np.asarray(feedback)
    positive = finite_column("feedback", given.astype(np.int8) if given.dtype == bool else given) != 0
    return RankingMetrics(
        nwtg=rankings.normalised_gain("watch time", watch_time),
        neg=rankings.normalised_gain("feedback", positive.astype(np.int8)),
        ds=rankings.standard_deviation("duration", duration),
        ranking_users=rankings.users_ranked,
    )


class Rankings:
    """The rows of each user by falling score s, of which the first ``k`` are the user's list.

    **Ties.** Rows of equal score stand in every order alike, and sums over the list are exact expectations over those
    orders: a row counts with the mean weight of the ranks that its tied rows fill, ranks beyond k weighing 0. No order
    of the stored rows matters.

    ``convention`` is one of ``RANKING_CONVENTIONS``. Raises WatchtimeError where shapes differ, a value is not finite
    (the first such row is named), k is below 1, or the convention is unknown.
    """

    def __init__(self, user: npt.ArrayLike, score: npt.ArrayLike, k: int, convention: str = "paper") -> None:
        if convention not in RANKING_CONVENTIONS:
            raise WatchtimeError(unknown("ranking convention", convention, RANKING_CONVENTIONS))
        if k < 1:
            raise WatchtimeError(f"ranking metrics: k = {k} was found, allowed is k ≥ 1.")
        score = finite_column("score", score)
        keys = np.asarray(user)
        same_length("user", keys, len(score))
        code, counts = np.unique(keys, return_inverse=True, return_counts=True)[1:]
        ranked = counts > k if convention == "released" else counts >= k
        self.k, self.convention = k, convention
        self.users, self.users_ranked = len(counts), int(ranked.sum())
        self._rows, self._kept = len(score), np.flatnonzero(ranked[code])
        self._user = code[self._kept]
        self._ranked, self._counts = ranked, counts[ranked]
        self._starts = np.cumsum(self._counts) - self._counts
        place = np.arange(len(self._kept)) - np.repeat(self._starts, self._counts)
        discount = np.log2(place + 2)
        self._weight = np.where(place < k, discount if convention == "released" else 1 / discount, 0.0)
        self._order, ordered = self._by_falling(score)
        new = place == 0
        new[1:] |= ordered[1:] != ordered[:-1]
        self._tied = np.cumsum(new) - 1
        self._ties = np.bincount(self._tied)
        self._expected_weight = self._mean_of_ties(self._weight)
        self._listed = self._mean_of_ties((place < k).astype(np.float64))

    def normalised_gain(self, name: str, values: npt.ArrayLike) -> UserAverage:
        """Return the mean over users of their normalised gains."""
        return self.normalised_gains(name, values).average()

    def normalised_gains(self, name: str, values: npt.ArrayLike) -> UserValues:
        """Return for each user Σ_r w_r y_r / Σ_r w_r y'_r over the ranks r = 1 … k.

        y_r ≥ 0 is the value (n,) at rank r by score, y'_r that at rank r by the values themselves, and w_r the
        convention's weight.
        """
        values = self._column(name, values)
        gain = self._per_user(self._expected_weight * values[self._order])
        ideal = self._per_user(self._weight * self._by_falling(values)[1])
        share = np.divide(gain, ideal, out=np.ones_like(gain), where=ideal > 0)
        return self._of_all_users(share, np.full(len(share), True) if self.convention == "released" else ideal > 0)

    def standard_deviation(self, name: str, values: npt.ArrayLike) -> UserAverage:
        """Return the mean over users of their lists' standard deviations."""
        return self.standard_deviations(name, values).average()

    def standard_deviations(self, name: str, values: npt.ArrayLike) -> UserValues:
        """Return for each user the standard deviation (k − 1 in its denominator) of the list's values (n,).

        Where tied rows stand on both sides of rank k, it is the root of the variance's expectation. With q_i the
        probability that row i is listed, g the number of its ties, m their mean and c = Σ q x / k, this variance is
        (Σ q (x − c)² − Σ q (1 − q) g / (g − 1) (x − m)² / k) / (k − 1). Undefined for k = 1.
        """
        values = self._column(name, values)[self._order]
        if self.k == 1:
            return self._of_all_users(np.zeros(len(self._counts)), np.full(len(self._counts), False))
        listed = self._listed
        from_mean = values - np.repeat(self._per_user(listed * values) / self.k, self._counts)
        from_ties = values - self._mean_of_ties(values)
        ties = self._ties[self._tied]
        chance = listed * (1 - listed) * ties / np.maximum(ties - 1, 1)
        squares = self._per_user(listed * from_mean**2 - chance * from_ties**2 / self.k)
        return self._of_all_users(np.sqrt(np.maximum(squares, 0) / (self.k - 1)), np.full(len(squares), True))

    def _column(self, name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
        column = finite_column(name, values)
        same_length(name, column, self._rows)
        return column

    def _by_falling(self, values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Return the ranked users' rows, user by user and by falling value, and the values in this order."""
        kept = values[self._kept].astype(np.float64)
        order = np.lexsort((-kept, self._user))
        return self._kept[order], kept[order]

    def _per_user(self, values: FloatArray) -> FloatArray:
        return np.add.reduceat(values, self._starts) if len(values) else np.empty(0)

    def _mean_of_ties(self, values: npt.NDArray[Any]) -> FloatArray:
        return (np.bincount(self._tied, weights=values) / self._ties)[self._tied]

    def _of_all_users(self, values: FloatArray, counted: npt.NDArray[np.bool_]) -> UserValues:
        """Return the values (users ranked,) of those who are counted, each of the same weight, among all users."""
        value, weight = np.zeros(self.users), np.zeros(self.users, np.int64)
        value[self._ranked], weight[self._ranked] = values, counted
        return UserValues.of(value, weight, weight > 0)
