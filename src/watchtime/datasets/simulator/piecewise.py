"""Laws whose target is 0 or of one of several kinds, each with a piecewise-linear quantile function.

With probability w₀ the target is 0, and with probability w_k it is of kind k:

    T = low_k(s) + S_k(U; s) (high_k(s) − low_k(s)),        U uniform in [0, 1),

s the scale of a row, such as a duration or a price. The kinds lie side by side, high_k ≤ low_{k+1}, so the whole law
has one piecewise-linear quantile function. S_k is interpolated linearly in s between the stored shapes of the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from watchtime.datasets.simulator.arithmetic import Floats, Integers


@dataclass(frozen=True, eq=False)
class Law:
    """The tables of one law.

    ``limits`` maps scales (n,) to low and high, (kinds − 1, n) each. ``units`` maps each task that the law answers
    to the size of its unit on the target's axis; None means that the scale itself is the unit, as in a ratio.
    """

    target: str
    scale: str
    kinds: tuple[str, ...]  # the first is the target 0
    levels: Floats
    nodes: Floats
    shapes: Floats  # (kind - 1, node, level), increasing from 0 or more to at most 1
    limits: Callable[[Floats], tuple[Floats, Floats]]
    units: Mapping[str, float | None]

    def position(self, scale: Floats) -> tuple[Integers, Floats]:
        """Return the node to the left of each scale, and how far it lies towards the next, in [0, 1]."""
        nodes = self.nodes
        node = np.clip(np.searchsorted(nodes, scale, side="right") - 1, 0, len(nodes) - 2)
        step = (scale - nodes[node]) / (nodes[node + 1] - nodes[node])
        return node.astype(np.int64), np.clip(step, 0.0, 1.0)

    def quantile(self, weights: Floats, scale: Floats, probability: Floats) -> tuple[Floats, Integers]:
        """Return the quantile of the target at ``probability`` and the kind it belongs to.

        ``weights`` is (n, kinds), the two others (n,). At a uniform probability this is a draw from the law.
        """
        bounds = np.cumsum(weights, axis=1)
        kind = np.zeros(len(weights), dtype=np.int64)
        for k in range(len(self.kinds) - 1):
            kind += probability > bounds[:, k]
        row = np.arange(len(weights))
        positive = np.maximum(kind, 1)
        mass = np.maximum(weights[row, positive], 1e-300)
        level = np.clip((probability - bounds[row, positive - 1]) / mass, 0.0, 1.0)
        left = np.minimum(np.searchsorted(self.levels, level, side="right") - 1, len(self.levels) - 2)
        along = (level - self.levels[left]) / (self.levels[left + 1] - self.levels[left])
        node, step = self.position(scale)
        ends = [
            (1.0 - step) * self.shapes[positive - 1, node, end] + step * self.shapes[positive - 1, node + 1, end]
            for end in (left, left + 1)
        ]
        shape = ends[0] + along * (ends[1] - ends[0])
        low, high = (limit[positive - 1, row] for limit in self.limits(scale))
        return np.where(kind > 0, low + shape * (high - low), 0.0), kind

    def knots(self, scale: Floats) -> Floats:
        """Return the (kinds − 1, n, levels) targets at the knots of the quantile functions."""
        node, step = self.position(scale)
        shape = (1.0 - step)[:, None] * self.shapes[:, node] + step[:, None] * self.shapes[:, node + 1]
        low, high = (limit[:, :, None] for limit in self.limits(scale))
        return low + shape * (high - low)

    def unit(self, task: str, scale: Floats) -> Floats:
        """Return the unit of ``task`` for each row."""
        unit = self.units[task]
        return scale if unit is None else np.full_like(scale, unit)


def whole(target: Floats) -> Integers:
    """Return targets rounded to whole numbers, halves up; what is positive becomes at least 1."""
    return np.where(target > 0.0, np.maximum(np.floor(target + 0.5), 1.0), 0.0).astype(np.int64)
