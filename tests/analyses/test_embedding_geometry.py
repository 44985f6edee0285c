"""Distances between embeddings: limits where the answer is known, loops over values, and equal bytes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from watchtime.analyses.embedding_geometry import (
    distance_correlation,
    distances,
    nearest,
    projected,
    random_table,
    value_grid,
)

VALUES = np.sort(np.random.default_rng(1).lognormal(1.5, 1.0, 40))


def test_a_grid_has_distinct_targets_and_both_ends() -> None:
    target = np.random.default_rng(2).permutation(np.repeat(np.arange(3000.0), 2))
    grid = value_grid(target)
    assert len(grid) == 400
    assert (grid[0], grid[-1]) == (0, 2999)
    assert np.diff(grid).min() >= 7
    assert value_grid(np.array([5.0, 1, 5, 1])).tolist() == [1, 5]


def test_embeddings_that_are_linear_in_the_value_order_all_distances() -> None:
    direction = np.array([1.0, -2, 0.5])
    assert distance_correlation(VALUES, distances(VALUES[:, None] * direction)) == pytest.approx(1)
    # The order of distances is what counts, not their size.
    assert distance_correlation(VALUES, distances(VALUES[:, None]) ** 3) == pytest.approx(1)
    assert distance_correlation(VALUES, -distances(VALUES[:, None])) == pytest.approx(-1)


def test_embeddings_that_are_all_alike_order_nothing() -> None:
    assert distance_correlation(VALUES, np.zeros((40, 40))) == 0
    # Corners of a simplex: all equally far from one another.
    assert distance_correlation(VALUES, distances(np.eye(40))) == 0


def test_the_correlation_is_the_mean_of_each_values_own() -> None:
    points = np.random.default_rng(3).normal(size=(40, 5)).round(1)
    values = VALUES.round()
    own = []
    for place in range(40):
        others = [one for one in range(40) if one != place]
        apart = [float(np.sqrt(((points[one] - points[place]) ** 2).sum())) for one in others]
        own.append(spearmanr([abs(values[one] - values[place]) for one in others], apart).statistic)
    assert distance_correlation(values, distances(points)) == pytest.approx(np.mean(own))


def test_the_nearest_is_another_point() -> None:
    assert nearest(distances(np.array([[0.0], [1], [1.5], [9], [9]]))).tolist() == [1, 2, 1, 4, 3]


def test_a_projection_has_the_same_bytes_twice_and_keeps_neighbourhoods() -> None:
    points = np.concatenate([np.random.default_rng(4).normal(place, 0.1, (15, 600)) for place in (0, 5)])
    plane = projected(points, 7)
    assert plane.tobytes() == projected(points, 7).tobytes()
    assert plane.shape == (30, 2)
    assert (nearest(distances(plane.astype(float))) < 15).tolist() == [True] * 15 + [False] * 15


def test_what_has_no_neighbourhoods_lies_at_the_origin() -> None:
    assert not projected(np.ones((30, 4)), 1).any()
    assert projected(np.eye(3), 1).tolist() == [[0, 0]] * 3


def test_random_embeddings_follow_from_the_seed_and_the_repetition() -> None:
    table = np.zeros((5, 3))
    assert np.array_equal(random_table(table, 1, 0), random_table(table, 1, 0))
    others = [random_table(table, *one) for one in ((1, 0), (2, 0), (1, 1))]
    assert len({one.tobytes() for one in others}) == 3
    assert others[0].shape == (5, 3)
