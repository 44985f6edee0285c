"""Watch time gain: how far a watch time lies above the mean of its duration, in standard deviations (DVR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from watchtime.labels.base import Array, Floats, Integers
from watchtime.labels.duration_groups import DurationGroupCodec, DurationGroups, DurationGroupSettings, distinct_targets


@dataclass(frozen=True, eq=False)
class WatchTimeGain(DurationGroupCodec):
    """gain = (y − m_g) / s_g, with m_g and s_g the mean and standard deviation of the row's duration group g.

    The map is linear in y where the duration is known, so that the prediction of E[gain | x] decodes to E[y | x].
    A group whose targets are all equal has s_g = 1.

    ``duration`` is what an adversary has to tell from a representation, (z(d) − mean z) / deviation z over the
    training rows, with z(d) = log(1 + d) (``log``) or z(d) = d (``seconds``); a deviation of 0 counts as 1.

    Labels: ``gain`` and ``duration``, both float64 [rows]. Source: Zheng et al. 2022 (DVR) as its released code has
    it, with groups of whole seconds. Ours: the least number of rows of a group, since one row has no deviation, and
    the scale of the adversary's label, without which its weight would have the unit of squared seconds.
    """

    class Settings(DurationGroupSettings):
        """What the adversary tells, beside how fine groups are."""

        duration: Literal["log", "seconds"] = "log"

    name = "watch_time_gain"
    settings: Settings
    means: Floats
    """m, [groups]."""
    deviations: Floats
    """s, [groups]."""
    duration_mean: float
    """Of z(d) over the training rows."""
    duration_deviation: float
    """Of z(d) over the training rows."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        assert duration is not None
        groups = DurationGroups.fit(settings, duration)
        group = groups.of(duration)
        moments = [_moments(*one) for one in distinct_targets(group, target, len(groups))]
        means, deviations = np.array(moments).T
        durations, rows = np.unique(_seen(settings, duration), return_counts=True)
        duration_mean, duration_deviation = _moments(durations, rows)
        return cls(
            settings=settings,
            bounds=groups.bounds,
            sizes=np.bincount(group),
            means=means,
            deviations=deviations,
            duration_mean=duration_mean,
            duration_deviation=duration_deviation,
        )

    def decode(self, gain: npt.ArrayLike, duration: Floats) -> Floats:
        """Return the target y = m_g + s_g · gain, [rows]."""
        group = self.group_of(duration)
        return self.means[group] + self.deviations[group] * np.asarray(gain, dtype=np.float64)

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        assert duration is not None
        group = self.group_of(duration)
        seen = _seen(self.settings, duration)
        return {
            "gain": (target - self.means[group]) / self.deviations[group],
            "duration": (seen - self.duration_mean) / self.duration_deviation,
        }

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        assert duration is not None
        return self.decode(self._encode(target, duration)["gain"], duration)


def _seen(settings: WatchTimeGain.Settings, duration: Floats) -> Floats:
    """Return z(d)."""
    return np.log1p(duration) if settings.duration == "log" else duration


def _moments(values: Floats, counts: Floats | Integers) -> tuple[float, float]:
    """Return the mean of values with counts and their standard deviation, 1 where it is nothing but rounding."""
    mean = float(np.average(values, weights=counts))
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    return mean, deviation if deviation > 1e-9 * mean else 1.0
