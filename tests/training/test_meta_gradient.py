"""The gradient through a tentative step against finite differences and against a graph of second order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from watchtime.training.group import Parameters
from watchtime.training.meta_gradient import Bilevel, meta_gradient

GENERATOR = torch.Generator().manual_seed(5)
RATE = 0.3


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


INPUTS, HELD_OUT, FEEDBACK = drawn(12, 3), drawn(7, 3), drawn(12, 2)
RECOMMENDER = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)).double()
LABELLER = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
THETA: Parameters = {name: drawn(*one.shape) for name, one in RECOMMENDER.named_parameters()}
PHI: Parameters = {name: drawn(*one.shape) for name, one in LABELLER.named_parameters()}


def recommended(theta: Parameters) -> Tensor:
    outputs: Tensor = functional_call(RECOMMENDER, theta, (INPUTS,))
    return outputs


def crafted(phi: Parameters, outputs: Tensor) -> Tensor:
    """The label sees the second output, which no gradient reaches."""
    inputs = torch.cat([FEEDBACK, outputs[:, 1:].detach()], -1)
    labels: Tensor = functional_call(LABELLER, phi, (inputs,)).squeeze(-1).sigmoid()
    return labels


def fit(outputs: Tensor, labels: Tensor) -> Tensor:
    return torch.mean((outputs[:, 0].sigmoid() - labels) ** 2)


def merit(theta: Parameters) -> Tensor:
    scores = functional_call(RECOMMENDER, theta, (HELD_OUT,))[:, 0]
    return (scores.softmax(0) * HELD_OUT[:, 1]).sum()


GAME = Bilevel(recommended, crafted, fit, merit)


def after_a_step(phi: Parameters, create_graph: bool = False) -> Tensor:
    """Return M(θ − η ∇_θ L(θ, φ)) by torch's ordinary backward pass."""
    theta = {name: one.clone().requires_grad_() for name, one in THETA.items()}
    outputs = recommended(theta)
    loss = fit(outputs, crafted(phi, outputs))
    gradients = torch.autograd.grad(loss, list(theta.values()), create_graph=create_graph)
    return merit({name: one - RATE * own for (name, one), own in zip(theta.items(), gradients, strict=True)})


def test_it_agrees_with_a_graph_of_second_order() -> None:
    phi = {name: one.clone().requires_grad_() for name, one in PHI.items()}
    expected = torch.autograd.grad(after_a_step(phi, create_graph=True), list(phi.values()))
    found = meta_gradient(GAME, THETA, PHI, RATE).climb
    for one, (name, _) in zip(expected, phi.items(), strict=True):
        torch.testing.assert_close(found[name], one, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", list(PHI))
def test_it_agrees_with_finite_differences(name: str) -> None:
    found = meta_gradient(GAME, THETA, PHI, RATE).climb[name].flatten()
    step = 1e-5
    for place in range(found.numel()):
        ends = []
        for sign in (1, -1):
            moved = PHI[name].clone()
            moved.view(-1)[place] += sign * step
            ends.append(float(after_a_step({**PHI, name: moved}).detach()))
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(found[place]), rel=1e-5, abs=1e-10)


def test_its_pull_gives_the_gradient_of_the_loss() -> None:
    found = meta_gradient(GAME, THETA, PHI, RATE)
    theta = {name: one.clone().requires_grad_() for name, one in THETA.items()}
    outputs = recommended(theta)
    expected: Any = torch.autograd.grad(fit(outputs, crafted(PHI, outputs)), list(theta.values()))
    (gradient,) = found.pull(GAME.slope(found.outputs, PHI))
    for name, one in zip(theta, expected, strict=True):
        torch.testing.assert_close(gradient[name], one)
