"""Distances of two samples: by hand, against their integrals, and what a test makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from watchtime.analyses.distances import distance


def test_distances_of_two_values_each() -> None:
    """F and G differ by a half from 1 to 3."""
    found = distance(np.array([0.0, 1.0]), np.array([3.0, 0.0]))
    assert (found.wasserstein, found.kolmogorov) == (1.0, 0.5)


def test_distances_are_those_of_the_distribution_functions() -> None:
    draws = np.random.default_rng(3)
    one, other = draws.gamma(2.0, 1.0, 31).round(1), draws.normal(1.5, 1.0, 17).round(1)
    levels = np.arange(-3.0, 12.0, 0.1) + 0.05
    gaps = np.array([abs(np.mean(one <= level) - np.mean(other <= level)) for level in levels])
    found = distance(one, other)
    assert found.wasserstein == pytest.approx(gaps.sum() * 0.1)
    assert found.kolmogorov == pytest.approx(gaps.max())


def test_a_tiny_difference_of_many_rows_is_significant_and_a_large_one_of_few_is_not() -> None:
    few, many = (np.random.default_rng(1).permutation(number) / number for number in (12, 400_000))
    assert distance(few, few + 0.2).p_value > 0.5
    assert distance(many, many + 0.005).p_value < 1e-3
    assert distance(many, many).p_value == 1
