"""How far an order of methods depends on the repetitions: what it would be if they were drawn anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watchtime.core.errors import WatchtimeError, unknown

FloatArray = npt.NDArray[np.float64]

MOST_COUNTED = 5**5
"""All draws of up to five repetitions are counted; of more, so many are drawn at random."""


@dataclass(frozen=True)
class RankStability:
    """Of every row: how often its mean is the best, and between which ranks it stands in 95 % of the draws.

    ``best`` shares a draw among rows that tie for it, so that it sums to 1; ``unbeaten`` gives it to each of them.
    """

    best: FloatArray
    unbeaten: FloatArray
    lowest: FloatArray
    highest: FloatArray


def rank_stability(values: npt.ArrayLike, direction: str, seed: int = 0, level: float = 0.95) -> RankStability:
    """Return what becomes of the ranks when the n repetitions are drawn anew, with replacement, paired across rows.

    ``values`` is (rows, n): each draw takes n of the columns, the same for all rows, and ranks the rows' means, 1 being
    the best in the ``direction`` "lower" or "higher". Rows of equal mean share the best place and the mean of their
    ranks. All n^n draws count alike where they are at most ``MOST_COUNTED``, so that nothing is random; of more
    repetitions as many draws follow from ``seed``. Raises WatchtimeError where there is no value, one is not finite, or
    the direction is another.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2 or not found.size or not np.isfinite(found).all():
        raise WatchtimeError(
            f"rank stability: finite values of shape (rows, repetitions) are needed, not {found.shape}."
        )
    if direction not in ("lower", "higher"):
        raise WatchtimeError(unknown("direction", direction, ("lower", "higher")))
    times = _times(found.shape[1], seed)
    # Sums of the same numbers in another order differ in their last digits and are equal means.
    scale = float(np.abs(found).max()) * found.shape[1] or 1.0
    means = np.round(times @ found.T / scale, 12)
    ranks = _average_ranks(means if direction == "lower" else -means)
    is_best = means == (means.min if direction == "lower" else means.max)(axis=1, keepdims=True)
    tails = ((1 - level) / 2, (1 + level) / 2)
    lowest, highest = np.quantile(ranks, tails, axis=0, method="inverted_cdf")
    shared = is_best / is_best.sum(1, keepdims=True)
    return RankStability(shared.mean(0), is_best.mean(0), lowest, highest)


def _times(repetitions: int, seed: int) -> FloatArray:
    """Return how often each repetition is drawn, (draws, repetitions)."""
    if repetitions**repetitions <= MOST_COUNTED:
        drawn = np.indices([repetitions] * repetitions).reshape(repetitions, -1).T
    else:
        drawn = np.random.default_rng(seed).integers(0, repetitions, (MOST_COUNTED, repetitions))
    return (drawn[:, :, None] == np.arange(repetitions)).sum(1).astype(np.float64)


def _average_ranks(values: npt.NDArray[np.floating]) -> FloatArray:
    """Return the ranks within each row of (draws, methods), 1 for the smallest; equals share the mean of theirs."""
    one, other = values[:, :, None], values[:, None, :]
    return np.asarray((one > other).sum(2) + ((one == other).sum(2) + 1) / 2)
