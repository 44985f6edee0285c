"""D2Co's labels against their formula, their way back, and their means against a loop over groups."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from watchtime.labels.duration_mixtures import DurationMixtures
from watchtime.labels.storage import fit_codec

DRAWS = np.random.default_rng(1)
DURATION = np.repeat([10.0, 20.0, 40.0, 80.0], [300, 200, 250, 150])
INTERESTED = DRAWS.random(900) < 0.5
TARGET = np.abs(np.where(INTERESTED, 0.9, 0.1) * DURATION + DRAWS.normal(0, 1.0, 900))


def codec(**options: Any) -> Any:
    return fit_codec("duration_mixtures", {"smallest_group": 1} | options, TARGET, DURATION)


def with_means(low: float, high: float, **options: Any) -> DurationMixtures:
    """Return a codec of one duration group with these means."""
    chosen = DurationMixtures.Settings(**options)
    return DurationMixtures(chosen, np.zeros(0), np.array([1]), np.array([low]), np.array([high]), chosen.rate)


def test_means_are_those_of_each_groups_mixture_averaged_over_neighbours() -> None:
    found = codec(tolerance=1e-12, iterations=10_000)
    alone = []
    for seconds in (10.0, 20.0, 40.0, 80.0):
        rows = TARGET[seconds == DURATION, None]
        known = GaussianMixture(2, tol=1e-12, max_iter=10_000, random_state=0).fit(rows)
        alone.append(sorted(known.means_[:, 0]))
    low, high = np.array(alone).T
    np.testing.assert_allclose(codec(neighbours=0, tolerance=1e-12, iterations=10_000).high, high, rtol=1e-4)
    rows = [300, 200, 250, 150]
    windows = [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3]]
    for ours, means in ((found.low, low), (found.high, high)):
        expected = [sum(rows[k] * means[k] for k in one) / sum(rows[k] for k in one) for one in windows]
        np.testing.assert_allclose(ours, expected, rtol=1e-4)
    everything = codec(neighbours=50)
    assert np.ptp(everything.low) == pytest.approx(0, abs=1e-9)


@settings(max_examples=100)
@given(st.floats(0, 60), st.floats(0.5, 60), st.floats(0, 150), st.sampled_from([0.01, 0.3, 1.0]))
def test_the_exponential_label_is_its_formula(low: float, gap: float, target: float, rate: float) -> None:
    high = low + gap
    label = (math.exp(rate * target) - math.exp(rate * low)) / (math.exp(rate * high) - math.exp(rate * low))
    found = with_means(low, high, rate=rate).encode(np.array([target]), np.array([5.0]))["level"]
    assert found == pytest.approx(min(max(label, 0.0), 1.0), rel=1e-6, abs=1e-12)


@settings(max_examples=100)
@given(st.floats(0, 60), st.floats(0.5, 60), st.floats(0, 1))
def test_decoding_undoes_the_label_between_the_means(low: float, gap: float, share: float) -> None:
    duration, target = np.array([5.0]), np.array([low + share * gap])
    for label in ("exponential", "linear"):
        found = with_means(low, low + gap, label=label)
        level = found.encode(target, duration)["level"]
        # Where e^{−a (p − y)} is below the rounding of 1, a label near q tells its target to fewer digits.
        np.testing.assert_allclose(found.decode(level, duration), target, rtol=1e-6, atol=1e-4)
        np.testing.assert_allclose(found.reconstruct(target, duration), target, rtol=1e-6, atol=1e-4)


def test_clipped_labels_keep_predictions_between_the_means_and_linear_ones_do_not() -> None:
    duration = np.full(4, 5.0)
    asked = np.array([0.0, 2.0, 10.0, 1e9])
    clipped, linear = with_means(2, 10), with_means(2, 10, label="linear")
    assert clipped.encode(asked, duration)["level"].tolist() == [0, 0, 1, 1]
    assert clipped.reconstruct(asked, duration).tolist() == [2, 2, 10, 10]
    assert clipped.decode(np.array([-7.0, 0, 1, 7]), duration).tolist() == [2, 2, 10, 10]
    assert linear.encode(asked, duration)["level"].tolist() == [-0.25, 0, 1, (1e9 - 2) / 8]
    np.testing.assert_allclose(linear.reconstruct(asked, duration), asked)


def test_no_power_overflows_where_the_means_are_far_apart() -> None:
    far = with_means(0, 1e6)
    duration, target = np.full(4, 5.0), np.array([0.0, 5e5, 1e6 - 1, 1e6])
    level = far.encode(target, duration)["level"]
    np.testing.assert_allclose(level, [0, 0, math.exp(-0.3), 1], atol=1e-12)
    assert far.decode(np.array([0.0, 0.5, 1.0]), duration[:3]) == pytest.approx([0, 1e6 + math.log(0.5) / 0.3, 1e6])


def test_a_group_of_one_target_has_no_unit() -> None:
    found = [with_means(4, 4, label=label) for label in ("exponential", "linear")]
    asked, duration = np.array([3.0, 4.0, 6.0]), np.full(3, 5.0)
    assert found[0].encode(asked, duration)["level"].tolist() == [0, 0.5, 1]
    assert found[0].decode(np.array([0, 0.5, 1]), duration).tolist() == [4, 4, 4]
    assert found[1].encode(asked, duration)["level"].tolist() == [-1, 0, 2]
    assert found[1].decode(np.array([-1.0, 0, 2]), duration).tolist() == [3, 4, 6]


def test_truncation_cuts_targets_at_the_duration() -> None:
    cut, expected = (
        codec(truncate=True),
        fit_codec("duration_mixtures", {"smallest_group": 1}, np.minimum(TARGET, DURATION), DURATION),
    )
    assert np.array_equal(cut.low, expected.arrays()["low"])
    longer = np.array([10.0, 11.0, 1e6])
    label = cut.encode(longer, np.full(3, 10.0))["level"]
    assert label[0] == label[1] == label[2]


def test_the_rate_may_be_per_largest_target() -> None:
    assert codec(rate=1.0, rate_unit="maximum").rate == pytest.approx(1 / TARGET.max())
    zeros = fit_codec("duration_mixtures", {"rate_unit": "maximum"}, np.zeros(3), np.ones(3))
    assert np.isfinite(zeros.encode(np.array([0.0, 5.0]), np.ones(2))["level"]).all()
