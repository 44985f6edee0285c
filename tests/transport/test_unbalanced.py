"""Penalties on both sides against hand-computed cases, non-negative least squares, POT and finite differences."""

from __future__ import annotations

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from torch import Tensor

from transport_cases import case
from watchtime.transport.problem import Problem
from watchtime.transport.semi_relaxed import semi_relaxed
from watchtime.transport.unbalanced import unbalanced

PAIRS = [(0.5, 2.0), (5.0, 1.0), (50.0, 10.0), (300.0, 0.3)]


def objective(plan: Tensor, cost: Tensor, alpha: Tensor, beta: Tensor, penalties: tuple[float, float]) -> float:
    linear = (plan * cost).sum()
    rows, columns = ((plan.sum(1) - alpha) ** 2).sum(), ((plan.sum(0) - beta) ** 2).sum()
    return float(linear + penalties[0] * rows + penalties[1] * columns)


def general(cost: Tensor, alpha: Tensor, beta: Tensor, penalties: tuple[float, float]) -> float:
    """Return the optimum by least squares: ⟨T, C⟩ joins as (w⟨T, C⟩ + 1 / 2w)² − w²⟨T, C⟩² − 1 / 4w² with a small w."""
    rows, columns = cost.shape
    small = 1e-4
    design = np.vstack(
        [
            math.sqrt(penalties[0]) * np.kron(np.eye(rows), np.ones(columns)),
            math.sqrt(penalties[1]) * np.kron(np.ones(rows), np.eye(columns)),
            small * cost.numpy().reshape(1, -1),
        ]
    )
    target = np.concatenate(
        [math.sqrt(penalties[0]) * alpha.numpy(), math.sqrt(penalties[1]) * beta.numpy(), [-0.5 / small]]
    )
    plan, _ = nnls(design, target, maxiter=10_000)
    return objective(torch.from_numpy(plan.reshape(rows, columns)), cost, alpha, beta, penalties)


@pytest.mark.parametrize("price", [0.0, 0.7, 1.9, 2.3, 5.0])
@pytest.mark.parametrize("penalties", PAIRS)
def test_one_row_and_one_column_by_hand(price: float, penalties: tuple[float, float]) -> None:
    """t minimises c t + λ₁(t − a)² + λ₂(t − b)², so t = (λ₁a + λ₂b − c / 2) / (λ₁ + λ₂), or 0."""
    (cost, alpha, beta), (first, second) = torch.tensor([[[price]], [[0.4]], [[0.9]]]).double(), penalties
    plan = unbalanced(cost, alpha[0], beta[0], first, second, tolerance=1e-12).plan
    expected = max((first * 0.4 + second * 0.9 - price / 2) / (first + second), 0.0)
    assert float(plan) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("penalties", PAIRS)
