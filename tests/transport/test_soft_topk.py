"""SOFT top-k against the hard top k, POT's Sinkhorn, cases by hand and finite differences."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from watchtime.core.errors import WatchtimeError
from watchtime.transport.soft_topk import soft_topk

Divisor = Literal["largest", "none"]
EPSILONS = [1e-1, 1e-2, 1e-3, 1e-4]


def scores_of(seed: int, *shape: int) -> Tensor:
    """Return scores in (0, 1)."""
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def masked_case(seed: int) -> tuple[Tensor, Tensor]:
    """Return the scores of four users with 12, 9, 5 and 7 items, padded with what must not be looked at."""
    scores, mask = scores_of(seed, 4, 12), torch.zeros(4, 12, dtype=torch.bool)
    for user, items in enumerate((12, 9, 5, 7)):
        mask[user, torch.randperm(12, generator=torch.Generator().manual_seed(user))[:items]] = True
    return torch.where(mask, scores, torch.nan), mask


def cost_of(scores: Tensor, k: int, divisor: Divisor) -> Tensor:
    """Return the costs of one user, entry by entry."""
    cost = torch.tensor([[(float(s) - a) ** 2 for a in range(k, -1, -1)] for s in scores], dtype=torch.float64)
    return cost / cost.max() if divisor == "largest" else cost


def one_hot(scores: Tensor, k: int) -> Tensor:
    best = scores.sort(descending=True).indices[:k]
    return torch.nn.functional.one_hot(best, len(scores)).T.double()


def test_one_place_and_two_items_by_hand() -> None:
    """By symmetry v is right where both items are as far from it: p = 1 / (1 + exp(−(s₁ − s₂) / ε))."""
    found = soft_topk(torch.tensor([0.7, 0.4], dtype=torch.float64), 1, epsilon=0.25, divisor="none")
    expected = 1 / (1 + math.exp(-0.3 / 0.25))
    torch.testing.assert_close(found, torch.tensor([[expected], [1 - expected]], dtype=torch.float64))


def test_the_largest_cost_divides() -> None:
    """C_max is (0.4 − 1)² or 0.7², the larger of which is 0.49."""
    scores = torch.tensor([0.7, 0.4], dtype=torch.float64)
    found, undivided = soft_topk(scores, 1, 0.25), soft_topk(scores, 1, 0.25 * 0.49, divisor="none")
    torch.testing.assert_close(found, undivided)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_it_is_the_hard_top_k_for_small_epsilon(k: int) -> None:
    scores = torch.linspace(0, 1, 20, dtype=torch.float64)[
        torch.randperm(20, generator=torch.Generator().manual_seed(k))
    ]
    torch.testing.assert_close(soft_topk(scores, k, epsilon=1e-6), one_hot(scores, k), rtol=0, atol=1e-8)


def test_for_large_epsilon_every_item_is_everywhere_alike() -> None:
    torch.testing.assert_close(
        soft_topk(scores_of(0, 8), 3, 1e6), torch.full((8, 3), 1 / 8).double(), rtol=0, atol=1e-5
    )


def test_tied_items_share_their_places() -> None:
    """Two of four tied items go to the last two of three places, and one item stands above, three below."""
    scores = torch.tensor([0.5, 0.9, 0.1, 0.5, 0.2, 0.5, 0.3, 0.5], dtype=torch.float64)
    expected = torch.zeros(8, 3, dtype=torch.float64)
    expected[1, 0] = 1
    expected[scores == 0.5, 1:] = 0.25
    torch.testing.assert_close(soft_topk(scores, 3, epsilon=1e-4), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("divisor", ["largest", "none"])
@pytest.mark.parametrize("epsilon", [1e-1, 1e-2])
def test_pot_finds_the_same_user_by_user(epsilon: float, divisor: Divisor) -> None:
    scores, mask = masked_case(seed=1)
    found = soft_topk(scores, 3, epsilon * (1 if divisor == "largest" else 9), mask, divisor)
    for user in range(4):
        own = scores[user, mask[user]]
        items = len(own)
        plan = ot.sinkhorn(
            np.full(items, 1 / items),
            np.array([1, 1, 1, items - 3]) / items,
            cost_of(own, 3, divisor).numpy(),
            epsilon * (1 if divisor == "largest" else 9),
            method="sinkhorn_log",
            numItermax=20_000,
            stopThr=1e-10,
        )
        torch.testing.assert_close(found[user, mask[user]], items * torch.from_numpy(plan)[:, :3], rtol=0, atol=1e-7)
    assert bool((found[~mask] == 0).all())


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_the_plan_has_the_form_of_the_optimum(epsilon: float) -> None:
    """Γ with the right marginals is the optimum if log Γ_ij + C_ij / ε = f_i + g_j, which has no double differences.

    Sinkhorn's iterations take too long for a small ε; the scores are near each other so that entries can be seen.
    """
    scores = 0.5 + 50 * epsilon * scores_of(15, 12)
    found = soft_topk(scores, 3, epsilon, tolerance=1e-11)
    whole = torch.cat([found, 1 - found.sum(-1, keepdim=True)], -1)
    torch.testing.assert_close(whole.sum(0), torch.tensor([1, 1, 1, 9]).double(), rtol=0, atol=1e-10)
    potentials = whole.log() + cost_of(scores, 3, "largest") / epsilon
    checked = 0
    for i, j, left, right in np.ndindex(12, 12, 4, 4):
        four = [(i, left), (i, right), (j, left), (j, right)]
        if min(float(whole[place]) for place in four) > 1e-8:
            checked += i != j and left != right
            one, two, three, last = (float(potentials[place]) for place in four)
            assert one - two - three + last == pytest.approx(0, abs=1e-5)
    assert checked > 100


@settings(max_examples=60)
@given(
    items=st.integers(2, 40),
    k=st.integers(1, 12),
    seed=st.integers(0, 10**6),
    power=st.floats(-5, 1),
    levels=st.sampled_from([1, 3, 10, 10**6]),
)
def test_columns_sum_to_one_and_memberships_are_shares(
    items: int, k: int, seed: int, power: float, levels: int
) -> None:
    """Levels below the number of items make ties."""
    scores = (scores_of(seed, 3, items + k) * levels).round() / levels
    found = soft_topk(scores, k, 10.0**power)
    torch.testing.assert_close(found.sum(-2), torch.ones(3, k, dtype=torch.float64), rtol=0, atol=1e-8)
    assert bool((found >= 0).all())
    assert float(found.sum(-1).max()) <= 1 + 1e-12


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_membership_grows_with_the_score(epsilon: float) -> None:
    scores = scores_of(2, 5, 30).sort().values
    assert float(soft_topk(scores, 4, epsilon).sum(-1).diff().min()) >= -1e-12


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_items_and_users_may_stand_in_any_order(epsilon: float) -> None:
    scores, order = scores_of(3, 4, 20), torch.randperm(20, generator=torch.Generator().manual_seed(0))
    found = soft_topk(scores, 5, epsilon)
    torch.testing.assert_close(soft_topk(scores[:, order], 5, epsilon), found[:, order], rtol=0, atol=1e-7)
    torch.testing.assert_close(soft_topk(scores.flip(0), 5, epsilon), found.flip(0), rtol=0, atol=1e-7)
    torch.testing.assert_close(soft_topk(scores.reshape(2, 2, 20), 5, epsilon).reshape(4, 20, 5), found)


def test_a_shift_changes_nothing_but_the_divisor() -> None:
    scores = scores_of(4, 20)
    undivided = [soft_topk(one, 5, 1e-2, divisor="none") for one in (scores, scores + 7)]
    torch.testing.assert_close(undivided[0], undivided[1], rtol=0, atol=1e-7)
    divided, moved = (soft_topk(one, 5, 1e-3) for one in (scores, scores + 7))
    assert float((divided - moved).abs().max()) > 0.01
    ratio = float(cost_of(scores + 7, 5, "none").max() / cost_of(scores, 5, "none").max())
    torch.testing.assert_close(soft_topk(scores + 7, 5, 1e-3 / ratio), divided, rtol=0, atol=1e-7)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_the_gradient_is_that_of_finite_differences(epsilon: float) -> None:
    """The divisor is held at 9: it is a constant to the gradient, and would be no constant to a difference."""
    scores, mask = masked_case(seed=5)
    weights = scores_of(6, 4, 12, 3)

    def value(values: Tensor) -> Tensor:
        return (weights * soft_topk(values, 3, 9 * epsilon, mask, "none", tolerance=1e-11)).sum()

    leaf = scores.clone().requires_grad_()
    (found,) = torch.autograd.grad(value(leaf), leaf)
    length = 1e-4 * epsilon
    for user, item in np.ndindex(4, 12):
        if not mask[user, item]:
            assert float(found[user, item]) == 0
            continue
        bump = torch.zeros_like(scores)
        bump[user, item] = length
        expected = (value(scores + bump) - value(scores - bump)) / (2 * length)
        assert float(found[user, item]) == pytest.approx(float(expected), rel=1e-5, abs=1e-5)


def test_the_divisor_is_a_constant_to_the_gradient() -> None:
    scores, weights = scores_of(7, 9).requires_grad_(), scores_of(8, 9)
    largest = float(cost_of(scores.detach(), 2, "none").max())
    divided, undivided = soft_topk(scores, 2, 1e-2), soft_topk(scores, 2, 1e-2 * largest, divisor="none")
    both = [torch.autograd.grad((weights * one.sum(-1)).sum(), scores)[0] for one in (divided, undivided)]
    torch.testing.assert_close(*both)


def test_the_gradient_has_a_gradient() -> None:
    def value(scores: Tensor) -> Tensor:
        return soft_topk(scores, 2, 0.5, divisor="none", tolerance=1e-12)

    assert torch.autograd.gradcheck(value, scores_of(9, 2, 6).requires_grad_())
    assert torch.autograd.gradgradcheck(value, scores_of(9, 2, 6).requires_grad_())


def test_items_far_apart_have_a_gradient_of_nearly_zero() -> None:
    scores = torch.linspace(0, 1, 12, dtype=torch.float64).requires_grad_()
    (found,) = torch.autograd.grad((scores_of(1, 12, 3) * soft_topk(scores, 3, 1e-6)).sum(), scores)
    assert float(found.abs().max()) <= 1e-6


def test_a_function_transform_differentiates_through_it_in_single_precision() -> None:
    """As a labeler's objective does: through a step of gradient descent on what the scores are made from."""
    scores, mask = masked_case(seed=10)
    gain = torch.nan_to_num(scores).float()
    features = scores_of(11, 4, 12, 5).float()

    def fit(weights: Tensor, labels: Tensor) -> Tensor:
        return ((torch.sigmoid(features @ weights) - labels) ** 2)[mask].mean()

    def objective(labels: Tensor) -> Tensor:
        weights = torch.zeros(5)
        weights = weights - 5.0 * torch.func.grad(fit)(weights, labels)
        return (gain * soft_topk(torch.sigmoid(features @ weights), 3, 1e-3, mask).sum(-1)).sum()

    labels = scores_of(12, 4, 12).float()
    found = torch.func.grad(objective)(labels)
    leaf = labels.clone().requires_grad_()
    (expected,) = torch.autograd.grad(objective(leaf), leaf)
    assert found.dtype == torch.float32
    assert float(found.abs().max()) > 1e-3
    torch.testing.assert_close(found, expected)


