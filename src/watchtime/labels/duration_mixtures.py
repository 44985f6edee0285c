"""Watch time between the noisy and the interested mean of its duration, of a mixture of two Gaussians (D2Co)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from watchtime.labels.base import Array, Floats, Integers
from watchtime.labels.duration_groups import DurationGroupCodec, DurationGroups, DurationGroupSettings, distinct_targets
from watchtime.labels.gaussian_mixture import GaussianMixture


@dataclass(frozen=True, eq=False)
class DurationMixtures(DurationGroupCodec):
    """label = (h(y) − h(q_g)) / (h(p_g) − h(q_g)), with q_g ≤ p_g the two means of the row's duration group g.

    ``exponential``: h(y) = e^{ay}, and the label is clipped to [0, 1]. ``linear``: h(y) = y, not clipped.

    **Means.** The targets of each duration group (``DurationGroups``) get a mixture of two Gaussians by expectation
    maximisation (``GaussianMixture``). Each of the two series of means is then averaged over a window of
    2 · ``neighbours`` + 1 groups, fewer at the ends, weighted by their training rows.

    **Prediction.** ``decode`` inverts the label. A clipped label says nothing of targets outside [q_g, p_g], so that
    **no prediction ever leaves that interval**. A network that predicts s = E[label | x] decodes to
    log E[e^{a min(max(y, q), p)} | x] / a, an exponential mean: it lies above the mean of the clipped target, and near
    p wherever a (p − q) is large. The linear label's expectation decodes to E[y | x].

    Where q_g and p_g are no further apart than √``variance_floor`` (a group of one target), their distance is no unit:
    a clipped label is 0 below, ½ at and 1 above q_g, the linear one y − q_g. ``truncate`` takes min(y, duration) for
    y throughout, which is meant for targets in seconds.

    Labels: ``level`` float64 [rows]. Source: Zhao et al. 2023 (D2Co) as its released code has it, a = 0.3 per second
    and a window of 3; the linear label is that of CWM's repository; EGMN's code has a = 1 per largest training target.
    Unchecked: how the released code treats the ends of the window and durations with few rows, and that its mixtures
    are scikit-learn's with their defaults; what stands here for both is ours.
    """

    class Settings(DurationGroupSettings):
        """``rate`` is a, per ``rate_unit``; the last three are scikit-learn's defaults."""

        label: Literal["exponential", "linear"] = "exponential"
        rate: float = Field(0.3, gt=0, allow_inf_nan=False)
        rate_unit: Literal["target", "maximum"] = "target"
        neighbours: int = Field(1, ge=0)
        truncate: bool = False
        variance_floor: float = Field(1e-6, gt=0, allow_inf_nan=False)
        tolerance: float = Field(1e-3, gt=0)
        iterations: int = Field(100, ge=1)

    name = "duration_mixtures"
    settings: Settings
    low: Floats
    """q, [groups]."""
    high: Floats
    """p, [groups]."""
    rate: float
    """a, per unit of the target."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        assert duration is not None
        target = np.minimum(target, duration) if settings.truncate else target
        groups = DurationGroups.fit(settings, duration)
        group = groups.of(duration)
        sizes = np.bincount(group)
        mixtures = [
            GaussianMixture.fit(values, counts, 2, settings.variance_floor, settings.tolerance, settings.iterations)
            for values, counts in distinct_targets(group, target, len(groups))
        ]
        low, high = (
            _moving_average(np.array(means), sizes, settings.neighbours)
            for means in zip(*(one.means for one in mixtures), strict=True)
        )
        unit = (target.max() if settings.rate_unit == "maximum" else 1.0) or 1.0
        rate = float(settings.rate / unit)
        return cls(settings=settings, bounds=groups.bounds, sizes=sizes, low=low, high=high, rate=rate)

    def level(self, target: Floats, duration: Floats) -> Floats:
        """Return the label of each row, [rows]."""
        target = np.minimum(target, duration) if self.settings.truncate else target
        low, high = self._means(duration)
        if self.settings.label == "linear":
            return (target - low) / self._unit(low, high)
        inside = np.clip(target, low, high)
        # e^{−a (p − y)} (1 − e^{−a (y − q)}) / (1 − e^{−a (p − q)}): no power is above 1, whatever the unit.
        rise = np.exp(-self.rate * (high - inside)) * np.expm1(-self.rate * (inside - low))
        whole = np.expm1(-self.rate * (high - low))
        return np.divide(rise, whole, out=(np.sign(target - low) + 1) / 2, where=self._apart(low, high))

    def decode(self, level: npt.ArrayLike, duration: Floats) -> Floats:
        """Return the target of a label, [rows]; labels of ``exponential`` are clipped to [0, 1]."""
        level = np.asarray(level, dtype=np.float64)
        low, high = self._means(duration)
        if self.settings.label == "linear":
            return low + level * self._unit(low, high)
        share = np.clip(level, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            above = np.logaddexp(np.log(share), np.log1p(-share) - self.rate * (high - low)) / self.rate
        return np.clip(high + above, low, high)

    def facts(self) -> dict[str, int | float]:
        return super().facts() | {"mean_distance": float(np.average(self.high - self.low, weights=self.sizes))}

    def _means(self, duration: Floats) -> tuple[Floats, Floats]:
        group = self.group_of(duration)
        return self.low[group], self.high[group]

    def _apart(self, low: Floats, high: Floats) -> npt.NDArray[np.bool_]:
        return high - low > self.settings.variance_floor**0.5

    def _unit(self, low: Floats, high: Floats) -> Floats:
        return np.where(self._apart(low, high), high - low, 1.0)

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        assert duration is not None
        return {"level": self.level(target, duration)}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        assert duration is not None
        return self.decode(self.level(target, duration), duration)


def _moving_average(values: Floats, weights: Integers, neighbours: int) -> Floats:
    """Return Σ w v / Σ w over the places up to ``neighbours`` before and behind each, [values]."""
    window = np.ones(2 * neighbours + 1)
    middle = slice(neighbours, neighbours + len(values))
    return np.convolve(values * weights, window)[middle] / np.convolve(weights, window)[middle]
