"""Readouts and calibration of distributions over intervals against loops and fine grids."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.evaluation.calibration import calibration
from watchtime.labels.base import Floats
from watchtime.labels.intervals import Intervals, means_of, shares_of

WIDTHS = st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0, 7.0, 30.0]), min_size=1, max_size=8)


@st.composite
def laws(draw: st.DrawFn) -> tuple[Intervals, Floats]:
    """Return intervals, some of them atoms, with values anywhere in them, and probabilities, some of them 0."""
    widths = draw(WIDTHS)
    edges = draw(st.sampled_from([0.0, 3.0])) + np.concatenate([[0.0], np.cumsum(widths)])
    weights = np.array(
        draw(st.lists(st.sampled_from([0.0, 0.1, 1.0, 3.0]), min_size=len(widths), max_size=len(widths)))
    )
    shares = weights[::-1] / weights.sum() if weights.any() else np.full(len(widths), 1 / len(widths))
    probabilities = weights / weights.sum() if weights.any() else shares
    places = np.array(draw(st.lists(st.floats(0, 1), min_size=len(widths), max_size=len(widths))))
    return Intervals(edges, edges[:-1] + places * np.diff(edges), shares), probabilities


def targets(intervals: Intervals) -> Floats:
    """Return every edge and middle, and points outside."""
    edges = intervals.edges
    return np.concatenate([edges, (edges[:-1] + edges[1:]) / 2, [edges[0] - 1.5, edges[-1] + 4.0]])


def reached(intervals: Intervals, probabilities: Floats, points: npt.ArrayLike, below: bool = False) -> Floats:
    """P(Y ≤ point), or P(Y < point), of each point, by a loop over the intervals."""
    at = np.asarray(points, dtype=float)
    total = np.zeros(at.shape)
    for low, high, probability in zip(intervals.edges, intervals.edges[1:], probabilities, strict=False):
        if low == high:
            total += probability * (low < at if below else low <= at)
        else:
            total += probability * np.interp(at, [low, high], [0, 1])
    return total


def slow_crps(intervals: Intervals, probabilities: Floats, target: float) -> float:
    """Integrate (F − 1{z ≥ y})² by 400 midpoints between each two of the places where it is not smooth."""
    knots = sorted({*intervals.edges.tolist(), target})
    total = 0.0
    for low, high in pairwise(knots):
        grid = low + (np.arange(400) + 0.5) / 400 * (high - low)
        total += (high - low) * float(np.mean((reached(intervals, probabilities, grid) - (grid >= target)) ** 2))
    return total


def even_draws(intervals: Intervals, probabilities: Floats, count: int) -> tuple[Floats, Floats]:
    """Return even levels and the law's quantiles there, which stand for draws."""
    level = (np.arange(count) + 0.5) / count
    cumulative = np.cumsum(probabilities)
    place = np.minimum(np.searchsorted(cumulative, level), len(probabilities) - 1)
    inside = (level - (cumulative[place] - probabilities[place])) / probabilities[place]
    return level, intervals.edges[place] + inside * np.diff(intervals.edges)[place]


def repeated(probabilities: Floats, rows: int) -> Floats:
    return np.repeat(probabilities[None], rows, 0)


# Readouts


@settings(max_examples=60)
@given(laws())
def test_mean_and_variance_are_those_of_the_values(law: tuple[Intervals, Floats]) -> None:
    intervals, probabilities = law
    pairs = list(zip(probabilities.tolist(), intervals.values.tolist(), strict=True))
    mean = sum(p * v for p, v in pairs)
    assert intervals.mean(probabilities[None])[0] == pytest.approx(mean)
    variance = sum(p * (v - mean) ** 2 for p, v in pairs)
    assert intervals.variance(probabilities[None])[0] == pytest.approx(variance, rel=1e-6, abs=1e-9)


