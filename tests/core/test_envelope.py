"""The line below which lies all that was measured: against all pairs of points, and its shape."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchtime.core.envelope import at, envelope

POINTS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 1000)), min_size=1, max_size=12)


def between_pairs(points: list[tuple[int, int]], place: float) -> float:
    """The highest that any point not beyond ``place``, or any line between two points, reaches there."""
    reached = [float(taken) for where, taken in points if where <= place]
    for (left, low), (right, high) in combinations(sorted(points), 2):
        if left < right and left <= place <= right:
            # Nothing falls: where the second point is the lower one, the first one's height stays.
            reached.append(low + (max(high, low) - low) * (place - left) / (right - left))
    return max(reached)


@given(POINTS)
def test_it_is_the_highest_of_all_lines_between_what_was_measured(points: list[tuple[int, int]]) -> None:
    corners, places = envelope(points), [where for where, _ in points]
    for place in (*places, (min(places) + max(places)) / 2):
        assert at(corners, place) == pytest.approx(between_pairs(points, place))


@given(POINTS)
def test_it_rises_ever_more_slowly(points: list[tuple[int, int]]) -> None:
    corners = list(envelope(points).items())
    slopes = [(high - low) / (right - left) for (left, low), (right, high) in pairwise(corners)]
    assert all(slope >= 0 for slope in slopes)
    assert all(first > second for first, second in pairwise(slopes))


def test_beyond_what_was_measured_it_goes_on_as_steeply_as_it_rose() -> None:
    growing, bounded = envelope([(0, 100), (10, 300), (30, 400)]), envelope([(0, 100), (10, 300), (40, 200)])
    assert growing == {0: 100, 10: 300, 30: 400}
    assert (at(growing, 5), at(growing, 60)) == (200, 700)
    assert bounded == {0: 100, 10: 300, 40: 300}
    assert (at(bounded, 40), at(bounded, 60)) == (300, 400)
    assert at({0: 100}, 1000) == at({5: 100}, 0) == 100
