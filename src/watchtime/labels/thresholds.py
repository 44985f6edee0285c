"""The target as answers to "is it above t_m?" at M thresholds, and the value restored from their probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Array, Codec, Floats, Integers
from watchtime.labels.intervals import Intervals, shares_of


@dataclass(frozen=True, eq=False)
class Thresholds(Codec):
    """Label m says whether y > t_m; E[y] = ∫ P(y > t) dt is restored as Σ_m P(y > t_m) (t_m − t_{m−1}), t_0 = 0.

    **Thresholds** t_1 ≤ … ≤ t_M, the last one the largest training target, are by ``spacing``
    ``equal_width``: t_m = m / M · t_M · ``equal_frequency``: the training quantiles at the levels m / M (linear
    interpolation) · ``error_adaptive`` (CREAD): those at γ(m / M), γ(z) = (1 − e^{−αz}) / (1 − e^{−α}), which is z as
    α → 0 and has ever more thresholds in the upper tail as α grows.

    **α**, where it is not given, is the grid's α with the smallest J = A_w + balance · A_b, the bounds on the errors
    of learning and of restoring, from the training targets alone:
    A_w = Σ (Δγ_m)² · Σ (Δt_m)² / Δγ_m and A_b = Σ (Δγ_m)² · Σ (Δt_m)². J has the target's unit squared as a factor,
    so α does not depend on the unit.

    **Intervals** are [0, t_1], (t_1, t_2], …, (t_{M−1}, t_M] and the atom t_M, which stands for all that is above
    the largest training target. The lowest edge is 0, not the smallest training target, since the restoration sums
    from 0. The intervals between equal thresholds are atoms too: where more than 1 / M of the targets are 0, t_1 = 0
    and they have the first atom to themselves; a frequent value v > 0 shares an interval with what is just below it.
    Interval l predicts its lower edge t_l, because the sum is a lower one: all classifiers right restore t_l ≤ y.

    Labels: ``target`` float64 [rows], y itself; ``above`` bool [rows, M].

    Source: CREAD (Sun et al. 2024); grid and balance are those of EGMN's code, since CREAD's is not public.
    """

    class Settings(core.Settings):
        """``count`` is M; the grid is α = smallest, smallest + step, … below largest."""

        count: int = Field(50, ge=2, le=1000)
        spacing: Literal["equal_frequency", "equal_width", "error_adaptive"] = "error_adaptive"
        alpha: float | None = Field(None, ge=0)
        balance: float = Field(50.0, ge=0)
        alpha_smallest: float = Field(0.001, ge=0)
        alpha_largest: float = Field(5.0, gt=0)
        alpha_step: float = Field(0.1, gt=0)

    name = "thresholds"
    readouts = ("mean", "median", "rank")
    settings: Settings
    thresholds: Floats
    """t_1 … t_M, [M]."""
    interval_shares: Floats
    """Share of the training rows in each interval, [M + 1]."""
    standard_deviation: float
    """Of the training targets."""
    alpha: float
    """The α of error_adaptive, 0 for equal_frequency, NaN for equal_width, which has none."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        target = np.sort(target)
        if settings.spacing == "equal_width":
            alpha, thresholds = float("nan"), target[-1] * levels(0.0, settings.count)
        else:
            alpha = _alpha(settings, target) if settings.spacing == "error_adaptive" else 0.0
            thresholds = np.quantile(target, levels(alpha, settings.count))
        return cls(
            settings=settings,
            thresholds=thresholds,
            interval_shares=shares_of(_interval_of(thresholds, target), settings.count + 1),
            standard_deviation=float(np.std(target)),
            alpha=alpha,
        )

    @property
    def widths(self) -> Floats:
        """t_m − t_{m−1}, [M]."""
        return np.diff(self.thresholds, prepend=0.0)

    @property
    def intervals(self) -> Intervals:
        """The M intervals up to t_M, and t_M itself for all that is above."""
        lower = np.concatenate([[0.0], self.thresholds])
        return Intervals(np.append(lower, lower[-1]), lower, self.interval_shares)

    def probabilities(self, exceedance: Floats) -> Floats:
        """Return the probability of each interval, [rows, M + 1], from those of y > t_m, [rows, M].

        Independent classifiers may rise from one threshold to the next; the running minimum repairs that.
        """
        falling = np.minimum.accumulate(exceedance, axis=1)
        return np.diff(1 - falling, prepend=0.0, append=1.0, axis=1)

    def read_out(self, exceedance: Floats) -> dict[str, Floats]:
        """Return the readouts of the probabilities of y > t_m, [rows, M].

        The mean is the papers' sum over the classifiers as they are; all others are those of the repaired
        distribution over intervals.
        """
        return self.intervals.readouts(self.probabilities(exceedance)) | {"mean": exceedance @ self.widths}

    def facts(self) -> dict[str, int | float]:
        found = {"alpha": self.alpha} if self.settings.spacing == "error_adaptive" else {}
        return {"equal_thresholds": int(np.sum(np.diff(self.thresholds) == 0)), **found}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        return {"target": target, "above": target[:, None] > self.thresholds}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        return self.intervals.values[_interval_of(self.thresholds, target)]


def levels(alpha: float, count: int) -> Floats:
    """Return γ(m / count) = (1 − e^{−αm/count}) / (1 − e^{−α}) for m = 1 … count; m / count in the limit α = 0."""
    share = np.arange(1, count + 1) / count
    # Below this, γ differs from its limit by less than a rounding error, and denormal numbers do not divide well.
    return share if alpha < 1e-16 else np.expm1(-alpha * share) / np.expm1(-alpha)


def error_bound(level: Floats, threshold: Floats, balance: float) -> float:
    """Return J = A_w + balance · A_b of thresholds [M] at the levels γ [M], in the target's unit squared.

    Thresholds at equal levels, as rounding makes them for large α, are equal and add nothing.
    """
    share, width = np.diff(level, prepend=0.0), np.diff(threshold, prepend=0.0)
    learning = np.divide(width**2, share, out=np.zeros_like(width), where=share > 0).sum()
    return float((share**2).sum() * (learning + balance * (width**2).sum()))


def _alpha(settings: Thresholds.Settings, target: Floats) -> float:
    """Return the given α, or the first of the grid with the smallest error bound; ``target`` is sorted."""
    if settings.alpha is not None:
        return settings.alpha
    grid = np.arange(settings.alpha_smallest, settings.alpha_largest, settings.alpha_step)
    if not len(grid):
        raise WatchtimeError(
            f"codec 'thresholds': alpha_largest is {settings.alpha_largest}, allowed are numbers above alpha_smallest"
            f" ({settings.alpha_smallest})."
        )
    level = np.stack([levels(alpha, settings.count) for alpha in grid])
    threshold = np.quantile(target, level)
    bounds = [error_bound(*row, settings.balance) for row in zip(level, threshold, strict=True)]
    return float(grid[np.argmin(bounds)])


def _interval_of(thresholds: Floats, target: Floats) -> Integers:
    """Return how many thresholds each target is above, [rows]."""
    return np.searchsorted(thresholds, target, side="left")
