"""How what a job takes grows with its input: the concave envelope of what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise


def envelope(measured: Iterable[tuple[float, float]]) -> dict[float, float]:
    """Return the corners of the least concave line that falls nowhere and lies below no measured (input, taken).

    Inputs are in rising order, from the least to the greatest that was measured.

    >>> envelope([(0, 100), (10, 300), (20, 320), (30, 400), (40, 200)])
    {0: 100, 10: 300, 30: 400, 40: 400}
    """
    corners: list[tuple[float, float]] = []
    for place, taken in sorted(measured, key=lambda one: (one[0], -one[1])):
        if corners and place == corners[-1][0]:
            continue
        point = (place, max(taken, corners[-1][1]) if corners else taken)
        while len(corners) > 1 and _is_below(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return dict(corners)


def at(corners: Mapping[float, float], place: float) -> float:
    """Return the height of an envelope at an input: on the line between its corners, before the first one its height.

    Beyond the last one nothing is known, and a line on which it is flat may be chance: it goes on as steeply as it rose
    from the first corner to the last.

    >>> at({0: 100, 10: 300, 30: 400}, 5), at({0: 100, 10: 300, 30: 400}, 60), at({0: 100}, 50)
    (200.0, 700.0, 100)
    """
    points = sorted(corners.items())
    first, last = points[0], points[-1]
    if len(points) == 1 or place <= first[0]:
        return first[1]
    if place > last[0]:
        return last[1] + _slope(first, last) * (place - last[0])
    left, right = next(pair for pair in pairwise(points) if place <= pair[1][0])
    return left[1] + _slope(left, right) * (place - left[0])


def _slope(left: tuple[float, float], right: tuple[float, float]) -> float:
    return (right[1] - left[1]) / (right[0] - left[0])


def _is_below(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    """Whether a point lies on or below the line between two others."""
    return (middle[1] - left[1]) * (right[0] - left[0]) <= (right[1] - left[1]) * (middle[0] - left[0])
