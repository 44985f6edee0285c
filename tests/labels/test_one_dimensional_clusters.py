"""Clusters of numbers against all partitions, an exact dynamic program and scikit-learn."""

from itertools import combinations, pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from watchtime.labels.base import Floats
from watchtime.labels.one_dimensional_clusters import (
    Centre,
    _lloyd,
    _Means,
    cluster,
    nearest,
    weighted_distinct,
)

RNG = np.random.default_rng(3)
CENTRES = st.sampled_from(get_args(Centre))
VALUES = st.lists(st.one_of(st.integers(0, 9).map(float), st.floats(0, 1e4).map(lambda x: round(x, 3))), min_size=1)
# More than 2,048 distinct values each, so that the first partition may not cut everywhere.
LONG = {
    "watch time": np.round(RNG.lognormal(1.8, 1.1, 20_000) * (RNG.random(20_000) > 0.1), 3),
    "prices": np.round(
        RNG.permutation(np.append(RNG.choice([9.9, 19.9, 49.0, 99.0], 2_000), RNG.gamma(1.0, 40.0, 6_000))), 3
    ),
    "even": RNG.random(5_000),
    "with an outlier": np.append(RNG.exponential(1.0, 4_000), 1e6),
}


def spread(values: Floats, weights: Floats, centre: Centre) -> float:
    """Cost of one cluster around its own centre, by definition."""
    if centre == "means":
        return float(weights @ (values - np.average(values, weights=weights)) ** 2)
    return float(min(weights @ np.abs(values - each) for each in values))


def inertia(values: Floats, centres: Floats, centre: Centre, weights: Floats | float = 1.0) -> float:
    distance = np.abs(values[:, None] - centres).min(axis=1)
    return float(np.sum(weights * (distance**2 if centre == "means" else distance)))


def exact_inertia(values: Floats, count: int) -> float:
    """Smallest inertia of K-means, by the dynamic program over all places of the last cut."""
    values = np.sort(values)
    shifted = values - np.median(values)
    best = np.full(len(values) + 1, np.inf)
    best[0] = 0.0
    rows = np.arange(1, len(values) + 1)
    sums, squares = np.append(0, np.cumsum(shifted)), np.append(0, np.cumsum(shifted**2))
    for _ in range(count):
        best = np.array(
            [np.inf]
            + [
                np.min(best[:j] + squares[j] - squares[:j] - (sums[j] - sums[:j]) ** 2 / np.arange(j, 0, -1))
                for j in rows
            ]
        )
    return float(best[-1])


