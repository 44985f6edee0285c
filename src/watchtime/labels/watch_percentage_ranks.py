"""Watch time as its rank among watch times of the same duration, and as views of three kinds (DML)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from watchtime.labels.base import Array, Floats
from watchtime.labels.duration_groups import DurationGroupCodec, DurationGroups, DurationGroupSettings
from watchtime.labels.quantile_functions import QuantileFunctions


@dataclass(frozen=True, eq=False)
class WatchPercentageRanks(DurationGroupCodec):
    """rank = Q_g⁻¹(y), and three labels 1{rank > τ}, with Q_g the quantile function of the row's duration group g.

    The watch percentage rank is D2Q's level (``QuantileFunctions``) in other groups: whole units of duration, merged
    with their neighbours until each has enough rows (``DurationGroups``). A view is ``effective``, ``long`` or
    ``complete`` where its rank is above that level τ. A target that is the middle of a mass takes the middle rank of
    it, so that all equal targets of a group are views of the same kinds. ``decode`` of a rank is Q_g of it.

    Labels: ``rank`` float64 [rows] in [0, 1], ``views`` bool [rows, 3] in that order.

    Source: **built from descriptions of DML** (Zhang et al. 2023), whose code is not public: its abstract (labels of
    several meanings from quantiles of the watch time, debiased by a causal adjustment of the labels) and the README
    of its repository (an extension of D2Q with adaptive binning). Unverified: that the adjustment is the grouping by
    duration, that bins are merged durations, and which labels there are; ours: all three levels τ and the way back
    to a watch time. PTPM says that DML "sets coarser granularity at the beginning", which is not built.
    """

    class Settings(DurationGroupSettings):
        """The three levels τ, and of how many knots a quantile function is, as D2Q's."""

        effective: float = Field(0.5, gt=0, lt=1)
        long: float = Field(0.75, gt=0, lt=1)
        complete: float = Field(0.9, gt=0, lt=1)
        knots: int = Field(101, ge=2)

    name = "watch_percentage_ranks"
    settings: Settings
    quantiles: Floats
    """Q_g at the knots' levels, [groups, knots]."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        assert duration is not None
        groups = DurationGroups.fit(settings, duration)
        group = groups.of(duration)
        sizes = np.bincount(group)
        parts = np.split(target[np.argsort(group, kind="stable")], np.cumsum(sizes)[:-1])
        functions = QuantileFunctions.fit(parts, settings.knots)
        return cls(settings=settings, bounds=groups.bounds, sizes=sizes, quantiles=functions.knots)

    @property
    def levels(self) -> Floats:
        """τ of effective, long and complete views, [3]."""
        return np.array([self.settings.effective, self.settings.long, self.settings.complete])

    def decode(self, rank: npt.ArrayLike, duration: Floats) -> Floats:
        """Return the target at a rank of the duration's group, [rows]."""
        return self._functions.quantile(self.group_of(duration), np.asarray(rank, dtype=np.float64))

    @property
    def _functions(self) -> QuantileFunctions:
        return QuantileFunctions(self.quantiles)

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        assert duration is not None
        rank = self._functions.level(self.group_of(duration), target)
        return {"rank": rank, "views": rank[:, None] > self.levels}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        assert duration is not None
        return self.decode(self._encode(target, duration)["rank"], duration)
