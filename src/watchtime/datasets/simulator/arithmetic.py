"""Elementary steps whose result is the same to the last bit on every processor.

The simulator's bytes are a function of its seed alone. It therefore uses PCG64 integers and uniforms,
+ − × ÷, comparisons, stable sorting and stored tables, and nothing whose rounding depends on the vector width of
the machine: no exp, log or power, no matrix product, no sum over a float axis (``cumsum`` adds in sequence and is
safe), no ``np.interp`` (a compiler may fuse its multiply and add).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from watchtime.core.seeds import derive_seed

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def generator(seed: int, **axes: int | str) -> np.random.Generator:
    """Return the PCG64 stream of one named part of the simulation."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, **axes)))


def bend(x: Floats) -> Floats:
    """Return 1 + x + x²/2 for x ≥ 0 and 1 / bend(−x) below: positive, increasing, bend(x) bend(−x) = 1.

    It agrees with exp to second order at 0 and turns an additive score into a factor on odds.
    """
    size = np.abs(x)
    rising = 1.0 + size * (1.0 + 0.5 * size)
    return np.where(x >= 0.0, rising, 1.0 / rising)


def quantiles(levels: Sequence[float], values: Sequence[float], probability: Floats) -> Floats:
    """Return the piecewise-linear quantile function through (levels, values) at each ``probability`` in [0, 1]."""
    grid, knots = np.asarray(levels), np.asarray(values)
    left = np.minimum(np.searchsorted(grid, probability, side="right") - 1, len(grid) - 2)
    step = (probability - grid[left]) / (grid[left + 1] - grid[left])
    return knots[left] + step * (knots[left + 1] - knots[left])


def choose(weights: Sequence[float] | Floats, uniform: Floats) -> Integers:
    """Return for each uniform in [0, 1) an index drawn with probability proportional to ``weights``."""
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    index = np.searchsorted(bounds, uniform * bounds[-1], side="right")
    return np.minimum(index, len(bounds) - 1).astype(np.int64)


def signed(rng: np.random.Generator, *shape: int) -> Floats:
    """Return draws in (−1, 1) with a triangular density: the difference of two uniforms, variance 1/6."""
    return rng.random(shape) - rng.random(shape)


def inner(left: Floats, right: Floats) -> Floats:
    """Return Σ_d left[d] right[d] over the few rows of two (dimensions, n) arrays, added in order."""
    total = left[0] * right[0]
    for dimension in range(1, len(left)):
        total = total + left[dimension] * right[dimension]
    return total
