"""Vectors that are drawn around peaks: how many, from where, and with which distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from watchtime.labels.base import Floats
from watchtime.labels.watch_ratio_mixtures import WatchRatioMixtures
from watchtime.prototypes.vectors import VectorSettings, drawn

KNOTS = 2001
LEVELS = np.linspace(0, 1, KNOTS)
# The first bucket's ratios are uniform on [0, 1], the second's on [0, 2].
MIXTURES = WatchRatioMixtures(
    settings=WatchRatioMixtures.Settings(),
    unit=1.0,
    starts=np.array([1.0, 30.0]),
    weights=np.array([[0.25, 0.75], [1.0, 0.0]]),
    means=np.array([[0.2, 0.7], [1.0, 1.0]]),
    deviations=np.array([[0.1, 0.1], [0.2, 0.2]]),
    quantiles=np.stack([LEVELS, 2 * LEVELS]),
)


def vectors(seed: int = 0, **changes: float | bool) -> Floats:
    given = {"vectors": 40, "vector_length": 500, "reach_mean": 1.0, "reach_deviation": 0.0, **changes}
    return drawn(MIXTURES, VectorSettings.model_validate(given), np.random.default_rng(seed))


def test_every_peak_has_its_share_of_each_buckets_vectors() -> None:
    found = vectors()
    assert found.shape == (10 + 30 + 40, 500)
    assert vectors(vectors=7).shape[0] == 1 + 5 + 7


@pytest.mark.parametrize(("rows", "low", "high"), [((0, 10), 0.1, 0.3), ((10, 40), 0.6, 0.8), ((40, 80), 0.8, 1.2)])
def test_ratios_are_the_buckets_own_within_the_reach(rows: tuple[int, int], low: float, high: float) -> None:
    ratios = vectors()[slice(*rows)].ravel()
    assert ratios.min() >= low - 1e-12
    assert ratios.max() <= high + 1e-12
    assert kstest(ratios, "uniform", args=(low, high - low)).pvalue > 1e-3


def test_every_vector_reaches_as_far_as_its_own_draw() -> None:
    """Of 500 uniform draws nearly the whole range is seen: half of it is the reach, |N(2, 0.5)| deviations of 0.2."""
    wide = vectors(vectors=2000, reach_mean=2.0, reach_deviation=0.5)[2000:]
    reach = np.ptp(wide, axis=1) / 2 / 0.2
    assert reach.mean() == pytest.approx(2.0, abs=0.05)
    assert reach.std() == pytest.approx(0.5, abs=0.05)


def test_ordered_vectors_hold_what_drawn_ones_hold() -> None:
    np.testing.assert_array_equal(vectors(), np.sort(vectors(ordered=False), axis=1))
    assert (np.diff(vectors(ordered=False), axis=1) < 0).any()


def test_draws_follow_from_the_seed() -> None:
    np.testing.assert_array_equal(vectors(3), vectors(3))
    assert (vectors(3) != vectors(4)).any()
