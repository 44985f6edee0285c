"""OR against loops over rows and thresholds, and against what its loss estimates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import logs
from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.ordinal_regression import OrdinalRegression

DRAWS = np.random.default_rng(0)
TARGET = np.concatenate([np.zeros(40), DRAWS.gamma(1.0, 20.0, 360)])
COUNT = 8


def method(spacing: str = "equal_frequency", count: int = COUNT) -> OrdinalRegression:
    fitted = fit_codec("thresholds", {"count": count, "spacing": spacing}, TARGET)
    built: OrdinalRegression = build("ordinal_regression", {}, fitted, "watch_time")
    return built


def logits(rows: int, scale: float = 2.0) -> Tensor:
    return scale * torch.randn(rows, COUNT, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def labels(ordinal: OrdinalRegression, target: Any) -> dict[str, Tensor]:
    encoded = ordinal.labels(np.array(target), np.full(len(target), np.nan))
    return {name: torch.from_numpy(value) for name, value in encoded.items()}


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize("spacing", ["equal_frequency", "equal_width"])
def test_the_loss_is_the_mean_logistic_loss_over_rows_and_thresholds(spacing: str) -> None:
    ordinal = method(spacing)
    target, outputs = [0.0, 7.0, 31.0, 500.0], logits(4)
    total = 0.0
    for row, y in enumerate(target):
        for m, threshold in enumerate(ordinal.codec.thresholds):
            above = sigmoid(outputs[row, m].item())
            total -= math.log(above if y > threshold else 1 - above)
    assert ordinal.outputs == COUNT
    assert ordinal.loss(outputs, labels(ordinal, target)).item() == pytest.approx(total / 4 / COUNT, rel=1e-9)


@pytest.mark.parametrize("spacing", ["equal_frequency", "equal_width"])
def test_training_gives_the_training_distribution(spacing: str) -> None:
    """Without features each classifier learns how many rows are above; the mean is the restored rows' mean."""
    ordinal = method(spacing)
    known = labels(ordinal, TARGET)
    found = minimum(lambda outputs: ordinal.loss(outputs.expand(len(TARGET), -1), known), 1, COUNT)
    above = [np.mean(threshold < TARGET) for threshold in ordinal.codec.thresholds]
    np.testing.assert_allclose(1 / (1 + np.exp(-found[0])), above, atol=1e-4)
    np.testing.assert_allclose(ordinal.distribution(found)[0], ordinal.codec.interval_shares, atol=1e-4)
    readouts = ordinal.readouts(found, np.array([np.nan]))
    assert readouts["mean"][0] == pytest.approx(ordinal.codec.reconstruct(TARGET).mean(), rel=1e-3)
    assert readouts["rank"][0] == pytest.approx(0.5, abs=1e-3)
    if spacing == "equal_frequency":
        assert readouts["median"][0] == pytest.approx(np.median(TARGET), rel=1e-3)


def test_certain_classifiers_restore_what_the_codec_does() -> None:
    ordinal = method()
    target = np.array([0.0, 3.0, 20.0, 90.0, 5000.0])
    certain = np.where(ordinal.codec.encode(target)["above"], 800.0, -800.0)
    with np.errstate(all="raise"):
        found = ordinal.readouts(certain, np.full(5, np.nan))
    np.testing.assert_allclose(found["mean"], ordinal.codec.reconstruct(target))
    edges = ordinal.codec.intervals.edges
    inside = [max(place for place in range(COUNT + 1) if place == 0 or y > edges[place]) for y in target]
    np.testing.assert_allclose(found["median"], [(edges[place] + edges[place + 1]) / 2 for place in inside])
    np.testing.assert_allclose(found["variance"], 0, atol=1e-6)


def test_rising_classifiers_leave_the_mean_as_it_is_and_are_repaired_elsewhere() -> None:
    ordinal = method()
    outputs = np.full((1, COUNT), -1.0)
    outputs[0, 3] = 4.0
    even = np.full((1, COUNT), -1.0)
    risen, flat = (ordinal.readouts(one, np.array([np.nan])) for one in (outputs, even))
    step = ordinal.codec.thresholds[3] - ordinal.codec.thresholds[2]
    assert risen["mean"][0] - flat["mean"][0] == pytest.approx((sigmoid(4.0) - sigmoid(-1.0)) * step)
    for readout in ("median", "rank", "variance"):
        assert risen[readout] == pytest.approx(flat[readout])
    np.testing.assert_allclose(ordinal.distribution(outputs), ordinal.distribution(even))


def test_variants_differ_in_their_spacing_alone() -> None:
    paper, width = (logs.spec("ordinal_regression", variant) for variant in ("paper", "equal_width"))
    assert paper.codec is not None
    assert width.codec is not None
    assert paper.codec.settings | {"spacing": "equal_width"} == width.codec.settings
    assert paper.codec.settings["spacing"] == "equal_frequency"
    assert paper.settings == width.settings