def test_mapped_scores_are_solved_as_alone() -> None:
    scores, weights = scores_of(13, 3, 2, 9), scores_of(14, 9, 2)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[1, 5:] = False

    def value(one: Tensor) -> Tensor:
        return (weights * soft_topk(one, 2, 1e-2, mask)).sum()

    found = torch.vmap(torch.func.grad(value))(scores)
    alone = torch.stack([torch.func.grad(value)(one) for one in scores])
    torch.testing.assert_close(found, alone, rtol=1e-6, atol=1e-6)
    together = torch.func.grad(lambda all_scores: torch.vmap(value)(all_scores).sum())(scores)
    torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-6)


def test_no_users_are_no_harm() -> None:
    assert soft_topk(torch.zeros(0, 5), 2).shape == (0, 5, 2)


def test_users_need_more_items_than_places() -> None:
    _, mask = masked_case(seed=1)
    with pytest.raises(WatchtimeError, match="a user with 5 items"):
        soft_topk(torch.zeros(4, 12), 5, mask=mask)
    with pytest.raises(WatchtimeError, match="k = 0"):
        soft_topk(torch.zeros(4, 12), 0)


def test_what_is_not_reached_raises() -> None:
    with pytest.raises(ArithmeticError, match="of its mass"):
        soft_topk(scores_of(0, 30), 5, 1e-3, iterations=1)
    with pytest.raises(ArithmeticError, match="nan of its mass"):
        soft_topk(torch.tensor([0.1, torch.nan, 0.3]), 1)
