"""The hurdle model's loss by hand, and what it estimates at its minimum."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from minimum import minimum
from watchtime.losses.hurdle import hurdle_loss, hurdle_mean

VALUES = torch.tensor([0.0, 0.0, 0.0, 1.0, 5.0], dtype=torch.float64)


@pytest.mark.parametrize("positives_only", [True, False])
def test_both_terms_by_hand(positives_only: bool) -> None:
    outputs = torch.tensor([[0.5, 3.0], [-1.0, 2.0]], dtype=torch.float64)
    found = hurdle_loss(outputs, torch.tensor([0.0, 7.0], dtype=torch.float64), 0.5, positives_only)
    zero = -math.log(1 - 1 / (1 + math.exp(-0.5))) + (0 if positives_only else 0.5 * 3.0**2)
    seven = -math.log(1 / (1 + math.exp(1.0))) + 0.5 * (2.0 - 7.0) ** 2
    assert found.tolist() == pytest.approx([zero, seven])


def test_the_minimum_is_the_share_of_positives_and_their_mean_whose_product_is_the_mean() -> None:
    def loss(outputs: torch.Tensor, positives_only: bool = True) -> torch.Tensor:
        return hurdle_loss(outputs.expand(5, 2), VALUES, 1.0, positives_only).mean()

    found = torch.from_numpy(minimum(loss, 2))
    assert found[0].sigmoid().item() == pytest.approx(2 / 5, rel=1e-5)
    assert found[1].item() == pytest.approx(3.0, rel=1e-5)
    assert hurdle_mean(found).item() == pytest.approx(np.mean(VALUES.numpy()), rel=1e-5)
    of_all = torch.from_numpy(minimum(lambda outputs: loss(outputs, False), 2))
    assert of_all[1].item() == pytest.approx(6 / 5, rel=1e-5)


def test_rows_of_0_teach_the_regression_nothing() -> None:
    outputs = torch.zeros(5, 2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(hurdle_loss(outputs, VALUES, 1.0, True).sum(), outputs)
    assert gradient[:3, 1].tolist() == [0, 0, 0]
    assert gradient[3:, 1].tolist() == [-2, -10]
    assert (gradient[:, 0] != 0).all()
