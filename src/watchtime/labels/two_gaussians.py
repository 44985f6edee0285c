"""A mixture of two Gaussians on a line, fitted to distinct values with counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from watchtime.labels.base import Floats


class TwoGaussians(NamedTuple):
    """p(y) = Σ_k w_k N(y; μ_k, σ_k²) with μ_0 ≤ μ_1."""

    weights: Floats
    """w, [2]."""
    means: Floats
    """μ, [2]."""
    variances: Floats
    """σ², [2]."""

    @classmethod
    def fit(
        cls, values: Floats, counts: Floats, variance_floor: float, tolerance: float, iterations: int
    ) -> TwoGaussians:
        """Return the mixture that expectation maximisation reaches from the best cut of the values in two.

        The start has the rows of each half wholly in one component: the cut with the smallest sum of squares within
        the halves, which K-means would find with luck. No number is random. ``variance_floor`` is added to both
        variances at every step, without which a component on one value would have none. It ends when an iteration
        raises the mean log-likelihood of a row by less than ``tolerance``, or after ``iterations``.

        ``values`` [distinct] ascending, ``counts`` [distinct] > 0. One value alone is both means, with half of the
        weight each.
        """
        if len(values) == 1:
            return cls(np.full(2, 0.5), np.full(2, values[0]), np.full(2, variance_floor))
        upper = (np.arange(len(values)) >= _best_cut(values, counts)).astype(np.float64)
        likelihood = -np.inf
        for _ in range(iterations):
            mixture = cls._of(values, counts, upper, variance_floor)
            upper, logs = mixture._expectation(values)
            before, likelihood = likelihood, float(counts @ logs / counts.sum())
            if likelihood - before < tolerance:
                break
        order = np.argsort(mixture.means, kind="stable")
        return cls(*(each[order] for each in mixture))

    @classmethod
    def _of(cls, values: Floats, counts: Floats, upper: Floats, variance_floor: float) -> TwoGaussians:
        """Return the most likely mixture where ``upper`` [distinct] is the share of each value in component 1."""
        shares = np.stack([1 - upper, upper]) * counts
        # A component that lost all its rows keeps a finite mean, and no weight.
        rows = np.maximum(shares.sum(1), np.finfo(np.float64).tiny)
        means = shares @ values / rows
        deviations = (values - means[:, None]) ** 2
        return cls(rows / counts.sum(), means, (shares * deviations).sum(1) / rows + variance_floor)

    def _expectation(self, values: Floats) -> tuple[Floats, Floats]:
        """Return P(component 1 | y) and log p(y) of each value, both [distinct]."""
        scales = self.variances[:, None]
        joint = np.log(self.weights)[:, None] - ((values - self.means[:, None]) ** 2 / scales + _log(scales)) / 2
        return expit(joint[1] - joint[0]), np.logaddexp(*joint)


def _log(variances: Floats) -> Floats:
    return np.log(2 * np.pi * variances)


def _best_cut(values: Floats, counts: Floats) -> int:
    """Return the first value of the upper half under the cut with the smallest sum of squares within both halves.

    That is the one with the largest n_0 n_1 (μ_0 − μ_1)²; the first of equal ones.
    """
    shifted = values - values[0]
    rows, sums = np.cumsum(counts)[:-1], np.cumsum(counts * shifted)[:-1]
    others, rest = counts.sum() - rows, counts @ shifted - sums
    return 1 + int(np.argmax(rows * others * (sums / rows - rest / others) ** 2))
