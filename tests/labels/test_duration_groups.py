"""Groups of durations against a loop over rows, and by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.labels.duration_groups import DurationGroups, DurationGroupSettings, distinct_targets

ROWS = st.lists(st.tuples(st.floats(0, 40), st.integers(0, 5).map(float)), min_size=1, max_size=80)


def groups_of(duration: list[float], unit: float = 1.0, smallest: int = 1) -> DurationGroups:
    return DurationGroups.fit(DurationGroupSettings(unit=unit, smallest_group=smallest), np.array(duration))


def test_groups_by_hand() -> None:
    """Seconds 3 3 4 | 7 7 7 | 9 9 12 with three rows each; the 20 alone would be too few and joins the last."""
    found = groups_of([3.4, 2.6, 4.0, 7.0, 6.9, 7.2, 9, 9, 12, 20], smallest=3)
    assert found.bounds.tolist() == [5.5, 8.0]
    asked = np.array([0.0, 4.4, 5.4, 5.6, 8.4, 8.6, 13.0, 20.0, 1e9])
    assert found.of(asked).tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2]


def test_too_few_rows_are_one_group() -> None:
    found = groups_of([1.0, 50.0], smallest=100)
    assert len(found) == 1
    assert found.of(np.array([0.0, 1e9])).tolist() == [0, 0]


@pytest.mark.parametrize("unit", [0.5, 1.0, 10.0])
def test_the_unit_is_that_of_a_cell(unit: float) -> None:
    found = groups_of([0.0, 0.4 * unit, 0.6 * unit, 1.4 * unit, 2 * unit], unit)
    assert found.of(np.array([0.0, 0.4, 0.6, 1.4, 2.0]) * unit).tolist() == [0, 0, 1, 1, 2]


@settings(max_examples=80)
@given(ROWS, st.integers(1, 30), st.sampled_from([0.5, 1.0, 3.0]))
def test_every_group_has_enough_rows_and_no_more_than_it_needs(
    rows: list[tuple[float, float]], smallest: int, unit: float
) -> None:
    duration = np.array([length for length, _ in rows])
    found = groups_of(duration.tolist(), unit, smallest)
    group, cell = found.of(duration), np.rint(duration / unit)
    sizes = Counter(group.tolist())
    assert sorted(sizes) == list(range(len(found)))
    assert all(sizes[one] >= smallest for one in sizes) or len(sizes) == 1
    for one in range(len(found) - 1):
        assert cell[group == one].max() < cell[group == one + 1].min()
        longest = cell[group == one] == cell[group == one].max()
        assert sizes[one] - longest.sum() < smallest


@settings(max_examples=80)
@given(ROWS, st.integers(1, 10), st.floats(0, 100))
def test_any_duration_is_in_the_group_of_the_nearest_cell_that_training_saw(
    rows: list[tuple[float, float]], smallest: int, asked: float
) -> None:
    duration = np.array([length for length, _ in rows])
    found = groups_of(duration.tolist(), smallest=smallest)
    cells = np.rint(duration)
    distance = np.abs(cells - np.rint(asked))
    nearest = cells[distance == distance.min()].min()
    assert found.of(np.array([asked])) == found.of(np.array([nearest]))


@settings(max_examples=80)
@given(ROWS, st.integers(1, 10))
def test_distinct_targets_against_a_count(rows: list[tuple[float, float]], smallest: int) -> None:
    duration, target = np.array(rows).T
    found = groups_of(duration.tolist(), smallest=smallest)
    group = found.of(duration)
    for one, distinct in enumerate(distinct_targets(group, target, len(found))):
        expected = sorted(Counter(target[group == one].tolist()).items())
        assert list(zip(distinct.values.tolist(), distinct.counts.tolist(), strict=True)) == expected
