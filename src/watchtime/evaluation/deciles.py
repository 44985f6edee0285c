"""What is predicted, and what is true, in each tenth of the rows by their prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DECILES = 10


def deciles(target: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the mean target and the mean prediction of each tenth of the rows, lowest predictions first, [10] each.

    A tenth has n / 10 rows, whole or not: with S(k) the sum over the k rows of lowest prediction, linear in between,
    its mean is 10 (S(n b / 10) − S(n (b − 1) / 10)) / n. Rows of equal prediction share alike in the tenths that they
    reach, so that the means do not depend on how they are stored.
    """
    target, prediction = (np.asarray(one, dtype=np.float64) for one in (target, prediction))
    _, group, count = np.unique(prediction, return_inverse=True, return_counts=True)
    reached = np.concatenate([[0], np.cumsum(count)])
    edges = np.linspace(0, len(target), DECILES + 1)

    def means(sums: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        running = np.interp(edges, reached, np.concatenate([[0.0], np.cumsum(sums)]))
        return np.diff(running) * DECILES / len(target)

    return means(np.bincount(group, target)), means(np.bincount(group, prediction))


def decile_mape(target: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Return mean_b |p_b − y_b| / y_b of the tenths' means, [10] each; NaN where a tenth has the mean target 0."""
    true, predicted = (np.asarray(one, dtype=np.float64) for one in (target, prediction))
    return float(np.mean(np.abs(predicted - true) / true)) if (true > 0).all() else float("nan")
