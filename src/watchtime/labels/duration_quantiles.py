"""Watch time as its quantile level among videos of similar duration (D2Q)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Array, Codec, Floats, Integers


@dataclass(frozen=True, eq=False)
class DurationQuantiles(Codec):
    """level = Q_g⁻¹(y), with Q_g the empirical quantile function of the targets in the row's duration group g.

    **Groups** have equal frequency: group k starts at the duration of the ⌊k n / groups⌋-th of the n training rows
    sorted by duration, and holds the durations up to the next start. Equal starts are merged, so one duration is
    never in two groups, no group is empty, and there may be fewer than ``groups``. Durations below the first start
    or above all that training saw belong to the nearest group.

    **Q_g** is linear between ``knots`` training quantiles at the levels 0, 1 / (knots − 1), …, 1. Where it rises,
    its inverse is linear interpolation. Where it is flat (the mass at zero), the level is the middle of the flat
    part: the mid-distribution value P(Y < y) + P(Y = y) / 2, to within the distance of two knots. Below Q_g(0) the
    level is 0, above Q_g(1) it is 1. Hence Q_g(level(y)) = y for every y in [Q_g(0), Q_g(1)].

    **Readout.** A network that regresses the level by squared error predicts E[level | x]; the paper's prediction
    is ``decode`` of it. Q_g is not linear, so that is not E[y | x]; a predicted *median* level does decode to the
    median of y, because Q_g is monotone.

    Labels: ``level`` float64 [rows] in [0, 1]. Source: Zhan et al. 2022 (D2Q); the interpolation in 101 training
    quantiles and its inverse are those of public re-implementations (EGMN, DADF), whose groups are otherwise.
    """

    class Settings(core.Settings):
        """How fine groups and quantile functions are; D2Co, DIFL and CWM's default use 30 groups."""

        groups: int = Field(30, ge=1)
        knots: int = Field(101, ge=2)

    name = "duration_quantiles"
    settings: Settings
    starts: Floats
    """Smallest duration of each group, increasing, [groups]."""
    sizes: Integers
    """Training rows in each group, [groups]."""
    quantiles: Floats
    """Q_g at the knots' levels, [groups, knots]."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        assert duration is not None
        order = np.argsort(duration)
        target, duration = target[order], duration[order]
        starts = np.unique(duration[np.arange(settings.groups) * len(duration) // settings.groups])
        first_rows = np.searchsorted(duration, starts)
        quantiles = np.stack([_quantiles(np.sort(rows), settings.knots) for rows in np.split(target, first_rows[1:])])
        sizes = np.diff(first_rows, append=len(duration))
        return cls(settings=settings, starts=starts, sizes=sizes, quantiles=quantiles)

    @staticmethod
    def needs_duration(settings: Any) -> bool:
        return True

    def group_of(self, duration: Floats) -> Integers:
        """Return the group of each duration, [rows]."""
        return np.maximum(np.searchsorted(self.starts, duration, side="right") - 1, 0)

    def level(self, group: Integers, target: Floats) -> Floats:
        """Return Q_g⁻¹(y) of each row, [rows]."""
        levels = np.empty(len(target))
        for each in np.unique(group):
            rows = np.flatnonzero(group == each)
            levels[rows] = _inverse(self.quantiles[each], target[rows])
        return levels

    def quantile(self, group: Integers, level: Floats) -> Floats:
        """Return Q_g(level) of each row, [rows]; levels are clipped to [0, 1], and a NaN stays one."""
        intervals = self.quantiles.shape[1] - 1
        position = np.clip(level, 0.0, 1.0) * intervals
        knot = np.minimum(np.nan_to_num(position).astype(np.int64), intervals - 1)
        below, above = self.quantiles[group, knot], self.quantiles[group, knot + 1]
        decoded: Floats = below + (position - knot) * (above - below)
        return decoded

    def decode(self, level: npt.ArrayLike, duration: Floats) -> Floats:
        """Return the target at a level of the duration's group, [rows]."""
        return self.quantile(self.group_of(duration), np.asarray(level, dtype=np.float64))

    def facts(self) -> dict[str, int | float]:
        return {"groups": len(self.starts), "smallest_group": int(self.sizes.min())}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        assert duration is not None
        return {"level": self.level(self.group_of(duration), target)}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        assert duration is not None
        group = self.group_of(duration)
        return self.quantile(group, self.level(group, target))


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
