"""The distance similarity loss against a loop over pairs, and what it pulls together and apart."""

from __future__ import annotations

import math

import pytest
import torch

from watchtime.losses.distance_similarity import distance_similarity

GENERATOR = torch.Generator().manual_seed(0)
ROWS = torch.randn(6, 4, dtype=torch.float64, generator=GENERATOR)
VALUE = torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0, 40.0], dtype=torch.float64)


def test_it_is_the_mean_over_ordered_pairs_of_payers() -> None:
    terms = []
    for i in range(6):
        for j in range(6):
            if i != j and VALUE[i] > 0 and VALUE[j] > 0:
                one, other = ROWS[i].tolist(), ROWS[j].tolist()
                norms = math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))
                cosine = sum(a * b for a, b in zip(one, other, strict=True)) / norms
                ratio = VALUE[i].item() / VALUE[j].item()
                terms.append((cosine - min(ratio, 1 / ratio)) ** 2)
    assert len(terms) == 4 * 3
    assert distance_similarity(ROWS, VALUE).item() == pytest.approx(sum(terms) / len(terms), rel=1e-9)


def test_it_is_0_where_equal_values_agree_and_far_ones_are_orthogonal() -> None:
    rows = torch.tensor([[1.0, 0.0], [2.5, 0.0], [0.0, 1.0]])
    assert distance_similarity(rows, torch.tensor([1.0, 1.0, 1e30])).item() == pytest.approx(0, abs=1e-12)
    swapped = distance_similarity(rows, torch.tensor([1.0, 1e30, 1.0])).item()
    assert swapped == pytest.approx(2 * (1 + 1) / 6)


def test_gradients_are_finite_differences_and_finite_at_the_origin() -> None:
    assert torch.autograd.gradcheck(lambda rows: distance_similarity(rows, VALUE), ROWS.clone().requires_grad_())
    still = torch.zeros(3, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(distance_similarity(still, torch.tensor([3.0, 1.0, 2.0])), still)
    assert gradient.isfinite().all()


def test_a_payer_alone_has_no_pair() -> None:
    """Nor has it a gradient, and neither have those who pay nothing."""
    rows = ROWS.clone().requires_grad_()
    loss = distance_similarity(rows, torch.tensor([0.0, 0.0, 0.0, 3.0, 0.0, 0.0], dtype=torch.float64))
    assert loss.item() == 0
    (gradient,) = torch.autograd.grad(loss, rows)
    assert (gradient == 0).all()
