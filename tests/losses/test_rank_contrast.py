"""Rank-N-Contrast against the triple loop of its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from watchtime.losses.rank_contrast import pairwise_distances, rank_contrast


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def slow(vectors: Tensor, target: list[float], temperature: float) -> Tensor:
    """Return the mean over i and j ≠ i of log Σ_{k ∈ S_ij} e^{s_ik} − s_ij, term by term."""
    rows, terms = range(len(target)), []
    for i in rows:
        similarity = [-torch.linalg.vector_norm(vectors[i] - vectors[k]) / temperature for k in rows]
        for j in rows:
            if j != i:
                gap = abs(target[i] - target[j])
                farther = [similarity[k] for k in rows if k != i and abs(target[i] - target[k]) >= gap]
                terms.append(torch.logsumexp(torch.stack(farther), 0) - similarity[j])
    return torch.stack(terms).mean()


def assert_as_slow(vectors: Tensor, target: list[float], temperature: float = 2.0) -> None:
    vectors = vectors.requires_grad_()
    labels = torch.tensor(target, dtype=vectors.dtype)
    found, expected = rank_contrast(vectors, labels, temperature), slow(vectors, target, temperature)
    assert found.shape == ()
    assert found.dtype == vectors.dtype
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-7)
    gradients = [torch.autograd.grad(value, vectors)[0] for value in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-7, atol=1e-7)


@given(
    target=st.lists(st.integers(0, 6), min_size=2, max_size=9),
    temperature=st.floats(0.1, 5),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_values_and_gradients_are_those_of_the_triple_loop(target: list[int], temperature: float, seed: int) -> None:
    """Small whole targets: many of them, and of their distances, are equal."""
    assert_as_slow(random(len(target), 3, seed=seed), [float(y) for y in target], temperature)


def test_targets_without_ties_too() -> None:
    assert_as_slow(random(12, 4), np.random.default_rng(0).gamma(1.0, 20.0, 12).tolist())


def test_two_rows_have_no_one_to_be_ranked_against() -> None:
    vectors = random(2, 3).requires_grad_()
    loss = rank_contrast(vectors, torch.tensor([1.0, 5.0]), 2.0)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert not torch.autograd.grad(loss, vectors)[0].any()


def test_equal_targets_compare_every_pair_with_all_others() -> None:
    vectors = random(6, 3)
    similarity = -torch.cdist(vectors, vectors) / 2
    similarity.fill_diagonal_(-math.inf)
    log_shares = similarity.log_softmax(1)
    expected = -log_shares[~torch.eye(6, dtype=torch.bool)].mean()
    assert rank_contrast(vectors, torch.full((6,), 3.0), 2.0).item() == pytest.approx(expected.item(), rel=1e-9)


def test_equal_vectors_have_no_gradient_and_the_value_of_counting() -> None:
    """Σ over S_ij of equal terms is |S_ij|; between equal vectors a distance has no direction."""
    target = [0.0, 1.0, 1.0, 4.0]
    vectors = random(1, 3).repeat(4, 1).requires_grad_()
    loss = rank_contrast(vectors, torch.tensor(target), 2.0)
    sizes = [
        sum(k != i and abs(target[k] - target[i]) >= abs(target[j] - target[i]) for k in range(4))
        for i in range(4)
        for j in range(4)
        if i != j
    ]
    assert loss.item() == pytest.approx(np.mean(np.log(sizes)), rel=1e-9)
    assert not torch.autograd.grad(loss, vectors)[0].any()


def test_two_equal_vectors_among_others() -> None:
    vectors = random(7, 3)
    vectors[4] = vectors[1]
    assert_as_slow(vectors, [0.0, 2.0, 2.0, 3.0, 9.0, 2.0, 1.0])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3, 1e8])
def test_near_and_far_vectors_give_finite_numbers(scale: float) -> None:
    vectors = (random(20, 4).float() * scale).requires_grad_()
    loss = rank_contrast(vectors, torch.arange(20.0), 2.0)
    assert loss.isfinite()
    assert torch.autograd.grad(loss, vectors)[0].isfinite().all()


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_far_vectors_are_exact_up_to_hundreds_of_temperatures(scale: float) -> None:
    """Single precision alone would lose e^{−s} beyond 87."""
    assert_as_slow(random(8, 3) * scale, [0.0, 5.0, 5.0, 7.0, 1.0, 30.0, 2.0, 2.5])


def test_vectors_in_order_lose_less_than_vectors_in_disorder() -> None:
    target = torch.arange(10.0)
    ordered = target.double()[:, None].repeat(1, 2)
    mixed = ordered[torch.randperm(10, generator=torch.Generator().manual_seed(0))]
    assert rank_contrast(ordered, target, 2.0) < rank_contrast(mixed, target, 2.0) - 0.1


def test_distances_are_right_far_from_the_origin() -> None:
    vectors = random(6, 3) + 1000.0
    exact = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
    torch.testing.assert_close(pairwise_distances(vectors.float()).double(), exact, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(pairwise_distances(vectors), exact, rtol=1e-9, atol=1e-7)


def test_repetitions_side_by_side_are_those_one_after_another() -> None:
    vectors, target = random(3, 8, 4).requires_grad_(), random(3, 8, seed=1).round()
    together = torch.vmap(lambda v, y: rank_contrast(v, y, 2.0))(vectors, target)
    alone = torch.stack([rank_contrast(v, y, 2.0) for v, y in zip(vectors, target, strict=True)])
    torch.testing.assert_close(together, alone)
    gradients = [torch.autograd.grad(value.sum(), vectors)[0] for value in (together, alone)]
    torch.testing.assert_close(*gradients)
