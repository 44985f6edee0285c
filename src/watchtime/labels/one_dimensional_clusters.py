"""Weighted K-means and K-medians of numbers: on a line, clusters are runs of neighbouring values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np

from watchtime.labels.base import Floats, Integers

Centre = Literal["means", "medians"]

# Up to this many distinct values the partition is the best there is; beyond, the best with so many places to cut.
_CUTS = 2048
# Each iteration lowers the sum of errors, so that this is never reached but where rounding makes it go in circles.
_ITERATIONS = 10_000


def cluster(values: Floats, count: int, weights: Floats | None = None, centre: Centre = "means") -> Floats:
    """Return the ``count`` centres c, ascending, that make Σ_i w_i min_k |v_i − c_k|^r small: r = 2 means, 1 medians.

    First the best of all partitions that cut at candidate places only, by dynamic programming: between any two
    distinct values, or, where there are more than 2,048 of these, evenly along ∫ density^{1/(1 + r)}, which is how the
    best centres lie in the limit of many (Zador). Then Lloyd's iterations over all values until none changes its
    cluster; sums over runs are differences of prefix sums, so that an iteration costs O(K log n). No number is random:
    the order of the rows does not matter, a weight is a repetition.

    ``values`` [n] and ``weights`` [n] > 0 in any order. There are fewer centres where there are fewer distinct values,
    then each value is a centre. A median of even weight is the lower one. Means: RQ-Reg, eq. 1; medians: section 4.3.
    """
    values, weights = weighted_distinct(values, weights)
    if len(values) <= count:
        return values
    line = (_Means if centre == "means" else _Medians)(values, weights)
    return line.centres(_lloyd(line, _best_partition(line, _candidates(line), count)))


def nearest(centres: Floats, values: Floats) -> Integers:
    """Return the number of the nearest of the increasing ``centres`` [K] to each value, [n]; ties go to the lower."""
    return np.searchsorted(halfway(centres), values, side="left")


def halfway(centres: Floats) -> Floats:
    """Return the largest value that belongs to the lower of each two neighbouring centres, [K − 1]."""
    middle = (centres[:-1] + centres[1:]) / 2
    # Between neighbouring floating-point numbers the middle rounds to one of them, which must not be the upper.
    return np.minimum(middle, np.nextafter(centres[1:], -np.inf))


def weighted_distinct(values: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the distinct values, ascending, and the sum of the weights of each."""
    if weights is None:
        distinct, counts = np.unique(values, return_counts=True)
        return distinct, counts.astype(np.float64)
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    return values[first], np.add.reduceat(weights, first)


class _Line(ABC):
    """Increasing values with weights and prefix sums; cluster k of the bounds b holds values[b_k : b_{k+1}]."""

    density_power: ClassVar[float]

    def __init__(self, values: Floats, weights: Floats) -> None:
        self.values, self.weights = values, weights
        self.mass = _prefix_sums(weights)
        # Sums about the median lose few digits in the differences, whatever outliers there are.
        self.middle = values[np.searchsorted(self.mass[1:], self.mass[-1] / 2)]
        self.shifted = values - self.middle
        self.first_moment = _prefix_sums(weights * self.shifted)

    def centres(self, bounds: Integers) -> Floats:
        """Return the best centre of each cluster, [K], within its values."""
        start, stop = bounds[:-1], bounds[1:]
        return np.clip(self._centre(start, stop), self.values[start], self.values[stop - 1])

    @abstractmethod
    def costs(self, start: Integers, stop: Integers) -> Floats:
        """Return Σ w |v − c|^r over the runs start … stop − 1 around their own centres, [runs]."""

    @abstractmethod
    def _centre(self, start: Integers, stop: Integers) -> Floats: ...


class _Means(_Line):
    density_power = 1 / 3

    def __init__(self, values: Floats, weights: Floats) -> None:
        super().__init__(values, weights)
        self.second_moment = _prefix_sums(weights * self.shifted**2)

    def _centre(self, start: Integers, stop: Integers) -> Floats:
        return self.middle + _between(self.first_moment, start, stop) / _between(self.mass, start, stop)

    def costs(self, start: Integers, stop: Integers) -> Floats:
        square = _between(self.first_moment, start, stop) ** 2 / _between(self.mass, start, stop)
        return np.maximum(_between(self.second_moment, start, stop) - square, 0.0)


