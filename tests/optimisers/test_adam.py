"""Adam against its formula in double precision, one number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from watchtime.optimisers.adam import Adam, in_one_tensor

START = [1.0, -2.0, 0.0, 3.0]
GRADIENTS = [[0.5, -0.1, 0.0, 1e-9], [0.4, 3.0, 0.0, -2e-9], [-0.3, 0.2, 1e-3, 5e-8]]


def by_formula(rate: float, decay: float) -> list[float]:
    """Return where every number ends after the three gradients."""
    ends = []
    for place, x in enumerate(START):
        mean = square = 0.0
        for step, gradients in enumerate(GRADIENTS, 1):
            gradient = gradients[place]
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            x -= rate * decay * x
            x -= rate * (mean / (1 - 0.9**step)) / (math.sqrt(square / (1 - 0.999**step)) + 1e-8)
        ends.append(x)
    return ends


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_three_steps_follow_the_formula(decay: float) -> None:
    parameters = torch.tensor(START)
    parameters.grad = torch.zeros(4)
    own = parameters.grad.view(2, 2)
    optimiser = Adam(parameters, 0.01, decay)
    for gradients in GRADIENTS:
        optimiser.zero_gradient()
        assert not own.any(), "the gradients of the parameters are views of the flat one"
        own += torch.tensor(gradients).view(2, 2)
        optimiser.step()
    np.testing.assert_allclose(parameters.numpy(), by_formula(0.01, decay), rtol=1e-6, atol=1e-9)


def test_a_module_in_one_tensor_learns_as_with_torchs_own_adam() -> None:
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)) for _ in "ab")
    theirs.load_state_dict(ours.state_dict())
    one, other = Adam(in_one_tensor(ours), 0.05), torch.optim.Adam(theirs.parameters(), 0.05)
    inputs = torch.randn(16, 3)
    for _ in range(20):
        one.zero_gradient()
        other.zero_grad()
        for module in (ours, theirs):
            (module(inputs) - 1).square().mean().backward()
        one.step()
        other.step()
    for own, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-5, atol=1e-6)
    assert (ours(inputs) - 1).square().mean() < 0.1
