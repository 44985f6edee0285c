"""A predicted distribution over ordered intervals of the target: its readouts and its calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watchtime.labels.base import Floats, Integers


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals l = 0 … L − 1 between the edges e_0 ≤ … ≤ e_L; probability is uniform within an interval.

    An interval of no width, e_l = e_{l+1}, is an atom there. With the probabilities p [rows, L] of a row:
    mean Σ p_l v_l · variance Σ p_l v_l² − mean² · median where the distribution function reaches ½ · rank Σ p_l F_l,
    with F_l the mean over the interval's training rows of P(Y < y) + P(Y = y) / 2, so that the rank estimates
    E[F(Y) | x], which orders rows best for XAUC.
    """

    edges: Floats
    """e, [L + 1], in the target's unit."""
    values: Floats
    """v, what an interval predicts, [L]."""
    shares: Floats
    """Share of the training rows in each interval, [L]."""

    @property
    def ranks(self) -> Floats:
        """F_l, [L]: the share of rows in smaller intervals and half of the interval's own."""
        return np.cumsum(self.shares) - self.shares / 2

    def readouts(self, probabilities: Floats) -> dict[str, Floats]:
        """Return all that is read out, [rows] each: mean, median, rank and, behind what is scored, variance."""
        return {
            "mean": self.mean(probabilities),
            "median": self.median(probabilities),
            "rank": self.rank(probabilities),
            "variance": self.variance(probabilities),
        }

    def mean(self, probabilities: Floats) -> Floats:
        return probabilities @ self.values

    def variance(self, probabilities: Floats) -> Floats:
        return np.maximum(probabilities @ self.values**2 - self.mean(probabilities) ** 2, 0.0)

    def rank(self, probabilities: Floats) -> Floats:
        return np.clip(probabilities @ self.ranks, 0.0, 1.0)

    def median(self, probabilities: Floats) -> Floats:
        """Return where the distribution function reaches one half, [rows]."""
        cumulative = np.cumsum(probabilities, axis=1)
        interval = np.argmax(cumulative >= 0.5 * cumulative[:, -1:], axis=1)[:, None]
        inside = np.take_along_axis(probabilities, interval, 1)[:, 0]
        before = np.take_along_axis(cumulative, interval, 1)[:, 0] - inside
        share = np.clip((0.5 * cumulative[:, -1] - before) / np.maximum(inside, 1e-300), 0, 1)
        low, high = self.edges[interval[:, 0]], self.edges[interval[:, 0] + 1]
        return low + share * (high - low)

    def probability_integral(self, probabilities: Floats, target: Floats) -> tuple[Floats, Floats]:
        """Return P(Y < y) and P(Y ≤ y) at each row's target, both [rows]; they differ at atoms alone.

        A uniform draw between the two is uniform on [0, 1] where the prediction is calibrated (Czado et al. 2009).
        """
        widths = np.diff(self.edges)
        inside = (target[:, None] - self.edges[:-1]) / np.where(widths > 0, widths, 1.0)
        covered = np.clip(inside, 0.0, 1.0)
        atom = widths == 0
        below = np.where(atom, self.edges[:-1] < target[:, None], covered)
        reached = np.where(atom, self.edges[:-1] <= target[:, None], covered)
        return (probabilities * below).sum(1), (probabilities * reached).sum(1)

    def crps(self, probabilities: Floats, target: Floats) -> Floats:
        """Return ∫ (F(z) − 1{z ≥ y})² dz, the continuous ranked probability score, [rows], in the target's unit.

        F is linear on each interval, so that with ends a, b of F − 1{z ≥ y} on a piece of width w, the piece adds
        w (a² + ab + b²) / 3. A target outside the edges adds its distance to them.
        """
        cumulative = np.concatenate([np.zeros((len(target), 1)), np.cumsum(probabilities, axis=1)], 1)
        low, high = self.edges[:-1], self.edges[1:]
        cut = np.clip(target[:, None], low, high)
        width = np.where(high > low, high - low, 1.0)
        start, stop = cumulative[:, :-1], cumulative[:, 1:]
        middle = start + (cut - low) / width * (stop - start)
        before = (cut - low) * (start**2 + start * middle + middle**2)
        after = (high - cut) * ((middle - 1) ** 2 + (middle - 1) * (stop - 1) + (stop - 1) ** 2)
        outside = np.maximum(self.edges[0] - target, 0) + np.maximum(target - self.edges[-1], 0)
        return (before + after).sum(1) / 3 + outside


def shares_of(interval: Integers, count: int) -> Floats:
    """Return the share of rows in each of ``count`` intervals, from the rows' interval numbers [rows]."""
    return np.bincount(interval, minlength=count) / len(interval)


def means_of(interval: Integers, target: Floats, otherwise: Floats) -> Floats:
    """Return the mean target of each interval's rows, and ``otherwise`` [intervals] where there are none."""
    rows = np.bincount(interval, minlength=len(otherwise))
    sums = np.bincount(interval, weights=target, minlength=len(otherwise))
    return np.divide(sums, rows, out=np.array(otherwise, dtype=np.float64), where=rows > 0)
