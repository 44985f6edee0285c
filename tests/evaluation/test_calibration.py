"""The histogram of the probability integral transform against loops, by hand and at its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.evaluation.calibration import BINS, calibration, pit_distribution

EDGES = np.linspace(0, 1, BINS + 1)


def slow(low: list[float], high: list[float]) -> list[float]:
    """The share of each row's weight in each bin; a row of no width falls in the bin whose upper edge it may equal."""
    shares = [0.0] * BINS
    for start, stop in zip(low, high, strict=True):
        for place in range(BINS):
            left, right = EDGES[place], EDGES[place + 1]
            if stop > start:
                shares[place] += max(min(stop, right) - max(start, left), 0.0) / (stop - start)
            else:
                shares[place] += left < start <= right or (start == 0 and place == 0)
    return [share / len(low) for share in shares]


@settings(max_examples=80)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.0])), min_size=1, max_size=12))
def test_rows_spread_their_weight_over_the_bins(rows: list[tuple[float, float]]) -> None:
    low = [start for start, _ in rows]
    high = [min(start + width, 1.0) for start, width in rows]
    found = calibration(np.zeros(len(low)), low, high)
    expected = slow(low, high)
    np.testing.assert_allclose(found["pit"], expected, atol=1e-9)
    assert sum(found["pit"]) == pytest.approx(1)
    distance = max(abs(sum(expected[: place + 1]) - EDGES[place + 1]) for place in range(BINS))
    assert found["pit_distance"] == pytest.approx(distance, abs=1e-9)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ((np.arange(BINS) + 0.5) / BINS, (np.arange(BINS) + 0.5) / BINS),
        ([0.0], [1.0]),
        ([0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]),
    ],
    ids=["one row in each bin", "one certain value", "two equally likely values"],
)
def test_transforms_of_calibrated_predictions_have_a_flat_histogram(low: list[float], high: list[float]) -> None:
    found = calibration([0.0], low, high)
    np.testing.assert_allclose(found["pit"], 1 / BINS)
    assert found["pit_distance"] == pytest.approx(0, abs=1e-12)


def test_the_distance_by_hand() -> None:
    """All ½: H jumps there. All 0 or all 1: one bin has everything. A value of ¼ on half the rows: H(¼) = ½."""
    assert calibration([0.0], [0.5, 0.5], [0.5, 0.5])["pit_distance"] == pytest.approx(0.5)
    assert calibration([0.0], [0.0, 0.25], [0.25, 1.0])["pit_distance"] == pytest.approx(0.25)
    for end, place in ((0.0, 0), (1.0, -1)):
        found = calibration([0.0], [end] * 3, [end] * 3)
        assert found["pit"][place] == pytest.approx(1)
        assert found["pit_distance"] == pytest.approx(0.95)


def test_rounding_that_leaves_the_upper_side_below_the_lower_one_does_not_matter() -> None:
    exact = pit_distribution([0.42], [0.42])
    np.testing.assert_array_equal(pit_distribution([0.42], [0.42 - 1e-16 * 3]), exact)
    np.testing.assert_array_equal(exact, EDGES >= 0.42)


def test_the_distribution_runs_from_0_to_1_and_never_falls() -> None:
    draws = np.random.default_rng(0).random((2, 200))
    reached = pit_distribution(draws.min(0), draws.max(0))
    assert reached.shape == (BINS + 1,)
    assert (reached[0], reached[-1]) == (0, 1)
    assert np.all(np.diff(reached) >= 0)


def test_crps_is_the_mean_over_rows() -> None:
    assert calibration([1.0, 2.0, 6.0], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3])["crps"] == pytest.approx(3)
