"""The law of one view: five kinds, each with a piecewise-linear quantile function of the play time.

A view has kind zero with probability w₀ and play time 0, or kind k with probability w_k and play time

    T = low_k(d) + S_k(U; d) (high_k(d) − low_k(d)),        U uniform in [0, 1),

d the duration in ms. The kinds lie side by side on the time axis, skip | partial | finish | replay, with limits
0, min(5 s, d/2), 0.95 d, 1.05 d + 1 s and 10 d, so the whole law has one piecewise-linear quantile function.
S_k is interpolated linearly in d between the stored shapes of the duration nodes.
"""

from __future__ import annotations

import numpy as np

from watchtime.datasets.simulator import tables
from watchtime.datasets.simulator.arithmetic import Floats, Integers

KINDS = ("zero", "skip", "partial", "finish", "replay")
LEVELS = np.asarray(tables.LEVELS)
SHAPES = np.asarray([tables.SHAPES[kind] for kind in KINDS[1:]])  # (kind - 1, node, level)
NODES = np.asarray(tables.DURATION_NODES_MS)


def play_time_limits(duration_ms: Floats) -> Floats:
    """Return the (5, n) play times in ms that bound skip, partial, finish and replay."""
    skip = np.minimum(5000.0, 0.5 * duration_ms)
    return np.stack([0.0 * duration_ms, skip, 0.95 * duration_ms, 1.05 * duration_ms + 1000.0, 10.0 * duration_ms])


def duration_position(duration_ms: Floats) -> tuple[Integers, Floats]:
    """Return the duration node to the left of each duration, and how far it lies towards the next, in [0, 1]."""
    node = np.clip(np.searchsorted(NODES, duration_ms, side="right") - 1, 0, len(NODES) - 2)
    step = (duration_ms - NODES[node]) / (NODES[node + 1] - NODES[node])
    return node.astype(np.int64), np.clip(step, 0.0, 1.0)


def play_time(weights: Floats, duration_ms: Floats, probability: Floats) -> tuple[Floats, Integers]:
    """Return the quantile of the play time in ms at ``probability`` and the kind of view it belongs to.

    ``weights`` is (n, 5), the two others (n,). At a uniform probability this is a draw from the law.
    """
    bounds = np.cumsum(weights, axis=1)
    kind = np.zeros(len(weights), dtype=np.int64)
    for k in range(4):
        kind += probability > bounds[:, k]
    row = np.arange(len(weights))
    played = np.maximum(kind, 1)
    mass = np.maximum(weights[row, played], 1e-300)
    level = np.clip((probability - bounds[row, played - 1]) / mass, 0.0, 1.0)
    left = np.minimum(np.searchsorted(LEVELS, level, side="right") - 1, len(LEVELS) - 2)
    along = (level - LEVELS[left]) / (LEVELS[left + 1] - LEVELS[left])
    node, step = duration_position(duration_ms)
    ends = [
        (1.0 - step) * SHAPES[played - 1, node, end] + step * SHAPES[played - 1, node + 1, end]
        for end in (left, left + 1)
    ]
    shape = ends[0] + along * (ends[1] - ends[0])
    limits = play_time_limits(duration_ms)
    low, high = limits[played - 1, row], limits[played, row]
    return np.where(kind > 0, low + shape * (high - low), 0.0), kind


def whole_milliseconds(play_ms: Floats) -> Integers:
    """Return play times rounded to whole ms, halves up; a view that was played lasts at least 1 ms."""
    return np.where(play_ms > 0.0, np.maximum(np.floor(play_ms + 0.5), 1.0), 0.0).astype(np.int64)


def knots(duration_ms: Floats) -> Floats:
    """Return the (4, n, levels) play times in ms at the knots of the played kinds' quantile functions."""
    node, step = duration_position(duration_ms)
    shape = (1.0 - step)[:, None] * SHAPES[:, node] + step[:, None] * SHAPES[:, node + 1]
    limits = play_time_limits(duration_ms)
    low, high = limits[:-1, :, None], limits[1:, :, None]
    return low + shape * (high - low)
