"""The zero-inflated lognormal law against scipy's, numerical integrals and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import lognorm
from torch import Tensor

from watchtime.losses.zero_inflated_lognormal import LARGEST_LOG_MEAN, ZeroInflatedLognormal

FLOOR = math.sqrt(1e-7)
OUTPUTS = torch.tensor([[0.4, -0.3, 0.2], [-2.0, 1.1, -0.7], [3.0, 0.0, 1.5]], dtype=torch.float64)
PROBABILITIES = [1 / (1 + math.exp(-z)) for z in (0.4, -2.0, 3.0)]
LAWS = [lognorm(s=math.log1p(math.exp(raw)), scale=math.exp(mu)) for mu, raw in ((-0.3, 0.2), (1.1, -0.7), (0.0, 1.5))]


def law(outputs: Tensor = OUTPUTS) -> ZeroInflatedLognormal:
    return ZeroInflatedLognormal.of(outputs, FLOOR)


@pytest.mark.parametrize("value", [1e-3, 0.4, 1.0, 30.0])
def test_the_likelihood_is_that_of_scipys_lognormal_above_0_and_of_a_coin_at_0(value: float) -> None:
    found = law().negative_log_likelihood(torch.full((3,), value, dtype=torch.float64))
    expected = [-math.log(p * one.pdf(value)) for p, one in zip(PROBABILITIES, LAWS, strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=1e-9)
    none = law().negative_log_likelihood(torch.zeros(3, dtype=torch.float64))
    assert none.tolist() == pytest.approx([-math.log(1 - p) for p in PROBABILITIES], rel=1e-9)


def test_the_density_integrates_to_p_and_its_first_moment_is_the_mean() -> None:
    for row in range(3):

        def density(value: float, row: int = row) -> float:
            return math.exp(-law().negative_log_likelihood(torch.full((3,), value, dtype=torch.float64))[row].item())

        # In log v the density is a Gaussian, which quad can find.
        mass = quad(lambda t, one=density: one(math.exp(t)) * math.exp(t), -25, 25)[0]
        moment = quad(lambda t, one=density: one(math.exp(t)) * math.exp(2 * t), -25, 25)[0]
        assert mass == pytest.approx(PROBABILITIES[row], rel=1e-7)
        assert law().mean()[row].item() == pytest.approx(moment, rel=1e-7)


def test_a_unit_moves_the_likelihood_of_positive_values_by_its_logarithm() -> None:
    value = torch.tensor([0.0, 2.0, 7.0], dtype=torch.float64)
    moved = OUTPUTS + torch.tensor([0.0, math.log(50.0), 0.0])
    difference = law(moved).negative_log_likelihood(50.0 * value) - law().negative_log_likelihood(value)
    assert difference.tolist() == pytest.approx([0.0, math.log(50.0), math.log(50.0)])


def test_the_distribution_function_begins_with_the_atom_and_follows_scipy() -> None:
    points = [0.0, 0.01, 0.9, 8.0, math.inf]
    found = law().distribution_function(torch.tensor(points, dtype=torch.float64).expand(3, -1))
    for row, (p, one) in enumerate(zip(PROBABILITIES, LAWS, strict=True)):
        assert found[row].tolist() == pytest.approx([1 - p + p * one.cdf(point) for point in points], rel=1e-9)


def test_the_median_is_0_for_at_most_one_half_and_else_halves_the_distribution() -> None:
    median = law().median()
    assert median[1].item() == 0
    for row in (0, 2):
        p, one = PROBABILITIES[row], LAWS[row]
        assert median[row].item() == pytest.approx(one.ppf(1 - 0.5 / p), rel=1e-9)
        assert law().distribution_function(median[:, None])[row].item() == pytest.approx(0.5, abs=1e-9)
    certain = law(torch.tensor([[40.0, 0.7, 0.2]], dtype=torch.float64))
    assert certain.median().item() == pytest.approx(math.exp(0.7), rel=1e-6)
    assert law(torch.tensor([[0.0, 0.7, 0.2]])).median().item() == 0


def test_gradients_are_finite_differences() -> None:
    value = torch.tensor([0.0, 0.3, 11.0], dtype=torch.float64)
    outputs = OUTPUTS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda raw: law(raw).negative_log_likelihood(value), outputs)


@pytest.mark.parametrize("size", [0.0, 30.0, 300.0])
@pytest.mark.parametrize("value", [0.0, 1e-30, 1.0, 1e9])
def test_the_likelihood_and_its_gradient_are_finite_in_single_precision(size: float, value: float) -> None:
    """At raw scales of −300 only the floor is left of σ."""
    raw = (size * torch.randn(200, 3, generator=torch.Generator().manual_seed(0))).requires_grad_()
    loss = law(raw).negative_log_likelihood(torch.full((200,), value)).mean()
    (gradient,) = torch.autograd.grad(loss, raw)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_the_mean_is_cut_where_it_is_told_and_finite_where_it_is_not() -> None:
    wide = law(torch.tensor([[0.0, 3.0, 60.0]]))
    assert wide.mean(math.log(5.0)).item() == pytest.approx(2.5)
    assert wide.mean().item() == pytest.approx(0.5 * math.exp(LARGEST_LOG_MEAN), rel=1e-5)
    assert np.isfinite(np.float32(wide.mean().item()))
    narrow = law(torch.tensor([[0.0, 0.0, -300.0]]))
    assert narrow.mean(math.log(5.0)).item() == pytest.approx(0.5, rel=1e-6)
