"""How well predicted distributions are calibrated: histogram of the probability integral transform, mean CRPS."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 20


def calibration(crps: npt.ArrayLike, pit_low: npt.ArrayLike, pit_high: npt.ArrayLike) -> dict[str, Any]:
    """Return the mean CRPS, the PIT's histogram in ``BINS`` equal bins, and its distance to the uniform distribution.

    ``pit_low`` and ``pit_high`` (n,) are P(Y < y) and P(Y ≤ y) of the true targets. A row spreads its weight evenly
    between the two, so the histogram needs no random draws where the distribution has atoms. The distance is
    max_u |H(u) − u| over the bins' edges u, with H the transform's distribution function: 0 where the predictions
    are calibrated.
    """
    reached = pit_distribution(pit_low, pit_high)
    edges = np.linspace(0, 1, BINS + 1)
    return {
        "crps": float(np.mean(np.asarray(crps, dtype=np.float64))),
        "pit": np.diff(reached).tolist(),
        "pit_distance": float(np.max(np.abs(reached - edges))),
    }


def pit_distribution(pit_low: npt.ArrayLike, pit_high: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return H(u) at the bins' edges, [BINS + 1]: the mean over rows of the uniform law on [low, high] up to u."""
    low, high = (np.asarray(one, dtype=np.float64) for one in (pit_low, pit_high))
    high = np.maximum(low, high)
    width = np.where(high > low, high - low, 1.0)
    edges = np.linspace(0, 1, BINS + 1)
    reached = [np.mean(np.where(high > low, np.clip((u - low) / width, 0, 1), low <= u)) for u in edges]
    return np.asarray([0.0, *reached[1:-1], 1.0])
