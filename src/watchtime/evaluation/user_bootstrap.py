"""Intervals over users by a cluster bootstrap: whole users are drawn with replacement, with all their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError

FloatArray = npt.NDArray[np.float64]

DRAWS = 500
"""So many leave the width of a 95 % interval open by about 4 %: it is read in two digits at most."""
BUNDLES = 500
"""More users than this are drawn in so many bundles, each of whole users that were put together at random.

An interval's width then has an error of about 1 / √(2 BUNDLES) = 3 %, and the cost no longer grows with the users.
"""


@dataclass(frozen=True)
class UserRatio:
    """A metric as a ratio of sums over users, Σ_u part_u / Σ_u whole_u, both (users,), by ascending key.

    ``root``: the metric is the square root of the ratio. ``pairs``: the sums count pairs of rows, each of them at both
    of its users. With a_uv the credit of the pairs between u and v, part_u = Σ_v a_uv, and a draw that takes user u
    w_u times has the credit Σ_uv w_u w_v a_uv / 2. Its Hájek projection, which keeps what is linear in w − 1, is
    Σ_u w_u part_u − Σ_u part_u / 2; the whole is projected in the same way.
    """

    part: FloatArray
    whole: FloatArray
    root: bool = False
    pairs: bool = False


class UserDraws:
    """``draws`` times as many users as there are, drawn with replacement; the same for all that is measured with them.

    Raises WatchtimeError where there is no user.
    """

    def __init__(self, users: int, seed: int, draws: int = DRAWS) -> None:
        if users < 1:
            raise WatchtimeError(f"draws of users: {users} users were found, at least 1 is needed.")
        generator = np.random.default_rng(seed)
        self.users, clusters = users, min(users, BUNDLES)
        self._bundle = generator.permutation(users) % clusters if users > clusters else np.arange(users)
        self._times = np.empty((draws, clusters))
        for times in self._times:
            times[:] = np.bincount(generator.integers(0, clusters, clusters, dtype=np.int32), minlength=clusters)

    def values(self, ratios: Sequence[UserRatio]) -> FloatArray:
        """Return the metrics of every draw, (draws, ratios); NaN where a draw does not define one."""
        sums = np.array([one for ratio in ratios for one in (ratio.part, ratio.whole)])
        counted_twice = np.repeat([ratio.pairs for ratio in ratios], 2)
        drawn = self._times @ np.column_stack([np.bincount(self._bundle, weights=one) for one in sums])
        drawn -= np.where(counted_twice, sums.sum(1) / 2, 0.0)
        part, whole = drawn[:, ::2], drawn[:, 1::2]
        values = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
        return np.where([ratio.root for ratio in ratios], np.sqrt(np.maximum(values, 0)), values)

    def intervals(self, ratios: Sequence[UserRatio], level: float = 0.95) -> list[tuple[float, float] | None]:
        """Return the percentile interval of each metric, over the draws that define it.

        None where there is one user, or fewer than half of the draws define the metric.
        """
        if self.users == 1 or not ratios:
            return [None for _ in ratios]
        values = np.sort(self.values(ratios), axis=0)
        known = (~np.isnan(values)).sum(0)
        return [
            _percentiles(column[:defined], level) if 2 * defined >= len(column) else None
            for column, defined in zip(values.T, known, strict=True)
        ]


def _percentiles(ordered: FloatArray, level: float) -> tuple[float, float]:
    """Return the two values between which the central ``level`` of the ordered ones lie."""
    places = np.array([1 - level, 1 + level]) / 2 * (len(ordered) - 1)
    low, high = np.interp(places, np.arange(len(ordered)), ordered)
    return float(low), float(high)