@settings(max_examples=60)
@given(laws())
def test_the_mean_of_midpoints_is_the_integral_of_the_exceedance(law: tuple[Intervals, Floats]) -> None:
    intervals, probabilities = law
    edges = intervals.edges
    centred = Intervals(edges, (edges[:-1] + edges[1:]) / 2, intervals.shares)
    grid = edges[0] + (np.arange(2000) + 0.5) / 2000 * (edges[-1] - edges[0])
    exceedance = np.mean(1 - reached(centred, probabilities, grid))
    expected = edges[0] + exceedance * (edges[-1] - edges[0])
    assert centred.mean(probabilities[None])[0] == pytest.approx(expected, abs=1e-3 * (edges[-1] - edges[0]) + 1e-9)


@settings(max_examples=60)
@given(laws())
def test_the_median_is_the_smallest_point_that_half_of_the_mass_reaches(law: tuple[Intervals, Floats]) -> None:
    intervals, probabilities = law
    low, high = float(intervals.edges[0]) - 1, float(intervals.edges[-1])
    for _ in range(80):
        middle = (low + high) / 2
        if reached(intervals, probabilities, middle) >= 0.5 - 1e-12:
            high = middle
        else:
            low = middle
    assert intervals.median(probabilities[None])[0] == pytest.approx(high, abs=1e-8)


def test_the_median_does_not_need_probabilities_that_add_up_to_one_exactly() -> None:
    intervals = Intervals(np.array([0.0, 1.0, 3.0]), np.array([0.5, 2.0]), np.array([0.5, 0.5]))
    rows = np.array([[0.4, 0.2], [0.5, 0.5 - 1e-9], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(intervals.median(rows), [0.75, 1.0, 2.0, 0.5, 0.0], atol=1e-8)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.data())
def test_the_rank_is_the_mean_rank_of_each_intervals_training_rows(train: list[int], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, 9), min_size=1, max_size=4)))
    interval = np.array([sum(value >= cut for cut in cuts) for value in train])
    edges = np.array([0.0, *cuts, 10.0])
    intervals = Intervals(edges, edges[:-1], shares_of(interval, len(cuts) + 1))
    for place in set(interval.tolist()):
        ranks = [
            np.mean([(other < value) + (other == value) / 2 for other in train])
            for value, own in zip(train, interval, strict=True)
            if own == place
        ]
        certain = np.eye(len(cuts) + 1)[[place]]
        assert intervals.rank(certain)[0] == pytest.approx(np.mean(ranks))
    assert intervals.rank(intervals.shares[None])[0] == pytest.approx(0.5)


def test_readouts_come_in_the_order_of_the_cards() -> None:
    intervals = Intervals(np.array([0.0, 2.0, 4.0]), np.array([1.0, 3.0]), np.array([0.25, 0.75]))
    found = intervals.readouts(np.array([[0.5, 0.5]]))
    assert {name: value.tolist() for name, value in found.items()} == {
        "mean": [2.0],
        "median": [2.0],
        "rank": [0.375],
        "variance": [1.0],
    }
    assert list(found) == ["mean", "median", "rank", "variance"]


# Calibration


@settings(max_examples=60)
@given(laws())
def test_the_probability_integral_is_the_distribution_function_on_both_sides(law: tuple[Intervals, Floats]) -> None:
    intervals, probabilities = law
    points = targets(intervals)
    low, high = intervals.probability_integral(repeated(probabilities, len(points)), points)
    np.testing.assert_allclose(low, reached(intervals, probabilities, points, below=True), atol=1e-12)
    np.testing.assert_allclose(high, reached(intervals, probabilities, points), atol=1e-12)


