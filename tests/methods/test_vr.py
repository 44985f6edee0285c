"""Value regression: what its loss estimates and what the released output cannot reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build
from watchtime.methods.vr import ValueRegression

CONTEXT = np.array([0, 0, 0, 1, 1])
TARGET = np.array([0.0, 6.0, 12.0, 40.0, 400.0])


def method(scale: str, multiplier: float, **settings: Any) -> ValueRegression:
    fitted = fit_codec("scaled", {"scale": scale, "multiplier": multiplier}, TARGET)
    built: ValueRegression = build("vr", settings, fitted, "watch_time")
    return built


def best(vr: ValueRegression) -> Any:
    labels = {name: torch.from_numpy(value) for name, value in vr.labels(TARGET, TARGET).items()}
    outputs = minimum(lambda outputs: vr.loss(outputs[CONTEXT], labels), 2, 1)
    return vr.readouts(outputs, np.full(2, np.nan))["mean"]


@pytest.mark.parametrize(("scale", "multiplier"), [("standard_deviation", 1.0), ("max", 20.0), ("none", 1.0)])
def test_the_least_squares_prediction_is_the_mean_in_any_unit(scale: str, multiplier: float) -> None:
    np.testing.assert_allclose(best(method(scale, multiplier)), [6.0, 220.0], rtol=1e-5)


def test_the_loss_is_in_units_of_the_scale() -> None:
    vr = method("standard_deviation", 1.0)
    labels = {name: torch.from_numpy(value) for name, value in vr.labels(TARGET, TARGET).items()}
    loss = vr.loss(torch.zeros(5, 1), labels).item()
    assert loss == pytest.approx(np.mean(TARGET**2) / np.var(TARGET))


def test_the_released_sigmoid_cannot_predict_above_a_twentieth_of_the_maximum() -> None:
    """20 y / 400 of the second context is 11 on average; the sigmoid stops at 1, which is 20 s."""
    vr = method("max", 20.0, output="sigmoid")
    assert vr.readouts(np.array([[50.0], [0.0]]), np.full(2, np.nan))["mean"] == pytest.approx([20.0, 10.0])
    low, high = best(vr)
    assert low == pytest.approx(6.0, rel=1e-4)
    assert 19.9 < high <= 20.0