class _Medians(_Line):
    density_power = 1 / 2

    def _centre(self, start: Integers, stop: Integers) -> Floats:
        return self.values[self._median(start, stop)]

    def costs(self, start: Integers, stop: Integers) -> Floats:
        median = self._median(start, stop)
        weight = _between(self.mass, start, median) - _between(self.mass, median, stop)
        moment = _between(self.first_moment, median, stop) - _between(self.first_moment, start, median)
        return np.maximum(self.shifted[median] * weight + moment, 0.0)

    def _median(self, start: Integers, stop: Integers) -> Integers:
        """Return the first value of each run with which at least half of the run's weight is reached."""
        half = (self.mass[start] + self.mass[stop]) / 2
        return np.clip(np.searchsorted(self.mass, half, side="left") - 1, start, stop - 1)


def _candidates(line: _Line) -> Integers:
    """Return where the first partition may cut, with both ends, increasing."""
    count = len(line.values)
    if count <= _CUTS:
        return np.arange(count + 1)
    gap = line.values[1:] - line.values[:-1]
    density = (line.weights[1:] + line.weights[:-1]) / 2 / gap
    length = density**line.density_power * gap
    # A gap has use for one cut only: the wide ones beside outliers must not take those of all others.
    for _ in range(8):
        length = np.minimum(length, length.sum() / _CUTS)
    place = np.cumsum(length)
    inner = 1 + np.searchsorted(place, np.linspace(0.0, place[-1], _CUTS + 1)[1:-1])
    return np.unique(np.concatenate([[0], inner, [count]]))


def _best_partition(line: _Line, cuts: Integers, count: int) -> Integers:
    """Return the bounds [count + 1], all in ``cuts``, of the partition with the smallest sum of costs."""
    places = len(cuts)
    start, stop = np.triu_indices(places, 1)
    cost = np.full((places, places), np.inf)
    cost[stop, start] = line.costs(cuts[start], cuts[stop])
    total, sums = cost[:, 0], np.empty_like(cost)
    last_cut = np.zeros((count, places), dtype=np.int64)
    for clusters in range(1, count):
        np.add(cost, total, out=sums)
        last_cut[clusters] = sums.argmin(axis=1)
        total = np.take_along_axis(sums, last_cut[clusters][:, None], 1)[:, 0]
    path = [places - 1]
    for clusters in range(count - 1, 0, -1):
        path.append(int(last_cut[clusters, path[-1]]))
    return cuts[[0, *reversed(path)]]


def _lloyd(line: _Line, bounds: Integers) -> Integers:
    """Return the bounds that Lloyd's iterations reach, where every value belongs to the nearest centre."""
    for _ in range(_ITERATIONS):
        inner = np.searchsorted(line.values, halfway(line.centres(bounds)), side="right")
        moved = np.concatenate([bounds[:1], inner, bounds[-1:]])
        if np.any(np.diff(moved) == 0):
            moved = _refilled(line, moved)
        if np.array_equal(moved, bounds):
            break
        bounds = moved
    return bounds


def _refilled(line: _Line, bounds: Integers) -> Integers:
    """Return the bounds without empty clusters: instead of each, the costliest cluster is cut at its centre."""
    count = len(bounds)
    bounds = np.unique(bounds)
    while len(bounds) < count:
        # A single value costs nothing but rounding.
        costs = np.where(np.diff(bounds) > 1, line.costs(bounds[:-1], bounds[1:]), -1.0)
        costliest = int(np.argmax(costs))
        centre = line.centres(bounds[costliest : costliest + 2])[0]
        cut = np.searchsorted(line.values, centre, side="right")
        cut = np.clip(cut, bounds[costliest] + 1, bounds[costliest + 1] - 1)
        bounds = np.insert(bounds, costliest + 1, cut)
    return bounds


def _prefix_sums(terms: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(terms)])


def _between(prefix_sums: Floats, start: Integers, stop: Integers) -> Floats:
    return prefix_sums[stop] - prefix_sums[start]
