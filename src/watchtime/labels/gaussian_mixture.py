"""A mixture of Gaussians on a line, fitted to distinct values with counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from watchtime.labels.base import Floats
from watchtime.labels.one_dimensional_clusters import cluster, nearest


class GaussianMixture(NamedTuple):
    """p(y) = Σ_k w_k N(y; μ_k, σ_k²), k = 1 … K, with μ_1 ≤ … ≤ μ_K."""

    weights: Floats
    """w, [K]."""
    means: Floats
    """μ, [K]."""
    variances: Floats
    """σ², [K]."""

    @classmethod
    def fit(
        cls,
        values: Floats,
        counts: Floats,
        components: int,
        variance_floor: float,
        tolerance: float,
        iterations: int,
    ) -> GaussianMixture:
        """Return the mixture that expectation maximisation reaches from the best K-means clusters of the values.

        At the start each value belongs wholly to its cluster (``one_dimensional_clusters``). No number is random.
        ``variance_floor`` is added to all variances at every step, without which a component on one value would have
        none. It ends when an iteration raises the mean log-likelihood of a row by less than ``tolerance``, or after
        ``iterations``.

        ``values`` [distinct] ascending, ``counts`` [distinct] > 0. Where there are fewer values than ``components``,
        each is a mean, the last one several times with equal shares of its weight.
        """
        if len(values) < components:
            return cls._on_values(values, counts, components, variance_floor)
        start = nearest(cluster(values, components, counts), values)
        shares = (start == np.arange(components)[:, None]).astype(np.float64)
        likelihood = -np.inf
        for _ in range(iterations):
            mixture = cls._of(values, counts, shares, variance_floor)
            shares, logs = mixture._expectation(values)
            before, likelihood = likelihood, float(counts @ logs / counts.sum())
            if likelihood - before < tolerance:
                break
        order = np.argsort(mixture.means, kind="stable")
        return cls(*(each[order] for each in mixture))

    @classmethod
    def _on_values(cls, values: Floats, counts: Floats, components: int, variance_floor: float) -> GaussianMixture:
        copies = components - len(values) + 1
        repeats = np.append(np.ones(len(values) - 1, dtype=np.int64), copies)
        weights = np.repeat(counts / counts.sum() / repeats, repeats)
        return cls(weights, np.repeat(values, repeats), np.full(components, variance_floor))

    @classmethod
    def _of(cls, values: Floats, counts: Floats, shares: Floats, variance_floor: float) -> GaussianMixture:
        """Return the most likely mixture where ``shares`` [K, distinct] of each value are in the components."""
        weighted = shares * counts
        # A component that lost all its rows keeps a finite mean, and no weight.
        rows = np.maximum(weighted.sum(1), np.finfo(np.float64).tiny)
        means = weighted @ values / rows
        deviations = (values - means[:, None]) ** 2
        return cls(rows / counts.sum(), means, (weighted * deviations).sum(1) / rows + variance_floor)

    def _expectation(self, values: Floats) -> tuple[Floats, Floats]:
        """Return P(k | y) [K, distinct] and log p(y) [distinct] of each value."""
        scales = self.variances[:, None]
        distances = (values - self.means[:, None]) ** 2 / scales
        joint = np.log(self.weights)[:, None] - (distances + np.log(2 * np.pi * scales)) / 2
        largest = joint.max(0)
        relative = np.exp(joint - largest)
        total = relative.sum(0)
        return relative / total, largest + np.log(total)