@settings(max_examples=150, deadline=None)
@given(VALUES.map(lambda values: values[:11]), st.integers(1, 5), CENTRES, st.integers(0, 99))
def test_few_values_get_the_best_of_all_partitions(values: list[float], count: int, centre: Centre, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(1, 5, len(values)).astype(float)
    distinct, summed = weighted_distinct(np.array(values), weights)
    centres = cluster(np.array(values), count, weights, centre)
    assert len(centres) == min(count, len(distinct))
    best = min(
        sum(spread(distinct[a:b], summed[a:b], centre) for a, b in pairwise([0, *cuts, len(distinct)]))
        for cuts in combinations(range(1, len(distinct)), len(centres) - 1)
    )
    assert inertia(distinct, centres, centre, summed) <= best * (1 + 1e-9) + 1e-6
    owner = nearest(centres, distinct)
    for alone in np.flatnonzero(np.bincount(owner) == 1):
        assert centres[alone] == distinct[owner == alone]


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("count", [4, 16])
def test_many_values_come_within_a_thousandth_of_the_best(name: str, count: int) -> None:
    values = LONG[name][-3_000:]
    assert len(set(values)) > 2048
    found = inertia(values, cluster(values, count), "means")
    assert found == pytest.approx(exact_inertia(values, count), rel=1e-3)


@pytest.mark.parametrize("name", LONG)
def test_no_worse_than_scikit_learn(name: str) -> None:
    values = LONG[name]
    for count in (8, 48):
        theirs = KMeans(count, n_init=10, random_state=0).fit(values[:, None])
        ours = cluster(values, count)
        assert len(ours) == count
        assert inertia(values, ours, "means") <= 1.001 * theirs.inertia_


def test_medians_are_not_improved_by_moving_or_swapping_centres() -> None:
    values = LONG["watch time"][:3000]
    centres = cluster(values, 12, centre="medians")
    assert set(centres) <= set(values)
    best = inertia(values, centres, "medians")
    # From random starts, the plain iteration never ends lower.
    for seed in range(5):
        moving = np.sort(np.random.default_rng(seed).choice(np.unique(values), 12, replace=False))
        for _ in range(60):
            owner = np.abs(values[:, None] - moving).argmin(axis=1)
            moving = np.array([np.median(values[owner == k]) if (owner == k).any() else moving[k] for k in range(12)])
        assert best <= inertia(values, moving, "medians") * (1 + 1e-9)


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("centre", get_args(Centre))
def test_every_centre_is_that_of_the_values_nearest_to_it(name: str, centre: Centre) -> None:
    values = LONG[name]
    centres = cluster(values, 30, centre=centre)
    assert np.all(np.diff(centres) > 0)
    owner = nearest(centres, values)
    for number, each in enumerate(centres):
        mine = np.sort(values[owner == number])
        middle = mine.mean() if centre == "means" else mine[(len(mine) - 1) // 2]
        assert each == pytest.approx(middle, rel=1e-9)


@settings(max_examples=60)
@given(VALUES, st.integers(1, 6), CENTRES, st.integers(0, 99))
def test_a_weight_is_a_repetition_and_order_does_not_matter(
    values: list[float], count: int, centre: Centre, seed: int
) -> None:
    draws = np.random.default_rng(seed)
    array, weights = np.array(values), draws.integers(1, 4, len(values))
    expected = cluster(array, count, weights.astype(float), centre)
    repeated = draws.permutation(np.repeat(array, weights))
    np.testing.assert_array_equal(cluster(repeated, count, centre=centre), expected)


@pytest.mark.parametrize("centre", get_args(Centre))
def test_order_does_not_matter_among_many_values(centre: Centre) -> None:
    values = LONG["watch time"]
    shuffled = np.random.default_rng(0).permutation(values)
    np.testing.assert_array_equal(cluster(shuffled, 48, centre=centre), cluster(values, 48, centre=centre))


def test_by_hand() -> None:
    values = np.array([0.0, 0.0, 6.0, 20.0, 20.0, 50.0])
    # Squares: {0, 0, 6, 20, 20}, {50} cost 412.8 and {0, 0, 6}, {20, 20, 50} 624; distances: 40 and 36.
    assert cluster(values, 2).tolist() == [pytest.approx(9.2), 50]
    assert cluster(values, 2, centre="medians").tolist() == [0, 20]
    assert cluster(np.array([1.0, 2.0, 4.0, 9.0]), 1, centre="medians").tolist() == [2]


def test_fewer_distinct_values_than_centres() -> None:
    values = np.array([5.0, 0.1, 5.0, 0.3])
    for count in (3, 4, 48):
        assert cluster(values, count).tolist() == [0.1, 0.3, 5.0]
    assert cluster(values, 48, np.array([1.0, 0.5, 2.0, 1.0])).tolist() == [0.1, 0.3, 5.0]


def test_a_cluster_that_loses_all_its_values_splits_another() -> None:
    line = _Means(np.array([-1.0, 0.0, 10.0, 13.0]), np.ones(4))
    # The middle one of the centres −1, 5, 13 loses both its values; of what is left, {10, 13} costs most.
    bounds = _lloyd(line, np.array([0, 1, 3, 4]))
    assert line.centres(bounds).tolist() == [-0.5, 10, 13]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8, unique=True), st.lists(st.floats(-1e6, 1e6), min_size=1))
@example([1.0, float(np.nextafter(1.0, 2.0))], [1.0, float(np.nextafter(1.0, 2.0))])
@example([float(np.nextafter(1.0, 0.0)), 1.0], [float(np.nextafter(1.0, 0.0)), 1.0])
def test_nearest_against_all_distances(centres: list[float], values: list[float]) -> None:
    ordered, array = np.sort(centres), np.array(values)
    distance = np.abs(array[:, None] - ordered)
    chosen = np.take_along_axis(distance, nearest(ordered, array)[:, None], 1)[:, 0]
    np.testing.assert_allclose(chosen, distance.min(axis=1), rtol=1e-9, atol=1e-9)
    assert nearest(ordered, ordered).tolist() == list(range(len(ordered)))


def test_half_way_belongs_to_the_lower_centre() -> None:
    assert nearest(np.array([0.0, 2.0, 6.0]), np.array([-9.0, 1.0, 1.1, 4.0, 4.1, 99.0])).tolist() == [0, 0, 1, 1, 2, 2]


@given(VALUES, st.integers(0, 99))
def test_distinct_values_carry_the_sum_of_their_weights(values: list[float], seed: int) -> None:
    weights = np.random.default_rng(seed).integers(1, 4, len(values)).astype(float)
    expected: dict[float, float] = {}
    for value, weight in zip(values, weights, strict=True):
        expected[value] = expected.get(value, 0.0) + weight
    distinct, summed = weighted_distinct(np.array(values), weights)
    assert dict(zip(distinct.tolist(), summed.tolist(), strict=True)) == expected
    assert distinct.tolist() == sorted(expected)
