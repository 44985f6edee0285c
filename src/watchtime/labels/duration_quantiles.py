"""Watch time as its quantile level among videos of similar duration (D2Q)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Array, Codec, Floats, Integers
from watchtime.labels.duration_groups import equal_frequency_starts, group_by_start
from watchtime.labels.quantile_functions import QuantileFunctions


@dataclass(frozen=True, eq=False)
class DurationQuantiles(Codec):
    """level = Q_g⁻¹(y), with Q_g the empirical quantile function of the targets in the row's duration group g.

    **Groups** have equal frequency: group k starts at the duration of the ⌊k n / groups⌋-th of the n training rows
    sorted by duration, and holds the durations up to the next start. Equal starts are merged, so one duration is
    never in two groups, no group is empty, and there may be fewer than ``groups``. Durations below the first start
    or above all that training saw belong to the nearest group.

    **Q_g** is linear between ``knots`` training quantiles; ``QuantileFunctions`` says what its inverse is.

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
        starts = equal_frequency_starts(duration, settings.groups)
        first_rows = np.searchsorted(duration, starts)
        functions = QuantileFunctions.fit(np.split(target, first_rows[1:]), settings.knots)
        sizes = np.diff(first_rows, append=len(duration))
        return cls(settings=settings, starts=starts, sizes=sizes, quantiles=functions.knots)

    @staticmethod
    def needs_duration(settings: Any) -> bool:
        return True

    def group_of(self, duration: Floats) -> Integers:
        """Return the group of each duration, [rows]."""
        return group_by_start(self.starts, duration)

    def level(self, group: Integers, target: Floats) -> Floats:
        """Return Q_g⁻¹(y) of each row, [rows]."""
        return QuantileFunctions(self.quantiles).level(group, target)

    def quantile(self, group: Integers, level: Floats) -> Floats:
        """Return Q_g(level) of each row, [rows]; levels are clipped to [0, 1], and a NaN stays one."""
        return QuantileFunctions(self.quantiles).quantile(group, level)

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
