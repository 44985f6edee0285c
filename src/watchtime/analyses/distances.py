"""How far two samples of a number lie apart."""

from __future__ import annotations

from typing import NamedTuple

from scipy import stats

from watchtime.labels.base import Floats


class Distance(NamedTuple):
    """Two distances of the distribution functions F and G of two samples, and what a test makes of one of them."""

    wasserstein: float
    """∫ |F − G|: how far values have to be moved on average to turn one sample into the other, in their unit."""
    kolmogorov: float
    """sup |F − G|, a share of rows; Kolmogorov and Smirnov's statistic."""
    p_value: float
    """Of their two-sample test: the chance of so large a statistic if all values were independent and of one law."""


def distance(one: Floats, other: Floats) -> Distance:
    """Return the distance of two samples, neither of which is empty; the p-value is that of large samples."""
    tested = stats.ks_2samp(one, other, method="asymp")
    return Distance(float(stats.wasserstein_distance(one, other)), float(tested.statistic), float(tested.pvalue))
