"""Compactness against the loops of its formula, a case by hand, and what must not matter."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from watchtime.losses.compactness import compactness

GENERATOR = torch.Generator().manual_seed(3)
VECTORS = torch.nn.functional.normalize(torch.randn(9, 4, generator=GENERATOR, dtype=torch.float64), dim=-1)
MEMBERS = torch.rand(9, 5, generator=GENERATOR) < 0.4


def looped(vectors: Tensor, members: Tensor, temperature: float) -> float:
    """Return eq. 11 as it is printed, pair by pair."""
    rows, prototypes = members.shape
    score = [[math.exp(float(vectors[i] @ vectors[j]) / temperature) for j in range(rows)] for i in range(rows)]
    everything = sum(sum(row) for row in score)
    total = sum(
        math.log(score[i][j] / everything)
        for k in range(prototypes)
        for i, j in itertools.product(range(rows), repeat=2)
        if i != j and members[i, k] and members[j, k]
    )
    return -total / prototypes


@pytest.mark.parametrize("temperature", [0.05, 1.0, 7.0])
def test_it_is_the_printed_sum(temperature: float) -> None:
    found = compactness(VECTORS, MEMBERS, temperature)
    assert found.item() == pytest.approx(looped(VECTORS, MEMBERS, temperature), rel=1e-12)


def test_averaged_it_is_the_mean_over_the_pairs() -> None:
    pairs = sum(int(column.sum()) * (int(column.sum()) - 1) for column in MEMBERS.T)
    expected = looped(VECTORS, MEMBERS, 0.3) * MEMBERS.shape[1] / pairs
    assert compactness(VECTORS, MEMBERS, 0.3, averaged=True).item() == pytest.approx(expected, rel=1e-12)


def test_two_equal_rows_of_one_prototype() -> None:
    """Both ordered pairs have probability 1 / 4 among the four, and one of two prototypes has them: 2 log 4 / 2."""
    vectors = torch.tensor([[0.6, 0.8], [0.6, 0.8]])
    members = torch.tensor([[True, False], [True, False]])
    assert compactness(vectors, members, 0.3).item() == pytest.approx(math.log(4))


def test_a_row_alone_with_its_prototype_has_no_pair() -> None:
    alone = torch.tensor([[True, False], [False, True]])
    assert compactness(VECTORS[:2], alone, 0.1).item() == 0
    assert compactness(VECTORS[:2], alone, 0.1, averaged=True).item() == 0


def test_no_rows_have_no_loss() -> None:
    nothing = torch.zeros(0, 4, requires_grad=True)
    loss = compactness(nothing, MEMBERS[:0], 0.1)
    (gradient,) = torch.autograd.grad(loss, nothing)
    assert gradient.shape == nothing.shape
    assert loss.item() == 0


def test_a_step_down_its_gradient_brings_the_members_of_a_prototype_together() -> None:
    vectors = VECTORS.clone().requires_grad_()
    members = torch.zeros(9, 1, dtype=torch.bool)
    members[:3] = True
    (gradient,) = torch.autograd.grad(compactness(vectors, members, 0.5), vectors)

    def share(at: Tensor) -> float:
        similarities = (at @ at.T / 0.5).exp()
        return float(similarities[:3, :3].sum() / similarities.sum())

    assert share(vectors.detach() - 0.01 * gradient) > share(vectors.detach())
