"""D2Q: what perfect levels decode to, and what its loss estimates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.d2q import DurationDeconfoundedQuantile

DRAWS = np.random.default_rng(0)
DURATION = np.repeat([10.0, 20.0, 40.0], 101)
TARGET = DURATION * DRAWS.random(303)


def method(**codec: Any) -> DurationDeconfoundedQuantile:
    fitted = fit_codec("duration_quantiles", {"groups": 3, "knots": 101} | codec, TARGET, DURATION)
    built: DurationDeconfoundedQuantile = build("d2q", {}, fitted, "watch_time")
    return built


def logit(level: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(level) - np.log1p(-np.asarray(level))


def test_perfect_levels_give_the_targets_back() -> None:
    """101 rows per group and 101 knots: every row is a quantile knot of its group, so nothing is lost."""
    d2q = method()
    level = d2q.labels(TARGET, DURATION)["level"]
    found = d2q.readouts(logit(level)[:, None], DURATION)["quantile"]
    np.testing.assert_allclose(found, TARGET, rtol=1e-9)


def test_the_level_is_the_share_of_shorter_plays_in_the_group() -> None:
    level = method().labels(TARGET, DURATION)["level"]
    for seconds in (10.0, 20.0, 40.0):
        rows = seconds == DURATION
        np.testing.assert_allclose(level[rows], np.argsort(np.argsort(TARGET[rows])) / 100, atol=1e-12)


def test_predictions_stay_between_the_groups_shortest_and_longest_play() -> None:
    """Outputs of any size are clipped by the sigmoid; durations beyond training's belong to the nearest group."""
    d2q = method()
    duration = np.array([1.0, 10.0, 40.0, 400.0])
    low, high = (d2q.readouts(np.full((4, 1), end), duration)["quantile"] for end in (-800.0, 800.0))
    for place, seconds in enumerate([10.0, 10.0, 40.0, 40.0]):
        rows = TARGET[seconds == DURATION]
        assert (low[place], high[place]) == (rows.min(), rows.max())
    assert d2q.readouts(np.zeros((1, 1)), np.array([20.0]))["quantile"] == np.median(TARGET[DURATION == 20.0])


def test_the_loss_estimates_the_expected_level() -> None:
    d2q = method()
    labels = {name: torch.from_numpy(value) for name, value in d2q.labels(TARGET, DURATION).items()}
    context = np.arange(303) % 2
    found = minimum(lambda outputs: d2q.loss(outputs[context], labels), 2, 1)
    expected = [labels["level"].numpy()[context == place].mean() for place in (0, 1)]
    np.testing.assert_allclose(1 / (1 + np.exp(-found[:, 0])), expected, rtol=1e-5)


def test_a_group_of_equal_targets_has_one_prediction() -> None:
    fitted = fit_codec("duration_quantiles", {"groups": 2}, np.full(6, 4.0), np.array([1.0, 1, 1, 2, 2, 2]))
    d2q = build("d2q", {}, fitted, "watch_time")
    assert d2q.readouts(np.array([[-3.0], [3.0]]), np.array([1.0, 2.0]))["quantile"] == pytest.approx([4, 4])
