"""What the layouts of several data sets share: sizes, days and the durations of their items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

import numpy as np

from watchtime.core.errors import WatchtimeError
from watchtime.datasets.simulator import tables
from watchtime.datasets.simulator.arithmetic import Floats, Integers, quantiles
from watchtime.datasets.simulator.world import Context, World

DAY_MS = 86_400_000
CHINA_MS = 8 * 3_600_000  # China time is UTC+8 all year
MAIN_TAB, MEAN_HOUR = 1, 5  # the context in which the law has neither a tab's nor an hour's effect

Part = TypeVar("Part")


def check_size(name: str, found: int, least: int, most: int | None = None, reason: str = "") -> None:
    """Raise ``WatchtimeError`` where a size of the simulation is out of its limits."""
    if found < least or (most is not None and found > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise WatchtimeError(f"simulator: {name}: found {found}, allowed: {allowed}{reason}.")


def evenly(rows: int, parts: Sequence[Part]) -> dict[Part, int]:
    """Return how many of ``rows`` each part gets; no two differ by more than one."""
    count = len(parts)
    return {part: rows * (k + 1) // count - rows * k // count for k, part in enumerate(parts)}


def midnight_ms(day: date) -> int:
    """Return the ms since 1970 of a day's start in China."""
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS - CHINA_MS


def main_context(hour: Integers) -> Context:
    """Return the context of views in the one tab of an app that has no others."""
    return Context(tab=np.full(len(hour), MAIN_TAB), hour=hour)


def duration_levels(world: World) -> Floats:
    """Return how long each item is among all items: 0 the shortest, 1 the longest."""
    return quantiles(tables.DURATION_MS, tables.TAIL_LEVELS, world.items.duration_ms)


def with_durations(world: World, levels: Sequence[float], durations_ms: Sequence[float], unit_ms: int = 1) -> World:
    """Return a world whose durations have the quantiles ``durations_ms`` at ``levels``, in whole units, none hidden.

    The order of the items by duration stays what it was.
    """
    duration = quantiles(levels, durations_ms, duration_levels(world))
    items = replace(
        world.items,
        duration_ms=np.floor(duration / unit_ms) * unit_ms,
        hidden_duration=np.zeros_like(world.items.hidden_duration),
    )
    return replace(world, items=items)
