"""How far a view went, in buckets of the horizon or of the video's progress bar (SWaT)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Array, Codec, Floats
from watchtime.labels.intervals import Intervals, shares_of


@dataclass(frozen=True, eq=False)
class ProgressBuckets(Codec):
    """Bucket b = 1 … B goes from e_{b−1} to e_b, e_0 = 0; a view of progress r covers the share c_b of it.

    c_b = clip((r − e_{b−1}) / (e_b − e_{b−1}), 0, 1), and Σ_b (e_b − e_{b−1}) c_b = min(r, e_B).

    **Progress** r is y itself (``unit: target``: the horizon, of seconds or of shares), or y / d (``unit: duration``:
    the video's own progress bar, which replays go beyond). A video of no duration is not looked at by ``fit``; its
    view covers all buckets if it has any watch time, else none.

    **Edges** lie at the training quantiles of r at the levels b / B (``spacing: equal_frequency``), or evenly from 0 to
    the largest one (``equal_width``). Equal ones are merged, so that there may be fewer than ``count`` buckets. The
    last edge is the largest r of the training rows, so that buckets beyond 1 are what replays need.

    **Intervals** are the cells of the edges e_0 … e_B, cut half-way between them: an edge stands for where a view
    stopped, rounded to one of its two neighbours at random, to each the likelier the nearer it is. Their unit is that
    of r.

    Labels: ``progress`` float64 [rows].

    Source: the abstract of SWaT (Yang et al., KDD 2025); number and edges of the buckets are ours.
    """

    class Settings(core.Settings):
        """How many buckets, where they end, and of what."""

        count: int = Field(50, ge=1, le=1000)
        spacing: Literal["equal_frequency", "equal_width"] = "equal_frequency"
        unit: Literal["target", "duration"] = "target"

    name = "progress_buckets"
    settings: Settings
    edges: Floats
    """e_0 … e_B, increasing, [B + 1]."""
    cell_shares: Floats
    """Share of the training rows in the cell of each edge, [B + 1]."""

    @classmethod
    def _fit(cls, settings: Settings, target: Floats, duration: Floats | None) -> Self:
        progress = target if duration is None else target[duration > 0] / duration[duration > 0]
        largest = progress.max(initial=0.0)
        if largest <= 0:
            raise WatchtimeError("codec 'progress_buckets': no training row has any progress, so no bucket has an end.")
        levels = np.arange(1, settings.count + 1) / settings.count
        ends = largest * levels if settings.spacing == "equal_width" else np.quantile(progress, levels)
        edges = np.unique(np.append(0.0, ends))
        cells = np.searchsorted(_cuts(edges), progress)
        return cls(settings=settings, edges=edges, cell_shares=shares_of(cells, len(edges)))

    @staticmethod
    def needs_duration(settings: Any) -> bool:
        return bool(settings.unit == "duration")

    @property
    def widths(self) -> Floats:
        """e_b − e_{b−1}, [B]."""
        return np.diff(self.edges)

    @property
    def intervals(self) -> Intervals:
        """The B + 1 cells of the edges, from 0 to e_B."""
        return Intervals(np.concatenate([[0.0], _cuts(self.edges), self.edges[-1:]]), self.edges, self.cell_shares)

    def in_targets(self, progress: Floats, duration: Floats) -> Floats:
        """Return the target that each progress is, [rows]."""
        return progress * duration if self.settings.unit == "duration" else progress

    def facts(self) -> dict[str, int | float]:
        return {"buckets": len(self.edges) - 1, "largest_progress": float(self.edges[-1])}

    def _encode(self, target: Floats, duration: Floats | None) -> dict[str, Array]:
        if duration is None:
            return {"progress": target}
        without = np.where(target > 0, self.edges[-1], 0.0)
        return {"progress": np.divide(target, duration, out=without, where=duration > 0)}

    def _reconstruct(self, target: Floats, duration: Floats | None) -> Floats:
        within = np.minimum(self._encode(target, duration)["progress"], self.edges[-1])
        return within if duration is None else within * duration


def _cuts(edges: Floats) -> Floats:
    """Return the middles between neighbouring edges, [B]."""
    return (edges[:-1] + edges[1:]) / 2
