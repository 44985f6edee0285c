"""The law of one view: five kinds, each with a piecewise-linear quantile function of the play time in ms.

The scale is the video's duration d in ms. The kinds lie side by side on the time axis,
zero | skip | partial | finish | replay, with limits 0, min(5 s, d/2), 0.95 d, 1.05 d + 1 s and 10 d.
"""

from __future__ import annotations

import numpy as np

from watchtime.datasets.simulator import tables
from watchtime.datasets.simulator.arithmetic import Floats, Integers
from watchtime.datasets.simulator.piecewise import Law, whole

KINDS = ("zero", "skip", "partial", "finish", "replay")
MS_PER_SECOND = 1000.0


def play_time_limits(duration_ms: Floats) -> tuple[Floats, Floats]:
    """Return the (4, n) least and greatest play times in ms of skip, partial, finish and replay."""
    skip = np.minimum(5000.0, 0.5 * duration_ms)
    finish = 1.05 * duration_ms + 1000.0
    limits = np.stack([0.0 * duration_ms, skip, 0.95 * duration_ms, finish, 10.0 * duration_ms])
    return limits[:-1], limits[1:]


WATCHING = Law(
    target="watch time",
    scale="duration_ms",
    kinds=KINDS,
    levels=np.asarray(tables.LEVELS),
    nodes=np.asarray(tables.DURATION_NODES_MS),
    shapes=np.asarray([tables.SHAPES[kind] for kind in KINDS[1:]]),
    limits=play_time_limits,
    units={"watch_time": MS_PER_SECOND, "watch_ratio": None},
)


def duration_position(duration_ms: Floats) -> tuple[Integers, Floats]:
    """Return the duration node to the left of each duration, and how far it lies towards the next, in [0, 1]."""
    return WATCHING.position(duration_ms)


def play_time(weights: Floats, duration_ms: Floats, probability: Floats) -> tuple[Floats, Integers]:
    """Return the quantile of the play time in ms at ``probability`` (n,) and the kind of view it belongs to."""
    return WATCHING.quantile(weights, duration_ms, probability)


def whole_milliseconds(play_ms: Floats) -> Integers:
    """Return play times rounded to whole ms, halves up; a view that was played lasts at least 1 ms."""
    return whole(play_ms)