@pytest.mark.parametrize(("rows", "columns"), [(7, 4), (3, 9), (5, 1), (1, 5)])
def test_it_finds_what_least_squares_find(rows: int, columns: int, penalties: tuple[float, float]) -> None:
    cost, alpha, beta = case(rows, columns, seed=rows)
    plan, _, gap = unbalanced(cost, alpha, beta, *penalties, tolerance=1e-9)
    assert float(gap) <= 1e-9
    value = objective(plan, cost, alpha, beta, penalties)
    assert value == pytest.approx(general(cost, alpha, beta, penalties), abs=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("penalties", PAIRS)
def test_it_finds_what_pot_finds(penalties: tuple[float, float]) -> None:
    """POT's "l2" has half of the square for L-BFGS-B, so that its penalties are twice ours."""
    cost, alpha, beta = case(8, 5, seed=3)
    doubled = (2 * penalties[0], 2 * penalties[1])
    options = {"reg": 0, "reg_m": doubled, "regm_div": "l2", "numItermax": 20_000, "stopThr": 1e-14}
    theirs = ot.unbalanced.lbfgsb_unbalanced(alpha.numpy(), beta.numpy(), cost.numpy(), **options)
    plan = unbalanced(cost, alpha, beta, *penalties, tolerance=1e-9).plan
    values = (objective(one, cost, alpha, beta, penalties) for one in (plan, torch.from_numpy(theirs)))
    assert next(values) == pytest.approx(next(values), abs=1e-6)


@settings(max_examples=30)
@given(
    rows=st.integers(1, 30),
    columns=st.integers(1, 20),
    seed=st.integers(0, 10**6),
    powers=st.tuples(st.floats(-2, 5), st.floats(-2, 3)),
    tolerance=st.sampled_from([1e-3, 1e-6, 1e-8]),
)
def test_the_gap_is_kept_and_bounds_what_a_tighter_solution_gains(
    rows: int, columns: int, seed: int, powers: tuple[float, float], tolerance: float
) -> None:
    cost, alpha, beta = case(rows, columns, seed)
    penalties = (10.0 ** powers[0], 10.0 ** powers[1])
    plan, potentials, gap = unbalanced(cost, alpha, beta, *penalties, tolerance)
    assert float(gap) <= tolerance
    assert bool((plan >= 0).all())
    torch.testing.assert_close(potentials, 2 * penalties[1] * (plan.sum(0) - beta), rtol=1e-9, atol=1e-9)
    best = unbalanced(cost, alpha, beta, *penalties, tolerance=1e-8).plan
    gained = objective(plan, cost, alpha, beta, penalties) - objective(best, cost, alpha, beta, penalties)
    assert -2e-8 <= gained <= float(gap) + 1e-12


def test_the_dual_is_never_above_the_primal() -> None:
    """Weak duality at plans and potentials that have nothing to do with each other."""
    generator = torch.Generator().manual_seed(0)
    cost, alpha, beta = case(9, 5, seed=4)
    for penalties in PAIRS:
        problem = Problem(cost, alpha, beta, penalties[1], penalties[0])
        best = objective(unbalanced(cost, alpha, beta, *penalties, 1e-10).plan, cost, alpha, beta, penalties)
        for _ in range(20):
            potentials = torch.randn(5, dtype=torch.float64, generator=generator)
            assert float(problem.dual(potentials)) <= best + 1e-12


@pytest.mark.parametrize("penalty", [0.1, 1.0, 10.0, 100.0])
def test_with_a_large_row_penalty_it_is_semi_relaxed(penalty: float) -> None:
    cost, alpha, beta = case(16, 5, seed=2)
    hard = semi_relaxed(cost, alpha, beta, penalty, tolerance=1e-10)
    near = unbalanced(cost, alpha, beta, 1e7, penalty, tolerance=1e-9)
    torch.testing.assert_close(near.plan.sum(-1), alpha, rtol=0, atol=1e-6)
    torch.testing.assert_close(near.plan.sum(-2), hard.plan.sum(-2), rtol=0, atol=1e-4)
    assert float((near.plan * cost).sum()) == pytest.approx(float((hard.plan * cost).sum()), abs=1e-4)


@pytest.mark.parametrize("factor", [1.0001, 2.0])
def test_nothing_is_transported_where_costs_exceed_the_prices_of_mass(factor: float) -> None:
    _, alpha, beta = case(6, 4, seed=5)
    cost = factor * (2 * 0.7 * alpha[:, None] + 2 * 0.3 * beta)
    assert float(unbalanced(cost, alpha, beta, 0.7, 0.3, tolerance=1e-12).plan.sum()) <= 1e-5
    assert float(unbalanced(cost / factor / 1.1, alpha, beta, 0.7, 0.3, tolerance=1e-12).plan.sum()) > 1e-3


@pytest.mark.parametrize("penalties", PAIRS)
def test_problems_that_stand_side_by_side_are_solved_as_alone(penalties: tuple[float, float]) -> None:
    cost, alpha, beta = case(16, 5, seed=2, batch=(2, 3))
    together = unbalanced(cost, alpha, beta, *penalties, tolerance=1e-11)
    assert together.gap.shape == (2, 3)
    for place in np.ndindex(2, 3):
        alone = unbalanced(cost[place], alpha[place], beta[place], *penalties, tolerance=1e-11)
        torch.testing.assert_close(together.plan[place], alone.plan, rtol=0, atol=1e-5)


def test_a_start_changes_the_way_and_not_the_end() -> None:
    cost, alpha, beta = case(64, 10, seed=4)
    cold = unbalanced(cost, alpha, beta, 200.0, 3.0, tolerance=1e-10)
    other = unbalanced(case(64, 10, seed=5)[0], alpha, beta, 200.0, 3.0)
    warm = unbalanced(cost, alpha, beta, 200.0, 3.0, tolerance=1e-10, start=other.potentials)
    torch.testing.assert_close(warm.plan.sum(0), cold.plan.sum(0), rtol=0, atol=1e-5)


def test_single_precision_costs_give_single_precision_plans() -> None:
    cost, alpha, beta = (one.float() for one in case(32, 8, seed=6))
    solution = unbalanced(cost, alpha, beta, 100.0, 1.0)
    assert all(one.dtype == torch.float32 for one in solution)
    assert float(solution.gap) <= 1e-6


@pytest.mark.parametrize("penalties", [(5.0, 1.0), (50.0, 10.0)])
def test_the_implicit_gradient_is_that_of_finite_differences(penalties: tuple[float, float]) -> None:
    cost, alpha, beta = case(5, 3, seed=12)
    weights = torch.rand(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(9))

    def value(costs: Tensor) -> float:
        return float((weights * unbalanced(costs, alpha, beta, *penalties, tolerance=1e-12).plan).sum())

    leaf = cost.clone().requires_grad_()
    plan = unbalanced(leaf, alpha, beta, *penalties, tolerance=1e-12, implicit=True).plan
    (found,) = torch.autograd.grad((weights * plan).sum(), leaf)
    step = 1e-4
    for i, k in np.ndindex(5, 3):
        bump = torch.zeros_like(cost)
        bump[i, k] = step
        assert float(found[i, k]) == pytest.approx((value(cost + bump) - value(cost - bump)) / (2 * step), abs=1e-3)


def test_nothing_transported_has_no_gradient() -> None:
    _, alpha, beta = case(6, 4, seed=5)
    cost = (3.0 + torch.zeros(6, 4, dtype=torch.float64)).requires_grad_()
    plan = unbalanced(cost, alpha, beta, 0.7, 0.3, tolerance=1e-12, implicit=True).plan
    (found,) = torch.autograd.grad(plan.sum(), cost)
    assert float(found.abs().max()) <= 1e-3
