"""Empirical quantile functions of several groups of targets, and the level of a target among its group's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from watchtime.labels.base import Floats, Integers


@dataclass(frozen=True, eq=False)
class QuantileFunctions:
    """Q_g, linear between equally spaced levels, and its inverse.

    Q_g is linear between the training quantiles at the levels 0, 1 / (knots − 1), …, 1. Where it rises, its inverse
    is linear interpolation. Where it is flat (the mass at zero), the level is the middle of the flat part: the
    mid-distribution value P(Y < y) + P(Y = y) / 2, to within the distance of two knots. Below Q_g(0) the level is 0,
    above Q_g(1) it is 1. Hence Q_g(level(y)) = y for every y in [Q_g(0), Q_g(1)].
    """

    knots: Floats
    """Q_g at the knots' levels, [groups, knots]."""

    @classmethod
    def fit(cls, groups: Sequence[Floats], knots: int) -> Self:
        """Return the quantile functions of the targets of each group, none of which is empty."""
        return cls(np.stack([_quantiles(np.sort(target), knots) for target in groups]))

    def level(self, group: Integers, target: Floats) -> Floats:
        """Return Q_g⁻¹(y) of each row, [rows]."""
        levels = np.empty(len(target))
        for each in np.unique(group):
            rows = np.flatnonzero(group == each)
            levels[rows] = _inverse(self.knots[each], target[rows])
        return levels

    def quantile(self, group: Integers, level: Floats) -> Floats:
        """Return Q_g(level) of each row, [rows]; levels are clipped to [0, 1], and a NaN stays one."""
        intervals = self.knots.shape[1] - 1
        position = np.clip(level, 0.0, 1.0) * intervals
        knot = np.minimum(np.nan_to_num(position).astype(np.int64), intervals - 1)
        below, above = self.knots[group, knot], self.knots[group, knot + 1]
        decoded: Floats = below + (position - knot) * (above - below)
        return decoded


def _quantiles(ordered: Floats, knots: int) -> Floats:
    """Return the quantiles at the levels k / (knots − 1) by linear interpolation between ``ordered`` targets.

    Whole-number arithmetic finds the two rows: rounding must not move a knot off the end of a flat part, as it does
    in ``np.quantile``.
    """
    row, rest = np.divmod(np.arange(knots) * (len(ordered) - 1), knots - 1)
    rise = ordered[np.minimum(row + 1, len(ordered) - 1)] - ordered[row]
    return ordered[row] + rest / (knots - 1) * rise


def _inverse(knots: Floats, target: Floats) -> Floats:
    """Return the level of each target in one quantile function, whose values at equally spaced levels are ``knots``."""
    end = len(knots) - 1
    above = np.minimum(np.searchsorted(knots, target, side="left"), end)
    below = np.maximum(np.searchsorted(knots, target, side="right") - 1, 0)
    # On a flat part ``above`` is its first and ``below`` its last knot; beyond an end both are that end.
    rise = knots[above] - knots[below]
    share = np.divide(target - knots[below], rise, out=np.full(len(target), 0.5), where=rise > 0)
    return (below + share * (above - below)) / end
