"""Adam against its formula in double precision, one number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from watchtime.core.settings import TrainingSettings
from watchtime.training.optimiser import Adam

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
    training = TrainingSettings(learning_rate=0.01, weight_decay=decay, batch=1, epochs=1, patience=1)
    optimiser = Adam(parameters, training)
    for gradients in GRADIENTS:
        optimiser.zero_gradient()
        assert not own.any(), "the gradients of the parameters are views of the flat one"
        own += torch.tensor(gradients).view(2, 2)
        optimiser.step()
    np.testing.assert_allclose(parameters.numpy(), by_formula(0.01, decay), rtol=1e-6, atol=1e-9)
