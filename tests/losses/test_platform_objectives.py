"""The platform's objectives by hand and by loops, and the scaling and the weights at their limits."""

from __future__ import annotations

import math

import pytest
import torch

from watchtime.losses.platform_objectives import Candidates, objectives, scaled, weights

WATCHED = torch.tensor([[0.1, 0.5, 0.9], [0.4, 0.2, 0.0]], dtype=torch.float64)
FEEDBACK = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
DURATION = torch.tensor([[0.2, 0.8, 0.5], [0.1, 0.7, 0.0]], dtype=torch.float64)
PRESENT = torch.tensor([[True, True, True], [True, True, False]])
ROWS = Candidates(WATCHED, FEEDBACK, DURATION, PRESENT)
# User 0 is shown rows 1 and 2, user 1 rows 0 and 1.
SHOWN = torch.tensor([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]], dtype=torch.float64)


def test_objectives_of_two_lists_by_hand() -> None:
    usage = ((0.5 + 0.9) / 2 + (0.4 + 0.2) / 2) / 2
    engagement = (1 / 2 + 1 / 2) / 2
    # Two durations lie half their distance from their mean.
    diversity = (0.3 / 2 + 0.6 / 2) / 2
    found = objectives(SHOWN, ROWS, 2)
    assert found.tolist() == pytest.approx([usage, engagement, diversity])


def test_soft_lists_weigh_rows_by_their_share() -> None:
    share = torch.tensor([[0.5, 0.5, 1.0], [1.0, 1.0, 0.0]], dtype=torch.float64)
    mean = (0.5 * 0.2 + 0.5 * 0.8 + 0.5) / 2
    variance = (0.5 * (0.2 - mean) ** 2 + 0.5 * (0.8 - mean) ** 2 + (0.5 - mean) ** 2) / 2
    found = objectives(share, ROWS, 2)
    assert float(found[2]) == pytest.approx((math.sqrt(variance) + 0.3) / 2)


def test_the_released_diversity_is_the_deviation_of_weighted_durations() -> None:
    found = objectives(SHOWN, ROWS, 2, "released")
    first = torch.std(torch.tensor([0.0, 0.8, 0.5], dtype=torch.float64))
    second = torch.std(torch.tensor([0.1, 0.7], dtype=torch.float64))
    assert float(found[2]) == pytest.approx(float(first + second) / 2)


def test_lists_of_one_duration_have_a_finite_gradient() -> None:
    share = SHOWN.clone().requires_grad_()
    rows = ROWS._replace(duration=torch.full_like(DURATION, 0.5))
    (gradient,) = torch.autograd.grad(objectives(share, rows, 2).sum(), share)
    assert torch.isfinite(gradient).all()


def test_scaling_bends_at_the_quantile() -> None:
    """80 % of 0, 1, …, 10 lie up to 8, which is 8 / 10 of the largest; above it the line goes on to 1."""
    values = torch.arange(11, dtype=torch.float64)
    torch.testing.assert_close(scaled(values), values / 10)
    # With a far outlier the head keeps a share of 20 %.
    values[-1] = 1000.0
    found = scaled(values)
    assert float(found[8]) == pytest.approx(0.2)
    assert float(found[4]) == pytest.approx(0.1)
    assert float(found[9]) == pytest.approx(1 - 0.8 * (1000 - 9) / (1000 - 8))
    assert float(found[10]) == 1


def test_the_released_scaling_loses_the_tail() -> None:
    values = torch.arange(11, dtype=torch.float64)
    found = scaled(values, scaling="released")
    torch.testing.assert_close(found[:9], scaled(values)[:9])
    assert found[9:].tolist() == [0, 0]


def test_no_scaling_leaves_seconds() -> None:
    values = torch.tensor([3.0, 70.0])
    assert scaled(values, scaling="none") is values


def test_values_that_are_all_0_stay_0() -> None:
    assert scaled(torch.zeros(4)).tolist() == [0, 0, 0, 0]


def test_what_lags_counts_most() -> None:
    found = torch.tensor([0.2, 0.05, 0.6], requires_grad=True)
    weighed = weights(found, 2.0)
    expected = [math.exp(-2 * value) for value in (0.2, 0.05, 0.6)]
    assert weighed.tolist() == pytest.approx([one / sum(expected) for one in expected])
    assert not weighed.requires_grad
    assert weights(found, 0.0).tolist() == pytest.approx([1 / 3] * 3)
    assert weights(found, 2.0, "none").tolist() == [1, 1, 1]


def test_the_released_weights_multiply_by_ten_until_all_reach_one() -> None:
    found = torch.tensor([0.2, 0.05, 0.6])
    expected = torch.softmax(-0.5 * torch.tensor([20.0, 5.0, 60.0]), 0)
    torch.testing.assert_close(weights(found, 0.5, "released"), expected)
    above = torch.tensor([2.0, 5.0, 3.0])
    torch.testing.assert_close(weights(above, 0.5, "released"), torch.softmax(-0.5 * above, 0))
