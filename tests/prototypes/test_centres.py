"""Centres of representations: what K-means promises of them."""

from __future__ import annotations

import numpy as np

from watchtime.prototypes.centres import centres

POINTS = np.random.default_rng(0).normal(size=(400, 3)) + np.repeat(np.array([0.0, 6.0, -6.0, 12.0]), 100)[:, None]


def test_each_centre_is_the_mean_of_the_points_that_are_nearest_to_it() -> None:
    found = centres(POINTS, 7, seed=1)
    nearest = ((POINTS[:, None] - found) ** 2).sum(-1).argmin(1)
    for number, centre in enumerate(found):
        np.testing.assert_allclose(POINTS[nearest == number].mean(0), centre, atol=0.05)


def test_clusters_far_apart_are_found_from_any_seed() -> None:
    for seed in range(3):
        found = np.sort(centres(POINTS, 4, seed).mean(1))
        np.testing.assert_allclose(found, [-6, 0, 6, 12], atol=0.3)


def test_one_seed_gives_the_same_bytes() -> None:
    first, again, other = (centres(POINTS, 9, seed).tobytes() for seed in (5, 5, 6))
    assert first == again
    assert first != other
