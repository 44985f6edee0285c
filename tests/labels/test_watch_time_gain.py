"""Watch time gain against a loop over durations, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.labels.storage import fit_codec

ROWS = st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 8).map(float)), min_size=1, max_size=60)


def codec(target: Any, duration: Any, **options: Any) -> Any:
    settings = {"smallest_group": 1} | options
    return fit_codec("watch_time_gain", settings, np.asarray(target, dtype=float), np.asarray(duration, dtype=float))


def test_gains_by_hand() -> None:
    """Ten seconds: mean 4, deviation 2; twenty seconds: one target only, so that gains are differences."""
    found = codec([2.0, 6.0, 5.0, 5.0], [10, 10, 20, 20])
    labels = found.encode(np.array([8.0, 0.0, 7.0]), np.array([10.4, 9.6, 20.0]))
    assert labels["gain"].tolist() == [2, -2, 2]
    assert found.decode(np.array([2.0, -2.0, 2.0]), np.array([10.0, 10.0, 20.0])).tolist() == [8, 0, 7]
    assert found.facts() == {"groups": 2, "smallest_group": 2}


@settings(max_examples=60)
@given(ROWS)
def test_means_and_deviations_are_those_of_each_duration(rows: list[tuple[float, float]]) -> None:
    target, duration = np.array(rows).T
    found = codec(target, duration)
    for place, seconds in enumerate(sorted(set(duration.tolist()))):
        own = target[duration == seconds]
        assert found.means[place] == pytest.approx(own.mean())
        spread = own.std() > 1e-9 * own.mean()
        assert found.deviations[place] == pytest.approx(own.std() if spread else 1.0)
    np.testing.assert_allclose(found.reconstruct(target, duration), target, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("scale", "function"), [("log", np.log1p), ("seconds", np.array)])
def test_the_adversarys_label_is_standardised(scale: str, function: Any) -> None:
    target, duration = np.arange(4.0), np.array([5.0, 9.0, 9.0, 60.0])
    fitted = fit_codec("watch_time_gain", {"duration": scale}, target, duration)
    found = fitted.encode(target, duration)["duration"]
    assert found.mean() == pytest.approx(0)
    assert found.std() == pytest.approx(1)
    assert np.corrcoef(found, function(duration))[0, 1] == pytest.approx(1)


def test_equal_targets_and_durations_have_finite_labels() -> None:
    """(0.1 + 0.1 + 0.1) / 3 is not 0.1 but its neighbour, which must not become a deviation."""
    found = codec([0.1] * 3, [3.0] * 3)
    labels = found.encode(np.array([0.1, 1e9]), np.array([3.0, 1e9]))
    np.testing.assert_allclose(labels["gain"], [0, 1e9 - 0.1], atol=1e-12)
    assert np.isfinite(labels["duration"]).all()
    assert abs(labels["duration"]).max() < 100
