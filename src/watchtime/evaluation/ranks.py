"""How well predictions order the rows, and find where the target lies: Spearman's correlation and the Gini index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def average_ranks(values: npt.NDArray[Any]) -> FloatArray:
    """Return each value's rank, 1 for the smallest; equal values share the mean of their ranks. Shapes (n,)."""
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[group])


def spearman(target: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> float:
    """Return Spearman's correlation: Pearson's of the average ranks of ``target`` and ``prediction``, both (n,).

    NaN where one of them is constant.
    """
    one, other = (average_ranks(values) - (len(values) + 1) / 2 for values in (target, prediction))
    scale = math.sqrt(np.square(one).sum() * np.square(other).sum())
    return float((one * other).sum() / scale) if scale else math.nan


def normalised_gini(target: npt.NDArray[Any], prediction: npt.NDArray[Any]) -> float:
    """Return G(prediction) / G(target), both (n,), target ≥ 0: 1 for the order of the targets themselves.

    With the rows sorted by p, the largest first, and C_k = Σ_{i ≤ k} y_i / Σ_i y_i, G(p) = 2 mean_k C_k − 1 (ZILN's
    code). Row i is in C_k for the n + 1 − i places k ≥ i, so G(p) = 2 Σ_i a_i y_i / (n Σ_i y_i) − 1 with a_i the rank
    of p_i from the smallest. Of equal predictions a_i is the average rank: G is then its mean over all orders of the
    tied rows, and does not depend on how they are stored. NaN where the targets are equal, as every order is then
    perfect, or sum to no more than 0.
    """
    target = np.asarray(target, dtype=np.float64)
    total = target.sum()
    if total <= 0 or target.min() == target.max():
        return math.nan

    def gini(by: npt.NDArray[Any]) -> float:
        return 2 * float((average_ranks(by) * target).sum()) / (len(target) * total) - 1

    return gini(prediction) / gini(target)