@settings(max_examples=60)
@given(laws())
def test_the_probability_integral_of_draws_is_uniform(law: tuple[Intervals, Floats]) -> None:
    """Each level is between the integrals on both sides of its quantile; draws that are too large are found out."""
    intervals, probabilities = law
    level, points = even_draws(intervals, probabilities, 2000)
    low, high = intervals.probability_integral(repeated(probabilities, len(points)), points)
    assert np.all(low <= level + 1e-9)
    assert np.all(level <= high + 1e-9)
    assert calibration(np.zeros(len(points)), low, high)["pit_distance"] < 1e-3
    wrong = intervals.probability_integral(repeated(probabilities, len(points)), points + intervals.edges[-1] + 1)
    assert calibration(np.zeros(len(points)), *wrong)["pit_distance"] > 0.9


@settings(max_examples=60, deadline=None)
@given(laws())
def test_crps_is_the_integral_of_the_squared_gap(law: tuple[Intervals, Floats]) -> None:
    intervals, probabilities = law
    points = targets(intervals)
    found = intervals.crps(repeated(probabilities, len(points)), points)
    expected = [slow_crps(intervals, probabilities, y) for y in points.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=60)
@given(laws(), st.floats(0, 60))
def test_crps_is_at_least_0_and_0_only_for_certain_hits(law: tuple[Intervals, Floats], target: float) -> None:
    intervals, probabilities = law
    assert intervals.crps(probabilities[None], np.array([target]))[0] >= 0


@given(st.floats(0, 50), st.floats(0, 60))
def test_crps_of_a_point_is_the_absolute_error(point: float, target: float) -> None:
    edges = np.array([0.0, point, point, 50.0])
    intervals = Intervals(edges, edges[:-1], np.array([0.3, 0.4, 0.3]))
    found = intervals.crps(np.array([[0.0, 1.0, 0.0]]), np.array([target]))
    assert found[0] == pytest.approx(abs(target - point), rel=1e-9, abs=1e-9)


def test_crps_by_hand() -> None:
    """A uniform law on [0, 1]: ∫ z² + ∫ (1 − z)² up to and from the target; an atom at 0 of ½ beside it."""
    uniform = Intervals(np.array([0.0, 1.0]), np.array([0.5]), np.array([1.0]))
    found = uniform.crps(np.ones((3, 1)), np.array([0.5, 0.0, 3.0]))
    np.testing.assert_allclose(found, [1 / 12, 1 / 3, 1 / 3 + 2])
    mixed = Intervals(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.5]), np.array([0.5, 0.5]))
    # F = (1 + z) / 2: for y = 0 the gap is (1 − z) / 2.
    assert mixed.crps(np.array([[0.5, 0.5]]), np.array([0.0]))[0] == pytest.approx(1 / 12)


@settings(max_examples=40)
@given(laws(), st.integers(0, 2**32 - 1))
def test_nobody_scores_better_than_the_law_of_the_draws(law: tuple[Intervals, Floats], seed: int) -> None:
    """CRPS is proper: no other law has a smaller mean score."""
    intervals, probabilities = law
    _, points = even_draws(intervals, probabilities, 500)
    other = np.random.default_rng(seed).dirichlet(np.ones(len(probabilities)))
    own, others = (intervals.crps(repeated(one, 500), points).mean() for one in (probabilities, other))
    assert own <= others + 1e-3 * (intervals.edges[-1] - intervals.edges[0]) + 1e-9


# Statistics of the training rows


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1e4)), min_size=1, max_size=30))
def test_shares_and_means_are_those_of_the_rows(rows: list[tuple[int, float]]) -> None:
    interval, target = np.array([place for place, _ in rows]), np.array([value for _, value in rows])
    otherwise = np.array([-1.0, -2.0, -3.0, -4.0, -5.0])
    shares, means = shares_of(interval, 5), means_of(interval, target, otherwise)
    for place in range(5):
        own = [value for where, value in rows if where == place]
        assert shares[place] == pytest.approx(len(own) / len(rows))
        assert means[place] == pytest.approx(sum(own) / len(own) if own else otherwise[place])
    assert otherwise.tolist() == [-1, -2, -3, -4, -5]
