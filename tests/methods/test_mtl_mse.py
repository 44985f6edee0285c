"""MTL-MSE's two losses on one encoder, by hand and at their minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from minimum import minimum
from watchtime.labels.storage import fit_codec
from watchtime.methods.base import build

TARGET = np.array([0.0, 0.0, 0.0, 10.0, 30.0])


def method(**settings: Any) -> Any:
    return build("mtl_mse", settings, fit_codec("positive_values", {}, TARGET), "ltv")


@pytest.mark.parametrize(("regression_on", "factor"), [("positives", 1.0), ("all", 0.4)])
def test_only_a_regression_of_positives_makes_the_product_a_mean(regression_on: str, factor: float) -> None:
    """Trained on all rows, the regression is the mean already, and the share of payers is in the product twice."""
    mtl = method(regression_on=regression_on)
    labels = {name: torch.from_numpy(one) for name, one in mtl.labels(TARGET, TARGET).items()}

    def loss(outputs: Tensor) -> Tensor:
        value: Tensor = mtl.loss(outputs.expand(5, 2), labels)
        return value

    found = mtl.readouts(minimum(loss, 1, 2), np.full(1, np.nan))["mean"]
    assert found[0] == pytest.approx(factor * TARGET.mean(), rel=1e-5)


def test_the_weight_is_that_of_the_squared_error() -> None:
    labels, outputs = {"value": torch.tensor([0.0, 3.0])}, torch.tensor([[0.0, 9.0], [0.0, 1.0]])
    found = [method(regression_weight=weight).loss(outputs, labels).item() for weight in (0.0, 0.5)]
    assert found == pytest.approx([np.log(2), np.log(2) + 0.5 * 2.0**2 / 2])
