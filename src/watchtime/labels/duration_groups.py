"""Rows grouped by duration: cells of one unit, merged with their neighbours until each group has enough rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import Field

from watchtime.core import settings as core
from watchtime.labels.base import Codec, Floats, Integers


class DurationGroupSettings(core.Settings):
    """How fine groups are: ``unit`` in seconds of duration, and the least training rows of a group.

    Released code has groups of one second and no least number of rows (D2Co, DVR). The statistics of a group of few
    rows are noise, and of one row there is no deviation, hence our default of 100.
    """

    unit: float = Field(1.0, gt=0, allow_inf_nan=False)
    smallest_group: int = Field(100, ge=1)


@dataclass(frozen=True, eq=False)
class DurationGroups:
    """The groups of durations, numbered from the shortest.

    A duration is in the cell round(d / unit). From the shortest cell on, a group takes whole cells until it has
    ``smallest_group`` training rows; the longest cells, where they have fewer, belong to the last group. There is one
    group at least, however few the rows. A duration between two groups belongs to the one whose cells are nearer,
    halfway to the shorter.
    """

    unit: float
    bounds: Floats
    """Where a group ends, in units: halfway from its longest cell to the next one's shortest, [groups − 1]."""

    @classmethod
    def fit(cls, settings: DurationGroupSettings, duration: Floats) -> Self:
        """Return the groups of the training rows' durations, [rows] in seconds, at least one."""
        cells, counts = np.unique(np.rint(duration / settings.unit), return_counts=True)
        last = _last_cells(counts, settings.smallest_group)[:-1]
        return cls(settings.unit, (cells[last] + cells[last + 1]) / 2)

    def __len__(self) -> int:
        return len(self.bounds) + 1

    def of(self, duration: Floats) -> Integers:
        """Return the group of any duration, [rows]."""
        return np.searchsorted(self.bounds, np.rint(duration / self.unit), side="left")


@dataclass(frozen=True, eq=False)
class DurationGroupCodec(Codec):
    """A codec whose statistics are those of ``DurationGroups``; it is fitted per group."""

    settings: DurationGroupSettings
    bounds: Floats
    """Those of the ``DurationGroups``, [groups − 1]."""
    sizes: Integers
    """Training rows in each group, [groups]."""

    @staticmethod
    def needs_duration(settings: Any) -> bool:
        return True

    def group_of(self, duration: Floats) -> Integers:
        """Return the group of each duration, [rows]."""
        return DurationGroups(self.settings.unit, self.bounds).of(duration)

    def facts(self) -> dict[str, int | float]:
        return {"groups": len(self.sizes), "smallest_group": int(self.sizes.min())}


def equal_frequency_starts(duration: Floats, groups: int) -> Floats:
    """Return the smallest duration of each of at most ``groups`` groups of equally many rows, increasing.

    Group k starts at the duration of the ⌊k n / groups⌋-th of the n rows sorted by duration. Equal starts are merged,
    so that one duration is never in two groups and no group is empty.
    """
    ordered = np.sort(duration)
    return np.unique(ordered[np.arange(groups) * len(ordered) // groups])


def group_by_start(starts: Floats, duration: Floats) -> Integers:
    """Return the last group that starts no later than each duration, [rows]; the first for shorter ones."""
    return np.maximum(np.searchsorted(starts, duration, side="right") - 1, 0)


class DistinctTargets(NamedTuple):
    """The distinct targets of one group, ascending, and how many rows have each; both [distinct]."""

    values: Floats
    counts: Floats


def distinct_targets(group: Integers, target: Floats, groups: int) -> list[DistinctTargets]:
    """Return the distinct targets of each of ``groups`` groups, from the rows' groups and targets, both [rows]."""
    order = np.lexsort((target, group))
    group, target = group[order], target[order]
    first = np.flatnonzero(np.append(True, (group[1:] != group[:-1]) | (target[1:] != target[:-1])))
    counts = np.diff(first, append=len(target)).astype(np.float64)
    bounds = np.searchsorted(group[first], np.arange(1, groups))
    pairs = zip(np.split(target[first], bounds), np.split(counts, bounds), strict=True)
    return [DistinctTargets(*pair) for pair in pairs]


def _last_cells(counts: Integers, smallest_group: int) -> Integers:
    """Return the last cell of each group, [groups], from the rows of each cell."""
    last, rows = [], 0
    for cell, count in enumerate(counts.tolist()):
        rows += count
        if rows >= smallest_group:
            last.append(cell)
            rows = 0
    if rows:
        last = [*last[:-1], len(counts) - 1]
    return np.array(last, dtype=np.int64)
